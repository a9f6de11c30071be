//! Finding the cases on disk.

use std::path::{Path, PathBuf};

/// Environment variable with further folders.
const VARIABLE: &str = "E3X_CONFORMANCE_DIR";

/// A file with a case.
#[derive(Debug, Clone)]
pub struct CaseFile {
    /// `<operation>/<number>`.
    pub name: String,
    /// The operation according to the folder that holds the file.
    pub op: String,
    pub path: PathBuf,
}

/// What the folders hold, in the order of folders and names.
#[derive(Debug, Default)]
pub struct Found {
    pub cases: Vec<CaseFile>,
    /// Folders that could not be read and files that cannot be cases.
    pub problems: Vec<String>,
}

/// Looks into the folder of this repository and into those of the environment variable.
pub fn find() -> Found {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap_or(root);
    let mut folders = vec![root.join("conformance/cases")];
    if let Some(list) = std::env::var_os(VARIABLE) {
        let named = std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty());
        // Cargo runs tests in the folder of the package, people call it in that of the workspace.
        folders.extend(named.map(|path| if path.exists() { path } else { root.join(path) }));
    }
    let mut found = Found::default();
    for folder in folders {
        if let Err(problem) = search(&folder, &mut found) {
            found.problems.push(problem);
        }
    }
    found
}

/// Adds the cases of a folder that holds `<operation>/<number>.safetensors`, directly or in `cases`.
fn search(folder: &Path, found: &mut Found) -> Result<(), String> {
    let inner = folder.join("cases");
    let root = if inner.is_dir() { &inner } else { folder };
    let before = found.cases.len() + found.problems.len();
    for folder in entries(root)?.into_iter().filter(|path| path.is_dir()) {
        let op = name_of(&folder);
        for path in entries(&folder)? {
            if path.extension().is_some_and(|ext| ext == "safetensors") && path.is_file() {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let name = format!("{op}/{stem}");
                let op = op.clone();
                found.cases.push(CaseFile { name, op, path });
            } else {
                let problem = "expected <operation>/<number>.safetensors files only";
                found
                    .problems
                    .push(format!("{}: {problem}", path.display()));
            }
        }
    }
    if found.cases.len() + found.problems.len() == before {
        return Err(format!(
            "{}: holds no <operation>/<number>.safetensors",
            folder.display()
        ));
    }
    Ok(())
}

/// Visible entries of a folder, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.retain(|path| !name_of(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
