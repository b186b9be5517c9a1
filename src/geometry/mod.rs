//! Points and rectangles of 1 to 3 dimensions and exact set algebra on them. Pure arithmetic: knows nothing above it.

mod overlap;
mod rect;

pub use overlap::{overlap_between, overlap_within};
pub use rect::{Point, Rect, RectList};
