//! An export imported page by page into another tenant recreates it.

use futures_util::future::join_all;
use mailing_groups::pb::{
    self, import_contacts_request as to_contacts, import_memberships_request as to_memberships,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::{Exported, request};
use crate::support::{
    Server, Sql, Tenant, contact_chunk, membership_chunk, new_group,
    upload::{ContactUpload, MembershipUpload},
};

/// The content of a tenant as JSON, except numbers, revisions and times.
const EVERYTHING: &str = "
    SELECT json_build_array('group', code, description, company_count, person_count)::text
        FROM mailing_groups WHERE tenant_id = $1
    UNION ALL SELECT json_build_array('contact', id, kind, name, company_id, email,
            exclude_from_segments, privacy_blocked, mailing_group_count, attributes)::text
        FROM contacts WHERE tenant_id = $1
    UNION ALL SELECT json_build_array('membership', id, code)::text
        FROM memberships JOIN contacts USING (tenant_id, contact_number)
            JOIN mailing_groups USING (tenant_id, group_id) WHERE tenant_id = $1
    ORDER BY 1";

pub(super) async fn stored(server: &Server, tenant: &str) -> Vec<String> {
    let sql = Sql::connect(&server.database_url).await;
    let tenant_id = sql.tenant_id(tenant).await;
    let rows = sql.rows(EVERYTHING, &[&tenant_id]).await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Imports contacts and memberships page by page; none may be rejected.
pub(super) struct Copying {
    contacts: ContactUpload,
    memberships: MembershipUpload,
    /// How many contacts and memberships were sent.
    sent: (i64, i64),
}

impl Copying {
    pub(super) async fn into(tenant: &mut Tenant, groups: &Exported) -> Self {
        let create = |group: &pb::MailingGroup| {
            let (mut tenant, group) = (tenant.clone(), group.clone());
            async move { tenant.create_group(group, "").await.unwrap() }
        };
        join_all(groups.groups.iter().flatten().map(create)).await;
        let copying = Self {
            contacts: tenant.upload_contacts().await,
            memberships: tenant.upload_memberships().await,
            sent: (0, 0),
        };
        let start = to_contacts::Message::Start(Default::default());
        copying.contacts.send(start).await;
        let start = to_memberships::Message::Start(Default::default());
        copying.memberships.send(start).await;
        copying
    }

    pub(super) async fn page(&mut self, page: &super::Page) {
        assert!(page.assignments.len() <= 10_000);
        self.contacts
            .send(contact_chunk(page.contacts.clone()))
            .await;
        self.sent.0 += i64::try_from(page.contacts.len()).unwrap();
        let (rejections, _) = self.contacts.until(self.sent.0).await.unwrap();
        assert_eq!(rejections, []);
        self.memberships
            .send(membership_chunk(page.assignments.clone()))
            .await;
        self.sent.1 += i64::try_from(page.assignments.len()).unwrap();
        let (rejections, _) = self.memberships.until(self.sent.1).await.unwrap();
        assert_eq!(rejections, []);
    }
}

/// A new tenant with what was exported.
pub(super) async fn imported(server: &Server, name: &str, exported: &Exported) -> Tenant {
    let mut tenant = Tenant::of(server, name).await;
    let mut copying = Copying::into(&mut tenant, exported).await;
    for page in &exported.pages {
        copying.page(page).await;
    }
    tenant
}

/// Realistic texts.
const WORDS: [&str; 10] = [
    "O'Neil",
    "Müller & Söhne",
    "\"Die Bäckerei\"",
    "Łódź; Kraków",
    "東京支店",
    "a,b,,c",
    "x\u{2028}y",
    "=1+1",
    "Ζωή",
    "de la Cruz",
];

/// Companies and persons in a mixed order; persons often precede their company, which they get
/// later.
fn contacts(rng: &mut StdRng, count: usize) -> Vec<pb::Contact> {
    let contact = |n: usize| {
        let company = n.is_multiple_of(7);
        let (first, last) = (WORDS.choose(rng).unwrap(), WORDS.choose(rng).unwrap());
        let mail = ["", "a@b.example", "büro@größe.example", "'x'+y@z.example"];
        let employer = rng.random_range(0..count / 7) * 7;
        let employed = !company && rng.random_bool(0.6);
        pb::Contact {
            id: format!("K-{n:04}"),
            kind: if company { 1 } else { 2 },
            name: format!("{first} {last} {n}"),
            company_id: match employed {
                true => format!("K-{employer:04}"),
                false => String::new(),
            },
            email: mail.choose(rng).unwrap().to_string(),
            exclude_from_segments: Some(rng.random_bool(0.1)),
            privacy_blocked: Some(rng.random_bool(0.1)),
            attributes: ["city", "class"]
                .into_iter()
                .filter(|key| key.len() + n.is_multiple_of(3) as usize == 5)
                .map(|key| (key.to_owned(), (*last).to_owned()))
                .collect(),
            ..Default::default()
        }
    };
    (0..count).map(contact).collect()
}

const CODES: [&str; 8] = [
    "MOVE", "GIFT", "ÉTÉ", "移転", "2017", "STRASSE", "Z", "EMPTY",
];

/// Fills a tenant in many small steps, in an order that is not that of an export.
async fn fill(tenant: &mut Tenant, rng: &mut StdRng) {
    for code in CODES {
        let description = WORDS.choose(rng).unwrap();
        let group = new_group(code, &format!(" {description} "));
        tenant.create_group(group, "").await.unwrap();
    }
    let contacts = contacts(rng, 700);
    let alone = contacts.iter().map(|it| pb::Contact {
        company_id: String::new(),
        ..it.clone()
    });
    tenant.import_contacts(&alone.collect::<Vec<_>>()).await;
    tenant.import_contacts(&contacts).await;
    let mut pairs = Vec::new();
    for contact in &contacts {
        for code in &CODES[..7] {
            if rng.random_bool(0.3) {
                pairs.push((contact.id.clone(), (*code).to_owned()));
            }
        }
    }
    tenant.import_memberships(&pairs).await;
    tenant.rename("Z", "A", "").await.unwrap();
    for n in [3, 7, 350, 699] {
        let id = format!("K-{n:04}");
        tenant.delete_contact(&id, "", true).await.unwrap();
    }
}

#[tokio::test]
async fn an_export_imported_into_another_tenant_recreates_it() {
    let server = Server::shared().await;
    for seed in 0..3 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut tenant = Tenant::new().await;
        fill(&mut tenant, &mut rng).await;
        let size = [0, 13, 2_000][usize::try_from(seed).unwrap()];
        let exported = tenant.export(request(size, "")).await.unwrap();
        let copy = format!("{}-copy", tenant.name);
        imported(server, &copy, &exported)
            .await
            .assert_consistent()
            .await;
        let original = stored(server, &tenant.name).await;
        assert_eq!(stored(server, &copy).await, original, "seed {seed}");
        assert_eq!(exported.counted().0, 696);
    }
}

#[tokio::test]
async fn companies_are_exported_before_their_people() {
    let mut tenant = Tenant::new().await;
    for id in ["P1", "P2"] {
        tenant.create(crate::support::person(id, "")).await;
    }
    for id in ["C1", "C2"] {
        tenant.create(crate::support::company(id)).await;
    }
    tenant
        .import_contacts(&[crate::support::person("P1", "C2")])
        .await;
    let exported = tenant.export(request(1, "")).await.unwrap();
    assert_eq!(exported.ids(), ["C1", "C2", "P1", "P2"]);
    assert_eq!(exported.contacts()[2].company_id, "C2");
    let server = Server::shared().await;
    let copy = format!("{}-copy", tenant.name);
    imported(server, &copy, &exported).await;
    let original = stored(server, &tenant.name).await;
    assert_eq!(stored(server, &copy).await, original);
}
