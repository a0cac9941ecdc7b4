//! What a caller shows, and why it is refused.

/// What a caller shows.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'c> {
    /// The value of `authorization`. It goes before the certificate.
    pub authorization: Option<&'c [u8]>,
    /// The certificate of the connection, which TLS has verified.
    pub certificate: Option<&'c [u8]>,
}

/// Why a caller is refused. The text is for the caller; it never holds what the caller sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// There are no credentials.
    Missing,
    /// They prove nothing.
    Invalid(String),
    /// They have expired.
    Expired,
    /// They are not valid yet.
    NotYetValid,
    /// The keys that they are signed with could not be fetched yet, or too many callers wait for them.
    NoKeys,
}
