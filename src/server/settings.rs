//! How the server serves.

use super::{Limits, Reflection};
use crate::auth::Authenticator;

/// What one client may use, and what it must show.
#[derive(Clone)]
pub struct Settings {
    /// What one client may use.
    pub limits: Limits,
    /// Finds out who calls.
    pub authenticator: Authenticator,
    /// Who may ask for the descriptors.
    pub reflection: Reflection,
}

/// Without authentication.
impl From<Limits> for Settings {
    fn from(limits: Limits) -> Self {
        Self {
            limits,
            authenticator: Authenticator::off(),
            reflection: Reflection::On,
        }
    }
}
