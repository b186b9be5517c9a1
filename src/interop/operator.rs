//! How the values of a dynamic collective are combined, and how they lie in its words. Ranks tell an operator that the
//! program registered by its name, for each gives it a number of its own.

use crate::base::Result;
use crate::event::Value;
use crate::fail;
use crate::region::{ElementType, Operator, Reduction};

const REDUCTIONS: [Reduction; 4] = [Reduction::Sum, Reduction::Product, Reduction::Min, Reduction::Max];
const ELEMENTS: [ElementType; 6] = [
    ElementType::Int32,
    ElementType::Int64,
    ElementType::Float,
    ElementType::Double,
    ElementType::FloatComplex,
    ElementType::DoubleComplex,
];
const MOST_BYTES: usize = size_of::<Value>();

/// The word of a registered operator has this bit, the number of its elements from `ELEMENT_SHIFT` on, and below a hash of
/// its name.
const REGISTERED: u64 = 1 << 63;
const ELEMENT_SHIFT: u32 = 56;

/// More than any number of an element.
pub(super) const ELEMENT_NUMBERS: u64 = 32;

/// What the values of a collective are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Known(ElementType),
    /// So many bytes, of which a registered operator knows more.
    Bytes(u8),
}

impl Element {
    pub fn number(self) -> u64 {
        match self {
            Self::Known(element) => ELEMENTS.iter().position(|&e| e == element).expect("all are listed") as u64,
            Self::Bytes(bytes) => ELEMENTS.len() as u64 + u64::from(bytes) - 1,
        }
    }

    pub fn of(number: u64) -> Option<Self> {
        let beyond = |number: u64| number - ELEMENTS.len() as u64 + 1;
        match ELEMENTS.get(number as usize) {
            Some(&element) => Some(Self::Known(element)),
            None => Some(Self::Bytes(beyond(number) as u8)).filter(|_| beyond(number) <= MOST_BYTES as u64),
        }
    }

    pub fn bytes(self) -> usize {
        match self {
            Self::Known(element) => element.bytes(),
            Self::Bytes(bytes) => bytes.into(),
        }
    }

    pub fn text(self) -> String {
        match self {
            Self::Known(element) => format!("{element:?}"),
            Self::Bytes(_) => "reduction's element".into(),
        }
    }
}

/// At most sixteen bytes.
pub(super) fn value_of(bytes: &[u8]) -> Value {
    let mut whole = [0; MOST_BYTES];
    whole[..bytes.len()].copy_from_slice(bytes);
    let half = |at: usize| u64::from_ne_bytes(whole[at..at + 8].try_into().expect("eight bytes"));
    [half(0), half(8)]
}

pub(super) fn bytes_of(value: Value) -> [u8; MOST_BYTES] {
    let mut whole = [0; MOST_BYTES];
    whole[..8].copy_from_slice(&value[0].to_ne_bytes());
    whole[8..].copy_from_slice(&value[1].to_ne_bytes());
    whole
}

/// FNV-1a (Fowler, Noll, Vo), folded to the bits below the number of the element.
fn hash(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (hash ^ hash >> ELEMENT_SHIFT) & ((1 << ELEMENT_SHIFT) - 1)
}

/// The word by which ranks tell each other the operator; a registered one whose values do not fit has none.
pub(super) fn word_of(operator: Operator) -> Result<u64> {
    Ok(match (operator, operator.name()) {
        (Operator::Known(how, element), _) => {
            let how = REDUCTIONS.iter().position(|&r| r == how).expect("all are listed") as u64;
            how << 8 | Element::Known(element).number()
        }
        (Operator::Registered(_), name) => {
            let (name, bytes) = (name.unwrap_or_default(), operator.bytes());
            if bytes > MOST_BYTES {
                fail!(InvalidArgument, "elements of the reduction \"{name}\" have {bytes} bytes, and a collective's values at most {MOST_BYTES}; reduce a region instead");
            }
            REGISTERED | Element::Bytes(bytes as u8).number() << ELEMENT_SHIFT | hash(name)
        }
    })
}

/// What the values are that go by an operator's word.
pub(super) fn element_of(word: u64) -> Option<Element> {
    if word & REGISTERED != 0 {
        return Element::of((word & !REGISTERED) >> ELEMENT_SHIFT);
    }
    REDUCTIONS.get((word >> 8) as usize)?;
    Element::of(word & 0xff).filter(|element| matches!(element, Element::Known(_)))
}

/// The operator that goes by this word here.
pub(super) fn operator_of(word: u64) -> Result<Operator> {
    let found = match (REDUCTIONS.get((word >> 8) as usize), element_of(word)) {
        (Some(&how), Some(Element::Known(element))) => Some(Operator::Known(how, element)),
        _ => Operator::registered().find(|operator| word_of(*operator).ok() == Some(word)),
    };
    match found {
        Some(operator) => Ok(operator),
        None => fail!(
            WrongOrder,
            "the collective combines its values by a reduction that this rank has not registered; register it on every rank, with the same name and size, before it is used"
        ),
    }
}

/// What values that go by these words come to.
pub(super) fn fold(operator: Operator, values: &[Value]) -> Value {
    let bytes = operator.bytes();
    let mut total = [0; MOST_BYTES];
    operator.with_identity(|identity| total[..bytes].copy_from_slice(identity));
    for &value in values {
        operator.fold(&mut total[..bytes], &bytes_of(value)[..bytes]);
    }
    value_of(&total[..bytes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::register_operator;

    #[test]
    fn operators_go_through_words() {
        for how in REDUCTIONS {
            for element in ELEMENTS {
                let word = word_of(Operator::Known(how, element)).unwrap();
                assert_eq!(operator_of(word), Ok(Operator::Known(how, element)));
                assert_eq!(element_of(word), Some(Element::Known(element)));
            }
        }
        assert_eq!((element_of(4 << 8), element_of(6)), (None, None));
        assert!(operator_of(4 << 8).is_err());
    }

    #[test]
    fn elements_go_through_numbers() {
        let known = ELEMENTS.map(Element::Known);
        for element in known.into_iter().chain((1..=16).map(Element::Bytes)) {
            assert_eq!(Element::of(element.number()), Some(element));
            assert!(element.number() < ELEMENT_NUMBERS);
        }
        assert_eq!(Element::of(22), None);
    }

    #[test]
    fn registered_operators_go_by_their_names() {
        let number = register_operator("exclusive or of a collective", &[0; 16], Box::new(|into, from, count| {
            (0..16 * count).for_each(|i| unsafe { *into.add(i) ^= *from.add(i) });
        }));
        let operator = Operator::of_number(number.unwrap()).unwrap();
        let word = word_of(operator).unwrap();
        assert_eq!((operator_of(word), element_of(word)), (Ok(operator), Some(Element::Bytes(16))));
        assert_eq!(fold(operator, &[[1, 2], [3, 4], [8, 16]]), [10, 22]);
        assert!(operator_of(word ^ 1).unwrap_err().text.contains("has not registered"));
        let large = register_operator("too large for a collective", &[0; 17], Box::new(|_, _, _| ())).unwrap();
        assert!(word_of(Operator::of_number(large).unwrap()).unwrap_err().text.contains("17 bytes"));
    }

    #[test]
    fn values_fold_as_their_type_says() {
        let fold = |how, values: [f64; 3]| {
            let total = fold(Operator::Known(how, ElementType::Double), &values.map(|v| value_of(&v.to_ne_bytes())));
            f64::from_bits(total[0])
        };
        assert_eq!(REDUCTIONS.map(|how| fold(how, [4.0, -1.0, 2.5])), [5.5, -10.0, -1.0, 4.0]);
    }
}
