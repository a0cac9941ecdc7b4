//! Operands that cannot be.

use super::{super::super::ErrorKind, assert_refused};

#[test]
fn a_quote_must_be_closed() {
    assert_refused(
        ErrorKind::UnterminatedQuote,
        &[
            ("A OR \"MOVE", 6, "expected a closing \", found \"MOVE"),
            ("A \"MOVE", 3, "expected a closing \", found \"MOVE"),
            (
                "company = \"C1\"\"",
                11,
                "expected a closing \", found \"C1\"\"",
            ),
            ("segment(\"", 9, "expected a closing \", found \""),
        ],
    );
}

#[test]
fn a_code_has_one_to_eleven_letters_and_digits() {
    let wanted =
        |found: &str| format!("expected a code of 1 to 11 letters and digits, found {found}");
    let no_letter = "is neither a letter nor a digit";
    assert_refused(
        ErrorKind::InvalidCode,
        &[
            (
                "A|déménagement",
                3,
                &wanted("\"déménagement\"; it has 12 characters"),
            ),
            ("\"\"", 1, &wanted("\"\"; it is blank")),
            ("\" \"", 1, &wanted("\" \"; it is blank")),
            (
                "\"NEW YORK\"",
                1,
                &wanted(&format!("\"NEW YORK\"; ' ' {no_letter}")),
            ),
            ("\"A-B\"", 1, &wanted(&format!("\"A-B\"; '-' {no_letter}"))),
            (
                "\"A\"\"B\"",
                1,
                &wanted(&format!("\"A\"\"B\"; '\"' {no_letter}")),
            ),
            (
                "\"X*\"",
                1,
                &wanted("\"X*\"; wildcards work without quotes only"),
            ),
            ("X_", 1, &wanted("\"X_\"; the wildcards are * and ?")),
            ("x½", 1, &wanted(&format!("\"x½\"; '½' {no_letter}"))),
            (
                "abcdefghijklmnopqrstuvwxyz",
                1,
                &wanted("\"abcdefghijklmnopqrstuvwx…\"; it has 26 characters"),
            ),
        ],
    );
}

#[test]
fn a_pattern_asks_for_no_more_than_a_code_can_have() {
    let wanted =
        "expected a pattern of at most 11 letters, digits and ?, and any number of *, found";
    assert_refused(
        ErrorKind::InvalidCode,
        &[
            (
                "*ABCDEF??GHIJ",
                1,
                &format!("{wanted} \"*ABCDEF??GHIJ\"; it needs 12 characters"),
            ),
            (
                "*½",
                1,
                &format!("{wanted} \"*½\"; '½' is neither a letter nor a digit"),
            ),
        ],
    );
}

#[test]
fn conditions_need_values_that_can_exist() {
    let kind = |found: &str| format!("expected PERSON or COMPANY, found {found}");
    assert_refused(
        ErrorKind::InvalidKind,
        &[
            ("kind = DOG", 8, &kind("\"DOG\"")),
            ("kind=\"DOG\"", 6, &kind("\"DOG\"")),
            ("kind != B", 9, &kind("\"B\"")),
        ],
    );
    let id = |what: &str, found: &str| {
        format!("expected a {what} id, which is 1 to 64 of A-Z a-z 0-9 . _ : -, found {found}")
    };
    assert_refused(
        ErrorKind::InvalidId,
        &[
            ("company = C*", 11, &id("contact", "\"C*\"")),
            ("company = \" C1\"", 11, &id("contact", "\" C1\"")),
            ("company = \"\"", 11, &id("contact", "\"\"")),
            ("segment(été)", 9, &id("segment", "\"été\"")),
        ],
    );
    let email = "expected an e-mail address in quotes, such as \"ada@example.com\", found";
    assert_refused(
        ErrorKind::InvalidEmail,
        &[
            ("email = \"ada\"", 9, &format!("{email} \"ada\"")),
            ("email=\"\"", 7, &format!("{email} \"\"")),
            ("email=\"a b@c\"", 7, &format!("{email} \"a b@c\"")),
        ],
    );
    assert_refused(
        ErrorKind::Unexpected,
        &[
            ("email = ada@b", 9, &format!("{email} \"ada\"")),
            ("email =", 8, &format!("{email} end of expression")),
            ("kind =", 7, &kind("end of expression")),
            ("kind = (PERSON)", 8, &kind("\"(\"")),
            ("company = AND", 11, &id("contact", "\"AND\"")),
            ("segment()", 9, &id("segment", "\")\"")),
            (
                "segment(\"A\"",
                12,
                "expected \")\" after the segment id, found end of expression",
            ),
            (
                "segment(A B)",
                11,
                "expected \")\" after the segment id, found \"B\"",
            ),
        ],
    );
}

#[test]
fn attributes_need_keys_and_values_that_can_exist() {
    let value = |found: &str| {
        format!("expected a value of 1 to 100 characters, such as \"CH\", found {found}")
    };
    let long = "x".repeat(101);
    let long_found = format!(
        "\"{}…; a value must have at most 100 characters; it has 101",
        &long[..23]
    );
    assert_refused(
        ErrorKind::InvalidValue,
        &[
            (
                "class = \"\"",
                9,
                &value("\"\"; contacts without a value are NOT has class"),
            ),
            (&format!("class != \"{long}\""), 10, &value(&long_found)),
            (
                &format!("class IN (A, \"{long}*\")"),
                14,
                &value(&long_found),
            ),
        ],
    );
    assert_refused(
        ErrorKind::Unexpected,
        &[
            ("class =", 8, &value("end of expression")),
            ("class = AND", 9, &value("\"AND\"")),
            ("class IN ()", 11, &value("\")\"")),
            (
                "class IN A",
                10,
                "expected \"(\" and values, as in language IN (\"fr\", \"de\"), found \"A\"",
            ),
            (
                "class IN (A B)",
                13,
                "expected \",\" or \")\" after the value, found \"B\"",
            ),
            (
                "name = 3",
                6,
                "expected AND, OR or the end of the expression, found \"=\"; only kind, company, \
                 email and attributes are compared with = and !=",
            ),
            (
                "company IN (C1)",
                9,
                "expected AND, OR or the end of the expression, found \"IN\"; a company is written \
                 company = \"C100\"",
            ),
            (
                "has \"class\"",
                5,
                "expected AND, OR or the end of the expression, found \"class\"; an attribute is \
                 written has territory",
            ),
        ],
    );
    let key =
        |found: &str| format!("expected the key of an attribute, such as territory, found {found}");
    assert_refused(
        ErrorKind::InvalidKey,
        &[
            (
                "has été",
                5,
                &key(
                    "\"été\"; a key must be a lower-case letter and up to 30 of a-z 0-9 _, as territory is",
                ),
            ),
            (
                "has email",
                5,
                &key(
                    "\"email\"; a key must be none of and, or, not, in, has, id, name, kind, company, \
                     email and segment, which mean something else in expressions",
                ),
            ),
        ],
    );
}
