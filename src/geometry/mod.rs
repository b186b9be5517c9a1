//! Points, rectangles and sets of points, in 1 to 3 dimensions. Knows nothing of what lies at the points.

mod bands;
mod bits;
mod domain;
mod numbering;
mod overlap;
mod owners;
mod pointers;
mod points;
mod rect;
mod room;

pub use domain::Domain;
pub use overlap::{overlap_between, overlap_within};
pub use pointers::{by_colour, fits, image, preimage, read_points, Values};
pub use points::{PointSet, Rects, RowsInOrder};
pub use rect::{Point, Rect, RectList};
pub use room::Room;
