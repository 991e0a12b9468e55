//! Rows from an Arrow IPC stream, whoever wrote it.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_ipc::reader::StreamReader;

use super::cells::{BatchRows, check_schema};
use super::meter::{Allowance, Meter, metered};
use super::{FileRow, FileRows};
use crate::WireError;

/// The largest message of a stream, which is held in memory whole.
const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// The rows of an Arrow IPC stream.
pub struct ArrowRows<R> {
    state: State<R>,
    allowance: Allowance,
    max_row_bytes: usize,
    rows: Option<BatchRows>,
}

enum State<R> {
    Start(Meter<R>),
    Open(Box<StreamReader<Meter<R>>>),
    End,
}

impl<R: Read> ArrowRows<R> {
    /// The rows of a stream, of at most so many bytes each.
    pub fn new(reader: R, max_row_bytes: usize) -> Self {
        let (meter, allowance) = metered(reader, MAX_MESSAGE_BYTES);
        Self { state: State::Start(meter), allowance, max_row_bytes, rows: None }
    }

    fn fault(&self, reason: &dyn ToString) -> WireError {
        if self.allowance.is_spent() {
            return WireError::PartTooLarge(format!(
                "a batch of the stream has more than {MAX_MESSAGE_BYTES} bytes; write smaller ones"
            ));
        }
        WireError::ArrowStream(reason.to_string())
    }
}

impl<R: Read> FileRows for ArrowRows<R> {
    fn next_row(&mut self) -> Result<Option<FileRow>, WireError> {
        loop {
            if let Some(row) = self.rows.as_mut().and_then(|rows| rows.next(self.max_row_bytes)) {
                return Ok(Some(row));
            }
            self.allowance.renew();
            match std::mem::replace(&mut self.state, State::End) {
                State::Start(meter) => {
                    // A stream that is not valid must not be more than an error.
                    let opened = catch_unwind(AssertUnwindSafe(|| StreamReader::try_new(meter, None)));
                    let reader = match opened {
                        Ok(Ok(reader)) => reader,
                        Ok(Err(error)) => return Err(self.fault(&error)),
                        Err(_) => return Err(self.fault(&"its schema makes no sense")),
                    };
                    check_schema(&reader.schema(), WireError::ArrowStream)?;
                    self.state = State::Open(Box::new(reader));
                }
                State::Open(mut reader) => match catch_unwind(AssertUnwindSafe(|| reader.next())) {
                    Ok(Some(Ok(batch))) => {
                        self.rows = Some(BatchRows::new(batch));
                        self.state = State::Open(reader);
                    }
                    Ok(None) => {}
                    Ok(Some(Err(error))) => return Err(self.fault(&error)),
                    Err(_) => return Err(self.fault(&"a batch makes no sense")),
                },
                State::End => return Ok(None),
            }
        }
    }
}
