//! Imports groups with concurrent unary calls: there are few groups, and no import RPC for them.

use std::collections::HashSet;

use futures_util::{StreamExt, stream::FuturesOrdered};
use tonic::{Code, Status};

use super::{
    batches::{self, ImportBatch},
    columns::CsvRow,
    csv_file::CsvFile,
    report::{ImportCounts, ImportReport},
};
use crate::{
    client::{
        connection::{ConnectionArgs, TenantChannel},
        error::{Error, reason},
    },
    model::Code as GroupCode,
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
    connection: &ConnectionArgs,
    file: CsvFile,
    report: &mut ImportReport,
) -> Result<ImportCounts, Error> {
    let client = GroupClient {
        client: MailingGroupsClient::new(channel),
        connection,
    };
    let mut groups = GroupImport::new(report);
    let mut calls = FuturesOrdered::new();
    let mut batches = batches::read::<MailingGroup>(file, MAX_CALLS);
    while let Some(batch) = batches.recv().await {
        let ImportBatch {
            items,
            rows,
            unreadable,
            ..
        } = batch?;
        groups.report.unreadable(&unreadable)?;
        for (group, row) in items.into_iter().zip(rows) {
            let code = GroupCode::normalize(&group.code);
            // The last row of a code wins, so it waits for earlier rows of that code.
            while calls.len() >= MAX_CALLS || groups.in_flight.contains(&code) {
                groups.complete(calls.next().await)?;
            }
            groups.in_flight.insert(code.clone());
            let put = client.clone().put(group);
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
}

struct GroupImport<'a> {
    report: &'a mut ImportReport,
    counts: ImportCounts,
    /// The normal forms of the codes in flight.
    in_flight: HashSet<String>,
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
        }
    }

    /// Handles the result of a call. If the row is invalid, the import continues.
    fn complete(
        &mut self,
        done: Option<(String, CsvRow, Result<GroupOutcome, Status>)>,
    ) -> Result<(), Error> {
        let Some((code, row, outcome)) = done else {
            return Ok(());
        };
        self.in_flight.remove(&code);
        match outcome {
            Ok(outcome) => self.count(&outcome),
            Err(status) if status.code() == Code::InvalidArgument => {
                self.counts.rejected += 1;
                self.report.reject(&row, &reason(&status))?;
            }
            Err(status) => return Err(status.into()),
        }
        self.report.acknowledge(self.counts.committed(), row.bytes);
        Ok(())
    }

    fn count(&mut self, outcome: &GroupOutcome) {
        match outcome {
            GroupOutcome::Created(_) => self.counts.created += 1,
            GroupOutcome::Updated(_) => *self.counts.updated.get_or_insert(0) += 1,
            GroupOutcome::Unchanged => self.counts.unchanged += 1,
        }
        if let GroupOutcome::Created(revision) | GroupOutcome::Updated(revision) = outcome {
            self.counts.revision = self.counts.revision.max(*revision);
        }
    }
}

#[derive(Clone)]
struct GroupClient<'a> {
    client: MailingGroupsClient<TenantChannel>,
    connection: &'a ConnectionArgs,
}

impl GroupClient<'_> {
    async fn put(mut self, group: MailingGroup) -> Result<GroupOutcome, Status> {
        let request = self.connection.unary(CreateMailingGroupRequest {
            mailing_group: Some(group.clone()),
            request_id: String::new(),
        });
        match self.client.create_mailing_group(request).await {
            Ok(created) => Ok(GroupOutcome::Created(created.into_inner().revision)),
            Err(taken) if taken.code() == Code::AlreadyExists => self.update(group).await,
            Err(status) => Err(status),
        }
    }

    /// Updates the description of an existing group, if it differs.
    async fn update(mut self, group: MailingGroup) -> Result<GroupOutcome, Status> {
        let code = group.code.clone();
        let request = self.connection.unary(GetMailingGroupRequest { code });
        let found = self.client.get_mailing_group(request).await?.into_inner();
        let found = found.mailing_group.unwrap_or_default();
        if found.description == group.description {
            return Ok(GroupOutcome::Unchanged);
        }
        let request = self.connection.unary(UpdateMailingGroupRequest {
            mailing_group: Some(group),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["description".to_owned()],
            }),
        });
        let updated = self
            .client
            .update_mailing_group(request)
            .await?
            .into_inner();
        // The service may find the descriptions equal, such as after trimming.
        match updated
            .mailing_group
            .is_some_and(|it| it.etag == found.etag)
        {
            true => Ok(GroupOutcome::Unchanged),
            false => Ok(GroupOutcome::Updated(updated.revision)),
        }
    }
}
