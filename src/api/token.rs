//! Opaque tokens: a place in a list or stream, bound to the request that it was issued for.
//!
//! A token carries no authority, so it needs no secret: its tag only keeps a token of one
//! request, or one that was damaged, from being taken for a place in another.

use std::str::FromStr;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use prost::Message;
use sha2::{Digest, Sha256};

use super::field::Field;
use crate::{
    domain::{Call, Violation},
    model::PageSize,
};

/// Bytes of the tag: enough that no damage goes unnoticed.
const TAG: usize = 12;

/// What tokens are bound to: the rpc, the tenant, and all fields but paging.
pub(super) struct Binding(Sha256);

impl Binding {
    /// Binds to a request whose paging fields were blanked.
    pub(super) fn new(rpc: &str, call: &Call, request: &impl Message) -> Self {
        let tenant = call.tenant.as_str();
        Self(
            Sha256::new()
                .chain_update(rpc)
                .chain_update([0])
                .chain_update(tenant)
                .chain_update([0])
                .chain_update(request.encode_to_vec()),
        )
    }

    /// A token for a place.
    pub(super) fn issue(&self, place: &str) -> String {
        let mut bytes = self.tag(place).to_vec();
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Cuts a list that was read with one entry too many down to its page, and issues the token
    /// of the next page; it is empty if there is none.
    pub(super) fn next<T>(
        &self,
        entries: &mut Vec<T>,
        size: PageSize,
        place: fn(&T) -> &str,
    ) -> String {
        if entries.len() <= size.get() {
            return String::new();
        }
        entries.truncate(size.get());
        entries
            .last()
            .map(|last| self.issue(place(last)))
            .unwrap_or_default()
    }

    /// The place of a token, if there is a token.
    pub(super) fn read<T: FromStr>(&self, token: &str, path: &str) -> Result<Option<T>, Violation> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        bytes
            .split_at_checked(TAG)
            .and_then(|(tag, place)| Some((tag, std::str::from_utf8(place).ok()?)))
            .filter(|(tag, place)| *tag == self.tag(place))
            .and_then(|(_, place)| place.parse().ok())
            .map(Some)
            .ok_or("must be a token that was issued for a request with the same other fields")
            .field(path)
    }

    fn tag(&self, place: &str) -> [u8; TAG] {
        let digest = self.0.clone().chain_update(place).finalize();
        std::array::from_fn(|at| digest[at])
    }
}
