//! What is refused, where and in which words.

mod operands;

use super::super::{ErrorKind, Expression, ExpressionError};

fn refuse(text: &str) -> ExpressionError {
    match text.parse::<Expression>() {
        Err(error) => error,
        Ok(expression) => panic!("{text} is read as {expression}"),
    }
}

/// Each text with the position and the words after it.
#[track_caller]
fn assert_refused(kind: ErrorKind, cases: &[(&str, usize, &str)]) {
    for (text, position, message) in cases {
        let error = refuse(text);
        assert_eq!(
            error.to_string(),
            format!("at position {position}: {message}"),
            "for {text}"
        );
        assert_eq!(
            (error.kind(), error.position()),
            (kind, *position),
            "for {text}"
        );
    }
}

#[test]
fn an_empty_expression_is_shown_what_one_looks_like() {
    let message = "expected an expression such as (MOVE OR GIFT) AND NOT OPTOUT, or * for every \
                   contact, found end of expression";
    assert_refused(ErrorKind::Empty, &[("", 1, message), (" \n ", 4, message)]);
}

#[test]
fn a_missing_operand_is_named() {
    let wanted =
        |found: &str| format!("expected a mailing group code, \"(\" or NOT, found {found}");
    assert_refused(
        ErrorKind::Unexpected,
        &[
            ("(MOVE AND )", 11, &wanted("\")\"")),
            ("()", 2, &wanted("\")\"")),
            ("MOVE OR", 8, &wanted("end of expression")),
            ("MOVE |", 7, &wanted("end of expression")),
            ("(", 2, &wanted("end of expression")),
            (
                "NOT",
                4,
                &wanted("end of expression; a group of that code is written \"NOT\""),
            ),
            (
                "(A|not)",
                7,
                &wanted("\")\"; a group of that code is written \"NOT\""),
            ),
            (
                "AND MOVE",
                1,
                &wanted("\"AND\"; a group of that code is written \"AND\""),
            ),
            (
                "A OR or",
                6,
                &wanted("\"or\"; a group of that code is written \"OR\""),
            ),
            ("& MOVE", 1, &wanted("\"&\"")),
            (
                "= 3",
                1,
                &wanted(
                    "\"=\"; only kind, company, email and attributes are compared with = and !=",
                ),
            ),
        ],
    );
}

#[test]
fn a_missing_operator_is_named() {
    let wanted =
        |found: &str| format!("expected AND, OR or the end of the expression, found {found}");
    assert_refused(
        ErrorKind::Unexpected,
        &[
            ("MOVE GIFT", 6, &wanted("\"GIFT\"")),
            ("été \"GIFT\"", 5, &wanted("\"GIFT\"")),
            ("MOVE (GIFT)", 6, &wanted("\"(\"")),
            (
                "MOVE NOT GIFT",
                6,
                &wanted("\"NOT\"; write AND NOT or OR NOT"),
            ),
            ("MOVE !GIFT", 6, &wanted("\"!\"; write AND NOT or OR NOT")),
            ("MOVE)", 5, &wanted("\")\"; no \"(\" is open here")),
            (
                "MOVE, GIFT",
                5,
                &wanted("\",\"; write OR or AND between operands"),
            ),
            (
                "\"MOVE\" = 3",
                8,
                &wanted(
                    "\"=\"; only kind, company, email and attributes are compared with = and !=",
                ),
            ),
            (
                "kind PERSON",
                6,
                &wanted("\"PERSON\"; a kind is written kind = PERSON"),
            ),
            (
                "company \"C100\"",
                9,
                &wanted("\"C100\"; a company is written company = \"C100\""),
            ),
            (
                "email \"a@b\"",
                7,
                &wanted("\"a@b\"; an e-mail address is written email = \"ada@example.com\""),
            ),
            (
                "ada@b",
                4,
                &wanted("\"@\"; an e-mail address is written email = \"ada@example.com\""),
            ),
            (
                "segment = SPRING",
                9,
                &wanted("\"=\"; a segment is written segment(\"SPRING\")"),
            ),
        ],
    );
}

#[test]
fn parentheses_that_are_not_closed_are_pointed_at() {
    let message = "expected AND, OR or \")\", found end of expression; the \"(\" at position 6 is \
                   not closed";
    assert_refused(
        ErrorKind::Unexpected,
        &[
            ("A OR (MOVE", 11, message),
            ("A OR (B OR (C)", 15, message),
            ("(A B)", 4, "expected AND, OR or \")\", found \"B\""),
        ],
    );
}

#[test]
fn operators_of_other_languages_are_translated() {
    let wanted =
        |found: &str| format!("expected AND, OR or the end of the expression, found {found}");
    assert_refused(
        ErrorKind::Unexpected,
        &[
            ("A && B", 3, &wanted("\"&&\"; write & or AND")),
            ("A || B", 3, &wanted("\"||\"; write | or OR")),
            (
                "A + B",
                3,
                &wanted("\"+\"; write OR or AND between operands"),
            ),
            (
                "A <> B",
                3,
                &wanted("\"<>\"; write != for what contacts are, and NOT in front of groups"),
            ),
            ("kind == PERSON", 6, &wanted("\"==\"; write a single =")),
            ("A%", 2, &wanted("\"%\"; the wildcards are * and ?")),
        ],
    );
}

#[test]
fn stray_characters_are_shown_even_if_they_cannot_be_seen() {
    let wanted =
        |found: &str| format!("expected a mailing group code, \"(\" or NOT, found {found}");
    let minus = "\"-\"; to leave a group out write NOT; codes have letters and digits only";
    assert_refused(
        ErrorKind::Unexpected,
        &[
            ("-MOVE", 1, &wanted(minus)),
            ("A AND -MOVE", 7, &wanted(minus)),
            ("'MOVE'", 1, &wanted("\"'\"; quotes are written \"")),
            ("“MOVE”", 1, &wanted("\"“\"; quotes are written \"")),
            ("\u{feff}MOVE", 1, &wanted("\"\\u{feff}\"")),
            ("A &\0", 4, &wanted("\"\\0\"")),
            ("é|🎁", 3, &wanted("\"🎁\"")),
        ],
    );
}

#[test]
fn programs_can_read_the_parts() {
    let error = refuse("MOVE AND (GIFT OR )");
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert_eq!(error.position(), 19);
    assert_eq!(error.offending(), ")");
    assert_eq!(error.expected(), "a mailing group code, \"(\" or NOT");
    assert_eq!(error.hint(), None);
    assert_eq!(refuse("MOVE AND").offending(), "end of expression");
    assert_eq!(refuse("A && B").hint(), Some("write & or AND"));
}
