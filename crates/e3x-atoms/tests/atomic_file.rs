//! Atomic writes: all or nothing, and nothing left behind.

use std::fs;
use std::io::Write;
use std::path::Path;

use e3x_atoms::{Error, atomic_file};

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn creates_and_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bin");
    for content in [&b"first"[..], b"", b"third"] {
        atomic_file::write(&path, content).unwrap();
        assert_eq!(fs::read(&path).unwrap(), content);
        assert_eq!(entries(folder.path()), 1);
    }
}

#[test]
fn a_failure_half_way_leaves_the_old_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bin");
    atomic_file::write(&path, b"old").unwrap();
    let error = atomic_file::write_with(&path, |writer| {
        writer.write_all(b"half of the new").unwrap();
        Err(Error::potential("no more"))
    });
    assert!(matches!(error, Err(Error::Potential(_))));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn libraries_that_want_a_path_get_one_with_the_extension() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plot.png");
    atomic_file::replace_with(&path, |temporary| {
        assert_eq!(temporary.extension().unwrap(), "png");
        assert_eq!(temporary.parent(), path.parent());
        fs::write(temporary, b"image").unwrap();
        Ok(())
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"image");
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn errors_name_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such/folder.bin");
    let error = atomic_file::write(&missing, b"x").unwrap_err().to_string();
    assert!(error.contains("no/such"), "{error}");
    assert!(atomic_file::write(Path::new("/"), b"x").is_err());
    // The target is a folder: it stays, and no temporary file does.
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    assert!(atomic_file::write(&inner, b"x").is_err());
    assert_eq!(entries(folder.path()), 1);
}

#[test]
fn leftovers_of_this_target_are_removed_and_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.bin");
    atomic_file::write(&path, b"content").unwrap();
    // A killed program cannot clean up: keep the temporary file by copying it while it exists.
    let mut kept = None;
    atomic_file::replace_with(&path, |temporary| {
        fs::write(temporary, b"half").unwrap();
        kept = Some(temporary.with_extension("bin2"));
        fs::copy(temporary, kept.as_ref().unwrap()).unwrap();
        Ok(())
    })
    .unwrap();
    let other = folder.path().join("b.bin");
    atomic_file::write(&other, b"x").unwrap();
    assert_eq!(atomic_file::remove_leftovers(&path).unwrap(), 1);
    assert!(!kept.unwrap().exists());
    assert_eq!(entries(folder.path()), 2);
    assert_eq!(
        atomic_file::remove_leftovers(&folder.path().join("no/folder")).unwrap(),
        0
    );
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target.bin");
    let link = folder.path().join("link.bin");
    fs::write(&target, b"old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    atomic_file::write(&link, b"new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&target).unwrap(), b"new");
}
