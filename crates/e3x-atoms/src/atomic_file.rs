//! Files that are either complete or not there: write to a temporary file, synchronise, rename.
//!
//! A program can be killed at any moment. A file written in place is then half written, and the older version it
//! replaced is lost too. The functions here write to a temporary file *in the same folder* (a rename does not cross
//! file systems), wait until its content is on the disk, and rename it over the target, which the operating system
//! does in one step: whoever opens the target sees the old file or the new one, never a mixture. The folder is
//! synchronised afterwards, so that the rename itself survives a power cut.
//!
//! **One file for one state.** Renames of two files are two steps, and a kill may come between them. Everything that
//! must agree (parameters, optimiser state, epoch, configuration) therefore belongs into one file, for instance one
//! safetensors file with the configuration in its metadata; no folder of files can be replaced in one step.
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("state.json");
//! e3x_atoms::atomic_file::write(&path, b"{\"epoch\": 3}")?;
//! assert_eq!(std::fs::read(&path).unwrap(), b"{\"epoch\": 3}");
//! # Ok::<(), e3x_atoms::Error>(())
//! ```

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// The beginning of the name of every temporary file, followed by the name of the target.
const PREFIX: &str = ".e3x-tmp-";

/// Replaces the file at `path` by `bytes`, or creates it.
///
/// # Errors
/// [`Error::Io`]; the target is then what it was before.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |writer| {
        writer.write_all(bytes).map_err(Error::io("write", path))
    })
}

/// Replaces the file at `path` by what `fill` writes, or creates it.
///
/// # Errors
/// The error of `fill`, or [`Error::Io`]; the target is then what it was before.
pub fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<()>,
) -> Result<()> {
    replace_with(path, |temporary| {
        let file = File::create_new(temporary).map_err(Error::io("create", temporary))?;
        let mut writer = BufWriter::new(file);
        fill(&mut writer)?;
        writer.flush().map_err(Error::io("write", path))
    })
}

/// Replaces the file at `path` by one that `create` makes under a temporary name, or creates it.
///
/// For libraries that want a path instead of a stream (plots, safetensors). The temporary file lies in the folder of
/// `path` and keeps its extension; it does not exist yet when `create` is called, and `create` must make it.
///
/// # Errors
/// The error of `create`, or [`Error::Io`]; the target is then what it was before.
pub fn replace_with(path: &Path, create: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let target = resolve_link(path)?;
    let temporary = Temporary(temporary_path(&target)?);
    create(&temporary.0)?;
    // Opened for writing, since some systems refuse to synchronise a file that is open for reading only.
    File::options()
        .append(true)
        .open(&temporary.0)
        .and_then(|file| file.sync_all())
        .map_err(Error::io("synchronise", &temporary.0))?;
    fs::rename(&temporary.0, &target).map_err(Error::io("rename a temporary file to", &target))?;
    sync_folder(&target)
}

/// Deletes the temporary files that killed programs left behind for the target `path`; returns how many.
///
/// Call it when a run starts or resumes, not while another one writes the same target.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be listed or a file cannot be deleted.
pub fn remove_leftovers(path: &Path) -> Result<usize> {
    let target = resolve_link(path)?;
    let folder = folder_of(&target);
    if !folder.exists() {
        return Ok(0);
    }
    let mut beginning = OsString::from(PREFIX);
    beginning.push(target.file_name().unwrap_or_default());
    beginning.push(".");
    let mut removed = 0;
    for entry in fs::read_dir(&folder).map_err(Error::io("list", &folder))? {
        let found = entry.map_err(Error::io("list", &folder))?.path();
        let name = found.file_name().unwrap_or_default().as_encoded_bytes();
        if name.starts_with(beginning.as_encoded_bytes()) {
            fs::remove_file(&found).map_err(Error::io("delete", &found))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A temporary file that is deleted when it goes out of scope; after a successful rename there is nothing to delete.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Nothing useful can be done if this fails: the error that led here is the one to report.
        let _ = fs::remove_file(&self.0);
    }
}

/// The file a symbolic link points to, so that the link stays and its target is replaced.
fn resolve_link(path: &Path) -> Result<PathBuf> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
    if is_link {
        return fs::canonicalize(path).map_err(Error::io("follow the link", path));
    }
    Ok(path.to_path_buf())
}

/// A name in the folder of `target` that no other call uses, with the extension of `target`.
fn temporary_path(target: &Path) -> Result<PathBuf> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let Some(name) = target.file_name() else {
        return Err(Error::argument(
            "path",
            "a path that ends in a file name",
            target.display(),
        ));
    };
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut temporary = OsString::from(PREFIX);
    temporary.push(name);
    temporary.push(format!(".{}-{count}", std::process::id()));
    if let Some(extension) = target.extension() {
        temporary.push(".");
        temporary.push(extension);
    }
    Ok(target.with_file_name(temporary))
}

/// The folder that holds `target`; `.` for a bare file name.
fn folder_of(target: &Path) -> PathBuf {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Makes the rename itself durable. Only Unix systems let a program synchronise a folder.
#[cfg(unix)]
fn sync_folder(target: &Path) -> Result<()> {
    let folder = folder_of(target);
    File::open(&folder)
        .and_then(|file| file.sync_all())
        .map_err(Error::io("synchronise", &folder))
}

/// Other systems order the rename themselves.
#[cfg(not(unix))]
fn sync_folder(_target: &Path) -> Result<()> {
    Ok(())
}
