//! The columns of a CSV file, and the values of a row by the names of the columns.

use csv::ByteRecord;

use crate::client::terminal::{excerpt, list, pluralize};

/// A row of the file.
#[derive(Debug, Clone)]
pub(in crate::client) struct CsvRow {
    /// The file of the import that has it, from 0.
    pub(super) file: usize,
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
    /// What further columns may begin with.
    prefix: Option<&'static str>,
}

impl ExpectedColumns {
    pub(super) const fn new(names: &'static [&'static str], required: usize) -> Self {
        Self {
            names,
            required,
            is_key_enough: false,
            prefix: None,
        }
    }

    /// There may be columns for the keys of a map.
    pub(super) const fn with_keys_of(self, prefix: &'static str) -> Self {
        Self {
            prefix: Some(prefix),
            ..self
        }
    }

    /// The key may be the only column.
    pub(super) const fn or_key_alone(self) -> Self {
        Self {
            is_key_enough: true,
            ..self
        }
    }

    /// Whether a column is one of the keys of a map.
    fn is_of_map(&self, name: &str) -> bool {
        self.prefix.is_some_and(|prefix| name.starts_with(prefix))
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
        let columns = Self::read(header)?;
        let problems = columns.problems(expected);
        match problems.is_empty() {
            true => Ok(columns),
            false => Err(columns.mismatch(expected, &problems)),
        }
    }

    /// Reads a header, whatever its columns.
    pub(super) fn read(header: &CsvRow) -> Result<Self, String> {
        if let Some(problem) = &header.problem {
            return Err(problem.clone());
        }
        let mut names = Vec::new();
        for name in &header.record {
            let name = std::str::from_utf8(name);
            let name = name.map_err(
                |_| "its header is not UTF-8; name its --encoding, such as windows-1252",
            )?;
            names.push(name.trim().to_lowercase());
        }
        Ok(Self { names })
    }

    /// The names, in the order of the file.
    pub(super) fn names(&self) -> &[String] {
        &self.names
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
            let is_known = known.contains(&name.as_str()) || expected.is_of_map(name);
            if !name.is_empty() && !is_known {
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
        if let Some(prefix) = expected.prefix {
            text += &format!(", {prefix}KEY");
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
        let names = names.map(|it| (*it).to_owned());
        let of_map = self.names.iter().filter(|it| expected.is_of_map(it));
        names.chain(of_map.cloned()).collect()
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
        index.map_or("", |index| self.at(index))
    }

    /// The value of the column at an index; empty if the row is shorter.
    pub(super) fn at(&self, index: usize) -> &'a str {
        let value = self.record.get(index).unwrap_or_default();
        std::str::from_utf8(value).unwrap_or_default()
    }

    /// The columns that begin like this, by the rest of their names, and their values.
    pub(super) fn beginning_with(&self, prefix: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let names = self.columns.names.iter().enumerate();
        let rest = names.filter_map(move |(at, name)| Some((name.strip_prefix(prefix)?, at)));
        rest.map(|(rest, at)| (rest, self.at(at)))
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
mod tests;
