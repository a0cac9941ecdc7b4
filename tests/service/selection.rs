//! The selection of expressions as the marketing handbook describes it, and their errors.

mod many;
mod options;
mod refusals;
