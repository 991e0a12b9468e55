//! Columns of an expression replaced by what they are computed from.

use crate::expr::{Expr, MAX_EXPR_DEPTH};

/// The computed columns of a query make expressions that are too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the computed columns are built on each other until an expression is too large")]
pub struct TooLarge;

impl Expr {
    /// The same expression with others in the place of columns: where `replacement` gives one for a column's name. Each node
    /// that is put in is taken from `n_nodes`, so that columns that are built on each other stay bounded.
    ///
    /// # Errors
    /// [`TooLarge`] when `n_nodes` does not suffice, or the tree would pass [`MAX_EXPR_DEPTH`].
    pub fn replace_columns<'a>(
        &self,
        replacement: impl Fn(&str) -> Option<&'a Expr>,
        n_nodes: &mut usize,
    ) -> Result<Expr, TooLarge> {
        let mut expr = self.clone();
        let mut outcome = Ok(());
        expr.change_columns(0, &mut |column, level| {
            let Expr::Column(name) = &*column else { return };
            let Some(new) = replacement(name).filter(|_| outcome.is_ok()) else { return };
            let (n_new, depth) = new.size();
            match n_nodes.checked_sub(n_new).filter(|_| level + depth <= MAX_EXPR_DEPTH) {
                Some(n_left) => {
                    *n_nodes = n_left;
                    column.clone_from(new);
                }
                None => outcome = Err(TooLarge),
            }
        });
        outcome.map(|()| expr)
    }

    /// Shows every column to be changed, with how many levels of the tree stand above it. What takes a column's place is not
    /// looked into.
    pub(crate) fn change_columns(&mut self, level: usize, change: &mut dyn FnMut(&mut Expr, usize)) {
        match self {
            Expr::Literal(_) => {}
            Expr::Column(_) => change(self, level),
            Expr::Get(of, _) | Expr::Unary(_, of) | Expr::Matches { on: of, .. } => {
                of.change_columns(level + 1, change);
            }
            Expr::Binary(_, left, right) => {
                left.change_columns(level + 1, change);
                right.change_columns(level + 1, change);
            }
            Expr::List(items) => items.iter_mut().for_each(|item| item.change_columns(level + 1, change)),
            Expr::Choice(parts) => parts.iter_mut().for_each(|part| part.change_columns(level + 1, change)),
            Expr::Call { on, args, .. } => {
                on.change_columns(level + 1, change);
                args.iter_mut().for_each(|arg| arg.change_columns(level + 1, change));
            }
        }
    }

    /// How many nodes the tree has, and how many levels.
    fn size(&self) -> (usize, usize) {
        let parts = |parts: &[Expr]| {
            parts.iter().map(Expr::size).fold((0, 0), |(n, depth), part| (n + part.0, depth.max(part.1)))
        };
        let (n_nodes, depth) = match self {
            Expr::Literal(_) | Expr::Column(_) => (0, 0),
            Expr::Get(of, _) | Expr::Unary(_, of) | Expr::Matches { on: of, .. } => of.size(),
            Expr::Binary(_, left, right) => {
                let (left, right) = (left.size(), right.size());
                (left.0 + right.0, left.1.max(right.1))
            }
            Expr::List(items) => parts(items),
            Expr::Choice(three) => parts(&three[..]),
            Expr::Call { on, args, .. } => {
                let (on, args) = (on.size(), parts(args));
                (on.0 + args.0, on.1.max(args.1))
            }
        };
        (n_nodes + 1, depth + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_expr;

    fn check(text: &str, new: &str, n_nodes: usize, expect: Result<(&str, usize), TooLarge>) {
        let (expr, new) = (parse_expr(text).unwrap(), parse_expr(new).unwrap());
        let mut n_left = n_nodes;
        let got = expr.replace_columns(|name| (name == "r").then_some(&new), &mut n_left);
        let got = got.map(|expr| (expr.to_string(), n_left));
        assert_eq!(got, expect.map(|(text, n_left)| (text.to_owned(), n_left)), "{text}");
    }

    #[test]
    fn columns_are_replaced_wherever_they_stand() {
        check("row.a", "1", 0, Ok(("row[\"a\"]", 0)));
        check("row.r * 2", "row.r + 1", 3, Ok(("(row[\"r\"] + 1) * 2", 0)));
        check(
            "row.r ? [row.r.k, -row.r] : row.r.in([row.r]) && row.r.matches(\"x\")",
            "row.a",
            9,
            Ok((
                "row[\"a\"] ? [row[\"a\"][\"k\"], -row[\"a\"]] : row[\"a\"].in([row[\"a\"]]) && row[\"a\"].matches(\"x\")",
                3,
            )),
        );
    }

    #[test]
    fn what_is_put_in_is_bounded() {
        check("row.r * row.r", "row.a + 1", 6, Ok(("(row[\"a\"] + 1) * (row[\"a\"] + 1)", 0)));
        check("row.r * row.r", "row.a + 1", 5, Err(TooLarge));
        let deep = |n: usize| format!("{}row.r", "!".repeat(n));
        let fits = parse_expr(&deep(MAX_EXPR_DEPTH - 3)).unwrap().to_string();
        check(&fits, "!row.r", 9, Ok((&deep(MAX_EXPR_DEPTH - 2).replace(".r", "[\"r\"]"), 7)));
        check(&deep(MAX_EXPR_DEPTH - 2), "!!row.r", 9, Err(TooLarge));
    }
}
