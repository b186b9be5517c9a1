//! A device through CUDA's driver interface. Streams do not wait for the legacy default stream.

use super::boxes::{self, Piece, Pitches};
use super::cuda::{attribute, describe, usual_block, Driven, Words, MOST_BLOCKS};
use super::cuda_memory::{early_fault, Context, DeviceMemory, Entered, Mapped, PinnedMemory, Registered};
use super::cuda_peers::{self, Address};
use super::error::{Known, What};
use super::handles::*;
use super::nvrtc::{architecture, Nvrtc};
use super::pool::Pool;
use super::{Cache, Device, DeviceInfo, Setting, Source};
use crate::base::{Error, Result, Status};
use crate::fail;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUcontext, CUdevice_attribute as Attribute, CUevent, CUfunction, CUmemorytype, CUmodule, CUresult, CUstream};
use smallvec::SmallVec;
use std::ffi::{c_void, CString};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// CUDA's streams wait for events of any device of the process.
const EVENTS: usize = 1;

pub(super) struct CudaDevice {
    info: DeviceInfo,
    /// The driver's, as in 12040 for CUDA 12.4.
    version: i32,
    /// As in 90 for 9.0.
    capability: i32,
    /// Bytes from row to row that a copy of several takes.
    most_pitch: usize,
    /// Kernels use host memory in place.
    shares: bool,
    streams: Vec<CUstream>,
    buffers: Arc<Pool>,
    staging: Arc<Pool>,
    cache: Arc<Cache>,
    nvrtc: Option<PathBuf>,
    compiler: OnceLock<Result<Nvrtc>>,
    context: Arc<Context>,
}

// SAFETY: as for `Context`.
unsafe impl Send for CudaDevice {}
unsafe impl Sync for CudaDevice {}

impl Drop for CudaDevice {
    fn drop(&mut self) {
        if let Ok(_entered) = self.context.enter() {
            for &stream in &self.streams {
                let _ = unsafe { result::stream::synchronize(stream) };
                let _ = unsafe { result::stream::destroy(stream) };
            }
        }
    }
}

impl CudaDevice {
    pub fn open(number: i32, version: i32, setting: &Setting) -> Result<Self> {
        let device = result::device::get(number).map_err(|error| early_fault(number, "cuDeviceGet", error))?;
        let info = describe(device, version, setting.capacity).map_err(|error| early_fault(number, "cuDeviceGetName", error))?;
        let name = Known::new(format!("\"{}\" (CUDA)", info.name));
        let context = Arc::new(Context::open(device, name)?);
        let owner = || format!("device {}", context.name);
        let capability = |what| attribute(device, what);
        let mut opened = Self {
            buffers: Arc::new(Pool::new(Box::new(DeviceMemory::new(&context)?), owner(), info.memory_bytes)),
            staging: Arc::new(Pool::new(Box::new(PinnedMemory(context.clone())), owner(), u64::MAX)),
            info,
            version,
            capability: 10 * capability(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
                + capability(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
            most_pitch: attribute(device, Attribute::CU_DEVICE_ATTRIBUTE_MAX_PITCH) as usize,
            shares: [Attribute::CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, Attribute::CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING]
                .into_iter()
                .all(|what| capability(what) != 0),
            streams: Vec::new(),
            cache: setting.cache.clone(),
            nvrtc: setting.nvrtc.clone(),
            compiler: OnceLock::new(),
            context,
        };
        let context = opened.context.clone();
        let _entered = context.enter()?;
        for _ in 0..setting.streams + 2 {
            let stream = result::stream::create(result::stream::StreamKind::NonBlocking);
            opened.streams.push(stream.map_err(|error| context.fault("cuStreamCreate", error))?);
        }
        Ok(opened)
    }

    pub fn context(&self) -> &Context {
        &self.context
    }

    fn stream(&self, stream: Stream) -> CUstream {
        self.streams[stream.index(self.streams.len() - 2)]
    }

    /// Enters the context and lets the stream wait.
    fn after(&self, stream: Stream, wait: &[Event]) -> Result<(Entered, CUstream)> {
        let entered = self.context.enter()?;
        let stream = self.stream(stream);
        for event in wait {
            if event.domain() != EVENTS {
                event.wait()?;
                continue;
            }
            let waits = unsafe { result::stream::wait_event(stream, event.native().cast(), sys::CUevent_wait_flags::CU_EVENT_WAIT_DEFAULT) };
            waits.map_err(|error| self.context.fault("cuStreamWaitEvent", error))?;
        }
        Ok((entered, stream))
    }

    fn recorded(&self, stream: CUstream, what: What) -> Result<Event> {
        let native = self.context.record(stream)?;
        Ok(Event::of(CudaEvent { native, what, position: Position::next(stream.cast()), context: self.context.clone() }))
    }

    fn checked(&self, buffer: &Buffer) -> Result<u64> {
        if buffer.domain != self.context.raw as usize {
            fail!(InvalidArgument, "device {}: the buffer belongs to another device; copy it", self.context.name);
        }
        Ok(buffer.native)
    }

    fn end(&self, side: &Side) -> Result<End> {
        Ok(match side {
            Side::Host(at) => End::Host(*at),
            Side::Device(buffer, _) if !self.reaches(buffer) => {
                fail!(InvalidArgument, "device {}: the buffer belongs to a device that it does not reach; copy by way of the host", self.context.name)
            }
            Side::Device(buffer, offset) => End::Device(Address { at: buffer.native + *offset as u64, context: buffer.domain as CUcontext }),
        })
    }

    /// The driver would read what a kernel takes, whatever is given.
    fn check_arguments(&self, launch: &Launch) -> Result<()> {
        let Some(parameters) = launch.kernel.inner.parameters() else { return Ok(()) };
        let (name, kernel) = (&self.context.name, &launch.kernel.name);
        for (number, (arg, takes)) in launch.args.iter().zip(parameters).enumerate() {
            let given = if let Arg::Bytes(bytes) = arg { bytes.len() } else { size_of::<u64>() };
            if given != *takes {
                fail!(InvalidArgument, "device {name}: argument {} of kernel {kernel} has {given} bytes, and the kernel takes {takes}", number + 1);
            }
        }
        if launch.args.len() != parameters.len() {
            fail!(InvalidArgument, "device {name}: kernel {kernel} gets {} arguments, and takes {}", launch.args.len(), parameters.len());
        }
        Ok(())
    }

    fn compiler(&self) -> Result<&Nvrtc> {
        self.compiler.get_or_init(|| Nvrtc::load(self.nvrtc.as_deref())).as_ref().map_err(Error::clone)
    }

    fn load(&self, image: &[u8], file: &str) -> Result<CudaModule> {
        let mut log = vec![0u8; 8192];
        let mut options = [sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER, sys::CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES];
        let mut values = [log.as_mut_ptr().cast::<c_void>(), log.len() as *mut c_void];
        let mut module: CUmodule = std::ptr::null_mut();
        let _entered = self.context.enter()?;
        let loaded = unsafe {
            sys::cuModuleLoadDataEx(&mut module, image.as_ptr().cast(), options.len() as u32, options.as_mut_ptr(), values.as_mut_ptr())
        };
        match loaded.result() {
            Ok(()) => Ok(CudaModule { raw: module, context: self.context.clone() }),
            Err(error) => {
                let end = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
                let fault = self.context.fault(&format!("the loading of {file}"), error);
                Err(Error::new(fault.status, format!("{}\n{}", fault.text, String::from_utf8_lossy(&log[..end]))))
            }
        }
    }

    /// Sets one run of `bytes` bytes.
    unsafe fn set(&self, stream: CUstream, at: u64, bytes: usize, words: &Words) -> Driven<()> {
        match words {
            Words::Bytes(value) => sys::cuMemsetD8Async(at, *value, bytes, stream).result(),
            Words::Shorts(value) => sys::cuMemsetD16Async(at, *value, bytes / 2, stream).result(),
            Words::Words(values) if values.len() == 1 => sys::cuMemsetD32Async(at, values[0], bytes / 4, stream).result(),
            Words::Words(values) => {
                let pitch = 4 * values.len();
                for (word, value) in values.iter().enumerate() {
                    sys::cuMemsetD2D32Async(at + 4 * word as u64, pitch, *value, 1, bytes / pitch, stream).result()?;
                }
                Ok(())
            }
        }
    }
}

impl Device for CudaDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn lost(&self) -> Option<&str> {
        self.context.name.lost()
    }

    fn allocate(&self, bytes: usize) -> Result<Buffer> {
        let (native, size) = self.buffers.take(bytes)?;
        Ok(Buffer { native, bytes, size, pool: self.buffers.clone(), domain: self.context.raw as usize })
    }

    fn trim(&self) {
        self.buffers.release();
    }

    fn staging(&self, bytes: usize) -> Result<HostBuffer> {
        let (at, size) = self.staging.take(bytes)?;
        Ok(HostBuffer { at: at as *mut u8, bytes, size, pool: self.staging.clone() })
    }

    fn registers(&self) -> bool {
        true
    }

    fn pin(&self, at: *mut u8, bytes: usize) -> Result<Pin> {
        Registered::new(&self.context, at, bytes).map(Pin::until)
    }

    fn shares(&self) -> bool {
        self.shares
    }

    fn share(&self, bytes: usize) -> Result<Shared> {
        let mapped = Mapped::new(&self.context, bytes.max(1))?;
        let (at, native) = (mapped.at(), mapped.address);
        // Of one domain, as all devices reach what is portable.
        Ok(Shared { at, bytes, native, domain: EVENTS, _memory: Box::new(mapped) })
    }

    fn address(&self, at: *mut u8, shared: Option<&Shared>) -> Option<u64> {
        match shared {
            _ if !self.shares => None,
            Some(shared) => (shared.domain == EVENTS).then(|| shared.native + (at as u64 - shared.at as u64)),
            None => self.context.address(at).ok(),
        }
    }

    fn streams(&self) -> usize {
        self.streams.len() - 2
    }

    unsafe fn copy(&self, stream: Stream, transfer: &Transfer, wait: &[Event]) -> Result<Event> {
        let (from, to) = (self.end(&transfer.from)?, self.end(&transfer.to)?);
        let what = transfer.what()?;
        let (_entered, stream) = self.after(stream, wait)?;
        let copy = |piece: Piece| copy_piece(stream, &from, &to, &piece).map_err(|error| self.context.fault(what, error));
        boxes::pieces(transfer.element, &transfer.dims, |piece| match piece.from.row.max(piece.to.row) > self.most_pitch {
            // Fields that lie gigabytes apart, say.
            true if piece.rows > 1 => piece.each_row().try_for_each(copy),
            _ => copy(piece),
        })?;
        self.recorded(stream, What::Plain(what))
    }

    fn reaches(&self, other: &Buffer) -> bool {
        other.domain == self.context.raw as usize || self.context.peers.lock().contains(&other.domain)
    }

    fn fill(&self, stream: Stream, fill: &Fill, wait: &[Event]) -> Result<Event> {
        fill.check(&self.context.name)?;
        let at = self.checked(fill.buffer)? as i64 + fill.offset as i64;
        let words = Words::of(fill.value);
        let (_entered, stream) = self.after(stream, wait)?;
        boxes::runs(fill.value.len(), &fill.dims, |offset, bytes| {
            let set = unsafe { self.set(stream, (at + offset as i64) as u64, bytes, &words) };
            set.map_err(|error| self.context.fault("a fill", error))
        })?;
        self.recorded(stream, What::Plain("a fill"))
    }

    fn compile(&self, source: &Source) -> Result<Module> {
        let module = |loaded: CudaModule, cached| Module { inner: Arc::new(loaded), cached };
        if source.is_ptx() {
            let image = [source.text.as_bytes(), b"\0"].concat();
            return Ok(module(self.load(&image, &source.file)?, false));
        }
        let key = source.key(&self.info);
        // An image that the driver no longer takes is compiled anew.
        if let Some(loaded) = self.cache.read(&key).and_then(|image| self.load(&image, &source.file).ok()) {
            return Ok(module(loaded, true));
        }
        let compiler = self.compiler()?;
        let compiled = compiler.compile(source, &architecture(&compiler.architectures(), self.capability));
        let image = compiled.map_err(|error| Error::new(error.status, format!("device {}: {}", self.context.name, error.text)))?;
        let loaded = self.load(&image, &source.file)?;
        self.cache.write(&key, &image);
        Ok(module(loaded, false))
    }

    fn kernel(&self, compiled: &Module, name: &str) -> Result<Kernel> {
        let _entered = self.context.enter()?;
        let unknown = |code: &str| {
            let text = format!("device {}: the source has no kernel \"{name}\" ({code}); is it declared with COHORT_KERNEL?", self.context.name);
            Error::new(Status::InvalidArgument, text)
        };
        let c_name = CString::new(name).map_err(|_| unknown("a zero byte in its name"))?;
        let function = unsafe { result::module::get_function(compiled.inner.native().cast(), c_name) };
        let raw = function.map_err(|error| unknown(&super::cuda::code_name(error)))?;
        let parameters = (self.version >= KNOWS_PARAMETERS).then(|| parameters(raw));
        Ok(Kernel { inner: Arc::new(CudaKernel { raw, parameters, _module: compiled.inner.clone() }), name: name.into() })
    }

    unsafe fn launch(&self, stream: Stream, launch: &Launch, wait: &[Event]) -> Result<Event> {
        let what = What::Kernel(launch.kernel.name.clone());
        let (_entered, stream) = self.after(stream, wait)?;
        if !launch.grid.contains(&0) {
            self.check_arguments(launch)?;
            let (items, block) = launch.items();
            let block = block.unwrap_or_else(|| usual_block(launch.grid));
            let blocks: [usize; 3] = std::array::from_fn(|d| items[d].div_ceil(block[d]));
            if (0..3).any(|d| blocks[d] > MOST_BLOCKS[d]) {
                fail!(InvalidArgument, "device {}: {what} has {blocks:?} blocks; use larger ones, at most {MOST_BLOCKS:?}", self.context.name);
            }
            let null = 0u64;
            let mut parameters: SmallVec<[*mut c_void; 32]> = SmallVec::new();
            for arg in launch.args {
                parameters.push(match arg {
                    Arg::Buffer(buffer) => {
                        self.checked(buffer)?;
                        (&raw const buffer.native).cast_mut().cast()
                    }
                    Arg::Address(at) => (&raw const *at).cast_mut().cast(),
                    Arg::Null => (&raw const null).cast_mut().cast(),
                    Arg::Bytes(bytes) => bytes.as_ptr().cast_mut().cast::<c_void>(),
                });
            }
            let (blocks, block) = (blocks.map(|n| n as u32), block.map(|n| n as u32));
            let launched = result::launch_kernel(launch.kernel.native().cast(), blocks.into(), block.into(), 0, stream, &mut parameters);
            launched.map_err(|error| self.context.fault(&format!("the launch of {what}"), error))?;
        }
        self.recorded(stream, what)
    }

    fn barrier(&self, stream: Stream, wait: &[Event]) -> Result<()> {
        self.after(stream, wait).map(drop)
    }

    fn mark(&self, stream: Stream) -> Result<Event> {
        let _entered = self.context.enter()?;
        self.recorded(self.stream(stream), What::Plain("work that a callback enqueued"))
    }

    fn make_current(&self) -> Result<()> {
        self.context.stay()
    }

    fn native_stream(&self, stream: Stream) -> *mut c_void {
        self.stream(stream).cast()
    }

    fn native_context(&self) -> *mut c_void {
        self.context.raw.cast()
    }

    fn native_device(&self) -> *mut c_void {
        self.context.device as usize as *mut c_void
    }

    fn in_context(&self, call: &mut dyn FnMut()) {
        // Where that fails the other library says what it misses.
        let _entered = self.context.enter();
        call();
    }
}

enum End {
    Host(*mut u8),
    Device(Address),
}

unsafe fn copy_piece(stream: CUstream, from: &End, to: &End, piece: &Piece) -> Driven<()> {
    if let (End::Device(from), End::Device(to)) = (from, to) {
        if from.context != to.context {
            return cuda_peers::copy_piece(stream, *from, *to, piece);
        }
    }
    if piece.rows == 1 && piece.slices == 1 {
        let device = |address: Address, side: &Pitches| address.at.wrapping_add_signed(side.offset as i64);
        let copied = match (from, to) {
            (End::Host(source), End::Device(target)) => {
                sys::cuMemcpyHtoDAsync_v2(device(*target, &piece.to), source.offset(piece.from.offset).cast(), piece.run, stream)
            }
            (End::Device(source), End::Host(target)) => {
                sys::cuMemcpyDtoHAsync_v2(target.offset(piece.to.offset).cast(), device(*source, &piece.from), piece.run, stream)
            }
            (End::Device(source), End::Device(target)) => {
                sys::cuMemcpyDtoDAsync_v2(device(*target, &piece.to), device(*source, &piece.from), piece.run, stream)
            }
            (End::Host(_), End::Host(_)) => CUresult::CUDA_ERROR_INVALID_VALUE,
        };
        return copied.result();
    }
    let (source, target) = (Located::of(from, &piece.from), Located::of(to, &piece.to));
    let copy = sys::CUDA_MEMCPY3D {
        srcXInBytes: 0,
        srcY: 0,
        srcZ: 0,
        srcLOD: 0,
        srcMemoryType: source.kind,
        srcHost: source.host.cast_const().cast(),
        srcDevice: source.device,
        srcArray: std::ptr::null_mut(),
        reserved0: std::ptr::null_mut(),
        srcPitch: piece.from.row,
        srcHeight: piece.from.slice / piece.from.row,
        dstXInBytes: 0,
        dstY: 0,
        dstZ: 0,
        dstLOD: 0,
        dstMemoryType: target.kind,
        dstHost: target.host.cast(),
        dstDevice: target.device,
        dstArray: std::ptr::null_mut(),
        reserved1: std::ptr::null_mut(),
        dstPitch: piece.to.row,
        dstHeight: piece.to.slice / piece.to.row,
        WidthInBytes: piece.run,
        Height: piece.rows,
        Depth: piece.slices,
    };
    sys::cuMemcpy3DAsync_v2(&copy, stream).result()
}

/// One side as `CUDA_MEMCPY3D` takes it.
struct Located {
    kind: CUmemorytype,
    host: *mut u8,
    device: u64,
}

impl Located {
    unsafe fn of(end: &End, side: &Pitches) -> Self {
        match end {
            End::Host(at) => Self { kind: CUmemorytype::CU_MEMORYTYPE_HOST, host: at.offset(side.offset), device: 0 },
            End::Device(at) => Self {
                kind: CUmemorytype::CU_MEMORYTYPE_DEVICE,
                host: std::ptr::null_mut(),
                device: at.at.wrapping_add_signed(side.offset as i64),
            },
        }
    }
}

struct CudaEvent {
    native: CUevent,
    what: What,
    position: Position,
    context: Arc<Context>,
}

// SAFETY: as for `Context`.
unsafe impl Send for CudaEvent {}
unsafe impl Sync for CudaEvent {}

impl Completion for CudaEvent {
    fn done(&self) -> Result<bool> {
        let _entered = self.context.enter()?;
        match unsafe { result::event::query(self.native) } {
            Ok(()) => Ok(true),
            Err(DriverError(CUresult::CUDA_ERROR_NOT_READY)) => Ok(false),
            Err(error) => Err(self.context.fault(&self.what.to_string(), error)),
        }
    }

    fn wait(&self) -> Result<()> {
        let _entered = self.context.enter()?;
        unsafe { result::event::synchronize(self.native) }.map_err(|error| self.context.fault(&self.what.to_string(), error))
    }

    fn native(&self) -> *mut c_void {
        self.native.cast()
    }

    fn domain(&self) -> usize {
        EVENTS
    }

    fn position(&self) -> Position {
        self.position
    }
}

impl Drop for CudaEvent {
    fn drop(&mut self) {
        self.context.forget(self.native);
    }
}

struct CudaModule {
    raw: CUmodule,
    context: Arc<Context>,
}

// SAFETY: as for `Context`.
unsafe impl Send for CudaModule {}
unsafe impl Sync for CudaModule {}

impl Compiled for CudaModule {
    fn native(&self) -> *mut c_void {
        self.raw.cast()
    }
}

impl Drop for CudaModule {
    fn drop(&mut self) {
        if let Ok(_entered) = self.context.enter() {
            let _ = unsafe { result::module::unload(self.raw) };
        }
    }
}

/// cuFuncGetParamInfo came with CUDA 12.4.
const KNOWS_PARAMETERS: i32 = 12040;

/// Bytes of each. The context is the thread's.
fn parameters(kernel: CUfunction) -> Vec<usize> {
    let size = |number| {
        let (mut offset, mut bytes) = (0, 0);
        // SAFETY: the driver gave the kernel; a number beyond its last parameter is an error.
        unsafe { sys::cuFuncGetParamInfo(kernel, number, &mut offset, &mut bytes) }.result().ok().map(|()| bytes)
    };
    (0..).map_while(size).collect()
}

struct CudaKernel {
    raw: CUfunction,
    parameters: Option<Vec<usize>>,
    /// A function lives as long as its module.
    _module: Arc<dyn Compiled>,
}

// SAFETY: as for `Context`.
unsafe impl Send for CudaKernel {}
unsafe impl Sync for CudaKernel {}

impl Compiled for CudaKernel {
    fn native(&self) -> *mut c_void {
        self.raw.cast()
    }

    fn parameters(&self) -> Option<&[usize]> {
        self.parameters.as_deref()
    }
}
