//! The order of a sorted view: an index over row numbers that answers "which row is at this rank" and "which rank has
//! this row", and into which the rows of a batch are merged.
//!
//! Rows stand in blocks of at most [`BLOCK_ROWS`], each with the prefix of its first sort key (see [`crate::prefix`]). A
//! look-up finds the block and then the place, both by bisection; an insertion moves part of one block.

mod leave;
mod top;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use expr::{Expr, SortKey};
use model::Value;

use crate::cell::Cell;
use crate::passed::Passed;
use crate::prefix::PrefixKind;
use crate::row_set::RowSet;
use crate::sort::{sort_numbers, sort_pairs};
use crate::table::{Source, Table, TableRow};
use crate::way::Way;

/// A block is split when it is this full. Tests have small blocks, so that they split.
const BLOCK_ROWS: usize = if cfg!(test) { 8 } else { 1024 };
/// Blocks make room for so many more rows at a time, so that they take little more than what they hold.
const ROOM_ROWS: usize = BLOCK_ROWS / 8;
/// How full blocks are when the index is built.
const BUILT_ROWS: usize = BLOCK_ROWS / 4 * 3;
/// Fewer rows than this are sorted by looking at their cells.
const SMALL_RUN: usize = if cfg!(test) { 3 } else { 24 };
/// More rows than this are not put in order before somebody asks for more than the first.
const PUT_OFF_ROWS: usize = if cfg!(test) { 20 } else { 1 << 14 };
/// So many rows are found without putting all in order.
const TOP_ROWS: usize = if cfg!(test) { 12 } else { 512 };
/// Past this depth of equal text, texts are compared whole.
const MAX_TEXT_DEPTH: usize = 70;

/// The rows of a view in order.
pub(crate) struct Order {
    keys: Vec<Key>,
    blocks: Vec<Block>,
    /// The prefix of each block's first row.
    first_prefixes: Vec<u64>,
    /// The rank of each block's first row.
    starts: Vec<u32>,
    n_rows: usize,
    /// Whether rows are in blocks; else all of them wait.
    is_built: bool,
    /// The rows that wait to be put in order.
    waiting: RowSet,
    /// The first of them; empty where they were not looked for.
    top: Vec<u32>,
    /// Rows that are new since the blocks were right.
    new: Vec<u32>,
}

/// Rows in order, with their prefixes.
#[derive(Default)]
struct Block {
    prefixes: Vec<u64>,
    rows: Vec<u32>,
}

/// A key to order by, and where its cells are.
struct Key {
    expr: Expr,
    way: Way,
    kind: PrefixKind,
    source: Source,
    /// For a key that is no column: its value for each row so far.
    computed: Option<Computed>,
}

/// The values of an expression.
#[derive(Default)]
struct Computed {
    /// The row of the first value.
    first_row: u32,
    /// Null for rows that are not in the view.
    values: Vec<Value>,
}

impl Computed {
    fn get(&self, row: u32) -> Cell<'_> {
        let idx = row.checked_sub(self.first_row);
        idx.and_then(|idx| self.values.get(idx as usize)).map_or(Cell::Null, Cell::from)
    }

    /// Sets values of rows, given in order of their numbers.
    fn extend(&mut self, rows: &[u32], value: impl Fn(u32) -> Value) {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return };
        if self.values.is_empty() {
            self.first_row = *first;
        } else if *first < self.first_row {
            self.values.splice(..0, std::iter::repeat_n(Value::Null, (self.first_row - first) as usize));
            self.first_row = *first;
        }
        let n_values = (last - self.first_row) as usize + 1;
        if self.values.len() < n_values {
            self.values.resize(n_values, Value::Null);
        }
        for row in rows {
            self.values[(row - self.first_row) as usize] = value(*row);
        }
    }

    fn drop_before(&mut self, row: u32) {
        let n_dropped = (row.saturating_sub(self.first_row) as usize).min(self.values.len());
        self.values.drain(..n_dropped);
        self.first_row += n_dropped as u32;
        if self.values.capacity() > 4 * self.values.len() {
            self.values.shrink_to(2 * self.values.len());
        }
    }
}

impl Key {
    fn cell<'a>(&'a self, table: &'a Table, row: u32) -> Cell<'a> {
        match &self.computed {
            None => table.cell(self.source, row),
            Some(computed) => computed.get(row),
        }
    }

    fn prefix(&self, table: &Table, row: u32, text_depth: usize) -> u64 {
        self.kind.prefix(self.cell(table, row), self.way, text_depth)
    }
}

impl Order {
    pub(crate) fn new(sort: &[SortKey]) -> Self {
        let key = |key: &SortKey| Key {
            expr: key.expr.clone(),
            way: Way::of(key),
            kind: PrefixKind::Any,
            source: Source::Missing,
            computed: (!matches!(key.expr, Expr::Column(_))).then(Computed::default),
        };
        Self {
            keys: sort.iter().map(key).collect(),
            blocks: Vec::new(),
            first_prefixes: Vec::new(),
            starts: Vec::new(),
            n_rows: 0,
            is_built: false,
            waiting: RowSet::default(),
            top: Vec::new(),
            new: Vec::new(),
        }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.n_rows + self.waiting.n_rows()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let blocks: usize =
            self.blocks.iter().map(|block| block.prefixes.capacity() * 8 + block.rows.capacity() * 4).sum();
        let index = self.blocks.capacity() * size_of::<Block>() + self.starts.capacity() * 12;
        let computed = self.keys.iter().filter_map(|key| key.computed.as_ref());
        let computed: usize = computed.map(|computed| computed.values.capacity() * size_of::<Value>()).sum();
        blocks + index + computed + self.waiting.memory_bytes()
    }

    /// Takes in rows of the segment that begins with row `first`, which are not in the order and come after all others that
    /// are taken in. To be followed by [`Order::finish`].
    pub(crate) fn push(&mut self, first: usize, passed: &Passed) {
        if self.is_built {
            passed.for_each(|place| self.new.push((first + place) as u32));
        } else {
            let (place, words) = passed.words();
            self.waiting.push(first + place, words);
        }
    }

    /// Puts what was pushed in its place, unless all rows wait anyway.
    pub(crate) fn finish(&mut self, table: &Table) {
        self.top.clear();
        if self.is_built {
            let new = std::mem::take(&mut self.new);
            if !new.is_empty() {
                self.insert(table, new);
            }
        } else if self.waiting.n_rows() <= PUT_OFF_ROWS {
            self.settle(table);
        }
    }

    /// The rows, in the order of their numbers.
    pub(crate) fn row_set(&self) -> Cow<'_, RowSet> {
        if self.is_built { Cow::Owned(RowSet::of_rows(self.rows_from(0))) } else { Cow::Borrowed(&self.waiting) }
    }

    /// Whether all rows are in order.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_built
    }

    /// Puts all rows in order, if that was put off.
    pub(crate) fn settle(&mut self, table: &Table) {
        if self.is_built {
            return;
        }
        self.is_built = true;
        let rows: Vec<u32> = std::mem::take(&mut self.waiting).rows_from(0).collect();
        self.top = Vec::new();
        if !rows.is_empty() {
            self.insert(table, rows);
        }
    }

    /// The rows in a range of ranks, which must not reach past the end.
    pub(crate) fn rows(&mut self, table: &Table, ranks: Range<usize>) -> Vec<u32> {
        if !self.is_built && ranks.end <= TOP_ROWS && self.find_top(table) {
            return self.top[ranks].to_vec();
        }
        self.settle(table);
        self.rows_from(ranks.start).take(ranks.len()).collect()
    }

    /// Puts in rows, given in order of their numbers.
    fn insert(&mut self, table: &Table, rows: Vec<u32>) {
        let was_right = self.find_keys(table, &rows);
        if !was_right || rows.len() >= self.n_rows / 8 {
            // Much is new, or the prefixes are of another kind than the column's cells now are.
            let known = std::mem::take(&mut self.blocks);
            if was_right {
                let pairs: Vec<(u64, u32)> = known.into_iter().flat_map(Block::into_pairs).collect();
                let new = self.sorted(table, rows);
                let merged = self.merged(table, pairs, new);
                self.build(&merged);
            } else {
                let all = known.iter().flat_map(|block| &block.rows).chain(&rows).copied();
                let pairs = self.sorted(table, RowSet::of_rows(all).rows_from(0).collect());
                self.build(&pairs);
            }
            return;
        }
        let new = self.sorted(table, rows);
        // Places are looked up one after the other and nothing is moved in between: what a look-up waits for, memory of
        // blocks that nobody read lately, comes for several at once.
        let blocks: Vec<usize> =
            new.iter().map(|&(prefix, row)| self.block_of(table, prefix, row).unwrap_or(0)).collect();
        let place =
            |(&(prefix, row), block): (&(u64, u32), &usize)| self.blocks[*block].place_of(self, table, prefix, row);
        let places: Vec<usize> = new.iter().zip(&blocks).map(place).collect();
        // From the last on, so that neither blocks nor places move that are still to come.
        let mut end = new.len();
        while let Some(&block) = blocks[..end].last() {
            let start = blocks[..end].partition_point(|other| *other < block);
            self.insert_into(block, &new[start..end], &places[start..end]);
            end = start;
        }
        self.number_blocks();
    }

    fn rows_from(&self, rank: usize) -> impl Iterator<Item = u32> + Clone + '_ {
        let block = self.starts.partition_point(|start| *start as usize <= rank).saturating_sub(1);
        let skip = self.starts.get(block).map_or(0, |start| rank - *start as usize);
        self.blocks[block.min(self.blocks.len())..].iter().flat_map(|block| block.rows.iter().copied()).skip(skip)
    }

    /// The rank of a row; `None` if it is not in the view.
    pub(crate) fn rank_of(&mut self, table: &Table, row: u32) -> Option<usize> {
        self.settle(table);
        let prefix = self.keys[0].prefix(table, row, 0);
        let block = self.block_of(table, prefix, row)?;
        let place = self.blocks[block].place_of(self, table, prefix, row);
        let found = self.blocks[block].rows.get(place) == Some(&row);
        found.then(|| self.starts[block] as usize + place)
    }

    /// Looks up the keys' columns and computes the keys that are none. Says whether the prefixes there are still hold.
    fn find_keys(&mut self, table: &Table, rows: &[u32]) -> bool {
        let mut first_kind = self.keys[0].kind;
        for key in &mut self.keys {
            match (&mut key.computed, &key.expr) {
                (None, Expr::Column(name)) => {
                    key.source = table.source(name);
                    key.kind = PrefixKind::of(table.column_type(name), table.has_ints(key.source));
                }
                (Some(computed), expr) => {
                    let names = expr.columns();
                    let sources: Vec<(&str, Source)> =
                        names.into_iter().map(|name| (name, table.source(name))).collect();
                    computed.extend(rows, |row| expr.eval(&TableRow { table, sources: &sources, row }));
                }
                (None, _) => {}
            }
        }
        std::mem::swap(&mut first_kind, &mut self.keys[0].kind);
        let was_right = first_kind.is_compatible(self.keys[0].kind);
        self.keys[0].kind = first_kind;
        was_right
    }

    /// Sorts rows.
    fn sorted(&self, table: &Table, mut rows: Vec<u32>) -> Vec<(u64, u32)> {
        let key = &self.keys[0];
        let mut pairs: Vec<(u64, u32)> = rows.iter().map(|&row| (key.prefix(table, row, 0), row)).collect();
        sort_pairs(&mut pairs);
        rows.clear();
        rows.extend(pairs.iter().map(|(_, row)| *row));
        self.refine_runs(table, &pairs, &mut rows, 0, 0);
        for (pair, row) in pairs.iter_mut().zip(rows) {
            pair.1 = row;
        }
        pairs
    }

    /// Puts rows of equal prefix in order: `rows` stand as in `pairs`, sorted by the prefixes of this key.
    fn refine_runs(&self, table: &Table, pairs: &[(u64, u32)], rows: &mut [u32], key_idx: usize, text_depth: usize) {
        let key = &self.keys[key_idx];
        let mut start = 0;
        for run in pairs.chunk_by(|a, b| a.0 == b.0) {
            let rows = &mut rows[start..start + run.len()];
            start += run.len();
            if run.len() == 1 {
                continue;
            }
            let decided = key.kind.decides(run[0].0, key.way);
            if decided && key_idx + 1 == self.keys.len() {
                continue;
            }
            let next_depth = text_depth + 7;
            if decided {
                self.refine(table, rows, key_idx + 1, 0);
            } else if key.kind == PrefixKind::Text && next_depth <= MAX_TEXT_DEPTH {
                self.refine(table, rows, key_idx, next_depth);
            } else {
                sort_numbers(rows, &|a, b| self.compare_cells(table, a, b, key_idx));
            }
        }
    }

    /// Sorts rows, which come in order of their numbers, by the keys from `key_idx` on.
    fn refine(&self, table: &Table, rows: &mut [u32], key_idx: usize, text_depth: usize) {
        if rows.len() < SMALL_RUN {
            return sort_numbers(rows, &|a, b| self.compare_cells(table, a, b, key_idx));
        }
        let key = &self.keys[key_idx];
        let mut pairs: Vec<(u64, u32)> = rows.iter().map(|&row| (key.prefix(table, row, text_depth), row)).collect();
        sort_pairs(&mut pairs);
        for (row, pair) in rows.iter_mut().zip(&pairs) {
            *row = pair.1;
        }
        self.refine_runs(table, &pairs, rows, key_idx, text_depth);
    }

    fn compare_cells(&self, table: &Table, a: u32, b: u32, key_idx: usize) -> Ordering {
        let by_key = |key: &Key| key.way.compare(key.cell(table, a), key.cell(table, b));
        self.keys[key_idx..].iter().map(by_key).find(|order| order.is_ne()).unwrap_or_else(|| a.cmp(&b))
    }

    fn compare(&self, table: &Table, a: (u64, u32), b: (u64, u32)) -> Ordering {
        a.0.cmp(&b.0).then_with(|| {
            if self.keys.len() == 1 && self.keys[0].kind.decides(a.0, self.keys[0].way) {
                a.1.cmp(&b.1)
            } else {
                self.compare_cells(table, a.1, b.1, 0)
            }
        })
    }

    fn merged(&self, table: &Table, known: Vec<(u64, u32)>, new: Vec<(u64, u32)>) -> Vec<(u64, u32)> {
        if known.is_empty() {
            return new;
        }
        let mut merged = Vec::with_capacity(known.len() + new.len());
        let mut known = known.into_iter().peekable();
        for pair in new {
            while let Some(before) = known.next_if(|before| self.compare(table, *before, pair).is_lt()) {
                merged.push(before);
            }
            merged.push(pair);
        }
        merged.extend(known);
        merged
    }

    fn build(&mut self, pairs: &[(u64, u32)]) {
        let block = |pairs: &[(u64, u32)]| Block {
            prefixes: pairs.iter().map(|pair| pair.0).collect(),
            rows: pairs.iter().map(|pair| pair.1).collect(),
        };
        self.blocks = pairs.chunks(BUILT_ROWS).map(block).collect();
        self.first_prefixes = self.blocks.iter().map(|block| block.prefixes[0]).collect();
        self.number_blocks();
    }

    fn number_blocks(&mut self) {
        self.starts.clear();
        let mut start = 0;
        for block in &self.blocks {
            self.starts.push(start);
            start += block.rows.len() as u32;
        }
        self.n_rows = start as usize;
    }

    /// Puts rows, in order, into a block before the places they are given.
    fn insert_into(&mut self, block_idx: usize, new: &[(u64, u32)], places: &[usize]) {
        let block = &mut self.blocks[block_idx];
        let n_before = block.rows.len();
        let is_at_end = places[0] == n_before;
        block.make_room(new.len());
        block.prefixes.resize(n_before + new.len(), 0);
        block.rows.resize(n_before + new.len(), 0);
        let mut end = n_before;
        for (n_left, (&(prefix, row), &place)) in new.iter().zip(places).enumerate().rev() {
            block.prefixes.copy_within(place..end, place + n_left + 1);
            block.rows.copy_within(place..end, place + n_left + 1);
            block.prefixes[place + n_left] = prefix;
            block.rows[place + n_left] = row;
            end = place;
        }
        self.first_prefixes[block_idx] = block.prefixes[0];
        let n_rows = block.rows.len();
        if n_rows < BLOCK_ROWS {
            return;
        }
        // Rows that come at the end leave full blocks behind them.
        let part = if is_at_end { BUILT_ROWS } else { n_rows.div_ceil(n_rows / (BLOCK_ROWS / 2)) };
        let mut halves = Vec::new();
        while block.rows.len() >= BLOCK_ROWS {
            let at = (block.rows.len() - 1) / part * part;
            halves.push(Block { prefixes: block.prefixes.split_off(at), rows: block.rows.split_off(at) });
        }
        halves.reverse();
        block.shrink();
        let after = block_idx + 1..block_idx + 1;
        self.first_prefixes.splice(after.clone(), halves.iter().map(|half| half.prefixes[0]));
        self.blocks.splice(after, halves);
    }

    /// The last block whose first row is not after the given one; `None` where there is none.
    fn block_of(&self, table: &Table, prefix: u64, row: u32) -> Option<usize> {
        let before = self.first_prefixes.partition_point(|first| *first < prefix);
        let n_ties = self.first_prefixes[before..].partition_point(|first| *first == prefix);
        let not_after = |block: &Block| self.compare(table, (block.prefixes[0], block.rows[0]), (prefix, row)).is_le();
        let n_ties_before = self.blocks[before..before + n_ties].partition_point(not_after);
        (before + n_ties_before).checked_sub(1)
    }
}

impl Block {
    fn into_pairs(self) -> impl Iterator<Item = (u64, u32)> {
        self.prefixes.into_iter().zip(self.rows)
    }

    /// Makes room for so many rows more.
    fn make_room(&mut self, n_more: usize) {
        let n_rows = self.rows.len();
        if n_rows + n_more > self.rows.capacity() {
            let n_more = (n_rows + n_more).next_multiple_of(ROOM_ROWS) - n_rows;
            self.prefixes.reserve_exact(n_more);
            self.rows.reserve_exact(n_more);
        }
    }

    /// Gives back room that is not needed soon.
    fn shrink(&mut self) {
        let capacity = self.rows.len().next_multiple_of(ROOM_ROWS);
        self.prefixes.shrink_to(capacity);
        self.rows.shrink_to(capacity);
    }

    /// Where the row stands, or would.
    fn place_of(&self, order: &Order, table: &Table, prefix: u64, row: u32) -> usize {
        let before = self.prefixes.partition_point(|other| *other < prefix);
        let n_ties = self.prefixes[before..].partition_point(|other| *other == prefix);
        let is_before = |other: &u32| order.compare(table, (prefix, *other), (prefix, row)).is_lt();
        before + self.rows[before..before + n_ties].partition_point(is_before)
    }
}
