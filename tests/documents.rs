//! What the documents say is what the code does: environment variables, statuses, and every snippet of C, Fortran and Python, which must
//! stand in an example, a test or the mini-app.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder whose names end in `suffix`.
fn files(folder: &Path, suffix: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, suffix, found);
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
}

fn documents() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    let mut found = vec![root.join("README.md"), root.join("c-examples/README.md")];
    files(&root.join("docs"), ".md", &mut found);
    found
}

/// The words that begin with COHORT_ in a text, as whole words.
fn names(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !word(c)).filter(|w| w.starts_with("COHORT_")).map(str::to_string).collect()
}

/// The cells of the rows of a page's tables.
fn rows(page: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_string()).collect();
    page.lines().filter(|line| line.starts_with("| ")).map(cells).collect()
}

#[test]
fn every_environment_variable_is_on_its_page_and_no_other() {
    let mut sources = Vec::new();
    files(&Path::new(ROOT).join("src"), ".rs", &mut sources);
    files(&Path::new(ROOT).join("python"), ".py", &mut sources);
    let mut read_by_the_library = BTreeSet::new();
    for source in sources {
        let text = std::fs::read_to_string(source).unwrap();
        // A variable is the first literal after the call that looks it up.
        for call in ["(lookup, \"", "var(\"", "var_os(\"", "number(\"", "environ.get(\""] {
            read_by_the_library.extend(text.split(call).skip(1).filter_map(|rest| {
                let name = rest.split('"').next()?;
                name.starts_with("COHORT_").then(|| name.to_string())
            }));
        }
    }
    assert!(read_by_the_library.len() >= 10, "the variables were not found: {read_by_the_library:?}");
    let described: BTreeSet<String> =
        rows(&read("docs/environment.md")).iter().filter_map(|row| names(&row[0]).into_iter().next()).collect();
    assert_eq!(read_by_the_library, described, "left: read by src and python; right: rows of docs/environment.md");
}

#[test]
fn every_status_is_on_its_page_with_number_cause_and_fix() {
    let header = read("include/cohort.h");
    let page = rows(&read("docs/errors.md"));
    let mut statuses = 0;
    for line in header.lines().filter(|line| line.starts_with("#define COHORT_OK") || line.starts_with("#define COHORT_ERROR_")) {
        let mut words = line.split_whitespace().skip(1);
        let (name, number) = (words.next().unwrap(), words.next().unwrap());
        let row = page.iter().find(|row| row[0] == format!("`{name}`")).unwrap_or_else(|| panic!("{name} is not in docs/errors.md"));
        assert_eq!(row[1], number, "{name}");
        assert!(row.len() == 4 && row[2..].iter().all(|cell| cell.len() > 3), "{name}: a cause or a fix is missing");
        statuses += 1;
    }
    assert_eq!(statuses + 1, page.len(), "docs/errors.md has rows of no status, besides its heading");
}

/// A name that a document uses exists: a document that describes what was renamed is wrong.
#[test]
fn documents_name_only_what_exists() {
    let mut known = String::new();
    let mut sources = Vec::new();
    for (folder, suffix) in [("include", ".h"), ("fortran", ""), ("src", ".rs"), ("cmake", ""), ("python", ".py"), ("tests", ""), ("s3d-mini", ".txt")] {
        files(&Path::new(ROOT).join(folder), suffix, &mut sources);
    }
    sources.push(Path::new(ROOT).join("CMakeLists.txt"));
    for source in sources {
        known += &String::from_utf8_lossy(&std::fs::read(source).unwrap());
    }
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let known: BTreeSet<&str> = known.split(|c| !word(c)).filter(|w| w.to_ascii_lowercase().starts_with("cohort_")).collect();
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for name in text.split(|c| !word(c)).filter(|w| w.to_ascii_lowercase().starts_with("cohort_") && !w.ends_with('_')) {
            assert!(known.contains(name), "{}: {name} does not exist", document.display());
        }
    }
}

/// The lines of a snippet in order; `...` stands for any lines between.
fn occurs(snippet: &[&str], file: &str) -> Result<(), String> {
    let lines: Vec<&str> = file.lines().map(str::trim).collect();
    let pieces: Vec<Vec<&str>> = snippet
        .split(|line| line.trim().trim_start_matches(['!', '/', '*', ' ']) == "...")
        .map(|piece| piece.iter().map(|line| line.trim()).collect())
        .filter(|piece: &Vec<&str>| !piece.is_empty())
        .collect();
    let mut from = 0;
    for piece in pieces {
        match lines[from..].windows(piece.len()).position(|window| window == piece) {
            Some(at) => from += at + piece.len(),
            None => {
                let line = piece.iter().find(|line| !lines[from..].contains(line));
                return Err(line.map_or("its lines do not follow each other so".to_string(), |line| format!("\"{line}\"")));
            }
        }
    }
    Ok(())
}

#[test]
fn every_snippet_stands_in_an_example_that_runs() {
    let runs = ["c-examples/CMakeLists.txt", "s3d-mini/CMakeLists.txt", "tests/directives/CMakeLists.txt", "tests/python/run.sh", "tests/consumer/flang.sh"];
    let runs: String = runs.iter().map(read).collect();
    let mut snippets = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        let shown = document.strip_prefix(ROOT).unwrap().display().to_string();
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(info) = line.trim().strip_prefix("```") else { continue };
            let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```").collect();
            let mut words = info.split_whitespace();
            let language = words.next().unwrap_or_else(|| panic!("{shown}:{}: say which language the block is in", number + 1));
            if !["c", "fortran", "python"].contains(&language) {
                continue;
            }
            let from = words.find_map(|word| word.strip_prefix("from="));
            let from = from.unwrap_or_else(|| panic!("{shown}:{}: say from=FILE, where the snippet stands", number + 1));
            let [stem, name] = [Path::new(from).file_stem(), Path::new(from).file_name()].map(|part| part.unwrap().to_str().unwrap());
            assert!(runs.contains(&format!("example({stem} ")) || runs.contains(name), "{shown}: {from} is in no test");
            if let Err(line) = occurs(&body, &read(from)) {
                panic!("{shown}:{}: not in {from}: {line}", number + 1);
            }
            snippets += 1;
        }
    }
    assert!(snippets > 0);
}

#[test]
fn snippets_must_occur_in_order() {
    let file = "a\n  b\nc\nd\ne";
    assert!(occurs(&["b", "c"], file).is_ok());
    assert!(occurs(&["a", "! ...", "d"], file).is_ok());
    assert!(occurs(&["a", "c"], file).is_err());
    assert!(occurs(&["d", "...", "a"], file).is_err());
    assert!(occurs(&["a", "x"], file).unwrap_err().contains('x'));
}

#[test]
fn links_between_documents_lead_somewhere() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            assert!(document.parent().unwrap().join(file).exists(), "{}: {link} leads nowhere", document.display());
        }
    }
}
