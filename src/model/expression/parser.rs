//! Reads an expression by recursive descent:
//!
//! ```text
//! any      = all { OR all }
//! all      = negation { AND negation }
//! negation = { NOT } primary
//! primary  = "(" any ")" | operand
//! ```
//!
//! Recursion goes one round deeper per parenthesis only, and [`MAX_DEPTH`] bounds those. What an
//! operand is made of is read in [`operand`].

mod operand;

use super::{
    MAX_BYTES, MAX_DEPTH, Node,
    error::{ErrorKind, ExpressionError},
    hint,
    lexer::{Lexer, Token, TokenKind},
};

type Result<T> = std::result::Result<T, ExpressionError>;

/// What an operand may begin with, as messages say it.
const OPERAND: &str = "a mailing group code, \"(\" or NOT";

/// What may follow an operand outside of parentheses, as messages say it.
const AFTER_OPERAND: &str = "AND, OR or the end of the expression";

/// What may follow an operand within parentheses, as messages say it.
const IN_GROUP: &str = "AND, OR or \")\"";

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Result<Node> {
    check_length(text)?;
    let mut parser = Parser::new(text);
    if parser.token.kind == TokenKind::End {
        let example = "an expression such as (MOVE OR GIFT) AND NOT OPTOUT, or * for every contact";
        return Err(ExpressionError::new(
            ErrorKind::Empty,
            &parser.token,
            example,
        ));
    }
    let root = parser.any()?;
    match parser.token.kind {
        TokenKind::End => Ok(root),
        TokenKind::Close => Err(parser
            .unexpected(AFTER_OPERAND)
            .with_hint(Some("no \"(\" is open here"))),
        _ => Err(parser.unexpected(AFTER_OPERAND)),
    }
}

fn check_length(text: &str) -> Result<()> {
    let overflow = |(start, character): (usize, char)| start + character.len_utf8() > MAX_BYTES;
    let Some((position, (start, _))) = (1..)
        .zip(text.char_indices())
        .find(|(_, character)| overflow(*character))
    else {
        return Ok(());
    };
    let excess = Token {
        kind: TokenKind::Stray,
        text: &text[start..],
        position,
        start,
    };
    let expected = "the expression to end within 4096 bytes of UTF-8";
    let length = format!("it has {} bytes", text.len());
    Err(ExpressionError::new(ErrorKind::TooLong, &excess, expected).with_hint(Some(length)))
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    previous: Option<Token<'a>>,
    depth: usize,
    operands: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let mut lexer = Lexer::new(text);
        let token = lexer.next_token();
        Self {
            lexer,
            token,
            previous: None,
            depth: 0,
            operands: 0,
        }
    }

    fn any(&mut self) -> Result<Node> {
        let mut parts = vec![self.all()?];
        while self.token.kind == TokenKind::Or {
            self.advance();
            parts.push(self.all()?);
        }
        Ok(Node::any(parts))
    }

    fn all(&mut self) -> Result<Node> {
        let mut parts = vec![self.negation()?];
        while self.token.kind == TokenKind::And {
            self.advance();
            parts.push(self.negation()?);
        }
        Ok(Node::all(parts))
    }

    fn negation(&mut self) -> Result<Node> {
        let outer_depth = self.depth;
        while self.token.kind == TokenKind::Not {
            self.deepen()?;
            self.advance();
        }
        let negations = self.depth - outer_depth;
        let mut node = self.primary()?;
        for _ in 0..negations {
            node = Node::Not(Box::new(node));
        }
        self.depth = outer_depth;
        Ok(node)
    }

    fn primary(&mut self) -> Result<Node> {
        match self.token.kind {
            TokenKind::Open => self.group(),
            TokenKind::Word | TokenKind::Quoted => self.operand(),
            _ => Err(self.unexpected(OPERAND)),
        }
    }

    fn group(&mut self) -> Result<Node> {
        self.deepen()?;
        let open = self.advance();
        let node = self.any()?;
        match self.token.kind {
            TokenKind::Close => self.advance(),
            TokenKind::End => {
                let unclosed = format!("the \"(\" at position {} is not closed", open.position);
                return Err(self.unexpected(IN_GROUP).with_hint(Some(unclosed)));
            }
            _ => return Err(self.unexpected(IN_GROUP)),
        };
        self.depth -= 1;
        Ok(node)
    }

    fn advance(&mut self) -> Token<'a> {
        let taken = std::mem::replace(&mut self.token, self.lexer.next_token());
        self.previous = Some(taken);
        taken
    }

    fn deepen(&mut self) -> Result<()> {
        if self.depth == MAX_DEPTH {
            let expected = "at most 64 levels of parentheses and NOT";
            return Err(ExpressionError::new(
                ErrorKind::TooDeep,
                &self.token,
                expected,
            ));
        }
        self.depth += 1;
        Ok(())
    }

    fn unexpected(&self, expected: &'static str) -> ExpressionError {
        let hint = hint::for_unexpected(self.previous.as_ref(), &self.token);
        ExpressionError::unexpected(&self.token, expected).with_hint(hint)
    }
}
