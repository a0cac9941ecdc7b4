//! Reads operands: codes and patterns, `kind = …`, `company = …`, `email = …` and `segment(…)`; those about
//! attributes in [`attribute`].

mod attribute;

use std::str::FromStr;

use super::{
    super::{
        MAX_OPERANDS, Node, Operand, Term,
        error::{ErrorKind, ExpressionError},
        lexer::{Token, TokenKind},
        value,
    },
    Parser, Result,
};
use crate::model::{ContactKind, Email};

/// What a code must be, as messages say it.
const CODE: &str = "a code of 1 to 11 letters and digits";

impl<'a> Parser<'a> {
    pub(super) fn operand(&mut self) -> Result<Node> {
        self.count_operand()?;
        let first = self.advance();
        let is_unequal = self.token.kind == TokenKind::NotEquals;
        let term = match first.kind {
            TokenKind::Quoted => quoted_code(&first)?,
            _ => self.word(&first)?,
        };
        let end = self.previous.unwrap_or(first).end();
        let text = self.lexer.slice(first.start, end).to_owned();
        let is_compared = end > first.end();
        let operand = Node::Operand(Operand {
            term,
            position: first.position,
            text,
        });
        match is_unequal && is_compared {
            true => self.negated(operand),
            false => Ok(operand),
        }
    }

    /// `a != b` is `NOT a = b`, and as deep.
    fn negated(&mut self, operand: Node) -> Result<Node> {
        self.deepen()?;
        self.depth -= 1;
        Ok(Node::Not(Box::new(operand)))
    }

    fn word(&mut self, word: &Token<'_>) -> Result<Term> {
        use TokenKind::{Equals, NotEquals, Open, Word};
        match (word.text.to_ascii_lowercase().as_str(), self.token.kind) {
            ("kind", Equals | NotEquals) => self.kind(),
            ("company", Equals | NotEquals) => self.company(),
            ("email", Equals | NotEquals) => self.email(),
            ("segment", Open) => self.segment(),
            ("has", Word) => self.has_attribute(),
            (key, Equals | NotEquals) => match key.parse() {
                Ok(key) => self.attribute(key),
                Err(_) => plain_word(word),
            },
            (key, Word) if self.token.text.eq_ignore_ascii_case("IN") => match key.parse() {
                Ok(key) => self.attribute_in(key),
                Err(_) => plain_word(word),
            },
            _ => plain_word(word),
        }
    }

    fn kind(&mut self) -> Result<Term> {
        let expected = "PERSON or COMPANY";
        let name = self.value(expected)?;
        match name.unquoted().to_ascii_uppercase().as_str() {
            "PERSON" => Ok(Term::Kind(ContactKind::Person)),
            "COMPANY" => Ok(Term::Kind(ContactKind::Company)),
            _ => Err(ExpressionError::new(
                ErrorKind::InvalidKind,
                &name,
                expected,
            )),
        }
    }

    fn company(&mut self) -> Result<Term> {
        let expected = "a contact id, which is 1 to 64 of A-Z a-z 0-9 . _ : -";
        self.id(expected).map(Term::Company)
    }

    fn email(&mut self) -> Result<Term> {
        let expected = "an e-mail address in quotes, such as \"ada@example.com\"";
        self.token = self.lexer.next_value();
        if self.token.kind != TokenKind::Quoted {
            return Err(ExpressionError::unexpected(&self.token, expected));
        }
        let token = self.advance();
        let email = token.unquoted().parse().ok();
        let email = email.filter(|email: &Email| !email.as_str().is_empty());
        let invalid = || ExpressionError::new(ErrorKind::InvalidEmail, &token, expected);
        email.map(Term::Email).ok_or_else(invalid)
    }

    fn segment(&mut self) -> Result<Term> {
        let expected = "a segment id, which is 1 to 64 of A-Z a-z 0-9 . _ : -";
        let id = self.id(expected)?;
        if self.token.kind != TokenKind::Close {
            let expected = "\")\" after the segment id";
            return Err(ExpressionError::unexpected(&self.token, expected));
        }
        self.advance();
        Ok(Term::Segment(id))
    }

    fn id<T: FromStr>(&mut self, expected: &'static str) -> Result<T> {
        let token = self.value(expected)?;
        token
            .unquoted()
            .parse()
            .map_err(|_| ExpressionError::new(ErrorKind::InvalidId, &token, expected))
    }

    /// Steps over `=`, `!=`, `(` or `,` and takes the word or quoted text that follows.
    fn value(&mut self, expected: &'static str) -> Result<Token<'a>> {
        self.token = self.lexer.next_value();
        match self.token.kind {
            TokenKind::Word | TokenKind::Quoted => Ok(self.advance()),
            _ => Err(ExpressionError::unexpected(&self.token, expected)),
        }
    }

    fn count_operand(&mut self) -> Result<()> {
        if self.operands == MAX_OPERANDS {
            let expected = "at most 256 operands";
            return Err(ExpressionError::new(
                ErrorKind::TooManyOperands,
                &self.token,
                expected,
            ));
        }
        self.operands += 1;
        Ok(())
    }
}

fn plain_word(word: &Token<'_>) -> Result<Term> {
    let expected = if word.text.contains(['*', '?']) {
        "a pattern of at most 11 letters, digits and ?, and any number of *"
    } else {
        CODE
    };
    value::word(word.text).map_err(|invalid| {
        let hint = match invalid {
            value::InvalidCode::Character('_') => "the wildcards are * and ?".to_owned(),
            _ => invalid.to_string(),
        };
        ExpressionError::new(ErrorKind::InvalidCode, word, expected).with_hint(Some(hint))
    })
}

fn quoted_code(quoted: &Token<'_>) -> Result<Term> {
    value::code(&quoted.unquoted())
        .map(Term::Code)
        .map_err(|invalid| {
            let hint = match invalid {
                value::InvalidCode::Character('*' | '?') => {
                    "wildcards work without quotes only".to_owned()
                }
                _ => invalid.to_string(),
            };
            ExpressionError::new(ErrorKind::InvalidCode, quoted, CODE).with_hint(Some(hint))
        })
}
