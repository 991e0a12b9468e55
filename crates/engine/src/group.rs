//! Rows gathered into groups, each with figures that take in new rows without looking at the old.

use std::borrow::Cow;
use std::collections::HashMap;

use expr::{Aggregate, Expr, RowSource, SortKey};
use model::{ColumnSchema, ColumnType, Strings, Value};

use crate::cell::Cell;
use crate::cells_of::CellsOf;
use crate::column::{Cells, Chunk};
use crate::figures::Figures;
use crate::kernel::{FETCHED_CELLS, fetch};
use crate::key::push_key;
use crate::passed::Passed;
use crate::sort::sort_numbers;
use crate::spec::ViewSpec;
use crate::table::Table;
use crate::text::{Code, TextCells};
use crate::way::Way;

/// A code of a dictionary whose group is not known yet.
const UNKNOWN: u32 = u32::MAX;

/// So many rows are looked at for groups before the pass over all.
const FIRST_ROWS: usize = if cfg!(test) { 4 } else { 1024 };

/// What an allocation costs beside what it holds, about.
const ALLOCATION_BYTES: usize = 16;

/// The groups of a view, numbered in order of first appearance.
pub(crate) struct Groups {
    keys: Vec<Expr>,
    aggregates: Vec<Aggregate>,
    sort: Vec<SortKey>,
    names: Vec<String>,
    idx_by_key: HashMap<Box<[u8]>, u32>,
    n_groups: usize,
    /// What the keys take as bytes, together.
    key_bytes: usize,
    n_rows: usize,
    /// By key, then by group: the value that made the group.
    key_values: Vec<Vec<Value>>,
    figures: Vec<Figures>,
    columns: Vec<ColumnSchema>,
    /// The groups by rank, and the ranks by group; empty where they stand in order of first appearance.
    order: Vec<u32>,
    ranks: Vec<u32>,
}

/// The groups of some rows of a segment.
pub(crate) enum GroupsOf<'a> {
    /// By code: the group, and what its rows come to.
    Coded { codes: Cow<'a, [Code]>, by_code: Vec<u32>, tallies: Vec<Tally> },
    /// Of each row, in order.
    Rows(Vec<u32>),
}

/// Rows of one code.
#[derive(Clone, Copy, Default)]
pub(crate) struct Tally {
    /// How many there are.
    pub(crate) n_rows: u64,
    /// The sum of a column's floats, those of the rows before included; of no meaning where no column was added up.
    pub(crate) sum: f64,
}

impl GroupsOf<'_> {
    /// Shows the place and the group of each row, in order.
    pub(crate) fn for_each(&self, rows: &Passed, mut see: impl FnMut(usize, u32)) {
        match self {
            GroupsOf::Coded { codes, by_code, .. } => rows.for_each(|idx| see(idx, by_code[codes[idx] as usize])),
            GroupsOf::Rows(groups) => {
                let mut groups = groups.iter();
                rows.for_each(|idx| {
                    if let Some(group) = groups.next() {
                        see(idx, *group);
                    }
                });
            }
        }
    }
}

impl Groups {
    pub(crate) fn new(spec: &ViewSpec) -> Self {
        Self {
            keys: spec.group_by.clone(),
            aggregates: spec.aggregates.clone(),
            sort: spec.sort.clone(),
            names: spec.group_columns(),
            idx_by_key: HashMap::new(),
            n_groups: 0,
            key_bytes: 0,
            n_rows: 0,
            key_values: vec![Vec::new(); spec.group_by.len()],
            figures: spec.aggregates.iter().map(|aggregate| Figures::new(aggregate.op)).collect(),
            columns: Vec::new(),
            order: Vec::new(),
            ranks: Vec::new(),
        }
    }

    pub(crate) fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// How many bytes the groups take, about, told without a look at each.
    pub(crate) fn memory_bytes(&self) -> usize {
        let figures: usize = self.figures.iter().map(|figures| figures.memory_bytes(self.n_groups, self.n_rows)).sum();
        // A table by key is half empty at worst, and each key and text has an allocation of its own.
        let by_key = 2 * size_of::<(Box<[u8]>, u32)>() + ALLOCATION_BYTES;
        let group = by_key + self.keys.len() * (size_of::<Value>() + ALLOCATION_BYTES);
        let ranks = (self.order.capacity() + self.ranks.capacity()) * size_of::<u32>();
        // Each key is kept as bytes to be found by, and as the values that are shown.
        self.n_groups * group + 2 * self.key_bytes + figures + ranks
    }

    pub(crate) fn columns(&self) -> &[ColumnSchema] {
        &self.columns
    }

    pub(crate) fn group_at(&self, rank: usize) -> Option<u32> {
        if self.sort.is_empty() { (rank < self.n_groups).then_some(rank as u32) } else { self.order.get(rank).copied() }
    }

    pub(crate) fn rank_of(&self, group: u32) -> Option<usize> {
        if self.sort.is_empty() {
            ((group as usize) < self.n_groups).then_some(group as usize)
        } else {
            self.ranks.get(group as usize).map(|rank| *rank as usize)
        }
    }

    pub(crate) fn column_idx(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    pub(crate) fn value(&self, column_idx: usize, group: u32) -> Value {
        match column_idx.checked_sub(self.key_values.len()) {
            None => self.key_values[column_idx][group as usize].clone(),
            Some(idx) => self.figures[idx].value(group as usize),
        }
    }

    /// The names of the figures that are estimates.
    pub(crate) fn estimates(&self) -> Vec<String> {
        let figures = self.names.iter().skip(self.keys.len()).zip(&self.figures);
        figures.filter(|(_, figures)| figures.is_estimate()).map(|(name, _)| name.clone()).collect()
    }

    /// Takes in rows of one segment.
    pub(crate) fn add(&mut self, table: &Table, segment_idx: usize, rows: &Passed) {
        let (keys, aggregates) = (self.keys.clone(), self.aggregates.clone());
        let keys: Vec<CellsOf<'_>> = keys.iter().map(|key| CellsOf::new(key, table, segment_idx)).collect();
        let columns = aggregates.iter().map(|aggregate| aggregate.column.as_ref());
        let cells: Vec<Option<CellsOf<'_>>> =
            columns.map(|column| Some(CellsOf::new(column?, table, segment_idx))).collect();
        let mut summed = None;
        let groups = match &keys[..] {
            [CellsOf::Chunk(chunk)] => match &chunk.cells {
                Cells::Text(TextCells::Coded { codes, dictionary }) if dictionary.texts.len() <= rows.len() => {
                    let is_summed = |(figures, cells): (&Figures, &Option<CellsOf<'_>>)| {
                        figures.sums_floats() && cells.as_ref().is_some_and(|cells| cells.floats().is_some())
                    };
                    summed = self.figures.iter().zip(&cells).position(is_summed);
                    let floats = summed.and_then(|idx| Some((idx, cells[idx].as_ref()?.floats()?)));
                    self.groups_by_code(&keys, chunk, (codes, &dictionary.texts), rows, floats)
                }
                _ => self.groups_by_row(&keys, rows),
            },
            _ => self.groups_by_row(&keys, rows),
        };
        self.n_rows += rows.len();
        for (idx, (figures, cells)) in self.figures.iter_mut().zip(&cells).enumerate() {
            figures.resize(self.n_groups);
            match cells {
                None => figures.add_rows(&groups, rows),
                Some(_) if summed == Some(idx) => figures.add_tallies(&groups),
                Some(cells) => figures.add_cells(&groups, rows, cells),
            }
        }
    }

    /// Brings the order and the columns' types up to date.
    pub(crate) fn finish(&mut self, table: &Table) {
        let merged = |idx: usize| {
            (0..self.n_groups as u32).fold(ColumnType::Null, |t, group| t.merge(self.value(idx, group).column_type()))
        };
        let column_type = |idx: usize| match self.keys.get(idx) {
            Some(Expr::Column(name)) => table.column_type(name),
            Some(_) => merged(idx),
            None => self.figures[idx - self.keys.len()].column_type().unwrap_or_else(|| merged(idx)),
        };
        let columns = self.names.iter().enumerate();
        let columns = columns.map(|(idx, name)| ColumnSchema { name: name.clone(), column_type: column_type(idx) });
        self.columns = columns.collect();
        if self.sort.is_empty() {
            return;
        }
        let key_values = |key: &SortKey| -> Vec<Value> {
            (0..self.n_groups as u32).map(|group| key.expr.eval(&GroupRow { groups: self, group })).collect()
        };
        let keys: Vec<(Vec<Value>, Way)> = self.sort.iter().map(|key| (key_values(key), Way::of(key))).collect();
        let mut order: Vec<u32> = (0..self.n_groups as u32).collect();
        sort_numbers(&mut order, &|a, b| {
            let by_key = |(values, way): &(Vec<Value>, Way)| {
                way.compare(Cell::from(&values[a as usize]), Cell::from(&values[b as usize]))
            };
            keys.iter().map(by_key).find(|order| order.is_ne()).unwrap_or_else(|| a.cmp(&b))
        });
        self.ranks = vec![0; self.n_groups];
        for (rank, group) in order.iter().enumerate() {
            self.ranks[*group as usize] = rank as u32;
        }
        self.order = order;
    }

    /// The groups of rows whose key is a text with a number: one look-up for each text. Where a figure adds up a column of
    /// floats, that is done in the same pass.
    fn groups_by_code<'a>(
        &mut self,
        keys: &[CellsOf<'_>],
        chunk: &Chunk,
        (codes, texts): (&'a [Code], &Strings),
        rows: &Passed,
        summed: Option<(usize, &[f64])>,
    ) -> GroupsOf<'a> {
        // The last code is that of null.
        let n_texts = texts.len();
        let mut codes = Cow::Borrowed(codes);
        if chunk.n_nulls > 0 {
            let with_null = |idx: usize| if chunk.is_null(idx) { n_texts as Code } else { codes[idx] };
            codes = (0..codes.len()).map(with_null).collect();
        }
        let mut by_code = vec![UNKNOWN; n_texts + 1];
        // Often the first few rows are of all groups.
        let n_codes = n_texts + usize::from(chunk.n_nulls > 0);
        self.number_groups(keys, &codes, &mut by_code, rows, n_codes, FIRST_ROWS);
        // A sum goes on where it stood, so what was added up before must be found now.
        if summed.is_some() {
            let mut key = Vec::new();
            for (code, group) in by_code.iter_mut().enumerate().filter(|(_, group)| **group == UNKNOWN) {
                key.clear();
                push_key(if code < n_texts { Cell::Text(texts.get(code)) } else { Cell::Null }, &mut key);
                *group = self.idx_by_key.get(&key[..]).copied().unwrap_or(UNKNOWN);
            }
        }
        let known = |group: &u32| match summed {
            Some((idx, _)) if *group != UNKNOWN => self.figures[idx].float_sum(*group as usize),
            _ => 0.0,
        };
        let mut tallies: Vec<Tally> = by_code.iter().map(|group| Tally { n_rows: 0, sum: known(group) }).collect();
        match summed {
            None => rows.for_each_range(|range| count(&codes[range], &mut tallies)),
            Some((_, floats)) => {
                rows.for_each_range(|range| add_up(&codes[range.clone()], &floats[range], &mut tallies));
            }
        }
        let left = by_code.iter().zip(&tallies).filter(|(group, tally)| **group == UNKNOWN && tally.n_rows > 0);
        let n_left = left.count();
        if n_left > 0 {
            self.number_groups(keys, &codes, &mut by_code, rows, n_left, usize::MAX);
        }
        GroupsOf::Coded { codes, by_code, tallies }
    }

    /// Gives codes their groups in the order in which rows have them first, until `n_codes` were given one or `n_rows` rows
    /// were looked at.
    fn number_groups(
        &mut self,
        keys: &[CellsOf<'_>],
        codes: &[Code],
        by_code: &mut [u32],
        rows: &Passed,
        n_codes: usize,
        n_rows: usize,
    ) {
        let mut key = Vec::new();
        let (mut n_numbered, mut n_seen) = (0, 0);
        rows.any(|idx| {
            let group = &mut by_code[codes[idx] as usize];
            if *group == UNKNOWN {
                *group = self.find_group(keys, idx, &mut key);
                n_numbered += 1;
            }
            n_seen += 1;
            n_numbered == n_codes || n_seen == n_rows
        });
    }

    /// The groups of rows, looked up for each.
    fn groups_by_row(&mut self, keys: &[CellsOf<'_>], rows: &Passed) -> GroupsOf<'static> {
        let mut groups = Vec::with_capacity(rows.len());
        let mut key = Vec::new();
        rows.for_each(|idx| groups.push(self.find_group(keys, idx, &mut key)));
        GroupsOf::Rows(groups)
    }

    fn find_group(&mut self, keys: &[CellsOf<'_>], idx: usize, key: &mut Vec<u8>) -> u32 {
        key.clear();
        keys.iter().for_each(|cells| cells.with(idx, |cell| push_key(cell, key)));
        if let Some(group) = self.idx_by_key.get(&key[..]) {
            return *group;
        }
        let group = self.n_groups as u32;
        self.idx_by_key.insert(key.as_slice().into(), group);
        self.n_groups += 1;
        self.key_bytes += key.len();
        for (cells, values) in keys.iter().zip(&mut self.key_values) {
            cells.with(idx, |cell| values.push(cell.to_value()));
        }
        group
    }
}

/// Counts the rows of each code.
#[inline(never)]
fn count(codes: &[Code], tallies: &mut [Tally]) {
    for codes in codes.chunks(FETCHED_CELLS) {
        fetch(codes, u64::from);
        for code in codes {
            tallies[*code as usize].n_rows += 1;
        }
    }
}

/// Counts the rows of each code, and adds their numbers up in order.
#[inline(never)]
fn add_up(codes: &[Code], numbers: &[f64], tallies: &mut [Tally]) {
    for (codes, numbers) in codes.chunks(FETCHED_CELLS).zip(numbers.chunks(FETCHED_CELLS)) {
        fetch(codes, u64::from);
        fetch(numbers, f64::to_bits);
        for (code, number) in codes.iter().zip(numbers) {
            let tally = &mut tallies[*code as usize];
            tally.n_rows += 1;
            tally.sum += number;
        }
    }
}

/// A group as a row that sort keys read.
struct GroupRow<'a> {
    groups: &'a Groups,
    group: u32,
}

impl RowSource for GroupRow<'_> {
    fn get(&self, column: &str) -> Value {
        self.groups.column_idx(column).map_or(Value::Null, |idx| self.groups.value(idx, self.group))
    }
}
