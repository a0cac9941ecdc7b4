//! Cuts the text of an expression into tokens.
//!
//! It never fails: what is no token of the language becomes a [`TokenKind::Stray`], which the
//! parser reports at the place where it expected something else.

use unicode_normalization::char::is_combining_mark;

use super::value::is_id_character;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Open,
    Close,
    And,
    Or,
    Not,
    Equals,
    NotEquals,
    /// A run of letters, digits, accents, `_` and wildcards that is no operator.
    Word,
    /// A text in double quotes, the quotes included.
    Quoted,
    /// A quote that nothing closes, with all that follows it.
    Unterminated,
    /// Something the language has no use for.
    Stray,
    End,
}

/// A token and its place in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    /// In characters, from 1.
    pub(super) position: usize,
    /// In bytes, from 0.
    pub(super) start: usize,
}

impl Token<'_> {
    /// Where the token ends, in bytes.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// What a quoted token says; any other token's text.
    pub(super) fn unquoted(&self) -> String {
        match self.kind {
            TokenKind::Quoted => self.text[1..self.text.len() - 1].replace("\"\"", "\""),
            _ => self.text.to_owned(),
        }
    }
}

/// Reads tokens from left to right.
pub(super) struct Lexer<'a> {
    source: &'a str,
    start: usize,
    position: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            start: 0,
            position: 1,
        }
    }

    /// The next token of an expression.
    pub(super) fn next_token(&mut self) -> Token<'a> {
        self.token(is_word_character)
    }

    /// The next token where an id may stand, whose words may also have `.`, `_`, `:` and `-`.
    pub(super) fn next_value(&mut self) -> Token<'a> {
        self.token(|character| is_word_character(character) || is_id_character(character))
    }

    /// The text between two places that tokens gave.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        &self.source[start..end]
    }

    fn token(&mut self, in_word: fn(char) -> bool) -> Token<'a> {
        self.take(run(self.rest(), char::is_whitespace));
        let (kind, length) = scan(self.rest(), in_word);
        let (position, start) = (self.position, self.start);
        Token {
            kind,
            text: self.take(length),
            position,
            start,
        }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.start..]
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = &self.rest()[..length];
        self.start += length;
        self.position += taken.chars().count();
        taken
    }
}

/// The operator a word stands for, if it is reserved for one.
pub(super) fn reserved(word: &str) -> Option<TokenKind> {
    [
        ("AND", TokenKind::And),
        ("OR", TokenKind::Or),
        ("NOT", TokenKind::Not),
    ]
    .into_iter()
    .find_map(|(name, kind)| word.eq_ignore_ascii_case(name).then_some(kind))
}

/// Accents belong to words because a letter may be written as a plain one and its accent, and `_` because
/// keys of attributes have it.
fn is_word_character(character: char) -> bool {
    character.is_alphanumeric()
        || is_combining_mark(character)
        || matches!(character, '*' | '?' | '_')
}

/// The kind of the token that begins the text, and its length in bytes.
fn scan(text: &str, in_word: fn(char) -> bool) -> (TokenKind, usize) {
    match text.chars().next() {
        None => (TokenKind::End, 0),
        Some('"') => quoted(text),
        Some(first) if in_word(first) => {
            let length = run(text, in_word);
            (reserved(&text[..length]).unwrap_or(TokenKind::Word), length)
        }
        Some(first) => symbol(text, first),
    }
}

/// Operators of other languages, kept whole so that a message can name them.
const FOREIGN: [&str; 6] = ["&&", "||", "==", "<>", "<=", ">="];

fn symbol(text: &str, first: char) -> (TokenKind, usize) {
    if let Some(foreign) = FOREIGN.iter().find(|foreign| text.starts_with(**foreign)) {
        return (TokenKind::Stray, foreign.len());
    }
    if text.starts_with("!=") {
        return (TokenKind::NotEquals, 2);
    }
    let kind = match first {
        '(' => TokenKind::Open,
        ')' => TokenKind::Close,
        '&' => TokenKind::And,
        '|' => TokenKind::Or,
        '!' => TokenKind::Not,
        '=' => TokenKind::Equals,
        _ => TokenKind::Stray,
    };
    (kind, first.len_utf8())
}

/// A text from quote to quote, in which a doubled quote closes nothing.
fn quoted(text: &str) -> (TokenKind, usize) {
    let mut end = 1;
    while let Some(found) = text[end..].find('"') {
        end += found + 1;
        if !text[end..].starts_with('"') {
            return (TokenKind::Quoted, end);
        }
        end += 1;
    }
    (TokenKind::Unterminated, text.len())
}

/// How many bytes from the beginning have only such characters.
fn run(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|character| !wanted(character))
        .unwrap_or(text.len())
}
