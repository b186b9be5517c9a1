//! Devices, executed through OpenCL on a driver for CPUs (PoCL), and through CUDA's driver interface.

mod drivers;

use cl3::command_queue as queue;
use cohort::base::config::DeviceChoice;
use cohort::base::Status;
use cohort::device::*;
use cudarc::driver::sys as cuda;
use drivers::wanted;
use proptest::prelude::*;
use std::ffi::c_void;
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, OnceLock};

const ONE: [Dim; 4] = [Dim::ONE; 4];

fn row(count: usize, bytes: isize) -> [Dim; 4] {
    [Dim { count, from: bytes, to: bytes }, Dim::ONE, Dim::ONE, Dim::ONE]
}

fn open(wanted: &Wanted) -> Arc<dyn Device> {
    let found = discover(wanted).unwrap();
    found.devices.first().unwrap_or_else(|| panic!("no device (install pocl-opencl-icd): {:?}", found.absent)).clone()
}

fn device() -> &'static Arc<dyn Device> {
    static DEVICE: OnceLock<Arc<dyn Device>> = OnceLock::new();
    DEVICE.get_or_init(|| open(&wanted("shared")))
}

fn upload<T: Copy>(device: &dyn Device, values: &[T]) -> Buffer {
    let bytes = size_of_val(values);
    let buffer = device.allocate(bytes).unwrap();
    let transfer =
        Transfer { element: 1, dims: row(bytes, 1), from: Side::Host(values.as_ptr().cast_mut().cast()), to: Side::Device(&buffer, 0) };
    unsafe { device.copy(Stream::In, &transfer, &[]) }.unwrap().wait().unwrap();
    buffer
}

fn download<T: Copy + Default>(device: &dyn Device, buffer: &Buffer, wait: &[Event]) -> Vec<T> {
    let mut values = vec![T::default(); buffer.bytes() / size_of::<T>()];
    let to = Side::Host(values.as_mut_ptr().cast());
    let transfer = Transfer { element: 1, dims: row(buffer.bytes(), 1), from: Side::Device(buffer, 0), to };
    unsafe { device.copy(Stream::Out, &transfer, wait) }.unwrap().wait().unwrap();
    values
}

fn source(text: &str) -> Source {
    Source { text: text.into(), file: "kernels.c".into(), options: String::new() }
}

fn kernel(device: &dyn Device, text: &str, name: &str) -> Kernel {
    device.kernel(&device.compile(&source(text)).unwrap(), name).unwrap()
}

/// Each work item doubles its element as often as told, and adds one each time.
const TURNS: &str = "COHORT_KERNEL void turns(COHORT_GLOBAL unsigned long *x, unsigned long n, unsigned count) {
    unsigned long at = COHORT_INDEX(0);
    if (at >= n) return;
    for (unsigned turn = 0; turn < count; turn++) x[at] = 2 * x[at] + 1;
}";

unsafe fn turns(device: &dyn Device, stream: usize, kernel: &Kernel, x: &Buffer, count: u32, wait: &[Event]) -> Event {
    let n = (x.bytes() / 8) as u64;
    let args = [Arg::Buffer(x), Arg::Bytes(&n.to_ne_bytes()), Arg::Bytes(&count.to_ne_bytes())];
    let launch = Launch { kernel, grid: [n as usize, 1, 1], block: [64, 1, 1], args: &args };
    device.launch(Stream::Kernels(stream), &launch, wait).unwrap()
}

fn is_cuda(device: &dyn Device) -> bool {
    device.info().api == Api::Cuda
}

#[test]
fn none_are_found_where_none_are_wanted() {
    let found = discover(&Wanted { choice: DeviceChoice::None, ..Wanted::default() }).unwrap();
    assert!(found.devices.is_empty() && found.absent.is_empty());
}

#[test]
fn drivers_for_cpus_are_left_alone_unless_asked_for() {
    let found = discover(&Wanted::default()).unwrap();
    assert!(found.devices.iter().all(|device| !device.info().name.contains("pthread")));
    assert!(found.absent.iter().any(|why| why.contains("COHORT_DEVICES")), "{:?}", found.absent);
}

#[test]
fn a_number_that_no_device_has_is_an_error() {
    let choice = DeviceChoice::Numbers(vec![0, 77]);
    let Err(error) = discover(&Wanted { choice, ..wanted("numbers") }) else { panic!("device 77 was found") };
    assert_eq!(error.status, Status::InvalidArgument);
    assert!(error.text.contains("device 77") && error.text.contains("COHORT_DEVICES"), "{error}");
    let first = discover(&Wanted { choice: DeviceChoice::Numbers(vec![0]), ..wanted("numbers") }).unwrap();
    assert_eq!(first.devices.len(), 1);
}

#[test]
fn a_device_describes_itself() {
    let info = device().info();
    assert!(info.fp64 && info.compute_units > 0 && info.memory_bytes > 0 && !info.name.is_empty() && !info.driver.is_empty());
    assert!(device().streams() >= 2);
    for native in [device().native_context(), device().native_stream(Stream::In)] {
        assert!(!native.is_null());
    }
    // CUDA's are numbers from 0 on.
    assert!(is_cuda(&**device()) || !device().native_device().is_null());
}

#[test]
fn freed_memory_is_used_again() {
    let device = open(&wanted("reuse"));
    let first = device.allocate(100_000).unwrap();
    let native = first.native();
    drop(first);
    let again = device.allocate(99_990).unwrap();
    assert_eq!((again.native(), again.bytes()), (native, 99_990));
    let other = device.allocate(100_000).unwrap();
    assert_ne!(other.native(), native);
    again.retire(vec![device.mark(Stream::Out).unwrap()]);
    device.mark(Stream::Out).unwrap().wait().unwrap();
    assert_eq!(device.allocate(100_000).unwrap().native(), native);
    let (host, bytes) = {
        let host = device.staging(5000).unwrap();
        unsafe { host.at().write_bytes(7, 5000) };
        (host.at(), host.bytes())
    };
    assert_eq!((device.staging(5000).unwrap().at(), bytes), (host, 5000));
}

#[test]
fn a_full_device_says_so_and_goes_on() {
    let device = open(&Wanted { capacity: Some(1 << 20), ..wanted("full") });
    assert_eq!(device.info().memory_bytes, 1 << 20);
    let half = device.allocate(512 << 10).unwrap();
    let quarter = device.allocate(256 << 10).unwrap();
    let Err(error) = device.allocate(300 << 10) else { panic!("more than there is") };
    assert_eq!(error.status, Status::OutOfMemory);
    assert!(error.text.contains("307200 bytes") && error.text.contains("1048576") && error.text.contains(&device.info().name), "{error}");
    let Err(error) = device.allocate(2 << 20) else { panic!("more than there ever is") };
    assert_eq!(error.status, Status::OutOfMemory);
    // What is kept for other sizes makes room, and so does what waits for outstanding work.
    drop(quarter);
    half.retire(vec![device.mark(Stream::Kernels(0)).unwrap()]);
    drop(device.allocate(1 << 20).unwrap());
    // Memory that is used again is a little larger than what is asked for, and then the last bytes are missing.
    drop([300, 300, 424].map(|kilobytes| device.allocate(kilobytes << 10).unwrap()));
    let sizes = [290, 290, 444];
    let take = || sizes.map(|kilobytes| device.allocate(kilobytes << 10));
    assert!(take().iter().any(|taken| taken.is_err()));
    device.trim();
    assert!(take().iter().all(|taken| taken.is_ok()));
}

#[test]
fn fills_set_boxes_and_nothing_else() {
    let device = &**device();
    let buffer = upload(device, &[0u64; 60]);
    let value = 0x0123_4567_89ab_cdefu64.to_ne_bytes();
    let dims = [Dim { count: 3, from: 0, to: 8 }, Dim { count: 2, from: 0, to: 80 }, Dim { count: 2, from: 0, to: 240 }, Dim::ONE];
    let event = device.fill(Stream::Kernels(0), &Fill { buffer: &buffer, offset: 8, dims, value: &value }, &[]).unwrap();
    let seen: Vec<u64> = download(device, &buffer, &[event]);
    for (at, value) in seen.iter().enumerate() {
        let inside = (1..4).contains(&(at % 10)) && matches!(at / 10, 0 | 1 | 3 | 4);
        assert_eq!(*value, if inside { 0x0123_4567_89ab_cdef } else { 0 }, "element {at}");
    }
    let Err(error) = device.fill(Stream::In, &Fill { buffer: &buffer, offset: 0, dims: ONE, value: &[0; 3] }, &[]) else { panic!("3 bytes") };
    assert!(error.text.contains("3 bytes"), "{error}");
}

#[test]
fn a_copy_within_the_host_is_refused() {
    let side = Side::Host([0u8; 8].as_mut_ptr());
    let transfer = Transfer { element: 8, dims: ONE, from: side, to: side };
    let Err(error) = (unsafe { device().copy(Stream::In, &transfer, &[]) }) else { panic!("copied") };
    assert_eq!(error.status, Status::InvalidArgument);
    assert!(error.text.contains("host memory on both sides"), "{error}");
}

#[test]
fn kernels_take_buffers_null_pointers_and_structs() {
    let device = &**device();
    let text = "typedef struct { double factor; int shift; } how;
        COHORT_KERNEL void apply(COHORT_GLOBAL double *x, COHORT_GLOBAL double *none, how h) {
            if (COHORT_INDEX(0) < 100) x[COHORT_INDEX(0)] = h.factor * x[COHORT_INDEX(0)] + h.shift + (none ? 1000 : 0);
        }";
    let x = upload(device, &(0..100).map(f64::from).collect::<Vec<_>>());
    let how = [2.5f64.to_ne_bytes(), [3i32.to_ne_bytes(), [0; 4]].concat().try_into().unwrap()].concat();
    let args = [Arg::Buffer(&x), Arg::Null, Arg::Bytes(&how)];
    let kernel = kernel(device, text, "apply");
    for block in [[0, 0, 0], [16, 1, 1]] {
        let launch = Launch { kernel: &kernel, grid: [100, 1, 1], block, args: &args };
        unsafe { device.launch(Stream::Kernels(1), &launch, &[]) }.unwrap().wait().unwrap();
    }
    let once = |value: f64| 2.5 * value + 3.0;
    assert_eq!(download::<f64>(device, &x, &[]), (0..100).map(|i| once(once(i.into()))).collect::<Vec<_>>());
    let nothing = Launch { kernel: &kernel, grid: [0, 1, 1], block: [0; 3], args: &[] };
    unsafe { device.launch(Stream::Kernels(1), &nothing, &[]) }.unwrap().wait().unwrap();
}

#[test]
fn a_wrong_argument_is_an_error_that_names_kernel_and_device() {
    let device = &**device();
    let kernel = kernel(device, TURNS, "turns");
    let launch = Launch { kernel: &kernel, grid: [1, 1, 1], block: [0; 3], args: &[Arg::Null, Arg::Bytes(&[0; 3])] };
    let Err(error) = (unsafe { device.launch(Stream::Kernels(0), &launch, &[]) }) else { panic!("3 bytes for a number") };
    assert_eq!(error.status, Status::InvalidArgument);
    let how = if is_cuda(device) { "3 bytes" } else { "CL_INVALID_ARG_SIZE" };
    assert!(error.text.contains("argument 2 of kernel turns") && error.text.contains(how), "{error}");
    assert!(error.text.contains(&device.info().name), "{error}");
}

#[test]
fn sources_that_do_not_compile_bring_the_compilers_log() {
    let device = &**device();
    let Err(error) = device.compile(&source("COHORT_KERNEL void broken(COHORT_GLOBAL int *x) {\n  x[0] = unheard_of;\n}")) else { panic!("compiled") };
    assert_eq!(error.status, Status::InvalidArgument);
    let by_driver = if is_cuda(device) { ["kernels.c(2)", "NVRTC_ERROR_COMPILATION"] } else { ["kernels.c:2", "CL_BUILD_PROGRAM_FAILURE"] };
    for part in ["unheard_of", &device.info().name].into_iter().chain(by_driver) {
        assert!(error.text.contains(part), "no {part} in: {error}");
    }
    let module = device.compile(&source(TURNS)).unwrap();
    let Err(error) = device.kernel(&module, "twists") else { panic!("found") };
    assert_eq!(error.status, Status::InvalidArgument);
    assert!(error.text.contains("\"twists\"") && error.text.contains(if is_cuda(device) { "CUDA_ERROR_NOT_FOUND" } else { "it has: turns" }), "{error}");
}

#[test]
fn events_of_one_stream_order_another() {
    let device = &**device();
    let kernel = kernel(device, TURNS, "turns");
    let start: Vec<u64> = (0..1000).collect();
    let x = upload(device, &start);
    // Every stream in turn, also those of the copies, none waited for by the host.
    let mut last: Vec<Event> = Vec::new();
    for turn in 0..40 {
        last = vec![unsafe { turns(device, turn, &kernel, &x, 1, &last) }];
    }
    let seen: Vec<u64> = download(device, &x, &last);
    let expected = start.iter().map(|&value| (0..40).fold(value, |value, _| 2u64.wrapping_mul(value).wrapping_add(1)));
    assert!(seen.into_iter().eq(expected));
}

/// Holds what waits for it until it is opened, as a callback may: an event of the program's own, or a function that returns then.
enum Gate {
    Opencl(usize),
    Cuda(Sender<()>),
}

impl Gate {
    /// What comes later on the stream waits for the gate.
    fn close(device: &dyn Device, stream: Stream) -> Self {
        if is_cuda(device) {
            unsafe extern "C" fn wait(opened: *mut c_void) {
                let _ = Box::from_raw(opened.cast::<Receiver<()>>()).recv();
            }
            let (open, opened) = channel::<()>();
            device.make_current().unwrap();
            let held = unsafe { cuda::cuLaunchHostFunc(device.native_stream(stream).cast(), Some(wait), Box::into_raw(Box::new(opened)).cast()) };
            assert_eq!(held, cuda::CUresult::CUDA_SUCCESS);
            return Self::Cuda(open);
        }
        let event = cl3::event::create_user_event(device.native_context()).unwrap();
        let waits = [event];
        let barrier = unsafe { queue::enqueue_barrier_with_wait_list(device.native_stream(stream), 1, waits.as_ptr()) };
        unsafe { cl3::event::release_event(barrier.unwrap()) }.unwrap();
        Self::Opencl(event as usize)
    }

    fn open(self) {
        let event = match self {
            Self::Opencl(event) => event as *mut c_void,
            Self::Cuda(open) => return open.send(()).unwrap(),
        };
        cl3::event::set_user_event_status(event, cl3::event::CL_COMPLETE).unwrap();
        unsafe { cl3::event::release_event(event) }.unwrap();
    }
}

#[test]
fn work_of_other_streams_is_not_ordered() {
    let device = open(&wanted("unordered"));
    let device = &*device;
    let kernel = kernel(device, TURNS, "turns");
    let held = upload(device, &[1u64; 8]);
    let free = upload(device, &[1u64; 8]);
    let gate = Gate::close(device, Stream::Kernels(0));
    let behind = unsafe { turns(device, 0, &kernel, &held, 1, &[]) };
    // All other streams come to an end while the first is held.
    let mut last = Vec::new();
    for stream in 1..device.streams() {
        last = vec![unsafe { turns(device, stream, &kernel, &free, 1, &last) }];
    }
    assert_eq!(download::<u64>(device, &free, &last)[0], (1..device.streams()).fold(1, |value, _| 2 * value + 1));
    assert!(!behind.done().unwrap());
    gate.open();
    assert_eq!(download::<u64>(device, &held, &[behind.clone()]), [3; 8]);
    assert!(behind.done().unwrap());
}

#[test]
fn a_callbacks_own_work_lies_between_barrier_and_mark() {
    let device = open(&wanted("callback"));
    let device = &*device;
    let kernel = kernel(device, TURNS, "turns");
    let x = upload(device, &[1u64; 8]);
    let gate = Gate::close(device, Stream::Kernels(0));
    let before = unsafe { turns(device, 0, &kernel, &x, 1, &[]) };
    device.barrier(Stream::Kernels(1), &[before.clone()]).unwrap();
    let value = 100u64;
    let memory = x.native() as *mut c_void;
    let stream = device.native_stream(Stream::Kernels(1));
    if is_cuda(device) {
        let own = [value as u32, 0].map(|word| (word, u64::from(word == 0) * 4));
        let set = own.map(|(word, offset)| unsafe { cuda::cuMemsetD2D32Async(x.native() + offset, 8, word, 1, 8, stream.cast()) });
        assert_eq!(set, [cuda::CUresult::CUDA_SUCCESS; 2]);
    } else {
        let own = unsafe { queue::enqueue_fill_buffer(stream, memory, (&raw const value).cast(), 8, 0, 64, 0, std::ptr::null()) };
        unsafe { cl3::event::release_event(own.unwrap()) }.unwrap();
    }
    let mark = device.mark(Stream::Kernels(1)).unwrap();
    let after = unsafe { turns(device, 2, &kernel, &x, 1, &[mark.clone()]) };
    assert!(!before.done().unwrap() && !mark.done().unwrap() && !after.done().unwrap());
    gate.open();
    assert_eq!(download::<u64>(device, &x, &[after]), [201; 8]);
    assert!(before.done().unwrap() && mark.done().unwrap());
}

#[test]
fn memory_retired_after_work_waits_for_it() {
    let device = open(&wanted("retired"));
    let gate = Gate::close(&*device, Stream::Kernels(0));
    let buffer = device.allocate(4096).unwrap();
    let native = buffer.native();
    buffer.retire(vec![device.mark(Stream::Kernels(0)).unwrap()]);
    let other = device.allocate(4096).unwrap();
    assert_ne!(other.native(), native);
    let mark = device.mark(Stream::Kernels(0)).unwrap();
    gate.open();
    mark.wait().unwrap();
    assert_eq!(device.allocate(4096).unwrap().native(), native);
}

#[test]
fn compiled_sources_are_kept_on_disk() {
    let wanted = wanted("disk");
    let folder = wanted.cache.clone().unwrap();
    let unique = source("COHORT_KERNEL void kept(COHORT_GLOBAL unsigned long *x) { x[COHORT_INDEX(0)] += STEP; }");
    let with = |step: &str| Source { options: format!("-DSTEP={step}"), ..unique.clone() };
    let works = |device: &dyn Device, module: &Module, step: u64| {
        let x = upload(device, &[5u64; 4]);
        let kernel = device.kernel(module, "kept").unwrap();
        let launch = Launch { kernel: &kernel, grid: [4, 1, 1], block: [0; 3], args: &[Arg::Buffer(&x)] };
        let event = unsafe { device.launch(Stream::Kernels(0), &launch, &[]) }.unwrap();
        assert_eq!(download::<u64>(device, &x, &[event]), [5 + step; 4]);
    };
    let files = || std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let first = open(&wanted);
    let module = first.compile(&with("1")).unwrap();
    assert!(!module.is_cached());
    works(&*first, &module, 1);
    // Another device, as of another run: from the disk, and other options are another source.
    let second = open(&wanted);
    let module = second.compile(&with("1")).unwrap();
    assert!(module.is_cached());
    works(&*second, &module, 1);
    let other = second.compile(&with("7")).unwrap();
    assert!(!other.is_cached());
    works(&*second, &other, 7);
    assert_eq!(files().len(), 2);
    for file in files() {
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    }
    let module = second.compile(&with("1")).unwrap();
    assert!(!module.is_cached());
    works(&*second, &module, 1);
    assert!(second.compile(&with("1")).unwrap().is_cached(), "a damaged file is written again");
}

/// CUDA's runtime puts what the program allocates where the thread's context is.
#[test]
fn the_programs_threads_keep_their_context() {
    if drivers::choice() != DeviceChoice::Cuda {
        return;
    }
    let current = || {
        let mut context = std::ptr::null_mut();
        assert_eq!(unsafe { cuda::cuCtxGetCurrent(&mut context) }, cuda::CUresult::CUDA_SUCCESS);
        context.cast::<c_void>()
    };
    let found = std::thread::spawn(move || {
        let found = discover(&wanted("context")).unwrap().devices;
        assert!(current().is_null());
        found
    });
    let found = found.join().unwrap();
    // The last one's, which is another where there are several.
    let own = found.last().unwrap();
    own.make_current().unwrap();
    let device = &*found[0];
    let kernel = kernel(device, TURNS, "turns");
    let x = upload(device, &[1u64; 8]);
    let memory = vec![0u8; 1 << 16];
    drop(device.pin(memory.as_ptr().cast_mut(), memory.len()).unwrap());
    let event = unsafe { turns(device, 0, &kernel, &x, 1, &[]) };
    assert_eq!(download::<u64>(device, &x, &[event]), [3; 8]);
    assert_eq!(current(), own.native_context());
    drop((x, kernel));
    device.trim();
    assert_eq!(current(), own.native_context());
}

/// PTX of the oldest architecture that the compiler knows runs on every newer one.
#[test]
fn ptx_is_taken_as_it_is() {
    let device = &**device();
    if !is_cuda(device) {
        return;
    }
    let nvrtc = Nvrtc::load(std::env::var_os("COHORT_NVRTC").map(std::path::PathBuf::from).as_deref()).unwrap();
    let oldest = nvrtc.architectures().into_iter().min().unwrap();
    let ptx = String::from_utf8(nvrtc.compile(&source(TURNS), &format!("compute_{oldest}")).unwrap()).unwrap();
    let module = device.compile(&source(ptx.trim_end_matches('\0'))).unwrap();
    let x = upload(device, &[0u64; 8]);
    let event = unsafe { turns(device, 0, &device.kernel(&module, "turns").unwrap(), &x, 3, &[]) };
    assert_eq!(download::<u64>(device, &x, &[event]), [7; 8]);
}

#[test]
fn ptx_is_not_for_opencl() {
    if is_cuda(&**device()) {
        return;
    }
    let Err(error) = device().compile(&source(".version 8.0\n.target sm_80\n.address_size 64\n")) else { panic!("compiled") };
    assert!(error.text.contains("PTX") && error.status == Status::InvalidArgument, "{error}");
}

/// Strides of a box in an array with room around it, its dimensions in some order; and the array's elements.
fn strides(counts: [usize; 4], order: usize, room: [usize; 4]) -> ([usize; 4], usize) {
    let mut strides = [0; 4];
    let mut step = 1 + room[3] % 2;
    let mut left = vec![0, 1, 2, 3];
    for turn in [1, 4, 12, 24] {
        let d = left.remove(order / turn % left.len());
        strides[d] = step;
        step *= counts[d] + room[d];
    }
    (strides, step)
}

/// What a transfer of elements of 8 bytes does, element by element.
fn by_hand(counts: [usize; 4], from: (&[u64], usize, [usize; 4]), to: (&mut [u64], usize, [usize; 4])) {
    for at in 0..counts.iter().product::<usize>() {
        let (mut rest, mut source, mut target) = (at, from.1, to.1);
        for d in 0..4 {
            source += rest % counts[d] * from.2[d];
            target += rest % counts[d] * to.2[d];
            rest /= counts[d];
        }
        to.0[target] = from.0[source];
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn boxes_travel_to_on_and_from_the_device(
        counts in prop::array::uniform4(1usize..5),
        orders in prop_oneof![prop::array::uniform4(0usize..24), (0usize..24).prop_map(|order| [order; 4])],
        rooms in prop::array::uniform4(prop::array::uniform4(0usize..3)),
        first in prop::array::uniform4(0usize..5),
    ) {
        // An array on the host, two on the device, one on the host; each in a layout of its own.
        let device = &**device();
        let sides: Vec<([usize; 4], usize)> = (0..4).map(|side| strides(counts, orders[side], rooms[side])).collect();
        let start = |side: usize, salt: u64| -> Vec<u64> { (0..sides[side].1 + first[side]).map(|i| i as u64 + (salt << 32)).collect() };
        let mut arrays: [Vec<u64>; 4] = std::array::from_fn(|side| start(side, side as u64));
        let (source, buffers) = (arrays[0].clone(), [upload(device, &arrays[1]), upload(device, &arrays[2])]);
        let mut seen = arrays[3].clone();
        let place = |side: usize| 8 * first[side];
        let ends = [
            Side::Host(unsafe { source.as_ptr().cast_mut().cast::<u8>().add(place(0)) }),
            Side::Device(&buffers[0], place(1)),
            Side::Device(&buffers[1], place(2)),
            Side::Host(unsafe { seen.as_mut_ptr().cast::<u8>().add(place(3)) }),
        ];
        let mut wait = Vec::new();
        for (hop, stream) in [Stream::In, Stream::Kernels(0), Stream::Out].into_iter().enumerate() {
            let dim = |d: usize| Dim { count: counts[d], from: 8 * sides[hop].0[d] as isize, to: 8 * sides[hop + 1].0[d] as isize };
            let transfer = Transfer { element: 8, dims: std::array::from_fn(dim), from: ends[hop], to: ends[hop + 1] };
            wait = vec![unsafe { device.copy(stream, &transfer, &wait) }.unwrap()];
            let (before, after) = arrays.split_at_mut(hop + 1);
            by_hand(counts, (&before[hop], first[hop], sides[hop].0), (&mut after[0], first[hop + 1], sides[hop + 1].0));
        }
        wait[0].wait().unwrap();
        prop_assert_eq!(&seen, &arrays[3]);
        prop_assert_eq!(&download::<u64>(device, &buffers[0], &[]), &arrays[1]);
        prop_assert_eq!(&download::<u64>(device, &buffers[1], &[]), &arrays[2]);
    }
}

#[test]
fn work_after_an_event_is_done_once_and_its_failure_stays() {
    let device = device();
    let done = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = done.clone();
    let event = device.mark(Stream::Kernels(0)).unwrap().then(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Err(cohort::base::Error::new(Status::Resources, "no luck"))
    });
    for _ in 0..2 {
        assert_eq!(event.clone().wait().unwrap_err().text, "no luck".into());
        assert_eq!(event.done().unwrap_err().text, "no luck".into());
    }
    assert_eq!(done.load(std::sync::atomic::Ordering::Relaxed), 1);
    // No driver knows of it: who waits for it in a stream waits at once, and is told.
    let error = device.barrier(Stream::Kernels(0), &[event]).unwrap_err();
    assert_eq!(error.text, "no luck".into());
}

/// With room for a stop on the way, and without: drivers take columns side by side for overlapping ones.
#[test]
fn columns_change_places_within_a_buffer() {
    const ROWS: usize = 300;
    const COLUMNS: usize = 40;
    let device = open(&Wanted { capacity: Some((ROWS * COLUMNS * 8) as u64 + 4096), ..wanted("columns") });
    let mut values: Vec<u64> = (0..(ROWS * COLUMNS) as u64).collect();
    let buffer = upload(&*device, &values);
    for full in [false, true] {
        let rest = full.then(|| device.allocate(4096).unwrap());
        let (from, to) = if full { (5, 17) } else { (30, 2) };
        let mut dims = ONE;
        (dims[0], dims[1]) = (Dim { count: 1, from: 8, to: 8 }, Dim { count: ROWS, from: 8 * COLUMNS as isize, to: 8 * COLUMNS as isize });
        let transfer = Transfer { element: 8, dims, from: Side::Device(&buffer, 8 * from), to: Side::Device(&buffer, 8 * to) };
        let event = unsafe { device.copy(Stream::Kernels(0), &transfer, &[]) }.unwrap();
        (0..ROWS).for_each(|row| values[row * COLUMNS + to] = values[row * COLUMNS + from]);
        assert_eq!(download::<u64>(&*device, &buffer, &[event]), values, "full: {full}");
        drop(rest);
    }
}
