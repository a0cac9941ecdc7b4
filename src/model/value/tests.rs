//! The rules of values.

#![expect(clippy::unwrap_used, reason = "a test may")]

use super::*;

fn code(text: &str) -> Result<String, InvalidValue> {
    text.parse::<Code>().map(String::from)
}

#[test]
fn codes_are_trimmed_composed_and_upper_cased() {
    for (text, stored) in [
        (" move ", "MOVE"),
        ("2017", "2017"),
        ("cadeau", "CADEAU"),
        ("E\u{301}te\u{301}", "ÉTÉ"),
        ("ééééééééééé", "ÉÉÉÉÉÉÉÉÉÉÉ"),
        ("e\u{301}".repeat(11).as_str(), "ÉÉÉÉÉÉÉÉÉÉÉ"),
        ("移転", "移転"),
        ("straße", "STRASSE"),
        ("हिन्दी", "हिन्दी"),
        ("ย้ายบ้าน", "ย้ายบ้าน"),
        ("٢٠١٧", "٢٠١٧"),
        ("ＭＯＶＥ２", "MOVE2"),
        ("ﾌﾞﾗﾝﾄﾞ", "ブランド"),
        ("oﬃce", "OFFICE"),
        ("ⓜove²", "MOVE2"),
        ("\u{3000}move\u{a0}", "MOVE"),
        ("ı", "I"),
        ("i\u{307}", "İ"),
    ] {
        assert_eq!(code(text).unwrap(), stored);
    }
}

#[test]
fn look_alikes_of_different_scripts_are_different_codes() {
    let [latin, cyrillic, greek] = ["AOP", "АОР", "ΑΟΡ"].map(|text| code(text).unwrap());
    assert!(latin != cyrillic && latin != greek && cyrillic != greek);
}

#[test]
fn codes_that_break_a_rule_say_which() {
    assert_eq!(code("   "), Err(InvalidValue::Blank));
    assert_eq!(
        code("DÉMÉNAGEMENT"),
        Err(InvalidValue::TooLong {
            length: 12,
            max: 11
        })
    );
    for (text, found) in [
        ("A B", ' '),
        ("X-CARD", '-'),
        ("🎁", '🎁'),
        ("🅰", '🅰'),
        ("½", '½'),
        ("1\u{FE0F}\u{20E3}", '\u{FE0F}'),
        ("\u{3164}", '\u{3164}'),
        ("PARAŀLEL", 'ŀ'),
        ("A´", '´'),
        ("A\u{200B}", '\u{200B}'),
        ("\u{301}E", '\u{301}'),
        ("A\0", '\0'),
    ] {
        let allowed = "letters and digits";
        assert_eq!(code(text), Err(InvalidValue::Character { found, allowed }));
    }
}

#[test]
fn other_values_keep_their_rules() {
    assert!("a".repeat(64).parse::<ContactId>().is_ok());
    assert!("a".repeat(65).parse::<ContactId>().is_err());
    assert!("a b".parse::<ContactId>().is_err());
    assert!("".parse::<ContactId>().is_err());
    assert!("acme-1".parse::<TenantName>().is_ok());
    assert!("Acme".parse::<TenantName>().is_err());
    assert!("x".repeat(100).parse::<Description>().is_ok());
    assert!("x".repeat(101).parse::<Description>().is_err());
    assert_eq!(" Ada ".parse::<Name>().unwrap().as_str(), "Ada");
    assert!(" ".parse::<Name>().is_err());
    for good in ["", "ada@example.com"] {
        assert!(good.parse::<Email>().is_ok());
    }
    for bad in ["ada", "@x", "x@", "a@b@c", "a b@c"] {
        assert!(bad.parse::<Email>().is_err(), "{bad}");
    }
}
