//! How it is kept: the only room that writes queries.
