//! What the page and its worker say to each other.
//!
//! The page names what a panel shows by its expression and asks for windows; the worker tells a panel's state at most
//! once a frame ("the revision is now n") and answers each request. Windows cross as typed arrays that change hands.

use engine::{Window, WindowColumn};
use js_sys::{Array, Float64Array, Object, Reflect, Uint8Array, Uint32Array};
use model::ColumnType;
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};

/// The worker's first message, after which it listens.
pub const READY: &str = "ready";

/// A panel's number; the page gives it out.
pub type PanelId = u32;

/// Where a table lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// On the server at this address, such as `http://127.0.0.1:7700`; with a `#` and the key behind it, where there is one.
    Server(String),
    /// In this browser.
    Browser,
}

/// What the page says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Take at most so much memory, about. Said before anything is shown; without it the device decides.
    Budget {
        /// In bytes.
        n_bytes: u64,
    },
    /// Follow the table that the expression names, and show it so. Says it again to show it otherwise.
    Show {
        /// The panel.
        panel: PanelId,
        /// Where the table lives.
        place: Place,
        /// The panel's query, as text.
        expression: String,
    },
    /// Give some rows. Answered by a [`WindowMessage`], or by [`FromWorker::NoWindow`].
    Window {
        /// The panel.
        panel: PanelId,
        /// The page's number for the request.
        request: u32,
        /// Which rows.
        anchor: Anchor,
        /// How many.
        n_rows: u32,
        /// The columns wanted.
        columns: Vec<String>,
        /// Another query, as text, of whose rows the columns are: how they would look. The first rows are given then.
        of: Option<String>,
    },
    /// Hold new rows back from the panel, or let them in again.
    Pause {
        /// The panel.
        panel: PanelId,
        /// Hold back.
        paused: bool,
    },
    /// Tell what a column holds, for a filter's controls.
    Facts {
        /// The panel.
        panel: PanelId,
        /// The column.
        column: String,
    },
    /// The panel is gone.
    Close {
        /// The panel.
        panel: PanelId,
    },
}

/// Which rows of a view.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Anchor {
    /// From this rank on.
    Rank(f64),
    /// So that this row has `n_above` rows above it; where the row left the view, from rank `else_rank` on.
    Row {
        /// The row.
        row_id: f64,
        /// How many rows of the window stand above it.
        n_above: f64,
        /// The first rank, where the row is gone.
        else_rank: f64,
    },
    /// The last rows.
    End,
}

/// What the worker says, windows apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The panel is now so.
    State {
        /// The panel.
        panel: PanelId,
        /// How.
        state: PanelState,
    },
    /// The expression shows nothing, and why.
    Fault {
        /// The panel.
        panel: PanelId,
        /// A sentence.
        message: String,
    },
    /// There are no rows to give, because the panel shows nothing.
    NoWindow {
        /// The request.
        request: u32,
    },
    /// What a column holds.
    Facts {
        /// The panel.
        panel: PanelId,
        /// What it holds.
        facts: ColumnFacts,
    },
}

impl FromWorker {
    /// The panel it is for.
    #[must_use]
    pub fn panel(&self) -> Option<PanelId> {
        match self {
            FromWorker::State { panel, .. } | FromWorker::Fault { panel, .. } | FromWorker::Facts { panel, .. } => {
                Some(*panel)
            }
            FromWorker::NoWindow { .. } => None,
        }
    }
}

/// How a panel's table and view stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PanelState {
    /// Grows with every change of the view; a new expression starts a new view and goes on counting.
    pub revision: u64,
    /// Rows (or groups) in the view.
    pub n_view_rows: u64,
    /// Rows in the table that the worker holds.
    pub n_table_rows: u64,
    /// Rows that the table had before those: the worker let them go to make room, or the table's retention dropped them.
    pub n_let_go: u64,
    /// Rows of the table that the view has not taken in, because the panel is paused.
    pub n_held_back: u64,
    /// Whether the panel is paused.
    pub is_paused: bool,
    /// Whether the view's rows are groups.
    pub is_grouped: bool,
    /// The view's columns in order, by name and type.
    pub columns: Vec<PanelColumn>,
    /// The names of the view's columns whose values are estimates.
    pub estimates: Vec<String>,
    /// The columns of the rows, which are the view's unless it is grouped.
    pub row_columns: Vec<PanelColumn>,
    /// The link to the server.
    pub connection: Connection,
    /// Rows a second that came over the last seconds.
    pub rows_per_second: f64,
    /// What tables and views take in the worker, in bytes.
    pub memory_bytes: u64,
    /// What they may take, in bytes.
    pub budget_bytes: u64,
    /// Where the server answers in place of the worker, because the table would take more: what it would take, in bytes.
    pub on_server_bytes: Option<u64>,
}

/// A column as a panel knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanelColumn {
    /// Its name.
    pub name: String,
    /// Its type, by [`ColumnType::name`].
    #[serde(with = "type_name")]
    pub column_type: ColumnType,
}

/// The link between the worker and the server, or the storage of this browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// Being made.
    #[default]
    Connecting,
    /// Made; stored rows are still coming, up to this many.
    CatchingUp {
        /// Rows the table had when the link was made.
        n_rows: u64,
    },
    /// Every row there is has come.
    Live,
    /// Made, but the table was deleted, and has not been made anew.
    Deleted,
    /// Lost; tried again.
    Lost {
        /// Why, as a sentence.
        reason: String,
        /// Whether for want of a key that allows it.
        is_refused: bool,
    },
}

/// What a column holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// Its name.
    pub column: String,
    /// The least and the greatest number, or time in microseconds.
    pub range: Option<(f64, f64)>,
    /// How many of them stand in each of some equal parts of the range; empty without one.
    pub histogram: Vec<u64>,
    /// The most frequent values as the expression language writes them, as they are shown, and how often they occur.
    pub values: Vec<ValueFact>,
    /// Whether `values` are all there are.
    pub is_complete: bool,
}

/// A value and how often it occurs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueFact {
    /// As the expression language writes it.
    pub literal: String,
    /// As it is shown.
    pub text: String,
    /// How many rows have it.
    pub n_rows: u64,
}

mod type_name {
    //! A column type as its name.
    use model::ColumnType;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: Serializer>(column_type: &ColumnType, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(column_type.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ColumnType, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A window as the page gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowMessage {
    /// The request it answers.
    pub request: u32,
    /// The rows.
    pub window: Window,
}

impl WindowMessage {
    /// As a JavaScript object, with the buffers that change hands.
    #[must_use]
    pub fn to_js(&self) -> (JsValue, Array) {
        let (object, transfer) = (Object::new(), Array::new());
        let window = &self.window;
        let row_ids = Float64Array::from(&window.row_ids[..]);
        transfer.push(&row_ids.buffer());
        let columns = Array::new();
        for column in &window.columns {
            let (kinds, numbers) = (Uint8Array::from(&column.kinds[..]), Float64Array::from(&column.numbers[..]));
            let (ends, text) = (Uint32Array::from(&column.ends[..]), Uint8Array::from(&column.text[..]));
            for buffer in [kinds.buffer(), numbers.buffer(), ends.buffer(), text.buffer()] {
                transfer.push(&buffer);
            }
            let parts: [JsValue; 6] = [
                JsValue::from_str(&column.name),
                JsValue::from_str(column.column_type.name()),
                kinds.into(),
                numbers.into(),
                ends.into(),
                text.into(),
            ];
            columns.push(&parts.iter().collect::<Array>());
        }
        let fields: [(&str, JsValue); 6] = [
            ("request", self.request.into()),
            ("revision", (window.revision as f64).into()),
            ("firstRank", (window.first_rank as f64).into()),
            ("nViewRows", (window.n_view_rows as f64).into()),
            ("rowIds", row_ids.into()),
            ("columns", columns.into()),
        ];
        for (name, value) in fields {
            // Setting a field of a fresh object cannot fail.
            let _ = Reflect::set(&object, &name.into(), &value);
        }
        (object.into(), transfer)
    }

    /// Back from JavaScript; `None` where the object is no window.
    #[must_use]
    pub fn from_js(message: &JsValue) -> Option<Self> {
        let field = |name: &str| Reflect::get(message, &name.into()).ok();
        let number = |name: &str| field(name)?.as_f64();
        let row_ids = field("rowIds")?.dyn_into::<Float64Array>().ok()?.to_vec();
        let columns = field("columns")?.dyn_into::<Array>().ok()?;
        let column = |parts: JsValue| {
            let parts: Array = parts.dyn_into().ok()?;
            Some(WindowColumn {
                name: parts.get(0).as_string()?,
                column_type: parts.get(1).as_string()?.parse().ok()?,
                kinds: parts.get(2).dyn_into::<Uint8Array>().ok()?.to_vec(),
                numbers: parts.get(3).dyn_into::<Float64Array>().ok()?.to_vec(),
                ends: parts.get(4).dyn_into::<Uint32Array>().ok()?.to_vec(),
                text: parts.get(5).dyn_into::<Uint8Array>().ok()?.to_vec(),
            })
        };
        Some(Self {
            request: number("request")? as u32,
            window: Window {
                revision: number("revision")? as u64,
                first_rank: number("firstRank")? as u64,
                n_view_rows: number("nViewRows")? as u64,
                row_ids,
                columns: columns.iter().map(column).collect::<Option<_>>()?,
            },
        })
    }
}
