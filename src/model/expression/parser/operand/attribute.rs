//! Reads what attributes are compared with: `territory = …`, `language IN (…)` and `has language`.

use super::{
    super::{
        super::{
            AttributeTest, Term, ValueMatch,
            error::{ErrorKind, ExpressionError},
        },
        Parser, Result,
    },
    Token, TokenKind,
};
use crate::model::AttributeKey;

/// What a value must be, as messages say it.
const VALUE: &str = "a value of 1 to 100 characters, such as \"CH\"";

/// What a key must be, as messages say it.
const KEY: &str = "the key of an attribute, such as territory";

impl Parser<'_> {
    /// `= value` or `!= value`.
    pub(super) fn attribute(&mut self, key: AttributeKey) -> Result<Term> {
        let values = vec![self.attribute_value(&key)?];
        Ok(Term::Attribute(AttributeTest { key, values }))
    }

    /// `IN (value, value)`.
    pub(super) fn attribute_in(&mut self, key: AttributeKey) -> Result<Term> {
        self.advance();
        if self.token.kind != TokenKind::Open {
            let expected = "\"(\" and values, as in language IN (\"fr\", \"de\")";
            return Err(ExpressionError::unexpected(&self.token, expected));
        }
        let mut values = vec![self.attribute_value(&key)?];
        while self.token.text == "," {
            self.count_operand()?;
            values.push(self.attribute_value(&key)?);
        }
        if self.token.kind != TokenKind::Close {
            let expected = "\",\" or \")\" after the value";
            return Err(ExpressionError::unexpected(&self.token, expected));
        }
        self.advance();
        Ok(Term::Attribute(AttributeTest { key, values }))
    }

    /// The key after `has`.
    pub(super) fn has_attribute(&mut self) -> Result<Term> {
        let token = self.advance();
        let key = token.text.to_ascii_lowercase().parse();
        let key = key.map_err(|invalid| {
            let hint = format!("a key {invalid}");
            ExpressionError::new(ErrorKind::InvalidKey, &token, KEY).with_hint(Some(hint))
        })?;
        Ok(Term::Attribute(AttributeTest::any_value(key)))
    }

    fn attribute_value(&mut self, key: &AttributeKey) -> Result<ValueMatch> {
        let token = self.value(VALUE)?;
        let text = token.unquoted();
        ValueMatch::read(&text).map_err(|invalid| {
            let hint = match text.trim().is_empty() {
                true => format!("contacts without a value are NOT has {key}"),
                false => format!("a value {invalid}"),
            };
            invalid_value(&token).with_hint(Some(hint))
        })
    }
}

fn invalid_value(token: &Token<'_>) -> ExpressionError {
    ExpressionError::new(ErrorKind::InvalidValue, token, VALUE)
}
