//! Rows of one writer in files: appended as they are logged, read back in pieces, deleted once they were dealt with.
//!
//! A file is a segment of about a mebibyte. Segments are written one after the other and deleted whole, so that what is on
//! the disk never grows much beyond what waits. The newest is emptied in place when nothing waits at all.

mod folder;
mod format;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use model::{Seq, WriterId};

use self::folder::{Lock, private, segment_path};
use self::format::{Fault, RECORD_BYTES, decode_record, encode_record, record_bytes};
use super::rows::Chunk;
use crate::error::DeliveryError;
use crate::options::Durability;

pub(crate) use self::folder::writers;
pub(crate) use self::format::Head;

/// A segment this large is followed by a new one.
const SEGMENT_BYTES: u64 = 1 << 20;
/// A file that could not be read so many times in a row is given up.
const MAX_FAILED_READS: u32 = 30;
/// The least that is read at once.
const MIN_BLOCK_BYTES: u64 = 64 << 10;
/// The largest head, which is read at once.
const MAX_HEAD_BYTES: usize = 32 << 10;

/// One writer's files.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    writer: WriterId,
    /// The bytes that each segment starts with.
    head: Vec<u8>,
    durability: Durability,
    segment_bytes: u64,
    segments: VecDeque<Segment>,
    /// The newest segment, while more can be appended to it.
    open: Option<File>,
    next_number: u64,
    place: Place,
    n_failed_reads: u32,
    lock: Lock,
}

#[derive(Debug)]
struct Segment {
    number: u64,
    /// How many bytes of it hold.
    n_bytes: u64,
    /// The number of the newest row that is known to be in it.
    last_seq: Seq,
    is_damaged: bool,
}

/// Up to where the rows were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    number: u64,
    offset: u64,
}

/// What became of a look at a writer's files.
#[derive(Debug)]
pub(crate) enum Adopted {
    /// There are rows, and nobody else sends them.
    Rows(Box<Spool>, Head),
    /// Somebody sends them, or there are none.
    Nothing,
    /// They cannot be read by this program.
    Unreadable(DeliveryError),
}

impl Spool {
    /// Gets a new writer's files ready, in a folder that is made when it is not there.
    pub(crate) fn create(folder: &Path, writer: WriterId, head: &Head, durability: Durability) -> io::Result<Self> {
        let mut bytes = Vec::new();
        head.encode(&mut bytes);
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the server's address or the key is too long"));
        }
        std::fs::create_dir_all(folder)?;
        let lock = Lock::create(folder, writer)?;
        Ok(Self { head: bytes, durability, ..Self::new(folder, writer, lock) })
    }

    /// No files yet.
    fn new(folder: &Path, writer: WriterId, lock: Lock) -> Self {
        Self {
            folder: folder.to_owned(),
            writer,
            head: Vec::new(),
            durability: Durability::Os,
            segment_bytes: SEGMENT_BYTES,
            segments: VecDeque::new(),
            open: None,
            next_number: 1,
            place: Place::default(),
            n_failed_reads: 0,
            lock,
        }
    }

    /// The same with smaller segments.
    #[cfg(test)]
    pub(crate) fn with_segment_bytes(self, segment_bytes: u64) -> Self {
        Self { segment_bytes, ..self }
    }

    /// Takes over the files of a writer whose program is gone.
    pub(crate) fn adopt(folder: &Path, writer: WriterId) -> io::Result<Adopted> {
        let Some(lock) = Lock::take(folder, writer)? else { return Ok(Adopted::Nothing) };
        let numbers = folder::segments(folder, writer)?;
        for (idx, &number) in numbers.iter().enumerate() {
            let path = segment_path(folder, writer, number);
            match Head::decode(&read_block(&path, 0, MIN_BLOCK_BYTES)?) {
                Ok((head, _)) if head.writer() == Some(writer) => {
                    let mut spool = Self::new(folder, writer, lock);
                    for &number in &numbers[idx..] {
                        let n_bytes = spool.path(number).metadata()?.len();
                        spool.segments.push_back(Segment { number, n_bytes, last_seq: 0, is_damaged: false });
                    }
                    return Ok(Adopted::Rows(Box::new(spool), head));
                }
                // Its program was stopped before it had a row.
                Err(Fault::Torn) => std::fs::remove_file(&path)?,
                Err(Fault::Newer(version)) => {
                    let message = format!("a newer version ({version}) of this program wrote it; it is left as it is");
                    return Ok(Adopted::Unreadable(damaged(&path, &message)));
                }
                Ok(_) | Err(Fault::Damaged(_)) => {
                    let aside = folder::set_aside(&path);
                    return Ok(Adopted::Unreadable(damaged(&aside, "its start is damaged; nothing of it can be read")));
                }
            }
        }
        lock.remove();
        Ok(Adopted::Nothing)
    }

    /// Appends rows. When this returns the system has them, or the disk, as was asked for; when it fails, what was there
    /// before is as it was.
    pub(crate) fn append(&mut self, chunk: &Chunk) -> io::Result<()> {
        if u32::try_from(chunk.lines.len()).is_err() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a row of more than 4 GiB"));
        }
        let is_full = self.segments.back().is_none_or(|segment| segment.n_bytes >= self.segment_bytes);
        match &self.open {
            Some(_) if !is_full => self.append_to_open(chunk),
            _ => self.append_to_new(chunk),
        }
    }

    fn append_to_open(&mut self, chunk: &Chunk) -> io::Result<()> {
        let (Some(file), Some(segment)) = (&mut self.open, self.segments.back_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let mut bytes = Vec::with_capacity(RECORD_BYTES + chunk.lines.len());
        encode_record(chunk, &mut bytes);
        let written = write(file, &bytes, self.durability);
        if written.is_ok() {
            segment.n_bytes += bytes.len() as u64;
            segment.last_seq = chunk.last_seq();
        } else if file.set_len(segment.n_bytes).is_err() {
            // What follows goes to another file; half a record at the end of this one is known for what it is.
            self.open = None;
        }
        written
    }

    fn append_to_new(&mut self, chunk: &Chunk) -> io::Result<()> {
        self.open = None;
        let number = self.next_number;
        self.next_number += 1;
        let path = self.path(number);
        let mut bytes = self.head.clone();
        encode_record(chunk, &mut bytes);
        let mut file = private().append(true).create_new(true).open(&path)?;
        let mut written = write(&mut file, &bytes, self.durability);
        if written.is_ok() && self.durability == Durability::Disk {
            written = folder::sync_names(&self.folder);
        }
        if written.is_err() {
            // One that stays has no whole record, or one that is sent twice and stored once.
            let _ = std::fs::remove_file(&path);
            return written;
        }
        let n_bytes = bytes.len() as u64;
        self.segments.push_back(Segment { number, n_bytes, last_seq: chunk.last_seq(), is_damaged: false });
        self.open = Some(file);
        Ok(())
    }

    /// Whether everything was read.
    pub(crate) fn is_read(&self) -> bool {
        self.segments.back().is_none_or(|last| self.is_passed(last))
    }

    fn is_passed(&self, segment: &Segment) -> bool {
        self.place >= Place { number: segment.number, offset: segment.n_bytes }
    }

    /// Takes everything as read: whoever appended it has it in memory as well.
    pub(crate) fn skip_to_end(&mut self) {
        if let Some(last) = self.segments.back() {
            self.place = Place { number: last.number, offset: last.n_bytes };
        }
    }

    /// The next rows, about `max_bytes` of them, and what was found damaged on the way. No rows where all were read.
    ///
    /// # Errors
    /// When a file cannot be read, which may pass. A file that cannot be read again and again is taken for damaged.
    pub(crate) fn read(&mut self, max_bytes: u64) -> io::Result<(Vec<Chunk>, Vec<DeliveryError>)> {
        let (mut chunks, mut faults) = (Vec::new(), Vec::new());
        while chunks.is_empty()
            && let Some(idx) = self.segments.iter().position(|segment| !self.is_passed(segment))
        {
            let segment = &mut self.segments[idx];
            if self.place.number < segment.number {
                self.place = Place { number: segment.number, offset: 0 };
            }
            let path = segment_path(&self.folder, self.writer, segment.number);
            let n_left = segment.n_bytes - self.place.offset;
            let records = match read_records(&path, self.place.offset, n_left, max_bytes) {
                Err(error) if self.n_failed_reads < MAX_FAILED_READS => {
                    self.n_failed_reads += 1;
                    return Err(error);
                }
                Err(error) => Records::none(n_left, format!("it cannot be read: {error}")),
                Ok(records) => records,
            };
            self.n_failed_reads = 0;
            self.place.offset += records.n_bytes;
            chunks = records.chunks;
            segment.last_seq = chunks.iter().map(Chunk::last_seq).fold(segment.last_seq, Seq::max);
            if let Some(message) = records.fault {
                segment.is_damaged = true;
                faults.push(damaged(&path, &message));
            }
        }
        Ok((chunks, faults))
    }

    /// Deletes the segments whose rows were read, and dealt with up to and including `seq`.
    pub(crate) fn settle(&mut self, seq: Seq) {
        while let Some(first) = self.segments.front()
            && self.is_passed(first)
            && first.last_seq <= seq
        {
            let path = self.path(first.number);
            if first.is_damaged {
                folder::set_aside(&path);
            } else if self.segments.len() > 1 || !self.empty_open() {
                // Rows of a file that stays are sent again by whoever finds it, and are known.
                let _ = std::fs::remove_file(&path);
            } else {
                return;
            }
            self.segments.pop_front();
            if self.segments.is_empty() {
                self.open = None;
            }
        }
    }

    /// Empties the newest segment, where it can be appended to.
    fn empty_open(&mut self) -> bool {
        let n_bytes = self.head.len() as u64;
        let (Some(file), Some(segment)) = (&self.open, self.segments.back_mut()) else { return false };
        if segment.n_bytes > n_bytes && file.set_len(n_bytes).is_err() {
            return false;
        }
        segment.n_bytes = n_bytes;
        self.place = Place { number: segment.number, offset: n_bytes };
        true
    }

    /// Deletes what is left: every row was dealt with, and no more come.
    pub(crate) fn remove(mut self) {
        self.skip_to_end();
        self.open = None;
        self.settle(Seq::MAX);
        self.lock.remove();
    }

    fn path(&self, number: u64) -> PathBuf {
        segment_path(&self.folder, self.writer, number)
    }
}

fn damaged(path: &Path, message: &str) -> DeliveryError {
    DeliveryError::StorageDamaged { path: path.display().to_string(), message: message.to_owned() }
}

fn write(file: &mut File, bytes: &[u8], durability: Durability) -> io::Result<()> {
    file.write_all(bytes)?;
    match durability {
        Durability::Os => Ok(()),
        Durability::Disk => file.sync_data(),
    }
}

/// Rows of a segment, and how many of its bytes they and what could not be read are.
struct Records {
    chunks: Vec<Chunk>,
    n_bytes: u64,
    fault: Option<String>,
}

impl Records {
    /// None of `n_bytes`, for that reason.
    fn none(n_bytes: u64, fault: String) -> Self {
        Self { chunks: Vec::new(), n_bytes, fault: Some(fault) }
    }
}

/// Reads whole records, about `max_bytes` of them, from `offset` on, where `n_left` bytes are.
fn read_records(path: &Path, offset: u64, n_left: u64, max_bytes: u64) -> io::Result<Records> {
    let mut n_wanted = max_bytes.max(MIN_BLOCK_BYTES).min(n_left);
    let mut block = read_block(path, offset, n_wanted)?;
    let mut at = 0;
    if offset == 0 {
        match Head::decode(&block) {
            Ok((_, end)) => at = end,
            // Its program was stopped before it had a row.
            Err(Fault::Torn) => return Ok(Records { chunks: Vec::new(), n_bytes: n_left, fault: None }),
            Err(_) => return Ok(Records::none(n_left, "its start is damaged; nothing of it can be read".to_owned())),
        }
    }
    if let Some(n_bytes) = record_bytes(&block[at..])
        && at + n_bytes > block.len()
    {
        // A record that is larger than the block comes alone.
        n_wanted = n_left.min((at + n_bytes) as u64);
        block = read_block(path, offset, n_wanted)?;
    }
    let is_end = n_wanted == n_left || (block.len() as u64) < n_wanted;
    let mut records = Records { chunks: Vec::new(), n_bytes: n_left, fault: None };
    while at < block.len() {
        match decode_record(&block[at..]) {
            Ok((chunk, n_bytes)) => {
                records.chunks.push(chunk);
                at += n_bytes;
            }
            // It was never whole, or the next block has the rest of it.
            Err(Fault::Torn) if is_end => return Ok(records),
            Err(Fault::Torn) => break,
            Err(Fault::Damaged(Some(n_bytes))) => {
                records.fault = Some("some of its rows are damaged, and are left out".to_owned());
                at += n_bytes;
            }
            Err(Fault::Damaged(None) | Fault::Newer(_)) => {
                records.fault = Some("it is damaged, and cannot be read from there on".to_owned());
                return Ok(records);
            }
        }
    }
    records.n_bytes = at as u64;
    Ok(records)
}

/// The bytes from `offset` on, at most `n_bytes`.
fn read_block(path: &Path, offset: u64, n_bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut block = Vec::with_capacity(n_bytes as usize);
    file.take(n_bytes).read_to_end(&mut block)?;
    Ok(block)
}

#[cfg(test)]
mod tests;
