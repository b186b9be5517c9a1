//! Processor masks of threads as Linux keeps them. `cpu_set_t` ends at 1024 processors, so masks here are words of any
//! number.

use std::io::{Error, ErrorKind, Result};

const BITS: usize = u64::BITS as usize;
/// Words at which the search for the kernel's mask size ends: 65536 processors, more than any Linux supports.
const MOST_WORDS: usize = 1024;

/// Numbers of the processors on which the calling thread may run, ascending.
pub fn allowed() -> Result<Vec<u32>> {
    let mut words = vec![0u64; 16];
    loop {
        let bytes = words.len() * size_of::<u64>();
        // The kernel refuses a mask shorter than its own with EINVAL.
        if unsafe { libc::sched_getaffinity(0, bytes, words.as_mut_ptr().cast()) } == 0 {
            break;
        }
        let error = Error::last_os_error();
        if error.raw_os_error() != Some(libc::EINVAL) || words.len() >= MOST_WORDS {
            return Err(error);
        }
        words = vec![0; words.len() * 2];
    }
    let set = |&bit: &usize| words[bit / BITS] >> (bit % BITS) & 1 == 1;
    Ok((0..words.len() * BITS).filter(set).map(|bit| bit as u32).collect())
}

/// Lets the calling thread run on these processors only.
pub fn bind(numbers: &[u32]) -> Result<()> {
    let last = numbers.iter().copied().max().unwrap_or(0) as usize;
    if numbers.is_empty() || last >= MOST_WORDS * BITS {
        return Err(Error::new(ErrorKind::InvalidInput, "not a processor of this machine"));
    }
    let mut words = vec![0u64; last / BITS + 1];
    for &n in numbers {
        words[n as usize / BITS] |= 1 << (n as usize % BITS);
    }
    match unsafe { libc::sched_setaffinity(0, words.len() * size_of::<u64>(), words.as_ptr().cast()) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}
