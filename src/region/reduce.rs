//! What the reduction operators do to elements: single values (futures, collectives) and strided runs (instances).

use super::{ElementType, Reduction};

/// An element that has sums and products.
trait Number: Copy {
    const ZERO: Self;
    const ONE: Self;
    fn sum(self, other: Self) -> Self;
    fn product(self, other: Self) -> Self;
}

/// An element that has an order as well.
trait Ordered: Number {
    const LEAST: Self;
    const GREATEST: Self;
    fn min(self, other: Self) -> Self;
    fn max(self, other: Self) -> Self;
}

macro_rules! integers {
    ($($t:ty)*) => { $(
        impl Number for $t {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            fn sum(self, other: Self) -> Self { self.wrapping_add(other) }
            fn product(self, other: Self) -> Self { self.wrapping_mul(other) }
        }
        impl Ordered for $t {
            const LEAST: Self = <$t>::MIN;
            const GREATEST: Self = <$t>::MAX;
            fn min(self, other: Self) -> Self { Ord::min(self, other) }
            fn max(self, other: Self) -> Self { Ord::max(self, other) }
        }
    )* };
}

// A NaN wins over any number, so that a broken value is seen and the result does not depend on the order of folding.
macro_rules! floats {
    ($($t:ty)*) => { $(
        impl Number for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            fn sum(self, other: Self) -> Self { self + other }
            fn product(self, other: Self) -> Self { self * other }
        }
        impl Ordered for $t {
            const LEAST: Self = <$t>::NEG_INFINITY;
            const GREATEST: Self = <$t>::INFINITY;
            fn min(self, other: Self) -> Self { if self.is_nan() || self < other { self } else { other } }
            fn max(self, other: Self) -> Self { if self.is_nan() || self > other { self } else { other } }
        }
        impl Number for Complex<$t> {
            const ZERO: Self = Complex(0.0, 0.0);
            const ONE: Self = Complex(1.0, 0.0);
            fn sum(self, other: Self) -> Self { Complex(self.0 + other.0, self.1 + other.1) }
            fn product(self, other: Self) -> Self {
                Complex(self.0 * other.0 - self.1 * other.1, self.0 * other.1 + self.1 * other.0)
            }
        }
    )* };
}

/// Real and imaginary part, as C and Fortran lay them out.
#[repr(C)]
#[derive(Clone, Copy)]
struct Complex<T>(T, T);

integers!(i32 i64);
floats!(f32 f64);

/// Elements from `at` on, `stride` bytes apart.
#[derive(Clone, Copy)]
pub struct Run {
    pub at: *mut u8,
    pub stride: i64,
}

unsafe fn fold<T: Number>(into: Run, from: Run, count: usize, op: impl Fn(T, T) -> T) {
    let size = size_of::<T>() as i64;
    let one = |i: usize, into_stride: i64, from_stride: i64| unsafe {
        let a = into.at.offset(i as isize * into_stride as isize).cast::<T>();
        let b = from.at.offset(i as isize * from_stride as isize).cast::<T>();
        a.write_unaligned(op(a.read_unaligned(), b.read_unaligned()));
    };
    // Strides known to the compiler let it use vectors.
    if into.stride == size && from.stride == size {
        (0..count).for_each(|i| one(i, size, size));
    } else {
        (0..count).for_each(|i| one(i, into.stride, from.stride));
    }
}

unsafe fn fold_number<T: Number>(op: Reduction, into: Run, from: Run, count: usize) {
    match op {
        Reduction::Sum => fold(into, from, count, T::sum),
        Reduction::Product => fold(into, from, count, T::product),
        Reduction::Min | Reduction::Max => unreachable!("refused by ElementType::supports"),
    }
}

unsafe fn fold_ordered<T: Ordered>(op: Reduction, into: Run, from: Run, count: usize) {
    match op {
        Reduction::Min => fold(into, from, count, T::min),
        Reduction::Max => fold(into, from, count, T::max),
        _ => fold_number::<T>(op, into, from, count),
    }
}

fn bytes_of<T>(value: T) -> [u8; 16] {
    let mut bytes = [0; 16];
    unsafe { bytes.as_mut_ptr().cast::<T>().write_unaligned(value) };
    bytes
}

fn number_identity<T: Number>(op: Reduction) -> [u8; 16] {
    bytes_of(if op == Reduction::Product { T::ONE } else { T::ZERO })
}

fn ordered_identity<T: Ordered>(op: Reduction) -> [u8; 16] {
    match op {
        Reduction::Min => bytes_of(T::GREATEST),
        Reduction::Max => bytes_of(T::LEAST),
        _ => number_identity::<T>(op),
    }
}

impl Reduction {
    /// The value that changes nothing when folded; the first `element.bytes()` bytes count.
    pub fn identity(self, element: ElementType) -> [u8; 16] {
        match element {
            ElementType::Int32 => ordered_identity::<i32>(self),
            ElementType::Int64 => ordered_identity::<i64>(self),
            ElementType::Float => ordered_identity::<f32>(self),
            ElementType::Double => ordered_identity::<f64>(self),
            ElementType::FloatComplex => number_identity::<Complex<f32>>(self),
            ElementType::DoubleComplex => number_identity::<Complex<f64>>(self),
        }
    }

    /// `into[i] = op(into[i], from[i])` for `count` elements.
    ///
    /// # Safety
    /// Both runs are valid, do not overlap and nobody else touches them; the type supports the operator.
    pub unsafe fn fold_run(self, element: ElementType, into: Run, from: Run, count: usize) {
        match element {
            ElementType::Int32 => fold_ordered::<i32>(self, into, from, count),
            ElementType::Int64 => fold_ordered::<i64>(self, into, from, count),
            ElementType::Float => fold_ordered::<f32>(self, into, from, count),
            ElementType::Double => fold_ordered::<f64>(self, into, from, count),
            ElementType::FloatComplex => fold_number::<Complex<f32>>(self, into, from, count),
            ElementType::DoubleComplex => fold_number::<Complex<f64>>(self, into, from, count),
        }
    }

    /// Folds one value into another; both hold at least one element, and the type supports the operator.
    pub fn fold(self, element: ElementType, into: &mut [u8], from: &[u8]) {
        assert!(into.len() >= element.bytes() && from.len() >= element.bytes() && element.supports(self));
        let (into, from) = (Run { at: into.as_mut_ptr(), stride: 0 }, Run { at: from.as_ptr().cast_mut(), stride: 0 });
        unsafe { self.fold_run(element, into, from, 1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATORS: [Reduction; 4] = [Reduction::Sum, Reduction::Product, Reduction::Min, Reduction::Max];
    const TYPES: [ElementType; 6] = [
        ElementType::Int32,
        ElementType::Int64,
        ElementType::Float,
        ElementType::Double,
        ElementType::FloatComplex,
        ElementType::DoubleComplex,
    ];

    fn folded<const N: usize>(op: Reduction, element: ElementType, into: [u8; N], from: [u8; N]) -> [u8; N] {
        let mut into = into;
        op.fold(element, &mut into, &from);
        into
    }

    #[test]
    fn operators_do_what_their_names_say() {
        let double = |op, a: f64, b: f64| f64::from_ne_bytes(folded(op, ElementType::Double, a.to_ne_bytes(), b.to_ne_bytes()));
        let int = |op, a: i32, b: i32| i32::from_ne_bytes(folded(op, ElementType::Int32, a.to_ne_bytes(), b.to_ne_bytes()));
        assert_eq!(OPERATORS.map(|op| double(op, 3.0, -2.5)), [0.5, -7.5, -2.5, 3.0]);
        assert_eq!(OPERATORS.map(|op| int(op, 3, -2)), [1, -6, -2, 3]);
        assert_eq!(int(Reduction::Sum, i32::MAX, 1), i32::MIN);
        for op in OPERATORS {
            assert!(double(op, f64::NAN, 1.0).is_nan() && double(op, 1.0, f64::NAN).is_nan());
        }
    }

    #[test]
    fn complex_numbers_multiply_as_complex_numbers() {
        let bytes = |re: f32, im: f32| {
            let mut b = [0; 8];
            b[..4].copy_from_slice(&re.to_ne_bytes());
            b[4..].copy_from_slice(&im.to_ne_bytes());
            b
        };
        let (a, b) = (bytes(1.0, 2.0), bytes(3.0, -4.0));
        assert_eq!(folded(Reduction::Product, ElementType::FloatComplex, a, b), bytes(11.0, 2.0));
        assert_eq!(folded(Reduction::Sum, ElementType::FloatComplex, a, b), bytes(4.0, -2.0));
    }

    #[test]
    fn identities_change_nothing() {
        for element in TYPES {
            for op in OPERATORS.into_iter().filter(|op| element.supports(*op)) {
                // The bytes of the double 2.0 are a finite number in all six types.
                let value: [u8; 16] = std::array::from_fn(|i| 2.0f64.to_ne_bytes()[i % 8]);
                let n = element.bytes();
                let mut into = op.identity(element);
                op.fold(element, &mut into, &value);
                assert_eq!(into[..n], value[..n], "{op:?} {element:?}");
            }
        }
    }
}
