//! The operators of the programs, as the library has them and as a program registers them.

use super::kernel::Element;
use super::numbers::{self, element_type};
use super::program::{Kind, Operator};
use cohort::ffi::reductions::cohort_reduction_register;
use cohort::ffi::types::*;
use std::ffi::{c_void, CString};

const KINDS: [Kind; 6] = [Kind::Int32, Kind::Int64, Kind::Float, Kind::Double, Kind::FloatComplex, Kind::DoubleComplex];

fn identity(kind: Kind, operator: Operator) -> Element {
    let of = |integer: i128, real: f64| {
        let mut element = Element::default();
        match kind {
            Kind::Int32 => element[..4].copy_from_slice(&(integer.clamp(i32::MIN.into(), i32::MAX.into()) as i32).to_ne_bytes()),
            Kind::Int64 => element[..8].copy_from_slice(&(integer.clamp(i64::MIN.into(), i64::MAX.into()) as i64).to_ne_bytes()),
            Kind::Float | Kind::FloatComplex => element[..4].copy_from_slice(&(real as f32).to_ne_bytes()),
            _ => element[..8].copy_from_slice(&real.to_ne_bytes()),
        }
        element
    };
    match operator {
        Operator::Sum => of(0, 0.0),
        Operator::Product => of(1, 1.0),
        Operator::Min => of(i128::MAX, f64::INFINITY),
        Operator::Max => of(i128::MIN, f64::NEG_INFINITY),
    }
}

/// `user` says which: the places of kind and operator.
unsafe extern "C" fn fold(into: *mut c_void, from: *const c_void, count: usize, user: *mut c_void) {
    let (kind, operator) = (KINDS[user as usize / 8], KINDS[user as usize / 8].operators()[user as usize % 8]);
    let bytes = kind.bytes();
    for i in 0..count {
        let (into, from) = unsafe { (into.cast::<u8>().add(i * bytes), from.cast::<u8>().add(i * bytes)) };
        let (mut a, mut b): (Element, Element) = (Element::default(), Element::default());
        unsafe {
            a.as_mut_ptr().copy_from_nonoverlapping(into, bytes);
            b.as_mut_ptr().copy_from_nonoverlapping(from, bytes);
        }
        kind.fold(operator, &mut a, &b);
        unsafe { into.copy_from_nonoverlapping(a.as_ptr(), bytes) };
    }
}

/// What the program calls its reductions.
#[derive(Default)]
pub struct Reductions {
    registered: Vec<(Kind, Operator, i32)>,
}

impl Reductions {
    /// Registers one for each operator and kind.
    pub fn register(runtime: cohort_runtime_t) -> Result<Self, i32> {
        let mut registered = Vec::new();
        for (k, kind) in KINDS.into_iter().enumerate() {
            for (o, &operator) in kind.operators().iter().enumerate() {
                let name = CString::new(format!("{operator:?} of {kind:?}")).expect("no zero byte");
                let (identity, mut number) = (identity(kind, operator), 0);
                let user = (k * 8 + o) as *mut c_void;
                let status = unsafe {
                    cohort_reduction_register(runtime, name.as_ptr(), kind.bytes(), identity.as_ptr().cast(), Some(fold), user, &mut number)
                };
                if status != 0 {
                    return Err(status);
                }
                registered.push((kind, operator, number));
            }
        }
        Ok(Self { registered })
    }

    /// Number and type, as C takes them.
    pub fn of(&self, operator: Operator, kind: Kind) -> (i32, i32) {
        match self.registered.iter().find(|known| (known.0, known.1) == (kind, operator)) {
            Some(known) => (known.2, COHORT_TYPE_NONE),
            None => (numbers::operator(operator), element_type(kind)),
        }
    }
}
