//! Pieces that users take turns at, and that are put together when all users are gone. A user takes a piece that is free or makes
//! one, and gives it back; so there are at most as many pieces as users at once.
//!
//! `outstanding` counts who joined and has not left. Whoever takes it to zero sees all pieces that were given before, and owns what
//! it takes from `free`. Users that join later, while it does so, may take some of it back: they will leave as well.

use super::sync::atomic::{AtomicU64, Ordering};
use super::Stash;

#[derive(Debug)]
pub struct Sharing<P> {
    outstanding: AtomicU64,
    free: Stash<P>,
    /// Empty ones, so that giving allocates nothing.
    spare: Stash<P>,
}

impl<P> Default for Sharing<P> {
    fn default() -> Self {
        Self { outstanding: AtomicU64::new(0), free: Stash::default(), spare: Stash::default() }
    }
}

impl<P: Default> Sharing<P> {
    /// Exchanges `piece`, which is empty, for one that is free. False: none is.
    pub fn take(&self, piece: &mut P) -> bool {
        let Some(mut free) = self.free.take() else { return false };
        std::mem::swap(piece, &mut free);
        drop(self.spare.give(free));
        true
    }

    /// Takes the piece, and leaves an empty one; false: too many are free, and the caller keeps it.
    pub fn give(&self, piece: &mut P) -> bool {
        let mut given = self.spare.take().unwrap_or_default();
        std::mem::swap(piece, &mut given);
        match self.free.give(given) {
            Ok(()) => true,
            Err(mut given) => {
                std::mem::swap(piece, &mut given);
                false
            }
        }
    }

    /// One user more. Before it takes anything, by a thread that orders this before.
    pub fn join(&self) {
        self.outstanding.fetch_add(1, Ordering::Relaxed);
    }

    /// A user is gone, after it gave what it has. Whether all that joined so far are.
    pub fn leave(&self) -> bool {
        self.outstanding.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::base::sync::{thread, Arc, UnsafeCell};

    type Piece = Vec<UnsafeCell<u32>>;

    #[derive(Default)]
    struct World {
        sharing: Sharing<Piece>,
        total: AtomicU64,
    }

    // A piece belongs to who took it.
    unsafe impl Send for World {}
    unsafe impl Sync for World {}

    impl World {
        /// What is found is put together; the piece is empty then.
        fn fold(&self, piece: &mut Piece) {
            for value in piece.drain(..) {
                self.total.fetch_add(value.with(|value| unsafe { *value }).into(), Ordering::Relaxed);
            }
        }

        /// A task and its fold, as `operation::reduction` has them.
        fn run(&self, mine: u32) {
            let mut piece = Piece::new();
            if !self.sharing.take(&mut piece) {
                piece.push(UnsafeCell::new(0));
            }
            piece[0].with_mut(|value| unsafe { *value += mine });
            if !self.sharing.give(&mut piece) {
                self.fold(&mut piece);
            }
            if self.sharing.leave() {
                while self.sharing.take(&mut piece) {
                    self.fold(&mut piece);
                }
            }
        }
    }

    #[test]
    fn model_the_last_one_out_finds_what_all_contributed() {
        loom::model(|| {
            let world = Arc::new(World::default());
            (0..2).for_each(|_| world.sharing.join());
            let other = world.clone();
            let there = thread::spawn(move || other.run(1));
            world.run(2);
            there.join().unwrap();
            assert_eq!(world.total.load(Ordering::Relaxed), 3);
        });
    }

    #[test]
    fn model_who_joins_while_the_last_one_leaves_is_not_lost() {
        loom::model(|| {
            let world = Arc::new(World::default());
            world.sharing.join();
            let other = world.clone();
            let there = thread::spawn(move || other.run(1));
            world.sharing.join();
            world.run(2);
            there.join().unwrap();
            assert_eq!(world.total.load(Ordering::Relaxed), 3);
        });
    }
}
