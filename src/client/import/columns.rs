//! The columns of a CSV file, and the values of a row by the names of the columns.

use csv::ByteRecord;

/// A column that an import reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct CsvColumn {
    pub(super) name: &'static str,
    pub(super) required: bool,
}

pub(super) const fn required(name: &'static str) -> CsvColumn {
    CsvColumn {
        name,
        required: true,
    }
}

pub(super) const fn optional(name: &'static str) -> CsvColumn {
    CsvColumn {
        name,
        required: false,
    }
}

/// Columns that a file of rejected rows adds. They are allowed in a header, and ignored.
const REJECTION_COLUMNS: [&str; 2] = ["line", "reason"];

/// The columns of a file.
#[derive(Debug, Clone)]
pub(super) struct CsvColumns {
    /// The names in the header, trimmed and in lower case.
    names: Vec<String>,
}

impl CsvColumns {
    /// Checks a header. The message names the columns found and those expected.
    pub(super) fn check(header: &ByteRecord, expected: &[CsvColumn]) -> Result<Self, String> {
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_lowercase())
            .collect();
        let known = |name: &str| {
            REJECTION_COLUMNS.contains(&name) || expected.iter().any(|it| it.name == name)
        };
        let mut problems = Vec::new();
        for column in expected.iter().filter(|it| it.required) {
            if !names.iter().any(|name| name == column.name) {
                problems.push(format!("`{}` is missing", column.name));
            }
        }
        for (index, name) in names.iter().enumerate() {
            if !known(name) {
                problems.push(format!("`{name}` is unknown"));
            } else if names[..index].contains(name) {
                problems.push(format!("`{name}` occurs twice"));
            }
        }
        match problems.is_empty() {
            true => Ok(Self { names }),
            false => Err(mismatch(&problems, &names, expected)),
        }
    }

    /// A row's values, if it has as many as the header and all are UTF-8.
    pub(super) fn fields<'a>(&'a self, record: &'a ByteRecord) -> Result<CsvFields<'a>, String> {
        let (expected, found) = (self.names.len(), record.len());
        if expected != found {
            return Err(format!(
                "the row has {found} fields, the header has {expected}"
            ));
        }
        for (name, value) in self.names.iter().zip(record) {
            std::str::from_utf8(value).map_err(|_| format!("{name}: not UTF-8 text"))?;
        }
        Ok(CsvFields {
            columns: self,
            record,
        })
    }

    /// The values of a record, without line and reason of an earlier run.
    pub(super) fn without_rejection_columns<'a>(
        &self,
        record: &'a ByteRecord,
    ) -> impl Iterator<Item = &'a [u8]> {
        record.iter().enumerate().filter_map(|(index, value)| {
            let is_rejection = self
                .names
                .get(index)
                .is_some_and(|it| REJECTION_COLUMNS.contains(&it.as_str()));
            (!is_rejection).then_some(value)
        })
    }

    /// The header as a record.
    pub(super) fn header(&self) -> ByteRecord {
        ByteRecord::from(self.names.clone())
    }
}

fn mismatch(problems: &[String], found: &[String], expected: &[CsvColumn]) -> String {
    let list = |required| {
        let names = expected
            .iter()
            .filter(|it| it.required == required)
            .map(|it| it.name);
        names.collect::<Vec<_>>().join(", ")
    };
    let mut text = format!(
        "wrong columns: {}\n  found: {}\n  required: {}",
        problems.join(", "),
        found.join(", "),
        list(true)
    );
    let optional = list(false);
    if !optional.is_empty() {
        text += &format!("\n  optional: {optional}");
    }
    if found.len() == 1 && found[0].contains([';', '\t', '|']) {
        text += "\n  If another character than a comma separates the columns, pass --delimiter.";
    }
    text
}

/// A row's values.
pub(super) struct CsvFields<'a> {
    columns: &'a CsvColumns,
    record: &'a ByteRecord,
}

impl<'a> CsvFields<'a> {
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

    /// The value of a flag; empty means false.
    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.text(name).trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(true),
            "false" | "no" | "0" | "" => Ok(false),
            other => Err(format!(
                "{name}: `{other}` is none of true, false, yes, no, 1, 0"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: &[CsvColumn] = &[required("id"), required("name"), optional("email")];

    fn check(header: &[&str]) -> Result<CsvColumns, String> {
        CsvColumns::check(&ByteRecord::from(header), WANTED)
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let columns = check(&[" Name", "ID", "line"]).expect("fits");
        let record = ByteRecord::from(vec!["Ada", "P1", "7"]);
        let fields = columns.fields(&record).expect("fits");
        assert_eq!(
            (fields.text("id"), fields.text("name"), fields.text("email")),
            ("P1", "Ada", "")
        );
        let values: Vec<_> = columns.without_rejection_columns(&record).collect();
        assert_eq!(values, [b"Ada".as_slice(), b"P1"]);
    }

    #[test]
    fn a_header_that_does_not_fit_is_reported_with_the_expected_columns() {
        let message = check(&["id", "mail", "id"]).expect_err("does not fit");
        assert_eq!(
            message,
            "wrong columns: `name` is missing, `mail` is unknown, `id` occurs twice\
             \n  found: id, mail, id\n  required: id, name\n  optional: email"
        );
        assert!(
            check(&["id;name"])
                .expect_err("does not fit")
                .contains("--delimiter")
        );
    }

    #[test]
    fn an_unreadable_row_has_a_reason() {
        let columns = check(&["id", "name"]).expect("fits");
        let message = |record: &ByteRecord| columns.fields(record).err().unwrap_or_default();
        assert_eq!(
            message(&ByteRecord::from(vec!["x"])),
            "the row has 1 fields, the header has 2"
        );
        let latin: &[&[u8]] = &[b"x", b"Andr\xe9"];
        assert_eq!(message(&ByteRecord::from(latin)), "name: not UTF-8 text");
    }
}
