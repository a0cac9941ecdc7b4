//! A mapping: what the columns of another tool's files mean. Built-in mappings and those of users
//! are TOML of the same form, which docs/coming-from.md describes.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use toml::Spanned;

use super::{
    file_mapping::{FileMapping, check_title},
    values::{GroupName, MappedCode},
};
use crate::client::{
    error::Error,
    terminal::{excerpt, list},
};

/// The built-in mappings, by the names of their sources.
const BUILT_IN: [(&str, &str); 4] = [
    (
        "business-central",
        include_str!("mappings/business-central.toml"),
    ),
    ("hubspot", include_str!("mappings/hubspot.toml")),
    ("listmonk", include_str!("mappings/listmonk.toml")),
    ("mailchimp", include_str!("mappings/mailchimp.toml")),
];

/// What the files of a source mean.
#[derive(Debug, Clone)]
pub(super) struct ImportMapping {
    /// The source, for people.
    pub(super) title: String,
    /// Between the entries of a list in a cell.
    pub(super) separator: char,
    /// Before a separator that belongs to an entry.
    pub(super) escape: Option<char>,
    /// The codes of groups, by their names in the source.
    pub(super) codes: BTreeMap<GroupName, MappedCode>,
    /// The kinds of files, in the order in which they are imported.
    pub(super) file: Vec<FileMapping>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingTable {
    title: String,
    separator: Option<Spanned<char>>,
    escape: Option<Spanned<char>>,
    #[serde(default)]
    codes: BTreeMap<GroupName, MappedCode>,
    file: Vec<Spanned<FileMapping>>,
}

impl ImportMapping {
    /// The mapping of a built-in source, or that of a file.
    pub(super) fn of(source: &str) -> Result<Self, Error> {
        if let Some((_, text)) = BUILT_IN.iter().find(|(name, _)| *name == source) {
            return Self::parse(source, text);
        }
        // Else the files that follow were meant, and the source was forgotten.
        let is_mapping = Path::new(source).extension().is_some_and(|it| it == "toml");
        if !is_mapping {
            return Err(Error::Usage(format!(
                "`{}` is no source; pass {} or a mapping such as FILE.toml",
                excerpt(source),
                sources()
            )));
        }
        let text = fs::read_to_string(source).map_err(|it| Error::file("read", source, it))?;
        Self::parse(source, &text)
    }

    /// The text of a built-in mapping.
    pub(super) fn text_of(source: &str) -> Result<&'static str, Error> {
        let found = BUILT_IN.iter().find(|(name, _)| *name == source);
        let unknown = || {
            let source = excerpt(source);
            Error::Usage(format!("`{source}` is no source; pass {}", sources()))
        };
        found.map(|(_, text)| *text).ok_or_else(unknown)
    }

    fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let wrong = |problem: String| Error::Input(format!("{name}: {problem}"));
        let table: Result<MappingTable, _> = toml::from_str(text);
        let table = table.map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        table.check(text).map_err(wrong)?;
        Ok(Self {
            title: table.title,
            separator: table.separator.map_or(',', Spanned::into_inner),
            escape: table.escape.map(Spanned::into_inner),
            codes: table.codes,
            file: table.file.into_iter().map(Spanned::into_inner).collect(),
        })
    }
}

impl MappingTable {
    /// Refuses what contradicts other parts of the mapping.
    fn check(&self, text: &str) -> Result<(), String> {
        check_title(&self.title)?;
        if self.file.is_empty() {
            return Err("it needs a [[file]]".to_owned());
        }
        let separator = self.separator.as_ref().map_or(',', |it| *it.get_ref());
        let quote = self.separator.iter().find(|it| *it.get_ref() == '"');
        if let Some(separator) = quote {
            let line = line_of(text, separator.span().start);
            return Err(format!(
                "line {line}: `separator` is no quote, as entries may be quoted"
            ));
        }
        let same = self.escape.iter().find(|it| *it.get_ref() == separator);
        if let Some(escape) = same {
            let line = line_of(text, escape.span().start);
            return Err(format!(
                "line {line}: `escape` is another character than the separator"
            ));
        }
        for (index, file) in self.file.iter().enumerate() {
            let needed = file.get_ref().required_names();
            let same = |it: &&Spanned<FileMapping>| it.get_ref().required_names() == needed;
            if let Some(earlier) = self.file[..index].iter().find(same) {
                let line = line_of(text, file.span().start);
                let (title, earlier) = (&file.get_ref().title, &earlier.get_ref().title);
                return Err(format!(
                    "line {line}: [[file]] `{}` needs the same columns as `{}`, so no file would be \
                     one; name a column in `requires` by which it is recognised",
                    excerpt(title),
                    excerpt(earlier)
                ));
            }
        }
        Ok(())
    }
}

/// The line of a place in a text.
fn line_of(text: &str, place: usize) -> usize {
    1 + text.bytes().take(place).filter(|it| *it == b'\n').count()
}

fn sources() -> String {
    list(BUILT_IN.map(|(name, _)| name))
}

#[cfg(test)]
mod tests;
