//! What the Fortran module declares of the library (fortran/cohort_c*.f90, fortran/cohort_types.f90) is what C programs see
//! of it, as tests/abi/bindings.rs has it: the same arguments in the same order, the same structs field by field. No
//! compiler compares the two, and a difference is a wrong value or a crash.

#[path = "abi/reading.rs"]
mod reading;

use reading::parts;
use std::collections::BTreeMap;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// How something is passed or laid out, said alike for both languages: `i32`, `cohort_region_t`, `in i64`, `out i32`, `[i64; 3]`.
type Shape = String;

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{path}")).unwrap()
}

/// The C side.
mod c {
    use super::*;

    /// A type of the bindings without its alias and without the sign, which Fortran does not have.
    fn shape(of: &str, aliases: &BTreeMap<String, String>) -> Shape {
        if let Some(pointee) = of.strip_prefix("*const ") {
            return format!("in {}", shape(pointee, aliases));
        }
        if let Some(pointee) = of.strip_prefix("*mut ") {
            return format!("out {}", shape(pointee, aliases));
        }
        if let Some(array) = of.strip_prefix('[') {
            let (element, length) = array.trim_end_matches(']').split_once(';').unwrap();
            return format!("[{}; {}]", shape(element, aliases), length.trim().trim_end_matches("usize"));
        }
        match of.trim_start_matches("::core::") {
            "u32" | "ffi::c_int" | "ffi::c_uint" => "i32".into(),
            "u64" => "i64".into(),
            function if function.starts_with("option::Option") => "function".into(),
            other => aliases.get(other).map_or(other.into(), |alias| shape(alias, aliases)),
        }
    }

    fn shapes(of: &reading::Named, bindings: &str) -> Vec<Shape> {
        let aliases = reading::aliases(bindings).into_iter().collect();
        of.iter().map(|(_, of)| shape(of, &aliases)).collect()
    }

    pub fn functions(bindings: &str) -> BTreeMap<String, Vec<Shape>> {
        let all = reading::functions(bindings).into_iter();
        all.map(|(name, arguments, _)| (name, shapes(&arguments, bindings))).collect()
    }

    pub fn structs(bindings: &str) -> BTreeMap<String, Vec<Shape>> {
        reading::structs(bindings).into_iter().map(|(name, members)| (name, shapes(&members, bindings))).collect()
    }
}

/// The Fortran side.
mod fortran {
    use super::*;

    /// Without comments, and with lines joined that `&` continues.
    fn lines(source: &str) -> Vec<String> {
        let mut all: Vec<String> = vec![String::new()];
        for line in source.lines() {
            let line = line.split('!').next().unwrap().trim();
            let continues = line.ends_with('&');
            all.last_mut().unwrap().push_str(line.trim_end_matches('&'));
            if !continues {
                all.push(String::new());
            }
        }
        all
    }

    fn element(declared: &str) -> Shape {
        let inside = |prefix: &str| declared.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(')'));
        let of = |kind: &str| match kind {
            "c_int32_t" => "i32".to_string(),
            "c_int64_t" => "i64".into(),
            "c_size_t" => "usize".into(),
            "c_double" => "f64".into(),
            "c_bool" => "bool".into(),
            "kind=c_char" => "ffi::c_char".into(),
            "c_ptr" => "address".into(),
            "c_funptr" => "function".into(),
            "*" => "anything".into(),
            name => match name.strip_prefix("cohort_").unwrap().trim_end_matches("_c") {
                "view_layout" => "cohort_view_t".into(),
                name => format!("cohort_{name}_t"),
            },
        };
        ["integer(", "real(", "logical(", "character(", "type("].iter().find_map(|prefix| inside(prefix)).map_or_else(|| declared.into(), of)
    }

    /// Names and shapes of what a declaration line declares.
    fn declared(line: &str) -> Vec<(String, Shape)> {
        let Some((left, right)) = line.split_once("::") else { return Vec::new() };
        let words = parts(left);
        let element = element(&words[0]);
        let passed = match words.iter().find_map(|word| word.strip_prefix("intent(")) {
            Some("in)") => format!("in {element}"),
            Some(_) => format!("out {element}"),
            None => element.clone(),
        };
        let one = |entity: &String| {
            let entity = entity.split_once('=').map_or(entity.as_str(), |(name, _)| name).trim();
            match entity.trim_end_matches(')').split_once('(') {
                Some((name, length)) if length.parse::<u32>().is_ok() => (name.to_string(), format!("[{element}; {length}]")),
                Some((name, _)) => (name.to_string(), passed.clone()),
                None => (entity.to_string(), passed.clone()),
            }
        };
        parts(right).iter().map(one).collect()
    }

    pub fn functions(source: &str) -> BTreeMap<String, Vec<Shape>> {
        let mut all = BTreeMap::new();
        let lines = lines(source);
        for (i, line) in lines.iter().enumerate() {
            let Some((head, binding)) = line.split_once("bind(C, name=\"") else { continue };
            let (_, arguments) = head.split_once('(').unwrap();
            let body = lines[i + 1..].iter().take_while(|line| !line.starts_with("end "));
            let declared: BTreeMap<_, _> = body.flat_map(|line| declared(line)).collect();
            let arguments = parts(arguments.trim().trim_end_matches(')'));
            let shapes = arguments.iter().map(|name| declared[name].clone()).collect();
            all.insert(binding.split('"').next().unwrap().to_string(), shapes);
        }
        all
    }

    pub fn structs(source: &str) -> BTreeMap<String, Vec<Shape>> {
        let mut all = BTreeMap::new();
        let lines = lines(source);
        for (i, line) in lines.iter().enumerate() {
            let Some(name) = line.strip_prefix("type, bind(C) ::") else { continue };
            let body = lines[i + 1..].iter().take_while(|line| !line.starts_with("end type"));
            let fields = body.flat_map(|line| declared(line)).map(|(_, shape)| shape).collect();
            all.insert(element(&format!("type({})", name.trim())), fields);
        }
        all
    }
}

/// Whether a thing of Fortran's is passed and laid out as this thing of C's.
fn fits(fortran: &str, c: &str) -> bool {
    let pointer = c.starts_with("in ") || c.starts_with("out ");
    match fortran {
        // Untyped: an address given by value, or of any variable.
        "address" => pointer,
        "function" => c == "function",
        "out address" => c.starts_with("out in ") || c.starts_with("out out "),
        "in anything" => c == "in ffi::c_void",
        _ => fortran == c,
    }
}

fn compare(what: &str, fortran: &BTreeMap<String, Vec<Shape>>, c: &BTreeMap<String, Vec<Shape>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, ours) in fortran {
        match c.get(name) {
            None => wrong.push(format!("{what} {name} is not in the header")),
            Some(theirs) if ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(f, c)| fits(f, c)) => {}
            Some(theirs) => wrong.push(format!("{what} {name}:\n  Fortran {ours:?}\n  C       {theirs:?}")),
        }
    }
    wrong
}

#[test]
fn fortran_and_c_agree() {
    let bindings = read("tests/abi/bindings.rs");
    let descriptors = read("fortran/cohort_descriptor.c");
    let mut functions = fortran::functions(&read("fortran/cohort_c.f90"));
    functions.extend(fortran::functions(&read("fortran/cohort_c_tasks.f90")));
    // Compiled with the module: the C compiler sees both its declaration and the library's.
    functions.retain(|name, _| !descriptors.contains(&format!("{name}(")));
    let structs = fortran::structs(&read("fortran/cohort_types.f90"));
    assert!(functions.len() > 80 && structs.len() >= 20, "{} functions and {} structs found", functions.len(), structs.len());
    let mut wrong = compare("function", &functions, &c::functions(&bindings));
    wrong.extend(compare("struct", &structs, &c::structs(&bindings)));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn differences_are_seen() {
    let c = c::functions("pub fn f(a: cohort_region_t, n: usize, out: *mut i64) -> i32;");
    let agree = |declarations: &str| {
        let source = format!("function g(a, n, out) bind(C, name=\"f\") result(s)\n{declarations}\nend function\n");
        compare("function", &fortran::functions(&source), &c).is_empty()
    };
    assert!(agree("type(cohort_region), value :: a\ninteger(c_size_t), value :: n\ninteger(c_int64_t), intent(out) :: out(*)"));
    assert!(!agree("type(cohort_region), intent(in) :: a\ninteger(c_size_t), value :: n\ninteger(c_int64_t), intent(out) :: out"));
    assert!(!agree("type(cohort_region), value :: a\ninteger(c_int32_t), value :: n\ninteger(c_int64_t), intent(out) :: out"));
    assert!(!agree("type(cohort_region), value :: a\ninteger(c_size_t), value :: n\ninteger(c_int64_t), intent(in) :: out"));
}
