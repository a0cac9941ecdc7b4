//! The canonical form of an expression, which reads back as the same expression.

use std::fmt::{self, Display, Formatter};

use super::{Expression, Node, Operand, Term, lexer::reserved};

/// How tightly a part holds together; a looser part inside a tighter one needs parentheses.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Precedence {
    Or,
    And,
    Not,
    Operand,
}

impl Node {
    fn precedence(&self) -> Precedence {
        match self {
            Self::Operand(_) => Precedence::Operand,
            Self::Not(_) => Precedence::Not,
            Self::All(_) => Precedence::And,
            Self::Any(_) => Precedence::Or,
        }
    }

    fn print_within(&self, outer: Precedence, f: &mut Formatter<'_>) -> fmt::Result {
        if self.precedence() < outer {
            write!(f, "({self})")
        } else {
            write!(f, "{self}")
        }
    }
}

fn print_chain(
    parts: &[Node],
    own: Precedence,
    operator: &str,
    f: &mut Formatter<'_>,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(operator)?;
        }
        part.print_within(own, f)?;
    }
    Ok(())
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operand(operand) => operand.fmt(f),
            Self::Not(part) => {
                f.write_str("NOT ")?;
                part.print_within(Precedence::Not, f)
            }
            Self::All(parts) => print_chain(parts, Precedence::And, " AND ", f),
            Self::Any(parts) => print_chain(parts, Precedence::Or, " OR ", f),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.term.fmt(f)
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) if reserved(code.as_str()).is_some() => write!(f, "\"{code}\""),
            Self::Code(code) => code.fmt(f),
            Self::Pattern(pattern) => pattern.fmt(f),
            Self::Everyone => f.write_str("*"),
            Self::Kind(kind) => write!(f, "kind = {kind}"),
            Self::Company(id) => write!(f, "company = \"{id}\""),
            Self::Email(email) => {
                let email = email.as_str().replace('"', "\"\"");
                write!(f, "email = \"{email}\"")
            }
            Self::Segment(id) => write!(f, "segment(\"{id}\")"),
            Self::Attribute(test) => test.fmt(f),
        }
    }
}
