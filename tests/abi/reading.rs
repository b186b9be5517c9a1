//! What bindgen's text says, as names and types: for tests that compare other languages' declarations with it, or write them.

/// Parts between commas that lie in no brackets.
pub fn parts(text: &str) -> Vec<String> {
    let (mut depth, mut all) = (0, vec![String::new()]);
    for c in text.chars() {
        depth += i32::from("([<{".contains(c)) - i32::from(")]}".contains(c));
        depth -= i32::from(c == '>' && !all.last().unwrap().ends_with('-'));
        match c {
            ',' if depth == 0 => all.push(String::new()),
            c => all.last_mut().unwrap().push(c),
        }
    }
    all.iter().map(|part| part.trim().to_string()).filter(|part| !part.is_empty()).collect()
}

/// Names with types, out of `name: type` between commas.
pub type Named = Vec<(String, String)>;

pub fn named(text: &str) -> Named {
    let one = |part: &String| {
        let (name, of) = part.split_once(':').unwrap();
        let of: Vec<&str> = of.split_whitespace().collect();
        (name.trim().trim_start_matches("pub ").to_string(), of.join(" "))
    };
    parts(text).iter().map(one).collect()
}

/// Every `type NAME = TYPE`.
pub fn aliases(bindings: &str) -> Named {
    let alias = |text: &str| {
        let (name, of) = text.split_once('=')?;
        let of: Vec<&str> = of.split_once(';')?.0.split_whitespace().collect();
        Some((name.trim().to_string(), of.join(" ")))
    };
    bindings.split("pub type ").skip(1).filter_map(alias).collect()
}

/// Names, arguments, and the type that each returns, empty for none.
pub fn functions(bindings: &str) -> Vec<(String, Named, String)> {
    let one = |text: &str| {
        let (head, _) = text.split_once(';').unwrap();
        let (name, rest) = head.split_once('(').unwrap();
        let end = rest.rfind(')').unwrap();
        let gives = rest[end + 1..].trim().trim_start_matches("->").trim().to_string();
        (name.to_string(), named(&rest[..end]), gives)
    };
    bindings.split("pub fn ").skip(1).map(one).collect()
}

pub fn structs(bindings: &str) -> Vec<(String, Named)> {
    let one = |text: &str| {
        let (name, rest) = text.split_once('{').unwrap();
        (name.trim().to_string(), named(rest.split_once("\n}").or(rest.split_once('}')).unwrap().0))
    };
    bindings.split("pub struct ").skip(1).map(one).collect()
}
