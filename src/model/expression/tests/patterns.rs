//! Codes with wildcards.

use proptest::prelude::*;

use super::{
    super::{Node, Pattern, Term},
    read,
};

fn pattern(text: &str) -> Pattern {
    match read(text).root() {
        Node::Operand(operand) => match &operand.term {
            Term::Pattern(pattern) => pattern.clone(),
            other => panic!("{text} is {other:?}"),
        },
        other => panic!("{text} is {other:?}"),
    }
}

/// Whether the pattern matches, by its definition.
fn matches_naively(pattern: &[char], code: &[char]) -> bool {
    match pattern.split_first() {
        None => code.is_empty(),
        Some(('*', rest)) => (0..=code.len()).any(|taken| matches_naively(rest, &code[taken..])),
        Some((wanted, rest)) => code.split_first().is_some_and(|(found, left)| {
            (*wanted == '?' || wanted == found) && matches_naively(rest, left)
        }),
    }
}

#[test]
fn a_star_is_any_run_and_a_question_mark_one_character() {
    for (text, yes, no) in [
        ("x*", &["X", "XMAS", "X2017"][..], &["", "MX", "AX2"][..]),
        ("*x", &["X", "MX", "XX"], &["", "XM"]),
        ("m?ve", &["MOVE", "MÉVE"], &["MVE", "MOOVE"]),
        ("?*", &["A", "AB"], &[""]),
        ("a*b*c", &["ABC", "AXBXC", "ABCABC"], &["AB", "ACB", "ABCD"]),
        ("*ab*", &["AB", "AAB", "ABB"], &["A", "BA", "AXB"]),
        ("ｍ?ﬁ*", &["MAFIA"], &["MFI"]),
    ] {
        let pattern = pattern(text);
        assert!(
            yes.iter().all(|code| pattern.matches(code)),
            "{text} matches {yes:?}"
        );
        assert!(
            !no.iter().any(|code| pattern.matches(code)),
            "{text} does not match {no:?}"
        );
    }
}

#[test]
fn a_pattern_says_itself_to_sql() {
    assert_eq!(
        (pattern("mo*v?").like().as_str(), pattern("mo*v?").prefix()),
        ("MO%V_", "MO")
    );
    assert_eq!(
        (pattern("*é").like().as_str(), pattern("*é").prefix()),
        ("%É", "")
    );
}

#[test]
fn equal_runs_of_wildcards_are_equal_patterns() {
    assert_eq!(pattern("a*?*?b**"), pattern("A??*B*"));
}

#[test]
fn long_texts_are_matched_in_linear_time() {
    assert!(!pattern("*a*a*a*a*a*b").matches(&"A".repeat(1_000_000)));
}

proptest! {
    #[test]
    fn matching_is_what_its_definition_says(
        text in "[AB?]{0,3}[*?][AB*?]{0,7}",
        code in "[AB]{0,11}",
    ) {
        prop_assume!(text.contains(|character| character != '*'));
        let characters = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = matches_naively(&characters(&text), &characters(&code));
        prop_assert_eq!(pattern(&text).matches(&code), expected);
    }

    #[test]
    fn a_match_begins_with_the_prefix(text in "[AB]{0,3}[*?][AB*?]{0,3}[AB]", code in "[AB]{0,7}") {
        let pattern = pattern(&text);
        prop_assert!(!pattern.matches(&code) || code.starts_with(pattern.prefix()));
    }
}
