//! How large an expression may be.

use super::{
    super::{ErrorKind, Expression, MAX_BYTES, MAX_DEPTH, MAX_OPERANDS, Node},
    read,
};

fn refuse(text: &str) -> String {
    text.parse::<Expression>().unwrap_err().to_string()
}

#[test]
fn four_kibibytes_are_enough() {
    let fits = format!("é{}", " ".repeat(MAX_BYTES - 2));
    assert_eq!(read(&fits).to_string(), "É");
    let message = "at position 4096: expected the expression to end within 4096 bytes of UTF-8, \
                   found \"A\"; it has 4097 bytes";
    assert_eq!(refuse(&(fits + "A")), message);
    let straddling = " ".repeat(MAX_BYTES - 1) + "é";
    assert!(refuse(&straddling).starts_with("at position 4096: "));
}

#[test]
fn sixty_four_levels_are_enough() {
    let nested = |levels: usize| format!("{}A{}", "(".repeat(levels), ")".repeat(levels));
    let negated = |levels: usize| format!("{}A", "NOT ".repeat(levels));
    assert_eq!(read(&nested(MAX_DEPTH)).to_string(), "A");
    assert_eq!(read(&negated(MAX_DEPTH)).to_string(), negated(MAX_DEPTH));
    let expected = "expected at most 64 levels of parentheses and NOT, found";
    assert_eq!(
        refuse(&nested(MAX_DEPTH + 1)),
        format!("at position 65: {expected} \"(\"")
    );
    assert_eq!(
        refuse(&negated(1000)),
        format!("at position 257: {expected} \"NOT\"")
    );
    // It is a NOT too.
    let unequal = |levels: usize| format!("{}a != b", "!".repeat(levels));
    let negated = format!("{}a = \"b\"", "NOT ".repeat(MAX_DEPTH));
    assert_eq!(read(&unequal(MAX_DEPTH - 1)).to_string(), negated);
    assert!(refuse(&unequal(MAX_DEPTH)).contains(expected));
    assert_eq!(
        refuse(&"!(".repeat(40)),
        format!("at position 65: {expected} \"!\"")
    );
}

#[test]
fn levels_side_by_side_do_not_add_up() {
    let side_by_side = vec!["!(!(A))"; MAX_OPERANDS].join("&");
    assert_eq!(read(&side_by_side).operands().count(), MAX_OPERANDS);
}

#[test]
fn two_hundred_and_fifty_six_operands_are_enough() {
    let chain = |operands: usize| vec!["A"; operands].join(" OR ");
    let Node::Any(parts) = read(&chain(MAX_OPERANDS)).root().clone() else {
        panic!("not a disjunction");
    };
    assert_eq!(parts.len(), MAX_OPERANDS);
    let message = "at position 1281: expected at most 256 operands, found \"A\"";
    assert_eq!(refuse(&chain(MAX_OPERANDS + 1)), message);
    let values = |values: usize| format!("a IN ({})", vec!["b"; values].join(","));
    assert_eq!(read(&values(MAX_OPERANDS)).operands().count(), 1);
    assert!(refuse(&values(MAX_OPERANDS + 1)).contains("at most 256 operands"));
}

#[test]
fn the_largest_texts_neither_overflow_nor_linger() {
    for unit in [
        "(", "!", "NOT ", "a", "*", "?", "\"", "\"\"", "e\u{301}", "\u{301}", "a*", "A|", "=", "-",
    ] {
        let text = unit.repeat(MAX_BYTES / unit.len());
        let _ = text.parse::<Expression>();
    }
}

#[test]
fn the_deepest_trees_can_be_printed_compared_and_dropped() {
    let deep = format!("{}A{}", "A OR B AND NOT (".repeat(32), ")".repeat(32));
    let expression = read(&deep);
    assert_eq!(expression.to_string(), deep.replace("(A)", "A"));
    assert_eq!(expression, expression.clone());
    assert_eq!(expression.operands().count(), 65);
}

#[test]
fn an_error_names_the_limit_that_is_passed() {
    let kind = |text: &str| text.parse::<Expression>().unwrap_err().kind();
    assert_eq!(kind(&"A".repeat(MAX_BYTES + 1)), ErrorKind::TooLong);
    assert_eq!(kind(&"(".repeat(MAX_BYTES)), ErrorKind::TooDeep);
    assert_eq!(
        kind(&"A|".repeat(MAX_OPERANDS + 1)),
        ErrorKind::TooManyOperands
    );
}
