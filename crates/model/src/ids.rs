//! The numbers that identify rows and those who write them.

use std::fmt;
use std::str::FromStr;

/// A writer's number for one of its rows: 1 for its first row of a table, one more for each that follows.
pub type Seq = u64;

/// A table's number for one of its rows: 0 for the first stored, dense from there.
pub type Offset = u64;

/// A writer of rows: 128 random bits, one for each outbox. Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriterId([u8; 16]);

impl WriterId {
    /// Makes a writer of 16 random bytes that the caller supplies.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for WriterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriterId({self})")
    }
}

/// A text that is not a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a writer is 32 hexadecimal digits")]
pub struct ParseWriterIdError;

impl FromStr for WriterId {
    type Err = ParseWriterIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(ParseWriterIdError);
        }
        let nibble = |digit: u8| char::from(digit).to_digit(16).ok_or(ParseWriterIdError);
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (nibble(pair[0])? << 4 | nibble(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_reads_back_what_it_writes() {
        let writer = WriterId::from_bytes(std::array::from_fn(|i| (i * 17) as u8));
        assert_eq!(writer.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(writer.to_string().parse(), Ok(writer));
        for bad in ["", "00", "zz112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff0"] {
            assert_eq!(bad.parse::<WriterId>(), Err(ParseWriterIdError), "{bad}");
        }
    }
}
