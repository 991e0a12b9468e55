//! The journal: against a plain list, on disks that fail, with damaged files, with files of earlier formats, and while rows that
//! somebody reads are dropped.

mod against_a_list;
mod common;
mod damage;
mod disk;
mod dropped;
mod formats;
mod power_cut;
