//! The codes that are made of the names of lists and tags.

use super::{Service, Workspace, counts, fails, groups, having, pairs, prints, scratch, write};

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
        2,
        &["the code `NEWS-1` may hold letters and digits only"],
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

#[test]
fn a_code_of_a_source_never_takes_the_group_of_a_code_that_looks_alike() {
    let space = Workspace::of("alike");
    let import = |files: &str| space.run(&format!("import from business-central {files}"));
    let contacts = space.file("c.csv", "No.,Type,Name\nC1,Company,A\n");
    let one = space.file("one.csv", "Code,Description\nX-CARD,Christmas cards\n");
    let two = space.file("two.csv", "Code,Description\nX.CARD,Easter cards\n");
    let table = [
        "  XCARD        X-CARD: Christmas cards (new, 0 memberships)",
        "  XCARD2       X.CARD: Easter cards (new, 0 memberships; another group has XCARD)",
        "  --code 'NAME=CODE' chooses another code",
    ];
    prints(
        &import(&format!("{contacts} {two} {one} --dry-run")),
        &table,
    );
    assert_eq!(import(&format!("{contacts} {one}")).code, Some(0));
    let both = pairs(&[("XCARD", "Christmas cards"), ("XCARD2", "Easter cards")]);
    for flag in [" --dry-run", ""] {
        let later = import(&format!("{two}{flag}"));
        prints(&later, &[table[1]]);
    }
    assert_eq!(groups(&space.service, space.tenant), both);
    // Memberships alone do not say which one they mean, unless they describe it.
    let members = space.file("m.csv", "Contact No.,Mailing Group Code\nC1,X.CARD\n");
    let unknown = import(&members);
    let may_be = "m.csv, line 2: X.CARD may be XCARD (Christmas cards) or XCARD2 (Easter cards)";
    fails(&unknown, 1, &[may_be, "--code 'X.CARD=XCARD'"]);
    let chosen = import(&format!("{members} --code X.CARD=XCARD2"));
    assert_eq!(chosen.code, Some(0), "{}", chosen.stderr);
    let described = space.file(
        "d.csv",
        "Contact No.,Mailing Group Code,Mailing Group Description\nC1,X.CARD,Easter cards\n",
    );
    prints(
        &import(&described),
        &["  XCARD2       X.CARD: Easter cards (exists, 1 membership)"],
    );
    assert_eq!(groups(&space.service, space.tenant), both);
    // A valid code is the same group, however it was made. The report says what becomes of it.
    space.succeeds("group create MOVE Ours");
    let moves = space.file("v.csv", "Code,Description\nmove,Office move\n");
    let table = "  MOVE         move: Office move (exists, was: Ours, 0 memberships)";
    prints(&import(&format!("{moves} --dry-run")), &[table]);
}

#[test]
fn names_that_are_hard_to_make_codes_of_find_their_groups_again() {
    let (service, tenant, folder) = (Service::shared(), "hard-names", scratch());
    let long = "x".repeat(150);
    let lists = [
        "Newsletter,newsletter,NEWSLETTER",
        "***,🎁,---",
        "移転,новости,Новости недели",
        &format!("{long}A,{long}B"),
        r#"""Foo, Bar"",Foo"#,
    ];
    let row = |(number, names): (usize, &&str)| {
        format!("a{number},{number}@example.com,N,enabled,\"{names}\"\n")
    };
    let rows: String = lists.iter().enumerate().map(row).collect();
    let many =
        (0..300).map(|it| format!("b{it},b{it}@example.com,N,enabled,Newsletter of region {it}\n"));
    let text = format!("{HEADER}{rows}{}", many.collect::<String>());
    let file = write(folder.path(), "lists.csv", &text);
    let import = format!("import from listmonk {file}");
    let first = service.run(tenant, &import);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!(
        counts(&first)[0],
        "313 mailing groups: 313 created, 0 updated, 0 unchanged, 0 rejected"
    );
    let before = groups(&service, tenant);
    for code in [
        "NEWSLETTER",
        "GROUP3",
        "移転",
        "НОВОСТИНЕДЕ",
        "XXXXXXXXXX2",
        "NEWSLETT300",
    ] {
        assert!(before.iter().any(|it| it.0 == code), "{code}");
    }
    let again = service.run(tenant, &import);
    assert_eq!(
        counts(&again),
        [
            "313 mailing groups: 0 created, 0 updated, 313 unchanged, 0 rejected",
            "305 contacts: 0 created, 0 updated, 305 unchanged, 0 rejected",
            "313 memberships: 0 assigned, 313 already there, 0 rejected",
        ]
    );
    assert_eq!(groups(&service, tenant), before);
}
