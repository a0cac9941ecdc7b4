//! Opens the files of an import, and says where their rejected rows go.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    MappedArgs,
    bound::BoundFile,
    conditions::{FlagName, MappedCondition, MappedFlag, MappedGroups},
    mapping::ImportMapping,
    row::GroupKey,
    survey::{MappedFile, Survey},
    values::MappedColumn,
};
use crate::client::{
    error::Error,
    import::{csv_file::CsvFile, rejected::RejectedRows, run::rejected_path},
    terminal::{excerpt, list},
};

/// What stands before `rejected` in the names of files, by the steps of an import.
const REJECTED_WORDS: [&str; 4] = ["", "groups.", "companies.", "memberships."];

impl MappedArgs {
    /// The mapping, with what the flags add to it.
    pub(super) fn mapping(&self) -> Result<ImportMapping, Error> {
        let mut mapping = ImportMapping::of(&self.source)?;
        mapping.codes.extend(self.code.iter().cloned());
        for file in &mut mapping.file {
            let Some(contact) = &mut file.contact else {
                continue;
            };
            file.groups
                .extend(self.group.iter().cloned().map(MappedGroups::Constant));
            let column = |name: &String| MappedGroups::Names {
                column: MappedColumn(vec![name.clone()]),
                separator: None,
            };
            file.groups.extend(self.group_column.iter().map(column));
            let flag = |flag| MappedFlag {
                flag,
                set_if: MappedCondition::Always,
                clear: None,
            };
            let excluded = self
                .exclude_from_segments
                .then_some(FlagName::ExcludeFromSegments);
            contact.flags.extend(excluded.map(flag));
        }
        Ok(mapping)
    }

    /// Opens all files, in the order in which they are imported: those without companies of persons
    /// first, as they may have the companies.
    pub(super) fn open(&self, mapping: &ImportMapping) -> Result<Vec<MappedFile>, Error> {
        let inputs: Vec<_> = self.files.iter().map(|it| resolved(it)).collect();
        let mut taken: HashSet<_> = inputs.iter().cloned().collect();
        let mut files = Vec::new();
        for (index, path) in self.files.iter().enumerate() {
            if inputs[..index].contains(&inputs[index]) {
                let path = path.display();
                return Err(Error::Usage(format!("{path} is named twice")));
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let opened = CsvFile::search(path, index, self.flags.csv.format(), |columns| {
                BoundFile::fit(mapping, &name, columns)
            });
            let (file, (order, bound)) = opened?;
            files.push(MappedFile {
                path: path.clone(),
                file: Arc::new(file),
                bound: Arc::new(bound),
                order,
                rejected_number: self.rejected_number(path, &mut taken),
            });
        }
        let has_company = |it: &MappedFile| it.update_mask().iter().any(|it| it == "company_id");
        files.sort_by_key(|it| (it.order, has_company(it), it.file.index()));
        self.check_flags(&files)?;
        Ok(files)
    }

    /// Refuses flags that concern no file.
    fn check_flags(&self, files: &[MappedFile]) -> Result<(), Error> {
        let flags = [
            (!self.group.is_empty(), "--group"),
            (!self.group_column.is_empty(), "--group-column"),
            (self.exclude_from_segments, "--exclude-from-segments"),
        ];
        let has_contacts = files.iter().any(MappedFile::has_contacts);
        if let Some((_, flag)) = flags.iter().find(|it| it.0 && !has_contacts) {
            return Err(Error::Input(format!(
                "{flag} is for contacts, and no file has any: {}",
                list(files.iter().map(|it| it.bound.mapping.title.as_str()))
            )));
        }
        for name in &self.group_column {
            let column = MappedColumn(vec![name.clone()]);
            if files.iter().any(|it| it.bound.has(&column)) {
                continue;
            }
            let columns: BTreeSet<_> = files
                .iter()
                .filter(|it| it.has_contacts())
                .flat_map(|it| it.file.columns().names().to_vec())
                .collect();
            return Err(Error::Input(format!(
                "no file of contacts has the column `{}` (--group-column); found: {}",
                excerpt(name),
                list(columns.iter().map(String::as_str))
            )));
        }
        Ok(())
    }

    /// Refuses codes for groups that no file names.
    pub(super) fn check_codes(&self, survey: &Survey) -> Result<(), Error> {
        let names: BTreeSet<_> = survey.groups.keys().map(GroupKey::name).collect();
        for (name, _) in &self.code {
            if !names.contains(name.0.as_str()) {
                return Err(Error::Input(format!(
                    "no file has a group `{}` (--code); found: {}",
                    excerpt(&name.0),
                    list(names.iter().copied())
                )));
            }
        }
        Ok(())
    }

    /// Where rejected rows of files go; `word` distinguishes the steps that read the same file.
    pub(super) fn rejected(
        &self,
        files: &[MappedFile],
        word: impl Fn(&MappedFile) -> &'static str,
    ) -> Result<BTreeMap<usize, RejectedRows>, Error> {
        let rejected = |it: &MappedFile| {
            let path = self.rejected_path(&it.path, it.rejected_number, word(it));
            let rejected = RejectedRows::new(path.as_deref(), self.flags.force, &it.path, &it.file);
            Ok((it.file.index(), rejected?))
        };
        files.iter().map(rejected).collect()
    }

    /// A number with which all files of rejected rows of an input are files of their own.
    fn rejected_number(&self, input: &Path, taken: &mut HashSet<PathBuf>) -> usize {
        let paths = |number| {
            let paths = REJECTED_WORDS
                .into_iter()
                .filter_map(move |word| self.rejected_path(input, number, word));
            paths
                .filter(|it| it != Path::new("-"))
                .map(|it| resolved(&it))
        };
        let is_free = |number: &usize| paths(*number).all(|it| !taken.contains(&it));
        let number = (1..).find(is_free).unwrap_or(1);
        taken.extend(paths(number));
        number
    }

    /// The first of several inputs whose files of rejected rows would have the same names has no
    /// number in them.
    fn rejected_path(&self, file: &Path, number: usize, word: &str) -> Option<PathBuf> {
        let path = match number {
            1 => rejected_path(file, word),
            _ => rejected_path(file, &format!("{number}.{word}")),
        };
        match self.flags.rejected.as_deref() {
            None => (!self.flags.dry_run).then_some(path),
            Some(folder) if folder == Path::new("-") => Some(folder.to_owned()),
            Some(folder) => Some(folder.join(path.file_name()?)),
        }
    }
}

/// A path by which files are compared: that of the file, or its name in the folder that will have
/// it.
fn resolved(path: &Path) -> PathBuf {
    let in_folder = || {
        let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
        let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
        Some(folder.join(path.file_name()?))
    };
    let file = fs::canonicalize(path).ok().or_else(in_folder);
    file.unwrap_or_else(|| path.to_owned())
}
