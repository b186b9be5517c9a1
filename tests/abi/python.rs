//! python/cohort/abi.py: the C interface as ctypes declares it, from bindgen's reading of the header.

use super::number::constants;
use super::reading::{aliases, functions, named, parts, structs};

const HEAD: &str = r#""""The C interface as include/cohort.h has it: constants without their prefix, types and functions with their names.

Generated: COHORT_UPDATE_HEADERS=1 cargo test --test headers. Do not edit.
"""

from ctypes import (CFUNCTYPE, POINTER, Structure, c_bool, c_char, c_char_p, c_double, c_float, c_int32, c_int64, c_size_t,
                    c_uint8, c_uint32, c_uint64, c_void_p, sizeof)
from typing import Any, Dict, List, Tuple
"#;

/// How ctypes names a type.
fn ctype(of: &str) -> String {
    let of = of.trim().replace("::core::", "");
    if let Some(pointee) = of.strip_prefix("*const ").or(of.strip_prefix("*mut ")) {
        return match pointee {
            "ffi::c_void" => "c_void_p".into(),
            "ffi::c_char" => "c_char_p".into(),
            pointee => format!("POINTER({})", ctype(pointee)),
        };
    }
    if let Some(array) = of.strip_prefix('[') {
        let (element, length) = array.trim_end_matches(']').rsplit_once(';').unwrap();
        return format!("{} * {}", ctype(element), length.trim().trim_end_matches("usize"));
    }
    if let Some(function) = of.strip_prefix("option::Option<") {
        let (_, rest) = function.split_once("fn(").unwrap();
        let end = rest.rfind(')').unwrap();
        let gives = rest[end + 1..].trim_start_matches([' ', '-', '>']).trim_end_matches([' ', ',', '>']);
        let mut types = vec![if gives.is_empty() { "None".into() } else { ctype(gives) }];
        types.extend(named(&rest[..end]).iter().map(|(_, of)| ctype(of)));
        return format!("CFUNCTYPE({})", types.join(", "));
    }
    let simple = match of.as_str() {
        "i32" | "ffi::c_int" => "c_int32",
        "u32" | "ffi::c_uint" => "c_uint32",
        "i64" => "c_int64",
        "u64" => "c_uint64",
        "u8" => "c_uint8",
        "usize" => "c_size_t",
        "f32" => "c_float",
        "f64" => "c_double",
        "bool" => "c_bool",
        "ffi::c_char" => "c_char",
        name if name.starts_with("cohort_") => name,
        other => panic!("tests/abi/python.rs does not know the type {other}"),
    };
    simple.into()
}

/// The values of the header's _INIT macros that are not zero, by member.
fn initial(header: &str, bindings: &str) -> String {
    let structs = structs(bindings);
    let zero = |value: &str| value.chars().all(|c| "0.{}, ".contains(c));
    let mut text = String::new();
    for line in header.lines().filter(|line| line.starts_with("#define COHORT_") && line.contains("_INIT {")) {
        let values = parts(&line[line.find('{').unwrap() + 1..line.rfind('}').unwrap()]);
        let name = values[0].trim_start_matches("sizeof(").trim_end_matches(')');
        let (_, members) = structs.iter().find(|(of, _)| of == name).unwrap_or_else(|| panic!("{line}: no struct {name}"));
        let set = members.iter().zip(&values).filter(|(_, value)| !zero(value));
        let set = set.map(|((member, _), value)| {
            format!("\"{member}\": {}", value.replace("COHORT_", "").replace('{', "(").replace('}', ")"))
        });
        text += &format!("    {name}: {{{}}},\n", set.collect::<Vec<_>>().join(", "));
    }
    text
}

/// The whole file.
pub fn declarations(header: &str, bindings: &str) -> String {
    let mut text = HEAD.to_string();
    let constants: Vec<(String, i64)> =
        constants(bindings).into_iter().map(|(name, value)| (name.trim_start_matches("COHORT_").to_string(), value)).collect();
    text += "\n__all__ = [\n";
    text += &constants.iter().map(|(name, _)| format!("    \"{name}\",\n")).collect::<String>();
    text += "]\n\n";
    text += &constants.iter().map(|(name, value)| format!("{name} = {value}\n")).collect::<String>();
    text += "\n";
    // In the header's order, in which nothing is used before it is declared.
    let at = |kind: &str, name: &str| bindings.find(&format!("pub {kind} {name} ")).unwrap();
    let mut types = Vec::new();
    for (name, of) in aliases(bindings) {
        types.push((at("type", &name), format!("{name} = {}\n", ctype(&of))));
    }
    for (name, members) in structs(bindings) {
        let member = |(name, of): &(String, String)| format!("        (\"{name}\", {}),\n", ctype(of));
        let members: String = members.iter().map(member).collect();
        types.push((at("struct", &name), format!("\n\nclass {name}(Structure):\n    _fields_ = [\n{members}    ]\n\n\n")));
    }
    types.sort();
    text += &types.iter().map(|(_, text)| text.as_str()).collect::<String>();
    text += "\n# What the _INIT macros set, where it is not zero.\nINITIAL: Dict[type, Dict[str, Any]] = {\n";
    text += &initial(header, bindings);
    text += "}\n\n# By name: the type of the result, and the types of the arguments.\nFUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {\n";
    for (name, arguments, gives) in functions(bindings) {
        let gives = if gives.is_empty() { "None".into() } else { ctype(&gives) };
        let arguments: Vec<String> = arguments.iter().map(|(_, of)| ctype(of)).collect();
        text += &format!("    \"{name}\": ({gives}, [{}]),\n", arguments.join(", "));
    }
    while text.contains("\n\n\n\n") {
        text = text.replace("\n\n\n\n", "\n\n\n");
    }
    text + "}\n"
}

/// A program of Python's that compares what it makes of the declarations with what the compiler makes of the header.
pub fn layout_checks(bindings: &str) -> String {
    // ["Size of S"][::core::mem::size_of::<S>() - 8usize]; ["Offset of field: S::f"][::core::mem::offset_of!(S, f) - 0usize];
    let number = |text: &str| text.split_once(" - ").unwrap().1.split_once("usize").unwrap().0.trim().to_string();
    let mut text = String::from("from abi import *\nimport abi, ctypes\n");
    for check in bindings.split("[\"Size of ").skip(1) {
        let name = check.split_once('"').unwrap().0;
        text += &format!("assert ctypes.sizeof(abi.{name}) == {}, '{name}'\n", number(check));
    }
    for check in bindings.split("[\"Offset of field: ").skip(1) {
        let (name, field) = check.split_once('"').unwrap().0.split_once("::").unwrap();
        text += &format!("assert abi.{name}.{field}.offset == {}, '{name}.{field}'\n", number(check));
    }
    text + "print('agree')\n"
}
