//! Two devices of one OpenCL platform: copies between them and events across. PoCL makes any number of them.

mod drivers;

use cohort::device::*;

#[test]
fn two_devices_copy_and_wait_without_the_host() {
    // Before the driver is loaded; this test is alone in its process. (The driver "basic" beside another locks up.)
    std::env::set_var("POCL_DEVICES", "pthread pthread");
    let found = discover(&drivers::wanted("pair")).unwrap();
    let [first, second] = &found.devices[..] else { panic!("{} devices; {:?}", found.devices.len(), found.absent) };
    assert_ne!(first.native_device(), second.native_device());

    const N: usize = 1000;
    let text = "COHORT_KERNEL void twice(COHORT_GLOBAL unsigned long *x) { x[COHORT_INDEX(0)] *= 2; }";
    let source = Source { text: text.into(), file: "twice.c".into(), options: String::new() };
    let kernels = [first, second].map(|device| device.kernel(&device.compile(&source).unwrap(), "twice").unwrap());
    let buffers = [first, second].map(|device| device.allocate(8 * N).unwrap());
    assert!(first.reaches(&buffers[1]) && second.reaches(&buffers[0]));
    let mut values: Vec<u64> = (0..N as u64).collect();
    let host = Side::Host(values.as_mut_ptr().cast());
    let [on_first, on_second] = [Side::Device(&buffers[0], 0), Side::Device(&buffers[1], 0)];
    let mut dims = [Dim::ONE; 4];
    dims[0] = Dim { count: N, from: 8, to: 8 };
    let transfer = |from, to| Transfer { element: 8, dims, from, to };
    let run = |device: &dyn Device, kernel, buffer, wait: &[Event]| {
        let launch = Launch { kernel, grid: [N, 1, 1], block: [0; 3], args: &[Arg::Buffer(buffer)] };
        unsafe { device.launch(Stream::Kernels(0), &launch, wait) }.unwrap()
    };
    unsafe {
        let mut event = first.copy(Stream::In, &transfer(host, on_first), &[]).unwrap();
        for _ in 0..5 {
            event = run(&**first, &kernels[0], &buffers[0], &[event]);
            event = second.copy(Stream::In, &transfer(on_first, on_second), &[event]).unwrap();
            event = run(&**second, &kernels[1], &buffers[1], &[event]);
            event = first.copy(Stream::In, &transfer(on_second, on_first), &[event]).unwrap();
        }
        first.copy(Stream::Out, &transfer(on_first, host), &[event]).unwrap().wait().unwrap();
    }
    assert!(values.iter().enumerate().all(|(at, &value)| value == at as u64 * 1024));
}
