//! Segments: built by actions, undone, saved and replayed, applied and compared.

mod actions;
mod apply;
mod ask;
mod back;
mod compare;
mod contacts;
mod criteria;
mod large;
mod resources;
mod validate;
mod whole;
