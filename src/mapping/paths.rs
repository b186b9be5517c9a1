//! Which kinds of tasks have long paths behind them, learned while the program runs: for each kind how long its tasks take, and
//! the longest way from its end through the tasks that waited for it last. What a task released when it ended was waiting for it
//! alone, so the edges seen are those that count. Estimates: two threads may lose each other's updates.
//!
//! Time steps repeat, so ways have no end; what lies further on counts less and less (`DISCOUNT`), as in the value iteration of
//! dynamic programming (Bellman 1957), and old maxima fade.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Kinds of tasks that are told apart; others have no estimate.
const KINDS: usize = 256;
/// In 1/256.
const DISCOUNT: u64 = 192;
const FADE: u64 = 255;

#[derive(Default)]
struct Estimate {
    /// Nanoseconds that a task takes.
    time: AtomicU64,
    /// And those of the way behind it.
    behind: AtomicU64,
}

pub struct Paths {
    kinds: Box<[Estimate]>,
    longest: AtomicU64,
}

impl Default for Paths {
    fn default() -> Self {
        Self { kinds: (0..KINDS).map(|_| Estimate::default()).collect(), longest: AtomicU64::new(0) }
    }
}

impl Paths {
    /// Handles count kinds in their lower half.
    fn estimate(&self, kind: u64) -> Option<&Estimate> {
        self.kinds.get(kind as u32 as usize)
    }

    /// A task took so long.
    pub fn took(&self, kind: u64, nanoseconds: u64) {
        if let Some(own) = self.estimate(kind) {
            let before = own.time.load(Relaxed);
            own.time.store(if before == 0 { nanoseconds } else { before - before / 8 + nanoseconds / 8 }, Relaxed);
        }
    }

    /// A task of the kind `before` ended, and one of the kind `next` could run.
    pub fn released(&self, before: u64, next: u64) {
        let (Some(before), Some(next)) = (self.estimate(before), self.estimate(next)) else { return };
        let way = next.time.load(Relaxed) + next.behind.load(Relaxed) / 256 * DISCOUNT;
        let behind = way.max(before.behind.load(Relaxed) / 256 * FADE);
        before.behind.store(behind, Relaxed);
        self.longest.store(behind.max(self.longest.load(Relaxed) / 256 * FADE), Relaxed);
    }

    /// From 0, nothing behind it, to `most`: the longest way.
    pub fn priority(&self, kind: u64, most: i32) -> i32 {
        let behind = self.estimate(kind).map_or(0, |own| own.behind.load(Relaxed));
        let longest = self.longest.load(Relaxed).max(1);
        (behind.min(longest) as f64 / longest as f64 * f64::from(most)).round() as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_ways_come_first_and_loops_do_not_grow() {
        let paths = Paths::default();
        // 1 -> 2 -> 3 in every step; 4 ends a step with nothing behind it.
        for _ in 0..1000 {
            for (kind, time) in [(1, 1000), (2, 5000), (3, 100_000), (4, 1000)] {
                paths.took(kind, time);
            }
            paths.released(1, 2);
            paths.released(2, 3);
            paths.released(3, 1);
        }
        let of = |kind| paths.priority(kind, 7);
        assert_eq!((of(2), of(4)), (7, 0));
        assert!(of(2) >= of(1) && of(1) > of(4) && of(3) > of(4));
        // A sum of times, each discounted once more, is less than the largest over one minus the discount.
        assert!(paths.longest.load(Relaxed) <= 4 * 106_000);
    }

    #[test]
    fn what_no_longer_happens_fades() {
        let paths = Paths::default();
        paths.took(2, 1_000_000);
        paths.released(1, 2);
        for _ in 0..5000 {
            paths.took(3, 1000);
            paths.released(1, 3);
        }
        assert!(paths.estimate(1).unwrap().behind.load(Relaxed) < 3000);
    }

    #[test]
    fn kinds_beyond_the_table_have_no_estimate() {
        let paths = Paths::default();
        paths.took(5000, 1);
        paths.released(5000, 5001);
        assert_eq!(paths.priority(5000, 7), 0);
    }
}
