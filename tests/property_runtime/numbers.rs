//! What the C interface calls rights, coherence, operators and types.

use super::program::*;
use cohort::ffi::types::*;

pub fn number(right: Right) -> i32 {
    match right {
        Right::Nothing => COHORT_NO_ACCESS,
        Right::Read => COHORT_READ_ONLY,
        Right::Write => COHORT_READ_WRITE,
        Right::Discard => COHORT_WRITE_DISCARD,
        Right::Reduce(_) => COHORT_REDUCE,
    }
}

pub fn operator(operator: Operator) -> i32 {
    match operator {
        Operator::Sum => COHORT_SUM,
        Operator::Product => COHORT_PRODUCT,
        Operator::Min => COHORT_MIN,
        Operator::Max => COHORT_MAX,
    }
}

pub fn element_type(kind: Kind) -> i32 {
    match kind {
        Kind::Raw(_) | Kind::Names { .. } => COHORT_TYPE_NONE,
        Kind::Int32 => COHORT_INT32,
        Kind::Int64 => COHORT_INT64,
        Kind::Float => COHORT_FLOAT,
        Kind::Double => COHORT_DOUBLE,
        Kind::FloatComplex => COHORT_FLOAT_COMPLEX,
        Kind::DoubleComplex => COHORT_DOUBLE_COMPLEX,
    }
}

pub fn coherence(coherence: Coherence) -> i32 {
    match coherence {
        Coherence::Exclusive => COHORT_EXCLUSIVE,
        Coherence::Simultaneous => COHORT_SIMULTANEOUS,
        Coherence::Atomic => COHORT_ATOMIC,
        Coherence::Relaxed => COHORT_RELAXED,
    }
}
