//! Layouts: how the fields of a rectangle are laid out in one piece of memory, whatever the rectangle and wherever the memory.

use super::field::FieldInstance;
use crate::base::Result;
use crate::fail;
use crate::geometry::Rect;
use smallvec::SmallVec;
use std::fmt;

const LINE: usize = 64;
/// Fields of one size start at different offsets within this: kernels walk many fields in step, and with equal page
/// offsets they would all fall into the same sets of the first-level cache (a sum over 24 or 48 fields of 32^3 and 64^3
/// doubles, point by point, ran 1 to 16 % faster with it).
const STAGGER: usize = 4096;

/// Which dimension's neighbours lie side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The first dimension's.
    #[default]
    Fortran,
    /// The last dimension's.
    C,
}

/// How several fields share the memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// One array for each field (structure of arrays).
    #[default]
    Apart,
    /// The fields of a point side by side (array of structures).
    Together,
    /// So many points of one field side by side, then as many of the next (array of structures of arrays).
    Blocks(u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub order: Order,
    pub grouping: Grouping,
    /// Points of room beyond the last in each dimension.
    pub padding: [u32; 3],
    /// What the addresses of arrays and of blocks are multiples of; 0: a cache line for arrays, anything for blocks.
    pub alignment: usize,
    /// Whether a place with larger strides will not do.
    pub exact: bool,
}

/// A layout worked out for a rectangle and its fields.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    layout: Layout,
    rect: Rect,
    /// Dimensions, the one whose neighbours lie side by side first.
    dims: [usize; 3],
    /// Bytes of a point of all fields, if they lie together; of a block of all fields.
    record: usize,
    /// Elements, records or blocks in the whole rectangle with its padding.
    elements: usize,
}

fn up_to(value: usize, multiple: usize) -> Option<usize> {
    value.checked_next_multiple_of(multiple.max(1))
}

/// What C aligns a member of this size to.
fn natural(bytes: usize) -> usize {
    1 << bytes.trailing_zeros().min(4)
}

impl Layout {
    pub fn check(&self) -> Result<()> {
        if self.grouping == Grouping::Blocks(0) {
            fail!(InvalidArgument, "blocks of 0 points; say how many points of a field lie side by side");
        }
        if self.alignment != 0 && (!self.alignment.is_power_of_two() || self.alignment > 1 << 21) {
            fail!(InvalidArgument, "the alignment is {}; use a power of two up to 2 MiB, or 0", self.alignment);
        }
        Ok(())
    }

    /// The layout that comes nearest to that of fields which lie so.
    pub fn like<'a>(mut found: impl Iterator<Item = &'a FieldInstance> + Clone) -> Self {
        let Some(first) = found.clone().next() else { return Self::default() };
        // The strides of other dimensions say nothing.
        let steps = |one: &FieldInstance| (0..3).filter(|&d| one.rect.extent(d) > 1).map(|d| one.stride[d].unsigned_abs()).collect::<SmallVec<[u64; 3]>>();
        let order = if steps(first).last() < steps(first).first() { Order::C } else { Order::Fortran };
        let nearest = |one: &FieldInstance| steps(one).into_iter().min();
        let grouping = match first.blocks {
            Some(blocks) => Grouping::Blocks(blocks.points as u32),
            None if found.all(|one| nearest(one) > Some(one.bytes as u64)) => Grouping::Together,
            None => Grouping::Apart,
        };
        Self { order, grouping, ..Self::default() }
    }

    fn dims(&self, dim: usize) -> [usize; 3] {
        match (self.order, dim) {
            (Order::C, 3) => [2, 1, 0],
            (Order::C, 2) => [1, 0, 2],
            _ => [0, 1, 2],
        }
    }

    fn array_alignment(&self) -> usize {
        if self.alignment == 0 { LINE } else { self.alignment }
    }

    /// `sizes`: the bytes of an element of each field, in the order of the fields.
    pub fn plan(&self, rect: Rect, dim: usize, sizes: impl Iterator<Item = usize>) -> Result<Plan> {
        let dims = self.dims(dim);
        let Some(record) = self.record(sizes) else { return too_large(&rect) };
        if rect.is_empty() {
            return Ok(Plan { layout: *self, rect, dims, record, elements: 0 });
        }
        let points = |d: usize| rect.extent(d) as usize + self.padding[d] as usize;
        let first = match self.grouping {
            Grouping::Blocks(block) => points(dims[0]).div_ceil(block as usize),
            _ => points(dims[0]),
        };
        let elements = first.checked_mul(points(dims[1])).and_then(|n| n.checked_mul(points(dims[2])));
        match elements {
            Some(elements) => Ok(Plan { layout: *self, rect, dims, record, elements }),
            None => too_large(&rect),
        }
    }

    fn record(&self, mut sizes: impl Iterator<Item = usize>) -> Option<usize> {
        let points = match self.grouping {
            Grouping::Apart => return Some(0),
            Grouping::Together => 1,
            Grouping::Blocks(points) => points as usize,
        };
        let least = if points == 1 { 1 } else { self.alignment.max(1) };
        let (end, alignment) = sizes.try_fold((0usize, least), |(end, alignment), bytes| {
            Some((up_to(end, natural(bytes))?.checked_add(bytes.checked_mul(points)?)?, natural(bytes).max(alignment)))
        })?;
        up_to(end, alignment)
    }
}

fn too_large<T>(rect: &Rect) -> Result<T> {
    fail!(OutOfMemory, "fields of {} x {} x {} points exceed the address space", rect.extent(0), rect.extent(1), rect.extent(2))
}

impl Plan {
    /// The first address's alignment.
    pub fn alignment(&self) -> usize {
        self.layout.array_alignment()
    }

    /// Calls `place` with every field, given with the size of its elements, the offset of its first element, and its
    /// instance in a memory at address `base`; the bytes that all of them take.
    pub fn place(
        &self,
        base: *mut u8,
        fields: impl Iterator<Item = (u32, usize)>,
        mut place: impl FnMut(u32, FieldInstance),
    ) -> Result<usize> {
        let mut end = 0usize;
        // Where the array before begins, and the size of its elements.
        let mut last = None;
        for (field, bytes) in fields {
            let offset = match (self.layout.grouping, last) {
                (Grouping::Apart, Some((start, size))) if size == bytes => self.pitch(bytes).and_then(|pitch| pitch.checked_add(start)),
                (Grouping::Apart, _) => self.start(end, field, bytes),
                _ => up_to(end, natural(bytes)),
            };
            let (Some(offset), unit) = (offset, self.unit(bytes)) else { return too_large(&self.rect) };
            place(field, self.instance(base.wrapping_add(offset), unit, bytes));
            last = Some((offset, bytes));
            let taken = match self.layout.grouping {
                Grouping::Apart => bytes.checked_mul(self.elements),
                Grouping::Together => Some(bytes),
                Grouping::Blocks(block) => bytes.checked_mul(block as usize),
            };
            match taken.and_then(|taken| offset.checked_add(taken)) {
                Some(next) => end = next,
                None => return too_large(&self.rect),
            }
        }
        let total = match self.layout.grouping {
            Grouping::Apart => Some(end),
            _ => self.record.checked_mul(self.elements),
        };
        match total.filter(|&total| total <= isize::MAX as usize) {
            Some(total) => Ok(total),
            None => too_large(&self.rect),
        }
    }

    /// Where an array begins that may not begin before `end`.
    fn start(&self, end: usize, field: u32, bytes: usize) -> Option<usize> {
        let staggered = if bytes.saturating_mul(self.elements) > STAGGER { field as usize * 3 * LINE % STAGGER } else { 0 };
        let page = up_to(end, if staggered == 0 { LINE } else { STAGGER })?;
        up_to(page.checked_add(staggered)?, self.alignment())
    }

    /// Bytes from an array to the next of such elements: the same all along, and a whole number of elements, so that one distance leads to
    /// any of the fields.
    fn pitch(&self, bytes: usize) -> Option<usize> {
        let taken = bytes.checked_mul(self.elements)?;
        let staggered = if taken > STAGGER { up_to(taken, STAGGER)?.checked_add(3 * LINE)? } else { taken };
        let (powers, alignment) = (bytes.max(1).trailing_zeros(), self.alignment().max(LINE).trailing_zeros());
        up_to(staggered, (bytes.max(1) >> powers).checked_mul(1 << powers.max(alignment))?)
    }

    /// Bytes between neighbours in the first dimension of the order.
    fn unit(&self, bytes: usize) -> usize {
        match self.layout.grouping {
            Grouping::Together => self.record,
            _ => bytes,
        }
    }

    fn instance(&self, base: *mut u8, unit: usize, bytes: usize) -> FieldInstance {
        let points = |d: usize| self.rect.extent(d).wrapping_add(self.layout.padding[d].into());
        let [x, y, z] = self.dims;
        let row = match self.layout.grouping {
            Grouping::Blocks(block) => (points(x) as u64).div_ceil(block.into()) as i64 * self.record as i64,
            _ => points(x).wrapping_mul(unit as i64),
        };
        let mut stride = [0; 3];
        (stride[x], stride[y], stride[z]) = (unit as i64, row, row.wrapping_mul(points(y)));
        match self.layout.grouping {
            Grouping::Blocks(block) => {
                FieldInstance::blocked(base, self.rect, stride, bytes, x, block.into(), self.record as i64)
            }
            _ => FieldInstance::new(base, self.rect, stride, bytes),
        }
    }

    /// Why fields that lie in `found` do not lie as planned, if they do not. In order of the fields.
    pub fn differs<'a>(&self, found: impl Iterator<Item = (u32, &'a FieldInstance)>) -> Option<Difference> {
        let mut first = None;
        let mut end = 0;
        for (field, instance) in found {
            let bytes = instance.bytes;
            let wanted = self.instance(std::ptr::null_mut(), self.unit(bytes), bytes);
            if let Some(what) = self.strides_differ(instance, &wanted) {
                return Some(Difference { field, what });
            }
            let at = instance.at(self.rect.lo) as usize;
            if self.layout.grouping != Grouping::Apart {
                let offset = up_to(end, natural(bytes))?;
                let start = *first.get_or_insert(at.wrapping_sub(offset));
                if at != start.wrapping_add(offset) {
                    return Some(Difference { field, what: What::Place });
                }
                let points = if let Grouping::Blocks(block) = self.layout.grouping { block as usize } else { 1 };
                end = offset + bytes * points;
                if self.layout.alignment != 0 && start % self.layout.alignment != 0 {
                    return Some(Difference { field, what: What::Alignment });
                }
            } else if self.layout.alignment != 0 && at % self.layout.alignment != 0 {
                return Some(Difference { field, what: What::Alignment });
            }
        }
        None
    }

    fn strides_differ(&self, found: &FieldInstance, wanted: &FieldInstance) -> Option<What> {
        let [x, y, z] = self.dims;
        let several = |d: usize| self.rect.extent(d) > 1;
        let stride = |dim: usize| Some(What::Stride { dim, found: found.stride[dim], wanted: wanted.stride[dim] });
        if several(x) && found.stride[x] != wanted.stride[x] {
            return stride(x);
        }
        let blocks_differ = match (&found.blocks, &wanted.blocks) {
            (None, None) => false,
            (Some(found), Some(wanted)) => {
                (found.dim, found.points, found.stride) != (wanted.dim, wanted.points, wanted.stride) || found.phase(self.rect.lo[x]) != 0
            }
            // One block or less is the same with blocks and without.
            (None, Some(wanted)) => self.rect.extent(x) > wanted.points,
            (Some(found), None) => found.phase(self.rect.lo[x]) + self.rect.extent(x) > found.points || found.dim != x,
        };
        if blocks_differ {
            return Some(What::Blocks);
        }
        let too_short = |d: usize| several(d) && found.stride[d] < wanted.stride[d];
        let not_equal = |d: usize| several(d) && found.stride[d] != wanted.stride[d];
        let disordered = several(y) && several(z) && found.stride[z] < found.stride[y].saturating_mul(self.rect.extent(y));
        if too_short(y) || self.layout.exact && not_equal(y) {
            return stride(y);
        }
        if too_short(z) || disordered || self.layout.exact && not_equal(z) {
            return stride(z);
        }
        None
    }
}

/// Why data does not lie as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    pub field: u32,
    pub what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Neighbours along a dimension are another number of bytes apart.
    Stride { dim: usize, found: i64, wanted: i64 },
    Blocks,
    /// The field does not follow the one before it.
    Place,
    Alignment,
    /// It lies in several arrays.
    Pieces,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Stride { dim, found, wanted } => write!(f, "has neighbours {found} bytes apart in dimension {dim}, and {wanted} are asked for"),
            Self::Blocks => write!(f, "does not lie in the blocks asked for"),
            Self::Place => write!(f, "does not follow the field before it"),
            Self::Pieces => write!(f, "lies in several attached arrays"),
            Self::Alignment => write!(f, "lies at an address that is not aligned as asked for"),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.grouping {
            Grouping::Apart => write!(f, "SOA")?,
            Grouping::Together => write!(f, "AOS")?,
            Grouping::Blocks(points) => write!(f, "blocks of {points}")?,
        }
        write!(f, " in {} order", if self.order == Order::C { "C" } else { "Fortran" })?;
        if self.padding != [0; 3] {
            write!(f, ", padding {:?}", self.padding)?;
        }
        if self.alignment != 0 {
            write!(f, ", aligned to {} bytes", self.alignment)?;
        }
        write!(f, "{}", if self.exact { ", without gaps" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Point;
    use proptest::prelude::*;

    pub fn layouts() -> impl Strategy<Value = Layout> {
        let order = prop_oneof![Just(Order::Fortran), Just(Order::C)];
        let grouping = prop_oneof![Just(Grouping::Apart), Just(Grouping::Together), (1u32..6).prop_map(Grouping::Blocks)];
        (order, grouping, prop::array::uniform3(0u32..3), prop::sample::select(vec![0usize, 1, 16, 64, 256]), any::<bool>())
            .prop_map(|(order, grouping, padding, alignment, exact)| Layout { order, grouping, padding, alignment, exact })
    }

    fn points(rect: Rect) -> impl Iterator<Item = Point> {
        (rect.lo[2]..=rect.hi[2]).flat_map(move |z| {
            (rect.lo[1]..=rect.hi[1]).flat_map(move |y| (rect.lo[0]..=rect.hi[0]).map(move |x| [x, y, z]))
        })
    }

    fn placed(layout: &Layout, rect: Rect, dim: usize, fields: &[(u32, usize)]) -> (Plan, Vec<(u32, FieldInstance)>, usize) {
        let plan = layout.plan(rect, dim, fields.iter().map(|f| f.1)).unwrap();
        let mut found = Vec::new();
        let base = 0x20_0000 as *mut u8;
        let total = plan.place(base, fields.iter().copied(), |field, instance| found.push((field, instance))).unwrap();
        (plan, found, total)
    }

    proptest! {
        #[test]
        fn elements_keep_apart_within_their_memory_and_lie_as_planned(
            layout in layouts(), lo in prop::array::uniform3(-4i64..4), extent in prop::array::uniform3(0i64..6), dim in 1usize..4,
            sizes in prop::collection::vec(prop::sample::select(vec![1usize, 2, 4, 8, 12, 16, 40]), 1..5),
        ) {
            let extent: [i64; 3] = std::array::from_fn(|d| if d < dim { extent[d] } else { 0 });
            let rect = Rect::new(lo, std::array::from_fn(|d| lo[d] + extent[d]));
            let fields: Vec<(u32, usize)> = sizes.iter().enumerate().map(|(i, &bytes)| (7 * i as u32, bytes)).collect();
            let (plan, found, total) = placed(&layout, rect, dim, &fields);
            let mut used = std::collections::HashSet::new();
            for (_, instance) in &found {
                for p in points(rect) {
                    let at = instance.at(p) as usize - 0x20_0000;
                    prop_assert!(at + instance.bytes <= total);
                    prop_assert!((at..at + instance.bytes).all(|byte| used.insert(byte)));
                }
            }
            prop_assert_eq!(plan.differs(found.iter().map(|(f, i)| (*f, i))), None);
        }
    }

    #[test]
    fn structures_are_those_of_c() {
        let rect = Rect::new([0; 3], [9, 0, 0]);
        let layout = Layout { grouping: Grouping::Together, ..Layout::default() };
        // struct { int8_t a; double b; float c; }
        let (_, found, total) = placed(&layout, rect, 1, &[(0, 1), (1, 8), (2, 4)]);
        let offset: Vec<usize> = found.iter().map(|(_, i)| i.at([0; 3]) as usize - 0x20_0000).collect();
        assert_eq!((offset, found[0].1.stride[0], total), (vec![0, 8, 16], 24, 240));
    }

    #[test]
    fn orders_padding_and_blocks_give_the_strides_one_expects() {
        let rect = Rect::new([1, 1, 1], [10, 6, 4]);
        let strides = |layout: Layout| placed(&layout, rect, 3, &[(0, 8), (1, 8)]).1[1].1.stride;
        assert_eq!(strides(Layout::default()), [8, 80, 480]);
        assert_eq!(strides(Layout { order: Order::C, ..Layout::default() }), [192, 32, 8]);
        assert_eq!(strides(Layout { padding: [2, 1, 0], ..Layout::default() }), [8, 96, 96 * 7]);
        assert_eq!(strides(Layout { grouping: Grouping::Together, ..Layout::default() }), [16, 160, 960]);
        // Ten points are three blocks of four, with room for two points.
        assert_eq!(strides(Layout { grouping: Grouping::Blocks(4), ..Layout::default() }), [8, 192, 192 * 6]);
    }

    #[test]
    fn a_layout_is_known_by_its_strides() {
        for order in [Order::Fortran, Order::C] {
            for grouping in [Grouping::Apart, Grouping::Together, Grouping::Blocks(4)] {
                for (dim, hi) in [(1, [9, 0, 0]), (2, [9, 5, 0]), (3, [9, 5, 6]), (3, [9, 0, 6])] {
                    let layout = Layout { order: if dim == 1 { Order::Fortran } else { order }, grouping, ..Layout::default() };
                    let found = placed(&layout, Rect::new([0; 3], hi), dim, &[(0, 8), (3, 4)]).1;
                    assert_eq!(Layout::like(found.iter().map(|(_, instance)| instance)), layout, "{hi:?}");
                }
            }
        }
        assert_eq!(Layout::like(std::iter::empty()), Layout::default());
    }

    #[test]
    fn arrays_of_one_size_lie_at_one_distance() {
        for (bytes, hi) in [(8, [99, 99, 0]), (24, [30, 7, 3]), (8, [3, 0, 0]), (1, [4998, 0, 0])] {
            for alignment in [0, 16, 8192] {
                let layout = Layout { alignment, ..Layout::default() };
                let fields = [(0, bytes), (5, bytes), (6, bytes), (40, bytes)];
                let found = placed(&layout, Rect::new([0; 3], hi), 3, &fields).1;
                let at: Vec<usize> = found.iter().map(|(_, instance)| instance.at([0; 3]) as usize).collect();
                let step = at[1] - at[0];
                assert!(at.windows(2).all(|pair| pair[1] - pair[0] == step), "{bytes} bytes, {alignment}: {at:?}");
                assert_eq!((step % bytes, step % alignment.max(LINE)), (0, 0), "{bytes} bytes");
                let large = bytes * Rect::new([0; 3], hi).volume() as usize > STAGGER;
                assert!(!large || alignment > LINE || step % STAGGER != 0, "all would begin in one set of the cache");
            }
        }
    }

    #[test]
    fn what_lies_otherwise_is_said() {
        let rect = Rect::new([0; 3], [7, 7, 0]);
        let fields = [(0, 8), (3, 8)];
        let soa = placed(&Layout::default(), rect, 2, &fields).1;
        let differs = |layout: Layout, part: Rect| {
            let plan = layout.plan(part, 2, fields.iter().map(|f| f.1)).unwrap();
            plan.differs(soa.iter().map(|(f, i)| (*f, i))).map(|d| match d.what {
                What::Stride { dim, .. } => format!("{} stride {dim}", d.field),
                what => format!("{} {what:?}", d.field),
            })
        };
        let inside = Rect::new([2, 1, 0], [5, 6, 0]);
        assert_eq!(differs(Layout::default(), inside), None);
        assert_eq!(differs(Layout { exact: true, ..Layout::default() }, inside), Some("0 stride 1".into()));
        assert_eq!(differs(Layout { order: Order::C, ..Layout::default() }, inside), Some("0 stride 1".into()));
        assert_eq!(differs(Layout { grouping: Grouping::Together, ..Layout::default() }, inside), Some("0 stride 0".into()));
        assert_eq!(differs(Layout { grouping: Grouping::Blocks(2), ..Layout::default() }, inside), Some("0 Blocks".into()));
        assert_eq!(differs(Layout { alignment: 64, ..Layout::default() }, inside), Some("0 Alignment".into()));
        // A column has no order.
        let column = Rect::new([3, 0, 0], [3, 7, 0]);
        assert_eq!(differs(Layout { order: Order::C, ..Layout::default() }, column), Some("0 stride 1".into()));
        let row = Rect::new([0, 3, 0], [7, 3, 0]);
        assert_eq!(differs(Layout { order: Order::C, ..Layout::default() }, row), None);
    }

    #[test]
    fn layouts_that_cannot_be_are_refused() {
        let refused = |layout: Layout, text: &str| assert!(layout.check().unwrap_err().text.contains(text));
        refused(Layout { grouping: Grouping::Blocks(0), ..Layout::default() }, "blocks of 0");
        refused(Layout { alignment: 24, ..Layout::default() }, "power of two");
        let huge = Rect::new([0; 3], [1 << 40, 1 << 40, 0]);
        assert!(Layout::default().plan(huge, 2, [8].into_iter()).is_err());
    }
}
