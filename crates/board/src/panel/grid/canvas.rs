//! The elements that a grid is drawn into: what scrolls, what makes it scroll so far, and the layer with the rows.

use std::ops::Range;

use web_sys::{Document, HtmlElement};

use super::rows::{Drawing, RowPool};
use super::set_style;
use crate::state::geometry::Geometry;
use crate::state::layout::total_width;

/// The height of the header, in pixels.
pub(super) const HEADER_HEIGHT_PX: f64 = 32.0;
/// How far the rows that are drawn may be from the one that stands at the layer's edge, in rows.
const MAX_ROWS_FROM_BASE: u64 = 10_000;

/// The elements.
pub(super) struct Elements {
    /// Scrolls.
    pub(super) scroller: HtmlElement,
    /// Is as tall and wide as all rows together.
    pub(super) spacer: HtmlElement,
    /// Sticks to the viewport and holds the rows.
    pub(super) layer: HtmlElement,
}

/// The elements, and how they stand.
pub(super) struct Canvas {
    elements: Elements,
    pool: RowPool,
    /// The height and the width of the spacer, and how far the layer is moved down, in pixels.
    spacer: (f64, f64),
    layer_y: f64,
    /// The rank that stands at the layer's upper edge: scrolling moves the layer, and no row. Close to what is in view, so
    /// that pixels stay small numbers.
    base: u64,
}

impl Canvas {
    pub(super) fn new(document: Document, elements: Elements) -> Self {
        let pool = RowPool::new(document, elements.layer.clone());
        Self { elements, pool, spacer: (0.0, 0.0), layer_y: 0.0, base: 0 }
    }

    /// Draws the rows of these ranks, and says whether the focused cell is among what is drawn.
    pub(super) fn draw(
        &mut self,
        geometry: &mut Geometry,
        ranks: impl Fn(&Geometry) -> Range<u64>,
        drawing: &Drawing<'_>,
    ) -> bool {
        let Elements { scroller, spacer, layer } = &self.elements;
        let size = (geometry.spacer() + HEADER_HEIGHT_PX, total_width(drawing.columns));
        if self.spacer != size {
            self.spacer = size;
            set_style(spacer, &format!("height:{}px;width:{}px", size.0, size.1));
        }
        let scroll_top = geometry.scroll_top();
        if (f64::from(scroller.scroll_top()) - scroll_top).abs() >= 1.0 {
            scroller.set_scroll_top(scroll_top.round() as i32);
        }
        geometry.synced(f64::from(scroller.scroll_top()));
        let ranks = ranks(geometry);
        if ranks.start.abs_diff(self.base) > MAX_ROWS_FROM_BASE {
            self.base = ranks.start;
        }
        let layer_y = geometry.y_of(self.base);
        if self.layer_y != layer_y {
            self.layer_y = layer_y;
            set_style(layer, &format!("transform:translateY({layer_y}px)"));
        }
        let base = self.base as f64;
        let y_of = |rank: u64| (rank as f64 - base) * geometry.row_height();
        self.pool.draw(ranks, y_of, drawing)
    }
}
