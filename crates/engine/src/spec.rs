//! What a view shows: a query's operations, brought to one form.

use expr::{Aggregate, Expr, Last, Op, Query, SortKey};

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
}

impl ViewSpec {
    /// Brings a query to one form.
    ///
    /// # Errors
    /// [`EngineError::NoRows`] of a query without `.rows()`; [`EngineError::Unsupported`] of operations after a grouping
    /// other than sorts, and of a grouping with neither keys nor figures.
    pub fn of(query: &Query) -> Result<Self, EngineError> {
        let Some((Op::Rows, ops)) = query.ops.split_first() else { return Err(EngineError::NoRows) };
        let mut spec = ViewSpec { sort: query.sort_keys(), ..ViewSpec::default() };
        for op in ops {
            match op {
                Op::Rows => return Err(EngineError::Unsupported(".rows() stands right after the table, once")),
                Op::Filter(_) | Op::Last(_) if spec.is_grouped() => {
                    return Err(EngineError::Unsupported(
                        "groups cannot be filtered yet; filter the rows before .groupby()",
                    ));
                }
                Op::Filter(filter) => spec.filters.push(filter.clone()),
                Op::Last(last) => spec.lasts.push(last.clone()),
                Op::Sort(_) => {}
                Op::GroupBy { .. } if spec.is_grouped() => {
                    return Err(EngineError::Unsupported("groups cannot be grouped again yet"));
                }
                Op::GroupBy { keys, aggregates } => {
                    if keys.is_empty() && aggregates.is_empty() {
                        return Err(EngineError::Unsupported("a grouping needs a key or a figure"));
                    }
                    spec.group_by.clone_from(keys);
                    spec.aggregates.clone_from(aggregates);
                }
            }
        }
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
        let mut names: Vec<String> = Vec::new();
        let wanted = self.group_by.iter().map(Expr::name).chain(self.aggregates.iter().map(Aggregate::name));
        for name in wanted {
            let candidates = (2..).map(|n| format!("{name} {n}"));
            let free = std::iter::once(name.clone()).chain(candidates).find(|name| !names.contains(name));
            names.extend(free);
        }
        names
    }
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
}
