//! The selection of expressions as the marketing handbook describes it, and their errors.

mod options;
mod refusals;
