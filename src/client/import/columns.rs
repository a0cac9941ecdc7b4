//! Which columns a file has, and a row's values by the names of the columns.

use csv::ByteRecord;

/// A column that an import knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) required: bool,
}

/// A column that must be there.
pub(super) const fn required(name: &'static str) -> Column {
    Column {
        name,
        required: true,
    }
}

/// A column that may be there.
pub(super) const fn optional(name: &'static str) -> Column {
    Column {
        name,
        required: false,
    }
}

/// Columns of an earlier run's file of rejected rows: allowed, and not read.
const NOTES: [&str; 2] = ["line", "reason"];

/// A file's columns.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    /// What the header says, trimmed and in lower case.
    names: Vec<String>,
}

impl Columns {
    /// Checks a header. The message names the columns found and those wanted.
    pub(super) fn check(header: &ByteRecord, wanted: &[Column]) -> Result<Self, String> {
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_lowercase())
            .collect();
        let known = |name: &str| NOTES.contains(&name) || wanted.iter().any(|it| it.name == name);
        let mut wrong = Vec::new();
        for column in wanted.iter().filter(|it| it.required) {
            if !names.iter().any(|name| name == column.name) {
                wrong.push(format!("`{}` is missing", column.name));
            }
        }
        for (place, name) in names.iter().enumerate() {
            if !known(name) {
                wrong.push(format!("`{name}` is unknown"));
            } else if names[..place].contains(name) {
                wrong.push(format!("`{name}` is there twice"));
            }
        }
        match wrong.is_empty() {
            true => Ok(Self { names }),
            false => Err(mismatch(&wrong, &names, wanted)),
        }
    }

    /// A row's values, if it has as many as the header and all are UTF-8.
    pub(super) fn fields<'a>(&'a self, record: &'a ByteRecord) -> Result<Fields<'a>, String> {
        let (wanted, found) = (self.names.len(), record.len());
        if wanted != found {
            return Err(format!(
                "the row has {found} fields, the header has {wanted}"
            ));
        }
        for (name, value) in self.names.iter().zip(record) {
            std::str::from_utf8(value).map_err(|_| format!("{name}: not UTF-8 text"))?;
        }
        Ok(Fields {
            columns: self,
            record,
        })
    }

    /// A record without an earlier run's notes.
    pub(super) fn without_notes<'a>(
        &self,
        record: &'a ByteRecord,
    ) -> impl Iterator<Item = &'a [u8]> {
        record.iter().enumerate().filter_map(|(place, value)| {
            let note = self
                .names
                .get(place)
                .is_some_and(|it| NOTES.contains(&it.as_str()));
            (!note).then_some(value)
        })
    }

    /// The header as a record.
    pub(super) fn header(&self) -> ByteRecord {
        ByteRecord::from(self.names.clone())
    }
}

fn mismatch(wrong: &[String], found: &[String], wanted: &[Column]) -> String {
    let list = |required| {
        let names = wanted
            .iter()
            .filter(|it| it.required == required)
            .map(|it| it.name);
        names.collect::<Vec<_>>().join(", ")
    };
    let mut text = format!(
        "the columns do not fit: {}\n  found: {}\n  required: {}",
        wrong.join(", "),
        found.join(", "),
        list(true)
    );
    let optional = list(false);
    if !optional.is_empty() {
        text += &format!("\n  optional: {optional}");
    }
    if found.len() == 1 && found[0].contains([';', '\t', '|']) {
        text += "\n  Is it separated by another character than a comma? See --delimiter.";
    }
    text
}

/// A row's values.
pub(super) struct Fields<'a> {
    columns: &'a Columns,
    record: &'a ByteRecord,
}

impl<'a> Fields<'a> {
    /// A column's value; empty where the file lacks the column.
    pub(super) fn text(&self, name: &str) -> &'a str {
        let place = self.columns.names.iter().position(|it| it == name);
        let value = place
            .and_then(|place| self.record.get(place))
            .unwrap_or_default();
        std::str::from_utf8(value).unwrap_or_default()
    }

    /// A column's value as an owned text.
    pub(super) fn owned(&self, name: &str) -> String {
        self.text(name).to_owned()
    }

    /// A column's value as yes or no; empty means no.
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

    const WANTED: &[Column] = &[required("id"), required("name"), optional("email")];

    fn check(header: &[&str]) -> Result<Columns, String> {
        Columns::check(&ByteRecord::from(header), WANTED)
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
        let kept: Vec<_> = columns.without_notes(&record).collect();
        assert_eq!(kept, [b"Ada".as_slice(), b"P1"]);
    }

    #[test]
    fn a_header_that_does_not_fit_is_told_with_what_was_found_and_wanted() {
        let told = check(&["id", "mail", "id"]).expect_err("does not fit");
        assert_eq!(
            told,
            "the columns do not fit: `name` is missing, `mail` is unknown, `id` is there twice\
             \n  found: id, mail, id\n  required: id, name\n  optional: email"
        );
        assert!(
            check(&["id;name"])
                .expect_err("does not fit")
                .contains("--delimiter")
        );
    }

    #[test]
    fn rows_that_cannot_be_read_say_why() {
        let columns = check(&["id", "name"]).expect("fits");
        let told = |record: &ByteRecord| columns.fields(record).err().unwrap_or_default();
        assert_eq!(
            told(&ByteRecord::from(vec!["x"])),
            "the row has 1 fields, the header has 2"
        );
        let latin: &[&[u8]] = &[b"x", b"Andr\xe9"];
        assert_eq!(told(&ByteRecord::from(latin)), "name: not UTF-8 text");
    }
}
