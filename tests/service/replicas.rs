//! A standby that answers large reads, as the primary would.

mod faults;
mod races;
mod reads;

use std::{collections::BTreeMap, ffi::OsStr, net::SocketAddr};

use mailing_groups::pb::{self, export_contacts_response::Message};
use tempfile::TempDir;
use tonic::Status;

use crate::{
    observed::http_address,
    support::{
        Program, Replication, Tenant, company, eventually, get, migrate, person, scratch, select,
        serve,
    },
};

/// How many contacts there are.
const CONTACTS: usize = 600;

/// The program on a primary and its standby.
struct Scene {
    pair: Replication,
    program: Program,
    http: SocketAddr,
    address: SocketAddr,
    tenant: Tenant,
    _folder: TempDir,
}

impl Scene {
    /// Contacts with the group ALL, and the standby in use.
    async fn start() -> Self {
        let pair = Replication::start().await;
        let url = pair.standby_network().url().to_owned();
        let mut scene = Self::on(pair, &url).await;
        scene.fill().await;
        scene.until_used().await;
        scene
    }

    /// On the primary, and on what may be its standby.
    async fn on(pair: Replication, replica_url: &str) -> Self {
        migrate(pair.primary_url()).await;
        let folder = scratch();
        let arguments = [
            "--database-url",
            pair.primary_url(),
            "--http-listen",
            "127.0.0.1:0",
        ];
        // Like a secret: not on the command line.
        let variables = [("MAILING_GROUPS_READ_DATABASE_URL", OsStr::new(replica_url))];
        let mut program = Program::spawn_with(folder.path(), &arguments, &variables);
        let address = program.address().await;
        Self {
            http: http_address(&program.log()).unwrap(),
            tenant: Tenant::over(serve::channel(address), "t"),
            address,
            pair,
            program,
            _folder: folder,
        }
    }

    async fn fill(&mut self) {
        self.tenant.group("ALL").await;
        let people = (1..CONTACTS).map(|n| person(&format!("P{n:04}"), "A"));
        let contacts: Vec<_> = [company("A")].into_iter().chain(people).collect();
        self.tenant.import_contacts(&contacts).await;
        let pairs = contacts.into_iter().map(|it| (it.id, "ALL".to_owned()));
        self.tenant
            .import_memberships(&pairs.collect::<Vec<_>>())
            .await;
    }

    fn another_tenant(&self, name: &str) -> Tenant {
        Tenant::over(serve::channel(self.address), name)
    }

    /// How many reads had each outcome.
    async fn outcomes(&self) -> BTreeMap<String, f64> {
        let (_, text) = get(self.http, "/metrics").await;
        let lines = text.lines().filter_map(|line| {
            let rest = line.strip_prefix("mailing_groups_replica_reads_total{outcome=\"")?;
            let (outcome, count) = rest.split_once("\"} ")?;
            Some((outcome.to_owned(), count.parse().unwrap()))
        });
        lines.collect()
    }

    async fn count(&self, outcome: &str) -> f64 {
        self.outcomes().await[outcome]
    }

    /// Waits until the standby answers.
    async fn until_used(&mut self) {
        self.pair.until_level().await;
        self.until_counted("replica").await;
    }

    /// Reads until a read has this outcome. Every read is right.
    async fn until_counted(&mut self, outcome: &str) {
        let before = self.count(outcome).await;
        eventually(async || {
            self.assert_current().await;
            (self.count(outcome).await > before).then_some(())
        })
        .await;
    }

    /// Calls that read much say what is there.
    async fn assert_current(&mut self) {
        let codes = self.tenant.all_codes().await;
        for code in codes {
            let number = self.tenant.get_group(&code).await.unwrap().contact_count;
            let listed = self.tenant.list_members(&code).await;
            assert_eq!(i64::try_from(listed.len()).unwrap(), number, "{code}");
            let mut members = self.tenant.members(&code).await;
            members.sort();
            assert_eq!(members, listed);
        }
        let ids = self
            .tenant
            .contact_ids(pb::ListContactsRequest::default())
            .await;
        let mut exported = self.tenant.exported().await.unwrap();
        exported.sort();
        assert_eq!(exported, ids);
    }
}

impl Tenant {
    /// The codes of all groups.
    async fn all_codes(&mut self) -> Vec<String> {
        let request = pb::ListMailingGroupsRequest {
            page_size: 1_000,
            ..Default::default()
        };
        self.group_page(&request).await.unwrap().0
    }

    /// The contacts of a group, from its list.
    async fn list_members(&mut self, code: &str) -> Vec<String> {
        let request = pb::ListMailingGroupContactsRequest {
            code: code.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let mut ids = self.member_page(&request).await.unwrap().0;
        ids.sort();
        ids
    }

    /// The ids of a complete export.
    async fn exported(&mut self) -> Result<Vec<String>, Status> {
        let request = pb::ExportContactsRequest {
            page_size: 50,
            ..Default::default()
        };
        let mut stream = self.contacts.export_contacts(request).await?.into_inner();
        let (mut ids, mut is_complete) = (Vec::new(), false);
        while let Some(answer) = stream.message().await? {
            match answer.message.unwrap() {
                Message::Page(page) => ids.extend(page.contacts.into_iter().map(|it| it.id)),
                Message::Summary(_) => is_complete = true,
                Message::MailingGroups(_) | Message::Heartbeat(_) => {}
            }
        }
        assert!(is_complete);
        Ok(ids)
    }

    /// The members of a group with their names.
    async fn details(&mut self, code: &str) -> Vec<pb::Contact> {
        let request = pb::StreamSegmentMembersRequest {
            view: pb::SegmentMemberView::Full.into(),
            ..select(code)
        };
        let streamed = self.stream(request).await.unwrap();
        let members = streamed.pages.into_iter().flat_map(|page| page.members);
        members.map(|member| member.contact.unwrap()).collect()
    }
}
