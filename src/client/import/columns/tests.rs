use super::*;
use crate::client::rows;

const COLUMNS: ExpectedColumns =
    ExpectedColumns::new(&rows::CONTACT, 1).with_keys_of(rows::ATTRIBUTE);

fn row(record: impl Into<ByteRecord>) -> CsvRow {
    CsvRow {
        file: 0,
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
         \n  optional: kind, name, company_id, email, exclude_from_segments, privacy_blocked, attributes, attributes.KEY"
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
