//! COHORT_ABI: a number made of every declaration in the header, by which a program and a library that were compiled with different
//! headers notice each other. No one raises it by hand, so no one forgets to.

use super::reading::{aliases, functions, structs, Named};
use std::collections::BTreeSet;

/// Every `const NAME: TYPE = NUMBER`.
pub fn constants(bindings: &str) -> Vec<(String, i64)> {
    let one = |text: &str| {
        let (name, rest) = text.split_once(':').unwrap();
        let value = rest.split_once(';').unwrap().0.split_once('=').unwrap().1.trim();
        (name.to_string(), value.parse().unwrap_or_else(|_| panic!("{name} = {value} is no number")))
    };
    bindings.split("pub const ").skip(1).filter(|text| text.starts_with("COHORT_")).map(one).collect()
}

fn members(of: &Named) -> String {
    of.iter().map(|(name, of)| format!("{name}: {of}, ")).collect()
}

/// Every declaration on a line of its own; not the two constants that only say which header this is.
pub fn declarations(bindings: &str) -> BTreeSet<String> {
    let constants = constants(bindings).into_iter().filter(|(name, _)| !["COHORT_ABI", "COHORT_VERSION"].contains(&name.as_str()));
    let mut all: BTreeSet<String> = constants.map(|(name, value)| format!("const {name} = {value}")).collect();
    all.extend(aliases(bindings).iter().map(|(name, of)| format!("type {name} = {of}")));
    all.extend(structs(bindings).iter().map(|(name, list)| format!("struct {name} {{ {}}}", members(list))));
    let types = |arguments: &Named| arguments.iter().map(|(_, of)| format!("{of}, ")).collect::<String>();
    all.extend(functions(bindings).iter().map(|(name, arguments, gives)| format!("fn {name}({}) -> {gives}", types(arguments))));
    all
}

/// FNV-1a (Fowler, Noll, Vo; RFC 9923), without the sign bit, which Fortran's integers have.
pub fn number(declarations: &BTreeSet<String>) -> u32 {
    let bytes = declarations.iter().flat_map(|line| line.bytes().chain([b'\n']));
    let hash = bytes.fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash & 0x7fff_ffff
}

/// The numbers that programs may come with, this header's last: those of before stay as long as nothing is changed or gone. What was
/// merged from two branches may have changed without a trace in `before`, and is known by a number that is not its own.
pub fn served(numbers: &[u32], before: &BTreeSet<String>, now: &BTreeSet<String>) -> Vec<u32> {
    let kept = if before.is_subset(now) && numbers.last() == Some(&number(before)) { numbers } else { &[] };
    kept.iter().copied().filter(|&known| known != number(now)).chain([number(now)]).collect()
}

const HEAD: &str = "//! Which headers' programs this library serves. Made by tests/headers.rs out of the declarations; do not edit.

";

/// src/ffi/abi.rs.
pub fn source(served: &[u32]) -> String {
    let now = served.last().unwrap();
    format!(
        "{HEAD}/// Stands for every declaration in this header; `cohort_init` compares it with the library's.\n\
         pub const COHORT_ABI: u32 = {now};\n\n\
         /// Those of earlier headers whose declarations are all in this one, and its own.\n\
         pub(super) const SERVED: &[u32] = &{served:?};\n"
    )
}

/// The numbers in that source.
pub fn numbers(source: &str) -> Vec<u32> {
    let list = source.split_once("&[").and_then(|(_, rest)| rest.split_once("];")).map_or("", |(list, _)| list);
    list.rsplit('[').next().unwrap().split(',').filter_map(|number| number.trim().parse().ok()).collect()
}
