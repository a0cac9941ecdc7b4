//! The invariants of texts, whose rules only the program knows.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;

use super::{Findings, Invariant};
use crate::{
    model::{AttributeKey, AttributeValue, Attributes, Code, Email, Name, TenantId, search},
    schema::{contacts, former_codes, import_rejections, mailing_groups},
    store::imports::StoredRejection,
};

const NAMES: Invariant = Invariant {
    name: "contact-names",
    rule: "A contact's name is in its normal form, and its searched name is what the name folds to.",
};

const EMAILS: Invariant = Invariant {
    name: "contact-emails",
    rule: "A contact's e-mail address is valid and in its normal form.",
};

const ATTRIBUTES: Invariant = Invariant {
    name: "attribute-texts",
    rule: "The keys and values of a contact's attributes are valid and in their normal form.",
};

const CODES: Invariant = Invariant {
    name: "group-codes",
    rule: "The present and former codes of groups are in their normal form, and searched without accents.",
};

const REJECTIONS: Invariant = Invariant {
    name: "rejections",
    rule: "What is kept of the rejected items of imports can be read.",
};

pub(super) async fn check(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    findings: &mut Findings,
) -> QueryResult<()> {
    check_contacts(conn, tenant_id, findings).await?;
    check_codes(conn, tenant_id, findings).await?;
    check_rejections(conn, tenant_id, findings).await
}

async fn check_contacts(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    findings: &mut Findings,
) -> QueryResult<()> {
    let mut rows = contacts::table
        .filter(contacts::tenant_id.eq(tenant_id))
        .select((
            contacts::contact_number,
            contacts::name,
            contacts::search_name,
            contacts::email,
            contacts::attributes,
        ))
        .load_stream::<(i32, String, String, String, Attributes)>(conn)
        .await?;
    while let Some((number, name, searched, email, attributes)) = rows.try_next().await? {
        if !name.parse::<Name>().is_ok_and(|it| it.as_str() == name) {
            findings.add(NAMES, format!("contact {number}: the name"));
        }
        if search::fold(&name) != searched {
            findings.add(NAMES, format!("contact {number}: the searched name"));
        }
        if !email.parse::<Email>().is_ok_and(|it| it.as_str() == email) {
            findings.add(EMAILS, format!("contact {number}"));
        }
        if !attributes.iter().all(is_normal) {
            findings.add(ATTRIBUTES, format!("contact {number}"));
        }
    }
    Ok(())
}

fn is_normal((key, value): (&AttributeKey, &AttributeValue)) -> bool {
    let parsed = (key.as_str().parse(), value.as_str().parse());
    parsed == (Ok(key.clone()), Ok(value.clone()))
}

async fn check_codes(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    findings: &mut Findings,
) -> QueryResult<()> {
    let present: Vec<(i32, String, String)> = mailing_groups::table
        .filter(mailing_groups::tenant_id.eq(tenant_id))
        .select((
            mailing_groups::group_id,
            mailing_groups::code,
            mailing_groups::search_code,
        ))
        .load(conn)
        .await?;
    let former: Vec<(i32, String)> = former_codes::table
        .filter(former_codes::tenant_id.eq(tenant_id))
        .select((former_codes::group_id, former_codes::code))
        .load(conn)
        .await?;
    for (group, code, searched) in present {
        if Code::normalize(&code) != code {
            findings.add(CODES, format!("group {group}: the code"));
        }
        if search::fold_code(&code) != searched {
            findings.add(CODES, format!("group {group}: the searched code"));
        }
    }
    for (group, code) in former {
        if Code::normalize(&code) != code {
            findings.add(CODES, format!("group {group}: a former code"));
        }
    }
    Ok(())
}

async fn check_rejections(
    conn: &mut AsyncPgConnection,
    tenant_id: TenantId,
    findings: &mut Findings,
) -> QueryResult<()> {
    let mut rows = import_rejections::table
        .filter(import_rejections::tenant_id.eq(tenant_id))
        .select((
            import_rejections::import_id,
            import_rejections::item_index,
            import_rejections::rejection,
        ))
        .load_stream::<(String, i64, serde_json::Value)>(conn)
        .await?;
    while let Some((import, index, rejection)) = rows.try_next().await? {
        if serde_json::from_value::<StoredRejection>(rejection).is_err() {
            findings.add(REJECTIONS, format!("import {import}, item {index}"));
        }
    }
    Ok(())
}
