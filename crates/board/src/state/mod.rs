//! The board's state apart from the DOM: pure, and tested on the host.

pub mod browser_rows;
pub mod budget;
pub mod cell;
pub mod conditions;
pub mod geometry;
pub mod layout;
pub mod rate;
pub mod remote_view;
pub mod selection;
pub mod text;
