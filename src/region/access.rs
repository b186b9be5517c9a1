//! Privileges, coherence and the rule that says when two accesses depend on each other.

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Privilege {
    NoAccess,
    ReadOnly,
    ReadWrite,
    WriteDiscard,
    Reduce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coherence {
    Exclusive,
    Simultaneous,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    Sum,
    Product,
    Min,
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    Int32,
    Int64,
    Float,
    Double,
    FloatComplex,
    DoubleComplex,
}

impl ElementType {
    pub fn bytes(self) -> usize {
        match self {
            ElementType::Int32 | ElementType::Float => 4,
            ElementType::Int64 | ElementType::Double | ElementType::FloatComplex => 8,
            ElementType::DoubleComplex => 16,
        }
    }

    /// Complex numbers have no order.
    pub fn supports(self, reduction: Reduction) -> bool {
        !matches!(self, ElementType::FloatComplex | ElementType::DoubleComplex)
            || matches!(reduction, Reduction::Sum | Reduction::Product)
    }
}

/// How an operation uses the points and fields of one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    pub privilege: Privilege,
    pub coherence: Coherence,
    pub reduction: Option<(Reduction, ElementType)>,
}

impl Access {
    pub fn exclusive(privilege: Privilege) -> Self {
        Self { privilege, coherence: Coherence::Exclusive, reduction: None }
    }

    pub fn writes(&self) -> bool {
        matches!(self.privilege, Privilege::ReadWrite | Privilege::WriteDiscard)
    }

    /// Whether every later access that conflicts with some earlier one also conflicts with this one.
    pub fn conflicts_with_all(&self) -> bool {
        self.writes() && self.coherence == Coherence::Exclusive
    }
}

/// Whether two accesses to common points and fields must run in program order. Rules of Legion's region requirements
/// (Bauer et al., SC'12, table of privileges and coherence): first match wins.
#[inline]
pub fn conflict(a: Access, b: Access) -> bool {
    use Privilege::{NoAccess, ReadOnly, Reduce};
    match (a.privilege, b.privilege) {
        (NoAccess, _) | (_, NoAccess) | (ReadOnly, ReadOnly) => false,
        (Reduce, Reduce) => a.reduction != b.reduction || a.coherence != b.coherence,
        _ => a.coherence == Coherence::Exclusive || b.coherence == Coherence::Exclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Access> {
        let mut all = Vec::new();
        for coherence in [Coherence::Exclusive, Coherence::Simultaneous] {
            for privilege in [Privilege::NoAccess, Privilege::ReadOnly, Privilege::ReadWrite, Privilege::WriteDiscard] {
                all.push(Access { privilege, coherence, reduction: None });
            }
            for operator in [Reduction::Sum, Reduction::Max] {
                all.push(Access { privilege: Privilege::Reduce, coherence, reduction: Some((operator, ElementType::Double)) });
            }
        }
        all
    }

    #[test]
    fn the_table_of_all_pairs() {
        use Coherence::{Exclusive, Simultaneous};
        let access = |coherence, privilege, reduction: Option<Reduction>| Access {
            privilege,
            coherence,
            reduction: reduction.map(|operator| (operator, ElementType::Double)),
        };
        let kinds: Vec<Access> = [Exclusive, Simultaneous]
            .into_iter()
            .flat_map(|coherence| {
                [
                    access(coherence, Privilege::ReadOnly, None),
                    access(coherence, Privilege::ReadWrite, None),
                    access(coherence, Privilege::Reduce, Some(Reduction::Sum)),
                    access(coherence, Privilege::Reduce, Some(Reduction::Max)),
                ]
            })
            .collect();
        // Read, write, sum, max; exclusive before simultaneous. x: in program order.
        let table = [
            ".xxx .xxx",
            "xxxx xxxx",
            "xx.x xxxx",
            "xxx. xxxx",
            ".xxx ....",
            "xxxx ....",
            "xxxx ...x",
            "xxxx ..x.",
        ];
        for (a, row) in kinds.iter().zip(table) {
            let found: Vec<bool> = kinds.iter().map(|b| conflict(*a, *b)).collect();
            let expected: Vec<bool> = row.bytes().filter(|c| *c != b' ').map(|c| c == b'x').collect();
            assert_eq!(found, expected, "{a:?}");
        }
    }

    #[test]
    fn the_rule_is_symmetric() {
        for a in all() {
            for b in all() {
                assert_eq!(conflict(a, b), conflict(b, a), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn an_exclusive_writer_conflicts_with_every_access() {
        for a in all().into_iter().filter(Access::conflicts_with_all) {
            for b in all().into_iter().filter(|b| b.privilege != Privilege::NoAccess) {
                assert!(conflict(a, b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn the_table_of_simultaneous_coherence() {
        let simultaneous = |privilege| Access { privilege, coherence: Coherence::Simultaneous, reduction: None };
        assert!(!conflict(simultaneous(Privilege::ReadWrite), simultaneous(Privilege::ReadWrite)));
        assert!(conflict(simultaneous(Privilege::ReadWrite), Access::exclusive(Privilege::ReadOnly)));
        assert!(!conflict(simultaneous(Privilege::ReadOnly), Access::exclusive(Privilege::ReadOnly)));
    }
}
