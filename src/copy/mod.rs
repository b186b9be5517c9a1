//! Moving elements between instances: copies, packing, fills and reductions over rectangles. Knows where elements lie;
//! knows nothing of why they move, and orders nothing.

mod convert;
mod fill;
mod fold;
mod indirect;
mod strided;
mod touch;

pub use convert::convert;
pub use fill::fill_rect;
pub use fold::fold_rect;
pub use indirect::{Astray, Indirect, Side};
pub use strided::{copy_rect, pack, unpack};
pub use touch::touch;
