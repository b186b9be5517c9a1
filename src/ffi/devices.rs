//! Devices: kernels and functions that tasks have for them, and what such a function sees of its data.

use super::convert::{check_size, given, out, privilege, text, UserPointer};
use super::guard;
use super::types::*;
use crate::base::Result;
use crate::device::Api;
use crate::fail;
use crate::operation::devices::{device_view, DeviceBody, KernelText, NativeDevice};
use crate::runtime;
use std::ffi::{c_char, c_void};

fn api(number: cohort_device_api_t) -> Result<Option<Api>> {
    Ok(match number {
        COHORT_DEVICE_ANY => None,
        COHORT_DEVICE_CUDA => Some(Api::Cuda),
        COHORT_DEVICE_OPENCL => Some(Api::Opencl),
        _ => fail!(InvalidArgument, "api is {number}; use COHORT_DEVICE_ANY, COHORT_DEVICE_CUDA or COHORT_DEVICE_OPENCL"),
    })
}

fn number_of(api: Api) -> cohort_device_api_t {
    match api {
        Api::Cuda => COHORT_DEVICE_CUDA,
        Api::Opencl => COHORT_DEVICE_OPENCL,
    }
}

fn add(task: cohort_task_t, for_api: cohort_device_api_t, body: DeviceBody) -> Result<()> {
    let runtime = runtime::current()?;
    let kind = runtime.objects.tasks.get(task.id)?;
    kind.devices.add(&kind.name, api(for_api)?, body)?;
    runtime.offer_devices(kind)
}

unsafe fn named<'a>(pointer: *const c_char, what: &str) -> Result<&'a str> {
    Ok(text(pointer, what)?.unwrap_or(""))
}

unsafe fn kernel_text(c: &cohort_kernel_t) -> Result<KernelText> {
    let (source, file, entry) = (named(c.source, "source")?, named(c.file, "file")?, named(c.name, "name")?);
    if entry.is_empty() {
        fail!(InvalidArgument, "name is null or empty; give the name that the kernel has in its text");
    }
    let read = || std::fs::read_to_string(file);
    let source: Box<str> = match (source.is_empty(), file.is_empty()) {
        (true, true) => fail!(InvalidArgument, "neither source nor file is given; give the kernel's text, or the file that it is in"),
        (false, _) => source.into(),
        (true, false) => match read() {
            Ok(source) => source.into(),
            Err(error) => fail!(InvalidArgument, "file is \"{file}\", which cannot be read: {error}; give the path of a text"),
        },
    };
    Ok(KernelText {
        text: source,
        file: if file.is_empty() { entry } else { file }.into(),
        entry: entry.into(),
        options: named(c.options, "options")?.into(),
        block: c.block,
        grid_requirement: c.grid_requirement,
    })
}

/// Gives a task a kernel for devices: text that a device compiles when the task first runs there. Arguments of the kernel, see
/// cohort_kernel.h: for each requirement a pointer and a cohort_extent, then the launch's arguments by value; a work item for each point of
/// requirement `grid_requirement`. What `kernel` points to is copied. Any thread, before the task is launched. Errors: WRONG_ORDER (a
/// variant for this kind of device is there already).
#[no_mangle]
pub unsafe extern "C" fn cohort_task_kernel(task: cohort_task_t, kernel: *const cohort_kernel_t) -> cohort_status_t {
    guard("cohort_task_kernel", || {
        let c = given(kernel, "kernel")?;
        check_size(c.size, size_of::<cohort_kernel_t>(), "kernel", "COHORT_KERNEL_INIT")?;
        add(task, c.api, DeviceBody::Kernel(kernel_text(c)?))
    })
}

/// Gives a task a function for devices of one kind: it finds its data with `cohort_view_device`, enqueues its work on the stream it is given,
/// and returns without waiting; what follows is ordered after the stream. Runs on a thread of the runtime. A result other than 0 is a failure. Any
/// thread, before the task is launched. Errors: WRONG_ORDER (a variant for this kind of device is there already).
#[no_mangle]
pub unsafe extern "C" fn cohort_task_device_callback(
    task: cohort_task_t,
    for_api: cohort_device_api_t,
    function: cohort_device_function_t,
    user: *mut c_void,
) -> cohort_status_t {
    guard("cohort_task_device_callback", || {
        let Some(function) = function else {
            fail!(InvalidArgument, "the task's function is null; pass the address of a function");
        };
        let user = UserPointer::new(user);
        let call = move |context: u64, native: &NativeDevice| {
            let device = cohort_device_t {
                size: size_of::<cohort_device_t>(),
                api: number_of(native.api),
                number: native.number,
                device: native.device,
                context: native.context,
                stream: native.stream,
            };
            unsafe { function(cohort_context_t { id: context }, &device, user.get()) }
        };
        add(task, for_api, DeviceBody::Function(Box::new(call)))
    })
}

/// Where on the device the data of one field of a requirement lies; valid until the function returns and for the work that it enqueues. Inside
/// a task's function for devices. Errors: PRIVILEGE (a field or a right that the launch did not declare), WRONG_ORDER (the task runs on the
/// host).
#[no_mangle]
pub unsafe extern "C" fn cohort_view_device(
    task: cohort_context_t,
    requirement: u32,
    field: cohort_field_t,
    right: cohort_privilege_t,
    view: *mut cohort_device_view_t,
) -> cohort_status_t {
    guard("cohort_view_device", || {
        let found = device_view(runtime::context(task.id)?.1, requirement, field, privilege(right)?)?;
        *out(view)? = cohort_device_view_t {
            base: found.buffer as *mut c_void,
            offset: found.offset as u64,
            dim: found.dim as i32,
            lo: found.rect.lo,
            hi: found.rect.hi,
            stride: found.stride,
        };
        Ok(())
    })
}
