//! How a column's numbers or times are spread: bars over which a range is dragged.

use leptos::prelude::*;
use leptos::web_sys::{Element, PointerEvent};
use model::{Timestamp, Value};
use wasm_bindgen::JsCast;

use crate::protocol::ColumnFacts;
use crate::state::conditions::{plain, typed_bound};
use crate::state::text::count;

/// Bars over the range of a column. Dragging over them writes the ends into `min` and `max`, as if they were typed, and calls
/// `apply`.
#[component]
pub(super) fn Histogram(
    #[prop(into)] facts: Signal<Option<ColumnFacts>>,
    is_time: bool,
    min: RwSignal<String>,
    max: RwSignal<String>,
    apply: impl Fn() + Copy + Send + Sync + 'static,
) -> impl IntoView {
    // The bar where the pointer went down, and the one where it is.
    let dragged = RwSignal::new(None::<(usize, usize)>);
    let bins = Memo::new(move |_| facts.get().and_then(|facts| Bins::of(&facts)));
    let bar_at = move |event: &PointerEvent| {
        let element: Element = event.current_target()?.dyn_into().ok()?;
        let edges = element.get_bounding_client_rect();
        let n_bars = bins.with_untracked(|bins| bins.as_ref().map(|bins| bins.counts.len()))?;
        let share = (f64::from(event.client_x()) - edges.left()) / edges.width();
        Some(((share * n_bars as f64).max(0.0) as usize).min(n_bars - 1))
    };
    let on_down = move |event: PointerEvent| {
        if let Some(bar) = bar_at(&event) {
            if let Some(element) = event.current_target().and_then(|target| target.dyn_into::<Element>().ok()) {
                // Without it a drag ends where the pointer leaves the bars.
                let _ = element.set_pointer_capture(event.pointer_id());
            }
            dragged.set(Some((bar, bar)));
        }
    };
    let on_move = move |event: PointerEvent| {
        if let (Some((from, _)), Some(bar)) = (dragged.get_untracked(), bar_at(&event)) {
            dragged.set(Some((from, bar)));
        }
    };
    let on_up = move |_| {
        let Some((from, to)) = dragged.get_untracked() else { return };
        dragged.set(None);
        let text = |place: f64| match is_time {
            true => plain(&Value::Time(Timestamp(place as i64))),
            false => place.to_string(),
        };
        let ends = bins
            .with_untracked(|bins| bins.as_ref().map(|bins| (bins.edge(from.min(to)), bins.edge(from.max(to) + 1))));
        if let Some((least, greatest)) = ends {
            min.set(text(least));
            max.set(text(greatest));
            apply();
        }
    };
    let is_chosen = move |bar: usize| {
        if let Some((from, to)) = dragged.get() {
            return (from.min(to)..=from.max(to)).contains(&bar);
        }
        let place = |text: String| match typed_bound(&text, is_time) {
            Some(Value::Time(time)) => Some(time.0 as f64),
            value => value.and_then(|value| value.as_f64()),
        };
        let (least, greatest) = (place(min.get()), place(max.get()));
        bins.with(|bins| {
            bins.as_ref().is_none_or(|bins| {
                let middle = f64::midpoint(bins.edge(bar), bins.edge(bar + 1));
                least.is_none_or(|least| least <= middle) && greatest.is_none_or(|greatest| middle <= greatest)
            })
        })
    };
    let bars = move || {
        let Some(bins) = bins.get() else { return Vec::new() };
        let most = bins.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let bar = |(bar, n_rows): (usize, &u64)| {
            let height = format!("height:{:.1}%", *n_rows as f64 / most * 100.0);
            let class = if *n_rows > 0 { "bar" } else { "bar none" };
            view! { <span class=class class:chosen=move || is_chosen(bar) style=height title=count(*n_rows)></span> }
        };
        bins.counts.iter().enumerate().map(bar).collect()
    };
    view! {
        <Show when=move || bins.with(Option::is_some)>
            <div
                class="histogram"
                data-testid="histogram"
                title="Drag over the bars to choose a range"
                on:pointerdown=on_down
                on:pointermove=on_move
                on:pointerup=on_up
                on:pointercancel=move |_| dragged.set(None)
            >
                {bars}
            </div>
        </Show>
    }
}

/// Equal parts of a range.
#[derive(Clone, PartialEq)]
struct Bins {
    least: f64,
    greatest: f64,
    counts: Vec<u64>,
}

impl Bins {
    /// `None` where there is no spread to show.
    fn of(facts: &ColumnFacts) -> Option<Self> {
        let (least, greatest) = facts.range.filter(|(least, greatest)| least < greatest)?;
        (!facts.histogram.is_empty()).then(|| Self { least, greatest, counts: facts.histogram.clone() })
    }

    /// Where a part begins, rounded to what a hundredth of a part shows; the ends are exact.
    fn edge(&self, bar: usize) -> f64 {
        if bar == 0 || bar >= self.counts.len() {
            return if bar == 0 { self.least } else { self.greatest };
        }
        let width = (self.greatest - self.least) / self.counts.len() as f64;
        let place = self.least + width * bar as f64;
        let factor = 10.0_f64.powi(2 - width.log10().floor() as i32);
        let rounded = (place * factor).round() / factor;
        if rounded.is_finite() { rounded } else { place }
    }
}
