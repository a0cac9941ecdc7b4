//! What can be written, and what it means.

use super::{
    super::{Node, Term},
    read,
};
use crate::model::ContactKind as Kind;

/// Each text with its canonical form.
#[track_caller]
fn assert_canonical(cases: &[(&str, &str)]) {
    for (text, canonical) in cases {
        assert_eq!(read(text).to_string(), *canonical, "for {text}");
    }
}

fn term(text: &str) -> Term {
    match read(text).root() {
        Node::Operand(operand) => operand.term.clone(),
        other => panic!("{text} is {other:?}"),
    }
}

#[test]
fn operators_have_words_and_symbols() {
    assert_canonical(&[
        (
            "(MOVE OR GIFT) AND NOT OPTOUT",
            "(MOVE OR GIFT) AND NOT OPTOUT",
        ),
        ("(move | gift) & !optout", "(MOVE OR GIFT) AND NOT OPTOUT"),
        (
            "(Move or Gift)and not(OptOut)",
            "(MOVE OR GIFT) AND NOT OPTOUT",
        ),
        ("a&b|c", "A AND B OR C"),
        ("\t a\u{a0}\n&\u{3000}b ", "A AND B"),
    ]);
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    assert_canonical(&[
        ("A OR (B AND (NOT C))", "A OR B AND NOT C"),
        ("(A OR B) AND C", "(A OR B) AND C"),
        ("A AND B OR C AND D", "A AND B OR C AND D"),
        ("A AND (B OR C) AND D", "A AND (B OR C) AND D"),
        ("NOT (A AND B)", "NOT (A AND B)"),
        ("NOT A AND B", "NOT A AND B"),
        ("(NOT A) OR B", "NOT A OR B"),
        ("NOT NOT A", "NOT NOT A"),
        ("!!(!A)", "NOT NOT NOT A"),
    ]);
}

#[test]
fn needless_parentheses_are_dropped_and_chains_are_flat() {
    assert_canonical(&[("((A))", "A"), ("(A OR B) OR (C OR D)", "A OR B OR C OR D")]);
    let Node::All(parts) = read("A AND (B AND (C AND D)) AND E").root().clone() else {
        panic!("not a conjunction");
    };
    assert_eq!(parts.len(), 5);
    assert!(parts.iter().all(|part| matches!(part, Node::Operand(_))));
}

#[test]
fn codes_are_normalised() {
    assert_canonical(&[
        ("move", "MOVE"),
        ("2017", "2017"),
        ("e\u{301}te\u{301}", "ÉTÉ"),
        ("été", "ÉTÉ"),
        ("straße", "STRASSE"),
        ("подарок", "ПОДАРОК"),
        ("贈り物", "贈り物"),
        ("\" move \"", "MOVE"),
        ("ééééééééééé", "ÉÉÉÉÉÉÉÉÉÉÉ"),
    ]);
}

#[test]
fn quotes_make_a_code_of_a_reserved_word() {
    assert_canonical(&[
        (
            "\"AND\" and \"not\" or \"Or\"",
            "\"AND\" AND \"NOT\" OR \"OR\"",
        ),
        ("\"MOVE\"", "MOVE"),
    ]);
    assert_eq!(term("\"and\""), Term::Code("AND".parse().unwrap()));
}

#[test]
fn words_of_conditions_are_codes_on_their_own() {
    assert_canonical(&[
        ("kind", "KIND"),
        ("KIND AND company OR segment", "KIND AND COMPANY OR SEGMENT"),
        ("(kind)", "KIND"),
        ("kind = person AND kind", "kind = PERSON AND KIND"),
        ("person", "PERSON"),
    ]);
}

#[test]
fn wildcards_make_patterns_and_a_lone_star_is_everyone() {
    assert_canonical(&[
        ("x*", "X*"),
        ("mov?", "MOV?"),
        ("*", "*"),
        ("** & ?**?", "* AND ??*"),
    ]);
    assert_eq!(term("*"), Term::Everyone);
    assert_eq!(term("***"), Term::Everyone);
    assert!(matches!(term("*e\u{301}"), Term::Pattern(pattern) if pattern.to_string() == "*É"));
}

#[test]
fn conditions_ask_for_kinds_companies_addresses_and_segments() {
    assert_eq!(term("kind = PERSON"), Term::Kind(Kind::Person));
    assert_eq!(term("Kind=company"), Term::Kind(Kind::Company));
    assert_eq!(term("KIND = \"Person\""), Term::Kind(Kind::Person));
    assert_eq!(
        term("company = \"C100\""),
        Term::Company("C100".parse().unwrap())
    );
    assert_eq!(
        term("COMPANY=c-1.2_3:x"),
        Term::Company("c-1.2_3:x".parse().unwrap())
    );
    assert_eq!(
        term("company = \"AND\""),
        Term::Company("AND".parse().unwrap())
    );
    assert_eq!(
        term("segment(\"Spring\")"),
        Term::Segment("Spring".parse().unwrap())
    );
    assert_eq!(
        term("SEGMENT ( spring-2 )"),
        Term::Segment("spring-2".parse().unwrap())
    );
    assert_eq!(
        term("Email = \"Ada@x.example\""),
        Term::Email("Ada@x.example".parse().unwrap())
    );
    assert_eq!(term("email"), Term::Code("EMAIL".parse().unwrap()));
    assert_canonical(&[
        ("email=\"\"\"a\"\"@B\"", "email = \"\"\"a\"\"@B\""),
        ("(company=C1)", "company = \"C1\""),
        (
            "!company=C1&segment(S)",
            "NOT company = \"C1\" AND segment(\"S\")",
        ),
        ("kind=person|*", "kind = PERSON OR *"),
    ]);
}

#[test]
fn conditions_ask_for_attributes() {
    assert_canonical(&[
        ("territory=CH", "territory = \"CH\""),
        ("Territory = \"ch\"", "territory = \"ch\""),
        ("city = \" Gene\u{300}ve \"", "city = \"Gen\u{e8}ve\""),
        ("class != A", "NOT class = \"A\""),
        ("!class!=A&B", "NOT NOT class = \"A\" AND B"),
        (
            "kind != person OR company!=C1",
            "NOT kind = PERSON OR NOT company = \"C1\"",
        ),
        ("email != \"a@b\"", "NOT email = \"a@b\""),
        (
            "city = Gen* | city = \"New Y?r**\"",
            "city = \"Gen*\" OR city = \"New Y?r*\"",
        ),
        ("sign = \"\\*\\?\\\\*\"", "sign = \"\\*\\?\\\\*\""),
        ("path = \"C:\\x\"", "path = \"C:\\\\x\""),
        ("quote = \"a\"\"b\"", "quote = \"a\"\"b\""),
        (
            "language in (fr,\"de\" , it*)",
            "language IN (\"fr\", \"de\", \"it*\")",
        ),
        ("language IN (fr)", "language = \"fr\""),
        ("HAS Language", "has language"),
        ("language = *", "has language"),
        ("sales_person = a.b:c-1_2", "sales_person = \"a.b:c-1_2\""),
        ("move = x AND MOVE", "move = \"x\" AND MOVE"),
    ]);
    let (exact, like) = (term("class = A"), term("class = \"A*\""));
    let matches = |term: &Term, value: &str| match term {
        Term::Attribute(test) => test.values.iter().any(|it| it.matches(value)),
        other => panic!("{other:?}"),
    };
    assert!(matches(&exact, "A") && !matches(&exact, "a") && !matches(&exact, "AB"));
    assert!(matches(&like, "A") && matches(&like, "A b") && !matches(&like, "BA"));
    assert!(matches(&term("sign = \"\\*\""), "*") && !matches(&term("sign = \"\\*\""), "x"));
}

#[test]
fn words_of_attributes_are_codes_on_their_own() {
    assert_canonical(&[
        ("has", "HAS"),
        ("has AND in OR class", "HAS AND IN OR CLASS"),
        ("NOT has has_it", "NOT has has_it"),
    ]);
}

#[test]
fn operands_know_their_place_in_characters_and_their_text() {
    let expression = read("(été OR \"and\")\n& NOT Company =  C1 | segment( \"S\" ) & x*");
    let places: Vec<_> = expression
        .operands()
        .map(|operand| (operand.position, operand.text.as_str()))
        .collect();
    let expected = [
        (2, "été"),
        (9, "\"and\""),
        (22, "Company =  C1"),
        (38, "segment( \"S\" )"),
        (55, "x*"),
    ];
    assert_eq!(places, expected);
}

#[test]
fn the_text_is_kept_as_written() {
    assert_eq!(read(" move|gift ").text(), " move|gift ");
}
