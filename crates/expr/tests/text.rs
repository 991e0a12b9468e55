//! Text to tree to text is the identity, a condition is what its expression says, and no text panics.

use expr::{
    Aggregate, AggregateOp, BinaryOp, Bound, Condition, Expr, Last, Locale, MAX_EXPR_DEPTH, Method, NamedExpr, Op,
    Pattern, Query, Share, SortKey, Span, Step, UnaryOp, parse_expr, parse_query,
};
use model::{TableName, Timestamp, Value};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,3}", "\\PC{0,4}", Just("b.c".to_owned()), Just("__proto__".to_owned()), any::<String>()]
}

fn scalar() -> impl Strategy<Value = Value> {
    let special = vec![0.0, -0.0, 1e300, 1e-7, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        prop::sample::select(vec![i64::MIN, i64::MAX, -1, 0]).prop_map(Value::Int),
        any::<f64>().prop_map(Value::Float),
        prop::sample::select(special).prop_map(Value::Float),
        name().prop_map(Value::Text),
        any::<i64>().prop_map(|t| Value::Time(Timestamp(t))),
        prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
    ]
}

fn binary_op() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp::{
        Add, And, Coalesce, Divide, Equal, Greater, GreaterOrEqual, Less, LessOrEqual, Multiply, NotEqual, Or,
        Remainder, Subtract,
    };
    prop::sample::select(vec![
        Coalesce,
        Or,
        And,
        Equal,
        NotEqual,
        Less,
        LessOrEqual,
        Greater,
        GreaterOrEqual,
        Add,
        Subtract,
        Multiply,
        Divide,
        Remainder,
    ])
}

fn pattern() -> impl Strategy<Value = Pattern> {
    "[a-c.*+?^$|\\\\\"\n]{0,6}".prop_filter_map("a pattern", |text| Pattern::new(&text).ok())
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![scalar().prop_map(Expr::Literal), name().prop_map(Expr::Column)];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let step = prop_oneof![name().prop_map(Step::Key), any::<u32>().prop_map(Step::Item)];
        let unary = prop::sample::select(vec![UnaryOp::Negate, UnaryOp::Not]);
        prop_oneof![
            (inner.clone(), step).prop_map(|(of, step)| Expr::Get(Box::new(of), step)),
            (unary, inner.clone()).prop_map(|(op, of)| Expr::Unary(op, Box::new(of))),
            (binary_op(), inner.clone(), inner.clone()).prop_map(|(op, left, right)| Expr::binary(op, left, right)),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Expr::List),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| Expr::choice(a, b, c)),
            (inner.clone(), pattern()).prop_map(|(on, pattern)| on.matches(pattern)),
            (prop::sample::select(Method::ALL.to_vec()), inner.clone(), inner)
                .prop_map(|((method, _, n_args), on, arg)| on.call(method, vec![arg; n_args])),
        ]
    })
}

/// At least one, each name once.
fn named_exprs() -> impl Strategy<Value = Vec<NamedExpr>> {
    let columns = prop::collection::hash_map(name(), expr(), 1..3);
    columns.prop_map(|columns| columns.into_iter().map(|(name, expr)| NamedExpr { name, expr }).collect())
}

fn op() -> impl Strategy<Value = Op> {
    let locale = prop::sample::select(Locale::tags().collect::<Vec<_>>()).prop_map(Locale::from_tag);
    let locale = prop_oneof![Just(None), locale];
    let key = (expr(), any::<bool>(), any::<bool>(), locale)
        .prop_map(|(expr, descending, nulls_first, locale)| SortKey { expr, descending, nulls_first, locale });
    let span = "[1-9][0-9]{0,4}(ms|s|m|h|d|w)".prop_map(|text| Span::parse(&text).expect("a span"));
    let column = prop_oneof![Just("timestamp".to_owned()), name()];
    let last = (span, column).prop_map(|(span, column)| Op::Last(Last { span, column }));
    let quantile = (0_u32..=1_000_000).prop_map(|parts| Share::new(f64::from(parts) / 1e6).map(AggregateOp::Quantile));
    let quantile = quantile.prop_map(|op| op.expect("six digits make a share"));
    let op = prop_oneof![3 => prop::sample::select(AggregateOp::ALL.to_vec()).prop_map(|(op, _)| op), 1 => quantile];
    let aggregate = (op, expr()).prop_map(|(op, column)| Aggregate { op, column: Some(column) });
    let aggregate = prop_oneof![aggregate, Just(Aggregate::count())];
    prop_oneof![
        Just(Op::Rows),
        named_exprs().prop_map(Op::WithColumns),
        named_exprs().prop_map(Op::Map),
        expr().prop_map(Op::Filter),
        last,
        prop::collection::vec(key, 0..3).prop_map(Op::Sort),
        (prop::collection::vec(expr(), 0..3), prop::collection::vec(aggregate, 0..3))
            .prop_map(|(keys, aggregates)| Op::GroupBy { keys, aggregates }),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let value = || scalar().prop_filter("an end of a range", |value| !value.is_null());
    let bound = || prop::option::of((value(), any::<bool>()).prop_map(|(value, inclusive)| Bound { value, inclusive }));
    prop_oneof![
        (name(), bound(), bound())
            .prop_filter("a range has an end", |(_, min, max)| min.is_some() || max.is_some())
            .prop_map(|(column, min, max)| Condition::Range { column, min, max }),
        (name(), prop::collection::vec(scalar(), 0..4))
            .prop_map(|(column, values)| Condition::OneOf { column, values }),
        (name(), name()).prop_map(|(column, text)| Condition::Contains { column, text }),
        (name(), name()).prop_map(|(column, text)| Condition::StartsWith { column, text }),
        (name(), pattern()).prop_map(|(column, pattern)| Condition::Matches { column, pattern }),
        (name(), any::<bool>()).prop_map(|(column, negated)| Condition::IsNull { column, negated }),
    ]
}

/// Texts that nearly are expressions.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "row",
        "rows",
        "=>",
        "(",
        ")",
        "[",
        "]",
        "\"a\"",
        "'b'",
        ".",
        ",",
        "-",
        "!",
        "+",
        "&&",
        "||",
        "==",
        "<=",
        "5",
        "5n",
        "1e",
        "1.5",
        "99999999999999999999n",
        "9223372036854775808n",
        "NaN",
        "Infinity",
        "null",
        "date(",
        "bytes(",
        "table(\"t\")",
        ".rows()",
        ".filter(",
        ".sort(",
        ".last(",
        "\"5m\"",
        "\"desc nulls first\"",
        "\"locale",
        ".groupby(",
        ".map(",
        ".with_columns(",
        ":",
        "?",
        "??",
        "}",
        ".avg()",
        ".count()",
        ".in(",
        ".contains(",
        "\"",
        "\\",
        "\"\\u{110000}\"",
        "\"\\ud800\"",
        " ",
        "{",
        "é",
        "\u{0}",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn an_expression_reads_back(expr in expr()) {
        let text = expr.to_string();
        let read = parse_expr(&text);
        prop_assert_eq!(read.as_ref(), Ok(&expr), "{}", text);
        prop_assert_eq!(parse_expr(&format!("x1 => {}", text.replace("row[", "x1["))).is_ok(), true);
        prop_assert_eq!(read.unwrap().to_string(), text);
    }

    #[test]
    fn a_query_reads_back(ops in prop::collection::vec(op(), 0..4)) {
        let query = Query { table: TableName::parse("e/p/t").unwrap(), ops };
        let text = query.to_string();
        prop_assert_eq!(parse_query(&text), Ok(query), "{}", text);
    }

    #[test]
    fn a_condition_is_what_its_expression_says(condition in condition()) {
        let expr = condition.to_expr();
        prop_assert_eq!(Condition::of(&expr), condition);
        prop_assert_eq!(Condition::of(&parse_expr(&expr.to_string()).unwrap()).to_expr(), expr);
    }

    #[test]
    fn an_expression_is_what_its_condition_says(expr in expr()) {
        prop_assert_eq!(Condition::of(&expr).to_expr(), expr);
    }

    #[test]
    fn what_is_accepted_prints_canonically(text in nearly()) {
        if let Ok(expr) = parse_expr(&text) {
            prop_assert_eq!(parse_expr(&expr.to_string()), Ok(expr));
        }
        let n_chars = text.chars().count();
        if let Err(error) = parse_query(&text) {
            prop_assert!(error.at.start <= error.at.end && error.at.end <= n_chars, "{:?} in {:?}", error, text);
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = (parse_expr(&text), parse_query(&text));
    }
}

#[test]
fn what_people_type_becomes_canonical() {
    let check = |text: &str, expect: &str| {
        let query = parse_query(&format!("table('t'){text}")).map_err(|e| format!("{e} at {:?}", e.at)).unwrap();
        assert_eq!(query.to_string(), format!("table(\"local/default/t\"){expect}"));
    };
    check("", "");
    check(
        r#" . rows ( ) .filter( (r) => r.loss<.5&&r['cat']==="x" ) "#,
        r#".rows().filter(row => row["loss"] < 0.5 && row["cat"] == "x")"#,
    );
    check(".sort(r => r.a)", r#".sort(row => row["a"], "asc")"#);
    check(".sort(r => [r.a, r.b.c], 'desc')", r#".sort(row => [row["a"], row["b"]["c"]], ["desc", "desc"])"#);
    check(".sort(r => r.a, 'nulls first')", r#".sort(row => row["a"], "asc nulls first")"#);
    check(".sort(r => r.a, 'desc', ' nulls  first ',)", r#".sort(row => row["a"], "desc nulls first")"#);
    check(".sort(r => r.a, 'locale nulls last desc')", r#".sort(row => row["a"], "desc locale")"#);
    check(
        ".sort(r => [r.a, r.b], ['locale sv-SE', 'nulls first'])",
        r#".sort(row => [row["a"], row["b"]], ["asc locale sv", "asc nulls first"])"#,
    );
    check(".last('5m')", r#".last("5m")"#);
    check(".last('90s', row => row.timestamp)", r#".last("90s")"#);
    check(".last('24h', r => r['t s'])", r#".last("24h", row => row["t s"])"#);
    check(".groupby(r => r.cat)", r#".groupby(row => [row["cat"]])"#);
    check(
        ".groupby(r => [r.cat,], g => [g.count(), g.price.mean(), g['price'].sum(), g.count.count(),])",
        r#".groupby(row => [row["cat"]], rows => [rows.count(), rows["price"].avg(), rows["price"].sum(), rows["count"].count()])"#,
    );
    check(
        ".filter(r => !(r.a || r.b) && -(-5) - (r.c - 1) > 2n)",
        r#".filter(row => !(row["a"] || row["b"]) && -(-5) - (row["c"] - 1) > 2n)"#,
    );
    check(
        ".with_columns(r => ({ratio: r.a / r.b, 'b c': r.ok ? r.a ?? 0 : (r.x ? 1 : 2),}))",
        r#".with_columns(row => {"ratio": row["a"] / row["b"], "b c": row["ok"] ? row["a"] ?? 0 : row["x"] ? 1 : 2})"#,
    );
    check(".map(row => {a: row.a})", r#".map(row => {"a": row["a"]})"#);
    check(
        ".filter(r => (r.a ? r.b : r.c) ? (r.d ?? r.e) || r.f : !(r.g ? 1 : 2).abs())",
        r#".filter(row => (row["a"] ? row["b"] : row["c"]) ? (row["d"] ?? row["e"]) || row["f"] : !(row["g"] ? 1 : 2).abs())"#,
    );
    check(r#".filter(r => r["\u00e9\uD83D\uDE00\x41\n"].in([1,]))"#, ".filter(row => row[\"é😀A\\n\"].in([1]))");
}

#[test]
fn errors_point_at_the_character() {
    let check = |text: &str, code: &str, at: std::ops::Range<usize>| {
        let error = parse_expr(text).unwrap_err();
        assert_eq!((error.code(), error.at.clone()), (code, at), "{text}: {error}");
    };
    check("", "unexpected", 0..0);
    check("row.a <", "unexpected", 7..7);
    check("row.a < # 1", "unexpected_character", 8..9);
    check("\"é\" == loss", "unknown_name", 7..11);
    check("row.a.foo(1)", "unknown_method", 6..9);
    check("row.a.contains()", "wrong_arguments", 6..14);
    check("row", "unexpected", 3..3);
    check("row.contains(1)", "unexpected", 12..13);
    check("1 2", "unexpected", 2..3);
    check("\"open", "open_text", 0..5);
    check("'a\\q'", "bad_escape", 2..4);
    check("date(\"x\")", "bad_date", 5..8);
    check("9223372036854775808n", "number_too_large", 0..20);
    check("-9223372036854775809n", "number_too_large", 1..21);
    check("12abc", "bad_number", 0..3);
    check("row[\"a\"][-1]", "unexpected", 9..10);
    check("row[\"a\"][1.5]", "unexpected", 9..12);
    check("row.a ? 1", "unexpected", 9..9);
    check("row.a ? 1 : ", "unexpected", 12..12);
    check("row.a ?? ", "unexpected", 9..9);
    check("row.a.lower(1)", "wrong_arguments", 6..11);

    let check = |columns: &str, code: &str, at: std::ops::Range<usize>| {
        let error = parse_query(&format!("table('t').map({columns})")).unwrap_err();
        assert_eq!((error.code(), error.at.start - 15..error.at.end - 15), (code, at), "{columns}: {error}");
    };
    check("row => {}", "unexpected", 8..9);
    check("row => row.a", "unexpected", 7..10);
    check("row => {a: row.a, \"a\": 1}", "duplicate_column", 18..21);
    check("row => {a row.a}", "unexpected", 10..13);
    check("row => {1: row.a}", "unexpected", 8..9);
    check("row => {a: row.a b: 1}", "unexpected", 17..18);
    check("row => {a: loss}", "unknown_name", 11..15);
    check("row => ({a: 1}", "unexpected", 15..15);

    let check = |ops: &str, code: &str, at: std::ops::Range<usize>| {
        let error = parse_query(&format!("table(\"t\"){ops}")).unwrap_err();
        // What stands before is ten characters long.
        assert_eq!((error.code(), error.at.start - 10..error.at.end - 10), (code, at), "{ops}: {error}");
    };
    check(".last()", "unexpected", 6..7);
    check(".last(5)", "unexpected", 6..7);
    check(".last(\"5x\")", "bad_span", 6..10);
    check(".rows().last(\"0m\", r => r.ts)", "bad_span", 13..17);
    check(".last(\"5m\", r => r.a.b)", "wrong_arguments", 12..22);
    check(".last(\"5m\", \"ts\")", "wrong_arguments", 12..16);
    check(".last(\"5m\" r)", "unexpected", 11..12);
    check(".sort(r => r.a, \"up\")", "unexpected", 16..20);
    check(".sort(r => r.a, \"\")", "unexpected", 16..18);
    check(".sort(r => r.a, \"asc desc\")", "unexpected", 16..26);
    check(".sort(r => r.a, \"nulls\")", "unexpected", 16..23);
    check(".sort(r => r.a, \"desc\", \"asc\")", "unexpected", 24..29);
    check(".sort(r => [r.a], [\"locale tlh\"])", "unknown_locale", 19..31);

    let check = |text: &str, code: &str| assert_eq!(parse_query(text).unwrap_err().code(), code, "{text}");
    check("rows()", "unexpected");
    check("table(\"a b\")", "name_bad_character");
    check("table(\"t\").foo()", "unknown_operation");
    check("table(\"t\").sort(r => r.a, \"up\")", "unexpected");
    check("table(\"t\").sort(r => [r.a, r.b], [\"asc\"])", "wrong_arguments");
    check("table(\"t\").groupby(r => r.a, g => g.x.foo())", "unknown_method");
    check("table(\"t\").groupby(r => r.a, g => g.x.foo)", "unexpected");
    check("table(\"t\").groupby(r => r.a, g => g.avg())", "wrong_arguments");
    check("table(\"t\").groupby(r => r.a, g => g.b.quantile())", "wrong_arguments");
    check("table(\"t\").groupby(r => r.a, g => g.b.quantile(1.5))", "wrong_arguments");
    check("table(\"t\").groupby(r => r.a, g => g.b.quantile(0.1234567))", "wrong_arguments");
}

#[test]
fn depth_is_bounded_and_what_fits_reads_back() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("-", ""),
        ("!", ""),
        ("1-(", ")"),
        ("row.a.in(", ")"),
        ("-(", ")"),
        ("row.a ? 1 : ", ""),
        ("(", " ? 2 : 3)"),
        ("1 ? (", ") : 3"),
    ] {
        let deep = |n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
        assert_eq!(parse_expr(&deep(100_000)).unwrap_err().code(), "too_deep", "{open}");
        let fits = (1..MAX_EXPR_DEPTH + 10).rev().find_map(|n| parse_expr(&deep(n)).ok()).unwrap();
        assert_eq!(parse_expr(&fits.to_string()), Ok(fits), "{open}");
    }
    for chain in ["&&true", ".a", "[0]", ".isNull()", "+1", "??1"] {
        assert_eq!(parse_expr(&format!("row.a{}", chain.repeat(100_000))).unwrap_err().code(), "too_deep", "{chain}");
        assert!(parse_expr(&format!("row.a{}", chain.repeat(MAX_EXPR_DEPTH - 1))).is_ok(), "{chain}");
    }
    let mut tallest = Expr::column("a");
    for level in 1..MAX_EXPR_DEPTH {
        tallest =
            if level % 2 == 0 { tallest.negated() } else { Expr::binary(BinaryOp::Or, Expr::column("b"), tallest) };
    }
    assert_eq!(parse_expr(&tallest.to_string()), Ok(tallest));
}
