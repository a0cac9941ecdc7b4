//! The set an expression selects is the one its definition says.

use std::{collections::BTreeSet, convert::Infallible, sync::Arc};

use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::{
    super::{Expression, Operand, Term},
    read,
};

const GROUPS: usize = 6;

/// Contacts apart enough to lie in several containers of a bitmap.
const STRIDE: u32 = 1_009;

/// An expression by its definition, with the text that spells it.
#[derive(Clone, Debug)]
enum Tree {
    Everyone,
    Group(usize),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Tree {
    fn text(&self) -> String {
        let join = |parts: &[Self], operator: &str| {
            let texts: Vec<_> = parts.iter().map(Self::text).collect();
            format!("({})", texts.join(operator))
        };
        match self {
            Self::Everyone => "*".to_owned(),
            Self::Group(group) => format!("G{group}"),
            Self::Not(part) => format!("NOT {}", part.text()),
            Self::All(parts) => join(parts, " AND "),
            Self::Any(parts) => join(parts, " OR "),
        }
    }

    fn holds(&self, contact: u32, groups: &[BTreeSet<u32>]) -> bool {
        match self {
            Self::Everyone => true,
            Self::Group(group) => groups[*group].contains(&contact),
            Self::Not(part) => !part.holds(contact, groups),
            Self::All(parts) => parts.iter().all(|part| part.holds(contact, groups)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(contact, groups)),
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![1 => Just(Tree::Everyone), 6 => (0..GROUPS).prop_map(Tree::Group)];
    leaf.prop_recursive(5, 40, 4, |part| {
        prop_oneof![
            part.clone().prop_map(|part| Tree::Not(Box::new(part))),
            prop::collection::vec(part.clone(), 1..4).prop_map(Tree::All),
            prop::collection::vec(part, 1..4).prop_map(Tree::Any),
        ]
    })
}

fn contacts(most: usize) -> impl Strategy<Value = BTreeSet<u32>> {
    prop::collection::btree_set((0..300_u32).prop_map(|contact| contact * STRIDE), 0..=most)
}

/// Everyone, and groups of some of them.
fn world() -> impl Strategy<Value = (BTreeSet<u32>, Vec<BTreeSet<u32>>)> {
    (contacts(300), prop::collection::vec(contacts(200), GROUPS)).prop_map(|(everyone, groups)| {
        let within = |group: BTreeSet<u32>| group.intersection(&everyone).copied().collect();
        let groups = groups.into_iter().map(within).collect();
        (everyone, groups)
    })
}

fn bitmap(contacts: &BTreeSet<u32>) -> Arc<RoaringBitmap> {
    Arc::new(contacts.iter().copied().collect())
}

fn group_of(operand: &Operand) -> usize {
    match &operand.term {
        Term::Code(code) => code.as_str()[1..].parse().unwrap(),
        other => panic!("asked for {other:?}"),
    }
}

proptest! {
    #[test]
    fn an_expression_selects_what_its_definition_says(
        tree in tree(),
        (everyone, groups) in world(),
    ) {
        let sets: Vec<_> = groups.iter().map(bitmap).collect();
        let leaf = |operand: &Operand| Ok::<_, Infallible>(Arc::clone(&sets[group_of(operand)]));
        let selected = read(&tree.text()).evaluate(&bitmap(&everyone), leaf).unwrap();
        let expected: Vec<u32> =
            everyone.iter().copied().filter(|contact| tree.holds(*contact, &groups)).collect();
        prop_assert_eq!(selected.iter().collect::<Vec<_>>(), expected);
    }
}

fn evaluate(text: &str, leaf: &Arc<RoaringBitmap>) -> Arc<RoaringBitmap> {
    let everyone = Arc::new((0..10).collect());
    read(text)
        .evaluate(&everyone, |_| Ok::<_, Infallible>(Arc::clone(leaf)))
        .unwrap()
}

#[test]
fn a_set_that_is_not_changed_is_not_copied() {
    let leaf = Arc::new(RoaringBitmap::from([1, 2, 3]));
    for text in ["A", "NOT NOT A", "A AND *", "NOT (NOT A OR NOT *)"] {
        assert!(Arc::ptr_eq(&evaluate(text, &leaf), &leaf), "for {text}");
    }
}

#[test]
fn everyone_is_everyone_and_no_one_is_the_empty_set() {
    let leaf = Arc::new(RoaringBitmap::new());
    assert_eq!(evaluate("*", &leaf).len(), 10);
    assert_eq!(evaluate("NOT A", &leaf).len(), 10);
    assert_eq!(evaluate("NOT *", &leaf).len(), 0);
    assert_eq!(evaluate("* OR A", &leaf).len(), 10);
}

#[test]
fn operands_are_asked_for_in_order_and_the_first_error_ends_it() {
    let mut asked = Vec::new();
    let expression: Expression = read("A AND (B OR !C) AND * AND D");
    let result = expression.evaluate(&Arc::default(), |operand| {
        asked.push(operand.text.clone());
        if operand.text == "C" {
            Err("no such group")
        } else {
            Ok(Arc::default())
        }
    });
    assert_eq!(result, Err("no such group"));
    assert_eq!(asked, ["A", "B", "C"]);
}
