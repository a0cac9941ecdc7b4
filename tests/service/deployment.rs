//! What runs the service, and what its operators do.

mod backup;
mod packages;
mod systemd;
mod upgrade;
