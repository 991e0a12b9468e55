//! The engine for `cargo xtask bench engine`, driven as the board's worker drives it: frames come in as bytes, windows go out
//! as typed arrays. Also makes the rows that all libraries are given.

mod rows;

use engine::{Table, View, ViewSpec};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

pub use rows::make_frame;

/// A table and its open views.
#[wasm_bindgen]
#[derive(Default)]
pub struct Engine {
    table: Table,
    views: Vec<Option<View>>,
}

#[wasm_bindgen]
impl Engine {
    /// One without rows.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a frame, and brings every open view up to date.
    ///
    /// # Errors
    ///
    /// When the bytes are not a frame, or not the one that comes next.
    pub fn append(&mut self, frame: &[u8]) -> Result<(), JsError> {
        self.table.append(&wire::arrow::decode_frame(frame)?)?;
        for view in self.views.iter_mut().flatten() {
            view.apply(&self.table);
        }
        Ok(())
    }

    /// Opens a view of a query, and gives its number.
    ///
    /// # Errors
    ///
    /// When the query is none, or no view can show it.
    pub fn open(&mut self, query: &str) -> Result<usize, JsError> {
        let spec = ViewSpec::of(&expr::parse_query(query)?)?;
        self.views.push(Some(View::new(&self.table, spec)?));
        Ok(self.views.len() - 1)
    }

    /// Closes a view.
    pub fn close(&mut self, view: usize) {
        self.views[view] = None;
    }

    /// How many rows a view has.
    pub fn n_rows(&self, view: usize) -> usize {
        self.views[view].as_ref().map_or(0, View::n_rows)
    }

    /// The ids of the rows in a range of ranks, whose cells in every column are made ready too.
    pub fn window(&mut self, view: usize, start: usize, end: usize) -> Vec<f64> {
        let Some(view) = &mut self.views[view] else { return Vec::new() };
        let names = names(view);
        view.window(&self.table, start..end, &names).row_ids
    }

    /// Lets a view do what it has put off, as the worker does once the first window is out.
    pub fn settle(&mut self, view: usize) {
        if let Some(view) = &mut self.views[view] {
            view.settle(&self.table);
        }
    }

    /// The numbers of a column of a view.
    pub fn numbers(&mut self, view: usize, column: usize) -> Vec<f64> {
        let Some(view) = &mut self.views[view] else { return Vec::new() };
        let names = names(view);
        let mut window = view.window(&self.table, 0..view.n_rows(), &names[column..=column]);
        window.columns.pop().map_or_else(Vec::new, |column| column.numbers)
    }

    /// How many bytes the cells take, about.
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes()
    }
}

fn names(view: &View) -> Vec<String> {
    view.columns().iter().map(|column| column.name.clone()).collect()
}
