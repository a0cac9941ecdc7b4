//! Codes with wildcards.

use std::{
    fmt::{self, Display, Formatter},
    str::Chars,
};

use super::value::InvalidCode;
use crate::model::Code;

/// A code with wildcards: `*` stands for any run of characters, `?` for exactly one.
///
/// Its text is in the form of stored codes (NFKC, upper-case) and asks for no more characters than
/// a code can have. Patterns that mean the same by their wildcards are equal: `?**` is `?*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// Reads a word that has wildcards.
    pub(super) fn read(word: &str) -> Result<Self, InvalidCode> {
        let is_allowed = |character| matches!(character, '*' | '?') || Code::allows(character);
        if let Some(character) = word.chars().find(|it| !is_allowed(*it)) {
            return Err(InvalidCode::Character(character));
        }
        let text = tidy(&Code::normalize(word), WILDCARDS);
        let length = text.chars().filter(|character| *character != '*').count();
        match length > Code::MAX_LENGTH {
            true => Err(InvalidCode::PatternTooLong(length)),
            false => Ok(Self { text }),
        }
    }

    /// Whether a code, in its stored form, matches.
    pub(crate) fn matches(&self, code: &str) -> bool {
        matches(&self.text, code, WILDCARDS)
    }

    /// The same pattern for SQL's `LIKE`. Nothing needs escaping: codes are letters and digits.
    #[cfg(test)]
    pub(crate) fn like(&self) -> String {
        self.text.replace('*', "%").replace('?', "_")
    }

    /// What every matching code begins with; empty if the pattern begins with a wildcard.
    #[cfg(test)]
    pub(crate) fn prefix(&self) -> &str {
        self.text.split(['*', '?']).next().unwrap_or_default()
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The characters that stand for others in a pattern.
#[derive(Clone, Copy)]
pub(super) struct Wildcards {
    /// Any run of characters.
    pub(super) run: char,
    /// Exactly one.
    pub(super) one: char,
}

const WILDCARDS: Wildcards = Wildcards { run: '*', one: '?' };

/// Whether a text matches a pattern.
///
/// The time is linear in the text for short patterns: only the last run ever has to take more, and what
/// stands between two of them is short.
pub(super) fn matches(pattern: &str, text: &str, wildcards: Wildcards) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut last_run: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let mut ahead = text.clone();
        match (pattern.next(), ahead.next()) {
            (Some(wanted), _) if wanted == wildcards.run => {
                last_run = Some((pattern.clone(), text.clone()));
            }
            (Some(wanted), Some(found)) if wanted == wildcards.one || wanted == found => {
                text = ahead;
            }
            (None, None) => return true,
            _ => {
                let Some((after, untaken)) = &mut last_run else {
                    return false;
                };
                if untaken.next().is_none() {
                    return false;
                }
                (pattern, text) = (after.clone(), untaken.clone());
            }
        }
    }
}

/// Writes each run of wildcards as those for one character and then at most one for any run.
pub(super) fn tidy(text: &str, wildcards: Wildcards) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut is_run = false;
    for character in text.chars() {
        if character == wildcards.run {
            is_run = true;
            continue;
        }
        if is_run && character != wildcards.one {
            tidied.push(wildcards.run);
            is_run = false;
        }
        tidied.push(character);
    }
    if is_run {
        tidied.push(wildcards.run);
    }
    tidied
}
