//! What every task computes: a hash of all it may read, spread over all it may write. The result depends on the order of
//! any two tasks of which one writes what the other uses, and on nothing else; contributions to reductions are chosen so
//! that they are exact, and so the same in any order.

use super::program::{Bounds, Kind, Operator, Right, Task};
use std::ops::{Add, Mul};

/// Of any kind; what is beyond its bytes is 0.
pub type Element = [u8; 24];

pub fn mix(a: u64, b: u64) -> u64 {
    let z = (a.rotate_left(23) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z ^ z >> 29
}

impl Kind {
    pub fn bytes(self) -> usize {
        match self {
            Kind::Raw(bytes) => bytes,
            Kind::Int32 | Kind::Float => 4,
            Kind::Int64 | Kind::Double | Kind::FloatComplex => 8,
            Kind::DoubleComplex => 16,
            Kind::Names { dim, wide, .. } => dim * if wide { 8 } else { 4 },
        }
    }

    pub fn operators(self) -> &'static [Operator] {
        match self {
            Kind::Raw(_) | Kind::Names { .. } => &[],
            Kind::FloatComplex | Kind::DoubleComplex => &[Operator::Sum, Operator::Product],
            _ => &[Operator::Sum, Operator::Product, Operator::Min, Operator::Max],
        }
    }

    fn of_numbers(self, a: f64, b: f64) -> Element {
        let mut element = Element::default();
        match self {
            Kind::Float => element[..4].copy_from_slice(&(a as f32).to_ne_bytes()),
            Kind::Double => element[..8].copy_from_slice(&a.to_ne_bytes()),
            Kind::FloatComplex => {
                element[..4].copy_from_slice(&(a as f32).to_ne_bytes());
                element[4..8].copy_from_slice(&(b as f32).to_ne_bytes());
            }
            _ => {
                element[..8].copy_from_slice(&a.to_ne_bytes());
                element[8..16].copy_from_slice(&b.to_ne_bytes());
            }
        }
        element
    }

    fn of_bits(hash: u64) -> Element {
        let mut element = Element::default();
        element[..8].copy_from_slice(&hash.to_ne_bytes());
        element[8..16].copy_from_slice(&mix(hash, 1).to_ne_bytes());
        element
    }

    /// A point of the bounds.
    fn of_point(within: Bounds, wide: bool, hash: u64) -> Element {
        let mut element = Element::default();
        for d in 0..3 {
            let x = within.lo[d] + (mix(hash, d as u64) % within.extent(d) as u64) as i64;
            match wide {
                true => element[8 * d..][..8].copy_from_slice(&x.to_ne_bytes()),
                false => element[4 * d..][..4].copy_from_slice(&(x as i32).to_ne_bytes()),
            }
        }
        element
    }

    /// The point that an element names, of so many coordinates.
    pub fn named(bytes: &[u8], dim: usize) -> [i64; 3] {
        let wide = bytes.len() == 8 * dim;
        let coordinate = |d: usize| match wide {
            true => i64::from_ne_bytes(bytes[8 * d..][..8].try_into().expect("8 bytes")),
            false => i32::from_ne_bytes(bytes[4 * d..][..4].try_into().expect("4 bytes")).into(),
        };
        std::array::from_fn(|d| if d < dim { coordinate(d) } else { 0 })
    }

    /// Any value; floating-point ones are small whole numbers, so that sums of them are exact, and not 0, whose sign is lost.
    pub fn value(self, hash: u64) -> Element {
        match self {
            Kind::Raw(_) | Kind::Int32 | Kind::Int64 => Self::of_bits(hash),
            Kind::Names { within, wide, .. } => Self::of_point(within, wide, hash),
            _ => self.of_numbers((1 + hash % 1000) as f64, (1 + hash / 1000 % 1000) as f64),
        }
    }

    pub fn contribution(self, operator: Operator, hash: u64) -> Element {
        let sign = |bit: u64| if hash >> bit & 1 == 0 { 1.0 } else { -1.0 };
        match (self, operator) {
            (Kind::Raw(_) | Kind::Int32 | Kind::Int64, _) => Self::of_bits(hash),
            (_, Operator::Sum) => self.of_numbers((hash % 16) as f64, (hash / 16 % 16) as f64),
            (Kind::FloatComplex | Kind::DoubleComplex, _) => self.of_numbers(sign(1), 0.0),
            (_, Operator::Product) => self.of_numbers(sign(1), 0.0),
            // Halves: never 0, of which there are two.
            (_, Operator::Min | Operator::Max) => self.of_numbers((hash % 2000) as f64 - 999.5, 0.0),
        }
    }

    pub fn fold(self, operator: Operator, into: &mut Element, with: &Element) {
        macro_rules! numbers {
            ($t:ty, $element:expr) => {{
                const N: usize = size_of::<$t>();
                let at = |i: usize| <$t>::from_ne_bytes($element[i * N..(i + 1) * N].try_into().expect("N bytes"));
                (at(0), at(1))
            }};
        }
        macro_rules! fold_as {
            ($t:ty, $sum:expr, $product:expr) => {{
                let ((a, _), (b, _)) = (numbers!($t, into), numbers!($t, with));
                let folded = match operator {
                    Operator::Sum => $sum(a, b),
                    Operator::Product => $product(a, b),
                    Operator::Min => if b < a { b } else { a },
                    Operator::Max => if b > a { b } else { a },
                };
                into[..size_of::<$t>()].copy_from_slice(&folded.to_ne_bytes());
            }};
        }
        macro_rules! fold_complex {
            ($t:ty) => {{
                let ((a, ai), (b, bi)) = (numbers!($t, into), numbers!($t, with));
                let (real, imaginary) = match operator {
                    Operator::Product => (a * b - ai * bi, a * bi + ai * b),
                    _ => (a + b, ai + bi),
                };
                into[..size_of::<$t>()].copy_from_slice(&real.to_ne_bytes());
                into[size_of::<$t>()..2 * size_of::<$t>()].copy_from_slice(&imaginary.to_ne_bytes());
            }};
        }
        match self {
            Kind::Raw(_) | Kind::Names { .. } => unreachable!("such fields have no operators"),
            Kind::Int32 => fold_as!(i32, i32::wrapping_add, i32::wrapping_mul),
            Kind::Int64 => fold_as!(i64, i64::wrapping_add, i64::wrapping_mul),
            Kind::Float => fold_as!(f32, f32::add, f32::mul),
            Kind::Double => fold_as!(f64, f64::add, f64::mul),
            Kind::FloatComplex => fold_complex!(f32),
            Kind::DoubleComplex => fold_complex!(f64),
        }
    }

    /// The element as it is compared: the sign of a zero depends on the order of folding.
    pub fn plain(self, element: Element) -> Element {
        let mut plain = element;
        match self {
            Kind::Float | Kind::FloatComplex => plain.chunks_exact_mut(4).take(self.bytes() / 4).for_each(|part| {
                let number = f32::from_ne_bytes((&*part).try_into().expect("4 bytes"));
                part.copy_from_slice(&(number + 0.0).to_ne_bytes());
            }),
            Kind::Double | Kind::DoubleComplex => plain.chunks_exact_mut(8).take(self.bytes() / 8).for_each(|part| {
                let number = f64::from_ne_bytes((&*part).try_into().expect("8 bytes"));
                part.copy_from_slice(&(number + 0.0).to_ne_bytes());
            }),
            _ => (),
        }
        plain
    }
}

/// A requirement as the kernel sees it.
pub struct Operand {
    pub right: Right,
    /// Tasks that hold it so come in any order: they add to it and tell nobody what they saw.
    pub takes_turns: bool,
    pub bounds: Bounds,
    pub fields: Vec<(u32, Kind)>,
}

pub trait Data {
    fn read(&self, need: usize, field: usize, point: [i64; 3]) -> Element;
    fn write(&mut self, need: usize, field: usize, point: [i64; 3], value: &Element);
    /// A moment in which somebody who must not be there could do harm.
    fn others_turn(&mut self) {}
    fn changed_meanwhile(&mut self) {}
}

/// Reads, waits a moment, and looks again, or writes what was read and something more: the same in whatever order tasks come,
/// as long as they do not come at once.
fn take_turn(n: usize, operand: &Operand, hash: u64, data: &mut impl Data) {
    let seen = |data: &mut dyn Data| {
        let of = |f: usize, kind: Kind| operand.bounds.points().map(move |point| (f, kind, point));
        let places = operand.fields.iter().enumerate().flat_map(|(f, (_, kind))| of(f, *kind));
        places.map(|(f, kind, point)| (f, kind, point, data.read(n, f, point))).collect::<Vec<_>>()
    };
    let before = seen(data);
    data.others_turn();
    if operand.right == Right::Read {
        if seen(data) != before {
            data.changed_meanwhile();
        }
        return;
    }
    for (at, (f, kind, point, mut element)) in before.into_iter().enumerate() {
        let own = mix(mix(hash, f as u64), at as u64);
        match kind {
            // Points that are named stay.
            Kind::Names { .. } => (),
            Kind::Raw(_) => element.iter_mut().zip(own.to_ne_bytes()).for_each(|(a, b)| *a = a.wrapping_add(b)),
            _ => kind.fold(Operator::Sum, &mut element, &kind.contribution(Operator::Sum, own)),
        }
        data.write(n, f, point, &element);
    }
}

/// `again`: the task computes a second time, when what it could not read at first is there.
pub fn compute(seed: u64, operands: &[Operand], again: bool, data: &mut impl Data) -> u64 {
    let mut hash = seed;
    for (n, operand) in operands.iter().enumerate() {
        let looks = matches!(operand.right, Right::Read | Right::Write) || again && operand.right == Right::Discard;
        let reads = looks && !operand.takes_turns;
        for (f, (field, kind)) in operand.fields.iter().enumerate().filter(|_| reads) {
            for point in operand.bounds.points() {
                let element = kind.plain(data.read(n, f, point));
                let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
                hash = element[..kind.bytes()].chunks(8).fold(mix(hash, u64::from(*field)), |hash, part| mix(hash, word(part)));
            }
        }
    }
    for (n, operand) in operands.iter().enumerate() {
        if operand.takes_turns && (operand.right == Right::Read || operand.right.writes()) {
            take_turn(n, operand, hash, data);
            continue;
        }
        for (f, (field, kind)) in operand.fields.iter().enumerate() {
            for (at, point) in operand.bounds.points().enumerate() {
                let own = mix(mix(hash, u64::from(*field)), at as u64);
                match operand.right {
                    Right::Write | Right::Discard => data.write(n, f, point, &kind.value(own)),
                    Right::Reduce(operator) => {
                        let mut total = data.read(n, f, point);
                        kind.fold(operator, &mut total, &kind.contribution(operator, own));
                        data.write(n, f, point, &total);
                    }
                    Right::Read | Right::Nothing => (),
                }
            }
        }
    }
    hash
}

/// The result of a task that computed this.
pub fn result_of(task: &Task, hash: u64) -> Vec<u8> {
    if let Some((operator, kind)) = task.reduced {
        return kind.contribution(operator, hash)[..kind.bytes()].to_vec();
    }
    match task.truth {
        Some(bytes) => ((hash >> 7 & 1) << (hash & 7)).to_ne_bytes()[..bytes].to_vec(),
        None => (0..4 + task.id as usize % 50).map(|i| mix(hash, i as u64) as u8).collect(),
    }
}

/// Its result if it does not do its work.
pub fn otherwise(task: &Task) -> Vec<u8> {
    if task.otherwise { result_of(task, mix(u64::from(task.id), 0xe15e)) } else { Vec::new() }
}

pub fn hash_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(bytes.len() as u64, |hash, byte| mix(hash, u64::from(*byte)))
}
