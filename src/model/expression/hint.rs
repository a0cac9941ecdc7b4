//! What the author of a wrong expression probably meant.

use super::lexer::{Token, TokenKind};

/// A hint for a token that cannot stand where it does, given the token before it.
pub(super) fn for_unexpected(
    previous: Option<&Token<'_>>,
    found: &Token<'_>,
) -> Option<&'static str> {
    foreign_operator(found.text)
        .or_else(|| previous.and_then(|previous| incomplete_condition(previous, found)))
        .or_else(|| reserved_word(previous, found))
        .or_else(|| symbol(found.text))
}

/// Operators of other languages.
fn foreign_operator(found: &str) -> Option<&'static str> {
    match found {
        "&&" => Some("write & or AND"),
        "||" => Some("write | or OR"),
        "==" => Some("write a single ="),
        "<>" => Some("write != for what contacts are, and NOT in front of groups"),
        _ => None,
    }
}

/// `kind PERSON`, `company "C100"`, `email "a@b"`, `segment = "SPRING"`.
fn incomplete_condition(previous: &Token<'_>, found: &Token<'_>) -> Option<&'static str> {
    use TokenKind::{Equals, NotEquals, Open, Quoted, Stray, Word};
    let is_value = matches!(
        found.kind,
        Equals | NotEquals | Open | Quoted | Stray | Word
    );
    if previous.kind != Word || !is_value {
        return None;
    }
    match previous.text.to_ascii_lowercase().as_str() {
        "kind" => Some("a kind is written kind = PERSON"),
        "company" => Some("a company is written company = \"C100\""),
        "email" => Some("an e-mail address is written email = \"ada@example.com\""),
        "segment" => Some("a segment is written segment(\"SPRING\")"),
        "has" => Some("an attribute is written has territory"),
        _ => None,
    }
}

/// Operators in the place of operands, and `NOT` in the place of `AND NOT`.
fn reserved_word(previous: Option<&Token<'_>>, found: &Token<'_>) -> Option<&'static str> {
    match found.text.to_ascii_uppercase().as_str() {
        "AND" => Some("a group of that code is written \"AND\""),
        "OR" => Some("a group of that code is written \"OR\""),
        "NOT" | "!" => Some("write AND NOT or OR NOT"),
        "" | ")" if previous?.text.eq_ignore_ascii_case("NOT") => {
            Some("a group of that code is written \"NOT\"")
        }
        _ => None,
    }
}

/// Characters that people try.
fn symbol(found: &str) -> Option<&'static str> {
    match found {
        "-" | "–" | "−" => {
            Some("to leave a group out write NOT; codes have letters and digits only")
        }
        "," | ";" | "+" => Some("write OR or AND between operands"),
        "'" | "`" | "“" | "”" | "„" | "«" | "»" | "‘" | "’" => {
            Some("quotes are written \"")
        }
        "@" => Some("an e-mail address is written email = \"ada@example.com\""),
        "%" => Some("the wildcards are * and ?"),
        "=" | "!=" => Some("only kind, company, email and attributes are compared with = and !="),
        _ => None,
    }
}
