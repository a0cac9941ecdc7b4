//! Why a connection failed, and what to do.

use std::{error::Error, io};

use tonic::TimeoutExpired;

/// What errors of TLS say, and what to do about each.
const ADVICE: [(&str, &str); 12] = [
    (
        "UnknownIssuer",
        "its certificate is of an authority that is not trusted here; name the authority with --ca FILE",
    ),
    (
        "CaUsedAsEndEntity",
        "its certificate is that of an authority; sign one for the service with it, or make one with \
         basicConstraints=critical,CA:FALSE",
    ),
    (
        "not valid for name",
        "--endpoint must have a name that the certificate is for",
    ),
    (
        "Expired",
        "its certificate, or one of its authority, has expired",
    ),
    ("speaks TLS only", "write --endpoint https://…"),
    (
        "InvalidContentType",
        "it does not speak TLS there; write --endpoint http://…",
    ),
    (
        "tls handshake eof",
        "if it does not speak TLS there, write --endpoint http://…",
    ),
    (
        "CertificateRequired",
        "it asks for a certificate; name yours with --cert FILE --key FILE",
    ),
    (
        "connection closed",
        "if the service speaks TLS, write --endpoint https://…; if it asks for a certificate, name yours \
         with --cert FILE --key FILE",
    ),
    (
        "alert: UnknownCA",
        "it does not know the authority of the certificate of --cert",
    ),
    (
        "alert: CertificateExpired",
        "the certificate of --cert has expired",
    ),
    (
        "alert: BadCertificate",
        "it does not take the certificate of --cert",
    ),
];

/// Why no connection could be made, with advice.
pub(in crate::client) fn unreachable(endpoint: &str, source: &(dyn Error + 'static)) -> String {
    let refused = |cause: &io::Error| cause.kind() == io::ErrorKind::ConnectionRefused;
    let causes = chain(source).filter_map(<dyn Error>::downcast_ref::<io::Error>);
    match causes.into_iter().any(refused) {
        true => format!(
            "cannot reach {endpoint}: is the service running? Start it with \"make run\" or pass \
             --endpoint"
        ),
        false => format!("cannot reach {endpoint}: {}", cause(source)),
    }
}

/// Why a connection broke.
pub(super) fn broken(source: &(dyn Error + 'static)) -> String {
    if chain(source).any(<dyn Error>::is::<TimeoutExpired>) {
        return "no answer in time (--timeout)".to_owned();
    }
    format!("the connection to the service broke: {}", cause(source))
}

/// The innermost cause, with advice.
fn cause(source: &(dyn Error + 'static)) -> String {
    let root = root(source);
    let known = ADVICE.iter().find(|(text, _)| root.contains(text));
    match known {
        Some((_, advice)) => format!("{root}: {advice}"),
        None => root,
    }
}

/// The innermost cause of an error: the one that says what happened.
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
