//! Comments as Markdown: names of calls, messages and reasons become links.

use std::{collections::HashMap, sync::LazyLock};

use prost_reflect::{EnumDescriptor, MessageDescriptor, ServiceDescriptor};
use regex::{Captures, Regex};
use tonic::Code;

use super::{REASONS, short};

/// What the values of the reasons begin with.
pub(super) const REASON: &str = "ERROR_REASON_";

/// Code, or a word.
static WORD: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"`[^`]*`|\w+").unwrap());

/// A document of the project.
static DOCUMENT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^`docs/(\w+\.md)`$").unwrap());

/// The names that have a place in the document, with its anchor.
pub(super) struct Prose(HashMap<String, String>);

impl Prose {
    pub(super) fn new(
        services: &[ServiceDescriptor],
        messages: &[MessageDescriptor],
        enums: &[EnumDescriptor],
    ) -> Self {
        let methods = services.iter().flat_map(ServiceDescriptor::methods);
        let names = methods.map(|it| it.name().to_owned());
        let names = names.chain(messages.iter().map(|it| it.name().to_owned()));
        let names = names.chain(enums.iter().map(|it| it.name().to_owned()));
        // Others, such as `Contact`, are words too.
        let names = names.filter(|it| it.matches(char::is_uppercase).count() > 1);
        let mut anchors: HashMap<_, _> = names.map(|it| (it.clone(), anchor(&it))).collect();
        let reasons = enums.iter().find(|it| it.name() == REASONS).unwrap();
        for value in reasons.values() {
            let name = value.name().trim_start_matches(REASON);
            // `NOT_FOUND` is the code more often than the reason.
            if name.contains('_') && !is_code(name) {
                anchors.insert(name.to_owned(), anchor(name));
            }
        }
        anchors.insert(REASONS.to_owned(), "error-reasons".to_owned());
        Self(anchors)
    }

    /// The comment with links.
    pub(super) fn linked(&self, text: &str) -> String {
        let link = |word: &Captures<'_>| {
            let word = &word[0];
            if let Some(document) = DOCUMENT.captures(word) {
                return format!("[{0}]({0})", &document[1]);
            }
            match self.0.get(word) {
                Some(anchor) => format!("[{word}](#{anchor})"),
                None => word.to_owned(),
            }
        };
        WORD.replace_all(text, link).into_owned()
    }

    /// The comment in a cell of a table.
    pub(super) fn cell(&self, comment: &str) -> String {
        let text = comment.replace("\n\n", "<br>").replace('\n', " ");
        self.linked(&text).replace('|', "\\|")
    }
}

/// Whether it is the name of a code of gRPC.
fn is_code(name: &str) -> bool {
    let spelled = |code: Code| format!("{code:?}").to_uppercase();
    (0..17).any(|it| spelled(Code::from(it)) == name.replace('_', ""))
}

/// The anchor of a heading.
pub(super) fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace('.', "").replace(' ', "-")
}

/// A link to a message or an enum.
pub(super) fn type_link(full_name: &str) -> String {
    let google = "https://protobuf.dev/reference/protobuf/google.protobuf";
    match full_name {
        "google.protobuf.Timestamp" => format!("[Timestamp]({google}/#timestamp)"),
        "google.protobuf.FieldMask" => format!("[FieldMask]({google}/#field-mask)"),
        name => {
            let last = name.rsplit('.').next().unwrap_or(name);
            format!("[{last}](#{})", anchor(short(name)))
        }
    }
}
