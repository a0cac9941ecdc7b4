//! The sample files of each source.

use std::fs;

use super::{
    Service, contacts, counts, groups, having, last, pairs, prints, sample, scratch, write,
};

#[test]
fn an_audience_of_mailchimp_keeps_tags_and_objections() {
    let (service, tenant) = (Service::shared(), "mailchimp");
    let id = "email_audience_export_4f1c2ab09d.csv";
    let files = ["subscribed", "unsubscribed", "cleaned", "nonsubscribed"];
    let files = files.map(|it| format!("{it}_{id}"));
    let files = sample("mailchimp", &files.each_ref().map(String::as_str));
    let import = format!("import from mailchimp {files} --group-column Events");

    let tried = service.run(tenant, &format!("{import} --dry-run"));
    assert_eq!(tried.code, Some(0), "{}", tried.stderr);
    let expected = [
        "5 mailing groups: 5 created, 0 updated, 0 unchanged, 0 rejected",
        "10 contacts: 10 created, 0 updated, 0 unchanged, 0 rejected",
        "9 memberships: 9 assigned, 0 already there, 0 rejected",
    ];
    assert_eq!(counts(&tried), expected, "{}", tried.stdout);
    prints(
        &tried,
        &[
            "marked contacts: 3 exclude_from_segments",
            "3 companies are made of the column of persons:",
            "  company:lighthouse-paper-mill  Lighthouse Paper Mill",
            "  NEWSLETTERM  Newsletter, monthly (new, 3 memberships)",
            "  GRUESSEKUES  Grüße & Küsse (new, 1 membership)",
            "  ZUERICHHB    Zürich, HB (new, 1 membership)",
        ],
    );
    assert!(
        tried
            .stdout
            .contains("; not imported: member_rating, optin_time")
    );
    assert!(contacts(&service, tenant).is_empty() && groups(&service, tenant).is_empty());

    let imported = service.run(tenant, &import);
    assert_eq!(imported.code, Some(0), "{}", imported.stderr);
    let newsletter = [
        "ada@lighthouse-paper.example.com",
        "bruno@lighthouse-paper.example.com",
        "femke@fernhill.example.org",
    ];
    assert_eq!(having(&service, tenant, "NEWSLETTERM"), newsletter);
    let basel = [
        "ada@lighthouse-paper.example.com",
        "juergen@mueller-soehne.example.com",
    ];
    assert_eq!(having(&service, tenant, "BASEL"), basel);
    let all = contacts(&service, tenant);
    assert_eq!(all.len(), 10);
    let row = |part: &str| all.iter().find(|it| it.contains(part)).unwrap();
    assert!(row("Femke Ostrander").ends_with(",femke@fernhill.example.org,true,false"));
    assert!(row("Ivo Castellane").ends_with(",true,false"));
    assert!(row("Mabel Ellis").ends_with(",true,false"));
    assert!(row("Ada Winterbourne").contains(",company:lighthouse-paper-mill,"));
    assert!(row("Jürgen Müller, Dr.").contains(",company:mueller-soehne-"));
    assert!(row("hana@example.org").contains("PERSON,hana@example.org,,hana@example.org,false"));
    // Ids do not give addresses away.
    assert!(
        all.iter()
            .all(|it| !it.split(',').next().unwrap().contains('@'))
    );

    // A contact that objected here stays marked, and nothing changes.
    let ada = row("Ada Winterbourne")
        .split(',')
        .next()
        .unwrap()
        .to_owned();
    let folder = scratch();
    let objection = format!("id,exclude_from_segments\n{ada},true\n");
    let file = write(folder.path(), "objection.csv", &objection);
    assert_eq!(
        service.run(tenant, &format!("import contacts {file}")).code,
        Some(0)
    );
    let before = contacts(&service, tenant);
    for run in [format!("{import} --dry-run"), import] {
        let again = service.run(tenant, &run);
        let counts = counts(&again);
        let changed =
            |it: &&String| !it.contains(" 0 created, 0 updated,") && !it.contains(" 0 assigned,");
        assert_eq!(counts.iter().find(changed), None, "{}", again.stdout);
        prints(
            &again,
            &["  NEWSLETTERM  Newsletter, monthly (exists, 3 memberships)"],
        );
    }
    assert_eq!(contacts(&service, tenant), before);
    assert!(
        before
            .iter()
            .any(|it| it.starts_with(&ada) && it.ends_with(",true,false"))
    );
}

#[test]
fn lists_of_listmonk_are_imported_one_by_one() {
    let (service, tenant) = (Service::shared(), "listmonk");
    let newsletter = sample("listmonk", &["newsletter.csv"]);
    let first = service.run(
        tenant,
        &format!("import from listmonk {newsletter} --group Newsletter --code Newsletter=NEWS"),
    );
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let expected = [
        "1 mailing group: 1 created, 0 updated, 0 unchanged, 0 rejected",
        "3 contacts: 3 created, 0 updated, 0 unchanged, 0 rejected",
        "3 memberships: 3 assigned, 0 already there, 0 rejected",
    ];
    assert_eq!(counts(&first), expected);
    let ended = first.stdout.lines().next().unwrap();
    assert!(
        ended.ends_with("not imported: attributes, created_at, updated_at"),
        "{ended}"
    );
    let events = sample("listmonk", &["events.csv"]);
    let second = service.run(
        tenant,
        &format!("import from listmonk {events} --group Events"),
    );
    assert_eq!(
        counts(&second)[1],
        "2 contacts: 1 created, 0 updated, 1 unchanged, 0 rejected"
    );
    let id = "0e6f4a9c-3f0b-4b7e-9a37-2f1f6f0d9a0";
    let expected = [
        format!("{id}1,PERSON,Ada Winterbourne,,ada@lighthouse-paper.example.com,false,false"),
        format!("{id}2,PERSON,Hana Tremblay,,hana@example.org,false,false"),
        format!("{id}3,PERSON,\"Ostrander, Femke\",,femke@fernhill.example.org,false,true"),
        format!("{id}4,PERSON,ivo@example.com,,ivo@example.com,true,false"),
    ];
    assert_eq!(contacts(&service, tenant), expected);
    let expected = pairs(&[("EVENTS", "Events"), ("NEWS", "Newsletter")]);
    assert_eq!(groups(&service, tenant), expected);
    // A group whose description is the name keeps its code.
    let again = service.run(
        tenant,
        &format!("import from listmonk {newsletter} --group Newsletter"),
    );
    prints(
        &again,
        &["  NEWS         Newsletter (exists, 3 memberships)"],
    );
    assert_eq!(groups(&service, tenant).len(), 2);
    let excluded = format!("import from listmonk {events} --exclude-from-segments");
    assert_eq!(service.run(tenant, &excluded).code, Some(0));
    assert!(contacts(&service, tenant)[0].ends_with(",true,false"));
}

#[test]
fn contacts_of_hubspot_find_their_companies() {
    let (service, tenant) = (Service::shared(), "hubspot");
    // In any order: companies are imported first.
    let files = sample("hubspot", &["all-contacts.csv", "all-companies.csv"]);
    let import = format!("import from hubspot {files} --group-column Interests");
    let tried = service.run(tenant, &format!("{import} --dry-run"));
    let imported = service.run(tenant, &import);
    assert_eq!(
        (tried.code, imported.code),
        (Some(0), Some(0)),
        "{}",
        imported.stderr
    );
    let tried = counts(&tried);
    assert_eq!(
        tried[1],
        "7 contacts: 7 created, 0 updated, 0 unchanged, 0 rejected"
    );
    assert_eq!(
        tried[2],
        "5 memberships: 5 assigned, 0 already there, 0 rejected"
    );
    let imported = counts(&imported);
    assert!(
        imported.iter().all(|it| it.ends_with(" 0 rejected")),
        "{imported:?}"
    );
    assert_eq!(imported.last(), tried.last());
    let expected = [
        "hubspot:101,PERSON,Ada Winterbourne,hubspot:company:9001,ada@lighthouse-paper.example.com,false,false",
        "hubspot:102,PERSON,Mabel Ellis,hubspot:company:101,mabel@orchard-bakery.example.com,true,false",
        "hubspot:103,PERSON,Chloé Marchetti,hubspot:company:9002,chloe@fernhill.example.org,true,false",
        "hubspot:104,PERSON,ivo@example.com,,ivo@example.com,true,false",
        "hubspot:company:101,COMPANY,Orchard & Sons Bakery,,,false,false",
        "hubspot:company:9001,COMPANY,Lighthouse Paper Mill,,,false,false",
        "hubspot:company:9002,COMPANY,Fernhill Observatory,,,false,false",
    ];
    assert_eq!(contacts(&service, tenant), expected);
    assert_eq!(having(&service, tenant, "FAIRS").len(), 3);
}

#[test]
fn lists_of_business_central_keep_numbers_and_codes() {
    let (service, tenant, folder) = (Service::shared(), "business-central", scratch());
    let names = [
        "contact-mailing-groups.csv",
        "contacts.txt",
        "mailing-groups.csv",
    ];
    let files = sample("business-central", &names);
    let rejected = folder.path().display();
    let import = format!("import from business-central {files} --rejected {rejected}");
    let tried = service.run(tenant, &format!("{import} --dry-run"));
    let imported = service.run(tenant, &import);
    // The company of one contact is not in the file.
    assert_eq!(
        (tried.code, imported.code),
        (Some(3), Some(3)),
        "{}",
        imported.stderr
    );
    let expected = [
        "3 mailing groups: 3 created, 0 updated, 0 unchanged, 0 rejected",
        "5 contacts: 4 created, 0 updated, 0 unchanged, 1 rejected",
        "5 memberships: 4 assigned, 0 already there, 1 rejected",
    ];
    assert_eq!(
        (counts(&tried), counts(&imported)),
        (
            expected.map(str::to_owned).into(),
            expected.map(str::to_owned).into()
        )
    );
    let expected = [
        "CT000001,COMPANY,Lighthouse Paper Mill,,office@lighthouse-paper.example.com,false,false",
        "CT000002,PERSON,Ada Winterbourne,CT000001,ada@lighthouse-paper.example.com,false,false",
        "CT000003,PERSON,\"Müller, \"\"Jü\"\" Jürgen\",,juergen@mueller-soehne.example.com,true,false",
        "CT000004,PERSON,Chloé Marchetti,CT000001,,false,true",
    ];
    assert_eq!(contacts(&service, tenant), expected);
    let expected = pairs(&[
        ("MOVE", "Office move"),
        ("XCARD", "Christmas cards"),
        ("XGIFT", "Gifts, at the end of the year"),
    ]);
    assert_eq!(groups(&service, tenant), expected);
    let text = fs::read_to_string(folder.path().join("contacts.txt.rejected.csv")).unwrap();
    let line = text.lines().nth(1).unwrap();
    assert!(
        line.starts_with("8\tcompany_id (in `company no.`): ") && line.contains("\tCT000005\t"),
        "{text}"
    );
    let memberships = folder.path().join("contact-mailing-groups.rejected.csv");
    let text = fs::read_to_string(memberships).unwrap();
    assert!(
        text.lines()
            .nth(1)
            .unwrap()
            .starts_with("6,UNKNOWN_CONTACT (in `contact no.`): "),
        "{text}"
    );
    assert!(last(&imported.stdout).starts_with("1 rejected row, with line and reason: "));

    // Corrected, the rejected rows are what is imported next; the rest is left as it is.
    let contacts_file = folder.path().join("contacts.txt.rejected.csv");
    let text = fs::read_to_string(&contacts_file)
        .unwrap()
        .replace("CT000099", "CT000001");
    let corrected = write(folder.path(), "corrected.csv", &text);
    let pairs_file = folder.path().join("contact-mailing-groups.rejected.csv");
    let retry = format!(
        "import from business-central {corrected} {}",
        pairs_file.display()
    );
    let retried = service.run(tenant, &retry);
    assert_eq!(
        retried.code,
        Some(0),
        "{}{}",
        retried.stdout,
        retried.stderr
    );
    let again = service.run(tenant, &import);
    let unchanged = &counts(&again)[1..];
    assert_eq!(
        unchanged,
        [
            "5 contacts: 0 created, 0 updated, 4 unchanged, 1 rejected",
            "5 memberships: 0 assigned, 5 already there, 0 rejected"
        ]
    );
}
