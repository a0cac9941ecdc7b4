//! What holds for every text.

use proptest::prelude::*;

use super::{
    super::{Expression, MAX_BYTES, Node, Operand, Term},
    read,
};
use crate::model::Code;

/// Texts made of the language's own parts, most of them not quite expressions.
fn near_expression() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "(",
        ")",
        "AND",
        "or",
        "Not",
        "&",
        "|",
        "!",
        "=",
        "kind",
        "company",
        "email",
        "segment",
        "PERSON",
        "\"a@b\"",
        "\"AND\"",
        "\"",
        "move",
        "X*",
        "*",
        "?",
        "e\u{301}",
        "C-1",
        "-",
        "&&",
        " ",
        "🎁",
        "!=",
        "has",
        "in",
        ",",
        "class",
        "sales_person",
        "\"A*\"",
        "\"\\*\"",
        "\\",
    ]);
    prop::collection::vec(part, 0..20).prop_map(|parts| parts.join(" "))
}

/// Texts that are expressions, well within the limits, with needless parentheses and all spellings.
fn expression() -> impl Strategy<Value = String> {
    let operand = prop_oneof![
        "[a-zA-Z0-9é]{1,11}".prop_map(|code| format!("\"{code}\"")),
        "[A-Z]{0,3}[*?]{1,3}[a-z]{0,3}",
        prop::sample::select(vec![
            "*",
            "kind=person",
            "company = C1",
            "email = \"Ada@x.example\"",
            "email=\"\"\"a\"\"@x\"",
            "segment(s)",
            "\"not\"",
            "has class",
            "HAS",
            "class=A",
            "Class != \"a*b\"",
            "kind != person",
        ])
        .prop_map(str::to_owned),
        "(class|city) ?(=|!=) ?\"[a-cA-C*?\\\\ é]{0,5}[ab]\"",
        "city in [(](\"[ab*?\\\\]{0,4}[ab]\", ){0,3}x[)]",
    ];
    operand.prop_recursive(4, 60, 4, |part| {
        prop_oneof![
            part.clone().prop_map(|part| format!("({part})")),
            part.clone().prop_map(|part| format!("NOT ({part})")),
            part.clone().prop_map(|part| format!("!{part}")),
            prop::collection::vec(part.clone(), 2..4).prop_map(|parts| parts.join(" and ")),
            prop::collection::vec(part, 2..4).prop_map(|parts| parts.join("|")),
        ]
    })
}

/// The characters of the two planes in which nearly all letters and all their changes of case lie.
fn letters() -> impl Iterator<Item = char> {
    '\0'..='\u{1ffff}'
}

/// The tree without places and spellings, which printing does not keep.
fn bare(node: &Node) -> Node {
    let all_bare = |parts: &[Node]| parts.iter().map(bare).collect();
    match node {
        Node::Operand(Operand { term, .. }) => Node::Operand(Operand {
            term: term.clone(),
            position: 0,
            text: String::new(),
        }),
        Node::Not(part) => Node::Not(Box::new(bare(part))),
        Node::All(parts) => Node::All(all_bare(parts)),
        Node::Any(parts) => Node::Any(all_bare(parts)),
    }
}

/// Reading either fails within the text or gives what prints as itself.
fn assert_sound(text: &str) {
    match text.parse::<Expression>() {
        Ok(expression) => {
            let canonical = expression.to_string();
            assert_eq!(read(&canonical).to_string(), canonical, "for {text:?}");
        }
        Err(error) => {
            let characters = text.chars().count();
            assert!(
                (1..=characters + 1).contains(&error.position()),
                "for {text:?}: {error}"
            );
            assert!(
                !error.to_string().contains(char::is_control),
                "for {text:?}: {error}"
            );
        }
    }
}

#[test]
fn normal_codes_are_normal() {
    for character in letters() {
        let once = Code::normalize(&format!("a{character}"));
        assert_eq!(Code::normalize(&once), once, "for {character:?}");
        if Code::allows(character) {
            assert!(once.chars().all(Code::allows), "for {character:?}");
        }
    }
}

#[test]
fn no_character_of_a_code_becomes_a_wildcard() {
    for character in letters().filter(|it| !matches!(it, '*' | '?')) {
        let read = character.to_string().parse::<Expression>();
        let is_wildcard = |read: &Expression| match read.root() {
            Node::Operand(it) => matches!(it.term, Term::Pattern(_) | Term::Everyone),
            _ => false,
        };
        assert!(!read.as_ref().is_ok_and(is_wildcard), "{character:?}");
    }
}

#[test]
fn every_single_character_is_read_or_refused() {
    for character in letters() {
        assert_sound(character.encode_utf8(&mut [0; 4]));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        assert_sound(&text);
    }

    #[test]
    fn near_expressions_are_read_or_refused(text in near_expression()) {
        assert_sound(&text);
    }

    #[test]
    fn an_expression_prints_as_an_expression_of_the_same_tree(text in expression()) {
        prop_assume!(text.len() <= MAX_BYTES);
        let first = read(&text);
        let second = read(&first.to_string());
        prop_assert_eq!(first.to_string(), second.to_string());
        prop_assert_eq!(bare(first.root()), bare(second.root()));
    }

    #[test]
    fn an_operand_is_where_it_says(text in expression()) {
        prop_assume!(text.len() <= MAX_BYTES);
        for operand in read(&text).operands() {
            let rest: String = text.chars().skip(operand.position - 1).collect();
            prop_assert!(rest.starts_with(&operand.text));
            let printed = read(&operand.text).to_string();
            let is_same = printed == operand.to_string() || printed == format!("NOT {operand}");
            prop_assert!(is_same, "{} is {}", operand.text, printed);
        }
    }
}
