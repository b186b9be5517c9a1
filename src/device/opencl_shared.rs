//! Host memory that OpenCL's kernels use in place: shared virtual memory in buffers of fine grain, which host and devices may use at the same
//! time as long as they use different bytes, and in which each sees what the other wrote where events order them (OpenCL 2.0, 3.3.3 and 5.6.1).

use super::handles::Shared;
use super::opencl::number;
use super::opencl_device::Context;
use cl3::device::{CL_DEVICE_SVM_CAPABILITIES, CL_DEVICE_SVM_FINE_GRAIN_BUFFER};
use cl3::memory::{self, CL_MEM_READ_WRITE, CL_MEM_SVM_FINE_GRAIN_BUFFER, CL_MEM_USE_HOST_PTR};
use cl3::types::{cl_device_id, cl_mem};
use std::ffi::c_void;
use std::sync::Arc;

/// Whether the device has such memory. Those before OpenCL 2.0 do not know the question.
pub(super) fn has(id: cl_device_id) -> bool {
    number(id, CL_DEVICE_SVM_CAPABILITIES).is_some_and(|all| all & CL_DEVICE_SVM_FINE_GRAIN_BUFFER != 0)
}

/// The memory, and a buffer that is the same (clCreateBuffer of OpenCL 2.0, over a pointer of clSVMAlloc), for programs that take one.
struct Allocation {
    at: u64,
    buffer: Option<u64>,
    context: Arc<Context>,
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer {
            let _ = unsafe { memory::release_mem_object(buffer as cl_mem) };
        }
        let _ = unsafe { memory::svm_free(self.context.0, self.at as *mut c_void) };
    }
}

/// The error is the call that failed, and its code.
pub(super) fn share(context: &Arc<Context>, bytes: usize) -> Result<Shared, (&'static str, i32)> {
    let bytes = bytes.max(1);
    let flags = CL_MEM_READ_WRITE | CL_MEM_SVM_FINE_GRAIN_BUFFER;
    let at = unsafe { memory::svm_alloc(context.0, flags, bytes, 0) }.map_err(|_| {
        // It says no more than that there is none.
        ("clSVMAlloc", cl3::error_codes::CL_MEM_OBJECT_ALLOCATION_FAILURE)
    })?;
    let mut made = Allocation { at: at as u64, buffer: None, context: context.clone() };
    let buffer = unsafe { memory::create_buffer(context.0, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR, bytes, at) };
    let buffer = buffer.map_err(|code| ("clCreateBuffer over memory of clSVMAlloc", code))? as u64;
    made.buffer = Some(buffer);
    unsafe { at.cast::<u8>().write_bytes(0, bytes) };
    Ok(Shared { at: at.cast(), bytes, native: buffer, domain: context.0 as usize, _memory: Box::new(made) })
}
