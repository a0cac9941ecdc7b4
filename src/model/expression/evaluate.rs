//! From an expression and the sets of its operands to the set it selects.

use std::sync::Arc;

use roaring::{MultiOps, RoaringBitmap};

use super::{Expression, Node, Operand, Term};

impl Expression {
    /// Whether [`Expression::evaluate`] uses `everyone`; if not, any set will do.
    pub(crate) fn needs_everyone(&self) -> bool {
        self.root().is_complement()
    }

    /// The contacts that the expression selects, as a set over contact numbers.
    ///
    /// `leaf` gives the set of an operand; it is asked once per operand, from left to right, and
    /// not for `*`, which is `everyone`. All its sets must lie within `everyone`. The first error
    /// it gives ends the evaluation.
    ///
    /// No set is copied that is not changed, and complements are carried along as such: `a AND NOT
    /// b` subtracts, and `everyone` is touched at most once, at the very end.
    pub(crate) fn evaluate<E>(
        &self,
        everyone: &Arc<RoaringBitmap>,
        mut leaf: impl FnMut(&Operand) -> Result<Arc<RoaringBitmap>, E>,
    ) -> Result<Arc<RoaringBitmap>, E> {
        Ok(match select(self.root(), &mut leaf)? {
            Selection::These(set) => set,
            Selection::AllBut(set) if set.is_empty() => Arc::clone(everyone),
            Selection::AllBut(set) => Arc::new(&**everyone - &*set),
        })
    }
}

/// What a part selects, without having to know who everyone is.
enum Selection {
    These(Arc<RoaringBitmap>),
    AllBut(Arc<RoaringBitmap>),
}

fn select<E>(
    node: &Node,
    leaf: &mut impl FnMut(&Operand) -> Result<Arc<RoaringBitmap>, E>,
) -> Result<Selection, E> {
    Ok(match node {
        Node::Operand(Operand {
            term: Term::Everyone,
            ..
        }) => Selection::AllBut(Arc::default()),
        Node::Operand(operand) => Selection::These(leaf(operand)?),
        Node::Not(part) => match select(part, leaf)? {
            Selection::These(set) => Selection::AllBut(set),
            Selection::AllBut(set) => Selection::These(set),
        },
        Node::All(parts) => {
            let (these, but) = select_parts(parts, leaf)?;
            if these.is_empty() {
                Selection::AllBut(union(but))
            } else {
                Selection::These(difference(intersection(these), &but))
            }
        }
        Node::Any(parts) => {
            let (these, but) = select_parts(parts, leaf)?;
            if but.is_empty() {
                Selection::These(union(these))
            } else {
                Selection::AllBut(difference(intersection(but), &these))
            }
        }
    })
}

/// Sets that are selected, and sets whose complements are.
type Parted = (Vec<Arc<RoaringBitmap>>, Vec<Arc<RoaringBitmap>>);

fn select_parts<E>(
    parts: &[Node],
    leaf: &mut impl FnMut(&Operand) -> Result<Arc<RoaringBitmap>, E>,
) -> Result<Parted, E> {
    let (mut these, mut but) = (Vec::new(), Vec::new());
    for part in parts {
        match select(part, leaf)? {
            Selection::These(set) => these.push(set),
            Selection::AllBut(set) => but.push(set),
        }
    }
    Ok((these, but))
}

fn union(mut sets: Vec<Arc<RoaringBitmap>>) -> Arc<RoaringBitmap> {
    match sets.len() {
        1 => sets.remove(0),
        _ => Arc::new(sets.iter().map(|set| &**set).union()),
    }
}

/// From the smallest set up, so that what is left to compare shrinks fastest.
fn intersection(mut sets: Vec<Arc<RoaringBitmap>>) -> Arc<RoaringBitmap> {
    sets.sort_by_cached_key(|set| set.len());
    let mut sets = sets.into_iter();
    let smallest = sets.next().unwrap_or_default();
    sets.fold(smallest, |common, set| {
        if common.is_empty() {
            common
        } else {
            Arc::new(&*common & &*set)
        }
    })
}

fn difference(set: Arc<RoaringBitmap>, others: &[Arc<RoaringBitmap>]) -> Arc<RoaringBitmap> {
    others.iter().fold(set, |left, other| {
        if left.is_empty() || left.is_disjoint(other) {
            left
        } else {
            Arc::new(&*left - &**other)
        }
    })
}
