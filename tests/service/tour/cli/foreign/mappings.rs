//! Mappings of users, and what is wrong with them.

use super::{Service, contacts, counts, fails, groups, having, pairs, prints, scratch, write};
use crate::tour::service::run;

const MAPPING: &str = r#"
title = "our shop"
separator = "|"

[codes]
"Monthly letter" = "LETTER"

[[file]]
title = "customers"
id = { column = "Customer", prefix = "shop:" }
kind = { company_if_empty = "Surname" }
name = { join = ["Surname", "Given"], otherwise = "Firm" }
email = ["Mail", "E-Mail"]
company = { name = "Works for", prefix = "firm:" }
only = [{ column = "State", values = ["active", "paused"] }]
except = [{ column = "Test", filled = true }]

[file.attributes]
telephone = "Phone"
city = ["Town", "City"]

[[file.groups]]
column = "Topics"

[[file.groups]]
column = "Letter"
name = "Monthly letter"
values = ["x", "yes"]

[[file.flags]]
set = "exclude_from_segments"
column = "State"
values = ["paused"]
clear = ["active"]
"#;

const ROWS: &str = "\
Report of customers;;;;;;;;;;;\n\
\n\
Customer;Surname;Given;Firm;Mail;Works for;State;Test;Topics;Letter;Phone;City;Fax\n\
1;;;Bakery;hello@bakery.example.com;;active;;;X;; Lyon ;\n\
2;Ellis;Mabel;;mabel@bakery.example.com;Bakery;active;;Bread|Cakes;x;123;;9\n\
3;Okonkwo;Dario;;dario@bakery.example.com;BAKERY ;paused;;Bread;no;;;\n\
4;Gone;Gustav;;gustav@example.com;;deleted;;Bread;x;;;\n\
5;Test;Tim;;tim@example.com;;active;yes;Bread;x;;;\n";

#[test]
fn a_mapping_of_a_user_has_every_rule() {
    let (service, tenant, folder) = (Service::shared(), "own-mapping", scratch());
    let mapping = write(folder.path(), "shop.toml", MAPPING);
    let file = write(folder.path(), "customers.csv", ROWS);
    let import = format!("import from {mapping} {file}");
    let ended = service.run(tenant, &import);
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    let first = format!("{file}: customers, 5 rows, 2 left out by the mapping; not imported: fax");
    prints(
        &ended,
        &[
            &first,
            "1 company is made of the column of persons:",
            "  firm:bakery  Bakery",
        ],
    );
    let expected = [
        "firm:bakery,COMPANY,Bakery,,,false,false",
        "shop:1,COMPANY,Bakery,,hello@bakery.example.com,false,false,\"{\"\"city\"\":\"\"Lyon\"\"}\"",
        "shop:2,PERSON,Ellis Mabel,firm:bakery,mabel@bakery.example.com,false,false,\
            \"{\"\"telephone\"\":\"\"123\"\"}\"",
        "shop:3,PERSON,Okonkwo Dario,firm:bakery,dario@bakery.example.com,true,false",
    ];
    assert_eq!(contacts(&service, tenant), expected);
    let expected = pairs(&[
        ("BREAD", "Bread"),
        ("CAKES", "Cakes"),
        ("LETTER", "Monthly letter"),
    ]);
    assert_eq!(groups(&service, tenant), expected);
    let letter = ["hello@bakery.example.com", "mabel@bakery.example.com"];
    assert_eq!(having(&service, tenant, "LETTER"), letter);

    // Only because the mapping says so, a mark is cleared.
    let file = write(
        folder.path(),
        "customers.csv",
        &ROWS.replace("paused", "active"),
    );
    let again = service.run(tenant, &format!("import from {mapping} {file}"));
    assert_eq!(
        counts(&again)[2],
        "3 contacts: 0 created, 1 updated, 2 unchanged, 0 rejected",
        "{}",
        again.stdout
    );
    assert!(contacts(&service, tenant)[3].ends_with(",false,false"));
}

#[test]
fn a_mistake_in_a_mapping_names_file_line_and_what_would_be_right() {
    let (service, folder) = (Service::shared(), scratch());
    let file = write(folder.path(), "customers.csv", ROWS);
    let import = |from: &str, to: &str| {
        assert!(MAPPING.contains(from));
        let mapping = write(folder.path(), "shop.toml", &MAPPING.replace(from, to));
        service.run("wrong-mapping", &format!("import from {mapping} {file}"))
    };
    let unknown = import("email =", "emial =");
    fails(
        &unknown,
        1,
        &[
            "shop.toml: ",
            "line 13,",
            "unknown field `emial`, expected one of",
            "`email`",
        ],
    );
    let flag = import("\"exclude_from_segments\"", "\"unsubscribed\"");
    fails(
        &flag,
        1,
        &["line 31,", "`exclude_from_segments` or `privacy_blocked`"],
    );
    let column = import("\"Topics\"", "\"Topic\"");
    let found = "found: customer, surname, given, firm, mail";
    fails(
        &column,
        1,
        &[
            "customers.csv: its columns are not those of our shop",
            "customers: it lacks `Topic`",
            found,
        ],
    );
    let spelled = import("[\"Mail\", \"E-Mail\"]", "[\"Post\", \"E-Post\"]");
    fails(&spelled, 1, &["it lacks `Post` or `E-Post`"]);
    let key = import("telephone =", "Phone =");
    fails(
        &key,
        1,
        &[
            "line 8,",
            "the key `Phone` of `attributes`",
            "lower-case letter",
        ],
    );
    let kind = import(
        "kind = { company_if_empty = \"Surname\" }",
        "kind = \"FIRM\"",
    );
    fails(&kind, 1, &["line 11,"]);
    let missing = service.run("wrong-mapping", &format!("import from nowhere.toml {file}"));
    fails(&missing, 1, &["cannot read nowhere.toml"]);
    let source = service.run("wrong-mapping", &format!("import from mailchump {file}"));
    fails(
        &source,
        2,
        &["business-central, hubspot, listmonk, mailchimp"],
    );
    let column = service.run("wrong-mapping", &format!("import from mailchimp {file}"));
    fails(&column, 1, &["contacts: it lacks `Email Address`"]);
    assert!(contacts(&service, "wrong-mapping").is_empty());
}

#[test]
fn a_built_in_mapping_is_printed_and_can_be_changed() {
    let (service, tenant, folder) = (Service::shared(), "printed", scratch());
    for source in ["business-central", "hubspot", "listmonk", "mailchimp"] {
        let printed = run(["import", "mapping", source]);
        assert_eq!(printed.code, Some(0), "{}", printed.stderr);
        assert!(printed.stdout.starts_with("# ") && printed.stdout.contains("[[file]]"));
    }
    fails(
        &run(["import", "mapping", "mailchump"]),
        2,
        &["pass business-central, "],
    );
    let printed = run(["import", "mapping", "listmonk"]).stdout;
    let ours = printed.replace(
        "id = \"uuid\"",
        "id = { column = \"uuid\", prefix = \"lm:\" }",
    );
    let mapping = write(folder.path(), "ours.toml", &ours);
    let file = write(
        folder.path(),
        "s.csv",
        "uuid,email,name\na1,a@example.com,A\n",
    );
    let ended = service.run(tenant, &format!("import from {mapping} {file}"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        contacts(&service, tenant),
        ["lm:a1,PERSON,A,,a@example.com,false,false"]
    );
    let without = service.run(
        tenant,
        &format!("import from {mapping} {file} --group-column Tags"),
    );
    fails(
        &without,
        1,
        &[
            "no file of contacts has the column `Tags`",
            "email, name, uuid",
        ],
    );
}
