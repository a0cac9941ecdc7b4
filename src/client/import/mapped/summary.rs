//! Says what the files have and what is made of it.

use super::{
    readers::ImportPlan,
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
    lines.extend(group_lines(plan));
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
    line
}

fn flag_line(plan: &ImportPlan) -> Option<String> {
    let [excluded, blocked] = plan.survey.flag_counts();
    let names = [
        (excluded, "exclude_from_segments"),
        (blocked, "privacy_blocked"),
    ];
    let names = names.into_iter().filter(|(count, _)| *count > 0);
    let names: Vec<_> = names
        .map(|(count, name)| format!("{count} {name}"))
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

fn group_lines(plan: &ImportPlan) -> Vec<String> {
    if plan.groups.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["codes of the groups:".to_owned()];
    for ((key, planned), surveyed) in plan.groups.iter().zip(plan.survey.groups.values()) {
        let name = key.name();
        let state = if planned.exists { "exists" } else { "new" };
        let rows = pluralize(surveyed.memberships, "membership", "memberships");
        let taken = planned.taken.as_ref();
        let taken = taken.map(|code| format!("; another group has {code}"));
        lines.push(format!(
            "  {:11}  {} ({state}, {rows}{})",
            planned.code,
            excerpt(name),
            taken.unwrap_or_default()
        ));
    }
    lines
}
