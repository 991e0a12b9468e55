//! The editor of a computed column: its name, its formula, and what that comes to for the first rows.

use engine::{NamedExpr, ViewSpec, WindowColumn};
use expr::Query;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::fault::Fault;
use super::grid::local_time;
use super::model::PanelModel;
use crate::state::cell::{Shown, shown};

/// For how many rows the column is shown before it is there.
const PREVIEW_ROWS: u32 = 5;
/// What the column is called until it has a name.
const UNNAMED: &str = "new column";

/// What is typed. Copies share it.
#[derive(Clone, Copy)]
struct Editor {
    model: PanelModel,
    /// The column that is edited; `None` for a new one.
    column: StoredValue<Option<String>>,
    name: StoredValue<String>,
    formula: StoredValue<String>,
    /// Why the formula is not taken.
    fault: RwSignal<Option<Fault>>,
    /// Whether there is all that a column needs.
    is_ready: RwSignal<bool>,
    /// The column's first values, a line each.
    preview: RwSignal<String>,
}

/// Edits the computed column of that name, or makes one.
#[component]
pub(crate) fn ColumnEditor(model: PanelModel, column: Option<String>) -> impl IntoView {
    let formula = column.as_ref().and_then(|column| untrack(|| model.formula(column)));
    let is_new = column.is_none();
    let editor = Editor {
        model,
        name: StoredValue::new(column.clone().unwrap_or_default()),
        formula: StoredValue::new(formula.map(|formula| formula.to_string()).unwrap_or_default()),
        column: StoredValue::new(column),
        fault: RwSignal::new(None),
        is_ready: RwSignal::new(false),
        preview: RwSignal::new(String::new()),
    };
    editor.check();
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            editor.take();
        }
    };
    let on_name = move |event| {
        editor.name.set_value(event_target_value(&event).trim().to_owned());
        editor.check();
    };
    let on_formula = move |event| {
        editor.formula.set_value(event_target_value(&event));
        editor.check();
    };
    view! {
        <p class="popover-title">{if is_new { "Add a computed column" } else { "Computed column" }}</p>
        <div class="column-editor" on:keydown=on_key>
            <input
                type="text"
                aria-label="Name"
                placeholder="Name"
                data-testid="column-name"
                prop:value=editor.name.get_value()
                on:input=on_name
            />
            <textarea
                rows="3"
                spellcheck="false"
                autocapitalize="off"
                aria-label="Formula"
                placeholder=editor.example()
                data-testid="column-formula"
                prop:value=editor.formula.get_value()
                on:input=on_formula
            ></textarea>
        </div>
        <p class="hint bad" data-testid="column-error" role="status">{move || editor.fault.get().map(Fault::draw)}</p>
        <pre class="preview" data-testid="column-preview" aria-label="The first values">{editor.preview}</pre>
        <button
            class="button"
            data-testid="take-column"
            disabled=move || !editor.is_ready.get()
            on:click=move |_| editor.take()
        >
            {if is_new { "Add column" } else { "Save" }}
        </button>
    }
}

impl Editor {
    /// The panel's query with the column; `None` where nothing was typed.
    fn edited(self) -> Result<Option<(Query, String)>, Fault> {
        let (formula, name) = (self.formula.get_value(), self.name.get_value());
        if formula.trim().is_empty() {
            return Ok(None);
        }
        let expr = expr::parse_expr(&formula).map_err(|error| Fault::of(&formula, &error.message, error.at))?;
        let mut query = self.model.query.get_untracked();
        let column = self.column.get_value();
        let name = if name.is_empty() { UNNAMED.to_owned() } else { name };
        if column.as_ref() != Some(&name) && query.computed_columns().iter().any(|known| known.name == name) {
            return Err(Fault::of_all("there is a computed column of that name already"));
        }
        let new = NamedExpr { name: name.clone(), expr };
        match column {
            Some(column) => query.replace_column(&column, new),
            None => query.add_column(new),
        }
        ViewSpec::of(&query).map_err(|error| Fault::of_all(&error.to_string()))?;
        Ok(Some((query, name)))
    }

    /// Says what is wrong with what is typed, or what it comes to.
    fn check(self) {
        let edited = self.edited();
        self.fault.set(edited.as_ref().err().cloned());
        let edited = edited.ok().flatten();
        self.is_ready.set(edited.is_some() && !self.name.get_value().is_empty());
        let Some((query, name)) = edited else { return self.preview.set(String::new()) };
        let (panel, link) = self.model.link();
        let formula = self.formula.get_value();
        leptos::task::spawn_local(async move {
            let found = link.preview(panel, query.to_string(), name, PREVIEW_ROWS).await;
            // Meanwhile something else may have been typed, or the editor closed.
            if self.formula.try_get_value().is_some_and(|now| now == formula) {
                let column = found.and_then(|mut found| found.window.columns.pop());
                self.preview.set(column.map(|column| lines(&column)).unwrap_or_default());
            }
        });
    }

    /// Puts the column into the query.
    fn take(self) {
        let Some((query, name)) = self.edited().ok().flatten().filter(|_| self.is_ready.get_untracked()) else {
            return;
        };
        match self.column.get_value() {
            Some(old) => self.model.layout.update(|layout| layout.rename(&old, &name)),
            None => self.model.added_column.set(Some(name)),
        }
        self.model.popover.set(None);
        self.model.set_query(query);
    }

    /// A formula of the table's own columns.
    fn example(self) -> String {
        let columns = self.model.state.with_untracked(|state| state.row_columns.clone());
        let number = columns.iter().find(|column| column.column_type.is_numeric());
        format!("{} * 2", expr::Expr::column(number.map_or("price", |column| column.name.as_str())))
    }
}

/// The cells of a column as text, a line each.
fn lines(column: &WindowColumn) -> String {
    let mut lines = String::new();
    for idx in 0..column.kinds.len() {
        match shown(column, idx) {
            Shown::Null => lines.push_str("empty"),
            Shown::Bool(value) => lines.push_str(if value { "true" } else { "false" }),
            Shown::Number(text) => lines.push_str(&text),
            Shown::Time(micros) => lines.push_str(&local_time(micros)),
            // A line is a cell, however many lines that has.
            Shown::Text(text) | Shown::Code(text) => lines.extend(text.chars().take_while(|c| *c != '\n')),
            Shown::Picture(_) => lines.push_str("a picture"),
            Shown::Media(mime) => lines.push_str(mime),
        }
        lines.push('\n');
    }
    lines
}
