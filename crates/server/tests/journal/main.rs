//! The journal: against a plain list, on disks that fail, with damaged files, with files of earlier formats.

mod against_a_list;
mod common;
mod damage;
mod disk;
mod formats;
mod power_cut;
