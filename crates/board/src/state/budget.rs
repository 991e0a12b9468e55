//! How much memory the worker may take.

/// The budget where a browser does not tell how much memory there is, in bytes.
pub const DEFAULT_BYTES: u64 = 1 << 30;
/// The worker's memory ends at 4 GiB, and has to have room for views that are being made.
pub const MAX_BYTES: u64 = 2 << 30;

/// The budget of a device with so much memory, in GiB, as a browser tells it: an eighth, at most 2 GiB.
#[must_use]
pub fn of_device(gibibytes: Option<f64>) -> u64 {
    let eighth = gibibytes.filter(|gibibytes| *gibibytes > 0.0).map(|gibibytes| gibibytes / 8.0 * f64::from(1 << 30));
    eighth.map_or(DEFAULT_BYTES, |bytes| (bytes as u64).min(MAX_BYTES))
}

/// The budget that an address asks for, such as `512` or `1.5GB`; without a unit in megabytes.
#[must_use]
pub fn of_text(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_uppercase();
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let unit = match unit {
        "KB" => 1 << 10,
        "" | "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return None,
    };
    let bytes = number.trim().parse::<f64>().ok().filter(|number| *number > 0.0)? * f64::from(unit);
    Some((bytes as u64).min(MAX_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_an_eighth_of_the_device() {
        assert_eq!(of_device(None), 1 << 30);
        assert_eq!(of_device(Some(8.0)), 1 << 30);
        assert_eq!(of_device(Some(0.5)), 1 << 26);
        assert_eq!(of_device(Some(64.0)), MAX_BYTES);
        assert_eq!(of_device(Some(0.0)), DEFAULT_BYTES);
    }

    #[test]
    fn an_address_may_ask_for_a_budget() {
        assert_eq!(of_text("512"), Some(512 << 20));
        assert_eq!(of_text("1.5gb"), Some(3 << 29));
        assert_eq!(of_text("300 KB"), Some(300 << 10));
        assert_eq!(of_text("9GB"), Some(MAX_BYTES));
        for text in ["", "0", "-1", "GB", "1TB", "NaN", "inf"] {
            assert_eq!(of_text(text), None, "{text}");
        }
    }
}
