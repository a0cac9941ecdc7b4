use super::*;
use crate::client::import::columns::CsvRow;

fn surveyed(description: Option<&str>) -> SurveyedGroup {
    SurveyedGroup {
        description: description.map(str::to_owned),
        memberships: 1,
        place: "groups.csv, line 2".to_owned(),
        row: CsvRow {
            file: 0,
            line: 1,
            bytes: 0,
            record: csv::ByteRecord::new(),
            problem: None,
        },
    }
}

fn existing(groups: &[(&str, &str)]) -> Vec<MailingGroup> {
    let group = |(code, description): &(&str, &str)| MailingGroup {
        code: (*code).to_owned(),
        description: (*description).to_owned(),
        ..MailingGroup::default()
    };
    groups.iter().map(group).collect()
}

fn choice(chosen: &[(&str, &str)]) -> BTreeMap<GroupName, MappedCode> {
    let valid = |(name, code): &(&str, &str)| {
        let name = (*name).to_owned().try_into().expect("a name");
        (name, (*code).to_owned().try_into().expect("a code"))
    };
    chosen.iter().map(valid).collect()
}

/// The codes of names, in the order of the names.
fn codes(names: &[&str], chosen: &[(&str, &str)], tenant: &[(&str, &str)]) -> Vec<String> {
    let groups = names
        .iter()
        .map(|it| (GroupKey::Name((*it).to_owned()), surveyed(None)));
    let planned = assign(&groups.collect(), &choice(chosen), &existing(tenant)).expect("valid");
    planned.into_values().map(|it| it.code).collect()
}

#[test]
fn a_name_keeps_its_code_and_a_clash_gets_a_number() {
    let names = ["Newsletter Austria", "Newsletter Africa", "VIP"];
    let first = codes(&names, &[], &[]);
    assert_eq!(first, ["NEWSLETTERA", "NEWSLETTER2", "VIP"]);
    // The order is that of the names: Africa, Austria.
    let tenant = [
        ("NEWSLETTERA", "Newsletter Africa"),
        ("NEWSLETTER2", "Newsletter Austria"),
    ];
    assert_eq!(
        codes(&names, &[], &tenant),
        ["NEWSLETTERA", "NEWSLETTER2", "VIP"]
    );
    // More names later, and a renamed group.
    let tenant = [("NEWS", "Newsletter Africa"), ("VIP", "Very important")];
    let more = ["Newsletter Aachen", "Newsletter Africa", "VIP"];
    assert_eq!(codes(&more, &[], &tenant), ["NEWSLETTERA", "NEWS", "VIP2"]);
}

#[test]
fn the_mapping_chooses_codes() {
    let tenant = [("VIP", "Very important")];
    let chosen = [("VIP", "vip"), ("Press", "vip")];
    assert_eq!(codes(&["Press", "VIP"], &chosen, &tenant), ["VIP", "VIP"]);
}

/// Code, description and whether it exists, of codes of a source with their descriptions.
fn of_source(
    codes: &[(&str, Option<&str>)],
    tenant: &[(&str, &str)],
) -> Result<Vec<(String, String, bool)>, String> {
    let group =
        |(code, text): &(&str, Option<&str>)| (GroupKey::Code((*code).to_owned()), surveyed(*text));
    let groups = codes.iter().map(group).collect();
    let planned = assign(&groups, &BTreeMap::new(), &existing(tenant));
    let planned = planned.map_err(|it| it.to_string())?.into_values();
    Ok(planned
        .map(|it| (it.code, it.description, it.existing.is_some()))
        .collect())
}

fn rows(rows: &[(&str, &str, bool)]) -> Vec<(String, String, bool)> {
    let owned = |(code, text, exists): &(&str, &str, bool)| {
        ((*code).to_owned(), (*text).to_owned(), *exists)
    };
    rows.iter().map(owned).collect()
}

#[test]
fn codes_of_a_source_are_kept_where_they_are_valid() {
    let codes = [("X-CARD", Some("Christmas cards")), ("xcard", None)];
    let planned = of_source(&codes, &[("XCARD", "Cards")]);
    let expected = [
        ("XCARD2", "Christmas cards", false),
        ("XCARD", "Cards", true),
    ];
    assert_eq!(planned, Ok(rows(&expected)));
}

#[test]
fn a_code_that_loses_characters_never_takes_the_group_of_another() {
    let cards = [
        ("X-CARD", Some("Christmas cards")),
        ("X.CARD", Some("Easter cards")),
    ];
    let first = [
        ("XCARD", "Christmas cards", false),
        ("XCARD2", "Easter cards", false),
    ];
    assert_eq!(of_source(&cards, &[]), Ok(rows(&first)));
    // A later run with any of them, in any order, finds the same groups.
    let tenant = [("XCARD", "Christmas cards"), ("XCARD2", "Easter cards")];
    for (card, (code, description, _)) in cards.iter().zip(first) {
        let found = of_source(&[*card], &tenant);
        assert_eq!(found, Ok(rows(&[(code, description, true)])));
    }
    let other = of_source(&[("X/CARD", Some("Birthdays"))], &tenant);
    assert_eq!(other, Ok(rows(&[("XCARD3", "Birthdays", false)])));
    // Without a description it can be either group.
    let unknown = of_source(&[("X-CARD", None)], &tenant).expect_err("refused");
    for words in [
        "those of groups that exist, as their descriptions are missing:\n",
        "groups.csv, line 2: X-CARD may be XCARD (Christmas cards) or XCARD2 (Easter cards)",
        "--code 'X-CARD=XCARD'",
    ] {
        assert!(unknown.contains(words), "{unknown}");
    }
    let undescribed = of_source(&[("X-CARD", None)], &[("XCARD", "X-CARD")]);
    assert_eq!(undescribed, Ok(rows(&[("XCARD", "X-CARD", true)])));
}

#[test]
fn a_name_leads_to_the_group_of_the_same_run_that_has_it_as_its_description() {
    let groups = BTreeMap::from([
        (GroupKey::Code("X-CARD".to_owned()), surveyed(Some("Cards"))),
        (GroupKey::Name("Cards".to_owned()), surveyed(None)),
    ]);
    for tenant in [&[][..], &[("XCARD", "Cards")]] {
        let planned = assign(&groups, &BTreeMap::new(), &existing(tenant)).expect("valid");
        assert!(planned.values().all(|it| it.code == "XCARD"), "{planned:?}");
    }
}
