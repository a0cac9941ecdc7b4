//! The private PostgreSQL that runs when no database is named.
