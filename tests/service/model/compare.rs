//! The model, the answers of reads, and the copy of a watcher.

use std::collections::{BTreeMap, BTreeSet};

use mailing_groups::pb::{self, ContactKind, watch_changes_response::Message};

use super::{
    segments::Segment,
    state::{Group, State},
};
use crate::{
    support::{Sql, Tenant},
    watching::{feed, model::Model},
};

impl State {
    /// The groups, contacts and memberships.
    fn content(&self) -> Model {
        let code = |group: &u32| self.groups[group].code.clone();
        let id = |contact: &u32| self.contacts[contact].id.clone();
        let contacts = self.contacts.values().map(|it| {
            let company = it.company.as_ref().map(id).unwrap_or_default();
            let (kind, name) = (it.kind.into(), it.name.clone());
            let details = (
                kind,
                name,
                company,
                String::new(),
                it.excluded,
                it.blocked,
                it.attributes.clone(),
            );
            (it.id.clone(), details)
        });
        let groups = self.groups.values();
        Model {
            groups: groups
                .map(|it| (it.code.clone(), it.description.clone()))
                .collect(),
            contacts: contacts.collect(),
            members: self
                .members
                .iter()
                .map(|it| (code(&it.0), id(&it.1)))
                .collect(),
        }
    }

    /// All members, companies and persons among these contacts.
    fn counts(&self, contacts: &BTreeSet<u32>) -> Counts {
        let company = |it: &&u32| self.contacts[*it].kind == ContactKind::Company;
        let companies = contacts.iter().filter(company).count() as i64;
        let all = contacts.len() as i64;
        (all, companies, all - companies)
    }

    /// What is observed if this is what a server has.
    pub(super) fn observed(&self) -> Observed {
        let groups = self.groups.iter();
        let counts = |(number, group): (&u32, &Group)| {
            (group.code.clone(), self.counts(&self.members_of(*number)))
        };
        let segment = |(id, segment): (&String, &Segment)| {
            let members = self.resolved(&segment.stored);
            let ids = members.iter().map(|it| self.contacts[it].id.clone());
            let (text, actions) = (segment.description.clone(), segment.actions.len() as i64);
            (
                id.clone(),
                (text, actions, self.counts(&members), ids.collect()),
            )
        };
        let criteria = self.criteria.iter();
        Observed {
            content: self.content(),
            groups: groups.map(counts).collect(),
            segments: self.segments.iter().map(segment).collect(),
            criteria: criteria
                .map(|(code, it)| (code.clone(), it.len() as i64))
                .collect(),
        }
    }
}

/// All, companies, persons.
type Counts = (i64, i64, i64);

/// What the tables and the reads of a server say.
#[derive(Debug, PartialEq)]
pub(super) struct Observed {
    content: Model,
    groups: BTreeMap<String, Counts>,
    /// Description, number of actions, counts, ids of the members.
    segments: BTreeMap<String, (String, i64, Counts, BTreeSet<String>)>,
    /// The number of actions.
    criteria: BTreeMap<String, i64>,
}

impl Observed {
    pub(super) async fn read(database_url: &str, tenant: &mut Tenant) -> Self {
        let sql = Sql::connect(database_url).await;
        let content = Model::stored(&sql, &tenant.name).await;
        let mut groups = BTreeMap::new();
        for code in content.groups.keys() {
            groups.insert(code.clone(), tenant.counts(code).await);
        }
        let request = pb::ListSegmentsRequest::default();
        let listed = tenant.segments.list_segments(request).await.unwrap();
        let mut segments = BTreeMap::new();
        for it in listed.into_inner().segments {
            let counts = (it.member_count, it.company_count, it.person_count);
            let ids = members_of(tenant, &it.id).await;
            segments.insert(it.id, (it.description, it.action_count, counts, ids));
        }
        let request = pb::ListSavedCriteriaRequest::default();
        let listed = tenant.segments.list_saved_criteria(request).await.unwrap();
        let criteria = listed.into_inner().saved_criteria.into_iter();
        Self {
            content,
            groups,
            segments,
            criteria: criteria.map(|it| (it.code, it.action_count)).collect(),
        }
    }
}

/// The ids of the members of a segment.
async fn members_of(tenant: &mut Tenant, id: &str) -> BTreeSet<String> {
    let request = pb::StreamSegmentMembersRequest {
        selection: Some(pb::Selection::of_segment(id)),
        ..Default::default()
    };
    tenant
        .stream(request)
        .await
        .unwrap()
        .ids()
        .into_iter()
        .collect()
}

/// Compares a copy, made of all changes from the first one on, with the model.
pub(super) async fn watched(tenant: &mut Tenant, revision: i64, state: &State) {
    let mut feed = tenant.watch(feed::after(0)).await.unwrap();
    let (mut copy, mut last) = (Model::default(), 0);
    while last < revision {
        match feed.message().await.unwrap() {
            Message::Changes(changes) => {
                assert!(changes.revision > last, "in order, and once");
                last = changes.revision;
                assert!(!changes.more, "no revision here is large");
                for change in feed::reported(changes) {
                    copy.apply(change);
                }
            }
            Message::Progress(progress) => last = progress.revision,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(last, revision);
    assert_eq!(copy, state.content());
}
