//! Which rows are on screen: ranks to pixels and back, for any number of rows.
//!
//! Positions are in *virtual pixels*: row `r` stands at `r * row_height`. A browser cannot scroll further than some tens
//! of millions of pixels, so past [`MAX_SPACER_PX`] the scroll bar is a scaled image of the virtual positions: a short
//! scroll still moves by its own pixels, a long one (a drag of the bar) by the scale.

use std::ops::Range;

/// The tallest that the scrolled element is made, in pixels.
pub const MAX_SPACER_PX: f64 = 8_000_000.0;

/// Where the grid's viewport stands over the rows of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    row_height: f64,
    viewport: f64,
    n_rows: u64,
    /// The virtual position of the viewport's upper edge.
    top: f64,
    /// Where the scrolled element was when last looked at. The top may have moved on since, until the next drawing.
    scroll_top: f64,
}

impl Geometry {
    /// An empty view at its top; `row_height` in pixels.
    #[must_use]
    pub fn new(row_height: f64) -> Self {
        Self { row_height, viewport: 0.0, n_rows: 0, top: 0.0, scroll_top: 0.0 }
    }

    /// How many rows the view has.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// The height of a row, in pixels.
    #[must_use]
    pub fn row_height(&self) -> f64 {
        self.row_height
    }

    /// Makes the rows so tall, in pixels; the row at the top stays there, as far as it can.
    pub fn set_row_height(&mut self, row_height: f64) {
        let rank = self.top / self.row_height;
        self.row_height = row_height;
        self.move_to(rank * row_height);
    }

    /// The virtual position of the viewport's upper edge.
    #[must_use]
    pub fn top(&self) -> f64 {
        self.top
    }

    /// The height of the scrolled element, in pixels.
    #[must_use]
    pub fn spacer(&self) -> f64 {
        self.content().min(MAX_SPACER_PX)
    }

    /// The scroll position that shows the present top.
    #[must_use]
    pub fn scroll_top(&self) -> f64 {
        let at = self.top * self.scale();
        if !self.is_scaled() {
            return at;
        }
        // Room to scroll by pixels on either side, as long as there are rows there.
        let room = 3.0 * self.viewport;
        let (above, below) = (room.min(self.top), room.min(self.max_top() - self.top));
        at.clamp(above, self.spacer() - self.viewport - below)
    }

    /// Whether the first row is at the very top.
    #[must_use]
    pub fn is_at_top(&self) -> bool {
        self.top < 0.5
    }

    /// Whether the last row is in view.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.top >= self.max_top() - 1.0
    }

    /// Takes in the viewport's height, in pixels, header excluded.
    pub fn set_viewport(&mut self, viewport: f64) {
        self.viewport = viewport;
        self.top = self.top.min(self.max_top());
    }

    /// Takes in another number of rows; the top stays where it is, as far as it can.
    pub fn set_n_rows(&mut self, n_rows: u64) {
        self.n_rows = n_rows;
        self.top = self.top.min(self.max_top());
    }

    /// Moves the viewport's upper edge to a virtual position.
    pub fn move_to(&mut self, top: f64) {
        self.top = top.clamp(0.0, self.max_top());
    }

    /// Moves just so far that the row of that rank is wholly in view; one that is more than a page away comes to the middle.
    pub fn reveal(&mut self, rank: u64) {
        let (start, end) = (rank as f64 * self.row_height, (rank + 1) as f64 * self.row_height);
        if end < self.top - self.viewport || start > self.top + 2.0 * self.viewport {
            self.move_to(f64::midpoint(start, end) - self.viewport / 2.0);
        } else if start < self.top {
            self.move_to(start);
        } else if end > self.top + self.viewport {
            self.move_to(end - self.viewport);
        }
    }

    /// Takes in that somebody scrolled to `scroll_top`. What counts is how far, because the top may have been moved since
    /// the element was last brought in step.
    pub fn scrolled(&mut self, scroll_top: f64) {
        let delta = scroll_top - self.scroll_top;
        let max_scroll_top = (self.spacer() - self.viewport).max(0.0);
        if delta == 0.0 {
            return;
        }
        if scroll_top <= 0.0 {
            self.top = 0.0;
        } else if scroll_top >= max_scroll_top - 0.5 && delta > 0.0 {
            self.top = self.max_top();
        } else if delta.abs() <= 3.0 * self.viewport {
            self.top = (self.top + delta).clamp(0.0, self.max_top());
        } else {
            self.top = (scroll_top / self.scale()).clamp(0.0, self.max_top());
        }
        self.scroll_top = scroll_top;
    }

    /// Takes in where the element stands after it was scrolled to show the present top: a browser rounds and clamps.
    pub fn synced(&mut self, scroll_top: f64) {
        self.scroll_top = scroll_top;
    }

    /// The ranks of the rows in view, those cut by an edge included.
    #[must_use]
    pub fn visible(&self) -> Range<u64> {
        let first = (self.top / self.row_height).floor().max(0.0) as u64;
        let end = ((self.top + self.viewport) / self.row_height).ceil().max(0.0) as u64;
        first.min(self.n_rows)..end.min(self.n_rows)
    }

    /// The rank at `y` pixels below the viewport's upper edge, whether or not there is such a row.
    #[must_use]
    pub fn rank_at(&self, y: f64) -> u64 {
        ((self.top + y) / self.row_height).max(0.0) as u64
    }

    /// Where a row stands below the viewport's upper edge, in pixels.
    #[must_use]
    pub fn y_of(&self, rank: u64) -> f64 {
        rank as f64 * self.row_height - self.top
    }

    /// How many whole rows fit in view, at least one.
    #[must_use]
    pub fn n_per_page(&self) -> u64 {
        ((self.viewport / self.row_height).floor() as u64).max(1)
    }

    fn content(&self) -> f64 {
        self.n_rows as f64 * self.row_height
    }

    fn max_top(&self) -> f64 {
        (self.content() - self.viewport).max(0.0)
    }

    fn is_scaled(&self) -> bool {
        self.content() > MAX_SPACER_PX
    }

    /// Pixels of the scroll bar for a virtual pixel.
    fn scale(&self) -> f64 {
        if self.is_scaled() { (self.spacer() - self.viewport) / self.max_top() } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(n_rows: u64) -> Geometry {
        let mut geometry = Geometry::new(28.0);
        geometry.set_viewport(560.0);
        geometry.set_n_rows(n_rows);
        geometry
    }

    #[test]
    fn taller_rows_leave_the_top_one_there() {
        let mut geometry = Geometry::new(28.0);
        geometry.set_viewport(560.0);
        geometry.set_n_rows(1000);
        geometry.move_to(28.0 * 700.0);
        geometry.set_row_height(112.0);
        assert_eq!((geometry.visible().start, geometry.n_per_page()), (700, 5));
        geometry.move_to(f64::MAX);
        geometry.set_row_height(28.0);
        assert_eq!(geometry.visible(), 980..1000, "the end stays in view");
    }

    #[test]
    fn a_small_table_scrolls_pixel_by_pixel() {
        let mut g = geometry(1000);
        assert_eq!(g.visible(), 0..20);
        g.scrolled(29.0);
        assert_eq!((g.visible(), g.y_of(1)), (1..22, -1.0));
        assert_eq!((g.rank_at(0.0), g.rank_at(27.0)), (1, 2));
        g.scrolled(1e9);
        assert_eq!(g.visible(), 980..1000);
        assert!(g.is_at_end());
        g.set_n_rows(10);
        assert_eq!(g.visible(), 0..10);
    }

    #[test]
    fn every_row_of_a_huge_table_can_be_reached() {
        let n_rows = 1_000_000_000;
        let mut g = geometry(n_rows);
        assert_eq!(g.spacer(), MAX_SPACER_PX);
        g.scrolled(MAX_SPACER_PX - 560.0);
        assert_eq!(g.visible(), n_rows - 20..n_rows);
        for rank in [0, 1, 12_345, 500_000_000, n_rows - 1] {
            g.move_to(rank as f64 * 28.0);
            assert!(g.visible().contains(&rank), "{rank}");
        }
    }

    #[test]
    fn a_short_scroll_of_a_huge_table_moves_by_its_pixels_and_a_long_one_by_the_scale() {
        let mut g = geometry(1_000_000_000);
        g.move_to(28.0 * 700_000.0);
        let before = g.top();
        let scroll_top = g.scroll_top();
        g.synced(scroll_top);
        g.scrolled(scroll_top + 100.0);
        assert!((g.top() - before - 100.0).abs() < 1e-6);
        g.synced(g.scroll_top());
        g.scrolled(MAX_SPACER_PX / 2.0);
        let share = g.top() / (28.0 * 1e9);
        assert!((share - 0.5).abs() < 0.001, "{share}");
    }

    #[test]
    fn a_scroll_that_was_under_way_when_the_top_moved_takes_nothing_back() {
        let mut g = geometry(1000);
        g.scrolled(280.0);
        // 100 rows come above; the element is brought in step only at the next drawing.
        g.set_n_rows(1100);
        g.move_to(g.top() + 2800.0);
        g.scrolled(290.0);
        assert_eq!(g.top(), 3090.0);
        g.synced(3090.0);
        g.scrolled(3090.0);
        assert_eq!(g.top(), 3090.0);
        g.scrolled(0.0);
        assert!(g.is_at_top());
    }

    #[test]
    fn near_the_ends_of_a_huge_table_there_is_room_for_a_short_scroll() {
        let mut g = geometry(1_000_000_000);
        g.move_to(28.0 * 50.0);
        g.synced(g.scroll_top());
        g.scrolled(g.scroll_top() - 100.0);
        assert!((g.top() - 1300.0).abs() < 1e-6, "{}", g.top());
        g.move_to(0.0);
        assert_eq!(g.scroll_top(), 0.0);
        g.move_to(f64::MAX);
        assert_eq!(g.scroll_top(), MAX_SPACER_PX - 560.0);
        g.move_to(g.top() - 280.0);
        g.synced(g.scroll_top());
        g.scrolled(g.scroll_top() + 100.0);
        assert!((1e9 * 28.0 - 560.0 - g.top() - 180.0).abs() < 1e-3);
    }

    #[test]
    fn revealing_moves_no_further_than_needed() {
        let mut g = geometry(1000);
        g.reveal(5);
        assert_eq!(g.top(), 0.0);
        g.reveal(20);
        assert_eq!(g.top(), 28.0);
        g.reveal(0);
        assert_eq!(g.top(), 0.0);
        g.reveal(500);
        assert_eq!(g.y_of(500), 266.0);
        g.reveal(999);
        assert!(g.is_at_end());
    }
}
