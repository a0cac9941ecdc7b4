//! How many items messages may have. `build.rs` reads this file too, for what the codec counts.

/// Items of one batch call, and of one chunk of an import.
pub(crate) const MAX_BATCH_ITEMS: usize = 10_000;

/// Attributes of a contact.
pub(crate) const MAX_ATTRIBUTES: usize = 32;
