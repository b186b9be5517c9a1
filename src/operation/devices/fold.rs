//! Contributions folded in where the data lies: if all of it is valid in one place of the device that made the contribution, a kernel of ours
//! folds there, and nothing travels. One kernel for each built-in operator and type; the operators of programs are functions of the host.

use super::super::body::{Held, Work};
use super::super::object::Home;
use super::contribution::Contribution;
use super::resident::{Events, Physical, Place, State};
use super::start::Extent;
use super::thread::DeviceThread;
use super::transfer::settled;
use super::{KernelText, Then, Whose};
use crate::base::Result;
use crate::device::{Arg, Event, Launch, Stream};
use crate::event::NodeRef;
use crate::geometry::Rect;
use crate::region::{ElementType, Operator, Privilege, Reduction};
use std::collections::HashMap;
use std::sync::OnceLock;

/// The type `element` and the function `folded` of an operator, those of `region::reduce` to the last bit: signed integers wrap around, which C
/// knows of unsigned ones alone, a NaN wins, and products and sums are rounded one by one.
pub fn operator(op: Reduction, element: ElementType) -> String {
    let wraps = matches!(op, Reduction::Sum | Reduction::Product);
    let number = match element {
        ElementType::Int32 if wraps => "unsigned int",
        ElementType::Int64 if wraps => "unsigned long",
        ElementType::Int32 => "int",
        ElementType::Int64 => "long",
        ElementType::Float | ElementType::FloatComplex => "float",
        ElementType::Double | ElementType::DoubleComplex => "double",
    };
    let is_complex = matches!(element, ElementType::FloatComplex | ElementType::DoubleComplex);
    let value = match (op, is_complex) {
        (Reduction::Sum, false) => "a + b",
        (Reduction::Product, false) => "a * b",
        (Reduction::Min, _) => "IS_NAN(a) || a < b ? a : b",
        (Reduction::Max, _) => "IS_NAN(a) || a > b ? a : b",
        (Reduction::Sum, true) => "{a.re + b.re, a.im + b.im}",
        (Reduction::Product, true) => "{TIMES(a.re, b.re) - TIMES(a.im, b.im), TIMES(a.re, b.im) + TIMES(a.im, b.re)}",
    };
    let kind = if is_complex { format!("struct {{ {number} re, im; }}") } else { number.into() };
    // A product that the compiler may not join with a sum.
    let times = if number == "float" { "__fmul_rn" } else { "__dmul_rn" };
    let is_nan = if matches!(element, ElementType::Int32 | ElementType::Int64) { "0" } else { "((x) != (x))" };
    format!(
        "#define IS_NAN(x) {is_nan}\n\
         #ifdef __OPENCL_VERSION__\n\
         #pragma OPENCL FP_CONTRACT OFF\n\
         #define TIMES(x, y) ((x) * (y))\n\
         #else\n\
         #define TIMES(x, y) {times}(x, y)\n\
         #endif\n\
         typedef {kind} element;\n\
         COHORT_FUNCTION element folded(element a, element b)\n\
         {{\n\
           const element both = {value};\n\
           return both;\n\
         }}\n"
    )
}

fn text(op: Reduction, element: ElementType) -> String {
    operator(op, element)
        + "COHORT_KERNEL void fold(COHORT_GLOBAL element *into, cohort_extent to, COHORT_GLOBAL const element *from, cohort_extent of)\n\
           {\n\
             COHORT_POINT(to, i, j, k)\n\
             COHORT_AT(into, to, i, j, k) = folded(COHORT_AT(into, to, i, j, k), COHORT_AT(from, of, i, j, k));\n\
           }\n"
}

/// As a kernel of the program's, which stays.
fn kernel(op: Reduction, element: ElementType) -> &'static KernelText {
    static ALL: OnceLock<HashMap<(Reduction, ElementType), KernelText>> = OnceLock::new();
    let made = |pair: (Reduction, ElementType)| (pair, KernelText::own(text(pair.0, pair.1), "fold", "fold"));
    &ALL.get_or_init(|| all().map(made).collect())[&(op, element)]
}

/// The operators with their types.
pub fn all() -> impl Iterator<Item = (Reduction, ElementType)> {
    use ElementType::{Double, DoubleComplex, Float, FloatComplex, Int32, Int64};
    let types = [Int32, Int64, Float, Double, FloatComplex, DoubleComplex];
    let pairs = [Reduction::Sum, Reduction::Product, Reduction::Min, Reduction::Max].into_iter().flat_map(move |op| types.map(|element| (op, element)));
    pairs.filter(|(op, element)| element.supports(*op))
}

/// One field's part of a place, in elements of the operator, of which a field's may be several side by side.
fn part(place: &Physical, field: u32, rect: &Rect, (bytes, each): (usize, usize)) -> Extent {
    let values = (bytes / each) as i64;
    let count = [rect.extent(0) * values, rect.extent(1), rect.extent(2)];
    let [_, row, slice] = place.steps();
    let offset = (place.offset(field, rect.lo, bytes) / each) as i64;
    Extent { lo: [0; 3], hi: count.map(|count| count - 1), stride: [1, row * values, slice * values], offset, field: 0 }
}

impl DeviceThread<'_> {
    /// The place on this device where all of what the requirement reduces into is valid.
    fn destination(&self, state: &State, held: &Held) -> Option<Place> {
        // What others than this rank's operations look at is the host's.
        let is_own = !matches!(held.data().home, Home::Shared(_));
        is_own.then(|| state.valid_at(self.number, &held.mask, &held.node().domain))?
    }

    /// Whether a contribution to these data is better left here: when it is folded in they may still be.
    pub fn stays(&self, held: &Held) -> bool {
        let is_known = held.access.reduction.is_some_and(|contribution| matches!(contribution.operator, Operator::Known(..)));
        is_known && held.data().on_devices.get().is_some_and(|resident| self.destination(&resident.lock(), held).is_some())
    }

    /// Folds what a task left on the device, or sends it home; the fold comes again when that is done.
    pub fn fold(&mut self, node: NodeRef) {
        // The fold was put by, and waits for this thread.
        let body = unsafe { self.engine.bodies.get(node.index()) };
        let left = if let Work::Fold(Some(left)) = &body.work { left.share() } else { return self.engine.offer_again(node) };
        if !self.has_kernels(node, &left.lock()) {
            return;
        }
        let (mut events, mut failed) = (Events::new(), Ok(()));
        for contribution in left.lock().iter_mut().filter(|contribution| contribution.is_here()) {
            let held = &mut body.needs_mut()[contribution.of_fold];
            match self.fold_here(held, contribution) {
                Ok(Some(event)) => {
                    contribution.is_folded(&event);
                    events.push(event);
                    // The host has nothing to do with it any more.
                    held.access.privilege = Privilege::NoAccess;
                }
                Ok(None) => failed = failed.and(contribution.go_home(&*self.attached().device)),
                Err(error) => failed = Err(error),
            }
        }
        match failed {
            Err(error) => {
                let error = self.engine.fail(format!("a fold failed on rank {}: {}", self.engine.rank, error.text));
                self.engine.finish(node, error);
            }
            Ok(()) if events.is_empty() => self.engine.offer_again(node),
            Ok(()) => self.devices.when(events, Then::Offer(node), Whose::from(&body.work)),
        }
    }

    /// `None`: the data does not lie here.
    fn fold_here(&mut self, held: &Held, contribution: &Contribution) -> Result<Option<Event>> {
        let Operator::Known(op, element) = contribution.operator else { return Ok(None) };
        let domain = &held.node().domain;
        // Where it does not compile, the host folds.
        let Ok(kernel) = self.kernels.get(kernel(op, element)) else { return Ok(None) };
        let (Some(from), Some(resident)) = (&contribution.there, held.data().on_devices.get()) else { return Ok(None) };
        let mut state = resident.lock();
        state.see_failures(&held.mask, domain);
        held.mask.iter().try_for_each(|field| state.check(field, domain))?;
        let Some(place) = self.destination(&state, held) else { return Ok(None) };
        let mut waits: Events = from.users().collect();
        state.wait_for_fills(place, &held.mask, domain, &mut waits);
        let Some(into) = state.physical.get_mut(&place) else { return Ok(None) };
        waits.extend(into.users());
        let mut last = None;
        for (field, rect) in held.mask.iter().flat_map(|field| domain.rects().map(move |rect| (field, rect))) {
            let sizes = (held.data().instances.ensure(field)?.bytes, element.bytes());
            let (to, of) = (part(into, field, &rect, sizes), part(from, field, &rect, sizes));
            let args = [Arg::Buffer(&into.buffer), Arg::Bytes(to.bytes()), Arg::Buffer(&from.buffer), Arg::Bytes(of.bytes())];
            let grid = to.hi.map(|last| last as usize + 1);
            let launch = Launch { kernel: &kernel, grid, block: [0; 3], args: &args };
            // The text is ours, and both sides hold the points.
            let event = unsafe { self.attached().device.launch(Stream::Kernels(0), &launch, &waits)? };
            into.is_used_by(&event);
            last = Some(event);
        }
        into.stamp = self.devices.tick();
        match state.is_written(&held.mask, domain, place) {
            Ok(()) => Ok(last),
            Err(error) => Err(settled(last.as_slice(), error)),
        }
    }

    /// Whether the kernels are there that a fold may need. If not, it comes again when one more is.
    fn has_kernels(&mut self, node: NodeRef, left: &[Contribution]) -> bool {
        left.iter().filter(|contribution| contribution.is_here()).all(|contribution| match contribution.operator {
            Operator::Known(op, element) => self.kernels.are_there(kernel(op, element), node, self.engine, self.number),
            Operator::Registered(_) => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::config::DeviceChoice;
    use crate::device::{discover, Device, Dim, Nvrtc, Side, Source, Transfer, Wanted};
    use crate::region::Run;
    use std::sync::Arc;

    /// In three dimensions.
    const EXTENTS: [i64; 3] = [9, 5, 4];
    const COUNT: usize = 9 * 5 * 4;

    /// Numbers of all sizes and signs, infinities and NaNs among those of floating point.
    fn values(element: ElementType, seed: u64) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 11
        };
        let mut real = || match next() % 40 {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => -0.0,
            _ => (next() as f64 / 2f64.powi(52) - 1.0) * 10f64.powi((next() % 9) as i32 - 4),
        };
        match element {
            ElementType::Float | ElementType::FloatComplex => (0..COUNT * element.bytes() / 4).flat_map(|_| (real() as f32).to_ne_bytes()).collect(),
            ElementType::Double | ElementType::DoubleComplex => (0..COUNT * element.bytes() / 8).flat_map(|_| real().to_ne_bytes()).collect(),
            ElementType::Int32 | ElementType::Int64 => (0..COUNT * element.bytes() / 4).flat_map(|_| (next() as u32).to_ne_bytes()).collect(),
        }
    }

    fn copied(device: &dyn Device, buffer: &crate::device::Buffer, bytes: &mut [u8], to_device: bool) {
        let (host, there) = (Side::Host(bytes.as_mut_ptr()), Side::Device(buffer, 0));
        let (from, to) = if to_device { (host, there) } else { (there, host) };
        unsafe { device.copy(Stream::In, &Transfer { element: bytes.len(), dims: [Dim::ONE; 4], from, to }, &[]) }.unwrap().wait().unwrap();
    }

    /// The payload of a NaN is whoever's.
    fn is_same(element: ElementType, a: &[u8], b: &[u8]) -> bool {
        let of = |bytes: &[u8]| match element {
            ElementType::Float | ElementType::FloatComplex => f64::from(f32::from_ne_bytes(bytes.try_into().unwrap())),
            ElementType::Double | ElementType::DoubleComplex => f64::from_ne_bytes(bytes.try_into().unwrap()),
            ElementType::Int32 | ElementType::Int64 => 0.0,
        };
        a == b || of(a).is_nan() && of(b).is_nan()
    }

    #[test]
    fn a_device_folds_as_the_host_does() {
        let cache = std::env::temp_dir().join(format!("cohort-folds-{}", std::process::id()));
        let found = discover(&Wanted { choice: DeviceChoice::Opencl, cache: Some(cache.clone()), ..Wanted::default() }).unwrap();
        let device: Arc<dyn Device> = found.devices.first().unwrap_or_else(|| panic!("no OpenCL device (install pocl-opencl-icd): {:?}", found.absent)).clone();
        for (op, element) in all() {
            let source = Source { text: text(op, element), file: "fold".into(), options: String::new() };
            let kernel = device.kernel(&device.compile(&source).unwrap(), "fold").unwrap();
            let (mut into, mut from, each) = (values(element, 1), values(element, 2), element.bytes());
            let buffers = [into.len(), from.len()].map(|bytes| device.allocate(bytes).unwrap());
            copied(&*device, &buffers[0], &mut into, true);
            copied(&*device, &buffers[1], &mut from, true);
            // All but the first plane, from the second column on.
            let hi = [EXTENTS[0] - 2, EXTENTS[1] - 1, EXTENTS[2] - 2];
            let stride = [1, EXTENTS[0], EXTENTS[0] * EXTENTS[1]];
            let extent = Extent { lo: [0; 3], hi, stride, offset: stride[2] + 1, field: 0 };
            let args = [Arg::Buffer(&buffers[0]), Arg::Bytes(extent.bytes()), Arg::Buffer(&buffers[1]), Arg::Bytes(extent.bytes())];
            let launch = Launch { kernel: &kernel, grid: hi.map(|last| last as usize + 1), block: [0; 3], args: &args };
            unsafe { device.launch(Stream::Kernels(0), &launch, &[]) }.unwrap().wait().unwrap();
            let mut found = vec![0; into.len()];
            copied(&*device, &buffers[0], &mut found, false);
            for row in 0..(EXTENTS[1] * EXTENTS[2]) as usize {
                if row >= EXTENTS[1] as usize {
                    let run = |bytes: &mut [u8]| Run { at: bytes[(row * EXTENTS[0] as usize + 1) * each..].as_mut_ptr(), stride: each as i64 };
                    unsafe { op.fold_run(element, run(&mut into), run(&mut from), EXTENTS[0] as usize - 1) };
                }
            }
            let number = if element == ElementType::FloatComplex { 4 } else { each.min(8) };
            for (at, (found, expected)) in found.chunks(number).zip(into.chunks(number)).enumerate() {
                assert!(is_same(element, found, expected), "{op:?} of {element:?}, {at}: {found:?} instead of {expected:?}");
            }
        }
        std::fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    #[ignore = "needs NVRTC, which tests/kernel/run.sh brings"]
    fn cuda_compiles_the_folds() {
        let path = std::env::var_os("COHORT_NVRTC").expect("COHORT_NVRTC names libnvrtc.so; tests/kernel/run.sh sets it");
        let nvrtc = Nvrtc::load(Some(path.as_ref())).unwrap();
        for (op, element) in all() {
            let source = Source { text: text(op, element), file: "fold".into(), options: String::new() };
            let ptx = String::from_utf8(nvrtc.compile(&source, "compute_80").unwrap()).unwrap();
            // Nothing is joined.
            assert!(ptx.contains(".entry fold(") && !ptx.contains("fma.rn"), "{op:?} of {element:?}: {ptx}");
        }
    }
}
