//! Columnar tables and live views of them.
