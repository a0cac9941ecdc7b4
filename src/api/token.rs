//! Page tokens and resume tokens: an opaque position in a list or stream, valid only for the
//! request it was issued for.
//!
//! A token carries no authority, so it needs no secret. Its tag detects a token that is damaged
//! or belongs to another request.

use std::{fmt::Display, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::field::Field;
use crate::{
    domain::{Call, Violation},
    model::PageSize,
    pb::PagedRequest,
};

/// Bytes of the tag: 96 bits make an undetected error practically impossible.
const TAG_BYTES: usize = 12;

/// Entries in a page of a list, unless the caller sets a page size.
const DEFAULT_PAGE_SIZE: i32 = 50;

/// The largest page of a list.
const MAX_PAGE_SIZE: i32 = 1_000;

/// The paging of a list request. `K` is the key by which the list is ordered.
pub(super) struct ListPage<K> {
    pub(super) size: PageSize,
    /// The last key of the previous page; `None` for the first page.
    pub(super) after: Option<K>,
    key: TokenKey,
}

impl<K: FromStr + Display> ListPage<K> {
    /// Takes page size and page token out of a request.
    pub(super) fn take<T: PagedRequest>(call: &Call, request: &mut T) -> Result<Self, Violation> {
        Self::take_up_to(MAX_PAGE_SIZE, call, request)
    }

    /// As [`ListPage::take`], of at most `max` entries.
    pub(super) fn take_up_to<T: PagedRequest>(
        max: i32,
        call: &Call,
        request: &mut T,
    ) -> Result<Self, Violation> {
        let (size, token) = take_paging(request);
        let size = PageSize::new(size, DEFAULT_PAGE_SIZE, max).field("page_size")?;
        let key = TokenKey::new(call, request);
        let after = key.read(&token, "page_token")?;
        Ok(Self { size, after, key })
    }

    /// Truncates entries, read with one more than the page size, to the page. Returns the token
    /// of the next page; empty if there is none.
    pub(super) fn next_token<T>(&self, entries: &mut Vec<T>, key_of: fn(&T) -> &K) -> String {
        let last = self.truncate(entries);
        last.map(|last| self.token_after(key_of(last)))
            .unwrap_or_default()
    }

    /// Truncates entries, read with one more than the page size, to the page. Returns the last one
    /// if there are more.
    pub(super) fn truncate<'e, T>(&self, entries: &'e mut Vec<T>) -> Option<&'e T> {
        if entries.len() <= self.size.get() {
            return None;
        }
        entries.truncate(self.size.get());
        entries.last()
    }

    /// The token of the page that follows the entry with this key.
    pub(super) fn token_after(&self, key: &K) -> String {
        self.key.issue(key)
    }
}

/// Takes page size and token out of a request, so that the rest is what a token is bound to.
pub(super) fn take_paging<T: PagedRequest>(request: &mut T) -> (i32, String) {
    let (size, token) = request.paging();
    (std::mem::take(size), std::mem::take(token))
}

/// Issues and checks the tokens of one request: a digest of the RPC, the tenant and all fields
/// except paging.
pub(super) struct TokenKey(Sha256);

impl TokenKey {
    /// The key of a request whose paging fields are blank.
    pub(super) fn new<T: PagedRequest>(call: &Call, request: &T) -> Self {
        Self(
            Sha256::new()
                .chain_update(T::RPC)
                .chain_update([0])
                .chain_update(call.tenant.as_str())
                .chain_update([0])
                .chain_update(request.encode_to_vec()),
        )
    }

    /// A token for a position.
    pub(super) fn issue(&self, position: &impl Display) -> String {
        let position = position.to_string();
        let mut bytes = self.tag(&position).to_vec();
        bytes.extend_from_slice(position.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The position of a token; `None` if the token is empty.
    pub(super) fn read<T: FromStr>(&self, token: &str, path: &str) -> Result<Option<T>, Violation> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        bytes
            .split_at_checked(TAG_BYTES)
            .and_then(|(tag, position)| Some((tag, std::str::from_utf8(position).ok()?)))
            .filter(|(tag, position)| *tag == self.tag(position))
            .and_then(|(_, position)| position.parse().ok())
            .map(Some)
            .ok_or("must be a token that was issued for a request with the same other fields")
            .field(path)
    }

    fn tag(&self, position: &str) -> [u8; TAG_BYTES] {
        let digest = self.0.clone().chain_update(position).finalize();
        std::array::from_fn(|at| digest[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Code, pb};

    #[test]
    fn a_token_is_refused_by_another_rpc_with_the_same_fields() {
        let call = Call {
            tenant: "default".parse().expect("a tenant"),
            request_id: "call".to_owned(),
            actors: "anonymous".into(),
            deadline: None,
            validate_only: false,
        };
        let groups = TokenKey::new(&call, &pb::ListMailingGroupsRequest::default());
        let segments = TokenKey::new(&call, &pb::ListSegmentsRequest::default());
        let token = groups.issue(&"MOVE");
        let read = |key: &TokenKey| key.read::<Code>(&token, "page_token").ok().flatten();
        assert_eq!(read(&groups).expect("the own token").as_str(), "MOVE");
        assert!(read(&segments).is_none());
    }

    #[test]
    fn the_names_that_stored_digests_and_tokens_contain_do_not_change() {
        use pb::RpcRequest as Rpc;
        assert_eq!(<pb::CreateContactRequest as Rpc>::RPC, "CreateContact");
        assert_eq!(<pb::ListSegmentsRequest as Rpc>::RPC, "ListSegments");
    }
}
