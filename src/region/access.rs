//! Privileges, coherence and the rule that says when two accesses depend on each other.

use super::Operator;

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
    Atomic,
    /// As atomic, of operations that take their turns in program order. No program asks for it.
    InOrder,
    /// As simultaneous, which is what Legion makes of it, too.
    Relaxed,
}

impl Coherence {
    /// Whether operations may work on the same points at once, whatever they do there.
    pub fn is_weak(self) -> bool {
        matches!(self, Coherence::Simultaneous | Coherence::Relaxed)
    }

    pub fn is_atomic(self) -> bool {
        matches!(self, Coherence::Atomic | Coherence::InOrder)
    }
}

/// What two operations owe each other on common points and fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dependence {
    /// They may run at once.
    None,
    /// One after the other, in any order.
    Atomic,
    /// In program order.
    True,
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

/// How a task that reduces contributes to what is there. Contributions alike may be made at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Contribution {
    pub operator: Operator,
    /// Whether results may depend on who is done first; otherwise contributions are folded in program order.
    pub any_order: bool,
}

impl From<(Reduction, ElementType)> for Contribution {
    fn from((reduction, element): (Reduction, ElementType)) -> Self {
        Self { operator: Operator::Known(reduction, element), any_order: false }
    }
}

/// How an operation uses the points and fields of one requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Access {
    pub privilege: Privilege,
    pub coherence: Coherence,
    pub reduction: Option<Contribution>,
}

impl Access {
    pub fn exclusive(privilege: Privilege) -> Self {
        Self { privilege, coherence: Coherence::Exclusive, reduction: None }
    }

    /// The same of an operation that takes its turns, if it takes any, in program order.
    pub fn in_order(self) -> Self {
        match self.coherence {
            Coherence::Atomic => Self { coherence: Coherence::InOrder, ..self },
            _ => self,
        }
    }

    /// Whether tasks that use the data so may contribute to it by one copy, one after the other. Where others look at the data
    /// meanwhile, each contribution comes at the end of its task.
    pub fn shares_copies(&self) -> bool {
        self.coherence == Coherence::Exclusive && self.reduction.is_some_and(|contribution| contribution.any_order)
    }

    pub fn writes(&self) -> bool {
        matches!(self.privilege, Privilege::ReadWrite | Privilege::WriteDiscard)
    }

    /// Whether it comes after every earlier access, and every later one that depends on some earlier one, in whatever way, comes
    /// after it.
    pub fn conflicts_with_all(&self) -> bool {
        self.writes() && self.coherence == Coherence::Exclusive
    }
}

/// How two accesses to common points and fields depend on each other. Rules of Legion's region requirements (Bauer et al.,
/// SC'12, table of privileges and coherence; Legion 25.06, `check_dependence_type`): first match wins.
#[inline]
pub fn dependence(a: Access, b: Access) -> Dependence {
    use Coherence::{Atomic, Exclusive, InOrder};
    use Privilege::{NoAccess, ReadOnly, Reduce};
    match (a.privilege, b.privilege) {
        (NoAccess, _) | (_, NoAccess) | (ReadOnly, ReadOnly) => Dependence::None,
        (Reduce, Reduce) if a.reduction == b.reduction && a.coherence.is_weak() == b.coherence.is_weak() => Dependence::None,
        (Reduce, Reduce) => Dependence::True,
        _ => match (a.coherence, b.coherence) {
            (Exclusive, _) | (_, Exclusive) => Dependence::True,
            (Atomic | InOrder, Atomic | InOrder) => Dependence::Atomic,
            // Who only reads, and says that it does not mind others, may see an atomic writer at work.
            (Atomic | InOrder, _) if b.privilege != ReadOnly => Dependence::True,
            (_, Atomic | InOrder) if a.privilege != ReadOnly => Dependence::True,
            _ => Dependence::None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COHERENCES: [Coherence; 4] = [Coherence::Exclusive, Coherence::Atomic, Coherence::Simultaneous, Coherence::Relaxed];

    fn all() -> Vec<Access> {
        let mut all = Vec::new();
        for coherence in COHERENCES {
            for privilege in [Privilege::NoAccess, Privilege::ReadOnly, Privilege::ReadWrite, Privilege::WriteDiscard] {
                all.push(Access { privilege, coherence, reduction: None });
            }
            for operator in [Reduction::Sum, Reduction::Max] {
                all.push(Access { privilege: Privilege::Reduce, coherence, reduction: Some((operator, ElementType::Double).into()) });
            }
        }
        all
    }

    #[test]
    fn the_table_of_all_pairs() {
        let kinds: Vec<Access> = COHERENCES
            .into_iter()
            .flat_map(|coherence| {
                [
                    Access { privilege: Privilege::ReadOnly, coherence, reduction: None },
                    Access { privilege: Privilege::ReadWrite, coherence, reduction: None },
                    Access { privilege: Privilege::Reduce, coherence, reduction: Some((Reduction::Sum, ElementType::Double).into()) },
                    Access { privilege: Privilege::Reduce, coherence, reduction: Some((Reduction::Max, ElementType::Double).into()) },
                ]
            })
            .collect();
        // Read, write, sum, max. x: in program order; a: one after the other in any order.
        let table = [
            // Exclusive | atomic | simultaneous | relaxed.
            ".xxx .xxx .xxx .xxx",
            "xxxx xxxx xxxx xxxx",
            "xx.x xx.x xxxx xxxx",
            "xxx. xxx. xxxx xxxx",
            // Atomic.
            ".xxx .aaa .xxx .xxx",
            "xxxx aaaa .xxx .xxx",
            "xx.x aa.x .xxx .xxx",
            "xxx. aax. .xxx .xxx",
            // Simultaneous.
            ".xxx .... .... ....",
            "xxxx xxxx .... ....",
            "xxxx xxxx ...x ...x",
            "xxxx xxxx ..x. ..x.",
            // Relaxed.
            ".xxx .... .... ....",
            "xxxx xxxx .... ....",
            "xxxx xxxx ...x ...x",
            "xxxx xxxx ..x. ..x.",
        ];
        for (a, row) in kinds.iter().zip(table) {
            let letter = |found| match found {
                Dependence::None => '.',
                Dependence::Atomic => 'a',
                Dependence::True => 'x',
            };
            let found: String = kinds.iter().map(|b| letter(dependence(*a, *b))).collect();
            assert_eq!(found, row.replace(' ', ""), "{a:?}");
        }
    }

    #[test]
    fn turns_in_order_are_turns() {
        for a in all() {
            assert_eq!(a.in_order().coherence.is_atomic(), a.coherence.is_atomic());
            for b in all() {
                let found = [dependence(a, b.in_order()), dependence(a.in_order(), b), dependence(a.in_order(), b.in_order())];
                assert_eq!(found, [dependence(a, b); 3], "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn whether_old_content_is_needed_does_not_matter() {
        for a in all().into_iter().filter(|a| a.privilege == Privilege::ReadWrite) {
            let discards = Access { privilege: Privilege::WriteDiscard, ..a };
            all().into_iter().for_each(|b| assert_eq!(dependence(a, b), dependence(discards, b), "{a:?} {b:?}"));
        }
        for a in all().into_iter().filter(|a| a.privilege == Privilege::NoAccess) {
            all().into_iter().for_each(|b| assert_eq!(dependence(a, b), Dependence::None, "{a:?} {b:?}"));
        }
    }

    #[test]
    fn the_rule_is_symmetric() {
        for a in all() {
            for b in all() {
                assert_eq!(dependence(a, b), dependence(b, a), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn who_waits_for_an_exclusive_writer_need_not_look_behind_it() {
        for a in all().into_iter().filter(Access::conflicts_with_all) {
            for b in all().into_iter().filter(|b| b.privilege != Privilege::NoAccess) {
                assert_eq!(dependence(a, b), Dependence::True, "{a:?} {b:?}");
            }
        }
    }
}
