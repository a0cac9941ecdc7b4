//! Puts the file of rejected rows into the order of the file that was read.
//!
//! Rows are written down as they are refused, so that nothing is lost when an import breaks off;
//! but companies are sent before persons, and rows that cannot be sent at all are known before
//! the service has answered for those in front of them.

use std::{fs, io, path::Path};

use csv::{ByteRecord, ReaderBuilder};

/// Sorts the rows of the file at `path`, which begin with a line number, by that number.
pub(super) fn by_line(path: &Path, delimiter: u8) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(bytes.as_slice());
    reader.byte_headers()?;
    let mut start = offset(reader.position());
    let mut sorted = bytes[..start].to_vec();
    let mut rows = Vec::new();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        let end = offset(reader.position());
        rows.push((line(&record), &bytes[start..end]));
        start = end;
    }
    rows.sort_by_key(|(line, _)| *line);
    rows.iter()
        .for_each(|(_, row)| sorted.extend_from_slice(row));
    fs::write(path, sorted)
}

/// Where the reader stands. What is in memory can be counted by a `usize`.
fn offset(position: &csv::Position) -> usize {
    position.byte() as usize
}

fn line(record: &ByteRecord) -> u64 {
    let text = record.get(0).and_then(|it| std::str::from_utf8(it).ok());
    text.and_then(|it| it.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_are_sorted_by_their_numbers() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let text = "line;reason;x\n10;no;\"a\n2;b\"\n9;no\n2;\"no; no\";z\n";
        fs::write(file.path(), text).expect("written");
        by_line(file.path(), b';').expect("sorted");
        assert_eq!(
            fs::read_to_string(file.path()).expect("there"),
            "line;reason;x\n2;\"no; no\";z\n9;no\n10;no;\"a\n2;b\"\n"
        );
    }
}
