//! Makes the items of an import of the rows of mapped files.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use super::{
    bound::BoundFile,
    codes::PlannedGroup,
    row::GroupKey,
    survey::{MappedFile, Survey, SurveyedCompany, SurveyedGroup},
};
use crate::{
    client::{
        import::{
            batches::{ItemSource, RowReader},
            columns::{CsvColumns, CsvRow},
            rejections::Rejections,
            upload::{Predict, PredictedOutcome},
        },
        rows,
    },
    pb::{Assignment, Contact, ContactKind, MailingGroup},
};

/// What is to be written.
pub(super) struct ImportPlan {
    pub(super) survey: Survey,
    pub(super) groups: BTreeMap<GroupKey, PlannedGroup>,
    /// In a dry run, contacts of the tenant of which the files lack fields.
    pub(super) known: HashMap<String, Contact>,
}

impl ImportPlan {
    /// The groups, each once.
    pub(super) fn group_items(&self) -> Vec<(MailingGroup, CsvRow)> {
        let mut codes = HashSet::new();
        let groups = self.groups.iter().zip(self.survey.groups.values());
        let groups = groups.filter(|((_, planned), _)| codes.insert(planned.code.clone()));
        let item = |((_, planned), surveyed): ((_, &PlannedGroup), &SurveyedGroup)| {
            let group = MailingGroup {
                code: planned.code.clone(),
                description: planned.description.clone(),
                ..MailingGroup::default()
            };
            (group, surveyed.row.clone())
        };
        groups.map(item).collect()
    }

    /// The companies that are made of names.
    pub(super) fn company_items(&self) -> Vec<(Contact, CsvRow)> {
        let item = |(id, company): (&String, &SurveyedCompany)| {
            let mut contact = Contact {
                id: id.clone(),
                kind: ContactKind::Company.into(),
                name: company.name.clone(),
                ..Contact::default()
            };
            self.complete(&mut contact, &["kind", "name"].map(str::to_owned));
            (contact, company.row.clone())
        };
        self.survey.companies.iter().map(item).collect()
    }

    /// In a dry run, all contacts are sent with the same fields: gives a contact those that its file
    /// lacks, as an import leaves them as they are.
    fn complete(&self, contact: &mut Contact, fields: &[String]) {
        let Some(known) = self.known.get(&contact.id) else {
            return;
        };
        let lacks = |name: &str| fields.iter().all(|it| it != name);
        if lacks("email") {
            contact.email.clone_from(&known.email);
        }
        if lacks("company_id") && contact.kind == known.kind {
            contact.company_id.clone_from(&known.company_id);
        }
        let attributes = known.attributes.iter();
        let attributes = attributes.filter(|(key, _)| lacks(&format!("{}{key}", rows::ATTRIBUTE)));
        let attributes = attributes.map(|(key, value)| (key.clone(), value.clone()));
        contact.attributes.extend(attributes);
    }
}

/// Finds rows that have no group, in a file of nothing else.
struct GroupReader {
    columns: Arc<CsvColumns>,
    bound: Arc<BoundFile>,
}

/// The groups, and what is wrong with the rows of files that have nothing else.
pub(super) fn groups(files: &[MappedFile], plan: &ImportPlan) -> Vec<ItemSource<MailingGroup>> {
    let plain = files.iter().filter(|it| it.bound.mapping.id.is_none());
    let mut sources: Vec<_> = plain
        .map(|it| {
            let reader: Arc<dyn RowReader<_>> = Arc::new(GroupReader {
                columns: it.file.columns(),
                bound: Arc::clone(&it.bound),
            });
            ItemSource::File(Arc::clone(&it.file), reader)
        })
        .collect();
    let items = plan.group_items();
    if !items.is_empty() {
        sources.push(ItemSource::Ready(items));
    }
    sources
}

impl RowReader<MailingGroup> for GroupReader {
    fn items(&self, row: &CsvRow) -> Result<Vec<MailingGroup>, String> {
        let fields = self.columns.fields(row)?;
        match self.bound.leaves_out(&fields) || !self.bound.groups(&fields).is_empty() {
            true => Ok(Vec::new()),
            false => Err("code: must not be empty".to_owned()),
        }
    }
}

/// Reads contacts.
struct ContactReader {
    columns: Arc<CsvColumns>,
    bound: Arc<BoundFile>,
    /// The fields that the file has.
    fields: Vec<String>,
    plan: Arc<ImportPlan>,
}

/// The contacts of a file.
pub(super) fn contacts(file: &MappedFile, plan: &Arc<ImportPlan>) -> ItemSource<Contact> {
    let reader = ContactReader {
        columns: file.file.columns(),
        bound: Arc::clone(&file.bound),
        fields: file.update_mask(),
        plan: Arc::clone(plan),
    };
    ItemSource::File(Arc::clone(&file.file), Arc::new(reader))
}

impl RowReader<Contact> for ContactReader {
    fn items(&self, row: &CsvRow) -> Result<Vec<Contact>, String> {
        let fields = self.columns.fields(row)?;
        let Some(mapping) = &self.bound.mapping.contact else {
            return Ok(Vec::new());
        };
        if self.bound.leaves_out(&fields) {
            return Ok(Vec::new());
        }
        let mut contact = self.bound.contact(mapping, &fields)?;
        self.plan.survey.mark(&mut contact);
        self.plan.complete(&mut contact, &self.fields);
        Ok(vec![contact])
    }
}

/// Reads memberships.
struct MembershipReader {
    columns: Arc<CsvColumns>,
    bound: Arc<BoundFile>,
    plan: Arc<ImportPlan>,
    /// Rows whose contacts were rejected.
    rejected: Rejections,
}

/// The memberships of a file, without those of contacts that were rejected.
pub(super) fn memberships(
    file: &MappedFile,
    plan: &Arc<ImportPlan>,
    rejected: &Rejections,
) -> ItemSource<Assignment> {
    let reader = MembershipReader {
        columns: file.file.columns(),
        bound: Arc::clone(&file.bound),
        plan: Arc::clone(plan),
        rejected: rejected.clone(),
    };
    ItemSource::File(Arc::clone(&file.file), Arc::new(reader))
}

impl RowReader<Assignment> for MembershipReader {
    fn items(&self, row: &CsvRow) -> Result<Vec<Assignment>, String> {
        if self.rejected.has_line(row.file, row.line) {
            return Ok(Vec::new());
        }
        let fields = self.columns.fields(row)?;
        if self.bound.leaves_out(&fields) {
            return Ok(Vec::new());
        }
        let Some(contact_id) = self.bound.id(&fields)? else {
            return Ok(Vec::new());
        };
        let groups = self.bound.groups(&fields);
        if groups.is_empty() && self.bound.mapping.contact.is_none() {
            return Err("code: must not be empty".to_owned());
        }
        let mut codes: Vec<&str> = Vec::new();
        for group in groups {
            let planned = self.plan.groups.get(&group.key);
            let code = planned.map(|it| it.code.as_str());
            codes.extend(code.filter(|code| !codes.contains(code)));
        }
        let assignment = |code: &str| Assignment {
            contact_id: contact_id.clone(),
            code: code.to_owned(),
        };
        Ok(codes.into_iter().map(assignment).collect())
    }
}

/// In a dry run the service knows no contacts and groups of this import: says of which memberships
/// it would.
pub(super) fn predict(
    plan: &Arc<ImportPlan>,
    rejected_contacts: Rejections,
    rejected_groups: Rejections,
) -> Predict<Assignment> {
    let plan = Arc::clone(plan);
    let (hasher, mut seen) = (RandomState::new(), HashSet::new());
    Box::new(move |assignment, reason| {
        let is_accepted = |(file, line)| !rejected_contacts.has_line(file, line);
        let is_new = plan.survey.has_contact(&assignment.contact_id, is_accepted);
        let is_known = match reason.split(':').next() {
            Some("UNKNOWN_CONTACT") => is_new,
            // The service looks for the contact first.
            Some("UNKNOWN_GROUP") => true,
            Some(_) | None => false,
        };
        if !is_known || rejected_groups.has_code(&assignment.code) {
            return PredictedOutcome::Rejected;
        }
        let pair = (&assignment.contact_id, &assignment.code);
        match seen.insert(hasher.hash_one(pair)) {
            true => PredictedOutcome::Created,
            false => PredictedOutcome::Unchanged,
        }
    })
}
