//! A piece of memory that the processes of a node share. One owner divides it; the others map it and follow offsets.

use super::{Bell, Board, News};
use crate::base::{Error, Result, Status};
use crate::fail;
use crate::base::sync::Mutex;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::LazyLock;

/// Sizes and places are multiples of this: two cache lines, so that neighbours do not share one.
pub const GRAIN: usize = 128;
/// Memory is asked of the system in pieces of this size, a whole number of pages.
const PIECE: usize = 64 << 10;

/// What lies at offset 0.
#[repr(C)]
struct Header {
    nonce: AtomicU64,
    bell: Bell,
    news: News,
    board: Board,
}

/// A mapping, of one's own segment or of another rank's.
pub struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
}

unsafe impl Send for Mapping {}
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(file: Option<&File>, bytes: usize) -> std::io::Result<Self> {
        let (flags, fd) = match file {
            Some(file) => (libc::MAP_SHARED, file.as_raw_fd()),
            None => (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE, -1),
        };
        let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, fd, 0) };
        match NonNull::new(base.cast::<u8>()) {
            Some(start) if base != libc::MAP_FAILED => Ok(Self { base: start, bytes }),
            _ => Err(std::io::Error::last_os_error()),
        }
    }

    fn header(&self) -> &Header {
        // Atomics only, at the start of a mapping that is larger: see `least_bytes`.
        unsafe { self.base.cast().as_ref() }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn bell(&self) -> &Bell {
        &self.header().bell
    }

    pub fn news(&self) -> &News {
        &self.header().news
    }

    pub fn board(&self) -> &Board {
        &self.header().board
    }

    /// Where a `T` at `offset` lies; `None` if none can lie there.
    pub fn place<T>(&self, offset: usize) -> Option<NonNull<T>> {
        self.places::<T>(offset, 1).map(NonNull::cast)
    }

    /// Where `count` of them lie.
    pub fn places<T>(&self, offset: usize, count: usize) -> Option<NonNull<[T]>> {
        let end = size_of::<T>().checked_mul(count)?.checked_add(offset)?;
        let fits = end <= self.bytes && offset % align_of::<T>() == 0;
        fits.then(|| NonNull::slice_from_raw_parts(unsafe { self.base.add(offset) }.cast(), count))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.bytes) };
    }
}

/// Free pieces by offset, and how much the system has given.
struct Space {
    free: BTreeMap<usize, usize>,
    committed: usize,
}

/// This rank's own segment.
pub struct Segment {
    pub mapping: Mapping,
    file: Option<File>,
    space: Mutex<Space>,
}

fn round_up(bytes: usize, to: usize) -> usize {
    bytes.checked_next_multiple_of(to).unwrap_or(usize::MAX)
}

/// Bytes of as many of the system's pages as hold so many.
pub fn in_pages(bytes: usize) -> usize {
    static PAGE: LazyLock<usize> = LazyLock::new(|| usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(PIECE).max(GRAIN));
    round_up(bytes, *PAGE)
}

/// What others find a segment by. The owner's goes with the value: from then on nobody finds the segment, and nothing is
/// left behind when the program is killed.
pub struct Name {
    pub process: u64,
    pub nonce: u64,
}

impl Name {
    fn text(&self) -> CString {
        CString::new(format!("/cohort-{}-{:016x}", self.process, self.nonce)).expect("letters and digits")
    }

    fn open(&self, flags: i32) -> std::io::Result<File> {
        let fd = unsafe { libc::shm_open(self.text().as_ptr(), flags | libc::O_RDWR | libc::O_CLOEXEC, 0o600) };
        match fd {
            -1 => Err(std::io::Error::last_os_error()),
            // Just opened, and nobody else's.
            fd => Ok(unsafe { File::from_raw_fd(fd) }),
        }
    }

    fn create(&self, bytes: usize) -> std::io::Result<File> {
        let file = self.open(libc::O_CREAT | libc::O_EXCL)?;
        file.set_len(bytes as u64)?;
        Ok(file)
    }

    /// The segment of this name, if it lies in memory that this process can reach.
    pub fn map(process: u64, nonce: u64) -> Option<Mapping> {
        let name = std::mem::ManuallyDrop::new(Self { process, nonce });
        let file = name.open(0).ok()?;
        let bytes = file.metadata().ok()?.len() as usize;
        let mapping = Mapping::new(Some(&file), Segment::least_bytes(bytes)).ok()?;
        (mapping.header().nonce.load(Ordering::Acquire) == nonce).then_some(mapping)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        unsafe { libc::shm_unlink(self.text().as_ptr()) };
    }
}

impl Segment {
    /// Memory of this process alone.
    pub fn private(bytes: usize) -> Result<Self> {
        Self::over(None, bytes)
    }

    /// Memory that others map by its name.
    pub fn create(name: &Name, bytes: usize) -> Result<Self> {
        let bytes = Self::least_bytes(bytes);
        let file = name.create(bytes).map_err(|error| {
            Error::new(Status::Resources, format!("cannot create {bytes} bytes of node-shared memory in /dev/shm: {error}"))
        })?;
        let segment = Self::over(Some(file), bytes)?;
        segment.mapping.header().nonce.store(name.nonce, Ordering::Release);
        Ok(segment)
    }

    fn least_bytes(bytes: usize) -> usize {
        round_up(bytes.max(1), PIECE)
    }

    fn over(file: Option<File>, bytes: usize) -> Result<Self> {
        let bytes = Self::least_bytes(bytes);
        let mapping = Mapping::new(file.as_ref(), bytes).map_err(|error| {
            Error::new(Status::OutOfMemory, format!("cannot map {bytes} bytes of memory: {error}; lower COHORT_SHARED_BYTES"))
        })?;
        let first = round_up(size_of::<Header>(), GRAIN);
        let space = Space { free: BTreeMap::from([(first, bytes - first)]), committed: 0 };
        let segment = Self { mapping, file, space: Mutex::new(space) };
        segment.commit(&mut segment.space.lock(), first)?;
        Ok(segment)
    }

    /// Makes the system give what lies below `end`: in a full file system, a later store would end the program.
    fn commit(&self, space: &mut Space, end: usize) -> Result<()> {
        let Some(file) = self.file.as_ref().filter(|_| end > space.committed) else { return Ok(()) };
        let end = round_up(end, PIECE).min(self.mapping.bytes);
        let more = end - space.committed;
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), space.committed as _, more as _) } {
            0 => {
                space.committed = end;
                Ok(())
            }
            code => fail!(
                OutOfMemory,
                "the system has no {more} more bytes of node-shared memory: {}; enlarge /dev/shm, or use COHORT_FORCE_MESSAGES=1",
                std::io::Error::from_raw_os_error(code)
            ),
        }
    }

    /// The offset of `bytes` bytes that nobody uses. Their content is whatever lay there.
    pub fn allocate(&self, bytes: usize) -> Result<usize> {
        self.allocate_at(bytes, |offset| offset)
    }

    /// The same in pages of their own, of `in_pages(bytes)` bytes.
    pub fn allocate_pages(&self, bytes: usize) -> Result<usize> {
        self.allocate_at(in_pages(bytes), in_pages)
    }

    /// `first`: the first offset not below another at which it may lie.
    fn allocate_at(&self, bytes: usize, first: fn(usize) -> usize) -> Result<usize> {
        let mut space = self.space.lock();
        let wanted = round_up(bytes.max(1), GRAIN);
        let fits = |&(start, size): &(usize, usize)| start + size >= first(start).saturating_add(wanted);
        let Some((start, size)) = space.free.iter().map(|(&start, &size)| (start, size)).find(fits) else {
            let largest = space.free.values().max().copied().unwrap_or(0);
            fail!(
                OutOfMemory,
                "{bytes} bytes of node-shared memory are needed and at most {largest} of the {} in one piece are free; raise COHORT_SHARED_BYTES",
                self.mapping.bytes
            );
        };
        let offset = first(start);
        let (end, rest) = (offset + wanted, start + size - offset - wanted);
        self.commit(&mut space, end)?;
        space.free.remove(&start);
        if offset > start {
            space.free.insert(start, offset - start);
        }
        if rest > 0 {
            space.free.insert(end, rest);
        }
        Ok(offset)
    }

    /// Whether other processes can find it.
    pub fn is_shared(&self) -> bool {
        self.file.is_some()
    }

    /// Bytes that nobody uses, and how many of them the system has yet to give.
    pub fn available(&self) -> (u64, u64) {
        let space = self.space.lock();
        let free: usize = space.free.values().sum();
        (free as u64, (self.mapping.bytes - space.committed.min(self.mapping.bytes)) as u64)
    }

    /// Gives back what `allocate` gave for as many bytes.
    pub fn release(&self, offset: usize, bytes: usize) {
        let free = &mut self.space.lock().free;
        let (mut start, mut size) = (offset, round_up(bytes.max(1), GRAIN));
        if let Some((&before, &length)) = free.range(..offset).next_back() {
            if before + length == offset {
                (start, size) = (before, length + size);
            }
        }
        if let Some(length) = free.remove(&(start + size)) {
            size += length;
        }
        free.insert(start, size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Name {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Name { process: std::process::id().into(), nonce: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    #[test]
    fn pieces_do_not_overlap_and_come_back() {
        let segment = Segment::private(1 << 20).unwrap();
        let sizes = [1, 128, 129, 4000, 70_000];
        let pieces: Vec<usize> = sizes.iter().map(|&size| segment.allocate(size).unwrap()).collect();
        for (i, &a) in pieces.iter().enumerate() {
            assert!(a % GRAIN == 0 && a >= size_of::<Header>());
            for (j, &b) in pieces.iter().enumerate().filter(|(j, _)| *j != i) {
                assert!(a + sizes[i] <= b || b + sizes[j] <= a, "{i} and {j}");
            }
        }
        let first = round_up(size_of::<Header>(), GRAIN);
        let taken: usize = sizes.iter().map(|&size| round_up(size, GRAIN)).sum();
        assert_eq!(segment.available().0 as usize, (1 << 20) - first - taken);
        for i in [1, 3, 0, 4, 2] {
            segment.release(pieces[i], sizes[i]);
        }
        assert_eq!(segment.allocate((1 << 20) - first), Ok(first), "the pieces are one again");
        let error = segment.allocate(1).unwrap_err();
        assert_eq!(error.status, Status::OutOfMemory);
        assert!(error.text.contains("at most 0 of the 1048576"), "{error}");
    }

    #[test]
    fn pages_are_taken_whole_and_what_lies_before_them_is_used() {
        let segment = Segment::private(1 << 20).unwrap();
        let free = segment.available().0;
        let page = in_pages(1);
        let pages = [segment.allocate_pages(1).unwrap(), segment.allocate_pages(page + 1).unwrap()];
        assert_eq!(pages.map(|offset| offset % page), [0; 2]);
        assert_eq!(pages[1] - pages[0], page);
        assert_eq!(segment.available().0, free - 3 * page as u64);
        let small = segment.allocate(GRAIN).unwrap();
        assert!(small < pages[0], "it lies before the first page");
        segment.release(small, GRAIN);
        segment.release(pages[0], page);
        segment.release(pages[1], 2 * page);
        assert_eq!(segment.available().0, free);
        assert!(segment.allocate(free as usize).is_ok(), "the pieces are one again");
    }

    #[test]
    fn what_one_mapping_stores_the_other_loads() {
        let name = name();
        let (process, nonce) = (name.process, name.nonce);
        let own = Segment::create(&name, 1 << 20).unwrap();
        let peer = Name::map(process, nonce).unwrap();
        drop(name);
        assert!(Name::map(process, nonce).is_none(), "the name is gone");
        let offset = own.allocate(8).unwrap();
        let place = |mapping: &Mapping| unsafe { mapping.place::<AtomicU64>(offset).unwrap().as_ref() as *const AtomicU64 };
        unsafe { &*place(&own.mapping) }.store(42, Ordering::Release);
        assert_eq!(unsafe { &*place(&peer) }.load(Ordering::Acquire), 42);
    }

    #[test]
    fn nothing_lies_outside() {
        let segment = Segment::private(PIECE).unwrap();
        assert!(segment.mapping.place::<u64>(PIECE - 8).is_some());
        for offset in [PIECE - 7, PIECE, usize::MAX - 3, 4] {
            assert!(segment.mapping.place::<u64>(offset).is_none(), "{offset}");
        }
    }

    #[test]
    fn a_full_system_is_an_error_and_not_a_signal() {
        let segment = Segment::create(&name(), 1 << 46);
        // Some systems refuse so large a file at once.
        let error = segment.and_then(|s| s.allocate(1 << 45)).unwrap_err();
        assert!(matches!(error.status, Status::OutOfMemory | Status::Resources), "{error}");
    }
}
