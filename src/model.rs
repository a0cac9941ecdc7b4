//! What things are: values and entities. No async, no pool.

pub mod expression;
