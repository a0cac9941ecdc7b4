//! Evaluates an expression on the sets of its operands.

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
    /// `operand_set` returns the set of an operand. It is called once per operand, from left to right,
    /// except for `*`, which is `everyone`. All its sets must be subsets of `everyone`. Its first error
    /// ends the evaluation.
    ///
    /// Sets are copied only when they change. Complements stay complements: `a AND NOT b` subtracts,
    /// and `everyone` is used at most once, at the end.
    pub(crate) fn evaluate<E>(
        &self,
        everyone: &Arc<RoaringBitmap>,
        mut operand_set: impl FnMut(&Operand) -> Result<Arc<RoaringBitmap>, E>,
    ) -> Result<Arc<RoaringBitmap>, E> {
        Ok(match select(self.root(), &mut operand_set)? {
            PartialSet::Set(set) => set,
            PartialSet::Complement(set) if set.is_empty() => Arc::clone(everyone),
            PartialSet::Complement(set) => Arc::new(&**everyone - &*set),
        })
    }
}

/// What a node selects, independent of the set of all contacts.
enum PartialSet {
    Set(Arc<RoaringBitmap>),
    Complement(Arc<RoaringBitmap>),
}

fn select<E>(
    node: &Node,
    operand_set: &mut impl FnMut(&Operand) -> Result<Arc<RoaringBitmap>, E>,
) -> Result<PartialSet, E> {
    Ok(match node {
        Node::Operand(Operand {
            term: Term::Everyone,
            ..
        }) => PartialSet::Complement(Arc::default()),
        Node::Operand(operand) => PartialSet::Set(operand_set(operand)?),
        Node::Not(part) => match select(part, operand_set)? {
            PartialSet::Set(set) => PartialSet::Complement(set),
            PartialSet::Complement(set) => PartialSet::Set(set),
        },
        Node::All(parts) => {
            let (sets, complements) = select_parts(parts, operand_set)?;
            if sets.is_empty() {
                PartialSet::Complement(union(complements))
            } else {
                PartialSet::Set(difference(intersection(sets), &complements))
            }
        }
        Node::Any(parts) => {
            let (sets, complements) = select_parts(parts, operand_set)?;
            if complements.is_empty() {
                PartialSet::Set(union(sets))
            } else {
                PartialSet::Complement(difference(intersection(complements), &sets))
            }
        }
    })
}

/// The sets and the complemented sets of several nodes.
type SetsAndComplements = (Vec<Arc<RoaringBitmap>>, Vec<Arc<RoaringBitmap>>);

fn select_parts<E>(
    parts: &[Node],
    operand_set: &mut impl FnMut(&Operand) -> Result<Arc<RoaringBitmap>, E>,
) -> Result<SetsAndComplements, E> {
    let (mut sets, mut complements) = (Vec::new(), Vec::new());
    for part in parts {
        match select(part, operand_set)? {
            PartialSet::Set(set) => sets.push(set),
            PartialSet::Complement(set) => complements.push(set),
        }
    }
    Ok((sets, complements))
}

fn union(mut sets: Vec<Arc<RoaringBitmap>>) -> Arc<RoaringBitmap> {
    match sets.len() {
        1 => sets.remove(0),
        _ => Arc::new(sets.iter().map(|set| &**set).union()),
    }
}

/// Intersects from the smallest set up, so that intermediate results are smallest.
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
