//! Checks a database and prints what is wrong.

use std::io::{self, Write};

use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::{Error, ServedDatabase};
use crate::{
    config::{CheckFormat, CheckOptions},
    store::check::{CheckError, CheckedTenant, Checker, Finding, Invariant},
};

/// What was checked and found.
#[derive(Default)]
struct CheckReport {
    /// What does not belong to one tenant.
    database: Vec<Finding>,
    tenants: Vec<CheckedTenant>,
}

/// Checks the database that the options name, prints the result, and returns whether it is sound.
///
/// # Errors
///
/// If it cannot be checked.
pub async fn check(options: &CheckOptions) -> Result<bool, Error> {
    let database = ServedDatabase::open_existing(&options.database).await?;
    let checked = check_opened(&database, options.tenant.as_deref()).await;
    database.close().await?;
    let report = checked?;
    // stdout may be closed: the exit code is a result too.
    let _ = report.print(options.format);
    Ok(report.is_sound())
}

async fn check_opened(
    database: &ServedDatabase,
    tenant: Option<&str>,
) -> Result<CheckReport, Error> {
    database.require_tables().await?;
    let checked = run(database.url(), tenant).await;
    checked.map_err(|source| Error::Check {
        database: database.name().to_owned(),
        source,
    })
}

async fn run(url: &str, tenant: Option<&str>) -> Result<CheckReport, CheckError> {
    let mut checker = Checker::open(url).await?;
    let mut report = CheckReport::default();
    let names = match tenant {
        Some(name) => vec![name.to_owned()],
        None => checker.tenants().await?,
    };
    // Hidden unless stderr is a terminal.
    let bar = ProgressBar::new_spinner();
    if tenant.is_none() {
        let progress = |step: &str| bar.set_message(step.to_owned());
        report.database = checker.check_database(&progress).await?;
    }
    for (at, name) in names.iter().enumerate() {
        let progress = |step: &str| {
            bar.set_message(format!("{name} ({}/{}): {step}", at + 1, names.len()));
            bar.tick();
        };
        match checker.check_tenant(name.clone(), &progress).await {
            Ok(checked) => report.tenants.push(checked),
            // It was deleted since the names were read.
            Err(CheckError::NoTenant(_)) if tenant.is_none() => {}
            Err(error) => return Err(error),
        }
    }
    bar.finish_and_clear();
    Ok(report)
}

impl CheckReport {
    fn is_sound(&self) -> bool {
        self.database.is_empty() && self.tenants.iter().all(|it| it.findings.is_empty())
    }

    fn print(&self, format: CheckFormat) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match format {
            CheckFormat::Json => writeln!(out, "{}", self.json()),
            CheckFormat::Text => self.print_text(&mut out),
        }
    }

    fn print_text(&self, out: &mut impl Write) -> io::Result<()> {
        if !self.database.is_empty() {
            print_findings(out, "the database", &self.database)?;
        }
        for tenant in &self.tenants {
            let name = match tenant.revision {
                Some(revision) => format!("tenant {} at revision {revision}", tenant.name),
                None => format!("tenant {}", tenant.name),
            };
            print_findings(out, &name, &tenant.findings)?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let tenant = |it: &CheckedTenant| {
            json!({
                "name": it.name,
                "revision": it.revision,
                "findings": findings_json(&it.findings),
            })
        };
        json!({
            "sound": self.is_sound(),
            "findings": findings_json(&self.database),
            "tenants": self.tenants.iter().map(tenant).collect::<Vec<_>>(),
        })
    }
}

fn print_findings(out: &mut impl Write, of: &str, findings: &[Finding]) -> io::Result<()> {
    let verdict = match findings.is_empty() {
        true => "sound",
        false => "NOT SOUND",
    };
    writeln!(out, "{of}: {verdict}")?;
    for finding in findings {
        let Invariant { name, rule } = finding.invariant;
        writeln!(out, "  {name}: {rule}")?;
        for example in &finding.examples {
            writeln!(out, "    {example}")?;
        }
        let more = finding.count - finding.examples.len() as u64;
        if more > 0 {
            writeln!(out, "    and {more} more")?;
        }
    }
    Ok(())
}

fn findings_json(findings: &[Finding]) -> Value {
    let finding = |it: &Finding| {
        json!({
            "check": it.invariant.name,
            "rule": it.invariant.rule,
            "count": it.count,
            "examples": it.examples,
        })
    };
    findings.iter().map(finding).collect()
}
