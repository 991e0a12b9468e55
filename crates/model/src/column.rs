//! One column of a batch: cells of one type packed together, with a bitmap of those that are there.

use std::ops::Range;

use crate::bitmap::Bitmap;
use crate::schema::ColumnType;
use crate::value::{Media, Timestamp, Value};

/// Texts packed end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// Where each text ends; the first starts at 0.
    ends: Vec<u32>,
    text: String,
}

impl Strings {
    /// None yet, with room for so many texts of so many bytes together.
    #[must_use]
    pub fn with_capacity(n_texts: usize, n_bytes: usize) -> Self {
        Self { ends: Vec::with_capacity(n_texts), text: String::with_capacity(n_bytes) }
    }

    /// How many texts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text at `idx`.
    ///
    /// # Panics
    /// When `idx` is not below [`Strings::len`].
    #[must_use]
    pub fn get(&self, idx: usize) -> &str {
        let start = if idx == 0 { 0 } else { self.ends[idx - 1] as usize };
        &self.text[start..self.ends[idx] as usize]
    }

    /// Adds a text.
    ///
    /// # Panics
    /// When all texts together pass 4 GiB, which a batch's limits exclude.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).expect("a batch holds less than 4 GiB of text"));
    }

    /// Adds a range of other texts.
    ///
    /// # Panics
    /// As [`Strings::push`], and when `other` has no such texts.
    pub fn extend_from(&mut self, other: &Strings, range: Range<usize>) {
        let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else { return };
        let start = range.start.checked_sub(1).map_or(0, |before| other.ends[before]);
        let shift = self.text.len();
        self.text.push_str(&other.text[start as usize..other.ends[last] as usize]);
        assert!(u32::try_from(self.text.len()).is_ok(), "a batch holds less than 4 GiB of text");
        self.ends.extend(other.ends[range].iter().map(|end| end - start + shift as u32));
    }

    /// Texts that were packed elsewhere; `ends` says where each ends.
    ///
    /// `None` where an end does not stand between two characters, at or after the one before, or the last is not the
    /// text's own.
    #[must_use]
    pub fn from_parts(text: String, ends: Vec<u32>) -> Option<Self> {
        let in_order = ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == text.len();
        let at_characters = || text.is_ascii() || ends.iter().all(|end| text.is_char_boundary(*end as usize));
        (in_order && at_characters()).then_some(Self { ends, text })
    }

    /// The texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|idx| self.get(idx))
    }

    /// All texts end to end, in UTF-8.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// How many bytes the texts take, without room for more.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }

    /// Gives back the room for more texts.
    pub fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Where each text ends within [`Strings::bytes`].
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }
}

impl<'a> FromIterator<&'a str> for Strings {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut strings = Strings::default();
        for text in texts {
            strings.push(text);
        }
        strings
    }
}

/// The cells of a column, packed by type. A null cell holds the type's default.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// So many cells, all null.
    Null(usize),
    /// True and false.
    Bool(Vec<bool>),
    /// Whole numbers.
    Int(Vec<i64>),
    /// Numbers.
    Float(Vec<f64>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Time(Vec<i64>),
    /// Texts.
    Text(Strings),
    /// Raw bytes.
    Bytes(Vec<Vec<u8>>),
    /// Pictures and other media.
    Media(Vec<Media>),
    /// Lists and objects, and [`Value::Null`] where null.
    Nested(Vec<Value>),
    /// Values of several types, and [`Value::Null`] where null.
    Mixed(Vec<Value>),
}

impl Cells {
    /// How many cells there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Cells::Null(n) => *n,
            Cells::Bool(cells) => cells.len(),
            Cells::Int(cells) | Cells::Time(cells) => cells.len(),
            Cells::Float(cells) => cells.len(),
            Cells::Text(cells) => cells.len(),
            Cells::Bytes(cells) => cells.len(),
            Cells::Media(cells) => cells.len(),
            Cells::Nested(cells) | Cells::Mixed(cells) => cells.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cell at `idx`, as if it were not null.
    fn value(&self, idx: usize) -> Value {
        match self {
            Cells::Null(_) => Value::Null,
            Cells::Bool(cells) => Value::Bool(cells[idx]),
            Cells::Int(cells) => Value::Int(cells[idx]),
            Cells::Float(cells) => Value::Float(cells[idx]),
            Cells::Time(cells) => Value::Time(Timestamp(cells[idx])),
            Cells::Text(cells) => Value::Text(cells.get(idx).to_owned()),
            Cells::Bytes(cells) => Value::Bytes(cells[idx].clone()),
            Cells::Media(cells) => Value::Media(cells[idx].clone()),
            Cells::Nested(cells) | Cells::Mixed(cells) => cells[idx].clone(),
        }
    }

    /// Adds one default cell.
    fn push_default(&mut self) {
        match self {
            Cells::Null(n) => *n += 1,
            Cells::Bool(cells) => cells.push(false),
            Cells::Int(cells) | Cells::Time(cells) => cells.push(0),
            Cells::Float(cells) => cells.push(0.0),
            Cells::Text(cells) => cells.push(""),
            Cells::Bytes(cells) => cells.push(Vec::new()),
            Cells::Media(cells) => cells.push(Media { mime: String::new(), bytes: Vec::new() }),
            Cells::Nested(cells) | Cells::Mixed(cells) => cells.push(Value::Null),
        }
    }

    /// Adds a value of the cells' own type; gives back one of another type.
    fn push(&mut self, value: Value) -> Result<(), Value> {
        match (self, value) {
            (Cells::Bool(cells), Value::Bool(v)) => cells.push(v),
            (Cells::Int(cells), Value::Int(v)) => cells.push(v),
            (Cells::Float(cells), Value::Float(v)) => cells.push(v),
            (Cells::Time(cells), Value::Time(v)) => cells.push(v.0),
            (Cells::Text(cells), Value::Text(v)) => cells.push(&v),
            (Cells::Bytes(cells), Value::Bytes(v)) => cells.push(v),
            (Cells::Media(cells), Value::Media(v)) => cells.push(v),
            (Cells::Nested(cells), v @ (Value::List(_) | Value::Object(_))) | (Cells::Mixed(cells), v) => cells.push(v),
            (_, value) => return Err(value),
        }
        Ok(())
    }

    /// Adds a range of cells of the same type; says whether it could.
    fn extend(&mut self, other: &Cells, range: Range<usize>) -> bool {
        match (self, other) {
            (Cells::Null(n), Cells::Null(_)) => *n += range.len(),
            (Cells::Bool(cells), Cells::Bool(other)) => cells.extend_from_slice(&other[range]),
            (Cells::Int(cells), Cells::Int(other)) => cells.extend_from_slice(&other[range]),
            (Cells::Time(cells), Cells::Time(other)) => cells.extend_from_slice(&other[range]),
            (Cells::Float(cells), Cells::Float(other)) => cells.extend_from_slice(&other[range]),
            (Cells::Text(cells), Cells::Text(other)) => range.for_each(|idx| cells.push(other.get(idx))),
            (Cells::Bytes(cells), Cells::Bytes(other)) => cells.extend_from_slice(&other[range]),
            (Cells::Media(cells), Cells::Media(other)) => cells.extend_from_slice(&other[range]),
            (Cells::Nested(cells), Cells::Nested(other)) => cells.extend_from_slice(&other[range]),
            (Cells::Mixed(cells), Cells::Mixed(other)) => cells.extend_from_slice(&other[range]),
            _ => return false,
        }
        true
    }

    /// No cells, of the type that holds `value`.
    fn of_type(value: &Value) -> Cells {
        match value {
            Value::Null => Cells::Null(0),
            Value::Bool(_) => Cells::Bool(Vec::new()),
            Value::Int(_) => Cells::Int(Vec::new()),
            Value::Float(_) => Cells::Float(Vec::new()),
            Value::Time(_) => Cells::Time(Vec::new()),
            Value::Text(_) => Cells::Text(Strings::default()),
            Value::Bytes(_) => Cells::Bytes(Vec::new()),
            Value::Media(_) => Cells::Media(Vec::new()),
            Value::List(_) | Value::Object(_) => Cells::Nested(Vec::new()),
        }
    }
}

/// A named column of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    name: String,
    cells: Cells,
    /// Which cells have a value; `None` where all have.
    validity: Option<Bitmap>,
}

impl Column {
    /// Joins a column's parts.
    ///
    /// # Panics
    /// When `validity` has not a bit for each cell.
    #[must_use]
    pub fn new(name: String, cells: Cells, validity: Option<Bitmap>) -> Self {
        if let Some(validity) = &validity {
            assert_eq!(validity.len(), cells.len(), "a bit a cell");
        }
        Self { name, cells, validity }
    }

    /// A column of values in order, of the narrowest type that holds them.
    #[must_use]
    pub fn of_values(name: String, values: impl IntoIterator<Item = Value>) -> Self {
        let mut column = Self::nulls(name, 0);
        values.into_iter().for_each(|value| column.push(value));
        column
    }

    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The packed cells.
    #[must_use]
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// Which cells have a value; `None` where all have.
    #[must_use]
    pub fn validity(&self) -> Option<&Bitmap> {
        self.validity.as_ref()
    }

    /// How many cells there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the cell at `idx` is null.
    #[must_use]
    pub fn is_null(&self, idx: usize) -> bool {
        matches!(self.cells, Cells::Null(_)) || self.validity.as_ref().is_some_and(|bits| !bits.get(idx))
    }

    /// The cell at `idx`, copied.
    #[must_use]
    pub fn value(&self, idx: usize) -> Value {
        if self.is_null(idx) { Value::Null } else { self.cells.value(idx) }
    }

    /// The narrowest type that holds every cell.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        match &self.cells {
            Cells::Null(_) => ColumnType::Null,
            Cells::Bool(_) => ColumnType::Bool,
            Cells::Int(_) => ColumnType::Int,
            Cells::Float(_) => ColumnType::Float,
            Cells::Time(_) => ColumnType::Time,
            Cells::Text(_) => ColumnType::Text,
            Cells::Bytes(_) => ColumnType::Bytes,
            Cells::Media(_) => ColumnType::Media,
            Cells::Nested(_) => ColumnType::Nested,
            Cells::Mixed(values) => values.iter().fold(ColumnType::Null, |t, value| t.merge(value.column_type())),
        }
    }

    /// Starts a column with `n_rows` null cells.
    pub(crate) fn nulls(name: String, n_rows: usize) -> Self {
        Self { name, cells: Cells::Null(n_rows), validity: None }
    }

    /// Adds a cell, turning to a type that holds it where need be.
    pub(crate) fn push(&mut self, value: Value) {
        if value.is_null() {
            if !matches!(self.cells, Cells::Null(_)) {
                let n_rows = self.len();
                self.validity.get_or_insert_with(|| Bitmap::repeat(true, n_rows)).push(false);
            }
            self.cells.push_default();
            return;
        }
        if let Cells::Null(n_rows) = self.cells {
            self.become_typed(Cells::of_type(&value), n_rows);
        }
        if let Err(value) = self.cells.push(value) {
            self.become_mixed();
            let pushed = self.cells.push(value);
            debug_assert!(pushed.is_ok(), "mixed cells hold any value");
        }
        if let Some(validity) = &mut self.validity {
            validity.push(true);
        }
    }

    /// Adds `range` of the cells of another column.
    pub(crate) fn extend(&mut self, other: &Column, range: Range<usize>) {
        if let (Cells::Null(n_rows), false) = (&self.cells, matches!(other.cells, Cells::Null(_))) {
            self.become_typed(other.cells.empty_like(), *n_rows);
        }
        if !self.cells.extend(&other.cells, range.clone()) {
            range.for_each(|idx| self.push(other.value(idx)));
            return;
        }
        match (&mut self.validity, &other.validity) {
            (None, None) => {}
            (Some(bits), None) => bits.extend_repeat(true, range.len()),
            (bits, Some(other)) => {
                let n_before = self.cells.len() - range.len();
                let bits = bits.get_or_insert_with(|| Bitmap::repeat(true, n_before));
                range.for_each(|idx| bits.push(other.get(idx)));
            }
        }
    }

    /// Adds null cells until there are `n_rows`.
    pub(crate) fn fill(&mut self, n_rows: usize) {
        while self.len() < n_rows {
            self.push(Value::Null);
        }
    }

    fn become_typed(&mut self, mut cells: Cells, n_nulls: usize) {
        (0..n_nulls).for_each(|_| cells.push_default());
        self.cells = cells;
        self.validity = (n_nulls > 0).then(|| Bitmap::repeat(false, n_nulls));
    }

    fn become_mixed(&mut self) {
        self.cells = Cells::Mixed((0..self.len()).map(|idx| self.value(idx)).collect());
    }
}

impl Cells {
    fn empty_like(&self) -> Cells {
        match self {
            Cells::Null(_) => Cells::Null(0),
            Cells::Bool(_) => Cells::Bool(Vec::new()),
            Cells::Int(_) => Cells::Int(Vec::new()),
            Cells::Float(_) => Cells::Float(Vec::new()),
            Cells::Time(_) => Cells::Time(Vec::new()),
            Cells::Text(_) => Cells::Text(Strings::default()),
            Cells::Bytes(_) => Cells::Bytes(Vec::new()),
            Cells::Media(_) => Cells::Media(Vec::new()),
            Cells::Nested(_) => Cells::Nested(Vec::new()),
            Cells::Mixed(_) => Cells::Mixed(Vec::new()),
        }
    }
}

impl Value {
    /// The type of a column that holds this value alone.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        match self {
            Value::Null => ColumnType::Null,
            Value::Bool(_) => ColumnType::Bool,
            Value::Int(_) => ColumnType::Int,
            Value::Float(_) => ColumnType::Float,
            Value::Time(_) => ColumnType::Time,
            Value::Text(_) => ColumnType::Text,
            Value::Bytes(_) => ColumnType::Bytes,
            Value::Media(_) => ColumnType::Media,
            Value::List(_) | Value::Object(_) => ColumnType::Nested,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_packed_together_are_those_pushed_one_by_one(
            mine in prop::collection::vec("\\PC{0,3}", 0..6),
            more in prop::collection::vec("\\PC{0,3}", 0..6),
            range in (0_usize..6, 0_usize..6),
        ) {
            let range = range.0.min(more.len())..range.1.min(more.len());
            let strings = |texts: &[String]| texts.iter().map(String::as_str).collect::<Strings>();
            let mut packed = strings(&mine);
            packed.extend_from(&strings(&more), range.clone());
            let expect: Vec<String> = mine.iter().chain(more.get(range).unwrap_or_default()).cloned().collect();
            prop_assert_eq!(&packed, &strings(&expect));
            prop_assert_eq!(Strings::from_parts(expect.concat(), packed.ends().to_vec()), Some(packed));
        }
    }

    #[test]
    fn parts_that_do_not_fit_are_no_texts() {
        for (text, ends) in
            [("ab", vec![1]), ("ab", vec![2, 1]), ("ab", vec![3]), ("\u{e9}b", vec![1, 3]), ("a", vec![])]
        {
            assert_eq!(Strings::from_parts(text.to_owned(), ends), None, "{text}");
        }
    }
}
