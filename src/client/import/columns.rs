//! The columns of a CSV file, and the values of a row by the names of the columns.

use csv::ByteRecord;

use crate::client::terminal::{excerpt, list, pluralize};

/// A row of the file.
#[derive(Debug)]
pub(in crate::client) struct CsvRow {
    /// The line on which it begins; the header's is usually 1.
    pub(in crate::client) line: u64,
    /// Its length in the file, with the empty rows before it.
    pub(super) bytes: u64,
    pub(super) record: ByteRecord,
    /// Why it cannot be read.
    pub(super) problem: Option<String>,
}

/// The columns that an import reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExpectedColumns {
    names: &'static [&'static str],
    /// How many of them, from the first one, are required.
    required: usize,
    /// Whether the key says something by itself.
    is_key_enough: bool,
}

impl ExpectedColumns {
    pub(super) const fn new(names: &'static [&'static str], required: usize) -> Self {
        Self {
            names,
            required,
            is_key_enough: false,
        }
    }

    /// The key may be the only column.
    pub(super) const fn or_key_alone(self) -> Self {
        Self {
            is_key_enough: true,
            ..self
        }
    }

    /// The column that identifies an item.
    pub(super) fn key(&self) -> &'static str {
        self.names[0]
    }
}

/// Columns that a file of rejected rows adds. They are allowed in a header, and ignored.
const REJECTION_COLUMNS: [&str; 2] = ["line", "reason"];

/// The columns of a file.
#[derive(Debug, Clone)]
pub(super) struct CsvColumns {
    /// The names in the header, trimmed and in lower case. Spreadsheets add columns without a
    /// name; they have to be empty.
    names: Vec<String>,
}

impl CsvColumns {
    /// Checks a header. The message names the columns found and those expected.
    pub(super) fn check(header: &CsvRow, expected: ExpectedColumns) -> Result<Self, String> {
        if let Some(problem) = &header.problem {
            return Err(problem.clone());
        }
        let mut names = Vec::new();
        for name in &header.record {
            let name = std::str::from_utf8(name);
            let name = name.map_err(|_| "not a UTF-8 CSV file: its header is not UTF-8")?;
            names.push(name.trim().to_lowercase());
        }
        let columns = Self { names };
        let problems = columns.problems(expected);
        match problems.is_empty() {
            true => Ok(columns),
            false => Err(columns.mismatch(expected, &problems)),
        }
    }

    fn problems(&self, expected: ExpectedColumns) -> Vec<String> {
        let required = expected.names[..expected.required].iter();
        let missing = required.filter(|name| !self.contains(name));
        let mut problems: Vec<_> = missing.map(|name| format!("`{name}` is missing")).collect();
        let is_key_alone = self.after_key(expected).is_empty() && !expected.is_key_enough;
        if problems.is_empty() && is_key_alone {
            problems.push(format!("there is no other than `{}`", expected.key()));
        }
        for (index, name) in self.names.iter().enumerate() {
            let known = [&REJECTION_COLUMNS, expected.names].concat();
            if !name.is_empty() && !known.contains(&name.as_str()) {
                problems.push(format!("`{}` is unknown", excerpt(name)));
            } else if !name.is_empty() && self.names[..index].contains(name) {
                problems.push(format!("`{name}` occurs twice"));
            }
        }
        problems
    }

    fn mismatch(&self, expected: ExpectedColumns, problems: &[String]) -> String {
        let found: Vec<_> = self.names.iter().map(|it| excerpt(it)).collect();
        let (required, optional) = expected.names.split_at(expected.required);
        let mut text = format!(
            "wrong columns: {}\n  found: {}\n  required: {}",
            list(problems.iter().map(String::as_str)),
            list(found.iter().map(String::as_str)),
            required.join(", ")
        );
        if !optional.is_empty() {
            text += &format!("\n  optional: {}", optional.join(", "));
        }
        if found.len() == 1 && found[0].contains([';', '\t', '|']) {
            text +=
                "\n  If another character than a comma separates the columns, pass --delimiter.";
        }
        text
    }

    /// The expected columns that the file has, without the first.
    pub(super) fn after_key(&self, expected: ExpectedColumns) -> Vec<String> {
        let names = expected.names[1..].iter().filter(|it| self.contains(it));
        names.map(|it| (*it).to_owned()).collect()
    }

    fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|it| it == name)
    }

    /// A row's values, if it has as many as the header and all are UTF-8.
    pub(super) fn fields<'a>(&'a self, row: &'a CsvRow) -> Result<CsvFields<'a>, String> {
        if let Some(problem) = &row.problem {
            return Err(problem.clone());
        }
        self.check_length(&row.record)?;
        for (name, value) in self.names.iter().zip(&row.record) {
            std::str::from_utf8(value).map_err(|_| format!("{name}: not UTF-8 text"))?;
        }
        Ok(CsvFields {
            columns: self,
            record: &row.record,
        })
    }

    /// Fields without a column may be missing, and have to be empty.
    fn check_length(&self, record: &ByteRecord) -> Result<(), String> {
        let named = self.names.iter().rposition(|it| !it.is_empty());
        let named = named.map_or(0, |it| it + 1);
        let used = record.iter().rposition(|it| !it.trim_ascii().is_empty());
        if record.len() < named || used.is_some_and(|it| it >= self.names.len()) {
            let count = i64::try_from(record.len()).unwrap_or(i64::MAX);
            let fields = pluralize(count, "field", "fields");
            let header = self.names.len();
            return Err(format!("the row has {fields}, the header has {header}"));
        }
        let mut unnamed = self.names.iter().zip(record).zip(1..);
        match unnamed.find(|((name, value), _)| name.is_empty() && !value.trim_ascii().is_empty()) {
            Some((_, number)) => Err(format!("column {number} has a value but no name")),
            None => Ok(()),
        }
    }

    /// The values of a record, without line and reason of an earlier run.
    pub(super) fn without_rejection_columns<'a>(
        &self,
        record: &'a ByteRecord,
    ) -> impl Iterator<Item = &'a [u8]> {
        let names = self
            .names
            .iter()
            .map(|it| REJECTION_COLUMNS.contains(&it.as_str()));
        let is_rejection = names.chain(std::iter::repeat(false));
        let values = record.iter().zip(is_rejection);
        values.filter_map(|(value, is_rejection)| (!is_rejection).then_some(value))
    }

    /// The header as a record.
    pub(super) fn header(&self) -> ByteRecord {
        ByteRecord::from(self.names.clone())
    }
}

/// A row's values.
pub(super) struct CsvFields<'a> {
    columns: &'a CsvColumns,
    record: &'a ByteRecord,
}

impl<'a> CsvFields<'a> {
    /// Whether the file has the column.
    pub(super) fn has(&self, name: &str) -> bool {
        self.columns.contains(name)
    }

    /// The value of a column; empty if the file lacks the column.
    pub(super) fn text(&self, name: &str) -> &'a str {
        let index = self.columns.names.iter().position(|it| it == name);
        let value = index
            .and_then(|index| self.record.get(index))
            .unwrap_or_default();
        std::str::from_utf8(value).unwrap_or_default()
    }

    pub(super) fn owned(&self, name: &str) -> String {
        self.text(name).to_owned()
    }

    /// The value of a flag; None if it is empty.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        match self.text(name).trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(Some(true)),
            "false" | "no" | "0" => Ok(Some(false)),
            "" => Ok(None),
            other => Err(format!(
                "{name}: `{}` is none of true, false, yes, no, 1, 0",
                excerpt(other)
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::rows;

    const COLUMNS: ExpectedColumns = ExpectedColumns::new(&rows::CONTACT, 1);

    fn row(record: impl Into<ByteRecord>) -> CsvRow {
        CsvRow {
            line: 1,
            bytes: 0,
            record: record.into(),
            problem: None,
        }
    }

    fn check(header: &[&str]) -> Result<CsvColumns, String> {
        CsvColumns::check(&row(header), COLUMNS)
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let columns = check(&[" Name", "ID", "line", "kind"]).expect("fits");
        let row = row(&["Ada", "P1", "7", "PERSON"][..]);
        let fields = columns.fields(&row).expect("fits");
        assert_eq!(
            (fields.text("id"), fields.text("name"), fields.text("email")),
            ("P1", "Ada", "")
        );
        let values: Vec<_> = columns.without_rejection_columns(&row.record).collect();
        assert_eq!(values, [&b"Ada"[..], b"P1", b"PERSON"]);
    }

    #[test]
    fn a_header_that_does_not_fit_is_reported_with_the_expected_columns() {
        let message = check(&["kind", "ma\u{1b}il", "kind"]).expect_err("does not fit");
        assert_eq!(
            message,
            "wrong columns: `id` is missing, `ma\\u{1b}il` is unknown, `kind` occurs twice\
             \n  found: kind, ma\\u{1b}il, kind\n  required: id\
             \n  optional: kind, name, company_id, email, exclude_from_segments, privacy_blocked"
        );
        let message = check(&["id", ""]).expect_err("nothing to import");
        assert!(message.contains("there is no other than `id`"));
        let message = check(&["id;name"]).expect_err("does not fit");
        assert!(message.contains("--delimiter"));
    }

    #[test]
    fn an_unreadable_row_has_a_reason() {
        let columns = check(&["id", "", "kind", "name", ""]).expect("fits");
        let message = |record: &[&[u8]]| columns.fields(&row(record)).err().unwrap_or_default();
        let header = "the header has 5";
        assert_eq!(message(&[b"x"]), format!("the row has 1 field, {header}"));
        assert_eq!(
            message(&[b"x", b"", b"y", b"z", b"", b"", b"!"]),
            format!("the row has 7 fields, {header}")
        );
        assert_eq!(
            message(&[b"x", b"", b"y", b"Andr\xe9"]),
            "name: not UTF-8 text"
        );
        assert_eq!(
            message(&[b"x", b"!", b"y", b"z", b""]),
            "column 2 has a value but no name"
        );
        // Cells that only pad the row.
        assert_eq!(message(&[b"x", b" ", b"y", b"z", b"", b"", b" "]), "");
        assert_eq!(message(&[b"x", b"", b"y", b"z"]), "");
    }
}
