//! The input of an import: opened so that it can be read again, decoded to UTF-8, and recognised by
//! its first bytes.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use encoding_rs::{Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use sha2::{Digest, Sha256};

use crate::client::error::Error;

/// What files begin with that are no CSV.
const FOREIGN: [(&[u8], &str); 7] = [
    (
        b"PK\x03\x04",
        "a ZIP archive, such as an .xlsx workbook; save the sheet as CSV in UTF-8 (in Excel: Save As, \
         `CSV UTF-8`)",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "an .xls workbook; save the sheet as CSV in UTF-8 (in Excel: Save As, `CSV UTF-8`)",
    ),
    (b"\x1f\x8b", "a gzip file; pipe what zcat prints to `-`"),
    (
        b"\x28\xb5\x2f\xfd",
        "a zstd file; pipe what zstdcat prints to `-`",
    ),
    (b"BZh", "a bzip2 file; pipe what bzcat prints to `-`"),
    (b"\xfd7zXZ", "an xz file; pipe what xzcat prints to `-`"),
    (b"%PDF", "a PDF document"),
];

/// A file of text in any encoding.
pub(super) struct TextInput {
    file: File,
    /// For messages.
    name: String,
    /// None for UTF-8, which is read as it is.
    encoding: Option<&'static Encoding>,
}

/// What [`TextInput::scan`] finds.
pub(super) struct ScannedText {
    /// As UTF-8, in bytes.
    pub(super) size: u64,
    /// Identifies the content.
    pub(super) fingerprint: String,
    /// The first line that is no text of the encoding.
    pub(super) undecodable: Option<u64>,
}

impl TextInput {
    /// Opens a file, or stdin where the path is `-`. Input that can be read only once is copied to
    /// a temporary file.
    pub(super) fn open(path: &Path, encoding: Option<&'static Encoding>) -> Result<Self, Error> {
        let name = match path.to_str() {
            Some("-") => "standard input".to_owned(),
            _ => path.display().to_string(),
        };
        let unreadable = |it| Error::file("read", &name, it);
        let mut file = open(path).map_err(unreadable)?;
        let mut start = Vec::new();
        let read = (&mut file).take(4).read_to_end(&mut start);
        read.map_err(unreadable)?;
        // A byte order mark names the encoding, whatever the flags say.
        let marked = Encoding::for_bom(&start).map(|(encoding, _)| encoding);
        Ok(Self {
            file,
            encoding: marked.or(encoding).filter(|it| *it != UTF_8),
            name,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the text is decoded: then U+FFFD stands in place of what is no text.
    pub(super) fn is_decoded(&self) -> bool {
        self.encoding.is_some()
    }

    /// The text from its start, as UTF-8. Only one reader at a time: readers share the position.
    pub(super) fn read(&self) -> Result<Box<dyn Read + Send>, Error> {
        let unreadable = |it| Error::file("read", &self.name, it);
        let mut file = self.file.try_clone().map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        let mut decoder = DecodeReaderBytesBuilder::new();
        let decoder = decoder.encoding(self.encoding).utf8_passthru(true);
        Ok(Box::new(decoder.build(file)))
    }

    /// Reads the whole text.
    pub(super) fn scan(&self) -> Result<ScannedText, Error> {
        let mut text = self.read()?;
        let mut digest = Sha256::new();
        let mut decoded = DecodedText::new(self.is_decoded());
        let mut size = 0;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = text.read(&mut buffer);
            match read.map_err(|it| Error::file("read", &self.name, it))? {
                0 => break,
                read => {
                    size += read as u64;
                    digest.update(&buffer[..read]);
                    decoded.check(&buffer[..read]);
                }
            }
        }
        let digest = URL_SAFE_NO_PAD.encode(digest.finalize());
        Ok(ScannedText {
            size,
            fingerprint: format!("{size}-{digest}"),
            undecodable: decoded.finish(),
        })
    }

    /// Says that a line is no text of the encoding, and what to do.
    pub(super) fn undecodable(&self, line: u64) -> Error {
        let name = &self.name;
        Error::Input(match self.encoding {
            Some(encoding) => format!(
                "{name}: line {line} is no {} text: it has another --encoding, or the file is damaged",
                encoding.name()
            ),
            None => format!(
                "{name}: line {line} is not UTF-8; if a program for Windows wrote the file, such as \
                 Excel as `CSV`, pass --encoding windows-1252"
            ),
        })
    }
}

/// Looks for the first line that could not be decoded.
struct DecodedText {
    /// Whether the decoder has put U+FFFD in place of what it could not decode.
    is_replaced: bool,
    line: u64,
    /// The start of a character that the next part completes.
    rest: Vec<u8>,
    undecodable: Option<u64>,
}

impl DecodedText {
    fn new(is_replaced: bool) -> Self {
        Self {
            is_replaced,
            line: 1,
            rest: Vec::new(),
            undecodable: None,
        }
    }

    fn check(&mut self, part: &[u8]) {
        if self.undecodable.is_some() {
            return;
        }
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(part);
        let (valid, is_wrong) = match std::str::from_utf8(&bytes) {
            Ok(_) => (bytes.len(), false),
            Err(error) => (error.valid_up_to(), error.error_len().is_some()),
        };
        let text = String::from_utf8_lossy(&bytes[..valid]);
        let replaced = text.find('\u{FFFD}').filter(|_| self.is_replaced);
        let end = replaced.unwrap_or(text.len());
        self.line += text[..end].matches('\n').count() as u64;
        if is_wrong || replaced.is_some() {
            self.undecodable = Some(self.line);
        }
        self.rest = bytes.split_off(valid);
    }

    fn finish(self) -> Option<u64> {
        let is_cut = !self.rest.is_empty();
        self.undecodable.or(is_cut.then_some(self.line))
    }
}

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return spooled(io::stdin().lock());
    }
    let file = File::open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => spooled(file),
    }
}

fn spooled(mut input: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    Ok(file)
}

/// The encoding of a label such as `windows-1252`.
pub(super) fn encoding(label: &str) -> Result<&'static Encoding, String> {
    let found = Encoding::for_label(label.as_bytes());
    found.ok_or_else(|| {
        "unknown encoding; known are windows-1252, utf-8, utf-16le and others".to_owned()
    })
}

/// Names what a file is, by its first bytes, if it is no CSV.
pub(super) fn refuse_foreign(start: &[u8]) -> Result<(), String> {
    let start = &start[..start.len().min(100)];
    let known = FOREIGN.iter().find(|it| start.starts_with(it.0));
    let found = match start.trim_ascii_start().first() {
        _ if known.is_some() => known.map(|it| it.1),
        Some(b'{' | b'[') => Some("JSON"),
        Some(b'<') => Some("XML or HTML"),
        _ => start.contains(&0).then_some(
            "binary data, or UTF-16 text without a byte order mark, which needs --encoding utf-16le",
        ),
    };
    match found {
        Some(what) => Err(format!("not a CSV file: it begins like {what}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_csv_are_named_by_their_first_bytes() {
        for (start, what) in [
            (&b"PK\x03\x04 and more"[..], "begins like a ZIP archive"),
            (b"\x1f\x8b\x08", "begins like a gzip file"),
            (b"c\0o\0d\0e\0", "begins like binary data, or UTF-16"),
            (b" [{\"code\": 1}]", "begins like JSON"),
            (b"<html>", "begins like XML or HTML"),
        ] {
            let refused = refuse_foreign(start).expect_err("refused");
            assert!(refused.contains(what), "{refused}");
        }
        for start in ["", "code,description", "\u{feff}code"] {
            assert_eq!(refuse_foreign(start.as_bytes()), Ok(()));
        }
    }

    fn input(bytes: &[u8], label: Option<&str>) -> TextInput {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::io::Write::write_all(&mut file, bytes).expect("room for it");
        let encoding = label.map(|it| encoding(it).expect("a known encoding"));
        TextInput::open(file.path(), encoding).expect("opened")
    }

    /// The text, and the first line that is none.
    fn decoded(bytes: &[u8], label: Option<&str>) -> (String, Option<u64>) {
        let input = input(bytes, label);
        let mut text = String::new();
        let read = input.read().expect("readable").read_to_string(&mut text);
        let shown = read.map_or("?".to_owned(), |_| text.replace('\u{feff}', ""));
        (shown, input.scan().expect("readable").undecodable)
    }

    #[test]
    fn text_is_decoded_by_its_mark_or_the_encoding_that_is_named() {
        let units = || "\u{feff}é\n".encode_utf16();
        let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
        let good = ("é\n".to_owned(), None);
        for label in [None, Some("windows-1252")] {
            assert_eq!(decoded(&little, label), good);
            assert_eq!(decoded(&big, label), good);
            assert_eq!(decoded("\u{feff}é\n".as_bytes(), label), good);
        }
        assert_eq!(decoded(b"\xe9\n", Some("windows-1252")), good);
        assert_eq!(decoded(&little[2..], Some("utf-16le")), good);
        assert!(encoding("latin-9000").is_err());
    }

    #[test]
    fn the_first_line_that_is_no_text_is_named() {
        assert_eq!(decoded(b"a\nb\n\xe9x\n", None).1, Some(3));
        assert_eq!(decoded(b"a\n\xc3", None).1, Some(2));
        assert_eq!(decoded(b"a\n\x81\x20\n", Some("shift_jis")).1, Some(2));
        assert_eq!(decoded("a\n\u{fffd}\n".as_bytes(), None).1, None);
        // Marked UTF-16 with half of a pair, and with half a character at its end.
        assert_eq!(decoded(b"\xff\xfea\0\n\0\0\xd8\n\0", None).1, Some(2));
        assert_eq!(decoded(b"\xff\xfea\0\n\0b", None).1, Some(2));
        let message = input(b"\xe9", None).undecodable(1).to_string();
        assert!(message.contains("--encoding windows-1252"), "{message}");
        // A character on the border of two parts.
        let text = format!("{}é\n", "x".repeat((1 << 16) - 1));
        assert_eq!(decoded(text.as_bytes(), None).1, None);
    }
}
