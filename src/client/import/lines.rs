//! The line on which a record begins.
//!
//! The CSV reader's own line numbers are one too low in files with CRLF, and after blank lines
//! name the blank line, as it takes a record to begin where the one before ended. So the breaks
//! are noted on their way to the reader, and counted up to where the record really begins.

use std::{
    collections::VecDeque,
    io::{self, Read},
};

/// A reader that knows where lines break in what was read ahead.
pub(super) struct Lines<R> {
    inner: R,
    offset: u64,
    /// The line on which the next break ends.
    line: u64,
    /// Where `\n` (true) and `\r` (false) stand that were not asked about yet.
    breaks: VecDeque<(u64, bool)>,
}

impl<R> Lines<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            offset: 0,
            line: 1,
            breaks: VecDeque::new(),
        }
    }

    /// The line of the first byte at or after `start` that is no line break. `start` never goes
    /// back.
    pub(super) fn at(&mut self, mut start: u64) -> u64 {
        while let Some(&(place, feed)) = self.breaks.front().filter(|it| it.0 <= start) {
            self.breaks.pop_front();
            self.line += u64::from(feed);
            start += u64::from(place == start);
        }
        self.line
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        for (place, byte) in (self.offset..).zip(&buffer[..read]) {
            if matches!(byte, b'\n' | b'\r') {
                self.breaks.push_back((place, *byte == b'\n'));
            }
        }
        self.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<u64> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(Lines::new(text.as_bytes()));
        let mut record = csv::ByteRecord::new();
        let mut numbers = Vec::new();
        while reader.read_byte_record(&mut record).expect("readable") {
            let start = record.position().expect("known").byte();
            numbers.push(reader.get_mut().at(start));
        }
        numbers
    }

    #[test]
    fn a_record_has_the_number_of_its_first_line() {
        assert_eq!(numbers("a,b\n1,2\n3,4"), [2, 3]);
        assert_eq!(numbers("a,b\r\n1,2\r\n3,4\r\n"), [2, 3]);
        assert_eq!(
            numbers("\u{feff}a,b\n\n1,2\n\n\n\"x\ny\",4\n5,6\n"),
            [3, 6, 8]
        );
        assert_eq!(numbers("a,b\r\n\r\n\"x\r\ny\",2\r\n\r\n3\r\n"), [3, 6]);
    }
}
