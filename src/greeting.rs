//! What the service prints when it is ready.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::Duration,
};

use mailing_groups::server::{ServerTls, TlsFiles};

/// What there is to say about a service.
pub(crate) struct Greeting<'a> {
    pub(crate) address: SocketAddr,
    /// Where browsers and curl call.
    pub(crate) web: Option<SocketAddr>,
    pub(crate) database: &'a str,
    /// How long changes are kept.
    pub(crate) retention: Duration,
    pub(crate) tls: Option<(&'a TlsFiles, &'a ServerTls)>,
    /// The file that says who may do what.
    pub(crate) auth_config: Option<&'a Path>,
}

impl Greeting<'_> {
    /// What is served, where the data is, who may call and what to try next.
    pub(crate) fn text(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let retention = humantime::format_duration(self.retention);
        let mut text = format!(
            "mailing-groups {version} serves gRPC on {}\n\
             {}Data: {}\n\
             Changes are kept for {retention} (--history-retention)\n\
             Security: {}\n\
             Try:  ",
            self.address,
            self.web_line(),
            self.database,
            self.security(),
        );
        if is_repository() {
            text += &format!("make import DATA=examples{}\n      ", self.make_arguments());
        }
        text += &format!("grpcurl {} list\n", self.grpcurl_arguments());
        if is_repository() {
            text += "      and the tour in docs/tour.md\n";
        }
        text + "Ctrl-C stops the service; the data stays."
    }

    fn web_line(&self) -> String {
        let scheme = match self.tls {
            None => "http",
            Some(_) => "https",
        };
        let web = self.web;
        web.map_or_else(String::new, |address| {
            format!("Browsers and curl: {scheme}://{address} (Connect, gRPC-Web)\n")
        })
    }

    fn security(&self) -> String {
        let tls = match self.tls {
            None => "no TLS".to_owned(),
            Some((files, _)) => match &files.client_authority {
                None => "TLS".to_owned(),
                Some(authority) => {
                    let required = if authority.is_required {
                        ""
                    } else {
                        "optional "
                    };
                    let file = authority.file.display();
                    format!("TLS, {required}certificates of clients by {file}")
                }
            },
        };
        match self.auth_config {
            None => format!("{tls}, no authentication by --auth-config"),
            Some(file) => format!("{tls}, authentication by {}", file.display()),
        }
    }

    /// Where clients on this computer find the service.
    fn target(&self) -> String {
        let mut reachable = self.address;
        if reachable.ip().is_unspecified() {
            reachable.set_ip(IpAddr::from([127, 0, 0, 1]));
        }
        match self.tls.and_then(|(_, tls)| tls.host.as_deref()) {
            Some(host) => format!("{host}:{}", reachable.port()),
            None => reachable.to_string(),
        }
    }

    /// The authority that signed the certificate, as far as it is known.
    fn authority(&self) -> Option<String> {
        let (files, tls) = self.tls?;
        Some(match tls.is_self_signed {
            true => files.certificate.display().to_string(),
            false => "AUTHORITY.crt".to_owned(),
        })
    }

    fn make_arguments(&self) -> String {
        let target = self.target();
        match self.authority() {
            None if target == "127.0.0.1:50051" => String::new(),
            None => format!(" ARGS=\"--endpoint http://{target}\""),
            Some(authority) => format!(" ARGS=\"--endpoint https://{target} --ca {authority}\""),
        }
    }

    fn grpcurl_arguments(&self) -> String {
        let mut arguments = match self.authority() {
            None => "-plaintext ".to_owned(),
            Some(authority) => format!("-cacert {authority} "),
        };
        let authority = self
            .tls
            .and_then(|(files, _)| files.client_authority.as_ref());
        if authority.is_some_and(|it| it.is_required) {
            arguments += "-cert CLIENT.crt -key CLIENT.key ";
        }
        if self.auth_config.is_some() {
            arguments += "-H 'authorization: Bearer TOKEN' ";
        }
        arguments + &self.target()
    }
}

/// Whether `make` would find this project's Makefile and its examples.
fn is_repository() -> bool {
    ["Makefile", "examples", "proto/mailinggroups"]
        .iter()
        .all(|path| Path::new(path).exists())
}
