//! Whom an expression selects, as the marketing handbook tells it, and what is wrong with
//! expressions that select nobody.

mod options;
mod refusals;
