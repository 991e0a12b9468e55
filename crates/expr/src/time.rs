//! Points in time from text.

use model::Timestamp;

const MICROS_PER_SECOND: i128 = 1_000_000;

/// Reads ISO 8601: `2024-01-02`, `2024-01-02T03:04`, with seconds, up to six decimals (further ones are cut off) and a
/// zone `Z` or `+02:00`; without a zone it is UTC. Years past 9999 or before 0 have a sign and six digits.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let mut rest = Digits(text);
    let year = match text.as_bytes().first()? {
        b'+' => Digits(&text[1..]).number(6, &mut rest)?,
        b'-' => -Digits(&text[1..]).number(6, &mut rest)?,
        _ => Digits(text).number(4, &mut rest)?,
    };
    let month = rest.after("-")?.number(2, &mut rest)?;
    let day = rest.after("-")?.number(2, &mut rest)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let mut micros = i128::from(days_since_1970(year, month, day)) * 86_400 * MICROS_PER_SECOND;
    if rest.0.is_empty() {
        return i64::try_from(micros).ok().map(Timestamp);
    }
    let hour = rest.after("T").or_else(|| rest.after(" "))?.number(2, &mut rest)?;
    let minute = rest.after(":")?.number(2, &mut rest)?;
    let mut second = 0;
    if let Some(after) = rest.after(":") {
        second = after.number(2, &mut rest)?;
        if let Some(after) = rest.after(".") {
            let n_digits = after.0.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, tail) = after.0.split_at(n_digits);
            micros += format!("{digits:0<6}").get(..6)?.parse::<i128>().ok().filter(|_| n_digits > 0)?;
            rest = Digits(tail);
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    micros += i128::from(hour * 3600 + minute * 60 + second) * MICROS_PER_SECOND;
    match rest.0 {
        "" | "Z" | "z" => {}
        _ => {
            let (sign, after) = match (rest.after("+"), rest.after("-")) {
                (Some(after), _) => (-1, after),
                (_, Some(after)) => (1, after),
                _ => return None,
            };
            let hours = after.number(2, &mut rest)?;
            let minutes = rest.after(":").unwrap_or(rest).number(2, &mut rest)?;
            if !rest.0.is_empty() || hours > 23 || minutes > 59 {
                return None;
            }
            micros += i128::from(sign * (hours * 3600 + minutes * 60)) * MICROS_PER_SECOND;
        }
    }
    i64::try_from(micros).ok().map(Timestamp)
}

/// What is left of a text.
#[derive(Clone, Copy)]
struct Digits<'a>(&'a str);

impl<'a> Digits<'a> {
    fn after(self, prefix: &str) -> Option<Self> {
        self.0.strip_prefix(prefix).map(Digits)
    }

    /// Exactly `n_digits` digits; what follows them goes to `rest`.
    fn number(self, n_digits: usize, rest: &mut Self) -> Option<i64> {
        let digits = self.0.get(..n_digits).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
        *rest = Digits(&self.0[n_digits..]);
        digits.parse().ok()
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The inverse of [`Timestamp::civil`], by the same method.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn iso_8601_is_read() {
        let cases = [
            ("1970-01-01", Some(0)),
            ("1970-01-01T00:00", Some(0)),
            ("1970-01-01 00:00:01.5", Some(1_500_000)),
            ("1970-01-01T02:00+02:00", Some(0)),
            ("1969-12-31T19:00:00.000001-0500", Some(1)),
            ("2000-02-29T00:00:00.1234567Z", Some(951_782_400_123_456)),
            ("2001-02-29", None),
            ("1970-13-01", None),
            ("1970-01-01T24:00", None),
            ("1970-01-01T00:00:00.", None),
            ("1970-01-01T00:00:00x", None),
            ("1970-1-1", None),
            ("+300000-01-01", None),
            ("é", None),
            ("19é", None),
            ("", None),
        ];
        for (text, expect) in cases {
            assert_eq!(parse_timestamp(text), expect.map(Timestamp), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(micros in any::<i64>()) {
            prop_assert_eq!(parse_timestamp(&Timestamp(micros).to_string()), Some(Timestamp(micros)));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = parse_timestamp(&text);
        }
    }
}
