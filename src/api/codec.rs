//! The codec of all messages. It counts the items of a request's repeated fields in the encoded
//! bytes, before they are allocated: two bytes of a message, and far fewer of a compressed one, can
//! become an empty contact of some hundred bytes.

use std::marker::PhantomData;

use bytes::Buf;
use prost::{
    DecodeError, Message,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

use super::incoming;
use crate::{
    domain::Violation,
    pb::{Contact, RepeatedField, RepeatedFields},
};

/// What an item takes in memory besides its texts: at most the size of a contact.
const ITEM_BYTES: usize = size_of::<Contact>();

/// The same for an entry of a map: two texts, and a share of the tree's nodes.
const ENTRY_BYTES: usize = 96;

/// Encodes `T`, and decodes `U` if no repeated field has more items than it may.
pub(crate) struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for BoundedCodec<T, U>
where
    T: Message + 'static,
    U: Message + RepeatedFields + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(ProstCodec::<T, U>::default().decoder())
    }
}

pub(crate) struct BoundedDecoder<U>(ProstDecoder<U>);

impl<U: Message + RepeatedFields + Default> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let items = check_counts(source.chunk(), U::REPEATED)?;
        incoming::decode(source.remaining() + items)?;
        self.0.decode(source)
    }
}

/// Rejects an encoded message if one of these fields has too many items; returns how many bytes they
/// take in all, besides their texts.
fn check_counts(message: &[u8], fields: &'static [RepeatedField]) -> Result<usize, Violation> {
    if fields.is_empty() {
        return Ok(0);
    }
    let mut counts = vec![0; fields.len()];
    match count(message, &mut Vec::new(), fields, &mut counts) {
        Err(End::TooMany(violation)) => Err(violation),
        // Decoding stops at the same error, and says what is wrong.
        Ok(()) | Err(End::Malformed) => {
            let sizes = fields.iter().map(RepeatedField::item_bytes);
            Ok(counts
                .iter()
                .zip(sizes)
                .map(|(count, size)| count * size)
                .sum())
        }
    }
}

/// Why counting ends early: millions of items are not counted when thousands are too many.
enum End {
    Malformed,
    TooMany(Violation),
}

impl From<DecodeError> for End {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

impl RepeatedField {
    fn item_bytes(&self) -> usize {
        if self.is_map { ENTRY_BYTES } else { ITEM_BYTES }
    }

    fn check(&self, count: usize) -> Result<(), End> {
        match count <= self.max {
            true => Ok(()),
            false => Err(End::TooMany(Violation {
                field: self.name.to_owned(),
                reason: format!("must have at most {} items; it has more", self.max),
            })),
        }
    }
}

/// Counts the items in a message that is at the path `above`. A message that is sent in several
/// parts becomes one, so they count together.
fn count(
    mut message: &[u8],
    above: &mut Vec<u32>,
    fields: &[RepeatedField],
    counts: &mut [usize],
) -> Result<(), End> {
    while message.has_remaining() {
        let (number, wire_type) = decode_key(&mut message)?;
        let content = content(number, wire_type, &mut message)?;
        above.push(number);
        let mut has_inner = false;
        for (field, count) in fields.iter().zip(&mut *counts) {
            if field.numbers == above {
                *count += items(field, wire_type, content);
                field.check(*count)?;
            } else {
                has_inner |= field.numbers.starts_with(above);
            }
        }
        if has_inner && wire_type == WireType::LengthDelimited {
            self::count(content, above, fields, counts)?;
        }
        above.pop();
    }
    Ok(())
}

/// Takes the rest of a field; returns its bytes if it has a length.
fn content<'a>(
    number: u32,
    wire_type: WireType,
    message: &mut &'a [u8],
) -> Result<&'a [u8], DecodeError> {
    if wire_type != WireType::LengthDelimited {
        skip_field(wire_type, number, message, DecodeContext::default())?;
        return Ok(&[]);
    }
    let length = usize::try_from(decode_varint(message)?).unwrap_or(usize::MAX);
    // What is cut off is counted as far as it goes.
    let content = message.split_off(..length.min(message.len()));
    Ok(content.unwrap_or_default())
}

/// How many items one occurrence of a field adds.
fn items(field: &RepeatedField, wire_type: WireType, content: &[u8]) -> usize {
    match field.varints && wire_type == WireType::LengthDelimited {
        // The last byte of a varint has no highest bit.
        true => content.iter().filter(|byte| **byte < 0x80).count(),
        false => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::{
        BatchAssignMailingGroupsRequest, BatchCreateContactsRequest, BatchGetContactsRequest,
        BatchGetMailingGroupsRequest, ImportContactsRequest, UpdateContactRequest,
        WatchChangesRequest, import_contacts_request as import,
    };

    fn refused<T: Message + RepeatedFields>(bytes: &[u8], _: &T) -> Option<String> {
        let checked = check_counts(bytes, T::REPEATED);
        checked
            .err()
            .map(|it| format!("{}: {}", it.field, it.reason))
    }

    fn chunk(contacts: usize) -> ImportContactsRequest {
        let contacts = vec![Contact::default(); contacts];
        let chunk = import::Message::Chunk(import::Chunk { contacts });
        ImportContactsRequest {
            message: Some(chunk),
        }
    }

    #[test]
    fn a_batch_has_at_most_10000_items() {
        let mut request = BatchAssignMailingGroupsRequest::default();
        request.assignments.resize_with(10_000, Default::default);
        assert_eq!(refused(&request.encode_to_vec(), &request), None);
        request.assignments.push(Default::default());
        assert_eq!(
            refused(&request.encode_to_vec(), &request).as_deref(),
            Some("assignments: must have at most 10000 items; it has more")
        );
    }

    #[test]
    fn what_one_message_must_hold_has_at_most_1000_items() {
        let mut contacts = BatchGetContactsRequest::default();
        contacts.ids.resize(1_001, String::new());
        let mut groups = BatchGetMailingGroupsRequest::default();
        groups.codes.resize(1_001, String::new());
        let mut new = BatchCreateContactsRequest::default();
        new.contacts.resize_with(1_001, Default::default);
        for (name, refused) in [
            ("ids", refused(&contacts.encode_to_vec(), &contacts)),
            ("codes", refused(&groups.encode_to_vec(), &groups)),
            ("contacts", refused(&new.encode_to_vec(), &new)),
        ] {
            let reason = format!("{name}: must have at most 1000 items; it has more");
            assert_eq!(refused, Some(reason));
        }
        new.contacts.pop();
        assert_eq!(refused(&new.encode_to_vec(), &new), None);
    }

    #[test]
    fn the_parts_of_a_chunk_count_together() {
        let (large, small) = (chunk(9_999), chunk(1));
        let mut bytes = large.encode_to_vec();
        bytes.extend(small.encode_to_vec());
        assert_eq!(refused(&bytes, &large), None);
        bytes.extend(small.encode_to_vec());
        assert_eq!(
            refused(&bytes, &large).as_deref(),
            Some("chunk.contacts: must have at most 10000 items; it has more")
        );
    }

    #[test]
    fn the_paths_of_a_mask_and_packed_numbers_are_counted() {
        let mask = UpdateContactRequest {
            update_mask: Some(prost_types::FieldMask {
                paths: vec![String::new(); 10_001],
            }),
            ..UpdateContactRequest::default()
        };
        let found = refused(&mask.encode_to_vec(), &mask).expect("refused");
        assert!(found.starts_with("update_mask.paths: "), "{found}");
        let watch = WatchChangesRequest {
            kinds: vec![1_000; 5],
            ..WatchChangesRequest::default()
        };
        let found = refused(&watch.encode_to_vec(), &watch).expect("refused");
        assert!(found.ends_with("kinds: must have at most 4 items; it has more"));
    }

    #[test]
    fn what_cannot_be_decoded_is_counted_as_far_as_it_goes() {
        let mut bytes = vec![];
        for _ in 0..10_001 {
            bytes.extend([0x0a, 0]);
        }
        let request = BatchAssignMailingGroupsRequest::default();
        for end in [&[0x0a, 0x7f][..], &[0xff], &[0x07]] {
            let broken = [&bytes, end].concat();
            assert!(refused(&broken, &request).is_some());
        }
        // A chunk that says to be longer than the message.
        let broken = [&[0x12, 0xff, 0xff, 0x03], &bytes[..]].concat();
        assert!(refused(&broken, &chunk(0)).is_some());
    }
}
