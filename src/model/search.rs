//! Texts as they are searched.
//!
//! The migration `search` folds in SQL what was stored before, and the searched form of codes.

use unicode_normalization::UnicodeNormalization;

use super::Code;

/// Folds a name for searching: ignores case, width and accents. Letters that have no accent by
/// Unicode's decomposition, such as `ø` and `ł`, stay what they are, and so do the vowel signs and
/// voicing marks of other scripts.
pub(crate) fn fold(text: &str) -> String {
    // Unicode's full case folding, but for `ı`, which is an `i` here: `ẞ` has no upper case, and `ß`,
    // its lower case, has `SS`.
    let cased = text
        .nfkd()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase);
    without_accents(cased)
}

/// Folds a code, or the beginning of one, for searching: as stored, but without accents.
pub(crate) fn fold_code(text: &str) -> String {
    without_accents(Code::normalize(text).nfkd())
}

fn without_accents(decomposed: impl Iterator<Item = char>) -> String {
    decomposed.filter(|it| !is_accent(*it)).nfc().collect()
}

/// Unicode's blocks of combining diacritical marks.
fn is_accent(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36F}'
            | '\u{1AB0}'..='\u{1AFF}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20FF}'
            | '\u{FE20}'..='\u{FE2F}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_width_and_accents_do_not_matter() {
        for (one, other) in [
            ("ÉLAN", "e\u{301}lan"),
            ("ÉLAN", "elan"),
            ("José", "JOSE"),
            ("İstanbul", "istanbul"),
            ("ISPARTA", "ısparta"),
            ("ΟΔΟΣ", "οδος"),
            ("Ὀδυσσεύς", "οδυσσευσ"),
            ("Straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("ǅ", "ǆ"),
            ("ＡＣＭＥ　Ｌｔｄ", "acme ltd"),
            ("ｶﾞﾗｽ", "ガラス"),
            ("Йод", "ИОД"),
            ("Việt Nam", "viet nam"),
            ("oﬃce™", "OFFICETM"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert!(fold("ΟΔΟΣΑ").contains(&fold("οδος")));
    }

    #[test]
    fn what_is_no_accent_matters() {
        for (one, other) in [
            ("Łódź", "Lodz"),
            ("Sør", "Sor"),
            ("か", "が"),
            ("कि", "क"),
            ("АВС", "ABC"),
        ] {
            assert_ne!(fold(one), fold(other));
        }
    }

    #[test]
    fn folded_texts_are_folded() {
        for character in '\0'..=char::MAX {
            let once = fold(&format!("a{character}"));
            assert_eq!(fold(&once), once, "for {character:?}");
        }
    }

    #[test]
    fn codes_are_found_without_their_accents() {
        assert_eq!(fold_code("été"), "ETE");
        assert_eq!(fold_code("ｉ\u{307}st"), "IST");
        assert_eq!(fold_code("ブランド"), "ブランド");
    }
}
