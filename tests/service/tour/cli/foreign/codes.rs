//! The codes that are made of the names of lists and tags.

use super::{Service, counts, fails, groups, having, pairs, prints, scratch, write};

const HEADER: &str = "uuid,email,name,status,lists\n";

#[test]
fn a_clash_of_codes_gets_a_number_and_is_reported_before() {
    let (service, tenant, folder) = (Service::shared(), "clashing", scratch());
    let group = "group create NEWSLETTERA Ours";
    assert_eq!(service.run(tenant, group).code, Some(0));
    let text = format!(
        "{HEADER}a1,a@example.com,A,enabled,\"Newsletter Austria,Newsletter Albania\"\n\
         a2,b@example.com,B,enabled,Newsletter Austria\n"
    );
    let file = write(folder.path(), "lists.csv", &text);
    let import = format!("import from listmonk {file}");
    let table = [
        "  NEWSLETTER2  Newsletter Albania (new, 1 membership; another group has NEWSLETTERA)",
        "  NEWSLETTER3  Newsletter Austria (new, 2 memberships; another group has NEWSLETTERA)",
    ];
    prints(&service.run(tenant, &format!("{import} --dry-run")), &table);
    assert_eq!(groups(&service, tenant).len(), 1);
    prints(&service.run(tenant, &import), &table);
    let expected = pairs(&[
        ("NEWSLETTER2", "Newsletter Albania"),
        ("NEWSLETTER3", "Newsletter Austria"),
        ("NEWSLETTERA", "Ours"),
    ]);
    assert_eq!(groups(&service, tenant), expected);
    assert_eq!(having(&service, tenant, "NEWSLETTER3").len(), 2);

    // Another list later, which comes first by its name, takes no code from those.
    let text =
        format!("{HEADER}a1,a@example.com,A,enabled,\"Newsletter Aachen,Newsletter Austria\"\n");
    let file = write(folder.path(), "more.csv", &text);
    let more = service.run(tenant, &format!("import from listmonk {file}"));
    prints(
        &more,
        &[
            "  NEWSLETTER4  Newsletter Aachen (new, 1 membership; another group has NEWSLETTERA)",
            "  NEWSLETTER3  Newsletter Austria (exists, 1 membership)",
        ],
    );
}

#[test]
fn codes_can_be_chosen_and_must_be_codes_of_groups_that_are_there() {
    let (service, tenant, folder) = (Service::shared(), "choosing", scratch());
    let text = format!("{HEADER}a1,a@example.com,A,enabled,\"Press,VIP\"\n");
    let file = write(folder.path(), "lists.csv", &text);
    let import = |code: &str| {
        service.run(
            tenant,
            &format!("import from listmonk {file} --code {code}"),
        )
    };
    fails(
        &import("Pres=NEWS"),
        1,
        &["no file has a group `Pres`", "found: Press, VIP"],
    );
    fails(
        &import("Press=NEWS-1"),
        1,
        &["the code of `Press` may hold letters and digits only"],
    );
    fails(&import("Press"), 2, &["Newsletter=NEWS"]);
    // Two lists become one group.
    let chosen = import("Press=vip --code VIP=vip");
    assert_eq!(
        counts(&chosen)[2],
        "1 membership: 1 assigned, 0 already there, 0 rejected"
    );
    assert_eq!(groups(&service, tenant), pairs(&[("VIP", "Press")]));
}

#[test]
fn a_former_code_rejects_its_group_and_memberships_in_a_dry_run_too() {
    let (service, tenant, folder) = (Service::shared(), "former-codes", scratch());
    for command in ["group create VIP Old", "group rename VIP GOLD"] {
        assert_eq!(service.run(tenant, command).code, Some(0));
    }
    let text = format!("{HEADER}a1,a@example.com,A,enabled,\"Press,VIP\"\n");
    let file = write(folder.path(), "lists.csv", &text);
    for flag in [" --dry-run", ""] {
        let ended = service.run(tenant, &format!("import from listmonk {file}{flag}"));
        assert_eq!(ended.code, Some(3), "{}", ended.stderr);
        let counts = counts(&ended);
        assert_eq!(
            counts[0],
            "2 mailing groups: 1 created, 0 updated, 0 unchanged, 1 rejected"
        );
        assert_eq!(
            counts[2],
            "2 memberships: 1 assigned, 0 already there, 1 rejected"
        );
    }
}
