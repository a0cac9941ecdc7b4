//! A name stands for one type in the whole crate.

use std::collections::BTreeMap;

use regex::Regex;

use super::crate_sources;
use crate::support::source::assert_only;

/// Names that stand for one type in each of several modules, with the reason.
const SHARED: [(&str, &str); 2] = [
    ("Error", "the error of its layer, named with the module"),
    ("Result", "the result with the error of its layer"),
];

/// Names that stand for several types and are to become different.
const AMBIGUOUS: &[&str] = &[];

#[test]
fn no_two_types_share_a_name() {
    let visibility = r"^(?:|\s*pub(?:\([a-z ]+\))? )";
    let item = r"(?:struct|enum|trait|union|type) (\w+)";
    let declaration = Regex::new(&format!("(?m){visibility}{item}")).unwrap();
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in crate_sources() {
        for found in declaration.captures_iter(source.without_tests()) {
            let name = &found[1];
            let path = source.path.clone();
            places.entry(name.to_owned()).or_default().push(path);
        }
    }
    places
        .retain(|name, places| places.len() > 1 && SHARED.iter().all(|(shared, _)| shared != name));
    println!("{places:#?}");
    assert_only(places.into_keys(), AMBIGUOUS);
}
