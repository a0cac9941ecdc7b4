//! The flags of the port for browsers and curl.

use std::net::SocketAddr;

use clap::Args;
use http::{HeaderValue, Uri};

use super::address;

/// Flags of the port for browsers and curl.
#[derive(Debug, Clone, Args)]
pub struct WebOptions {
    /// IP address or host name, and port, where browsers and curl call the service: Connect (JSON over
    /// HTTP) and gRPC-Web. TLS, authentication and limits are those of --listen [default: none]
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MAILING_GROUPS_HTTP_API_LISTEN",
        value_parser = address
    )]
    pub http_api_listen: Option<SocketAddr>,
    /// Let web pages of this origin call at --http-api-listen, such as `https://crm.example.com` (CORS); can
    /// be repeated, in the variable separated by commas [default: none]
    #[arg(
        long = "cors-origin",
        value_name = "ORIGIN",
        env = "MAILING_GROUPS_CORS_ORIGIN",
        value_delimiter = ',',
        value_parser = origin,
        requires = "http_api_listen"
    )]
    pub cors_origins: Vec<HeaderValue>,
}

/// An origin as browsers write it.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let uri: Option<Uri> = text.parse().ok();
    let parts = uri.as_ref().and_then(|uri| {
        let authority = uri.authority()?.as_str();
        Some(format!("{}://{authority}", uri.scheme_str()?))
    });
    let is_origin = parts.is_some_and(|it| it.eq_ignore_ascii_case(text) && !it.contains('@'));
    let value = HeaderValue::try_from(text.to_ascii_lowercase()).ok();
    value.filter(|_| is_origin).ok_or_else(|| {
        "write a scheme, a host and no path, such as https://crm.example.com or \
         http://localhost:3000"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_scheme_and_a_host() {
        for valid in [
            "https://crm.example.com",
            "http://localhost:3000",
            "http://[::1]:8080",
            "https://CRM.example.com",
        ] {
            let read = origin(valid).expect(valid);
            assert_eq!(read, valid.to_ascii_lowercase());
        }
        for wrong in [
            "*",
            "null",
            "crm.example.com",
            "https://crm.example.com/",
            "https://crm.example.com/page",
            "https://crm.example.com?a",
            "https://me@crm.example.com",
        ] {
            let refused = origin(wrong).expect_err(wrong);
            assert!(refused.contains("https://crm.example.com"), "{refused}");
        }
    }
}
