//! Expressions that select by attributes.

use super::with_attributes;
use crate::support::{Tenant, mask, person};

#[tokio::test]
async fn expressions_select_by_attributes() {
    let mut tenant = Tenant::new().await;
    for (id, text) in [
        ("A", "territory=CH language=fr city=Genève"),
        ("B", "territory=CH language=de class=A"),
        ("C", "territory=ch city=Genova class=AB"),
        ("D", "class=*"),
        ("E", ""),
    ] {
        tenant.create(with_attributes(person(id, ""), text)).await;
    }
    for (expression, members) in [
        ("territory = CH", "A B"),
        ("Territory = \"ch\"", "C"),
        ("territory = C?", "A B"),
        ("territory != CH", "C D E"),
        ("language IN (fr, \"de\", it)", "A B"),
        ("NOT language IN (fr, de)", "C D E"),
        ("city = \"Gen*\"", "A C"),
        ("city = \"*è*\" OR class = A*", "A B C"),
        ("class = \"\\*\"", "D"),
        ("has class", "B C D"),
        ("NOT has class AND NOT has city", "E"),
        ("unknown = x OR has unknown", ""),
        ("unknown != x", "A B C D E"),
    ] {
        let found = tenant.members(expression).await.join(" ");
        assert_eq!(found, members, "{expression}");
    }
}

#[tokio::test]
async fn a_selection_by_attributes_follows_every_change() {
    let mut tenant = Tenant::new().await;
    let put = |id: &str, text: &str| with_attributes(person(id, ""), text);
    let selected = async |tenant: &mut Tenant, expected: [&str; 3]| {
        for (expression, expected) in ["class = A", "class = A*", "has class"]
            .iter()
            .zip(expected)
        {
            let found = tenant.members(expression).await.join(" ");
            assert_eq!(found, expected, "{expression}");
        }
    };
    tenant.create(put("A", "class=A")).await;
    tenant.create(put("B", "class=AB")).await;
    tenant.create(put("C", "other=A")).await;
    selected(&mut tenant, ["A", "A B", "A B"]).await;
    let class = || mask(&["attributes.class"]);
    tenant
        .update_contact(put("C", "class=A"), class())
        .await
        .unwrap();
    selected(&mut tenant, ["A C", "A B C", "A B C"]).await;
    tenant
        .update_contact(put("A", "class=C"), class())
        .await
        .unwrap();
    selected(&mut tenant, ["C", "B C", "A B C"]).await;
    tenant.update_contact(put("A", ""), class()).await.unwrap();
    selected(&mut tenant, ["C", "B C", "B C"]).await;
    tenant.merge("A", "B").await.unwrap();
    selected(&mut tenant, ["C", "A C", "A C"]).await;
    tenant.delete_contact("C", "", true).await.unwrap();
    selected(&mut tenant, ["", "A", "A"]).await;
    tenant.create(put("C", "class=A")).await;
    selected(&mut tenant, ["C", "A C", "A C"]).await;
    // So many that the sets are loaded again.
    let many: Vec<_> = (0..40_000)
        .map(|n| put(&format!("M{n}"), "class=M"))
        .collect();
    tenant.import_contacts(&many).await;
    assert_eq!(
        tenant.members("class = M AND NOT class = A").await.len(),
        40_000
    );
    assert_eq!(tenant.members("class = A*").await, ["A", "C"]);
}
