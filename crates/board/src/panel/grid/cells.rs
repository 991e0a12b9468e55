//! One cell as a DOM node that is used for one column after another, and touched only where what it shows has changed.

use model::ColumnType;
use wasm_bindgen::JsCast;
use web_sys::{Document, HtmlElement, HtmlImageElement};

use super::set_style;
use super::time::local_time;
use crate::state::cell::Shown;
use crate::state::layout::Placed;

/// How many characters of a cell are drawn; the rest is shown on demand.
const MAX_CELL_CHARS: usize = 400;

/// What a cell shows, as far as it tells whether it is to be drawn again: the drawing's version, the row's rank, the column.
pub(super) type CellKey = (u64, u64, usize);

pub(super) struct CellNode {
    pub(super) element: HtmlElement,
    /// What it shows; `None` while it stands in no row.
    pub(super) key: Option<CellKey>,
    picture: Option<HtmlImageElement>,
    class: &'static str,
    text: String,
    place: (f64, f64),
    is_pinned: bool,
    is_focused: bool,
}

impl CellNode {
    pub(super) fn new(document: &Document) -> Self {
        let element = div(document, "");
        set(&element, "role", "gridcell");
        Self {
            element,
            key: None,
            picture: None,
            class: "",
            text: String::new(),
            place: (-1.0, -1.0),
            is_pinned: false,
            is_focused: false,
        }
    }

    pub(super) fn is_focused(&self) -> bool {
        self.is_focused
    }

    /// The column that it shows.
    pub(super) fn column(&self) -> Option<usize> {
        self.key.map(|(_, _, column)| column)
    }

    /// Takes the focused cell's id away, until it is drawn again.
    pub(super) fn unfocus(&mut self) {
        if let (true, Some((version, ..))) = (self.is_focused, &mut self.key) {
            *version = u64::MAX;
            self.set_focused(None);
        }
    }

    /// Takes it out of its row.
    pub(super) fn remove(&mut self) {
        if self.key.take().is_some() {
            self.set_focused(None);
            self.element.remove();
        }
    }

    /// Stands it where the column does. A pinned one is part of the row's flow, where it can stick.
    pub(super) fn place(&mut self, idx: usize, column: &Placed, is_pinned: bool) {
        if self.place != (column.left, column.width) {
            self.place = (column.left, column.width);
            set_style(&self.element, &format!("left:{}px;width:{}px", column.left, column.width));
        }
        if self.column() != Some(idx) {
            set(&self.element, "aria-colindex", &(idx + 2).to_string());
        }
        if self.is_pinned != is_pinned {
            self.is_pinned = is_pinned;
            // The attribute's name is valid.
            let _ = self.element.toggle_attribute_with_force("data-pinned", is_pinned);
        }
    }

    /// Gives it the focused cell's id, or takes that away.
    pub(super) fn set_focused(&mut self, id: Option<&str>) {
        match id {
            Some(id) => set(&self.element, "id", id),
            // An attribute that is gone already is as good.
            None if self.is_focused => drop(self.element.remove_attribute("id")),
            None => {}
        }
        self.is_focused = id.is_some();
    }

    pub(super) fn show(&mut self, document: &Document, column_type: ColumnType, shown: Option<Shown<'_>>) {
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
            self.element.set_class_name(class);
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

fn create(document: &Document, tag: &str) -> web_sys::Element {
    document.create_element(tag).expect("the tag is a valid name")
}

pub(super) fn div(document: &Document, class: &str) -> HtmlElement {
    let element = create(document, "div");
    element.set_class_name(class);
    element.unchecked_into()
}

pub(super) fn set(element: &HtmlElement, name: &str, value: &str) {
    element.set_attribute(name, value).expect("the attribute has a valid name");
}

pub(super) fn append(parent: &HtmlElement, child: &web_sys::Node) {
    parent.append_child(child).expect("a new node can be added");
}
