//! Listens, guards every call, drains.
