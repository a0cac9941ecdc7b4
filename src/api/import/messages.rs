//! The messages of both imports.

use crate::{
    api::{contact_fields::ContactFields, field::Field},
    domain::{Error, Result, Violation, imports::ImportSource},
    model::ImportKind,
};

/// The most bytes of a fingerprint.
const MAX_FINGERPRINT: usize = 128;

/// One message of an upload.
pub(in crate::api) enum Message<Items> {
    /// Starts the import.
    Start(UploadStart),
    /// Carries items that are committed together.
    Chunk(Items),
    /// Closes it.
    Finish,
    /// A message without content.
    Empty,
    /// There are no more messages.
    End,
}

impl<Items> Message<Items> {
    /// The field that the message sets.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Chunk(_) => "chunk",
            Self::Finish => "finish",
            Self::Empty | Self::End => "message",
        }
    }
}

/// How an upload starts.
pub(in crate::api) struct UploadStart {
    pub(super) import_id: String,
    /// How many items the caller has results for.
    pub(super) known_count: i64,
    pub(super) fingerprint: String,
    pub(super) update_mask: Option<prost_types::FieldMask>,
    pub(super) validate_only: bool,
    pub(super) reuse_former: bool,
}

/// How the items of an upload are read.
#[derive(Debug, Clone)]
pub(in crate::api) struct ItemOptions {
    /// The fields that count.
    pub(super) fields: ContactFields,
    /// Whether new contacts may take the ids of merged ones.
    pub(super) reuse_former: bool,
}

impl UploadStart {
    /// How the items are read, and what the import is bound to.
    pub(super) fn read(&self, kind: ImportKind) -> Result<(ItemOptions, ImportSource)> {
        if self.known_count < 0 {
            return Err(Error::invalid("start.known_count", "must not be negative"));
        }
        check_fingerprint(&self.fingerprint)?;
        let fields = ContactFields::of_mask(self.update_mask.as_ref(), "start.update_mask")?;
        let source = ImportSource {
            kind,
            fingerprint: self.fingerprint.clone(),
            update_mask: fields.text(),
        };
        let options = ItemOptions {
            fields,
            reuse_former: self.reuse_former,
        };
        Ok((options, source))
    }
}

fn check_fingerprint(text: &str) -> Result<(), Violation> {
    let length = text.len();
    if text.contains('\0') {
        // PostgreSQL text cannot contain NUL.
        Err("must not hold NUL".to_owned())
    } else if length > MAX_FINGERPRINT {
        Err(format!(
            "must have at most {MAX_FINGERPRINT} bytes; it has {length}"
        ))
    } else {
        Ok(())
    }
    .field("start.fingerprint")
}
