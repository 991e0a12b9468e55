//! What a panel's controls do: each an edit of the query, pure. Edited queries keep the order rows, filters, group by,
//! sort; what stands elsewhere in a typed query is left where it is until a control touches it.

use model::TableName;

use crate::aggregate::Aggregate;
use crate::expr::Expr;
use crate::query::{Op, Query, SortKey};
use crate::span::{Last, Span};

impl Query {
    /// The rows of a table, as they come.
    #[must_use]
    pub fn rows(table: TableName) -> Self {
        Self { table, ops: vec![Op::Rows] }
    }

    /// The filters, in order.
    #[must_use]
    pub fn filters(&self) -> Vec<&Expr> {
        let filters = self.ops.iter().filter_map(|op| match op {
            Op::Filter(expr) => Some(expr),
            _ => None,
        });
        filters.collect()
    }

    /// What rows are ordered by in the end: a later sort goes before an earlier, which decides between its equals. A
    /// sort before the grouping does not count.
    #[must_use]
    pub fn sort_keys(&self) -> Vec<SortKey> {
        let mut keys: Vec<SortKey> = Vec::new();
        for op in self.ops.iter().rev() {
            match op {
                Op::Sort(more) => {
                    let new = more.iter().filter(|key| !keys.iter().any(|known| known.expr == key.expr));
                    let new: Vec<SortKey> = new.cloned().collect();
                    keys.extend(new);
                }
                Op::GroupBy { .. } => break,
                Op::Rows | Op::Filter(_) | Op::Last(_) | Op::WithColumns(_) | Op::Map(_) => {}
            }
        }
        keys
    }

    /// The keys and figures of the grouping; `None` where rows are shown.
    #[must_use]
    pub fn group_by(&self) -> Option<(&[Expr], &[Aggregate])> {
        self.ops.iter().rev().find_map(|op| match op {
            Op::GroupBy { keys, aggregates } => Some((&keys[..], &aggregates[..])),
            _ => None,
        })
    }

    /// Orders by these keys alone.
    pub fn set_sort(&mut self, keys: Vec<SortKey>) {
        self.ensure_rows();
        self.ops.retain(|op| !matches!(op, Op::Sort(_)));
        if !keys.is_empty() {
            self.ops.push(Op::Sort(keys));
        }
    }

    /// A click on a column's header: from unordered to ascending, descending and back. With `additive` (shift) the other
    /// keys stay, else the column becomes the only one.
    pub fn toggle_sort(&mut self, column: &str, additive: bool) {
        let mut keys = self.sort_keys();
        let place = keys.iter().position(|key| matches!(&key.expr, Expr::Column(name) if name == column));
        match place {
            // The way back to unordered.
            Some(idx) if keys[idx].descending => drop(keys.remove(idx)),
            Some(idx) => keys[idx].descending = true,
            None => keys.push(SortKey::column(column, false)),
        }
        if !additive {
            keys.retain(|key| matches!(&key.expr, Expr::Column(name) if name == column));
        }
        self.set_sort(keys);
    }

    /// Adds a filter after the others.
    pub fn add_filter(&mut self, filter: Expr) {
        self.keep_rows_by(Op::Filter(filter));
    }

    /// The moving windows, in order.
    #[must_use]
    pub fn lasts(&self) -> Vec<&Last> {
        let lasts = self.ops.iter().filter_map(|op| if let Op::Last(last) = op { Some(last) } else { None });
        lasts.collect()
    }

    /// Keeps the rows of the last span by that column, in place of the windows by it that there were; with no span, all.
    pub fn set_last(&mut self, column: &str, span: Option<Span>) {
        let is_same = |op: &Op| matches!(op, Op::Last(last) if last.column == column);
        let known = self.ops.iter().position(is_same);
        let last = span.map(|span| Op::Last(Last { span, column: column.to_owned() }));
        match (known, last) {
            (Some(place), Some(last)) => {
                self.ops[place] = last;
                let mut place_of = 0..;
                self.ops.retain(|op| place_of.next() == Some(place) || !is_same(op));
            }
            (None, Some(last)) => self.keep_rows_by(last),
            (_, None) => self.ops.retain(|op| !is_same(op)),
        }
    }

    /// Where one more filter or computed column goes. Past a grouping it would be one of groups.
    pub(crate) fn end_of_row_ops(&mut self) -> usize {
        self.ensure_rows();
        let is_first = |op: &Op| matches!(op, Op::Rows | Op::Filter(_) | Op::Last(_) | Op::WithColumns(_) | Op::Map(_));
        let end = self.ops.iter().position(|op| matches!(op, Op::GroupBy { .. })).unwrap_or(self.ops.len());
        self.ops[..end].iter().rposition(is_first).map_or(0, |idx| idx + 1)
    }

    /// Puts another filter in the place of the one at `idx` of [`Query::filters`]; without such a one, nothing.
    pub fn replace_filter(&mut self, idx: usize, filter: Expr) {
        if let Some(place) = self.filter_place(idx) {
            self.ops[place] = Op::Filter(filter);
        }
    }

    /// Removes the filter at `idx` of [`Query::filters`]; without such a one, nothing.
    pub fn remove_filter(&mut self, idx: usize) {
        if let Some(place) = self.filter_place(idx) {
            self.ops.remove(place);
        }
    }

    /// Groups by these columns, with the figures there were (else a count); by none, shows rows again. Sort keys that
    /// the outcome lacks go.
    pub fn set_group_by(&mut self, columns: &[&str]) {
        let aggregates =
            self.group_by().map_or_else(|| vec![Aggregate::count()], |(_, aggregates)| aggregates.to_vec());
        self.set_grouping(columns.iter().copied().map(Expr::column).collect(), aggregates);
    }

    /// Tells these figures of each group. Without a grouping, all rows are one group.
    pub fn set_aggregates(&mut self, aggregates: Vec<Aggregate>) {
        let keys = self.group_by().map(|(keys, _)| keys.to_vec()).unwrap_or_default();
        self.set_grouping(keys, aggregates);
    }

    /// Groups by these keys with these figures. By no key and the count alone, shows rows again. Sort keys that the outcome
    /// lacks go.
    pub fn set_grouping(&mut self, keys: Vec<Expr>, aggregates: Vec<Aggregate>) {
        let was_grouped = self.group_by().is_some();
        let is_grouped = !keys.is_empty() || (aggregates != [Aggregate::count()] && !aggregates.is_empty());
        let mut sort = self.sort_keys();
        if is_grouped {
            let names: Vec<String> =
                keys.iter().map(Expr::name).chain(aggregates.iter().map(Aggregate::name)).collect();
            sort.retain(|key| key.expr.columns().iter().all(|column| names.iter().any(|name| name == column)));
        } else if was_grouped {
            let figures: Vec<String> =
                self.group_by().into_iter().flat_map(|(_, a)| a.iter().map(Aggregate::name)).collect();
            sort.retain(|key| !key.expr.columns().iter().any(|column| figures.iter().any(|name| name == column)));
        }
        self.ops.retain(|op| !matches!(op, Op::GroupBy { .. }));
        self.set_sort(Vec::new());
        if is_grouped {
            self.ops.push(Op::GroupBy { keys, aggregates });
        }
        self.set_sort(sort);
    }

    /// Adds what keeps rows after others of its kind.
    fn keep_rows_by(&mut self, op: Op) {
        let place = self.end_of_row_ops();
        self.ops.insert(place, op);
    }

    fn ensure_rows(&mut self) {
        if !self.ops.contains(&Op::Rows) {
            self.ops.insert(0, Op::Rows);
        }
    }

    fn filter_place(&self, idx: usize) -> Option<usize> {
        let filters = self.ops.iter().enumerate().filter(|(_, op)| matches!(op, Op::Filter(_)));
        filters.map(|(place, _)| place).nth(idx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::BinaryOp;
    use crate::{AggregateOp, parse_expr, parse_query};
    use model::Value;

    fn check(before: &str, edit: impl Fn(&mut Query), after: &str) {
        let mut query = parse_query(&format!("table(\"e/p/t\"){before}")).unwrap();
        edit(&mut query);
        assert_eq!(query.to_string(), format!("table(\"e/p/t\"){after}"), "of {before}");
    }

    #[test]
    fn a_header_is_clicked() {
        let click = |query: &mut Query| query.toggle_sort("a", false);
        check(".rows()", click, ".rows().sort(row => row[\"a\"], \"asc\")");
        check(".rows().sort(row => row.a)", click, ".rows().sort(row => row[\"a\"], \"desc\")");
        check(".rows().sort(row => row.a, \"desc\")", click, ".rows()");
        check(".rows().sort(row => [row.b, row.a])", click, ".rows().sort(row => row[\"a\"], \"desc\")");
        let shift_click = |query: &mut Query| query.toggle_sort("a", true);
        check(
            ".rows().sort(row => row.b, \"desc\")",
            shift_click,
            ".rows().sort(row => [row[\"b\"], row[\"a\"]], [\"desc\", \"asc\"])",
        );
        check(
            ".rows().sort(row => [row.a, row.b], \"desc\")",
            shift_click,
            ".rows().sort(row => row[\"b\"], \"desc\")",
        );
        check(
            ".rows().sort(row => row.b).sort(row => row.a)",
            shift_click,
            ".rows().sort(row => [row[\"a\"], row[\"b\"]], [\"desc\", \"asc\"])",
        );
    }

    #[test]
    fn chips_come_change_and_go() {
        let filter = || Expr::binary(BinaryOp::Less, Expr::column("x"), Expr::Literal(Value::Float(1.0)));
        let add = |query: &mut Query| query.add_filter(filter());
        check("", add, ".rows().filter(row => row[\"x\"] < 1)");
        check(
            ".rows().filter(r => r.a == 1).sort(r => r.x).groupby(r => r.a)",
            add,
            ".rows().filter(row => row[\"a\"] == 1).filter(row => row[\"x\"] < 1).sort(row => row[\"x\"], \"asc\").groupby(row => [row[\"a\"]])",
        );
        let two = ".rows().filter(r => r.a == 1).sort(r => r.x).filter(r => r.b == 2)";
        check(
            two,
            |query| query.replace_filter(1, filter()),
            ".rows().filter(row => row[\"a\"] == 1).sort(row => row[\"x\"], \"asc\").filter(row => row[\"x\"] < 1)",
        );
        check(
            two,
            |query| query.remove_filter(0),
            ".rows().sort(row => row[\"x\"], \"asc\").filter(row => row[\"b\"] == 2)",
        );
        check(".rows()", |query| query.remove_filter(0), ".rows()");
        check(".rows()", |query| query.replace_filter(3, parse_expr("true").unwrap()), ".rows()");
    }

    #[test]
    fn windows_are_set_changed_and_removed() {
        let last = |column: &'static str, span: &'static str| {
            move |query: &mut Query| query.set_last(column, Span::parse(span))
        };
        check("", last("timestamp", "5m"), ".rows().last(\"5m\")");
        check(
            ".rows().filter(r => r.a).sort(r => r.x).groupby(r => r.a)",
            last("ts", "24h"),
            ".rows().filter(row => row[\"a\"]).last(\"24h\", row => row[\"ts\"]).sort(row => row[\"x\"], \"asc\").groupby(row => [row[\"a\"]])",
        );
        let three = ".rows().last('1h').last('1d', r => r.ts).last('2h').filter(r => r.a)";
        check(
            three,
            last("timestamp", "5m"),
            ".rows().last(\"5m\").last(\"1d\", row => row[\"ts\"]).filter(row => row[\"a\"])",
        );
        check(three, last("timestamp", ""), ".rows().last(\"1d\", row => row[\"ts\"]).filter(row => row[\"a\"])");
        check(
            ".rows().last('1h')",
            |query| query.add_filter(parse_expr("row.a").unwrap()),
            ".rows().last(\"1h\").filter(row => row[\"a\"])",
        );
        let query = parse_query(&format!("table('t'){three}")).unwrap();
        assert_eq!(query.lasts().iter().map(|last| last.span.to_string()).collect::<Vec<_>>(), ["1h", "1d", "2h"]);
    }

    #[test]
    fn grouping_keeps_what_still_has_a_meaning() {
        check(
            ".rows().sort(r => [r.cat, r.x])",
            |query| query.set_group_by(&["cat"]),
            ".rows().groupby(row => [row[\"cat\"]]).sort(row => row[\"cat\"], \"asc\")",
        );
        check(
            ".rows().groupby(r => r.cat).sort(r => [r[\"count\"], r.cat])",
            |query| query.set_group_by(&[]),
            ".rows().sort(row => row[\"cat\"], \"asc\")",
        );
        check(
            ".rows().groupby(r => r.cat).sort(r => r.count)",
            |query| query.set_aggregates(vec![Aggregate::of(AggregateOp::Mean, "x")]),
            ".rows().groupby(row => [row[\"cat\"]], rows => [rows[\"x\"].avg()])",
        );
        check(
            ".rows().groupby(r => r.cat, g => g.x.avg())",
            |query| query.set_group_by(&["cat", "ok"]),
            ".rows().groupby(row => [row[\"cat\"], row[\"ok\"]], rows => [rows[\"x\"].avg()])",
        );
    }
}
