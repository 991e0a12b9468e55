//! What a panel's controls do with computed columns.

use crate::aggregate::Aggregate;
use crate::expr::Expr;
use crate::query::{NamedExpr, Op, Query};

impl Query {
    /// The computed columns that rows have in the end, before any grouping: of those of one name the last.
    #[must_use]
    pub fn computed_columns(&self) -> Vec<&NamedExpr> {
        self.computed_places().into_iter().filter_map(|(op, idx)| self.ops[op].columns()?.get(idx)).collect()
    }

    /// Adds a computed column, which may read those there are.
    pub fn add_column(&mut self, column: NamedExpr) {
        let place = self.end_of_row_ops();
        self.ops.insert(place, Op::WithColumns(vec![column]));
    }

    /// Computes a column otherwise, or gives it another name, by which all that read it then do. Without such a one, or where
    /// another has the new name, nothing.
    pub fn replace_column(&mut self, name: &str, column: NamedExpr) {
        let is_taken = column.name != name && self.computed_columns().iter().any(|known| known.name == column.name);
        let Some((op_idx, idx)) = self.computed_place(name).filter(|_| !is_taken) else { return };
        if column.name != name {
            rename(&mut self.ops[op_idx + 1..], name, &column.name);
        }
        if let Some(columns) = self.ops[op_idx].columns_mut() {
            columns[idx] = column;
        }
    }

    /// Removes a computed column; without such a one, nothing. Filters, sorts and groups by it go as well. Columns that are
    /// computed from it are from then on computed from what it was; one for which that cannot be written goes.
    pub fn remove_column(&mut self, name: &str) {
        let Some((op_idx, idx)) = self.computed_place(name) else { return };
        let later = self.ops.split_off(op_idx + 1);
        let Some(columns) = self.ops[op_idx].columns_mut() else { return };
        let removed = columns.remove(idx).expr;
        let reads_removed = |expr: &Expr| expr.columns().contains(&name);
        let changes = |columns: &[NamedExpr]| {
            let read = removed.columns();
            columns.iter().any(|column| read.contains(&column.name.as_str()))
        };
        // Whether what the removed column read is by then something else.
        let mut is_changed = changes(columns);
        let mut grouping = None;
        if columns.is_empty() {
            self.ops.pop();
        }
        let mut later = later.into_iter();
        for mut op in later.by_ref() {
            let is_kept = match &mut op {
                Op::Rows => true,
                Op::Filter(filter) => !reads_removed(filter),
                Op::Last(last) => last.column != name,
                Op::Sort(keys) => {
                    keys.retain(|key| !reads_removed(&key.expr));
                    !keys.is_empty()
                }
                Op::WithColumns(columns) | Op::Map(columns) => {
                    columns.retain_mut(|column| {
                        if !reads_removed(&column.expr) {
                            return true;
                        }
                        let mut n_nodes = usize::MAX;
                        let replacement = |read: &str| (read == name).then_some(&removed);
                        let written = column.expr.replace_columns(replacement, &mut n_nodes);
                        let written = written.ok().filter(|_| !is_changed);
                        written.map(|expr| column.expr = expr).is_some()
                    });
                    is_changed |= changes(columns);
                    !columns.is_empty()
                }
                Op::GroupBy { keys, aggregates } => {
                    grouping = without(keys, aggregates, reads_removed);
                    true
                }
            };
            let is_grouping = matches!(op, Op::GroupBy { .. });
            self.ops.extend(is_kept.then_some(op));
            if is_grouping {
                break;
            }
        }
        self.ops.extend(later);
        if let Some((keys, figures)) = grouping {
            self.set_grouping(keys, figures);
            let mut sort = self.sort_keys();
            sort.retain(|key| !key.expr.columns().contains(&name));
            self.set_sort(sort);
        }
    }

    fn computed_place(&self, name: &str) -> Option<(usize, usize)> {
        let is_named = |(op, idx): &(usize, usize)| {
            self.ops[*op].columns().and_then(|columns| columns.get(*idx)).is_some_and(|column| column.name == name)
        };
        self.computed_places().into_iter().find(is_named)
    }

    /// Where the computed columns stand: the operation, and the place in it.
    fn computed_places(&self) -> Vec<(usize, usize)> {
        let mut places: Vec<(usize, usize)> = Vec::new();
        let column = |(op, idx): (usize, usize)| self.ops[op].columns().and_then(|columns| columns.get(idx));
        for (op_idx, op) in self.ops.iter().enumerate() {
            match op {
                Op::GroupBy { .. } => break,
                Op::Map(_) => places.clear(),
                _ => {}
            }
            for (idx, new) in op.columns().unwrap_or_default().iter().enumerate() {
                places.retain(|place| column(*place).is_some_and(|known| known.name != new.name));
                places.push((op_idx, idx));
            }
        }
        places
    }
}

/// A grouping without what reads a column; `None` where nothing does. Without a key left it is that of no groups.
fn without(keys: &[Expr], figures: &[Aggregate], reads: impl Fn(&Expr) -> bool) -> Option<(Vec<Expr>, Vec<Aggregate>)> {
    let kept: Vec<Expr> = keys.iter().filter(|key| !reads(key)).cloned().collect();
    let is_kept = |figure: &&Aggregate| !figure.column.as_ref().is_some_and(&reads);
    let mut kept_figures: Vec<Aggregate> = figures.iter().filter(is_kept).cloned().collect();
    if kept.len() == keys.len() && kept_figures.len() == figures.len() {
        return None;
    }
    if kept_figures.is_empty() || kept.is_empty() && !keys.is_empty() {
        kept_figures = vec![Aggregate::count()];
    }
    Some((kept, kept_figures))
}

impl Op {
    fn columns(&self) -> Option<&[NamedExpr]> {
        match self {
            Op::WithColumns(columns) | Op::Map(columns) => Some(columns),
            _ => None,
        }
    }

    fn columns_mut(&mut self) -> Option<&mut Vec<NamedExpr>> {
        match self {
            Op::WithColumns(columns) | Op::Map(columns) => Some(columns),
            _ => None,
        }
    }
}

/// Makes what reads a column read one of another name. `ops` are those after it was computed.
fn rename(ops: &mut [Op], old: &str, new: &str) {
    let mut names = vec![(old.to_owned(), new.to_owned())];
    for op in ops {
        let mut rename = |expr: &mut Expr| {
            expr.change_columns(0, &mut |column, _| {
                if let Expr::Column(name) = column
                    && let Some((_, new)) = names.iter().find(|(old, _)| old == name)
                {
                    name.clone_from(new);
                }
            });
        };
        match op {
            Op::Rows => {}
            Op::Filter(filter) => rename(filter),
            Op::Last(last) if last.column == names[0].0 => last.column.clone_from(&names[0].1),
            Op::Last(_) => {}
            Op::Sort(keys) => keys.iter_mut().for_each(|key| rename(&mut key.expr)),
            Op::WithColumns(columns) => columns.iter_mut().for_each(|column| rename(&mut column.expr)),
            Op::Map(columns) => {
                columns.iter_mut().for_each(|column| rename(&mut column.expr));
                return;
            }
            Op::GroupBy { keys, aggregates } => {
                let names_of = |keys: &[Expr], figures: &[Aggregate]| -> Vec<String> {
                    keys.iter().map(Expr::name).chain(figures.iter().map(Aggregate::name)).collect()
                };
                let before = names_of(keys, aggregates);
                keys.iter_mut().for_each(&mut rename);
                aggregates.iter_mut().filter_map(|figure| figure.column.as_mut()).for_each(rename);
                // What comes after reads the columns of the groups.
                names = before.into_iter().zip(names_of(keys, aggregates)).collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse_expr, parse_query};

    fn check(before: &str, edit: impl Fn(&mut Query), after: &str) {
        let mut query = parse_query(&format!("table(\"e/p/t\"){before}")).unwrap();
        edit(&mut query);
        let after = parse_query(&format!("table(\"e/p/t\"){after}")).unwrap();
        assert_eq!(query.to_string(), after.to_string(), "of {before}");
        assert_eq!(parse_query(&query.to_string()), Ok(query));
    }

    fn column(name: &str, text: &str) -> NamedExpr {
        NamedExpr { name: name.to_owned(), expr: parse_expr(text).unwrap() }
    }

    #[test]
    fn the_last_of_a_name_counts_and_none_from_before_a_map() {
        let names = |ops: &str| {
            let query = parse_query(&format!("table(\"t\").rows(){ops}")).unwrap();
            let text = |column: &&NamedExpr| format!("{}={}", column.name, column.expr.name());
            query.computed_columns().iter().map(text).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(""), "");
        assert_eq!(names(".with_columns(r => {a: r.x, b: r.y}).with_columns(r => {a: r.z})"), "b=y a=z");
        assert_eq!(names(".with_columns(r => {a: r.x}).map(r => {c: r.a}).groupby(r => r.c)"), "c=a");
    }

    #[test]
    fn a_column_comes_after_the_filters_and_before_groups() {
        let add = |query: &mut Query| query.add_column(column("s", "row.x + row.y"));
        let new = ".with_columns(r => {s: r.x + r.y})";
        check("", add, &format!(".rows(){new}"));
        check(".rows().sort(r => r.x)", add, &format!(".rows(){new}.sort(r => r.x)"));
        check(
            ".rows().filter(r => r.x > 1).groupby(r => r.a).sort(r => r.a)",
            add,
            &format!(".rows().filter(r => r.x > 1){new}.groupby(r => r.a).sort(r => r.a)"),
        );
        let filter = |query: &mut Query| query.add_filter(parse_expr("row.s > 1").unwrap());
        check(
            &format!(".rows(){new}.sort(r => r.s)"),
            filter,
            &format!(".rows(){new}.filter(r => r.s > 1).sort(r => r.s)"),
        );
    }

    #[test]
    fn a_column_changes_its_name_everywhere() {
        let rename = |query: &mut Query| query.replace_column("s", column("sum", "row.x"));
        check(
            ".rows().filter(r => r.s > 0).with_columns(r => {s: r.s + 1, d: r.s}).with_columns(r => {t: r.s * 2}).filter(r => r.s > 1)\
             .groupby(r => [r.s, r.d], g => [g.s.avg()]).sort(r => [r.s, r[\"avg(s)\"]])",
            rename,
            ".rows().filter(r => r.s > 0).with_columns(r => {sum: r.x, d: r.s}).with_columns(r => {t: r.sum * 2}).filter(r => r.sum > 1)\
             .groupby(r => [r.sum, r.d], g => [g.sum.avg()]).sort(r => [r.sum, r[\"avg(sum)\"]])",
        );
        check(
            ".rows().with_columns(r => {s: 1}).map(r => {s: r.s}).filter(r => r.s)",
            rename,
            ".rows().with_columns(r => {s: 1}).map(r => {sum: r.x}).filter(r => r.sum)",
        );
        let taken = ".rows().with_columns(r => {s: 1, sum: 2})";
        check(taken, rename, taken);
        check(".rows().filter(r => r.s)", rename, ".rows().filter(r => r.s)");
        let same = |query: &mut Query| query.replace_column("s", column("s", "row.y"));
        check(".rows().with_columns(r => {s: r.x})", same, ".rows().with_columns(r => {s: r.y})");
    }

    #[test]
    fn what_reads_a_removed_column_goes_or_is_written_out() {
        let remove = |query: &mut Query| query.remove_column("s");
        check(".rows().filter(r => r.s)", remove, ".rows().filter(r => r.s)");
        check(
            ".rows().with_columns(r => {s: r.x + 1}).filter(r => r.s > 1).filter(r => r.x).with_columns(r => {t: r.s * 2}).sort(r => [r.s, r.t])",
            remove,
            ".rows().filter(r => r.x).with_columns(r => {t: (r.x + 1) * 2}).sort(r => r.t)",
        );
        check(".rows().with_columns(r => {s: 1}).sort(r => r.s)", remove, ".rows()");
        check(".rows().map(r => {s: 1, t: 2})", remove, ".rows().map(r => {t: 2})");
        // By then x is another column.
        check(
            ".rows().with_columns(r => {s: r.x, x: 1}).with_columns(r => {t: r.s})",
            remove,
            ".rows().with_columns(r => {x: 1})",
        );
        check(
            ".rows().with_columns(r => {s: r.x}).with_columns(r => {x: r.s}).with_columns(r => {t: r.s})",
            remove,
            ".rows().with_columns(r => {x: r.x})",
        );
        check(
            ".rows().with_columns(r => {s: r.x}).groupby(r => [r.s, r.a], g => [g.count(), g.s.avg()]).sort(r => r.s)",
            remove,
            ".rows().groupby(r => r.a)",
        );
        check(
            ".rows().with_columns(r => {s: r.x}).groupby(r => r.s, g => [g.count(), g.x.avg()]).sort(r => r.s)",
            remove,
            ".rows()",
        );
    }
}
