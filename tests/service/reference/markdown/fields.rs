//! The fields of a message as a table.

use std::collections::BTreeMap;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

use super::prose::{Prose, anchor, type_link};
use crate::reference::{comment, is_optional};

/// How long a comment is that stands once, if several fields have it.
const LONG: usize = 200;

/// The long comments that several fields of one name have, by the name.
pub(super) struct Fields(BTreeMap<String, String>);

impl Fields {
    pub(super) fn new(messages: &[MessageDescriptor]) -> Self {
        let mut counts = BTreeMap::new();
        for field in messages.iter().flat_map(MessageDescriptor::fields) {
            let about = comment(&field.parent_file(), field.path());
            if about.len() > LONG {
                *counts.entry((field.name().to_owned(), about)).or_default() += 1;
            }
        }
        counts.retain(|_, count: &mut usize| *count > 1);
        Self(counts.into_keys().collect())
    }

    /// The comments that stand once, each under a heading.
    pub(super) fn shared(&self, prose: &Prose) -> Vec<String> {
        let shared = self.0.iter();
        shared
            .map(|(name, about)| format!("### {name}\n\n{}", prose.linked(about)))
            .collect()
    }

    /// The table of a message; a sentence if it has no fields.
    pub(super) fn table(&self, message: &MessageDescriptor, prose: &Prose) -> String {
        let mut rows = String::new();
        let mut fields = message.fields().peekable();
        if fields.peek().is_none() {
            return "It has no fields.".to_owned();
        }
        let mut previous = None;
        for field in fields {
            let choice = field.containing_oneof().filter(|_| !is_optional(&field));
            if let Some(choice) = choice.as_ref().filter(|it| previous.as_ref() != Some(*it)) {
                rows += &choice_row(choice, prose);
            }
            rows += &self.row(&field, choice.is_some(), prose);
            previous = choice;
        }
        format!(
            "| field | type | |\n| --- | --- | --- |\n{}",
            rows.trim_end()
        )
    }

    fn row(&self, field: &FieldDescriptor, is_choice: bool, prose: &Prose) -> String {
        let about = comment(&field.parent_file(), field.path());
        let text = match self.0.get(field.name()) {
            Some(shared) if *shared == about => {
                let start = about.split([':', '.']).next().unwrap_or_default();
                format!("[{start}](#{}).", anchor(field.name()))
            }
            _ => prose.cell(&about),
        };
        let dot = if is_choice { "• " } else { "" };
        format!("| {dot}`{}` | {} | {text} |\n", field.name(), kind(field))
    }
}

/// The row before the fields of which one is set.
fn choice_row(choice: &OneofDescriptor, prose: &Prose) -> String {
    let about = prose.cell(&comment(&choice.parent_file(), choice.path()));
    format!("| `{}` | one of | {about} |\n", choice.name())
}

fn kind(field: &FieldDescriptor) -> String {
    if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        return format!("map of {} to {}", name(&key.kind()), name(&value.kind()));
    }
    let name = name(&field.kind());
    match (field.is_list(), is_optional(field)) {
        (true, _) => format!("repeated {name}"),
        (false, true) => format!("optional {name}"),
        (false, false) => name,
    }
}

fn name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => type_link(message.full_name()),
        Kind::Enum(values) => type_link(values.full_name()),
        scalar => format!("{scalar:?}"),
    }
}
