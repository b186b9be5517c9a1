//! Folders for what tests write, in one of this process's own that goes when it ends.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static OWN: OnceLock<PathBuf> = OnceLock::new();

extern "C" fn remove() {
    // It is too late to tell anybody of an error.
    let _ = OWN.get().map(std::fs::remove_dir_all);
}

/// The folder of this name, which is there from then on.
pub fn folder(name: &str) -> PathBuf {
    let own = OWN.get_or_init(|| {
        // A test that fails ends the process by `exit`, too.
        assert_eq!(unsafe { libc::atexit(remove) }, 0);
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{}", env!("CARGO_CRATE_NAME"), std::process::id()))
    });
    let folder = own.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
