//! The table of floors: a module may use those on floors below its own and none beside or above it.

use std::path::{Path, PathBuf};

const FLOORS: [&[&str]; 14] = [
    &["base"],
    &["geometry"],
    &["region"],
    &["event", "machine"],
    &["transport", "device"],
    &["instance"],
    &["copy", "scheduler", "analysis"],
    &["mapping"],
    &["operation"],
    &["replay"],
    &["interop"],
    &["runtime"],
    &["profile"],
    &["ffi"],
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Modules that a source names as `crate::module`, in `use` lines and elsewhere.
fn named(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        let group = rest.strip_prefix('{').map(|g| g.split('}').next().unwrap_or_default());
        for item in group.unwrap_or(rest).split(if group.is_some() { ',' } else { '\0' }) {
            modules.push(item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    modules
}

#[test]
fn modules_use_only_lower_floors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let Some(module) = inside.parent().and_then(|p| p.iter().next()).and_then(|m| m.to_str()) else { continue };
        let own = floor(module).unwrap_or_else(|| panic!("src/{module} is on no floor"));
        for used in named(&std::fs::read_to_string(&file).unwrap()) {
            if let Some(other) = floor(&used) {
                if used != module && other >= own {
                    wrong.push(format!("{}: {module} (floor {own}) uses {used} (floor {other})", inside.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_are_found_in_every_form() {
    let text = "use crate::base::Result; use crate::{geometry, region::Tree}; fn f(x: crate::event::Node) {}";
    assert_eq!(named(text), ["base", "geometry", "region", "event"]);
}
