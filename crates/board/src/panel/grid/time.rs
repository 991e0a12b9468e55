//! Times as the viewer's clock shows them.

use js_sys::Date;
use wasm_bindgen::JsValue;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A time in the viewer's zone, with as much of the second as it has. A midnight in UTC is taken for a date, which is the
/// same day in every zone.
pub(crate) fn local_time(micros: i64) -> String {
    let date = Date::new(&JsValue::from_f64((micros.div_euclid(1000)) as f64));
    if micros.rem_euclid(MICROS_PER_DAY) == 0 {
        return format!("{:04}-{:02}-{:02}", date.get_utc_full_year(), date.get_utc_month() + 1, date.get_utc_date());
    }
    let (hours, minutes, seconds) = (date.get_hours(), date.get_minutes(), date.get_seconds());
    let day = format!("{:04}-{:02}-{:02}", date.get_full_year(), date.get_month() + 1, date.get_date());
    let clock = format!("{day} {hours:02}:{minutes:02}:{seconds:02}");
    match micros.rem_euclid(1_000_000) {
        0 => clock,
        fraction => format!("{clock}.{:03}", fraction / 1000),
    }
}
