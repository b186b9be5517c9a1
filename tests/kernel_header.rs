//! One kernel text as CUDA C, OpenCL C and C: the samples in tests/kernel, compiled by all three, executed by the two that need no GPU,
//! and compared.

mod drivers;

use cohort::base::config::DeviceChoice;
use cohort::device::*;
use std::ffi::{c_void, CString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// `cohort_extent`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Extent {
    lo: [i64; 3],
    hi: [i64; 3],
    stride: [i64; 3],
    offset: i64,
    field: i64,
}

/// The samples' struct of arguments.
#[repr(C)]
#[derive(Clone, Copy)]
struct How {
    factor: f64,
    field: i64,
}

fn bytes_of<T>(value: &T) -> &[u8] {
    unsafe { std::slice::from_raw_parts((value as *const T).cast(), size_of::<T>()) }
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel")
}

fn samples() -> Source {
    let text = std::fs::read_to_string(tests().join("samples.c")).unwrap();
    Source { text, file: "samples.c".into(), options: String::new() }
}

/// A box of two fields in an array with room on all sides.
struct Sample {
    extent: Extent,
    values: Vec<f64>,
}

impl Sample {
    fn new(lo: [i64; 3], hi: [i64; 3], room: [i64; 3], seed: u64) -> Self {
        let sizes: [i64; 3] = std::array::from_fn(|d| hi[d] - lo[d] + 1 + room[d]);
        let field = sizes.iter().product();
        let extent = Extent { lo, hi, stride: [1, sizes[0], sizes[0] * sizes[1]], offset: room[0] / 2, field };
        let value = |i: u64| ((i * 2_654_435_761 + seed * 40503) % 1000) as f64 / 64.0;
        Self { extent, values: (0..2 * field as u64).map(value).collect() }
    }
}

fn input() -> (Sample, Sample) {
    (Sample::new([-1, 0, 3], [9, 7, 8], [3, 1, 2], 1), Sample::new([0, 1, 3], [8, 6, 8], [0, 4, 1], 2))
}

/// So many points that threads fold at the same time.
fn many() -> Sample {
    Sample::new([-1, 0, 3], [62, 63, 66], [3, 1, 2], 1)
}

const HOW: How = How { factor: -1.75, field: 1 };

/// Where all points of a sample are folded into: four operators' bins of each type.
#[derive(Clone, Debug, PartialEq)]
struct Bins {
    double: Vec<f64>,
    float: Vec<f32>,
    long: Vec<i64>,
}

const BINS: usize = 3;

impl Bins {
    fn new() -> Self {
        let of = |values: [f64; 4]| values.iter().flat_map(|value| [*value; BINS]).collect::<Vec<f64>>();
        let double = of([0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY]);
        let float = double.iter().map(|value| *value as f32).collect();
        // As a whole number the greatest and the least are.
        Self { long: double.iter().map(|value| *value as i64).collect(), double, float }
    }
}

/// The samples in C, by the compiler of this machine.
fn as_c() -> (Vec<f64>, Bins) {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let folder = drivers::scratch::folder(&format!("samples-{}", TURN.fetch_add(1, Ordering::Relaxed)));
    let library = folder.join("samples.so");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let compiled = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-ffp-contract=off", "-shared", "-fPIC", "-I"])
        .args([include.as_os_str(), "-o".as_ref(), library.as_os_str(), tests().join("host.c").as_os_str()])
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let path = CString::new(library.to_str().unwrap()).unwrap();
    let ((x, mut y), mut bins) = (input(), Bins::new());
    unsafe {
        let loaded = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
        assert!(!loaded.is_null());
        type Axpy = unsafe extern "C" fn(*const f64, *const Extent, *mut f64, *const Extent, *const How);
        type Stencil = unsafe extern "C" fn(*const f64, *const Extent, *mut f64, *const Extent);
        let axpy: Axpy = std::mem::transmute::<*mut c_void, Axpy>(libc::dlsym(loaded, c"run_axpy".as_ptr()));
        let stencil: Stencil = std::mem::transmute::<*mut c_void, Stencil>(libc::dlsym(loaded, c"run_stencil".as_ptr()));
        axpy(x.values.as_ptr(), &x.extent, y.values.as_mut_ptr(), &y.extent, &HOW);
        stencil(x.values.as_ptr(), &x.extent, y.values.as_mut_ptr(), &y.extent);
        type FoldAll = unsafe extern "C" fn(*const f64, *const Extent, *mut f64, *mut f32, *mut i64, i64);
        let fold_all: FoldAll = std::mem::transmute::<*mut c_void, FoldAll>(libc::dlsym(loaded, c"run_fold_all".as_ptr()));
        let x = many();
        fold_all(x.values.as_ptr(), &x.extent, bins.double.as_mut_ptr(), bins.float.as_mut_ptr(), bins.long.as_mut_ptr(), BINS as i64);
    }
    (y.values, bins)
}

fn device() -> Arc<dyn Device> {
    let found = discover(&Wanted { choice: DeviceChoice::Opencl, ..drivers::wanted("header") }).unwrap();
    found.devices.first().unwrap_or_else(|| panic!("no OpenCL device (install pocl-opencl-icd): {:?}", found.absent)).clone()
}

unsafe fn copied<T>(device: &dyn Device, buffer: &Buffer, values: &mut [T], to_device: bool, wait: &[Event]) -> Event {
    let sides = (Side::Host(values.as_mut_ptr().cast()), Side::Device(buffer, 0));
    let (from, to) = if to_device { sides } else { (sides.1, sides.0) };
    let mut dims = [Dim::ONE; 4];
    let step = size_of::<T>() as isize;
    dims[0] = Dim { count: values.len(), from: step, to: step };
    device.copy(if to_device { Stream::In } else { Stream::Out }, &Transfer { element: size_of::<T>(), dims, from, to }, wait).unwrap()
}

/// The samples with points of their own through OpenCL, with these options and blocks.
fn as_opencl(options: &str, block: [u32; 3]) -> Vec<f64> {
    let device = device();
    let module = device.compile(&Source { options: options.into(), ..samples() }).unwrap();
    let (mut x, mut y) = input();
    let buffers = [&x, &y].map(|sample| device.allocate(8 * sample.values.len()).unwrap());
    let mut events = Vec::new();
    unsafe {
        events.push(copied(&*device, &buffers[0], &mut x.values, true, &[]));
        events.push(copied(&*device, &buffers[1], &mut y.values, true, &[]));
        let [on_x, on_y] = [Arg::Buffer(&buffers[0]), Arg::Buffer(&buffers[1])];
        let args = [on_x, Arg::Bytes(bytes_of(&x.extent)), on_y, Arg::Bytes(bytes_of(&y.extent)), Arg::Bytes(bytes_of(&HOW))];
        let grid = std::array::from_fn(|d| (y.extent.hi[d] - y.extent.lo[d] + 1) as usize);
        for (name, args) in [("axpy", &args[..]), ("stencil", &args[..4])] {
            let kernel = device.kernel(&module, name).unwrap();
            events = vec![device.launch(Stream::Kernels(0), &Launch { kernel: &kernel, grid, block, args }, &events).unwrap()];
        }
        copied(&*device, &buffers[1], &mut y.values, false, &events).wait().unwrap();
    }
    y.values
}

#[test]
fn opencl_and_c_give_the_same() {
    assert_eq!(size_of::<Extent>(), 88);
    let (expected, _) = as_c();
    assert_ne!(expected, input().1.values);
    for block in [[0; 3], [4, 2, 2], [16, 1, 1]] {
        assert_eq!(as_opencl("-cl-opt-disable", block), expected, "blocks of {block:?}");
    }
    // With contraction of products and sums the last bits may differ.
    let optimised = as_opencl("", [8, 1, 1]);
    assert!(optimised.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-12 * b.abs().max(1.0)));
}

/// Many work items at once fold into few elements; what they give does not depend on the order.
fn folds_by_opencl(block: [u32; 3]) -> Bins {
    let device = device();
    let kernel = device.kernel(&device.compile(&samples()).unwrap(), "fold_all").unwrap();
    let (mut x, mut bins) = (many(), Bins::new());
    unsafe {
        let [of_x, d, f, l] = [8 * x.values.len(), 8 * bins.double.len(), 4 * bins.float.len(), 8 * bins.long.len()].map(|bytes| device.allocate(bytes).unwrap());
        let ready = [
            copied(&*device, &of_x, &mut x.values, true, &[]),
            copied(&*device, &d, &mut bins.double, true, &[]),
            copied(&*device, &f, &mut bins.float, true, &[]),
            copied(&*device, &l, &mut bins.long, true, &[]),
        ];
        let count = BINS as i64;
        let args = [Arg::Buffer(&of_x), Arg::Bytes(bytes_of(&x.extent)), Arg::Buffer(&d), Arg::Buffer(&f), Arg::Buffer(&l), Arg::Bytes(bytes_of(&count))];
        let grid = std::array::from_fn(|d| (x.extent.hi[d] - x.extent.lo[d] + 1) as usize);
        let done = [device.launch(Stream::Kernels(0), &Launch { kernel: &kernel, grid, block, args: &args }, &ready).unwrap()];
        copied(&*device, &d, &mut bins.double, false, &done).wait().unwrap();
        copied(&*device, &f, &mut bins.float, false, &done).wait().unwrap();
        copied(&*device, &l, &mut bins.long, false, &done).wait().unwrap();
    }
    bins
}

#[test]
fn work_items_fold_into_one_element_without_losing_any() {
    let (_, expected) = as_c();
    let none = Bins::new();
    assert!(expected.long.iter().zip(&none.long).all(|(a, b)| a != b), "{expected:?}");
    // Where threads seldom run at once it takes several turns until they meet.
    for block in [[0; 3], [16, 1, 1], [1, 8, 2]].repeat(5) {
        assert_eq!(folds_by_opencl(block), expected, "blocks of {block:?}");
    }
}

fn nvrtc() -> Nvrtc {
    let path = std::env::var_os("COHORT_NVRTC").expect("COHORT_NVRTC names libnvrtc.so; tests/kernel/run.sh sets it");
    Nvrtc::load(Some(Path::new(&path))).unwrap()
}

#[test]
#[ignore = "needs NVRTC, which tests/kernel/run.sh brings"]
fn cuda_compiles_for_every_generation() {
    let nvrtc = nvrtc();
    assert!(nvrtc.version() >= (12, 0), "{:?}", nvrtc.version());
    for generation in [70, 80, 90] {
        assert!(nvrtc.architectures().contains(&generation));
        let code = nvrtc.compile(&samples(), &format!("sm_{generation}")).unwrap();
        assert_eq!(&code[..4], b"\x7fELF");
        for name in ["axpy", "stencil", "fold_all"] {
            assert!(code.windows(name.len()).any(|part| part == name.as_bytes()), "no {name} for sm_{generation}");
        }
        let ptx = String::from_utf8(nvrtc.compile(&samples(), &format!("compute_{generation}")).unwrap()).unwrap();
        assert!(ptx.contains(&format!(".target sm_{generation}")) && ptx.contains(".entry axpy(") && ptx.contains(".entry stencil("));
    }
}

#[test]
#[ignore = "needs NVRTC, which tests/kernel/run.sh brings"]
fn cuda_sources_that_do_not_compile_bring_the_compilers_log() {
    let nvrtc = nvrtc();
    let broken = Source { text: "COHORT_KERNEL void broken(COHORT_GLOBAL int *x) {\n  x[0] = unheard_of;\n}".into(), ..samples() };
    let Err(error) = nvrtc.compile(&broken, "sm_80") else { panic!("compiled") };
    for part in ["samples.c(2)", "unheard_of", "NVRTC_ERROR_COMPILATION"] {
        assert!(error.text.contains(part), "no {part} in: {error}");
    }
    let Err(error) = nvrtc.compile(&Source { options: "--no-such-option".into(), ..samples() }, "sm_80") else { panic!("compiled") };
    assert!(error.text.contains("no-such-option"), "{error}");
}
