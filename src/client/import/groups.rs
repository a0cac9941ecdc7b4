//! Imports groups with single calls, many at once: there are few of them, and no import RPC.

use std::collections::HashSet;

use futures_util::{StreamExt, stream::FuturesOrdered};
use tonic::{Code, Status};
use unicode_normalization::UnicodeNormalization;

use super::{
    journal::Journal,
    report::Tally,
    rows::{self, Batch},
    source::{Row, Table},
};
use crate::{
    client::{
        connection::{ConnectionArgs, TenantChannel},
        error::{Error, reason},
    },
    pb::{
        CreateMailingGroupRequest, GetMailingGroupRequest, MailingGroup, UpdateMailingGroupRequest,
        mailing_groups_client::MailingGroupsClient,
    },
};

/// Calls in flight.
const CALLS: usize = 32;

/// Creates the groups that are not there and gives the others the file's description.
pub(super) async fn import(
    link: TenantChannel,
    connection: &ConnectionArgs,
    table: Table,
    journal: &mut Journal,
) -> Result<Tally, Error> {
    let caller = Caller {
        client: MailingGroupsClient::new(link),
        connection,
    };
    let mut groups = Groups::new(journal);
    let mut calls = FuturesOrdered::new();
    let mut batches = rows::read::<MailingGroup>(table, CALLS);
    while let Some(batch) = batches.recv().await {
        let Batch {
            items,
            rows,
            unreadable,
            ..
        } = batch?;
        groups.journal.unreadable(&unreadable)?;
        for (group, row) in items.into_iter().zip(rows) {
            let key = key(&group.code);
            // Of the same code twice the last counts, so the second waits for the first.
            while calls.len() >= CALLS || groups.busy.contains(&key) {
                groups.settle(calls.next().await)?;
            }
            groups.busy.insert(key.clone());
            let put = caller.clone().put(group);
            calls.push_back(async move { (key, row, put.await) });
        }
    }
    while !calls.is_empty() {
        groups.settle(calls.next().await)?;
    }
    Ok(groups.tally)
}

/// A code as the service compares it.
fn key(code: &str) -> String {
    code.trim().nfc().collect::<String>().to_uppercase()
}

/// What became of a group.
enum Put {
    Created(i64),
    Updated(i64),
    Unchanged,
}

struct Groups<'a> {
    journal: &'a mut Journal,
    tally: Tally,
    /// The codes in flight.
    busy: HashSet<String>,
}

impl<'a> Groups<'a> {
    fn new(journal: &'a mut Journal) -> Self {
        Self {
            journal,
            tally: Tally {
                updated: Some(0),
                ..Tally::default()
            },
            busy: HashSet::new(),
        }
    }

    /// Notes how a call ended. Only a refusal of the row itself lets the import go on.
    fn settle(&mut self, done: Option<(String, Row, Result<Put, Status>)>) -> Result<(), Error> {
        let Some((key, row, put)) = done else {
            return Ok(());
        };
        self.busy.remove(&key);
        match put {
            Ok(put) => self.count(&put),
            Err(status) if status.code() == Code::InvalidArgument => {
                self.tally.rejected += 1;
                self.journal.reject(&row, &reason(&status))?;
            }
            Err(status) => return Err(status.into()),
        }
        self.journal.answered(self.tally.committed(), row.bytes);
        Ok(())
    }

    fn count(&mut self, put: &Put) {
        match put {
            Put::Created(_) => self.tally.created += 1,
            Put::Updated(_) => *self.tally.updated.get_or_insert(0) += 1,
            Put::Unchanged => self.tally.unchanged += 1,
        }
        if let Put::Created(revision) | Put::Updated(revision) = put {
            self.tally.revision = self.tally.revision.max(*revision);
        }
    }
}

#[derive(Clone)]
struct Caller<'a> {
    client: MailingGroupsClient<TenantChannel>,
    connection: &'a ConnectionArgs,
}

impl Caller<'_> {
    async fn put(mut self, group: MailingGroup) -> Result<Put, Status> {
        let request = self.connection.unary(CreateMailingGroupRequest {
            mailing_group: Some(group.clone()),
            request_id: String::new(),
        });
        match self.client.create_mailing_group(request).await {
            Ok(created) => Ok(Put::Created(created.into_inner().revision)),
            Err(taken) if taken.code() == Code::AlreadyExists => self.describe(group).await,
            Err(status) => Err(status),
        }
    }

    /// Gives a group that is there the description of the file.
    async fn describe(mut self, group: MailingGroup) -> Result<Put, Status> {
        let code = group.code.clone();
        let request = self.connection.unary(GetMailingGroupRequest { code });
        let found = self.client.get_mailing_group(request).await?.into_inner();
        let found = found.mailing_group.unwrap_or_default();
        if found.description == group.description {
            return Ok(Put::Unchanged);
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
        // The service may have found them equal after all, such as but for spaces at the ends.
        match updated
            .mailing_group
            .is_some_and(|it| it.etag == found.etag)
        {
            true => Ok(Put::Unchanged),
            false => Ok(Put::Updated(updated.revision)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_told_apart_as_the_service_does() {
        assert_eq!(key(" e\u{301}te "), key("\u{c9}TE"));
    }
}
