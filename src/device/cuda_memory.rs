//! CUDA's context of one device and the memory taken in it.

use super::cuda::{attribute, code_name, is_full, Driven};
use super::error::{failure, Known};
use super::pool::Memory;
use crate::base::sync::Mutex;
use crate::base::{Error, Result, Status};
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUcontext, CUdevice, CUdevice_attribute as Attribute, CUevent, CUstream};
use std::ffi::c_void;
use std::sync::Arc;

/// The primary context, which the program's own CUDA code uses too, and events that are used again.
pub(super) struct Context {
    pub device: CUdevice,
    pub raw: CUcontext,
    pub name: Arc<Known>,
    /// Contexts of other devices whose memory this one reaches.
    pub peers: Mutex<Vec<usize>>,
    events: Mutex<Vec<usize>>,
}

// SAFETY: the driver's functions may be called by several threads; each makes the context current first.
unsafe impl Send for Context {}
unsafe impl Sync for Context {}

impl Context {
    pub fn open(device: CUdevice, name: Arc<Known>) -> Result<Self> {
        let raw = unsafe { result::primary_ctx::retain(device) };
        let raw = raw.map_err(|error| fault(&name, "cuDevicePrimaryCtxRetain", error))?;
        Ok(Self { device, raw, name, peers: Mutex::default(), events: Mutex::default() })
    }

    /// Makes the context that of the calling thread for as long as what is returned lives: the program's threads keep the device that they
    /// chose.
    pub fn enter(&self) -> Result<Entered> {
        let before = result::ctx::get_current().map_err(|error| self.fault("cuCtxGetCurrent", error))?;
        if before == Some(self.raw) {
            return Ok(Entered { before: None });
        }
        self.stay()?;
        Ok(Entered { before: Some(before.unwrap_or(std::ptr::null_mut())) })
    }

    /// Makes the context that of the calling thread.
    pub fn stay(&self) -> Result<()> {
        unsafe { result::ctx::set_current(self.raw) }.map_err(|error| self.fault("cuCtxSetCurrent", error))
    }

    pub fn fault(&self, what: &str, error: DriverError) -> Error {
        fault(&self.name, what, error)
    }

    /// What kernels call a byte of pinned host memory.
    pub fn address(&self, at: *mut u8) -> Result<u64> {
        let (_entered, mut address) = (self.enter()?, 0);
        let found = unsafe { sys::cuMemHostGetDevicePointer_v2(&mut address, at.cast(), 0) }.result();
        found.map_err(|error| self.fault("cuMemHostGetDevicePointer", error))?;
        Ok(address)
    }

    /// An event recorded on a stream. The context is the thread's.
    pub fn record(&self, stream: CUstream) -> Result<CUevent> {
        let kept = self.events.lock().pop();
        let event = match kept {
            Some(event) => event as CUevent,
            None => result::event::create(sys::CUevent_flags::CU_EVENT_DISABLE_TIMING).map_err(|error| self.fault("cuEventCreate", error))?,
        };
        match unsafe { result::event::record(event, stream) } {
            Ok(()) => Ok(event),
            Err(error) => {
                self.forget(event);
                Err(self.fault("cuEventRecord", error))
            }
        }
    }

    /// Waits that were enqueued for the event hold to what it was recorded for.
    pub fn forget(&self, event: CUevent) {
        self.events.lock().push(event as usize);
    }
}

/// A thread's visit to a context.
#[must_use = "dropped, it leaves the context"]
pub(super) struct Entered {
    /// What is to be the thread's context again; null: none.
    before: Option<CUcontext>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            let _ = unsafe { result::ctx::set_current(before) };
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if let Ok(_entered) = self.enter() {
            for event in std::mem::take(self.events.get_mut()) {
                let _ = unsafe { result::event::destroy(event as CUevent) };
            }
        }
        let _ = unsafe { result::primary_ctx::release(self.device) };
    }
}

pub(super) fn fault(device: &Known, what: &str, error: DriverError) -> Error {
    device.failure(status_of(error), what, &code_name(error), ends(error))
}

/// Of a device that has no context yet.
pub(super) fn early_fault(number: i32, what: &str, error: DriverError) -> Error {
    failure(status_of(error), &format!("{number} (CUDA)"), what, &code_name(error))
}

fn status_of(error: DriverError) -> Status {
    use sys::CUresult::*;
    match error.0 {
        _ if is_full(error) => Status::OutOfMemory,
        CUDA_ERROR_INVALID_VALUE | CUDA_ERROR_INVALID_IMAGE | CUDA_ERROR_INVALID_PTX | CUDA_ERROR_NO_BINARY_FOR_GPU => Status::InvalidArgument,
        _ => Status::Resources,
    }
}

/// After these the context is lost: cuda.h says of each that "any further CUDA work will return the same error", or that the device or its
/// context is gone.
fn ends(DriverError(code): DriverError) -> bool {
    use sys::CUresult::*;
    matches!(
        code,
        CUDA_ERROR_ILLEGAL_ADDRESS
            | CUDA_ERROR_LAUNCH_TIMEOUT
            | CUDA_ERROR_ASSERT
            | CUDA_ERROR_HARDWARE_STACK_ERROR
            | CUDA_ERROR_ILLEGAL_INSTRUCTION
            | CUDA_ERROR_MISALIGNED_ADDRESS
            | CUDA_ERROR_INVALID_ADDRESS_SPACE
            | CUDA_ERROR_INVALID_PC
            | CUDA_ERROR_LAUNCH_FAILED
            | CUDA_ERROR_ECC_UNCORRECTABLE
            | CUDA_ERROR_NVLINK_UNCORRECTABLE
            | CUDA_ERROR_CONTAINED
            | CUDA_ERROR_TENSOR_MEMORY_LEAK
            | CUDA_ERROR_MPS_CLIENT_TERMINATED
            | CUDA_ERROR_CONTEXT_IS_DESTROYED
    )
}

/// Device memory from the driver's pool, which is the program's, too, and is left as it is, on a stream that nothing else is enqueued on;
/// directly where the device has no pools.
pub(super) struct DeviceMemory {
    context: Arc<Context>,
    stream: Option<usize>,
}

impl DeviceMemory {
    pub fn new(context: &Arc<Context>) -> Result<Self> {
        let _entered = context.enter()?;
        let mut memory = Self { context: context.clone(), stream: None };
        if attribute(context.device, Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) != 0 {
            let stream = result::stream::create(result::stream::StreamKind::NonBlocking);
            memory.stream = Some(stream.map_err(|error| context.fault("cuStreamCreate", error))? as usize);
        }
        Ok(memory)
    }

    fn taken(&self, bytes: usize) -> Driven<u64> {
        unsafe {
            match self.stream {
                None => result::malloc_sync(bytes),
                Some(stream) => {
                    let at = result::malloc_async(stream as CUstream, bytes)?;
                    // Other streams may use it from now on.
                    result::stream::synchronize(stream as CUstream)?;
                    Ok(at)
                }
            }
        }
    }
}

impl Memory for DeviceMemory {
    fn take(&self, bytes: usize) -> Result<u64> {
        let _entered = self.context.enter()?;
        self.taken(bytes).map_err(|error| self.context.fault(&format!("an allocation of {bytes} bytes"), error))
    }

    fn free(&self, native: u64) {
        if let Ok(_entered) = self.context.enter() {
            let _ = match self.stream {
                None => unsafe { result::free_sync(native) },
                Some(stream) => unsafe { result::free_async(native, stream as CUstream) },
            };
        }
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        if let (Some(stream), Ok(_entered)) = (self.stream, self.context.enter()) {
            let _ = unsafe { result::stream::synchronize(stream as CUstream) };
            let _ = unsafe { result::stream::destroy(stream as CUstream) };
        }
    }
}

/// Pinned host memory, for the devices of all contexts.
pub(super) struct PinnedMemory(pub Arc<Context>);

impl Memory for PinnedMemory {
    fn take(&self, bytes: usize) -> Result<u64> {
        let _entered = self.0.enter()?;
        let taken = unsafe { result::malloc_host(bytes, sys::CU_MEMHOSTALLOC_PORTABLE) };
        taken.map(|at| at as u64).map_err(|error| self.0.fault(&format!("an allocation of {bytes} bytes of pinned host memory"), error))
    }

    fn free(&self, native: u64) {
        if let Ok(_entered) = self.0.enter() {
            let _ = unsafe { result::free_host(native as *mut c_void) };
        }
    }
}

/// Pinned host memory that kernels of all devices use in place: with unified addressing it has one address on all of them (cuMemHostAlloc).
pub(super) struct Mapped {
    context: Arc<Context>,
    at: usize,
    pub address: u64,
}

impl Mapped {
    pub fn new(context: &Arc<Context>, bytes: usize) -> Result<Self> {
        let _entered = context.enter()?;
        let taken = unsafe { result::malloc_host(bytes, sys::CU_MEMHOSTALLOC_PORTABLE | sys::CU_MEMHOSTALLOC_DEVICEMAP) };
        let at = taken.map_err(|error| context.fault(&format!("an allocation of {bytes} bytes of host memory for use in place"), error))?;
        let mut made = Self { context: context.clone(), at: at as usize, address: 0 };
        made.address = context.address(at.cast())?;
        unsafe { at.cast::<u8>().write_bytes(0, bytes) };
        Ok(made)
    }

    pub fn at(&self) -> *mut u8 {
        self.at as *mut u8
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        if let Ok(_entered) = self.context.enter() {
            let _ = unsafe { result::free_host(self.at as *mut c_void) };
        }
    }
}

/// The caller's memory, registered in place.
pub(super) struct Registered {
    context: Arc<Context>,
    at: usize,
}

impl Registered {
    /// Refused for pages that are registered already, or are of a kind that cannot be.
    pub fn new(context: &Arc<Context>, at: *mut u8, bytes: usize) -> Result<Self> {
        let _entered = context.enter()?;
        let registered = unsafe { sys::cuMemHostRegister_v2(at.cast(), bytes, sys::CU_MEMHOSTREGISTER_PORTABLE | sys::CU_MEMHOSTREGISTER_DEVICEMAP) }.result();
        registered.map_err(|error| context.fault(&format!("cuMemHostRegister of {bytes} bytes"), error))?;
        Ok(Self { context: context.clone(), at: at as usize })
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Ok(_entered) = self.context.enter() {
            let _ = unsafe { sys::cuMemHostUnregister(self.at as *mut c_void) }.result();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sys::CUresult::*;

    #[test]
    fn faults_that_end_a_context_are_told_from_those_of_one_call() {
        for code in [CUDA_ERROR_ILLEGAL_ADDRESS, CUDA_ERROR_LAUNCH_FAILED, CUDA_ERROR_ECC_UNCORRECTABLE] {
            let known = Known::new("0".into());
            let text = fault(&known, "kernel k", DriverError(code)).text;
            assert_eq!(known.lost(), Some(&*text));
            assert!(text.contains("kernel k") && text.contains(&format!("{code:?} ({})", code as u32)), "{text}");
        }
        let known = Known::new("0".into());
        for code in [CUDA_ERROR_OUT_OF_MEMORY, CUDA_ERROR_INVALID_VALUE, CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, CUDA_ERROR_INVALID_PTX] {
            fault(&known, "a call", DriverError(code));
        }
        assert_eq!(known.lost(), None);
    }
}
