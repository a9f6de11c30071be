//! `docs/names.md` holds every public name of the Python package (`docs/e3x_names.txt`, written by
//! `docs/e3x_names.py`), and no other.

use std::collections::BTreeSet;

const LIST: &str = include_str!("../../../docs/e3x_names.txt");
const TABLE: &str = include_str!("../../../docs/names.md");

/// The text between back quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Names in the first column of the tables, with the part of E3x that their heading names.
fn explained() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut part = None;
    for line in TABLE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            part = quoted(heading).next();
        }
        let cell = line
            .strip_prefix("| ")
            .and_then(|row| row.split(" | ").next());
        if let (Some(part), Some(cell)) = (part, cell) {
            // Names of JAX, and of arguments.
            let ours = cell.split("JAX's").next().unwrap_or_default();
            let ours = ours.split(" with ").next().unwrap_or_default();
            if !cell.starts_with("its argument") {
                names.extend(quoted(ours).map(|name| format!("{part}.{name}")));
            }
        }
    }
    names
}

#[test]
fn every_name_of_e3x_is_explained_and_no_other() {
    let listed: BTreeSet<String> = LIST.lines().map(String::from).collect();
    assert!(listed.len() >= 120, "{} names", listed.len());
    let explained = explained();
    let missing: Vec<_> = listed.difference(&explained).collect();
    assert!(missing.is_empty(), "not in docs/names.md: {missing:?}");
    let unknown: Vec<_> = explained.difference(&listed).collect();
    assert!(unknown.is_empty(), "no names of E3x: {unknown:?}");
}

/// Every row says where the name lives here; what is at home in `nn` or `so3` exists there.
#[test]
fn every_row_says_where() {
    let sources = [
        ("nn", include_str!("../src/nn/mod.rs")),
        ("so3", include_str!("../src/so3/mod.rs")),
        ("ops", include_str!("../src/ops/mod.rs")),
        ("matrix", include_str!("../src/matrix/mod.rs")),
        ("optim", include_str!("../src/optim/mod.rs")),
    ];
    let mut found = 0;
    for row in TABLE.lines().filter(|line| line.starts_with("| `")) {
        let place = row.split(" | ").nth(1).unwrap_or_default();
        assert!(!place.trim().is_empty(), "{row}");
        for code in quoted(place) {
            let mut path = code
                .split(['(', '<', ' '])
                .next()
                .unwrap_or_default()
                .split("::");
            let (Some(module), Some(name)) = (path.next(), path.next()) else {
                continue;
            };
            let Some((_, exports)) = sources.iter().find(|(known, _)| *known == module) else {
                continue;
            };
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let exists = exports.split(|c| !word(c)).any(|word| word == name);
            assert!(exists, "there is no {module}::{name}: {row}");
            found += 1;
        }
    }
    assert!(found > 40, "{found}");
}
