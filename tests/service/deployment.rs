//! What runs the service, and what its operators do.

mod backup;
mod systemd;
mod upgrade;
mod versions;
