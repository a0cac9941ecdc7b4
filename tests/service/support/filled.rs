//! A tenant with rows in all tables.

use mailing_groups::pb::{
    self,
    import_contacts_request::{Message as ToContacts, Start},
};

use super::{Server, Tenant, company, contact_chunk, person, steps::STEPS};

impl Tenant {
    /// A tenant with rows in all tables. Every kind of call has changed it.
    pub(crate) async fn filled(server: &Server, name: &str) -> Self {
        let mut tenant = Self::of(server, name).await;
        tenant.group("MOVE").await;
        tenant.create(company("A")).await;
        for (at, (name, step)) in STEPS.iter().enumerate() {
            let done = step(&mut tenant, "1".into(), format!("request-{at}")).await;
            done.unwrap_or_else(|status| panic!("{name}: {status:?}"));
        }
        tenant.assign("A", "MOVE").await;
        tenant.create(company("X")).await;
        tenant.create(company("Y")).await;
        tenant.merge("A", "X").await.unwrap();
        tenant.create(person("OF-A", "A")).await;
        tenant.group("OLD").await;
        tenant.rename("OLD", "NEW", "").await.unwrap();
        tenant.fill_segments().await;
        tenant.leave_import().await;
        tenant
    }

    async fn fill_segments(&mut self) {
        let segment = pb::CreateSegmentRequest {
            segment: Some(pb::Segment {
                id: "KEPT".into(),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.segments.create_segment(segment).await.unwrap();
        let add = pb::AddContactsRequest {
            segment_id: "KEPT".into(),
            expression: "*".into(),
            ..Default::default()
        };
        self.segments.add_contacts(add).await.unwrap();
        let save = pb::SaveCriteriaRequest {
            segment_id: "KEPT".into(),
            code: "KEPT".into(),
            ..Default::default()
        };
        self.segments.save_criteria(save).await.unwrap();
    }

    /// An import that rejected an item and is not finished.
    async fn leave_import(&mut self) {
        let upload = self.upload_contacts().await;
        let start = Start {
            import_id: "import".into(),
            ..Default::default()
        };
        upload.send(ToContacts::Start(start)).await;
        let rejected = vec![person("LOST", "NOBODY")];
        upload.send(contact_chunk(rejected)).await;
        // It has no `finish`, so it stays to be continued.
        upload.close().await.unwrap_err();
    }
}
