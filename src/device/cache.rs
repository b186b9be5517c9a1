//! Compiled kernels on disk. A file holds the whole key (device, driver, options, source) beside what was compiled from it, and a
//! checksum: what does not fit is not used and is written again. Nothing here can fail: without a cache everything is compiled.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub struct Cache {
    folder: Option<PathBuf>,
}

const MAGIC: &[u8; 8] = b"cohortk1";

impl Cache {
    pub fn at(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// `$XDG_CACHE_HOME/cohort` or `~/.cache/cohort`; nowhere if there is no home.
    pub fn standard() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let base = set("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| Some(set("HOME")?.join(".cache")));
        Self { folder: base.map(|base| base.join("cohort")) }
    }

    /// What was kept for this key.
    pub fn read(&self, key: &[u8]) -> Option<Vec<u8>> {
        let bytes = fs::read(file(self.folder.as_deref()?, key)).ok()?;
        let rest = bytes.strip_prefix(MAGIC)?;
        let (sum, rest) = word(rest)?;
        if sum != checksum(rest) {
            return None;
        }
        let (length, rest) = word(rest)?;
        let (found, kept) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        (found == key).then(|| kept.to_vec())
    }

    /// The file appears whole or not at all, however many processes write it.
    pub fn write(&self, key: &[u8], compiled: &[u8]) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let Some(folder) = &self.folder else { return };
        let target = file(folder, key);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let draft = target.with_extension(format!("{}-{number}.part", std::process::id()));
        let body = [&(key.len() as u64).to_le_bytes()[..], key, compiled].concat();
        let written = fs::create_dir_all(folder).and_then(|()| {
            let mut file = fs::File::create(&draft)?;
            file.write_all(MAGIC)?;
            file.write_all(&checksum(&body).to_le_bytes())?;
            file.write_all(&body)?;
            fs::rename(&draft, &target)
        });
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
    }
}

fn file(folder: &Path, key: &[u8]) -> PathBuf {
    folder.join(format!("{:016x}.kernel", checksum(key)))
}

fn word(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (word, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*word), rest))
}

/// FNV-1a in 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv): names files and finds damage. Keys are compared whole.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("cohort-cache-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let folder = folder("kept");
        let cache = Cache::at(folder.clone());
        assert_eq!(cache.read(b"one"), None);
        cache.write(b"one", b"compiled");
        cache.write(b"two", b"");
        assert_eq!(cache.read(b"one").as_deref(), Some(&b"compiled"[..]));
        assert_eq!(cache.read(b"two").as_deref(), Some(&b""[..]));
        assert_eq!(cache.read(b"three"), None);
        assert!(fs::read_dir(&folder).unwrap().all(|entry| entry.unwrap().path().extension().unwrap() == "kernel"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn damaged_files_and_those_of_other_keys_are_not_used() {
        let folder = folder("damaged");
        let cache = Cache::at(folder.clone());
        cache.write(b"key", b"compiled");
        let path = file(&folder, b"key");
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(cache.read(b"key"), None, "cut to {length} bytes");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 16;
            fs::write(&path, changed).unwrap();
            assert_eq!(cache.read(b"key"), None, "byte {at} changed");
        }
        cache.write(b"another", b"compiled");
        fs::rename(file(&folder, b"another"), &path).unwrap();
        assert_eq!(cache.read(b"key"), None);
        cache.write(b"key", b"again");
        assert_eq!(cache.read(b"key").as_deref(), Some(&b"again"[..]));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_error() {
        let cache = Cache::at(PathBuf::from("/proc/nowhere"));
        cache.write(b"key", b"compiled");
        assert_eq!(cache.read(b"key"), None);
    }
}
