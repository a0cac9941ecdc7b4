//! The steps of `import from`: groups, companies, contacts, memberships.

use std::{collections::HashSet, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    MappedArgs, codes,
    mapping::ImportMapping,
    readers::{self, ImportPlan},
    summary,
    survey::{MappedFile, Survey},
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
    /// In a dry run the companies to be made that exist.
    known_companies: HashSet<String>,
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
        survey: Survey,
    ) -> Result<Self, Error> {
        let flags = &args.flags;
        let (existing, known_companies) = interruptible(async {
            let channel = flags.connection.open().await?;
            let groups = args.groups(channel.clone()).await?;
            let ids = survey.companies.keys().filter(|_| flags.dry_run);
            let companies = args.known(channel, ids.cloned().collect()).await?;
            Ok((groups, companies))
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
            plan: Arc::new(ImportPlan { survey, groups }),
            known_companies,
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
        let items = self.plan.group_items();
        if items.is_empty() {
            return Ok(Completion::Complete);
        }
        let word = |it: &MappedFile| match it.bound.mapping.id {
            Some(_) => "groups.",
            None => "",
        };
        let sources = vec![ItemSource::Ready(items)];
        let lines = &self.rejected_groups;
        let mut import = self.open::<MailingGroup>(sources, &self.files, word, "", lines)?;
        import.update_mask = vec!["description".to_owned()];
        import.import_groups(&self.args.flags).await
    }

    /// Companies that are made, and the contacts of each file, so that each has its own fields. A
    /// dry run has them in one upload: it knows a company from the same upload only.
    async fn contacts(&self) -> Result<Completion, Error> {
        let mut completion = Completion::Complete;
        let companies = self.plan.company_items(&self.known_companies);
        let mut companies = vec![ItemSource::Ready(companies)];
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
                _ => format!("{}: ", files[0].path.display()),
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
        let files = self.files.iter().filter(|it| it.has_memberships());
        let files: Vec<_> = files.cloned().collect();
        if files.is_empty() {
            return Ok(Completion::Complete);
        }
        let source = |it| readers::memberships(it, &self.plan, &self.rejected_contacts);
        let sources = files.iter().map(source).collect();
        let lines = Rejections::default();
        let mut import = self.open(sources, &files, memberships_word, "", &lines)?;
        let (contacts, groups) = (self.rejected_contacts.clone(), self.rejected_groups.clone());
        let foresee = || readers::foresee(&self.plan, contacts, groups);
        import.foresee = self.args.flags.dry_run.then(foresee);
        self.upload::<Assignment>(import, ".memberships").await
    }

    /// The files with contacts, as they are uploaded together.
    fn uploads(&self) -> Vec<Vec<MappedFile>> {
        let files = self.files.iter().filter(|it| it.has_contacts());
        let files: Vec<_> = files.cloned().collect();
        let at_once = match self.args.flags.dry_run {
            true => files.len().max(1),
            false => 1,
        };
        files.chunks(at_once).map(<[MappedFile]>::to_vec).collect()
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
        Ok(OpenImport {
            sources,
            fingerprint: self.fingerprint.clone(),
            update_mask: Vec::new(),
            foresee: None,
            report: report.labelled(label.to_owned(), lines.clone()),
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

/// The fields that any of the files has.
fn update_mask(files: &[MappedFile]) -> Vec<String> {
    let mut mask = Vec::new();
    for file in files {
        let contact = file.bound.mapping.contact.iter();
        mask.extend(contact.flat_map(|it| file.bound.update_mask(it)));
    }
    mask.sort();
    mask.dedup();
    mask
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

    /// Those of the ids that contacts have.
    async fn known(
        &self,
        channel: TenantChannel,
        ids: Vec<String>,
    ) -> Result<HashSet<String>, Error> {
        let mut client = ContactsClient::new(channel);
        let mut known = HashSet::new();
        for ids in ids.chunks(PAGE) {
            let ids = ids.to_vec();
            let request = self.flags.connection.unary(BatchGetContactsRequest { ids });
            let found = client.batch_get_contacts(request).await?.into_inner();
            known.extend(found.contacts.into_iter().map(|it| it.id));
        }
        Ok(known)
    }
}
