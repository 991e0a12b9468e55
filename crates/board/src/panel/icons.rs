//! The board's few icons, drawn with the text's own colour.

use leptos::prelude::*;

fn icon(path: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
            <path d=path fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"></path>
        </svg>
    }
}

pub(crate) fn chevron() -> impl IntoView {
    icon("M4.5 6.5 8 10l3.5-3.5")
}

pub(crate) fn close() -> impl IntoView {
    icon("M4.5 4.5l7 7M11.5 4.5l-7 7")
}

pub(crate) fn plus() -> impl IntoView {
    icon("M8 3.5v9M3.5 8h9")
}

pub(crate) fn funnel() -> impl IntoView {
    icon("M2.5 4h11M4.5 8h7M6.5 12h3")
}

pub(crate) fn layers() -> impl IntoView {
    icon("M2.5 5h4M2.5 11h4M9.5 3.5h4M9.5 6.5h4M9.5 9.5h4M9.5 12.5h4")
}

pub(crate) fn pause() -> impl IntoView {
    icon("M5.5 3.5v9M10.5 3.5v9")
}

pub(crate) fn play() -> impl IntoView {
    icon("M5 3.5v9l7-4.5z")
}

pub(crate) fn to_end() -> impl IntoView {
    icon("M8 3v7.5M4.5 7.5 8 11l3.5-3.5M3.5 13.5h9")
}

pub(crate) fn export() -> impl IntoView {
    icon("M8 10V2.5M5 5.5l3-3 3 3M3 10v3.5h10V10")
}

pub(crate) fn copy() -> impl IntoView {
    icon("M6 6h7v7H6zM10 6V3H3v7h3")
}

pub(crate) fn trash() -> impl IntoView {
    icon("M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9")
}

pub(crate) fn theme() -> impl IntoView {
    icon("M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11")
}

pub(crate) fn row_height() -> impl IntoView {
    icon("M2.5 2.5h6M2.5 13.5h6M2.5 8h6M12.5 3v10M10.8 4.7 12.5 3l1.7 1.7M10.8 11.3l1.7 1.7 1.7-1.7")
}
