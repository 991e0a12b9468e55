//! Numbers and sizes as a person reads them.

/// A count with its thousands set apart: `12,345`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 row`, `2 rows`.
#[must_use]
pub fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(n), if n == 1 { "" } else { "s" })
}

/// A rate: whole from ten on, with a decimal below.
#[must_use]
pub fn rate(per_second: f64) -> String {
    if per_second >= 9.95 { count(per_second.round() as u64) } else { format!("{per_second:.1}") }
}

/// A number of bytes: `1.4 MB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (n as f64, 0);
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 || size >= 100.0 { format!("{size:.0} {}", UNITS[unit]) } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// How long ago something was, in seconds: `now`, `12 s ago`, `3 d ago`.
#[must_use]
pub fn ago(seconds: f64) -> String {
    const UNITS: [(f64, &str); 4] = [(86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")];
    let unit = UNITS.iter().find(|(size, _)| seconds >= *size && seconds >= 2.0);
    unit.map_or_else(|| "now".to_owned(), |(size, unit)| format!("{:.0} {unit} ago", (seconds / size).floor()))
}

/// A number in a cell: whole numbers whole, others with at most six decimals, the very large and small by powers of ten.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    if !(1e-4..1e15).contains(&size) {
        return trimmed(&format!("{value:.6e}"));
    }
    if value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    trimmed(&format!("{value:.6}"))
}

/// Without the zeros that end a decimal fraction.
fn trimmed(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').map_or((text, None), |(m, e)| (m, Some(e)));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    exponent.map_or_else(|| mantissa.to_owned(), |exponent| format!("{mantissa}e{exponent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_sizes_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 2].map(|n| counted(n, "row")), ["1 row", "2 rows"]);
        assert_eq!([0.0, 0.25, 9.96, 1999.6].map(rate), ["0.0", "0.2", "10", "2,000"]);
        assert_eq!([0, 999, 1500, 1_500_000].map(bytes), ["0 B", "999 B", "1.5 KB", "1.4 MB"]);
    }

    #[test]
    fn times_past_read_well() {
        let cases = [
            (-3.0, "now"),
            (1.9, "now"),
            (12.4, "12 s ago"),
            (119.0, "1 min ago"),
            (7200.0, "2 h ago"),
            (2e5, "2 d ago"),
        ];
        cases.iter().for_each(|(seconds, expect)| assert_eq!(ago(*seconds), *expect));
    }

    #[test]
    fn numbers_read_well() {
        let cases = [
            (1.0, "1"),
            (-0.0, "-0"),
            (261.96, "261.96"),
            (0.1 + 0.2, "0.3"),
            (-1234.5, "-1234.5"),
            (1e-7, "1e-7"),
            (1.5e300, "1.5e300"),
            (1e15, "1e15"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "−∞"),
        ];
        for (value, expect) in cases {
            assert_eq!(number(value), expect);
        }
    }
}
