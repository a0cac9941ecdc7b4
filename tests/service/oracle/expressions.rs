//! Random expressions over the codes and companies of every [`World`](super::World).

use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

use super::world::{CODES, COMPANIES, KEYS, LOCAL_PARTS, VALUES};

/// An expression of up to a dozen operands, written in one of the ways the language allows.
pub(super) fn random(rng: &mut StdRng) -> String {
    part(rng, 3)
}

fn part(rng: &mut StdRng, depth: u32) -> String {
    if depth == 0 || rng.random_bool(0.3) {
        return operand(rng);
    }
    match rng.random_range(0..6) {
        0 => format!("{} {}", pick(rng, &["NOT", "!", "not"]), operand(rng)),
        1 => format!("NOT ({})", part(rng, depth - 1)),
        2 | 3 => chain(rng, depth, &["AND", "&", "and"]),
        _ => chain(rng, depth, &["OR", "|", "or"]),
    }
}

fn chain(rng: &mut StdRng, depth: u32, words: &[&str]) -> String {
    let parts: Vec<_> = (0..rng.random_range(2..4))
        .map(|_| part(rng, depth - 1))
        .collect();
    let chain = parts.join(&format!(" {} ", pick(rng, words)));
    // Without parentheses, precedence is put to the test.
    match rng.random_bool(0.7) {
        true => format!("({chain})"),
        false => chain,
    }
}

fn operand(rng: &mut StdRng) -> String {
    match rng.random_range(0..17) {
        0 => "*".to_owned(),
        1 => pick(rng, &["kind = PERSON", "kind=person", "kind = COMPANY"]),
        2 => format!("company = C{}", rng.random_range(0..COMPANIES)),
        3 => format!("company = \"C{}\"", rng.random_range(0..COMPANIES)),
        4 | 5 => pick(
            rng,
            &["X*", "*E", "?O*", "X?", "MO?E", "É*", "NONE*", "*1*", "???"],
        ),
        6 => format!("\"{}\"", pick(rng, &CODES)),
        7 => quoted(&pick(rng, &CODES).to_lowercase()),
        13..=16 => attribute(rng),
        8 => format!("email = \"{}@Example.com\"", pick(rng, &LOCAL_PARTS)),
        _ => quoted(&pick(rng, &CODES)),
    }
}

fn attribute(rng: &mut StdRng) -> String {
    let key = pick(rng, &KEYS);
    let value = |rng: &mut StdRng| format!("\"{}\"", pick(rng, &VALUES).replace('*', "\\*"));
    let patterns = [
        "C*",
        "\"*n?v*\"",
        "?",
        "\"G*e\"",
        "none*",
        "\"*\\**\"",
        "\"*%*\"",
    ];
    match rng.random_range(0..7) {
        0 => format!("has {key}"),
        1 => format!("{key} IN ({}, {})", value(rng), value(rng)),
        2 => format!("{key} != {}", value(rng)),
        3 => format!("{key} = {}", pick(rng, &patterns)),
        _ => format!("{key} = {}", value(rng)),
    }
}

/// A reserved word is a code in quotes only.
fn quoted(code: &str) -> String {
    match code.eq_ignore_ascii_case("AND") {
        true => format!("\"{code}\""),
        false => code.to_owned(),
    }
}

fn pick(rng: &mut StdRng, from: &[&str]) -> String {
    (*from.choose(rng).unwrap()).to_owned()
}
