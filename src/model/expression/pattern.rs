//! Codes with wildcards.

use std::fmt::{self, Display, Formatter};

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
        let text = tidy(&Code::normalize(word));
        let length = text.chars().filter(|character| *character != '*').count();
        match length > Code::MAX_LENGTH {
            true => Err(InvalidCode::PatternTooLong(length)),
            false => Ok(Self { text }),
        }
    }

    /// Whether a code, in its stored form, matches.
    ///
    /// The time is linear in the code: only the last `*` ever has to take more, and what stands
    /// between two of them is short.
    pub(crate) fn matches(&self, code: &str) -> bool {
        let (mut pattern, mut code) = (self.text.chars(), code.chars());
        let mut last_star = None;
        loop {
            let mut ahead = code.clone();
            match (pattern.next(), ahead.next()) {
                (Some('*'), _) => last_star = Some((pattern.clone(), code.clone())),
                (Some(wanted), Some(found)) if wanted == '?' || wanted == found => code = ahead,
                (None, None) => return true,
                _ => {
                    let Some((after, untaken)) = &mut last_star else {
                        return false;
                    };
                    if untaken.next().is_none() {
                        return false;
                    }
                    (pattern, code) = (after.clone(), untaken.clone());
                }
            }
        }
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

/// Writes each run of wildcards as its `?`s and then at most one `*`.
fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut star = false;
    for character in text.chars() {
        if character == '*' {
            star = true;
            continue;
        }
        if star && character != '?' {
            tidied.push('*');
            star = false;
        }
        tidied.push(character);
    }
    if star {
        tidied.push('*');
    }
    tidied
}
