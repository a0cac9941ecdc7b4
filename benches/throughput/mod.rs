//! Ratios to what PostgreSQL's and HTTP/2's own load tools reach on the same machine at the same
//! time.

pub(crate) mod effects;
pub(crate) mod h2load;
pub(crate) mod line;
pub(crate) mod pairs;
pub(crate) mod pgbench;
pub(crate) mod progress;
pub(crate) mod psql;
pub(crate) mod rows;
pub(crate) mod stage;
