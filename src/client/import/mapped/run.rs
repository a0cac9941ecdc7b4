//! The steps of `import from`: groups, companies, contacts, memberships.

use std::{collections::HashMap, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    MappedArgs, codes,
    mapping::ImportMapping,
    readers::{self, ImportPlan},
    summary,
    survey::{MappedFile, Survey, update_mask},
};
use crate::{
    client::{
        Completion,
        connection::TenantChannel,
        each_page,
        error::Error,
        import::{
            batches::ItemSource, items::ImportItem, rejections::Rejections, report::ImportReport,
            run::OpenImport, upload::UploadItem,
        },
        interruptible,
        terminal::list,
    },
    pb::{
        Assignment, BatchGetContactsRequest, Contact, ListMailingGroupsRequest, MailingGroup,
        contacts_client::ContactsClient, mailing_groups_client::MailingGroupsClient,
    },
};

/// The most entries of a page, and the most contacts of a call.
const PAGE: usize = 1_000;

impl MappedArgs {
    pub(in crate::client::import) async fn run(self) -> Result<Completion, Error> {
        self.flags.check_rejected_folder()?;
        let args = Arc::new(self);
        let reading = Arc::clone(&args);
        let survey = tokio::task::spawn_blocking(move || {
            let mapping = reading.mapping()?;
            let files = reading.open(&mapping)?;
            // The results are indexed by the files, which are sorted.
            let mut by_index = files.clone();
            by_index.sort_by_key(|it| it.file.index());
            let survey = Survey::of(&by_index, reading.flags.dry_run)?;
            Ok::<_, Error>((mapping, files, survey))
        });
        let (mapping, files, survey) = survey.await.expect("reading does not panic")?;
        args.check_codes(&survey)?;
        let import = MappedImport::new(args, &mapping, files, survey).await?;
        summary::report(&import.files, &import.plan, import.args.flags.format)?;
        import.run().await
    }
}

/// An import that is ready to start.
struct MappedImport {
    args: Arc<MappedArgs>,
    files: Vec<MappedFile>,
    plan: Arc<ImportPlan>,
    /// Identifies the files and the mapping.
    fingerprint: String,
    id: String,
    rejected_groups: Rejections,
    rejected_contacts: Rejections,
}

impl MappedImport {
    async fn new(
        args: Arc<MappedArgs>,
        mapping: &ImportMapping,
        files: Vec<MappedFile>,
        mut survey: Survey,
    ) -> Result<Self, Error> {
        let flags = &args.flags;
        let mut incomplete = std::mem::take(&mut survey.incomplete);
        let companies = survey.companies.keys().filter(|_| flags.dry_run);
        incomplete.extend(companies.cloned());
        let (existing, known) = interruptible(async {
            let channel = flags.connection.open().await?;
            let groups = args.groups(channel.clone()).await?;
            Ok((groups, args.known(channel, &incomplete).await?))
        })
        .await?;
        let groups = codes::assign(&survey.groups, &mapping.codes, &existing)?;
        let mut digest = Sha256::new();
        files
            .iter()
            .for_each(|it| digest.update(it.file.fingerprint()));
        digest.update(format!("{mapping:?}"));
        Ok(Self {
            fingerprint: digest
                .finalize()
                .iter()
                .map(|it| format!("{it:02x}"))
                .collect(),
            id: args.upload.id(),
            files,
            plan: Arc::new(ImportPlan {
                survey,
                groups,
                known,
            }),
            rejected_groups: Rejections::default(),
            rejected_contacts: Rejections::default(),
            args,
        })
    }

    async fn run(self) -> Result<Completion, Error> {
        // All destinations of rejected rows are checked before anything is sent.
        for files in self.uploads() {
            self.args.rejected(&files, |_| "")?;
        }
        self.args.rejected(&self.files, memberships_word)?;
        if self.sends_companies() {
            self.args.rejected(&self.files, companies_word)?;
        }
        let mut completion = self.groups().await?;
        completion = completion.and(self.contacts().await?);
        Ok(completion.and(self.memberships().await?))
    }

    async fn groups(&self) -> Result<Completion, Error> {
        let sources = readers::groups(&self.files, &self.plan);
        if sources.is_empty() {
            return Ok(Completion::Complete);
        }
        let word = |it: &MappedFile| match it.bound.mapping.id {
            Some(_) => "groups.",
            None => "",
        };
        let lines = &self.rejected_groups;
        let mut import = self.open::<MailingGroup>(sources, &self.files, word, "", lines)?;
        import.update_mask = vec!["description".to_owned()];
        import.import_groups(&self.args.flags).await
    }

    /// Companies that are made, and the contacts of the files. A dry run has them in one upload: it
    /// knows a company from the same upload only.
    async fn contacts(&self) -> Result<Completion, Error> {
        let mut completion = Completion::Complete;
        let mut companies = vec![ItemSource::Ready(self.plan.company_items())];
        if self.sends_companies() {
            let sources = std::mem::take(&mut companies);
            let (label, lines) = ("companies of persons: ", Rejections::default());
            let mut import = self.open(sources, &self.files, companies_word, label, &lines)?;
            import.update_mask = ["kind", "name"].map(str::to_owned).to_vec();
            completion = completion.and(self.upload::<Contact>(import, ".companies").await?);
        }
        for (number, files) in self.uploads().into_iter().enumerate() {
            let mut sources = std::mem::take(&mut companies);
            sources.extend(files.iter().map(|it| readers::contacts(it, &self.plan)));
            let label = match self.uploads().len() {
                1 => String::new(),
                _ => {
                    let paths: Vec<_> = files
                        .iter()
                        .map(|it| it.path.display().to_string())
                        .collect();
                    format!("{}: ", list(paths.iter().map(String::as_str)))
                }
            };
            let lines = &self.rejected_contacts;
            let mut import = self.open(sources, &files, |_| "", &label, lines)?;
            import.update_mask = update_mask(&files);
            let suffix = format!(".contacts{number}");
            completion = completion.and(self.upload::<Contact>(import, &suffix).await?);
        }
        Ok(completion)
    }

    /// Whether the companies that are made are an upload of their own.
    fn sends_companies(&self) -> bool {
        !self.plan.survey.companies.is_empty() && !self.args.flags.dry_run
    }

    async fn memberships(&self) -> Result<Completion, Error> {
        // Without groups, only a file of nothing but memberships has rows to reject.
        let has_groups = !self.plan.groups.is_empty();
        let files = self.files.iter().filter(|it| it.has_memberships());
        let files: Vec<_> = files
            .filter(|it| has_groups || !it.has_contacts())
            .cloned()
            .collect();
        if files.is_empty() {
            return Ok(Completion::Complete);
        }
        let source = |it| readers::memberships(it, &self.plan, &self.rejected_contacts);
        let sources = files.iter().map(source).collect();
        let lines = Rejections::default();
        let mut import = self.open(sources, &files, memberships_word, "", &lines)?;
        let (contacts, groups) = (self.rejected_contacts.clone(), self.rejected_groups.clone());
        let predict = || readers::predict(&self.plan, contacts, groups);
        import.predict = self.args.flags.dry_run.then(predict);
        self.upload::<Assignment>(import, ".memberships").await
    }

    /// The files with contacts, as they are uploaded together: those with the same fields, as an upload
    /// has one set of them.
    fn uploads(&self) -> Vec<Vec<MappedFile>> {
        let files = self.files.iter().filter(|it| it.has_contacts());
        let files: Vec<_> = files.cloned().collect();
        let is_together = |one: &MappedFile, other: &MappedFile| {
            self.args.flags.dry_run || one.update_mask() == other.update_mask()
        };
        files.chunk_by(is_together).map(<[_]>::to_vec).collect()
    }

    fn open<T: ImportItem>(
        &self,
        sources: Vec<ItemSource<T>>,
        files: &[MappedFile],
        word: impl Fn(&MappedFile) -> &'static str,
        label: &str,
        lines: &Rejections,
    ) -> Result<OpenImport<T>, Error> {
        let flags = &self.args.flags;
        let size = files.iter().map(|it| it.file.size()).sum();
        let rejected = self.args.rejected(files, word)?;
        let report = ImportReport::new(rejected, size, flags.dry_run, flags.format);
        let columns = files.iter().map(|it| {
            let columns = it.bound.columns_of_fields(&it.file.columns());
            (it.file.index(), columns)
        });
        Ok(OpenImport {
            sources,
            fingerprint: self.fingerprint.clone(),
            update_mask: Vec::new(),
            predict: None,
            report: report
                .labelled(label.to_owned(), lines.clone())
                .with_columns(columns.collect()),
        })
    }

    async fn upload<T: UploadItem>(
        &self,
        import: OpenImport<T>,
        suffix: &str,
    ) -> Result<Completion, Error> {
        let (flags, upload) = (&self.args.flags, &self.args.upload);
        import.upload(flags, upload, &self.id, suffix).await
    }
}

fn companies_word(_: &MappedFile) -> &'static str {
    "companies."
}

/// Files with contacts have rejected contacts too.
fn memberships_word(file: &MappedFile) -> &'static str {
    match file.has_contacts() {
        true => "memberships.",
        false => "",
    }
}

impl MappedArgs {
    /// The groups of the tenant.
    async fn groups(&self, channel: TenantChannel) -> Result<Vec<MailingGroup>, Error> {
        let mut client = MailingGroupsClient::new(channel);
        let mut groups = Vec::new();
        each_page(async |page_token| {
            let request = self.flags.connection.unary(ListMailingGroupsRequest {
                page_size: PAGE as i32,
                page_token,
                ..ListMailingGroupsRequest::default()
            });
            let page = client.list_mailing_groups(request).await?.into_inner();
            groups.extend(page.mailing_groups);
            Ok(page.next_page_token)
        })
        .await?;
        Ok(groups)
    }

    /// The contacts of the tenant that have these ids.
    async fn known(
        &self,
        channel: TenantChannel,
        ids: &[String],
    ) -> Result<HashMap<String, Contact>, Error> {
        let mut client = ContactsClient::new(channel);
        let mut known = HashMap::new();
        for ids in ids.chunks(PAGE) {
            let ids = ids.to_vec();
            let request = self.flags.connection.unary(BatchGetContactsRequest { ids });
            let found = client.batch_get_contacts(request).await?.into_inner();
            known.extend(found.contacts.into_iter().map(|it| (it.id.clone(), it)));
        }
        Ok(known)
    }
}
