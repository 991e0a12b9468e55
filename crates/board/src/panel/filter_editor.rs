//! The editor of one filter: by values, by range, by text or by whether there is anything, as the column's type allows.
//! Whatever is chosen applies at once.

use expr::{Bound, Condition, Expr, Pattern};
use leptos::prelude::*;
use model::{ColumnType, Value};

use super::histogram::Histogram;
use super::last_editor::LastEditor;
use super::model::PanelModel;
use crate::protocol::{ColumnFacts, ValueFact};
use crate::search::Search;
use crate::state::conditions::{plain, typed_bound};
use crate::state::text::{count, number};

/// How a filter asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Values,
    Range,
    Last,
    Text,
    Empty,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Values => "Values",
            Mode::Range => "Range",
            Mode::Last => "Last",
            Mode::Text => "Text",
            Mode::Empty => "Empty",
        }
    }

    /// The modes that make sense for a type, the usual first.
    fn of(column_type: ColumnType) -> &'static [Mode] {
        match column_type {
            ColumnType::Int | ColumnType::Float => &[Mode::Range, Mode::Values, Mode::Empty],
            ColumnType::Time => &[Mode::Range, Mode::Last, Mode::Empty],
            ColumnType::Text => &[Mode::Values, Mode::Text, Mode::Empty],
            ColumnType::Bool | ColumnType::Mixed | ColumnType::Null => &[Mode::Values, Mode::Empty],
            ColumnType::Bytes | ColumnType::Media | ColumnType::Nested => &[Mode::Empty],
        }
    }
}

/// The editor's state. Copies share it.
#[derive(Clone, Copy)]
struct Editor {
    model: PanelModel,
    column: StoredValue<String>,
    column_type: ColumnType,
    /// Which of the filters is edited; `None` until there is one.
    idx: StoredValue<Option<usize>>,
    /// What the filter was when the editor opened.
    condition: StoredValue<Option<Condition>>,
}

impl Editor {
    /// Puts the condition in place of what there was; nothing removes the filter.
    fn apply(self, condition: Option<Condition>) {
        self.condition.set_value(condition.clone());
        self.model.edit(|query| match (condition, self.idx.get_value()) {
            (Some(condition), Some(idx)) => query.replace_filter(idx, condition.to_expr()),
            (Some(condition), None) => {
                query.add_filter(condition.to_expr());
                // The new filter is the last of those that stand before the grouping, hence the last of all.
                self.idx.set_value(query.filters().len().checked_sub(1));
            }
            (None, Some(idx)) => {
                query.remove_filter(idx);
                self.idx.set_value(None);
            }
            (None, None) => {}
        });
    }

    fn column(self) -> String {
        self.column.get_value()
    }
}

/// Edits the filter at `idx`, or a new one of the column.
#[component]
pub(crate) fn FilterEditor(model: PanelModel, column: String, idx: Option<usize>) -> impl IntoView {
    let columns = model.state.with_untracked(|state| state.row_columns.clone());
    let column_type = columns.iter().find(|c| c.name == column).map_or(ColumnType::Null, |c| c.column_type);
    let condition = idx.and_then(|idx| {
        model.query.with_untracked(|query| query.filters().get(idx).map(|filter| Condition::of(filter)))
    });
    model.ask_facts(column.clone());
    let modes = Mode::of(column_type);
    let has_window = model.query.with_untracked(|query| query.lasts().iter().any(|last| last.column == column));
    let first = match condition {
        None if has_window && modes.contains(&Mode::Last) => Mode::Last,
        Some(Condition::OneOf { .. }) => Mode::Values,
        Some(Condition::Range { .. }) => Mode::Range,
        Some(Condition::Contains { .. } | Condition::StartsWith { .. } | Condition::Matches { .. }) => Mode::Text,
        Some(Condition::IsNull { .. }) => Mode::Empty,
        _ => modes[0],
    };
    let mode = RwSignal::new(first);
    let title = column.clone();
    let editor = Editor {
        model,
        column: StoredValue::new(column),
        column_type,
        idx: StoredValue::new(idx),
        condition: StoredValue::new(condition),
    };
    let tabs = modes.iter().copied().map(move |candidate| {
        view! {
            <button
                class="segment"
                aria-pressed=move || (mode.get() == candidate).to_string()
                on:click=move |_| mode.set(candidate)
            >
                {candidate.name()}
            </button>
        }
    });
    let facts = Signal::derive(move || model.facts.get().filter(|facts| facts.column == editor.column()));
    view! {
        <p class="popover-title">{title}</p>
        <Show when=move || { modes.len() > 1 }>
            <div class="segments" role="group" aria-label="Kind of filter">{tabs.clone().collect_view()}</div>
        </Show>
        {move || match mode.get() {
            Mode::Values => view! { <Values editor facts /> }.into_any(),
            Mode::Range => view! { <Range editor facts /> }.into_any(),
            Mode::Last => view! { <LastEditor model column=editor.column() /> }.into_any(),
            Mode::Text => view! { <Text editor /> }.into_any(),
            Mode::Empty => view! { <Empty editor /> }.into_any(),
        }}
    }
}

/// A list of the values there are, with how often.
#[component]
fn Values(editor: Editor, facts: Signal<Option<ColumnFacts>>) -> impl IntoView {
    let chosen = match editor.condition.get_value() {
        Some(Condition::OneOf { values, .. }) => values,
        _ => Vec::new(),
    };
    let chosen = RwSignal::new(chosen);
    let search = RwSignal::new(String::new());
    let toggle = move |value: Value| {
        chosen.update(|chosen| match chosen.iter().position(|known| *known == value) {
            Some(place) => drop(chosen.remove(place)),
            None => chosen.push(value),
        });
        let values = chosen.get_untracked();
        let condition = (!values.is_empty()).then(|| Condition::OneOf { column: editor.column(), values });
        editor.apply(condition);
    };
    let item = move |fact: ValueFact| {
        let Ok(Expr::Literal(value)) = expr::parse_expr(&fact.literal) else { return None };
        let (of_box, of_change) = (value.clone(), value);
        Some(view! {
            <label class="choice">
                <input
                    type="checkbox"
                    prop:checked=move || chosen.with(|chosen| chosen.contains(&of_box))
                    on:change=move |_| toggle(of_change.clone())
                />
                <span class="item-name">{fact.text}</span>
                <small>{count(fact.n_rows)}</small>
            </label>
        })
    };
    let list = move || {
        let Some(facts) = facts.get() else { return view! { <p class="hint">"Counting…"</p> }.into_any() };
        let wanted = search.get().to_lowercase();
        // What is chosen stays in the list, even where it is rare or gone.
        let known = |value: &Value| facts.values.iter().any(|fact| fact.text == plain(value));
        let more = chosen.get_untracked().into_iter().filter(|value| !known(value)).filter_map(|value| {
            let text = plain(&value);
            Some(ValueFact { literal: Expr::literal(value)?.to_string(), text, n_rows: 0 })
        });
        let all: Vec<ValueFact> = more.chain(facts.values.iter().cloned()).collect();
        let fitting: Vec<_> = all.into_iter().filter(|fact| fact.text.to_lowercase().contains(&wanted)).collect();
        let is_empty = fitting.is_empty();
        view! {
            {fitting.into_iter().filter_map(item).collect_view()}
            {is_empty.then(|| view! { <p class="hint">"No such value"</p> })}
            {(!facts.is_complete).then(|| view! { <p class="hint">"The most frequent values; find others by Text."</p> })}
        }
        .into_any()
    };
    view! {
        <Search wanted=search prompt="Find a value" />
        <div class="items">{list}</div>
    }
}

/// From and to.
#[component]
fn Range(editor: Editor, facts: Signal<Option<ColumnFacts>>) -> impl IntoView {
    let is_time = editor.column_type == ColumnType::Time;
    let (min, max) = match editor.condition.get_value() {
        Some(Condition::Range { min, max, .. }) => (min, max),
        _ => (None, None),
    };
    let shown = |bound: &Option<Bound>| bound.as_ref().map(|bound| plain(&bound.value)).unwrap_or_default();
    // An end that is not typed over stays as exact as it was.
    let kept = StoredValue::new((min.clone(), max.clone()));
    let (min, max) = (RwSignal::new(shown(&min)), RwSignal::new(shown(&max)));
    let is_wrong = move |text: &str| !text.trim().is_empty() && typed_bound(text, is_time).is_none();
    let apply = move || {
        let bound = |text: String, old: Option<Bound>| match old.filter(|old| plain(&old.value) == text) {
            Some(old) => Some(old),
            None => typed_bound(&text, is_time).map(|value| Bound { value, inclusive: true }),
        };
        let (old_min, old_max) = kept.get_value();
        let (min, max) = (bound(min.get_untracked(), old_min), bound(max.get_untracked(), old_max));
        let is_set = min.is_some() || max.is_some();
        editor.apply(is_set.then(|| Condition::Range { column: editor.column(), min, max }));
    };
    let hint = move |pick: fn((f64, f64)) -> f64| {
        let range = facts.get().and_then(|facts| facts.range).map(pick);
        range.map(|value| match is_time {
            true => plain(&Value::Time(model::Timestamp(value as i64))),
            false => number(value),
        })
    };
    let field = move |label: &'static str, text: RwSignal<String>, pick: fn((f64, f64)) -> f64| {
        view! {
            <label class="field">
                <span>{label}</span>
                <input
                    type="text"
                    inputmode=if is_time { "text" } else { "decimal" }
                    placeholder=move || hint(pick).unwrap_or_default()
                    aria-invalid=move || is_wrong(&text.get()).to_string()
                    prop:value=move || text.get()
                    on:input=move |event| text.set(event_target_value(&event))
                    on:change=move |_| apply()
                />
            </label>
        }
    };
    view! {
        <Histogram facts is_time min max apply />
        <div class="fields">
            {field("From", min, |(min, _)| min)}
            {field("To", max, |(_, max)| max)}
        </div>
        <Show when=move || is_wrong(&min.get()) || is_wrong(&max.get())>
            <p class="hint bad">
                {if is_time { "A time reads 2026-01-31 or 2026-01-31T09:30, in UTC." } else { "A number reads 1234.5." }}
            </p>
        </Show>
        <p class="hint">{if is_time { "What is typed counts in. Times are UTC." } else { "What is typed counts in." }}</p>
    }
}

/// How a text is searched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TextSearch {
    Contains,
    StartsWith,
    Matches,
}

impl TextSearch {
    /// Each with the value of its choice and what the choice says.
    const ALL: [(TextSearch, &'static str, &'static str); 3] = [
        (TextSearch::Contains, "contains", "contains"),
        (TextSearch::StartsWith, "starts", "starts with"),
        (TextSearch::Matches, "matches", "matches"),
    ];

    /// The condition; the error says why the text is no pattern.
    fn condition(self, column: String, text: String) -> Result<Condition, String> {
        Ok(match self {
            TextSearch::Contains => Condition::Contains { column, text },
            TextSearch::StartsWith => Condition::StartsWith { column, text },
            TextSearch::Matches => Condition::Matches { column, pattern: Pattern::new(&text)? },
        })
    }
}

/// A part of a text.
#[component]
fn Text(editor: Editor) -> impl IntoView {
    let (search, text) = match editor.condition.get_value() {
        Some(Condition::StartsWith { text, .. }) => (TextSearch::StartsWith, text),
        Some(Condition::Matches { pattern, .. }) => (TextSearch::Matches, pattern.text().to_owned()),
        Some(Condition::Contains { text, .. }) => (TextSearch::Contains, text),
        _ => (TextSearch::Contains, String::new()),
    };
    let (search, text) = (RwSignal::new(search), RwSignal::new(text));
    let fault = RwSignal::new(None);
    let apply = move || {
        let (column, text) = (editor.column(), text.get_untracked());
        if text.is_empty() {
            fault.set(None);
            return editor.apply(None);
        }
        // What is no pattern yet leaves the filter as it was.
        let condition = search.get_untracked().condition(column, text);
        fault.set(condition.as_ref().err().cloned());
        if let Ok(condition) = condition {
            editor.apply(Some(condition));
        }
    };
    let choose = move |event| {
        let chosen = event_target_value(&event);
        let found = TextSearch::ALL.iter().find(|(_, value, _)| *value == chosen);
        search.set(found.map_or(TextSearch::Contains, |(search, ..)| *search));
        apply();
    };
    let choices = TextSearch::ALL.map(|(choice, value, label)| {
        view! { <option value=value prop:selected=move || search.get() == choice>{label}</option> }
    });
    view! {
        <div class="fields">
            <select aria-label="How to find" on:change=choose>
                {choices}
            </select>
            <input
                type="text"
                data-focus=""
                placeholder=move || if search.get() == TextSearch::Matches { "^(one|two)$" } else { "Text, case and all" }
                aria-label="Text"
                aria-invalid=move || fault.get().is_some().then_some("true")
                prop:value=move || text.get()
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    apply();
                }
            />
        </div>
        <Show when=move || fault.get().is_some()>
            <p class="hint bad" role="status">{move || fault.get()}</p>
        </Show>
    }
}

/// Whether there is anything in the cell.
#[component]
fn Empty(editor: Editor) -> impl IntoView {
    let chosen = RwSignal::new(match editor.condition.get_value() {
        Some(Condition::IsNull { negated, .. }) => Some(negated),
        _ => None,
    });
    let choose = move |negated: bool| {
        chosen.set(Some(negated));
        editor.apply(Some(Condition::IsNull { column: editor.column(), negated }));
    };
    let item = move |label: &str, negated: bool| {
        let is_chosen = Box::new(move || chosen.get() == Some(negated));
        radio(label.to_owned(), is_chosen, Box::new(move || choose(negated)))
    };
    view! { <div class="items">{item("Has a value", true)}{item("Is empty", false)}</div> }
}

/// One of several choices.
pub(super) fn radio(label: String, is_chosen: Box<dyn Fn() -> bool + Send>, choose: Box<dyn Fn()>) -> AnyView {
    view! {
        <label class="choice">
            <input type="radio" name="choice" prop:checked=is_chosen on:change=move |_| choose() />
            <span class="item-name">{label}</span>
        </label>
    }
    .into_any()
}
