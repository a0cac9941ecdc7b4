//! Says what the files have and what is made of it.

use super::{
    codes::PlannedGroup,
    conditions::FlagName,
    readers::ImportPlan,
    row::GroupKey,
    survey::{FileCounts, MappedFile},
};
use crate::client::{
    error::Error,
    import::SummaryFormat,
    terminal::{self, excerpt, list, pluralize},
};

/// Companies that are named.
const COMPANIES: usize = 20;

/// Prints what was found; beside summaries for programs it is a message. The groups are all named:
/// their codes are what people work with.
pub(super) fn report(
    files: &[MappedFile],
    plan: &ImportPlan,
    format: SummaryFormat,
) -> Result<(), Error> {
    let mut lines: Vec<_> = files
        .iter()
        .map(|it| file_line(it, plan.survey.files[it.file.index()]))
        .collect();
    lines.extend(flag_line(plan));
    lines.extend(company_lines(plan));
    lines.extend(group_lines(files, plan));
    match format {
        SummaryFormat::Text => terminal::print(&lines.join("\n")),
        SummaryFormat::Json => {
            lines.iter().for_each(|it| terminal::message(it));
            Ok(())
        }
    }
}

fn file_line(file: &MappedFile, counts: FileCounts) -> String {
    let columns = file.file.columns();
    let ignored: Vec<_> = file
        .bound
        .ignored(&columns)
        .into_iter()
        .map(excerpt)
        .collect();
    let mut line = format!(
        "{}: {}, {}",
        file.path.display(),
        file.bound.mapping.title,
        pluralize(counts.rows, "row", "rows")
    );
    if counts.left_out > 0 {
        line += &format!(", {} left out by the mapping", counts.left_out);
    }
    if !ignored.is_empty() {
        let names = list(ignored.iter().map(String::as_str));
        line += &format!("; not imported: {names}");
    }
    let repeated: Vec<_> = file
        .bound
        .repeated(&columns)
        .into_iter()
        .map(excerpt)
        .collect();
    if !repeated.is_empty() {
        let names = list(repeated.iter().map(String::as_str));
        line += &format!("; several columns are named {names}: the first is imported");
    }
    let flags = file.bound.missing_flags().join(", ");
    if !flags.is_empty() {
        line += &format!("; no column says whom to mark with {flags}");
    }
    line
}

fn flag_line(plan: &ImportPlan) -> Option<String> {
    let counts = plan.survey.flag_counts().into_iter().zip(FlagName::ALL);
    let counts = counts.filter(|(count, _)| *count > 0);
    let names: Vec<_> = counts
        .map(|(count, flag)| format!("{count} {}", flag.name()))
        .collect();
    (!names.is_empty()).then(|| format!("marked contacts: {}", names.join(", ")))
}

fn company_lines(plan: &ImportPlan) -> Vec<String> {
    let companies = &plan.survey.companies;
    if companies.is_empty() {
        return Vec::new();
    }
    let count = i64::try_from(companies.len()).unwrap_or(i64::MAX);
    let count = pluralize(count, "company is", "companies are");
    let mut lines = vec![format!("{count} made of the column of persons:")];
    let named = companies.iter().take(COMPANIES);
    lines.extend(named.map(|(id, company)| format!("  {id}  {}", excerpt(&company.name))));
    let more = companies.len().saturating_sub(COMPANIES);
    lines.extend((more > 0).then(|| format!("  and {more} more")));
    lines
}

fn group_lines(files: &[MappedFile], plan: &ImportPlan) -> Vec<String> {
    if plan.groups.is_empty() {
        let has_contacts = files.iter().any(MappedFile::has_contacts);
        let hint = "no groups: --group NAME gives one to all contacts, and --group-column COLUMN reads \
                    their names";
        return has_contacts.then(|| hint.to_owned()).into_iter().collect();
    }
    let mut lines = vec!["codes of the groups:".to_owned()];
    for ((key, planned), surveyed) in plan.groups.iter().zip(plan.survey.groups.values()) {
        lines.push(group_line(key, planned, surveyed.memberships));
    }
    if plan.groups.values().any(|it| it.taken.is_some()) {
        lines.push("  --code 'NAME=CODE' chooses another code".to_owned());
    }
    lines
}

fn group_line(key: &GroupKey, planned: &PlannedGroup, memberships: i64) -> String {
    let (name, description) = (key.name(), planned.description.as_str());
    let described = match name == description {
        true => excerpt(name),
        false => format!("{}: {}", excerpt(name), excerpt(description)),
    };
    let state = match &planned.existing {
        None => "new".to_owned(),
        Some(existing) if existing == description => "exists".to_owned(),
        Some(existing) => format!("exists, was: {}", excerpt(existing)),
    };
    let memberships = pluralize(memberships, "membership", "memberships");
    let taken = planned.taken.as_ref();
    let taken = taken.map(|code| format!("; another group has {code}"));
    let taken = taken.unwrap_or_default();
    format!(
        "  {:11}  {described} ({state}, {memberships}{taken})",
        planned.code
    )
}
