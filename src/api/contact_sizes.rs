//! How many contacts fit into a message: with many attributes they are large.

use super::token::ListPage;
use crate::{
    domain::{Error, Result, selection::Member},
    model::{Contact, ContactId},
    pb,
};

/// The most bytes of contacts in a page: half of what gRPC clients accept by default.
const MAX_PAGE_BYTES: usize = 2 << 20;

/// The most bytes of contacts that are read or created together: 3.5 MiB.
const MAX_BATCH_BYTES: usize = 7 << 19;

/// At least what a contact has in a message besides its texts.
pub(super) const OTHER_BYTES: usize = 256;

/// At least what an attribute has besides its texts.
const ATTRIBUTE_BYTES: usize = 8;

/// At least the bytes of a contact in a message.
pub(super) fn bytes(contact: &Contact) -> usize {
    let Contact {
        id,
        name,
        company_id,
        email,
        attributes,
        // Numbers and flags, which `OTHER_BYTES` counts.
        contact_number: _,
        kind: _,
        exclude_from_segments: _,
        privacy_blocked: _,
        mailing_group_count: _,
        revision: _,
        create_time: _,
        update_time: _,
    } = contact;
    let attributes = attributes.iter();
    let attributes = attributes.map(|(key, value)| key.as_str().len() + value.as_str().len());
    let company = company_id.as_ref().map_or("", ContactId::as_str);
    OTHER_BYTES
        + 2 * id.as_str().len()
        + name.as_str().len()
        + company.len()
        + email.as_str().len()
        + attributes.map(|it| it + ATTRIBUTE_BYTES).sum::<usize>()
}

/// Refuses contacts that do not fit into one response.
pub(super) fn check_batch(field: &str, bytes: impl Iterator<Item = usize>) -> Result<()> {
    match bytes.sum::<usize>() <= MAX_BATCH_BYTES {
        true => Ok(()),
        false => {
            let reason = "must be fewer: their contacts have more than 3.5 MiB together";
            Err(Error::invalid(field, reason))
        }
    }
}

/// The contacts of a page of a list, which were read with one more, and the token of the next page. A
/// page of large contacts ends early.
pub(super) fn list_page(
    page: &ListPage<ContactId>,
    mut found: Vec<Contact>,
) -> (Vec<pb::Contact>, String) {
    let mut left = MAX_PAGE_BYTES;
    let fits = |contact: &&Contact| {
        let bytes = bytes(contact);
        let fits = bytes <= left;
        left = left.saturating_sub(bytes);
        fits
    };
    let fitting = found.iter().take_while(fits).count();
    let next = if fitting < found.len().min(page.size.get()) {
        found.truncate(fitting);
        let last = found.last().map(|it| page.token_after(&it.id));
        last.unwrap_or_default()
    } else {
        page.next_token(&mut found, |contact| &contact.id)
    };
    (found.into_iter().map(Into::into).collect(), next)
}

/// After which contacts, by number, a page of a stream is cut into messages; the members of each part of the
/// page are in order.
pub(super) fn cuts(parts: &[&[Member]]) -> Vec<u32> {
    let members = parts.iter().copied().flatten();
    let mut sizes: Vec<_> = members.filter_map(size).collect();
    sizes.sort_unstable();
    let (mut cuts, mut sum, mut last) = (Vec::new(), 0, 0);
    for (number, bytes) in sizes {
        sum += bytes;
        if sum > MAX_PAGE_BYTES {
            cuts.push(last);
            sum = bytes;
        }
        last = number;
    }
    cuts
}

/// Takes the members up to a contact.
pub(super) fn take_up_to(members: &mut Vec<Member>, last: u32) -> Vec<Member> {
    let is_before = |it: &Member| size(it).is_some_and(|(number, _)| number <= last);
    let rest = members.split_off(members.partition_point(is_before));
    std::mem::replace(members, rest)
}

/// The number of a contact, and its bytes; ids always fit.
fn size(member: &Member) -> Option<(u32, usize)> {
    match member {
        Member::Contact(contact) => Some((contact.contact_number.cast_unsigned(), bytes(contact))),
        Member::Id(_) => None,
    }
}
