//! The guide (`docs/guide`) is complete: every chapter is in the table of contents and in the tests of the
//! documentation, and every relative link in it and in the other pages leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the chapters are included as documentation.
const DOCTESTS: &str = include_str!("../src/guide.rs");

fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates
        .and_then(Path::parent)
        .expect("crates/e3x-atoms")
        .into()
}

fn guide() -> PathBuf {
    root().join("docs/guide/src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Markdown files of a folder.
fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    files
}

/// The text of a page, with the page that it includes.
fn text(path: &Path) -> String {
    let text = read(path);
    let included = text
        .trim()
        .strip_prefix("{{#include ")
        .and_then(|rest| rest.strip_suffix("}}"));
    match included {
        Some(file) => read(&path.with_file_name(file)),
        None => text,
    }
}

/// The lines outside of code blocks, without code between back quotes.
fn prose(text: &str) -> String {
    let mut in_block = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            lines.push(line.split('`').step_by(2).collect::<Vec<_>>().join("`"));
        }
    }
    assert!(!in_block, "a code block does not end");
    lines.join("\n")
}

/// Targets of links and pictures that are not on the web.
fn relative_links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_string())
        .filter(|target| !target.contains("://"))
        .collect()
}

/// The anchors of the headings of a page, as mdBook and GitHub make them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// Why a link on a page does not lead anywhere.
fn broken(page: &Path, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if file.is_empty() {
        page.to_path_buf()
    } else {
        page.with_file_name(file)
    };
    if !path.exists() {
        return Some(format!("{}: nothing at '{target}'", page.display()));
    }
    let found = anchor.is_empty() || anchors(&text(&path)).iter().any(|known| known == anchor);
    (!found).then(|| format!("{}: no heading for '{target}'", page.display()))
}

/// Chapters in the table of contents, relative to its folder.
fn listed() -> BTreeSet<String> {
    relative_links(&read(&guide().join("SUMMARY.md")))
        .into_iter()
        .collect()
}

#[test]
fn every_chapter_is_in_the_table_of_contents() {
    let mut files = BTreeSet::new();
    for folder in [guide(), guide().join("reference")] {
        for page in pages(&folder) {
            let name = page
                .strip_prefix(guide())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            files.insert(name);
        }
    }
    files.remove("SUMMARY.md");
    assert_eq!(
        files,
        listed(),
        "files of the guide (left), chapters in SUMMARY.md (right)"
    );
    assert!(files.len() > 20, "{} chapters", files.len());
}

#[test]
fn the_programs_of_every_chapter_are_tests() {
    let is_page = |word: &&str| {
        Path::new(word)
            .extension()
            .is_some_and(|extension| extension == "md")
    };
    let included = DOCTESTS
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(is_page)
        .map(String::from)
        .collect();
    // Reference pages show others: those are tested, if they have programs.
    let has_programs = |page: &&PathBuf| read(page).contains("```rust");
    let in_docs = |page: &PathBuf| format!("../../{}", page.file_name().unwrap().to_string_lossy());
    let docs = pages(&root().join("docs"));
    let mut chapters: BTreeSet<_> = docs.iter().filter(has_programs).map(in_docs).collect();
    chapters.extend(
        listed()
            .into_iter()
            .filter(|chapter| !chapter.starts_with("reference/")),
    );
    assert_eq!(
        chapters, included,
        "chapters (left), chapters in src/guide.rs (right)"
    );
    for chapter in &chapters {
        let text = read(&guide().join(chapter));
        let ignored = text.lines().find(|line| line.starts_with("```rust,"));
        assert_eq!(ignored, None, "{chapter}: a program that is not simply run");
    }
}

#[test]
fn the_reference_shows_all_other_pages() {
    let shown = pages(&guide().join("reference"));
    let docs = pages(&root().join("docs"));
    let names = |files: &[PathBuf]| -> Vec<_> {
        files
            .iter()
            .map(|file| file.file_name().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&shown),
        names(&docs),
        "docs/guide/src/reference (left), docs (right)"
    );
    for (page, original) in shown.iter().zip(&docs) {
        assert_eq!(
            text(page),
            read(original),
            "{} does not include its original",
            page.display()
        );
    }
}

/// mdBook copies what is in its folder, and makes no page of the table of contents.
#[test]
fn the_book_links_to_nothing_outside() {
    for chapter in listed() {
        let page = guide().join(&chapter);
        for target in relative_links(&text(&page)) {
            let file = target.split('#').next().unwrap_or_default();
            let depth = chapter.matches('/').count();
            let inside = file.matches("../").count() <= depth && !file.ends_with("SUMMARY.md");
            assert!(inside, "{chapter}: '{target}' is not in the book");
        }
    }
}

#[test]
fn relative_links_lead_somewhere() {
    let root = root();
    let mut files = pages(&root);
    let folders = [
        "docs",
        "docs/guide/src",
        "docs/guide/src/reference",
        "bench",
        "bench/ethanol",
        "conformance",
        "data",
    ];
    let crates = [
        "crates/e3x",
        "crates/e3x-atoms",
        "crates/e3x-kernels",
        "crates/e3x-so3",
    ];
    for folder in folders.into_iter().chain(crates) {
        files.extend(pages(&root.join(folder)));
    }
    let mut count = 0;
    let mut all_broken = Vec::new();
    for file in &files {
        // What is included must work where it is included, too.
        for target in relative_links(&text(file)) {
            count += 1;
            all_broken.extend(broken(file, &target));
        }
    }
    assert!(all_broken.is_empty(), "{}", all_broken.join("\n"));
    assert!(count > 50, "{count} links");
}
