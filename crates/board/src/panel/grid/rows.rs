//! The rows that are on screen, as DOM nodes that are used again and again: never more than the viewport needs, and
//! touched only where what they show has changed.

use engine::Window;
use model::ColumnType;
use wasm_bindgen::JsCast;
use web_sys::{Document, HtmlElement, HtmlImageElement};

use super::set_style;
use super::time::local_time;
use crate::state::cell::{Shown, shown};
use crate::state::layout::Placed;
use crate::state::selection::Selection;
use crate::state::text::count;

/// What all rows of one drawing have in common.
pub(super) struct Drawing<'a> {
    /// The rows that came from the worker; those that did not yet come are drawn empty.
    pub(super) window: Option<&'a Window>,
    /// The columns in view.
    pub(super) columns: &'a [Placed],
    /// The place of the first of them among all.
    pub(super) first_column: usize,
    /// The width of all columns, in pixels.
    pub(super) total_width: f64,
    pub(super) row_height: f64,
    pub(super) selection: &'a Selection,
    /// The id that the focused cell gets.
    pub(super) focus_id: &'a str,
    pub(super) is_grouped: bool,
}

/// The rows' nodes.
pub(super) struct RowPool {
    document: Document,
    layer: HtmlElement,
    rows: Vec<RowNode>,
}

struct RowNode {
    element: HtmlElement,
    gutter: HtmlElement,
    cells: Vec<CellNode>,
    is_hidden: bool,
    attributes: [String; 4],
    gutter_text: String,
}

struct CellNode {
    element: HtmlElement,
    picture: Option<HtmlImageElement>,
    class: &'static str,
    text: String,
    place: (f64, f64),
    column: usize,
    is_focused: bool,
}

impl RowPool {
    pub(super) fn new(document: Document, layer: HtmlElement) -> Self {
        Self { document, layer, rows: Vec::new() }
    }

    /// Draws the rows of these ranks, each at its distance from the layer's upper edge, in pixels.
    pub(super) fn draw(&mut self, rows: &[(u64, f64)], drawing: &Drawing<'_>) {
        while self.rows.len() < rows.len() {
            let row = RowNode::new(&self.document, &self.layer);
            self.rows.push(row);
        }
        // A row keeps its node while it is on screen, so that scrolling moves nodes and rewrites only new ones.
        let n_nodes = self.rows.len().max(1);
        let mut is_used = vec![false; n_nodes];
        for (rank, y) in rows {
            let place = (*rank % n_nodes as u64) as usize;
            is_used[place] = true;
            self.rows[place].draw(&self.document, *rank, *y, drawing);
        }
        for (row, is_used) in self.rows.iter_mut().zip(is_used) {
            row.set_hidden(!is_used);
        }
    }
}

impl RowNode {
    fn new(document: &Document, layer: &HtmlElement) -> Self {
        let element = div(document, "row");
        set(&element, "role", "row");
        set(&element, "data-testid", "grid-row");
        let gutter = div(document, "gutter");
        set(&gutter, "role", "rowheader");
        set(&gutter, "aria-colindex", "1");
        append(&element, &gutter);
        append(layer, &element);
        Self {
            element,
            gutter,
            cells: Vec::new(),
            is_hidden: false,
            attributes: Default::default(),
            gutter_text: String::new(),
        }
    }

    fn set_hidden(&mut self, is_hidden: bool) {
        if self.is_hidden != is_hidden {
            self.is_hidden = is_hidden;
            if is_hidden {
                self.cells.iter_mut().for_each(|cell| cell.set_focused(false, ""));
            }
            self.element.set_hidden(is_hidden);
        }
    }

    fn draw(&mut self, document: &Document, rank: u64, y: f64, drawing: &Drawing<'_>) {
        let idx = drawing.window.and_then(|window| usize::try_from(rank.checked_sub(window.first_rank)?).ok());
        let known = drawing.window.zip(idx).and_then(|(window, idx)| Some((window, idx, *window.row_ids.get(idx)?)));
        let row_id = known.map(|(_, _, row_id)| row_id as u64);
        let is_selected = row_id.is_some_and(|row_id| drawing.selection.contains(row_id));
        let style =
            format!("transform:translateY({y}px);width:{}px;height:{}px", drawing.total_width, drawing.row_height);
        let attributes = [
            style,
            (rank + 2).to_string(),
            row_id.map(|row_id| row_id.to_string()).unwrap_or_default(),
            if is_selected { "true" } else { "false" }.to_owned(),
        ];
        for (idx, name) in ["style", "aria-rowindex", "data-row-id", "aria-selected"].into_iter().enumerate() {
            if self.attributes[idx] == attributes[idx] {
                continue;
            }
            match name {
                "style" => set_style(&self.element, &attributes[idx]),
                name => set(&self.element, name, &attributes[idx]),
            }
        }
        if self.attributes[2].is_empty() != attributes[2].is_empty() || self.attributes[1].is_empty() {
            set(&self.element, "aria-busy", if row_id.is_none() { "true" } else { "false" });
        }
        self.attributes = attributes;
        let gutter_text = match row_id {
            Some(_) if drawing.is_grouped => "›".to_owned(),
            Some(row_id) => count(row_id),
            None => String::new(),
        };
        if self.gutter_text != gutter_text {
            self.gutter.set_text_content(Some(&gutter_text));
            self.gutter_text = gutter_text;
        }

        while self.cells.len() < drawing.columns.len() {
            let cell = CellNode::new(document);
            append(&self.element, &cell.element);
            self.cells.push(cell);
        }
        for cell in self.cells.drain(drawing.columns.len()..) {
            cell.element.remove();
        }
        let focus = drawing.selection.focus().filter(|focus| Some(focus.row_id) == row_id);
        for (place, (cell, column)) in self.cells.iter_mut().zip(drawing.columns).enumerate() {
            cell.place(drawing.first_column + place, column);
            cell.set_focused(focus.is_some_and(|focus| focus.column == column.name), drawing.focus_id);
            let source = known.and_then(|(window, idx, _)| {
                let source = window.columns.iter().find(|candidate| candidate.name == column.name)?;
                Some(shown(source, idx))
            });
            cell.show(document, column.column_type, source);
        }
    }
}

impl CellNode {
    fn new(document: &Document) -> Self {
        let element = div(document, "cell");
        set(&element, "role", "gridcell");
        let (place, column) = ((-1.0, -1.0), usize::MAX);
        Self { element, picture: None, class: "", text: String::new(), place, column, is_focused: false }
    }

    fn place(&mut self, idx: usize, column: &Placed) {
        if self.place != (column.left, column.width) {
            self.place = (column.left, column.width);
            set_style(&self.element, &format!("left:{}px;width:{}px", column.left, column.width));
        }
        if self.column != idx {
            self.column = idx;
            set(&self.element, "aria-colindex", &(idx + 2).to_string());
        }
    }

    fn set_focused(&mut self, is_focused: bool, focus_id: &str) {
        if self.is_focused != is_focused {
            self.is_focused = is_focused;
            if is_focused {
                set(&self.element, "id", focus_id);
            } else {
                // An attribute that is gone already is as good.
                let _ = self.element.remove_attribute("id");
            }
        }
    }

    fn show(&mut self, document: &Document, column_type: ColumnType, shown: Option<Shown<'_>>) {
        let is_number = column_type.is_numeric();
        let time;
        let (class, text): (&'static str, &str) = match &shown {
            None => ("cell", ""),
            Some(Shown::Null) if is_number => ("cell number null", "–"),
            Some(Shown::Null) => ("cell null", "–"),
            Some(Shown::Bool(true)) => ("cell bool yes", "true"),
            Some(Shown::Bool(false)) => ("cell bool no", "false"),
            Some(Shown::Number(text)) => ("cell number", text),
            Some(Shown::Time(micros)) => {
                time = local_time(*micros);
                ("cell time", &time)
            }
            Some(Shown::Text(text)) => ("cell", text),
            Some(Shown::Code(text)) => ("cell code", text),
            Some(Shown::Picture(url)) => ("cell picture", url),
            Some(Shown::Media(mime)) => ("cell media", mime),
        };
        if self.class == class && self.text == text {
            return;
        }
        if self.class != class {
            set(&self.element, "class", class);
        }
        if class == "cell picture" {
            let picture = self.picture.take().unwrap_or_else(|| {
                self.element.set_text_content(None);
                let picture: HtmlImageElement = create(document, "img").unchecked_into();
                picture.set_alt("");
                append(&self.element, &picture);
                picture
            });
            picture.set_src(text);
            self.picture = Some(picture);
        } else {
            self.picture = None;
            // What a cell cannot show anyway need not be laid out.
            let end = text.char_indices().nth(MAX_CELL_CHARS).map_or(text.len(), |(end, _)| end);
            self.element.set_text_content(Some(&text[..end]));
        }
        self.class = class;
        text.clone_into(&mut self.text);
    }
}

/// How many characters of a cell are drawn; the rest is shown on demand.
const MAX_CELL_CHARS: usize = 400;

fn create(document: &Document, tag: &str) -> web_sys::Element {
    document.create_element(tag).expect("the tag is a valid name")
}

fn div(document: &Document, class: &str) -> HtmlElement {
    let element = create(document, "div");
    element.set_class_name(class);
    element.unchecked_into()
}

fn set(element: &HtmlElement, name: &str, value: &str) {
    element.set_attribute(name, value).expect("the attribute has a valid name");
}

fn append(parent: &HtmlElement, child: &web_sys::Node) {
    parent.append_child(child).expect("a new node can be added");
}
