//! The instances of one region tree, by field: one each, made when first needed, attached or placed.

use super::field::{dense_strides, FieldInstance};
use super::overlap::elements_overlap;
use super::layout::Layout;
use super::storage::{Arrangement, Lender, Storage};
use crate::base::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use crate::base::sync::UnsafeCell;
use crate::base::Result;
use crate::fail;
use crate::geometry::{Domain, Point, Rect};
use crate::region::{RegionNode, Tree, MAX_FIELDS};
use crate::base::sync::Mutex;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

const CHUNK: usize = 64;

const EMPTY: u8 = 0;
const OWNED: u8 = 1;
const ATTACHED: u8 = 2;
const PLACED: u8 = 3;

/// `content` is written under the table's lock while `origin` is EMPTY, and may be read by anyone who saw another value
/// there with acquire ordering. Giving a field another instance is ordered after all its users by the analysis.
struct Slot {
    origin: AtomicU8,
    content: UnsafeCell<Option<Content>>,
}

struct Content {
    instance: FieldInstance,
    /// Arrays of the caller, each with a rectangle of points, where there are several; the first is `instance`.
    pieces: Vec<FieldInstance>,
    memory: Owner,
}

/// Who frees the memory.
enum Owner {
    Caller,
    Field(Storage),
    Fields(Arc<Arrangement>),
}

/// Fields that were asked to be laid out together, and where they are once one of them was used.
struct Group {
    layout: Layout,
    fields: Vec<u32>,
    /// Whose memory it is to be, if not the system's.
    lender: Option<Lender>,
    held: Option<Arc<Arrangement>>,
}

impl Slot {
    #[inline]
    fn content(&self) -> Option<&Content> {
        if self.origin.load(Ordering::Acquire) == EMPTY {
            return None;
        }
        self.content.with(|content| unsafe { &*content }).as_ref()
    }

    #[inline]
    fn instance(&self) -> Option<&FieldInstance> {
        self.content().map(|content| &content.instance)
    }

    /// With the lock held.
    fn set(&self, origin: u8, content: Option<Content>) {
        self.origin.store(EMPTY, Ordering::Release);
        self.content.with_mut(|old| unsafe { *old = content });
        self.origin.store(origin, Ordering::Release);
    }
}

/// Where the fields of a tree lie. Lookup takes no lock and allocates nothing.
pub struct InstanceTable {
    tree: Arc<Tree>,
    chunks: Box<[OnceLock<Box<[Slot]>>]>,
    change: Mutex<Vec<Group>>,
    /// Some fields lie in memory of a lender, or will.
    lends: AtomicBool,
    /// The whole pages that placed fields lie in, and nothing else.
    pages: OnceLock<Range<usize>>,
    /// NUMA nodes in which storage comes to lie as long as they have room.
    preferred: OnceLock<Arc<[u32]>>,
}

unsafe impl Send for InstanceTable {}
unsafe impl Sync for InstanceTable {}

impl InstanceTable {
    pub fn new(tree: Arc<Tree>) -> Self {
        Self {
            tree,
            chunks: (0..MAX_FIELDS / CHUNK).map(|_| OnceLock::new()).collect(),
            change: Mutex::default(),
            lends: AtomicBool::new(false),
            pages: OnceLock::new(),
            preferred: OnceLock::new(),
        }
    }

    fn slot(&self, field: u32) -> &Slot {
        let empty = || Slot { origin: AtomicU8::new(EMPTY), content: UnsafeCell::new(None) };
        let chunk = self.chunks[field as usize / CHUNK].get_or_init(|| (0..CHUNK).map(|_| empty()).collect());
        &chunk[field as usize % CHUNK]
    }

    /// The field's instance, if it has one.
    #[inline]
    pub fn get(&self, field: u32) -> Option<&FieldInstance> {
        self.chunks.get(field as usize / CHUNK)?.get()?[field as usize % CHUNK].instance()
    }

    /// The field's instance; zeroed storage for the whole tree is made if there is none.
    pub fn ensure(&self, field: u32) -> Result<&FieldInstance> {
        if let Some(instance) = self.get(field) {
            return Ok(instance);
        }
        let bytes = self.element_bytes(field)?;
        let mut groups = self.change.lock();
        let slot = self.slot(field);
        if slot.instance().is_none() {
            let content = match groups.iter_mut().find(|group| group.fields.contains(&field)) {
                Some(group) => self.member(group, field)?,
                None => {
                    let storage = Storage::new(self.tree.space.domain.bounds, bytes, field as usize, self.preferred())?;
                    Content { instance: storage.instance, pieces: Vec::new(), memory: Owner::Field(storage) }
                }
            };
            slot.set(OWNED, Some(content));
        }
        Ok(slot.instance().expect("it was just set"))
    }

    /// The place of a field among those it is laid out with.
    fn member(&self, group: &mut Group, field: u32) -> Result<Content> {
        if group.held.is_none() {
            let size = |field: u32| self.tree.fields.bytes(field).unwrap_or(0);
            let sizes: Vec<(u32, usize)> = group.fields.iter().map(|&field| (field, size(field))).collect();
            let space = &self.tree.space;
            let plan = group.layout.plan(space.domain.bounds, space.dim, sizes.iter().map(|s| s.1))?;
            let fields = sizes.iter().copied();
            group.held = Some(Arc::new(match &group.lender {
                Some(lender) => Arrangement::lent(&plan, fields, lender)?,
                None => Arrangement::new(&plan, fields, self.preferred())?,
            }));
        }
        let shared = group.held.clone().expect("it was just made");
        let instance = *shared.get(field).expect("the group has the field");
        Ok(Content { instance, pieces: Vec::new(), memory: Owner::Fields(shared) })
    }

    /// The layout that `fields`, in this order, will have once one of them is used. Nothing changes if any of them was.
    pub fn set_layout(&self, fields: &[u32], layout: Layout) -> Result<()> {
        layout.check()?;
        let mut groups = self.change.lock();
        if let Some(field) = fields.iter().find(|field| groups.iter().any(|group| group.fields.contains(field))) {
            fail!(WrongOrder, "field {} was given a layout before, or a memory; give each field one layout, and that first", self.tree.fields.label(*field));
        }
        self.check_unused(fields, "layout")?;
        groups.push(Group { layout, fields: fields.to_vec(), lender: None, held: None });
        Ok(())
    }

    /// Once one of them is used `fields` will lie in memory of the lender, together and in this order, or in the layout that they were given.
    /// Nothing changes if any of them was.
    pub fn set_lender(&self, fields: &[u32], lender: Lender) -> Result<()> {
        let mut groups = self.change.lock();
        self.check_unused(fields, "memory")?;
        let of_others = |group: &&mut Group| fields.iter().any(|field| group.fields.contains(field));
        match groups.iter_mut().find(of_others) {
            None => groups.push(Group { layout: Layout::default(), fields: fields.to_vec(), lender: Some(lender), held: None }),
            Some(group) if group.lender.is_none() && group.fields.len() == fields.len() && group.fields.iter().all(|field| fields.contains(field)) => {
                group.lender = Some(lender);
            }
            Some(group) => {
                let named = group.fields.iter().map(|&field| self.tree.fields.label(field)).collect::<Vec<_>>().join(", ");
                fail!(WrongOrder, "fields {named} were given a layout or a memory together; give all of them a memory in one call, once");
            }
        }
        self.lends.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether memory of a lender is what the field lies in, or will.
    pub fn is_lent(&self, field: u32) -> bool {
        let is_lent = |groups: &[Group]| groups.iter().any(|group| group.lender.is_some() && group.fields.contains(&field));
        self.lends.load(Ordering::Acquire) && matches!(self.slot(field).origin.load(Ordering::Acquire), EMPTY | OWNED) && is_lent(&self.change.lock())
    }

    /// With the lock held. `what` their storage is to be given.
    fn check_unused(&self, fields: &[u32], what: &str) -> Result<()> {
        for (i, &field) in fields.iter().enumerate() {
            self.element_bytes(field)?;
            let label = || self.tree.fields.label(field);
            if fields[..i].contains(&field) {
                fail!(InvalidArgument, "field {} is named twice", label());
            }
            match self.slot(field).origin.load(Ordering::Relaxed) {
                EMPTY => (),
                OWNED => fail!(WrongOrder, "field {} has storage already; say the {what} before the field is first used", label()),
                ATTACHED => fail!(WrongOrder, "field {} is attached, and lies as the array does; say the {what} before, or detach it", label()),
                _ => fail!(Unsupported, "field {} of a ghost region lies in memory that other ranks write; its {what} cannot be changed", label()),
            }
        }
        Ok(())
    }

    /// The field's instance, made if there is none, as long as it holds all points of `rect`.
    #[inline]
    pub fn covering(&self, field: u32, rect: &Rect) -> Result<&FieldInstance> {
        let instance = self.ensure(field)?;
        if instance.rect.contains(rect) {
            return Ok(instance);
        }
        match self.whole(field, rect)? {
            Some(piece) => Ok(piece),
            None => fail!(
                Bounds,
                "field {} at {:?}..{:?} lies in several attached arrays; ask for less, or for a layout (cohort_task_layout), and the task works on one copy",
                self.tree.fields.label(field),
                rect.lo,
                rect.hi
            ),
        }
    }

    /// The field's instance that holds all points of `rect`, or none if several make them up.
    pub fn whole(&self, field: u32, rect: &Rect) -> Result<Option<&FieldInstance>> {
        let instance = self.ensure(field)?;
        if instance.rect.contains(rect) {
            return Ok(Some(instance));
        }
        let pieces = self.pieces(field);
        if let Some(piece) = pieces.iter().find(|piece| piece.rect.contains(rect)) {
            return Ok(Some(piece));
        }
        let held: i64 = pieces.iter().map(|piece| piece.rect.intersection(rect).volume()).sum();
        if held < rect.volume() {
            fail!(
                Bounds,
                "field {} lies in an array attached to {:?}..{:?}{}, and {:?}..{:?} is asked for; attach the whole region or ask for less",
                self.tree.fields.label(field),
                instance.rect.lo,
                instance.rect.hi,
                if pieces.len() > 1 { format!(" and {} more", pieces.len() - 1) } else { String::new() },
                rect.lo,
                rect.hi
            );
        }
        Ok(None)
    }

    /// The arrays of a field that lies in several.
    fn pieces(&self, field: u32) -> &[FieldInstance] {
        self.slot(field).content().map_or(&[], |content| &content.pieces)
    }

    /// Calls `visit` with the parts of `rect` that lie in one instance, and with that instance.
    #[inline]
    pub fn each_place(&self, field: u32, rect: &Rect, mut visit: impl FnMut(&Rect, &FieldInstance)) -> Result<()> {
        if let Some(instance) = self.whole(field, rect)? {
            visit(rect, instance);
            return Ok(());
        }
        for piece in self.pieces(field) {
            let part = piece.rect.intersection(rect);
            if !part.is_empty() {
                visit(&part, piece);
            }
        }
        Ok(())
    }

    /// The address of a field's element, if the field has an instance that holds the point.
    pub fn address(&self, field: u32, point: Point) -> Option<*mut u8> {
        self.get(field).filter(|instance| instance.rect.contains_point(point)).map(|instance| instance.at(point))
    }

    /// The memory that `instance` of a field lies in, as far as fields of the same shape make up one array: those side by side, and of a
    /// caller's array what lies between them, as the halo of a tile does.
    pub fn memory_of(&self, field: u32, instance: &FieldInstance) -> Range<usize> {
        if let Some(pages) = self.own_pages(field) {
            return pages.clone();
        }
        let attached = self.is_attached(field);
        let alike = |other: &FieldInstance| other.stride == instance.stride && other.rect == instance.rect && other.bytes == instance.bytes;
        let mut spans = Vec::new();
        for other in (0..self.tree.fields.len() as u32).filter(|&other| self.is_attached(other) == attached) {
            let whole = self.get(other).into_iter();
            spans.extend(whole.chain(self.pieces(other)).filter(|other| alike(other)).map(FieldInstance::span));
        }
        let mut found = instance.span();
        let between = if attached { found.len() } else { 0 };
        spans.sort_unstable_by_key(|span| span.start);
        for span in &spans {
            if span.end > found.end && span.start <= found.end + between {
                found.end = span.end;
            }
        }
        for span in spans.iter().rev() {
            if span.start < found.start && span.end + between >= found.start {
                found.start = span.start;
            }
        }
        found
    }

    /// The whole pages that the field lies in with others of the tree, if nothing else does.
    pub fn own_pages(&self, field: u32) -> Option<&Range<usize>> {
        self.pages.get().filter(|_| self.slot(field).origin.load(Ordering::Acquire) == PLACED)
    }

    /// Nothing but the tree's placed fields lies in these pages.
    pub fn lie_in(&self, pages: Range<usize>) {
        // The first word holds.
        let _ = self.pages.set(pages);
    }

    /// Storage comes to lie in these NUMA nodes as long as they have room, but for what is lent and the caller's arrays. Before any field is used.
    pub fn prefer(&self, nodes: Arc<[u32]>) {
        // The first word holds.
        let _ = self.preferred.set(nodes);
    }

    fn preferred(&self) -> &[u32] {
        self.preferred.get().map_or(&[], |nodes| nodes)
    }

    /// What nobody has touched of the field's storage comes from where other pages of who touches it come.
    pub fn prefer_none(&self, field: u32) {
        match self.slot(field).content().map(|content| &content.memory) {
            Some(Owner::Field(storage)) => storage.prefer_none(),
            Some(Owner::Fields(shared)) => shared.prefer_none(),
            _ => (),
        }
    }

    /// Whether the field lies in an array of the caller.
    pub fn is_attached(&self, field: u32) -> bool {
        self.slot(field).origin.load(Ordering::Acquire) == ATTACHED
    }

    /// The points of the tree.
    pub fn domain(&self) -> &Domain {
        &self.tree.space.domain
    }

    /// Bytes of the field's elements.
    pub fn element_bytes(&self, field: u32) -> Result<usize> {
        match self.tree.fields.bytes(field) {
            Some(bytes) => Ok(bytes),
            None => fail!(InvalidArgument, "field {field} of a field space with {} fields; fields count from 0", self.tree.fields.len()),
        }
    }

    /// Makes a caller's array the only place of `fields` on `region`. `base` is the element of the first field at the
    /// region's lower bound; `stride` steps along the dimensions and `field_stride` from a field to the next, in bytes.
    /// Nothing changes unless all fields can be attached.
    pub fn attach(&self, region: &RegionNode, fields: &[u32], base: *mut u8, stride: [i64; 3], field_stride: i64) -> Result<()> {
        if base.is_null() {
            fail!(InvalidArgument, "the array's address is null; pass the address of the element at the region's lower bound");
        }
        let mut largest = 0;
        for &field in fields {
            largest = largest.max(self.element_bytes(field)?);
        }
        let rect = region.domain.bounds;
        let count = fields.len() as i64;
        let dims = [
            (rect.extent(0), stride[0]),
            (rect.extent(1), stride[1]),
            (rect.extent(2), stride[2]),
            (count, field_stride),
        ];
        if let Some(d) = (0..3).find(|&d| dims[d].0 > 1 && dims[d].1 == 0) {
            fail!(InvalidArgument, "the stride of dimension {d} is 0, where the region has {} points; give bytes between neighbours", dims[d].0);
        }
        if elements_overlap(&dims, largest) {
            fail!(
                InvalidArgument,
                "with strides {stride:?} and {field_stride} from field to field, elements of {largest} bytes of the region {} ({count} fields) overlap; strides are in bytes",
                region.bounds_text()
            );
        }
        let _change = self.change.lock();
        for (i, &field) in fields.iter().enumerate() {
            if fields[..i].contains(&field) {
                fail!(InvalidArgument, "field {} is named twice", self.tree.fields.label(field));
            }
            self.check_free_for_piece(field, region)?;
        }
        for (i, &field) in fields.iter().enumerate() {
            let first = base.wrapping_offset((i as i64 * field_stride) as isize);
            let instance = FieldInstance::new(first, rect, stride, self.element_bytes(field)?);
            let mut pieces = self.pieces(field).to_vec();
            if region.parent.is_some() {
                pieces.push(instance);
            }
            self.set_pieces(field, pieces, instance);
        }
        Ok(())
    }

    /// With the lock held. Without pieces `whole` is all.
    fn set_pieces(&self, field: u32, pieces: Vec<FieldInstance>, whole: FieldInstance) {
        let instance = pieces.first().copied().unwrap_or(whole);
        self.slot(field).set(ATTACHED, Some(Content { instance, pieces, memory: Owner::Caller }));
    }

    /// Whether an array can be attached to the field on the region: to sub-regions of a field several can, that share no points.
    fn check_free_for_piece(&self, field: u32, region: &RegionNode) -> Result<()> {
        let pieces = self.pieces(field);
        if region.parent.is_none() || pieces.is_empty() {
            return self.check_free_to_move(field);
        }
        if let Some(other) = pieces.iter().find(|piece| !piece.rect.intersection(&region.domain.bounds).is_empty()) {
            fail!(
                WrongOrder,
                "field {} is attached already on {:?}..{:?}, which shares points with region {}; detach it first",
                self.tree.fields.label(field),
                other.rect.lo,
                other.rect.hi,
                region.bounds_text()
            );
        }
        Ok(())
    }

    fn check_free_to_move(&self, field: u32) -> Result<()> {
        match self.slot(field).origin.load(Ordering::Relaxed) {
            ATTACHED => fail!(WrongOrder, "field {} is attached already; detach it first", self.tree.fields.label(field)),
            PLACED => fail!(Unsupported, "field {} of a ghost region lies in memory that other ranks write; it cannot be moved", self.tree.fields.label(field)),
            _ => Ok(()),
        }
    }

    /// Lays a field of the whole tree densely into memory that outlives the table, such as a shared segment.
    pub fn place(&self, field: u32, base: *mut u8) -> Result<()> {
        let bytes = self.element_bytes(field)?;
        let rect = self.tree.space.domain.bounds;
        let _change = self.change.lock();
        self.check_free_to_move(field)?;
        let instance = FieldInstance::new(base, rect, dense_strides(&rect, bytes), bytes);
        self.slot(field).set(PLACED, Some(Content { instance, pieces: Vec::new(), memory: Owner::Caller }));
        Ok(())
    }

    /// Gives the caller's arrays back: all of them for a root, for a sub-region the one attached to it. Nothing changes unless all fields
    /// can be detached.
    pub fn detach(&self, region: &RegionNode, fields: &[u32]) -> Result<()> {
        let _change = self.change.lock();
        let (rect, is_root) = (region.domain.bounds, region.parent.is_none());
        for &field in fields {
            self.element_bytes(field)?;
            let attached = self.slot(field).origin.load(Ordering::Relaxed) == ATTACHED;
            if !attached || !is_root && !self.pieces(field).iter().any(|piece| piece.rect == rect) {
                fail!(WrongOrder, "field {} is not attached on region {}; attach it before", self.tree.fields.label(field), region.bounds_text());
            }
        }
        for &field in fields {
            let mut pieces = self.pieces(field).to_vec();
            pieces.retain(|piece| !is_root && piece.rect != rect);
            match pieces.first().copied() {
                Some(first) => self.set_pieces(field, pieces, first),
                None => self.slot(field).set(EMPTY, None),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grouping;
    use super::*;
    use crate::base::Status;
    use crate::machine::policy_at;
    use crate::region::{FieldSpace, IndexSpace, Partition};

    fn root(fields: u32) -> Arc<RegionNode> {
        let space = Arc::new(FieldSpace::default());
        space.allocate(8, fields, None).unwrap();
        RegionNode::root(Tree::new(IndexSpace::new(2, &[1, 1], &[4, 3]).unwrap(), space))
    }

    #[test]
    fn storage_is_made_once_for_the_whole_tree() {
        let region = root(5000);
        let table = InstanceTable::new(region.tree.clone());
        assert!(table.get(4999).is_none());
        let first = *table.ensure(4999).unwrap();
        assert_eq!(table.ensure(4999), Ok(&first));
        assert_eq!(table.get(4999), Some(&first));
        assert_eq!(first.rect, region.domain.bounds);
        assert_eq!(table.address(4999, [2, 1, 0]), Some(first.at([1, 1, 0]).wrapping_add(8)));
        assert_eq!(table.address(4999, [5, 1, 0]), None);
        assert!(table.get(u32::MAX).is_none());
        assert!(table.ensure(5000).unwrap_err().text.contains("field 5000"));
    }

    #[test]
    fn threads_that_need_a_field_at_once_share_one_instance() {
        let region = root(300);
        let table = InstanceTable::new(region.tree.clone());
        let addresses = std::thread::scope(|scope| {
            let find = || (0..300).map(|f| table.ensure(f).unwrap().at([1, 1, 0]) as usize).collect::<Vec<_>>();
            [0; 4].map(|_| scope.spawn(find)).map(|thread| thread.join().unwrap())
        });
        assert!(addresses.iter().all(|a| *a == addresses[0]));
        assert_eq!(addresses[0].iter().collect::<std::collections::HashSet<_>>().len(), 300);
    }

    #[test]
    fn arrays_of_structures_and_of_fields_are_used_in_place() {
        let region = root(3);
        let table = InstanceTable::new(region.tree.clone());
        let mut array = [0.0f64; 3 * 12];
        let base = array.as_mut_ptr().cast::<u8>();
        table.attach(&region, &[0, 1, 2], base, [24, 96, 0], 8).unwrap();
        assert_eq!(table.address(2, [2, 3, 0]), Some(base.wrapping_add(24 + 2 * 96 + 16)));
        assert_eq!(table.attach(&region, &[1], base, [8, 32, 0], 0).unwrap_err().status, Status::WrongOrder);
        table.detach(&region, &[0, 1, 2]).unwrap();
        table.attach(&region, &[0, 1, 2], base, [8, 32, 0], 96).unwrap();
        assert_eq!(table.address(2, [4, 3, 0]), Some(base.wrapping_add(35 * 8)));
        table.detach(&region, &[0]).unwrap();
        assert_eq!(table.detach(&region, &[0]).unwrap_err().status, Status::WrongOrder);
        assert_ne!(table.ensure(0).unwrap().at([1, 1, 0]), base);
    }

    #[test]
    fn layouts_that_cannot_be_are_refused_and_change_nothing() {
        let region = root(2);
        let table = InstanceTable::new(region.tree.clone());
        let base = 0x1000 as *mut u8;
        for (fields, base, stride, field_stride, text) in [
            (&[0][..], std::ptr::null_mut(), [8, 32, 0], 0, "null"),
            (&[0], base, [8, 0, 0], 0, "dimension 1 is 0"),
            (&[0], base, [1, 4, 0], 0, "overlap"),
            (&[0], base, [8, 24, 0], 0, "overlap"),
            (&[0, 1], base, [8, 32, 0], 0, "overlap"),
            (&[0, 1], base, [8, 32, 0], 64, "overlap"),
            (&[0, 0], base, [8, 32, 0], 96, "twice"),
            (&[0, 2], base, [8, 32, 0], 96, "field 2"),
        ] {
            let error = table.attach(&region, fields, base, stride, field_stride).unwrap_err();
            assert!(error.text.contains(text), "{error}");
        }
        assert!(table.get(0).is_none());
    }

    #[test]
    fn storage_prefers_nodes_and_arrays_of_the_caller_do_not() {
        let space = Arc::new(FieldSpace::default());
        space.allocate(8, 4, None).unwrap();
        let region = RegionNode::root(Tree::new(IndexSpace::new(1, &[0], &[(1 << 16) - 1]).unwrap(), space));
        let table = InstanceTable::new(region.tree.clone());
        let node = crate::machine::SystemMemory::all().unwrap()[0].node;
        table.prefer([node].into());
        let array = vec![0.0f64; 1 << 16];
        table.attach(&region, &[0], array.as_ptr().cast_mut().cast(), [8, 0, 0], 0).unwrap();
        table.set_layout(&[1, 2], Layout { grouping: Grouping::Together, ..Layout::default() }).unwrap();
        let policy = |field: u32| policy_at(table.ensure(field).unwrap().at([1 << 15, 0, 0]));
        let Some(usual) = policy(0) else { return };
        let there = Some((libc::MPOL_PREFERRED, 1 << node));
        assert_eq!([policy(1), policy(2), policy(3)], [there; 3]);
        (0..2).for_each(|field| table.prefer_none(field));
        // Fields that lie together lie in one place.
        assert_eq!([policy(0), policy(1), policy(2), policy(3)], [Some(usual), Some(usual), Some(usual), there]);
    }

    #[test]
    fn an_array_of_a_sub_region_serves_only_that() {
        let region = root(1);
        let half = Partition::blocks(&region, &[2, 1]).unwrap().children[1].clone();
        let table = InstanceTable::new(region.tree.clone());
        let base = 0x1000 as *mut u8;
        table.attach(&half, &[0], base, [8, 16, 0], 0).unwrap();
        assert_eq!(table.covering(0, &half.domain.bounds).unwrap().at([3, 1, 0]), base);
        assert_eq!(table.covering(0, &region.domain.bounds).unwrap_err().status, Status::Bounds);
    }

    #[test]
    fn fields_lie_as_they_were_asked_to() {
        let region = root(4);
        let table = InstanceTable::new(region.tree.clone());
        let layout = Layout { grouping: Grouping::Together, ..Layout::default() };
        table.set_layout(&[3, 1], layout).unwrap();
        let three = *table.ensure(3).unwrap();
        assert_eq!(three.stride, [16, 64, 16 * 4 * 3]);
        assert_eq!(table.ensure(1).unwrap().at([1, 1, 0]), three.at([1, 1, 0]).wrapping_add(8));
        assert_eq!(table.ensure(0).unwrap().stride[0], 8);
        let base = 0x1000 as *mut u8;
        table.attach(&region, &[1], base, [8, 32, 0], 0).unwrap();
        for (fields, text) in [(&[3][..], "given a layout before"), (&[0], "has storage already"), (&[2, 2], "twice"), (&[9], "field 9")] {
            assert!(table.set_layout(fields, layout).unwrap_err().text.contains(text), "{text}");
        }
        table.detach(&region, &[1]).unwrap();
        assert_eq!(table.ensure(1).unwrap().at([1, 1, 0]), three.at([1, 1, 0]).wrapping_add(8));
        table.attach(&region, &[2], base, [8, 32, 0], 0).unwrap();
        assert!(table.set_layout(&[2], layout).unwrap_err().text.contains("is attached"));
        let blocks_of_none = Layout { grouping: Grouping::Blocks(0), ..layout };
        assert!(table.set_layout(&[2], blocks_of_none).is_err());
    }

    #[test]
    fn sub_regions_lie_in_arrays_of_their_own() {
        let region = root(1);
        let halves = Partition::blocks(&region, &[2, 1]).unwrap().children;
        let table = InstanceTable::new(region.tree.clone());
        let (a, b) = (0x1000 as *mut u8, 0x9000 as *mut u8);
        table.attach(&halves[0], &[0], a, [8, 16, 0], 0).unwrap();
        table.attach(&halves[1], &[0], b, [24, 8, 0], 0).unwrap();
        for (half, base) in halves.iter().zip([a, b]) {
            assert_eq!(table.covering(0, &half.domain.bounds).unwrap().at(half.domain.bounds.lo), base);
        }
        let whole = region.domain.bounds;
        assert!(table.covering(0, &whole).unwrap_err().text.contains("several attached arrays"));
        assert_eq!(table.whole(0, &whole), Ok(None));
        let mut seen = Vec::new();
        table.each_place(0, &Rect::new([2, 2, 0], [3, 3, 0]), |part, place| seen.push((*part, place.at(part.lo)))).unwrap();
        let right = (Rect::new([3, 2, 0], [3, 3, 0]), b.wrapping_add(8));
        assert_eq!(seen, [(Rect::new([2, 2, 0], [2, 3, 0]), a.wrapping_add(24)), right]);
        assert!(table.attach(&halves[0], &[0], a, [8, 16, 0], 0).unwrap_err().text.contains("shares points"));
        assert!(table.attach(&region, &[0], a, [8, 32, 0], 0).unwrap_err().text.contains("attached already"));
        table.detach(&halves[0], &[0]).unwrap();
        assert_eq!(table.detach(&halves[0], &[0]).unwrap_err().status, Status::WrongOrder);
        assert_eq!(table.each_place(0, &whole, |_, _| ()).unwrap_err().status, Status::Bounds);
        table.detach(&region, &[0]).unwrap();
        assert_eq!(table.ensure(0).unwrap().rect, whole);
    }

    #[test]
    fn placed_fields_stay() {
        let region = root(1);
        let table = InstanceTable::new(region.tree.clone());
        let base = 0x1000 as *mut u8;
        table.place(0, base).unwrap();
        assert_eq!(table.address(0, [1, 2, 0]), Some(base.wrapping_add(32)));
        assert!(table.detach(&region, &[0]).is_err());
        assert_eq!(table.attach(&region, &[0], base, [8, 32, 0], 0).unwrap_err().status, Status::Unsupported);
    }
}
