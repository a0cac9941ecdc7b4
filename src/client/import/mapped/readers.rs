//! Makes the items of an import of the rows of mapped files.

use std::{
    collections::{BTreeMap, HashSet},
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
    client::import::{
        batches::{ItemSource, RowReader},
        columns::{CsvColumns, CsvRow},
        rejections::Rejections,
        upload::{Foresee, ForeseenOutcome},
    },
    pb::{Assignment, Contact, ContactKind, MailingGroup},
};

/// What is to be written.
pub(super) struct ImportPlan {
    pub(super) survey: Survey,
    pub(super) groups: BTreeMap<GroupKey, PlannedGroup>,
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

    /// The companies that are made of names, without those with these ids.
    pub(super) fn company_items(&self, known: &HashSet<String>) -> Vec<(Contact, CsvRow)> {
        let companies = self.survey.companies.iter();
        let companies = companies.filter(|(id, _)| !known.contains(*id));
        let item = |(id, company): (&String, &SurveyedCompany)| {
            let contact = Contact {
                id: id.clone(),
                kind: ContactKind::Company.into(),
                name: company.name.clone(),
                ..Contact::default()
            };
            (contact, company.row.clone())
        };
        companies.map(item).collect()
    }
}

/// Reads contacts.
struct ContactReader {
    columns: Arc<CsvColumns>,
    bound: Arc<BoundFile>,
    plan: Arc<ImportPlan>,
}

/// The contacts of a file.
pub(super) fn contacts(file: &MappedFile, plan: &Arc<ImportPlan>) -> ItemSource<Contact> {
    let reader = ContactReader {
        columns: file.file.columns(),
        bound: Arc::clone(&file.bound),
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
        let Some(contact_id) = self.bound.id(&fields)? else {
            return Ok(Vec::new());
        };
        if self.bound.leaves_out(&fields) {
            return Ok(Vec::new());
        }
        let mut codes: Vec<&str> = Vec::new();
        for group in self.bound.groups(&fields) {
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
pub(super) fn foresee(
    plan: &Arc<ImportPlan>,
    rejected_contacts: Rejections,
    rejected_groups: Rejections,
) -> Foresee<Assignment> {
    let plan = Arc::clone(plan);
    let (hasher, mut seen) = (RandomState::new(), HashSet::new());
    Box::new(move |assignment, reason| {
        let line = plan.survey.line_of(&assignment.contact_id);
        let is_new = line.is_some_and(|(file, line)| !rejected_contacts.has_line(file, line));
        let is_known = match reason.split(':').next() {
            Some("UNKNOWN_CONTACT") => is_new,
            // The service looks for the contact first.
            Some("UNKNOWN_GROUP") => true,
            Some(_) | None => false,
        };
        if !is_known || rejected_groups.has_code(&assignment.code) {
            return ForeseenOutcome::Rejected;
        }
        let pair = (&assignment.contact_id, &assignment.code);
        match seen.insert(hasher.hash_one(pair)) {
            true => ForeseenOutcome::Created,
            false => ForeseenOutcome::Unchanged,
        }
    })
}
