//! Codes and ids that are made of names.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::model::{AttributeKey, Code, ContactId, Name};

/// The longest id that is made of a name, in characters.
const MAX_ID: usize = 64;

/// The digits that distinguish names of which the same id or description would be made.
const SUFFIX: usize = 8;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 100;

/// The digits of a digest that is an id.
const DIGEST: usize = 24;

/// A name as the description of a group. If it is too long it ends with a digest, so that the groups
/// of two names have two descriptions, by which they are found again.
pub(super) fn description(name: &str) -> String {
    let printable = |it: char| if it.is_control() { ' ' } else { it };
    let text: String = name.chars().map(printable).collect();
    let text = text.trim();
    if text.chars().count() <= MAX_DESCRIPTION {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX_DESCRIPTION - SUFFIX - 2).collect();
    format!("{start}… {}", digest(text, SUFFIX))
}

/// The code of a name: its letters and digits, in upper case, as many as a code may have. Latin
/// letters lose their accents, so that the code can be typed.
pub(super) fn code(name: &str) -> String {
    let letters: String = latin(name).chars().filter(|it| Code::allows(*it)).collect();
    let letters: String = Code::normalize(&letters)
        .chars()
        .filter(|it| Code::allows(*it))
        .collect();
    let start = letters.trim_start_matches(is_combining_mark);
    match start.is_empty() {
        true => "GROUP".to_owned(),
        false => start.chars().take(Code::MAX_LENGTH).collect(),
    }
}

/// A code with a number at its end, in place of what would make it too long.
pub(super) fn numbered(code: &str, number: usize) -> String {
    let number = number.to_string();
    let start = code.chars().take(Code::MAX_LENGTH - number.len());
    start.collect::<String>() + &number
}

/// The id of something that has only a name. It depends on nothing but the name, whatever its case
/// and spaces. If something of the name is lost in the id, it ends with a digest.
pub(super) fn id(prefix: &str, name: &str) -> String {
    let name = folded(name);
    let words: Vec<_> = name.split(' ').collect();
    let is_plain = |word: &&str| word.bytes().all(|it| it.is_ascii_alphanumeric());
    let room = MAX_ID.saturating_sub(prefix.len());
    let plain = words.join("-");
    if words.iter().all(is_plain) && plain.len() <= room {
        return format!("{prefix}{plain}");
    }
    let latin = latin(&name).to_lowercase();
    let parts = latin.split(|it: char| !it.is_ascii_alphanumeric());
    let parts: Vec<_> = parts.filter(|it| !it.is_empty()).collect();
    let mut slug = parts.join("-");
    slug.truncate(room.saturating_sub(SUFFIX + 1));
    let digest = digest(&name, SUFFIX);
    match slug.trim_end_matches('-') {
        "" => format!("{prefix}{digest}"),
        slug => format!("{prefix}{slug}-{digest}"),
    }
}

/// The id of a value that is not to be seen in it, such as an e-mail address.
pub(super) fn digest_id(prefix: &str, value: &str) -> String {
    format!("{prefix}{}", digest(&folded(value), DIGEST))
}

/// Whether a text can be an id.
pub(super) fn check_id(id: &str) -> Result<(), String> {
    let parsed = id.parse::<ContactId>();
    parsed.map(drop).map_err(|invalid| invalid.to_string())
}

/// Whether a text can be the name of a contact.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let parsed = name.parse::<Name>();
    parsed.map(drop).map_err(|invalid| invalid.to_string())
}

/// Whether a text can be the key of an attribute.
pub(super) fn check_attribute_key(key: &str) -> Result<(), String> {
    let parsed = key.parse::<AttributeKey>();
    parsed.map(drop).map_err(|invalid| invalid.to_string())
}

/// A name with single spaces in place of line breaks and other white space.
pub(super) fn spaced(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name as it is compared: in lower case, with single spaces.
pub(super) fn folded(name: &str) -> String {
    spaced(name).to_lowercase()
}

fn digest(text: &str, digits: usize) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex.truncate(digits);
    hex
}

/// A text with Latin letters in place of such with accents, as people write them who lack a key.
fn latin(text: &str) -> String {
    let mut latin = String::new();
    for character in text.nfc() {
        match character {
            'ä' | 'æ' => latin.push_str("ae"),
            'Ä' | 'Æ' => latin.push_str("AE"),
            'ö' | 'ø' | 'œ' => latin.push_str("oe"),
            'Ö' | 'Ø' | 'Œ' => latin.push_str("OE"),
            'ü' => latin.push_str("ue"),
            'Ü' => latin.push_str("UE"),
            'ß' => latin.push_str("ss"),
            'ẞ' => latin.push_str("SS"),
            'ł' => latin.push('l'),
            'Ł' => latin.push('L'),
            'đ' => latin.push('d'),
            'Đ' => latin.push('D'),
            _ => latin.push(without_accent(character)),
        }
    }
    latin
}

fn without_accent(character: char) -> char {
    let base = std::iter::once(character).nfd().next();
    base.filter(char::is_ascii_alphabetic).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_letters_and_digits_of_the_name() {
        for (name, expected) in [
            ("Newsletter", "NEWSLETTER"),
            ("VIP Kunden", "VIPKUNDEN"),
            ("Grüße & Küsse", "GRUESSEKUES"),
            ("Été à la mer", "ETEALAMER"),
            ("Ærø, Łódź", "AEROELODZ"),
            ("X-CARD", "XCARD"),
            ("Spring 2026 — customers", "SPRING2026C"),
            ("移転のお知らせ", "移転のお知らせ"),
            ("новости й", "НОВОСТИЙ"),
            ("🎁🎉", "GROUP"),
            ("ﬁnal ½", "FINAL"),
            ("\u{301}a", "A"),
        ] {
            assert_eq!(code(name), expected, "{name}");
            assert!(
                code(name)
                    .parse::<Code>()
                    .is_ok_and(|it| it.as_str() == expected),
                "{name}"
            );
        }
        assert_eq!(numbered("NEWSLETTERS", 2), "NEWSLETTER2");
        assert_eq!(numbered("VIP", 12), "VIP12");
    }

    #[test]
    fn a_description_differs_for_other_names_however_long() {
        assert_eq!(description(" Two\nlines "), "Two lines");
        let long = |end: &str| description(&("é".repeat(100) + end));
        assert_eq!(long("A").chars().count(), MAX_DESCRIPTION);
        assert_ne!(long("A"), long("B"));
        assert_eq!(description(&long("A")), long("A"));
    }

    #[test]
    fn an_id_depends_on_the_name_alone_and_differs_for_other_names() {
        assert_eq!(
            id("company:", " Bluebay  GAMING "),
            "company:bluebay-gaming"
        );
        let long = "x".repeat(70);
        let names = [
            "Müller & Co",
            "Müller + Co",
            "Mueller Co",
            "東京",
            "a-b",
            "a b",
            &long,
        ];
        let ids: std::collections::HashSet<_> = names.map(|it| id("company:", it)).into();
        assert_eq!(ids.len(), names.len());
        assert!(ids.iter().all(|it| check_id(it).is_ok()), "{ids:?}");
        assert!(id("company:", names[0]).starts_with("company:mueller-co-"));
        let address = digest_id("email:", "Ada@Example.com ");
        assert_eq!(address, digest_id("email:", "ada@example.com"));
        assert!(
            check_id(&address).is_ok() && !address.contains("ada"),
            "{address}"
        );
    }
}
