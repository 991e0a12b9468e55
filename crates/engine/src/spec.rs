//! What a view shows: a query's operations, brought to one form.

use expr::{Aggregate, Expr, Last, Op, Query, RowColumns, Scope, SortKey};
use model::SYSTEM_COLUMNS;

use crate::error::EngineError;

/// What a view shows of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ViewSpec {
    /// Rows are in the view where all of these are true.
    pub filters: Vec<Expr>,
    /// And where all of these hold, by the clock that the view is given. See [`crate::View::advance`].
    pub lasts: Vec<Last>,
    /// The order: by the first key, then the next; equals by offset. In a grouped view the keys read the
    /// columns of the groups (see [`ViewSpec::group_columns`]) and equals stand in order of first appearance.
    pub sort: Vec<SortKey>,
    /// What makes rows one group.
    pub group_by: Vec<Expr>,
    /// What is told of each group. With aggregates but no keys all rows are one group.
    pub aggregates: Vec<Aggregate>,
    /// What the columns of groups are called, keys before aggregates; empty where their expressions say it.
    pub labels: Vec<String>,
    /// The columns of the rows. All other expressions here are over the table's own.
    pub columns: RowColumns,
}

impl ViewSpec {
    /// Brings a query to one form. What reads a computed column comes to read what that is computed from.
    ///
    /// # Errors
    /// [`EngineError::NoRows`] of a query without `.rows()`; [`EngineError::Unsupported`] of operations after a grouping
    /// other than sorts, and of a grouping with neither keys nor figures; [`EngineError::SystemColumn`] of a computed column
    /// with such a name, and [`EngineError::ExpressionTooLarge`] of such that are built on each other too often.
    pub fn of(query: &Query) -> Result<Self, EngineError> {
        let Some((Op::Rows, ops)) = query.ops.split_first() else { return Err(EngineError::NoRows) };
        let (mut spec, mut scope) = (ViewSpec::default(), Scope::default());
        for op in ops {
            match op {
                Op::Rows => return Err(EngineError::Unsupported(".rows() stands right after the table, once")),
                Op::Filter(_) | Op::Last(_) if spec.is_grouped() => {
                    return Err(EngineError::Unsupported(
                        "groups cannot be filtered yet; filter the rows before .groupby()",
                    ));
                }
                Op::Filter(filter) => spec.filters.push(scope.resolve(filter)?),
                Op::Last(last) => match scope.resolve(&Expr::column(&last.column))? {
                    Expr::Column(column) => spec.lasts.push(Last { column, ..*last }),
                    _ => {
                        return Err(EngineError::Unsupported(
                            ".last() goes by a column that rows have, not by one that is computed",
                        ));
                    }
                },
                Op::Sort(keys) => {
                    let earlier = std::mem::take(&mut spec.sort);
                    // Past a grouping it is the columns of the groups that are read.
                    let plain = &mut Scope::default();
                    spec.sort = if spec.is_grouped() { plain } else { &mut scope }.sort(keys, earlier)?;
                }
                Op::WithColumns(_) | Op::Map(_) if spec.is_grouped() => {
                    return Err(EngineError::Unsupported(
                        "columns of groups cannot be computed yet; compute them of the rows, before .groupby()",
                    ));
                }
                Op::WithColumns(columns) | Op::Map(columns) => {
                    let is_systems = |name: &str| SYSTEM_COLUMNS.contains(&name);
                    if let Some(column) = columns.iter().find(|column| is_systems(&column.name)) {
                        return Err(EngineError::SystemColumn(column.name.clone()));
                    }
                    scope.add(columns, matches!(op, Op::Map(_)))?;
                }
                Op::GroupBy { .. } if spec.is_grouped() => {
                    return Err(EngineError::Unsupported("groups cannot be grouped again yet"));
                }
                Op::GroupBy { keys, aggregates } => {
                    if keys.is_empty() && aggregates.is_empty() {
                        return Err(EngineError::Unsupported("a grouping needs a key or a figure"));
                    }
                    spec.sort.clear();
                    if !scope.columns.is_plain() {
                        spec.labels = group_names(keys, aggregates);
                    }
                    (spec.group_by, spec.aggregates) = scope.grouping(keys, aggregates)?;
                }
            }
        }
        spec.columns = scope.columns;
        Ok(spec)
    }

    /// Whether the view's rows are groups.
    #[must_use]
    pub fn is_grouped(&self) -> bool {
        !self.group_by.is_empty() || !self.aggregates.is_empty()
    }

    /// The names of a grouped view's columns: the keys, then the aggregates. A name that is taken gets a number.
    #[must_use]
    pub fn group_columns(&self) -> Vec<String> {
        if self.labels.is_empty() { group_names(&self.group_by, &self.aggregates) } else { self.labels.clone() }
    }
}

#[inline(never)]
fn group_names(keys: &[Expr], aggregates: &[Aggregate]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in keys.iter().map(Expr::name).chain(aggregates.iter().map(Aggregate::name)) {
        let candidates = (2..).map(|n| format!("{name} {n}"));
        let free = std::iter::once(name.clone()).chain(candidates).find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ops: &str, expect: Result<&str, &str>) {
        let query = expr::parse_query(&format!("table(\"t\"){ops}")).unwrap();
        let got = ViewSpec::of(&query).map_err(|error| error.code());
        let keys = |spec: ViewSpec| {
            let sort =
                spec.sort.iter().map(|key| format!("{}{}", if key.descending { "-" } else { "+" }, key.expr.name()));
            let filters = spec.filters.iter().map(|filter| format!("?{}", filter.name()));
            let lasts = spec.lasts.iter().map(|last| format!("{}@{}", last.span, last.column));
            filters.chain(lasts).chain(sort).chain(spec.group_columns()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(got.map(keys), expect.map(str::to_owned), "{ops}");
    }

    #[test]
    fn queries_come_to_one_form() {
        check("", Err("no_rows"));
        check(".filter(r => r.a)", Err("no_rows"));
        check(".rows().rows()", Err("unsupported"));
        check(".rows()", Ok(""));
        check(".rows().filter(r => r.a).sort(r => r.b, \"desc\").filter(r => r.c)", Ok("?a ?c -b"));
        check(".rows().sort(r => [r.a, r.b]).sort(r => r.b, \"desc\")", Ok("-b +a"));
        check(".rows().sort(r => r.a).groupby(r => r.b).sort(r => r.count)", Ok("+count b count"));
        check(".rows().groupby(r => r.count, g => [g.count(), g.x.avg()])", Ok("count count 2 avg(x)"));
        check(".rows().last(\"5m\").sort(r => r.b).last(\"1h\", r => r.t)", Ok("5m@timestamp 1h@t +b"));
        check(".last(\"5m\")", Err("no_rows"));
        check(".rows().groupby(r => r.a).last(\"5m\")", Err("unsupported"));
        check(".rows().groupby(r => r.a).filter(r => r.a)", Err("unsupported"));
        check(".rows().groupby(r => r.a).groupby(r => r.a)", Err("unsupported"));
        check(".rows().groupby(r => [], g => [])", Err("unsupported"));
    }

    #[test]
    fn computed_columns_are_written_out() {
        let with = |ops: &str| format!(".rows().with_columns(r => {{s: r.a + 1}}){ops}");
        check(&with(".filter(r => r.s > 2)"), Ok("?row[\"a\"] + 1 > 2"));
        check(&with(".sort(r => r.s)"), Ok("+row[\"a\"] + 1"));
        check(".rows().map(r => {t: r.ts}).last(\"5m\", r => r.t)", Ok("5m@ts"));
        check(&with(".last(\"5m\", r => r.s)"), Err("unsupported"));
        check(".rows().map(r => {t: r.ts}).last(\"5m\")", Err("unsupported"));
        check(&with(".groupby(r => [r.s, r.a], g => g.s.avg()).sort(r => r.s)"), Ok("+s s a avg(s)"));
        // What a name means depends on where it stands.
        check(
            ".rows().filter(r => r.a).with_columns(r => {a: r.b, b: r.a}).filter(r => [r.a, r.b]).sort(r => r.a)",
            Ok("?a ?[row[\"b\"], row[\"a\"]] +b"),
        );
        check(".rows().sort(r => r.a).with_columns(r => {a: r.b}).sort(r => r.a)", Ok("+b +a"));
        check(".rows().map(r => {s: r.a}).sort(r => [r.s, r.a, r._offset])", Ok("+a +null +_offset"));
        check(".rows().with_columns(r => {_seq: 1})", Err("system_column"));
        check(".rows().groupby(r => r.a).with_columns(r => {s: r.a})", Err("unsupported"));
        check(".rows().groupby(r => r.a).map(r => {s: r.a})", Err("unsupported"));
    }

    #[test]
    fn what_computed_columns_come_to_is_bounded() {
        let doubled = |n: usize| {
            format!(".rows().with_columns(r => {{a: r.a + r.a}}){}", ".with_columns(r => {a: r.a + r.a})".repeat(n))
        };
        check(&doubled(7), Ok(""));
        check(&doubled(30), Err("expression_too_large"));
        let nested = |n: usize| format!(".rows(){}", ".with_columns(r => {a: !r.a})".repeat(n));
        check(&nested(expr::MAX_EXPR_DEPTH - 1), Ok(""));
        check(&nested(expr::MAX_EXPR_DEPTH), Err("expression_too_large"));
    }
}
