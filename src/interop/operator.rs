//! How the values of a dynamic collective are combined, and how they lie in its words.

use crate::event::Value;
use crate::region::{ElementType, Reduction};

const REDUCTIONS: [Reduction; 4] = [Reduction::Sum, Reduction::Product, Reduction::Min, Reduction::Max];
const ELEMENTS: [ElementType; 6] = [
    ElementType::Int32,
    ElementType::Int64,
    ElementType::Float,
    ElementType::Double,
    ElementType::FloatComplex,
    ElementType::DoubleComplex,
];

/// More than any `number_of` an element.
pub(super) const ELEMENT_NUMBERS: u64 = 8;

pub(super) fn number_of(element: ElementType) -> u64 {
    ELEMENTS.iter().position(|&e| e == element).expect("all are listed") as u64
}

pub(super) fn element_of(number: u64) -> Option<ElementType> {
    ELEMENTS.get(number as usize).copied()
}

/// At most sixteen bytes.
pub(super) fn value_of(bytes: &[u8]) -> Value {
    let mut whole = [0; 16];
    whole[..bytes.len()].copy_from_slice(bytes);
    let half = |at: usize| u64::from_ne_bytes(whole[at..at + 8].try_into().expect("eight bytes"));
    [half(0), half(8)]
}

pub(super) fn bytes_of(value: Value) -> [u8; 16] {
    let mut whole = [0; 16];
    whole[..8].copy_from_slice(&value[0].to_ne_bytes());
    whole[8..].copy_from_slice(&value[1].to_ne_bytes());
    whole
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub how: Reduction,
    pub element: ElementType,
}

impl Operator {
    pub fn number(self) -> u64 {
        let how = REDUCTIONS.iter().position(|&r| r == self.how).expect("all are listed") as u64;
        how << 8 | number_of(self.element)
    }

    pub fn of(number: u64) -> Option<Self> {
        let how = *REDUCTIONS.get((number >> 8) as usize)?;
        Some(Self { how, element: element_of(number & 0xff)? })
    }

    pub fn fold(self, values: &[Value]) -> Value {
        let mut total = self.how.identity(self.element);
        for &value in values {
            self.how.fold(self.element, &mut total, &bytes_of(value));
        }
        value_of(&total[..self.element.bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_go_through_words() {
        for how in REDUCTIONS {
            for element in ELEMENTS {
                let operator = Operator { how, element };
                assert_eq!(Operator::of(operator.number()), Some(operator));
                assert!(number_of(element) < ELEMENT_NUMBERS);
            }
        }
        assert_eq!((Operator::of(4 << 8), Operator::of(6)), (None, None));
    }

    #[test]
    fn values_fold_as_their_type_says() {
        let fold = |how, values: [f64; 3]| {
            let operator = Operator { how, element: ElementType::Double };
            let total = operator.fold(&values.map(|v| value_of(&v.to_ne_bytes())));
            f64::from_bits(total[0])
        };
        assert_eq!(REDUCTIONS.map(|how| fold(how, [4.0, -1.0, 2.5])), [5.5, -10.0, -1.0, 4.0]);
    }
}
