//! The input of an import: opened so that it can be read again, and recognised by its first bytes.

use std::{
    fs::File,
    io::{self, Read, Seek},
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// What files begin with that are no CSV in UTF-8.
const FOREIGN: [(&[u8], &str); 9] = [
    (
        b"PK\x03\x04",
        "a ZIP archive, such as an .xlsx workbook; save the sheet as CSV in UTF-8",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "an .xls workbook; save the sheet as CSV in UTF-8",
    ),
    (b"\x1f\x8b", "a gzip file; pipe what zcat prints to `-`"),
    (
        b"\x28\xb5\x2f\xfd",
        "a zstd file; pipe what zstdcat prints to `-`",
    ),
    (b"BZh", "a bzip2 file; pipe what bzcat prints to `-`"),
    (b"\xfd7zXZ", "an xz file; pipe what xzcat prints to `-`"),
    (b"\xff\xfe", UTF_16),
    (b"\xfe\xff", UTF_16),
    (b"%PDF", "a PDF document"),
];

const UTF_16: &str = "UTF-16 text; save it as CSV in UTF-8";

/// Opens the file. Input that can be read only once is copied to a temporary file.
pub(super) fn open(path: &Path) -> io::Result<File> {
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

/// Size and digest of a file.
pub(super) fn fingerprint(mut file: &File, size: u64) -> io::Result<String> {
    file.rewind()?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => digest.update(&buffer[..read]),
        }
    }
    let digest = URL_SAFE_NO_PAD.encode(digest.finalize());
    Ok(format!("{size}-{digest}"))
}

/// Names what a file is, by its first bytes, if it is no CSV in UTF-8.
pub(super) fn refuse_foreign(start: &[u8]) -> Result<(), String> {
    let start = &start[..start.len().min(100)];
    let known = FOREIGN.iter().find(|it| start.starts_with(it.0));
    let found = match start.trim_ascii_start().first() {
        _ if known.is_some() => known.map(|it| it.1),
        Some(b'{' | b'[') => Some("JSON"),
        Some(b'<') => Some("XML or HTML"),
        _ => start.contains(&0).then_some("binary data or UTF-16 text"),
    };
    match found {
        Some(what) => Err(format!("not a UTF-8 CSV file: it begins like {what}")),
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
            (b"\xff\xfec\0o\0", "begins like UTF-16 text"),
            (b"c\0o\0d\0e\0", "begins like binary data or UTF-16"),
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
}
