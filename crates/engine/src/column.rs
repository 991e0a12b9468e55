//! A column's cells within one segment, packed by type.

use std::ops::Range;

use model::{Bitmap, Column, Media, Value};

use crate::cell::Cell;
use crate::text::TextCells;

/// As much text as a segment's column packs, in bytes: its ends are 32-bit, and half their range is more than enough for
/// 65,536 cells. Past it cells are kept apart.
const MAX_TEXT_BYTES: usize = 1 << 31;

/// The cells of a column in a segment.
pub(crate) struct Chunk {
    pub(crate) cells: Cells,
    /// Which cells have a value; `None` where all have.
    pub(crate) validity: Option<Bitmap>,
    pub(crate) n_nulls: usize,
    pub(crate) zone: Zone,
}

/// Packed cells. A null cell holds the type's default.
pub(crate) enum Cells {
    /// So many cells, all null.
    Null(usize),
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Time(Vec<i64>),
    Text(TextCells),
    Bytes(Vec<Vec<u8>>),
    Media(Vec<Media>),
    /// Lists, objects, and values of several types.
    Values(Vec<Value>),
}

/// The ends of what a chunk holds, nulls left out: what a filter reads before it reads cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Zone {
    /// Nothing is known.
    Unknown,
    /// Whole numbers, or times.
    Int { min: i64, max: i64 },
    /// Numbers.
    Float { min: f64, max: f64, has_nan: bool },
}

impl Chunk {
    pub(crate) fn nulls(n_rows: usize) -> Self {
        Self { cells: Cells::Null(n_rows), validity: None, n_nulls: n_rows, zone: Zone::Unknown }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.cells {
            Cells::Null(n_rows) => *n_rows,
            Cells::Bool(cells) => cells.len(),
            Cells::Int(cells) | Cells::Time(cells) => cells.len(),
            Cells::Float(cells) => cells.len(),
            Cells::Text(cells) => cells.len(),
            Cells::Bytes(cells) => cells.len(),
            Cells::Media(cells) => cells.len(),
            Cells::Values(cells) => cells.len(),
        }
    }

    pub(crate) fn is_null(&self, idx: usize) -> bool {
        matches!(self.cells, Cells::Null(_)) || self.validity.as_ref().is_some_and(|bits| !bits.get(idx))
    }

    pub(crate) fn cell(&self, idx: usize) -> Cell<'_> {
        if self.is_null(idx) {
            return Cell::Null;
        }
        match &self.cells {
            Cells::Null(_) => Cell::Null,
            Cells::Bool(cells) => Cell::Bool(cells[idx]),
            Cells::Int(cells) => Cell::Int(cells[idx]),
            Cells::Float(cells) => Cell::Float(cells[idx]),
            Cells::Time(cells) => Cell::Time(cells[idx]),
            Cells::Text(cells) => Cell::Text(cells.get(idx)),
            Cells::Bytes(cells) => Cell::Bytes(&cells[idx]),
            Cells::Media(cells) => Cell::Media(&cells[idx]),
            Cells::Values(cells) => Cell::from(&cells[idx]),
        }
    }

    /// Takes in a range of a batch's column, turning to a type that holds it where need be. The first cells that are not null
    /// make room for `capacity` at once.
    pub(crate) fn append(&mut self, column: &Column, range: Range<usize>, capacity: usize) {
        let n_before = self.len();
        if let (Cells::Null(n_nulls), false) = (&self.cells, matches!(column.cells(), model::Cells::Null(_))) {
            let n_nulls = *n_nulls;
            self.cells = Cells::of_same_type(column.cells(), capacity);
            self.fill_cells(n_nulls);
            self.validity = (n_nulls > 0).then(|| Bitmap::repeat(false, n_nulls));
        }
        let added_text = |texts: &model::Strings| texts.bytes().len();
        match (&mut self.cells, column.cells()) {
            (Cells::Null(n), model::Cells::Null(_)) => *n += range.len(),
            (Cells::Bool(cells), model::Cells::Bool(other)) => cells.extend_from_slice(&other[range.clone()]),
            (Cells::Int(cells), model::Cells::Int(other)) => cells.extend_from_slice(&other[range.clone()]),
            (Cells::Time(cells), model::Cells::Time(other)) => cells.extend_from_slice(&other[range.clone()]),
            (Cells::Float(cells), model::Cells::Float(other)) => cells.extend_from_slice(&other[range.clone()]),
            (Cells::Bytes(cells), model::Cells::Bytes(other)) => cells.extend_from_slice(&other[range.clone()]),
            (Cells::Media(cells), model::Cells::Media(other)) => cells.extend_from_slice(&other[range.clone()]),
            (Cells::Text(cells), model::Cells::Text(other))
                if cells.n_text_bytes() + added_text(other) <= MAX_TEXT_BYTES =>
            {
                for idx in range.clone() {
                    if column.validity().is_none() && cells.extend_packed(other, idx..range.end) > 0 {
                        break;
                    }
                    if column.is_null(idx) {
                        cells.push_null();
                    } else {
                        let validity = self.validity.as_ref();
                        let is_null = |at: usize| match at.checked_sub(n_before) {
                            None => validity.is_some_and(|bits| !bits.get(at)),
                            Some(ahead) => column.is_null(range.start + ahead),
                        };
                        cells.push(other.get(idx), is_null);
                    }
                }
            }
            (_, model::Cells::Null(_)) => self.fill_cells(range.len()),
            (Cells::Values(cells), _) => cells.extend(range.clone().map(|idx| column.value(idx))),
            _ => {
                let mut values: Vec<Value> = (0..n_before).map(|idx| self.cell(idx).to_value()).collect();
                values.extend(range.clone().map(|idx| column.value(idx)));
                self.cells = Cells::Values(values);
            }
        }
        self.append_validity(column, range, n_before);
        self.widen_zone(n_before);
    }

    /// Adds null cells until there are `n_rows`.
    pub(crate) fn fill(&mut self, n_rows: usize) {
        let n_missing = n_rows.saturating_sub(self.len());
        if n_missing == 0 {
            return;
        }
        let n_before = self.len();
        self.fill_cells(n_missing);
        if !matches!(self.cells, Cells::Null(_)) {
            let bits = self.validity.get_or_insert_with(|| Bitmap::repeat(true, n_before));
            bits.extend_repeat(false, n_missing);
        }
        self.n_nulls += n_missing;
    }

    /// Lets go of what only appending needs.
    pub(crate) fn seal(&mut self) {
        match &mut self.cells {
            Cells::Null(_) => {}
            Cells::Bool(cells) => cells.shrink_to_fit(),
            Cells::Int(cells) | Cells::Time(cells) => cells.shrink_to_fit(),
            Cells::Float(cells) => cells.shrink_to_fit(),
            Cells::Text(cells) => cells.seal(),
            Cells::Bytes(cells) => cells.shrink_to_fit(),
            Cells::Media(cells) => cells.shrink_to_fit(),
            Cells::Values(cells) => cells.shrink_to_fit(),
        }
    }

    /// What the cells take. Room for more is not counted: nobody has touched it yet.
    pub(crate) fn memory_bytes(&self) -> usize {
        let of_cells = match &self.cells {
            Cells::Null(_) => 0,
            Cells::Bool(cells) => cells.len(),
            Cells::Int(cells) | Cells::Time(cells) => cells.len() * 8,
            Cells::Float(cells) => cells.len() * 8,
            Cells::Text(cells) => cells.memory_bytes(),
            Cells::Bytes(cells) => cells.iter().map(|bytes| bytes.capacity() + size_of::<Vec<u8>>()).sum(),
            Cells::Media(cells) => cells.iter().map(|media| media.bytes.capacity() + size_of::<Media>() + 16).sum(),
            Cells::Values(cells) => cells.iter().map(value_bytes).sum(),
        };
        of_cells + self.validity.as_ref().map_or(0, |bits| bits.words().len() * 8) + size_of::<Chunk>()
    }

    fn fill_cells(&mut self, n_more: usize) {
        match &mut self.cells {
            Cells::Null(n) => *n += n_more,
            Cells::Bool(cells) => cells.resize(cells.len() + n_more, false),
            Cells::Int(cells) | Cells::Time(cells) => cells.resize(cells.len() + n_more, 0),
            Cells::Float(cells) => cells.resize(cells.len() + n_more, 0.0),
            Cells::Text(cells) => (0..n_more).for_each(|_| cells.push_null()),
            Cells::Bytes(cells) => cells.resize(cells.len() + n_more, Vec::new()),
            Cells::Media(cells) => {
                cells.resize(cells.len() + n_more, Media { mime: String::new(), bytes: Vec::new() });
            }
            Cells::Values(cells) => cells.resize(cells.len() + n_more, Value::Null),
        }
    }

    fn append_validity(&mut self, column: &Column, range: Range<usize>, n_before: usize) {
        if matches!(self.cells, Cells::Null(_)) {
            self.n_nulls += range.len();
            return;
        }
        let all_null = matches!(column.cells(), model::Cells::Null(_));
        match (&mut self.validity, column.validity()) {
            (None, None) if !all_null => {}
            (Some(bits), None) if !all_null => bits.extend_repeat(true, range.len()),
            (bits, _) => {
                let bits = bits.get_or_insert_with(|| Bitmap::repeat(true, n_before));
                for idx in range {
                    let is_null = column.is_null(idx);
                    self.n_nulls += usize::from(is_null);
                    bits.push(!is_null);
                }
            }
        }
    }

    /// Takes in the cells from `start` on.
    pub(crate) fn widen_zone(&mut self, start: usize) {
        let mut zone = self.zone;
        let validity = self.validity.as_ref();
        let is_there = |idx: &usize| validity.is_none_or(|bits| bits.get(*idx));
        match &self.cells {
            Cells::Int(cells) | Cells::Time(cells) => {
                for idx in (start..cells.len()).filter(is_there) {
                    let x = cells[idx];
                    zone = match zone {
                        Zone::Int { min, max } => Zone::Int { min: min.min(x), max: max.max(x) },
                        _ => Zone::Int { min: x, max: x },
                    };
                }
            }
            Cells::Float(cells) => {
                for idx in (start..cells.len()).filter(is_there) {
                    let x = cells[idx];
                    if zone == Zone::Unknown {
                        zone = Zone::Float { min: f64::INFINITY, max: f64::NEG_INFINITY, has_nan: false };
                    }
                    if let Zone::Float { min, max, has_nan } = &mut zone {
                        // `f64::min` passes over NaN.
                        *min = min.min(x);
                        *max = max.max(x);
                        *has_nan |= x.is_nan();
                    }
                }
            }
            _ => zone = Zone::Unknown,
        }
        self.zone = zone;
    }
}

impl Cells {
    fn of_same_type(cells: &model::Cells, capacity: usize) -> Self {
        match cells {
            model::Cells::Null(_) => Cells::Null(0),
            model::Cells::Bool(_) => Cells::Bool(Vec::with_capacity(capacity)),
            model::Cells::Int(_) => Cells::Int(Vec::with_capacity(capacity)),
            model::Cells::Float(_) => Cells::Float(Vec::with_capacity(capacity)),
            model::Cells::Time(_) => Cells::Time(Vec::with_capacity(capacity)),
            model::Cells::Text(_) => Cells::Text(TextCells::with_capacity(capacity)),
            model::Cells::Bytes(_) => Cells::Bytes(Vec::with_capacity(capacity)),
            model::Cells::Media(_) => Cells::Media(Vec::with_capacity(capacity)),
            model::Cells::Nested(_) | model::Cells::Mixed(_) => Cells::Values(Vec::new()),
        }
    }
}

fn value_bytes(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.capacity(),
            Value::Bytes(bytes) => bytes.capacity(),
            Value::Media(media) => media.bytes.capacity() + media.mime.capacity(),
            Value::List(items) => items.iter().map(value_bytes).sum(),
            Value::Object(fields) => fields.iter().map(|(key, value)| key.capacity() + 24 + value_bytes(value)).sum(),
            _ => 0,
        }
}
