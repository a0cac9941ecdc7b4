//! What may happen: operations, rules, transactions, and the error.
