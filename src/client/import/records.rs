//! Splits text into records, as RFC 4180 describes them: fields may be quoted, quotes inside are
//! doubled, and lines end with LF, CRLF or CR.
//!
//! A quote that is never closed must not swallow the rows after it. So a quoted field counts as
//! unclosed if it reaches the end of the file or a limit, or if text follows its closing quote in
//! a later line. Then the record ends with the line that opened the quote.

use csv::ByteRecord;
use memchr::{memchr, memchr2, memchr2_iter, memchr3};

/// The most lines of a quoted field. A cell of a spreadsheet has no more.
const MAX_LINES: u64 = 254;

/// The record at the start of a text.
#[derive(Debug)]
pub(super) struct FoundRecord {
    /// Fields with a problem are as they are in the text, with their quotes.
    pub(super) fields: ByteRecord,
    /// The length in bytes, with the line break.
    pub(super) length: usize,
    pub(super) line_breaks: u64,
    pub(super) problem: Option<String>,
}

/// Reads the record at the start of a text. `line` is its number, and `is_all` says that nothing
/// follows the text. None if the record may go on after the text.
pub(super) fn read(text: &[u8], is_all: bool, delimiter: u8, line: u64) -> Option<FoundRecord> {
    let mut reader = FieldReader {
        text,
        is_all,
        delimiter,
        at: 0,
        breaks: 0,
        value: Vec::new(),
        open: None,
    };
    let mut fields = ByteRecord::new();
    let mut problem = None;
    loop {
        match reader.next(fields.len())? {
            FieldEnd::Complete => {}
            FieldEnd::TextAfter => {
                let text = "text follows a closing quote; double the quotes inside a quoted value";
                problem = Some(text.to_owned());
            }
            FieldEnd::Unclosed(open) => {
                let line = line + open.breaks;
                problem = Some(format!("a quote opened in line {line} is not closed"));
                fields.truncate(open.index);
                reader.take_rest_of_line(&open);
            }
        }
        fields.push_field(&reader.value);
        if text.get(reader.at) != Some(&delimiter) {
            let length = reader.at + reader.line_break()?;
            return Some(FoundRecord {
                fields,
                length,
                line_breaks: reader.breaks + u64::from(length > reader.at),
                problem,
            });
        }
        reader.at += 1;
    }
}

/// A quoted field with a line break, or without an end.
#[derive(Clone, Copy)]
struct OpenQuote {
    index: usize,
    start: usize,
    /// Line breaks before it.
    breaks: u64,
}

enum FieldEnd {
    Complete,
    TextAfter,
    Unclosed(OpenQuote),
}

struct FieldReader<'a> {
    text: &'a [u8],
    is_all: bool,
    delimiter: u8,
    at: usize,
    breaks: u64,
    value: Vec<u8>,
    /// The first field that spans lines.
    open: Option<OpenQuote>,
}

impl<'a> FieldReader<'a> {
    /// Reads the field of this index up to the separator after it.
    fn next(&mut self, index: usize) -> Option<FieldEnd> {
        let (start, breaks) = (self.at, self.breaks);
        self.value.clear();
        if self.text.get(start) != Some(&b'"') {
            let plain = self.plain()?;
            self.value.extend_from_slice(plain);
            return Some(FieldEnd::Complete);
        }
        let is_closed = self.quoted()?;
        if !is_closed || self.breaks > breaks {
            self.open.get_or_insert(OpenQuote {
                index,
                start,
                breaks,
            });
        }
        if is_closed && self.plain()?.is_empty() {
            return Some(FieldEnd::Complete);
        }
        if let Some(open) = self.open {
            return Some(FieldEnd::Unclosed(open));
        }
        self.value.clear();
        self.value.extend_from_slice(&self.text[start..self.at]);
        Some(FieldEnd::TextAfter)
    }

    /// Reads up to the next separator.
    fn plain(&mut self) -> Option<&'a [u8]> {
        let rest = &self.text[self.at..];
        let end = memchr3(self.delimiter, b'\n', b'\r', rest);
        let end = end.or(self.is_all.then_some(rest.len()))?;
        self.at += end;
        Some(&rest[..end])
    }

    /// Reads from an opening quote to the closing one. Returns whether there is one.
    fn quoted(&mut self) -> Option<bool> {
        let before = self.breaks;
        loop {
            self.at += 1;
            let rest = &self.text[self.at..];
            let end = memchr(b'"', rest);
            let part = &rest[..end.unwrap_or(rest.len())];
            self.value.extend_from_slice(part);
            self.breaks += line_breaks(part);
            self.at += part.len();
            if self.breaks - before >= MAX_LINES {
                return Some(false);
            }
            match end.map(|_| self.text.get(self.at + 1)) {
                None if self.is_all => return Some(false),
                Some(None) if self.is_all => break,
                None | Some(None) => return None,
                Some(Some(b'"')) => self.value.push(b'"'),
                Some(Some(_)) => break,
            }
            self.at += 1;
        }
        self.at += 1;
        Some(true)
    }

    /// The length of the line break at the position; 0 at the end of the text.
    fn line_break(&self) -> Option<usize> {
        match self.text[self.at..] {
            [b'\r', b'\n', ..] => Some(2),
            [b'\r'] if !self.is_all => None,
            [] => Some(0),
            _ => Some(1),
        }
    }

    /// Reads an unclosed quote and the rest of its line as they are.
    fn take_rest_of_line(&mut self, open: &OpenQuote) {
        let rest = &self.text[open.start..];
        let line = &rest[..memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
        self.value = line.to_vec();
        self.at = open.start + line.len();
        self.breaks = open.breaks;
    }
}

/// LF and CR count, CRLF counts once.
fn line_breaks(text: &[u8]) -> u64 {
    let is_break = |at: &usize| text[*at] == b'\n' || text.get(at + 1) != Some(&b'\n');
    memchr2_iter(b'\n', b'\r', text).filter(is_break).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNCLOSED: &str = "a quote opened in line ";

    /// The records of a text, each with the line on which it begins, `!` for text after a quote
    /// and the line of an unclosed quote.
    fn records(text: &str) -> Vec<String> {
        let (mut rest, mut line, mut found) = (text.as_bytes(), 1, Vec::new());
        while !rest.is_empty() {
            let record = read(rest, true, b',', line).expect("the text is all");
            let fields: Vec<_> = record.fields.iter().map(String::from_utf8_lossy).collect();
            let problem = record.problem.map(|it| match it.strip_prefix(UNCLOSED) {
                Some(rest) => format!("!{}", rest.split(' ').next().unwrap_or_default()),
                None => "!".to_owned(),
            });
            let problem = problem.unwrap_or_default();
            found.push(format!("{line}{problem}: {}", fields.join("|")));
            line += record.line_breaks;
            rest = &rest[record.length..];
        }
        found
    }

    #[test]
    fn lines_end_with_lf_cr_or_both_and_the_last_one_may_not_end() {
        for text in ["a,b\n1,\n,2", "a,b\r\n1,\r\n,2\r\n", "a,b\r1,\n,2\r"] {
            assert_eq!(records(text), ["1: a|b", "2: 1|", "3: |2"], "{text:?}");
        }
    }

    #[test]
    fn quotes_enclose_separators_and_are_doubled() {
        let text = "\"a,\"\"b\"\"\",\"\"\n\"x\r\ny\rz\n\",\"\"\"\"\r\n5\" Disk,Ed \"Ed\" N\n";
        assert_eq!(
            records(text),
            [
                "1: a,\"b\"|",
                "2: x\r\ny\rz\n|\"",
                "6: 5\" Disk|Ed \"Ed\" N"
            ]
        );
    }

    #[test]
    fn text_after_a_closing_quote_is_a_problem_of_its_record() {
        let text = "\"Bob\" Smith,x,\"y\"z\n\"a\",\"b\"\n";
        assert_eq!(records(text), ["1!: \"Bob\" Smith|x|\"y\"z", "2: a|b"]);
    }

    #[test]
    fn an_unclosed_quote_ends_with_its_line() {
        // To the end of the text, to another quoted field, behind a field that spans lines.
        for (text, expected) in [
            (
                "1,a\n2,\"b,c\r\n3,d\n",
                vec!["1: 1|a", "2!2: 2|\"b,c", "3: 3|d"],
            ),
            ("2,\"b\n3,\"d\"\n", vec!["1!1: 2|\"b", "2: 3|d"]),
            ("\"2,b\r\"3\",d", vec!["1!1: \"2,b", "2: 3|d"]),
            (
                "1,\"x\ny\",\"z\n2,c",
                vec!["1!1: 1|\"x", "2!2: y\"|\"z", "3: 2|c"],
            ),
            ("1,\"", vec!["1!1: 1|\""]),
        ] {
            assert_eq!(records(text), expected, "{text:?}");
        }
        let long = format!("1,\"{}\"\n", "x\n".repeat(MAX_LINES as usize));
        assert_eq!(records(&long)[..2], ["1!1: 1|\"x", "2: x"]);
        let long = long.replacen("x\n", "", 1);
        assert_eq!(records(&long).len(), 1);
    }

    #[test]
    fn a_record_is_incomplete_until_its_end_is_seen() {
        let text = b"1,\"a\"\"\r\n\",b\r\n2";
        for end in 0..text.len() - 1 {
            assert!(read(&text[..end], false, b',', 1).is_none());
        }
        let record = read(text, false, b',', 1).expect("complete");
        assert_eq!((record.length, record.line_breaks), (text.len() - 1, 2));
        assert_eq!(record.fields, ByteRecord::from(vec!["1", "a\"\r\n", "b"]));
    }
}
