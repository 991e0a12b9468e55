//! The logging library.
