//! Imports groups with concurrent unary calls: there are few groups, and no import RPC for them.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, stream::FuturesOrdered};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{
    ImportFlags,
    batches::{self, ItemSource},
    columns::CsvRow,
    report::{ImportCounts, ImportReport},
};
use crate::{
    client::{
        connection::TenantChannel,
        error::{Error, reason},
    },
    model::{Code as GroupCode, Description, InvalidValue},
    pb::{
        CreateMailingGroupRequest, GetMailingGroupRequest, MailingGroup, UpdateMailingGroupRequest,
        mailing_groups_client::MailingGroupsClient,
    },
};

/// The limit of calls in flight.
const MAX_CALLS: usize = 32;

/// Creates groups, or updates the descriptions of existing ones.
pub(super) async fn import(
    channel: TenantChannel,
    flags: &ImportFlags,
    (sources, has_description): (Vec<ItemSource<MailingGroup>>, bool),
    report: &mut ImportReport,
) -> Result<ImportCounts, Error> {
    let client = GroupClient {
        client: MailingGroupsClient::new(channel),
        flags,
        has_description,
    };
    let mut groups = GroupImport::new(report);
    let mut calls = FuturesOrdered::new();
    let mut batches = batches::read(sources, MAX_CALLS);
    while let Some(batch) = batches.recv().await {
        let batch = batch?;
        groups.report.unsent(&batch)?;
        for (group, row) in batch.items.into_iter().zip(batch.rows) {
            let code = GroupCode::normalize(&group.code);
            // The last row of a code wins, so it waits for earlier rows of that code.
            while calls.len() >= MAX_CALLS || groups.in_flight.contains(&code) {
                groups.complete(calls.next().await)?;
            }
            groups.in_flight.insert(code.clone());
            let description = group.description.clone();
            let earlier = groups.earlier.insert(code.clone(), description);
            let put = client.clone().put(group, earlier);
            calls.push_back(async move { (code, row, put.await) });
        }
    }
    while !calls.is_empty() {
        groups.complete(calls.next().await)?;
    }
    Ok(groups.counts)
}

/// The result of a row. Changes have their revision.
enum GroupOutcome {
    Created(i64),
    Updated(i64),
    Unchanged,
    Rejected(String),
}

struct GroupImport<'a> {
    report: &'a mut ImportReport,
    counts: ImportCounts,
    /// The normal forms of the codes in flight.
    in_flight: HashSet<String>,
    /// The last description of each code: a dry run does not store it.
    earlier: HashMap<String, String>,
}

impl<'a> GroupImport<'a> {
    fn new(report: &'a mut ImportReport) -> Self {
        Self {
            report,
            counts: ImportCounts {
                updated: Some(0),
                ..ImportCounts::default()
            },
            in_flight: HashSet::new(),
            earlier: HashMap::new(),
        }
    }

    /// Handles the result of a call.
    fn complete(
        &mut self,
        done: Option<(String, CsvRow, Result<GroupOutcome, Status>)>,
    ) -> Result<(), Error> {
        let Some((code, row, outcome)) = done else {
            return Ok(());
        };
        self.in_flight.remove(&code);
        let counts = &mut self.counts;
        match outcome? {
            GroupOutcome::Created(revision) => {
                counts.created += 1;
                counts.revision = counts.revision.max(revision);
            }
            GroupOutcome::Updated(revision) => {
                *counts.updated.get_or_insert(0) += 1;
                counts.revision = counts.revision.max(revision);
            }
            GroupOutcome::Unchanged => counts.unchanged += 1,
            GroupOutcome::Rejected(reason) => {
                counts.rejected += 1;
                self.report.reject_group(code, &row, &reason)?;
            }
        }
        self.report.acknowledge(self.counts.committed(), row.bytes);
        Ok(())
    }
}

#[derive(Clone)]
struct GroupClient<'a> {
    client: MailingGroupsClient<TenantChannel>,
    flags: &'a ImportFlags,
    /// Whether the file has descriptions; else those of existing groups stay.
    has_description: bool,
}

impl GroupClient<'_> {
    /// Creates or updates a group. If the row is invalid, the import continues.
    async fn put(
        mut self,
        group: MailingGroup,
        earlier: Option<String>,
    ) -> Result<GroupOutcome, Status> {
        let outcome = match self.flags.dry_run {
            true => self.check(group, earlier).await,
            false => self.create_or_update(group).await,
        };
        match outcome {
            Err(status) if status.code() == Code::InvalidArgument || is_former(&status) => {
                Ok(GroupOutcome::Rejected(reason(&status)))
            }
            outcome => outcome,
        }
    }

    async fn create_or_update(&mut self, group: MailingGroup) -> Result<GroupOutcome, Status> {
        let request = self.flags.connection.unary(CreateMailingGroupRequest {
            mailing_group: Some(group.clone()),
            request_id: String::new(),
            reuse_former: self.flags.reuse_former,
        });
        match self.client.create_mailing_group(request).await {
            Ok(created) => Ok(GroupOutcome::Created(created.into_inner().revision)),
            Err(taken) if taken.code() == Code::AlreadyExists && !is_former(&taken) => {
                self.update(group).await
            }
            Err(status) => Err(status),
        }
    }

    /// Updates the description of an existing group, if it differs.
    async fn update(&mut self, group: MailingGroup) -> Result<GroupOutcome, Status> {
        let found = self.get(&group.code).await?;
        if !self.has_description || found.description == group.description {
            return Ok(GroupOutcome::Unchanged);
        }
        let request = self.flags.connection.unary(UpdateMailingGroupRequest {
            mailing_group: Some(group),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["description".to_owned()],
            }),
            ..UpdateMailingGroupRequest::default()
        });
        let updated = self.client.update_mailing_group(request).await?;
        let updated = updated.into_inner();
        let etag = updated.mailing_group.map(|it| it.etag);
        // The service may find the descriptions equal, such as after trimming.
        match etag.as_ref() == Some(&found.etag) {
            true => Ok(GroupOutcome::Unchanged),
            false => Ok(GroupOutcome::Updated(updated.revision)),
        }
    }

    /// The outcome that the row would have, by the rules of the service.
    async fn check(
        &mut self,
        group: MailingGroup,
        earlier: Option<String>,
    ) -> Result<GroupOutcome, Status> {
        let rejected = |field, it| GroupOutcome::Rejected(format!("mailing_group.{field}: {it}"));
        let code: GroupCode = match group.code.parse() {
            Ok(code) => code,
            Err(invalid) => return Ok(rejected("code", InvalidValue::to_string(&invalid))),
        };
        let description: Description = match group.description.parse() {
            Ok(description) => description,
            Err(invalid) => return Ok(rejected("description", InvalidValue::to_string(&invalid))),
        };
        let found = match (earlier, self.get(code.as_str()).await) {
            (Some(earlier), _) => Some(earlier),
            (None, Ok(found)) => Some(found.description),
            (None, Err(status)) if is_former(&status) && !self.flags.reuse_former => {
                return Err(status);
            }
            (None, Err(status)) if status.code() == Code::NotFound => None,
            (None, Err(status)) => return Err(status),
        };
        Ok(match found {
            None => GroupOutcome::Created(0),
            Some(_) if !self.has_description => GroupOutcome::Unchanged,
            Some(found) if found == description.as_str() => GroupOutcome::Unchanged,
            Some(_) => GroupOutcome::Updated(0),
        })
    }

    async fn get(&mut self, code: &str) -> Result<MailingGroup, Status> {
        let code = code.to_owned();
        let request = self.flags.connection.unary(GetMailingGroupRequest { code });
        let found = self.client.get_mailing_group(request).await?.into_inner();
        Ok(found.mailing_group.unwrap_or_default())
    }
}

/// Whether the code is a former one of another group.
fn is_former(status: &Status) -> bool {
    let info = status.get_details_error_info();
    info.is_some_and(|it| it.reason == "MAILING_GROUP_RENAMED")
}
