//! Opens the files of an import, and says where their rejected rows go.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    MappedArgs,
    bound::BoundFile,
    conditions::{FlagName, MappedCondition, MappedFlag, MappedGroups},
    mapping::ImportMapping,
    row::GroupKey,
    rules::MappedColumn,
    survey::{MappedFile, Survey},
};
use crate::client::{
    error::Error,
    import::{csv_file::CsvFile, rejected::RejectedRows, run::rejected_path},
    terminal::{excerpt, list},
};

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
                clear: Vec::new(),
            };
            let excluded = self
                .exclude_from_segments
                .then_some(FlagName::ExcludeFromSegments);
            contact.flags.extend(excluded.map(flag));
        }
        Ok(mapping)
    }

    /// Opens all files, in the order in which they are imported.
    pub(super) fn open(&self, mapping: &ImportMapping) -> Result<Vec<MappedFile>, Error> {
        let format = self.flags.format();
        let mut files = Vec::new();
        for (index, path) in self.files.iter().enumerate() {
            if self.files[..index].contains(path) {
                let path = path.display();
                return Err(Error::Usage(format!("{path} is named twice")));
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let opened = CsvFile::search(path, index, format, |columns| {
                BoundFile::fit(mapping, &name, columns)
            });
            let (file, (order, bound)) = opened?;
            files.push(MappedFile {
                path: path.clone(),
                file: Arc::new(file),
                bound: Arc::new(bound),
                order,
            });
        }
        files.sort_by_key(|it| (it.order, it.file.index()));
        self.check_group_columns(&files)?;
        Ok(files)
    }

    /// Refuses a column of groups that no file has.
    fn check_group_columns(&self, files: &[MappedFile]) -> Result<(), Error> {
        for name in &self.group_column {
            let column = MappedColumn(vec![name.clone()]);
            if files.iter().any(|it| it.bound.has(&column)) {
                continue;
            }
            let columns: BTreeSet<_> = files
                .iter()
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
            if !names.contains(name.as_str()) {
                return Err(Error::Input(format!(
                    "no file has a group `{}` (--code); found: {}",
                    excerpt(name),
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
            let path = self.rejected_path(&it.path, word(it));
            let rejected = RejectedRows::new(path.as_deref(), self.flags.force, &it.path, &it.file);
            Ok((it.file.index(), rejected?))
        };
        files.iter().map(rejected).collect()
    }

    fn rejected_path(&self, file: &Path, word: &str) -> Option<PathBuf> {
        let path = rejected_path(file, word);
        match self.flags.rejected.as_deref() {
            None => (!self.flags.dry_run).then_some(path),
            Some(folder) if folder == Path::new("-") => Some(folder.to_owned()),
            Some(folder) => Some(folder.join(path.file_name()?)),
        }
    }
}
