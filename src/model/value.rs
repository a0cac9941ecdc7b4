//! Values with rules. Their only constructor, `FromStr`, trims, normalises and checks.
//!
//! The database repeats the rules as named constraints, so values read from it are not checked
//! again.

use std::{fmt, iter, str::FromStr};

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::Text,
};
use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use uuid::Uuid;

use super::search;

/// Why a text is not a valid value. Displays as the end of a sentence that starts with the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// The text is empty.
    #[error("must not be blank")]
    Blank,
    /// The text has too many characters.
    #[error("must have at most {max} characters; it has {length}")]
    TooLong {
        /// The number of characters.
        length: usize,
        /// The maximum.
        max: usize,
    },
    /// A character is not allowed.
    #[error("may hold {allowed} only; it holds {found:?}")]
    Character {
        /// The character.
        found: char,
        /// The allowed characters, in words.
        allowed: &'static str,
    },
    /// The text has the wrong form.
    #[error("must be {0}")]
    Shape(&'static str),
}

/// Defines a value that is stored as text.
macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash,
            AsExpression, FromSqlRow, Serialize, Deserialize,
        )]
        #[diesel(sql_type = Text)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The value as text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let parse: fn(&str) -> Result<String, InvalidValue> = $parse;
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl ToSql<Text, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                <str as ToSql<Text, Pg>>::to_sql(&self.0, out)
            }
        }

        impl FromSql<Text, Pg> for $name {
            fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
                <String as FromSql<Text, Pg>>::from_sql(bytes).map(Self)
            }
        }
    };
}

text_value! {
    /// A mailing group's code: 1 to 11 letters and digits of any script, trimmed, NFKC,
    /// upper case. The length is counted in characters after that.
    Code, parse_code
}

text_value! {
    /// A contact's id, chosen by the caller: 1 to 64 of `A-Z a-z 0-9 . _ : -`, case-sensitive.
    ContactId, |text| parse_token(text, 64)
}

text_value! {
    /// A segment's id, by the rules of a contact's.
    SegmentId, |text| parse_token(text, 64)
}

text_value! {
    /// The code of saved criteria, by the rules of a contact's id.
    CriteriaCode, |text| parse_token(text, 64)
}

text_value! {
    /// The id of a request, chosen by the caller, by the rules of a contact's id: safe in logs and
    /// headers. It identifies a call in logs and in the history, or makes a request idempotent.
    RequestId, |text| parse_token(text, 64)
}

text_value! {
    /// A tenant's name: 1 to 63 of `a-z 0-9 -`.
    TenantName, parse_tenant
}

text_value! {
    /// A mailing group's description: at most 100 characters.
    Description, |text| at_most(text, 100)
}

text_value! {
    /// A contact's name: 1 to 100 characters, trimmed.
    Name, |text| not_blank(text.trim()).and_then(|text| at_most(text, 100))
}

text_value! {
    /// An e-mail address, or nothing: at most 254 characters (RFC 5321), one `@` with something
    /// on both sides, no blanks. Whether it can be delivered to is not checked.
    #[derive(Default)]
    Email, parse_email
}

mod attribute;

pub(crate) use attribute::AttributesChange;
pub use attribute::{AttributeKey, AttributeValue, Attributes};

impl Code {
    /// Maximum length of a code, in characters.
    pub(crate) const MAX_LENGTH: usize = 11;

    /// The normal form of a code: trimmed, NFKC, upper case. Does not check the text.
    pub(crate) fn normalize(text: &str) -> String {
        // Upper-casing can break NFKC, so the text is composed again.
        let text: String = text.trim().nfkc().collect();
        text.to_uppercase().nfkc().collect()
    }

    /// Whether a code may be written with this character: its NFKC form is letters of any script, with
    /// their marks, or decimal digits. Emoji that show letters are symbols; invisible characters are
    /// not allowed.
    pub(crate) fn allows(character: char) -> bool {
        iter::once(character).nfkc().all(is_letter_or_digit)
    }
}

impl RequestId {
    /// A new random id (UUID, version 4).
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }
}

impl Email {
    /// The address as it is looked up: `A` to `Z` in lower case, as the index has it.
    pub(crate) fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl Name {
    /// The name as it is searched.
    pub(crate) fn folded(&self) -> String {
        search::fold(&self.0)
    }
}

fn is_letter_or_digit(character: char) -> bool {
    use GeneralCategory::*;
    let letter_or_digit = matches!(
        character.general_category(),
        UppercaseLetter
            | LowercaseLetter
            | TitlecaseLetter
            | ModifierLetter
            | OtherLetter
            | NonspacingMark
            | SpacingMark
            | DecimalNumber
    );
    letter_or_digit && !is_invisible(character)
}

/// Letters and marks that are not displayed (Unicode's Default_Ignorable_Code_Point): codes that
/// differ only in them would look the same.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{34F}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}'
    )
}

fn parse_code(text: &str) -> Result<String, InvalidValue> {
    let text = not_blank(text.trim())?;
    let allowed = "letters and digits";
    only(text, Code::allows, allowed)?;
    let code = Code::normalize(text);
    // A mark needs a letter before it.
    if let Some(found) = code
        .chars()
        .next()
        .filter(|first| is_combining_mark(*first))
    {
        return Err(InvalidValue::Character { found, allowed });
    }
    at_most(&code, Code::MAX_LENGTH)
}

fn parse_token(text: &str, max: usize) -> Result<String, InvalidValue> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    not_blank(text)?;
    only(text, allowed, "A-Z a-z 0-9 . _ : -")?;
    at_most(text, max)
}

fn parse_tenant(text: &str) -> Result<String, InvalidValue> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    not_blank(text)?;
    only(text, allowed, "a-z 0-9 -")?;
    at_most(text, 63)
}

fn parse_email(text: &str) -> Result<String, InvalidValue> {
    let text = text.trim();
    let well_formed = match text.split_once('@') {
        None => text.is_empty(),
        Some((local, domain)) => !local.is_empty() && !domain.is_empty() && !domain.contains('@'),
    };
    if !well_formed || text.contains(char::is_whitespace) {
        return Err(InvalidValue::Shape(
            "an e-mail address such as ada@example.com",
        ));
    }
    at_most(text, 254)
}

fn not_blank(text: &str) -> Result<&str, InvalidValue> {
    if text.is_empty() {
        Err(InvalidValue::Blank)
    } else {
        Ok(text)
    }
}

fn only(text: &str, test: fn(char) -> bool, allowed: &'static str) -> Result<(), InvalidValue> {
    match text.chars().find(|c| !test(*c)) {
        Some(found) => Err(InvalidValue::Character { found, allowed }),
        None => Ok(()),
    }
}

fn at_most(text: &str, max: usize) -> Result<String, InvalidValue> {
    only(text, |c| !c.is_control(), "printable characters")?;
    let length = text.chars().count();
    if length > max {
        return Err(InvalidValue::TooLong { length, max });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
