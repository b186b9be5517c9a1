//! A device through OpenCL 1.2. Each stream is a queue in order; each buffer a `cl_mem` of its own.

use super::boxes::{self, Piece, Pitches};
use super::error::{failure, Known, What};
use super::handles::*;
use super::opencl::{describe, number};
use super::opencl_shared;
use super::pool::{Memory, Pool};
use super::{Cache, Device, DeviceInfo, Setting, Source};
use crate::base::sync::Mutex;
use crate::base::{Error, Result, Status};
use crate::fail;
use cl3::command_queue as queue;
use cl3::error_codes::error_text;
use cl3::types::{cl_command_queue, cl_context, cl_device_id, cl_event, cl_kernel, cl_mem, cl_program};
use cl3::{context, device, event, kernel, memory, program};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ffi::{c_void, CString};
use std::ptr::null_mut;
use std::sync::Arc;

/// Few operations wait for more.
type Waits = SmallVec<[cl_event; 8]>;

/// Of all devices of a platform.
pub(super) struct Context(pub cl_context);

// SAFETY: OpenCL's functions may be called by several threads, except clSetKernelArg on one kernel.
unsafe impl Send for Context {}
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        let _ = unsafe { context::release_context(self.0) };
    }
}

pub(super) struct OpenclDevice {
    info: DeviceInfo,
    /// For messages.
    name: Arc<Known>,
    id: cl_device_id,
    shares: bool,
    queues: Vec<cl_command_queue>,
    buffers: Arc<Pool>,
    staging: Arc<Pool>,
    cache: Arc<Cache>,
    /// Released last.
    context: Arc<Context>,
}

// SAFETY: as for `Context`; kernels' arguments are set by the device's thread only.
unsafe impl Send for OpenclDevice {}
unsafe impl Sync for OpenclDevice {}

impl Drop for OpenclDevice {
    fn drop(&mut self) {
        for &queue in &self.queues {
            let _ = queue::finish(queue);
            let _ = unsafe { queue::release_command_queue(queue) };
        }
    }
}

impl OpenclDevice {
    pub fn open_all(ids: &[cl_device_id], setting: &Setting) -> Result<Vec<Arc<dyn Device>>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let context = context::create_context(ids, std::ptr::null(), None, null_mut())
            .map_err(|code| failure(Status::Resources, "of OpenCL", "clCreateContext", &code_name(code)))?;
        let context = Arc::new(Context(context));
        ids.iter().map(|&id| Self::open(&context, id, setting).map(|device| Arc::new(device) as Arc<dyn Device>)).collect()
    }

    fn open(context: &Arc<Context>, id: cl_device_id, setting: &Setting) -> Result<Self> {
        let info = describe(id, setting.capacity);
        let name = Known::new(format!("\"{}\" (OpenCL)", info.name));
        let memory = |kind: Kind| -> Box<dyn Memory> { Box::new(kind.memory(context, id, &name)) };
        let pool = |kind, capacity| Arc::new(Pool::new(memory(kind), format!("device {name}"), capacity));
        let mut device = Self {
            buffers: pool(Kind::Device, info.memory_bytes),
            staging: pool(Kind::Host, u64::MAX),
            info,
            id,
            shares: opencl_shared::has(id),
            queues: Vec::new(),
            cache: setting.cache.clone(),
            context: context.clone(),
            name,
        };
        for _ in 0..setting.streams + 2 {
            let queue = unsafe { queue::create_command_queue(context.0, id, 0) };
            device.queues.push(queue.map_err(|code| device.fault("clCreateCommandQueue", code))?);
        }
        Ok(device)
    }

    fn fault(&self, what: &str, code: i32) -> Error {
        fault(&self.name, what, code)
    }

    fn queue(&self, stream: Stream) -> cl_command_queue {
        self.queues[stream.index(self.queues.len() - 2)]
    }

    fn domain(&self) -> usize {
        self.context.0 as usize
    }

    /// The events that the driver can wait for; those of other drivers are waited for here.
    fn waits(&self, wait: &[Event]) -> Result<Waits> {
        let mut events = Waits::new();
        for event in wait {
            if event.domain() == self.domain() {
                events.push(event.native());
            } else {
                event.wait()?;
            }
        }
        Ok(events)
    }

    /// Work of other queues may wait for this: it must have left the queue.
    fn flushed(&self, queue: cl_command_queue, event: cl_event, what: What) -> Result<Event> {
        let event = self.event(queue, event, what);
        queue::flush(queue).map_err(|code| self.fault("clFlush", code))?;
        Ok(event)
    }

    /// Of what was just enqueued.
    fn event(&self, queue: cl_command_queue, native: cl_event, what: What) -> Event {
        Event::of(OpenclEvent { native, what, position: Position::next(queue), device: self.name.clone(), context: self.context.clone() })
    }

    fn checked(&self, buffer: &Buffer) -> Result<cl_mem> {
        if buffer.domain != self.domain() {
            fail!(InvalidArgument, "device {}: the buffer belongs to a device that it does not reach; copy by way of the host", self.name);
        }
        Ok(buffer.native as cl_mem)
    }

    fn marker(&self, queue: cl_command_queue, wait: &[cl_event]) -> Result<cl_event> {
        unsafe { queue::enqueue_marker_with_wait_list(queue, wait.len() as u32, list(wait)) }
            .map_err(|code| self.fault("clEnqueueMarkerWithWaitList", code))
    }

    fn turn(&self, stream: Stream, wait: &[Event], what: &'static str) -> Result<Turn<'_>> {
        Ok(Turn { device: self, queue: self.queue(stream), what, waits: self.waits(wait)?, last: None })
    }

    fn program(&self, source: &Source, key: &[u8]) -> Result<(Program, bool)> {
        let options = CString::new(format!("-cl-std=CL1.2 {}", source.options))
            .map_err(|_| Error::new(Status::InvalidArgument, format!("{}: the options contain a zero byte", source.file)))?;
        let build = |program: &Program| program::build_program(program.0, &[self.id], &options, None, null_mut());
        if let Some(kept) = self.cache.read(key) {
            // A binary that the driver no longer takes is compiled anew.
            let loaded = unsafe { program::create_program_with_binary(self.context.0, &[self.id], &[&kept]) }.map(Program);
            if let Ok(program) = loaded.and_then(|program| build(&program).map(|()| program)) {
                return Ok((program, true));
            }
        }
        if source.is_ptx() {
            fail!(InvalidArgument, "device {}: {} is PTX, which only CUDA takes; give OpenCL devices a source", self.name, source.file);
        }
        let text = source.with_header();
        let program = program::create_program_with_source(self.context.0, &[&text])
            .map(Program)
            .map_err(|code| self.fault("clCreateProgramWithSource", code))?;
        if let Err(code) = build(&program) {
            let log = super::opencl::text(program::get_program_build_data(program.0, self.id, program::CL_PROGRAM_BUILD_LOG));
            let status = if code == cl3::error_codes::CL_OUT_OF_HOST_MEMORY { Status::OutOfMemory } else { Status::InvalidArgument };
            let what = format!("the compilation of {}", source.file);
            return Err(self.name.failure(status, &what, &format!("{}\n{log}", code_name(code)), false));
        }
        Ok((program, false))
    }

    fn keep(&self, program: &Program, key: &[u8]) {
        // The program was built for this device, but lists one binary for each of the context's.
        let Ok(devices) = program::get_program_info(program.0, program::CL_PROGRAM_DEVICES).map(|ids| ids.to_vec_intptr()) else { return };
        let Ok(binaries) = program::get_program_info(program.0, program::CL_PROGRAM_BINARIES) else { return };
        let binaries = binaries.to_vec_vec_uchar();
        if let Some(binary) = devices.iter().zip(&binaries).find(|(&id, _)| id == self.id as isize).map(|(_, binary)| binary) {
            if !binary.is_empty() {
                self.cache.write(key, binary);
            }
        }
    }
}

impl Device for OpenclDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn lost(&self) -> Option<&str> {
        self.name.lost()
    }

    fn allocate(&self, bytes: usize) -> Result<Buffer> {
        let (native, size) = self.buffers.take(bytes)?;
        Ok(Buffer { native, bytes, size, pool: self.buffers.clone(), domain: self.domain() })
    }

    fn trim(&self) {
        self.buffers.release();
    }

    fn staging(&self, bytes: usize) -> Result<HostBuffer> {
        let (at, size) = self.staging.take(bytes)?;
        Ok(HostBuffer { at: at as *mut u8, bytes, size, pool: self.staging.clone() })
    }

    fn registers(&self) -> bool {
        false
    }

    fn pin(&self, _at: *mut u8, _bytes: usize) -> Result<Pin> {
        Ok(Pin::NONE)
    }

    fn shares(&self) -> bool {
        self.shares
    }

    fn share(&self, bytes: usize) -> Result<Shared> {
        opencl_shared::share(&self.context, bytes).map_err(|(what, code)| self.fault(&format!("{what} of {bytes} bytes"), code))
    }

    fn address(&self, at: *mut u8, shared: Option<&Shared>) -> Option<u64> {
        shared.filter(|shared| shared.domain == self.domain()).map(|_| at as u64)
    }

    fn streams(&self) -> usize {
        self.queues.len() - 2
    }

    unsafe fn copy(&self, stream: Stream, transfer: &Transfer, wait: &[Event]) -> Result<Event> {
        let copy = Copy { queue: self.queue(stream), from: self.end(&transfer.from)?, to: self.end(&transfer.to)? };
        let mut turn = self.turn(stream, wait, transfer.what()?)?;
        let mut stops = Vec::new();
        let enqueued = boxes::pieces(transfer.element, &transfer.dims, |piece| {
            if !copy.may_overlap(&piece) {
                return turn.next(|wait| copy.piece(&piece, wait));
            }
            // Without memory for a stop on the way the rows go one by one.
            let Ok(stop) = self.allocate(piece.run * piece.rows * piece.slices) else {
                return piece.each_row().try_for_each(|row| turn.next(|wait| copy.piece(&row, wait)));
            };
            let halves = copy.by_way_of(stop.native as cl_mem, &piece);
            stops.push(stop);
            halves.iter().try_for_each(|(half, piece)| turn.next(|wait| half.piece(piece, wait)))
        });
        if let (Err(_), [_, ..]) = (&enqueued, &stops[..]) {
            // Their memory is used again at once.
            let _ = queue::finish(copy.queue);
        }
        enqueued?;
        let event = turn.end()?;
        stops.into_iter().for_each(|stop| stop.retire(vec![event.clone()]));
        Ok(event)
    }

    fn reaches(&self, other: &Buffer) -> bool {
        other.domain == self.domain()
    }

    fn fill(&self, stream: Stream, fill: &Fill, wait: &[Event]) -> Result<Event> {
        fill.check(&self.name)?;
        let (memory, value) = (self.checked(fill.buffer)?, fill.value);
        let mut turn = self.turn(stream, wait, "a fill")?;
        let (queue, at) = (turn.queue, value.as_ptr().cast());
        boxes::runs(value.len(), &fill.dims, |offset, bytes| {
            let offset = (fill.offset as isize + offset) as usize;
            turn.next(|wait| unsafe {
                queue::enqueue_fill_buffer(queue, memory, at, value.len(), offset, bytes, wait.len() as u32, list(wait))
            })
        })?;
        turn.end()
    }

    fn compile(&self, source: &Source) -> Result<Module> {
        let key = source.key(&self.info);
        let (program, cached) = self.program(source, &key)?;
        if !cached {
            self.keep(&program, &key);
        }
        Ok(Module { inner: Arc::new(program), cached })
    }

    fn kernel(&self, module: &Module, name: &str) -> Result<Kernel> {
        let unknown = |code: i32| {
            let names = super::opencl::text(program::get_program_data(module.inner.native(), program::CL_PROGRAM_KERNEL_NAMES));
            let text = format!("device {}: the source has no kernel \"{name}\" ({}); it has: {}", self.name, code_name(code), names.replace(';', ", "));
            Error::new(Status::InvalidArgument, text)
        };
        let c_name = CString::new(name).map_err(|_| unknown(kernel::CL_INVALID_VALUE))?;
        let native = kernel::create_kernel(module.inner.native(), &c_name).map_err(unknown)?;
        Ok(Kernel { inner: Arc::new(OpenclKernel(native)), name: name.into() })
    }

    unsafe fn launch(&self, stream: Stream, launch: &Launch, wait: &[Event]) -> Result<Event> {
        let queue = self.queue(stream);
        let waits = self.waits(wait)?;
        let what = What::Kernel(launch.kernel.name.clone());
        if launch.grid.contains(&0) {
            return self.flushed(queue, self.marker(queue, &waits)?, what);
        }
        let native: cl_kernel = launch.kernel.native();
        for (index, arg) in launch.args.iter().enumerate() {
            let refused = |code| self.fault(&format!("argument {} of {what}", index + 1), code);
            let (size, at) = match arg {
                Arg::Address(at) => {
                    kernel::set_kernel_arg_svm_pointer(native, index as u32, *at as *const c_void).map_err(refused)?;
                    continue;
                }
                Arg::Buffer(buffer) => {
                    self.checked(buffer)?;
                    (size_of::<cl_mem>(), (&raw const buffer.native).cast())
                }
                Arg::Null => (size_of::<cl_mem>(), std::ptr::null()),
                Arg::Bytes(bytes) => (bytes.len(), bytes.as_ptr().cast()),
            };
            kernel::set_kernel_arg(native, index as u32, size, at).map_err(refused)?;
        }
        let (global, local) = launch.items();
        let local = local.as_ref().map_or(std::ptr::null(), |local| local.as_ptr());
        let event = queue::enqueue_nd_range_kernel(
            queue,
            native,
            3,
            std::ptr::null(),
            global.as_ptr(),
            local,
            waits.len() as u32,
            list(&waits),
        );
        self.flushed(queue, event.map_err(|code| self.fault(&format!("the launch of {what}"), code))?, what)
    }

    fn barrier(&self, stream: Stream, wait: &[Event]) -> Result<()> {
        let waits = self.waits(wait)?;
        if waits.is_empty() {
            return Ok(());
        }
        let queue = self.queue(stream);
        let event = unsafe { queue::enqueue_barrier_with_wait_list(queue, waits.len() as u32, list(&waits)) }
            .map_err(|code| self.fault("clEnqueueBarrierWithWaitList", code))?;
        self.flushed(queue, event, What::Plain("a barrier")).map(drop)
    }

    fn mark(&self, stream: Stream) -> Result<Event> {
        let queue = self.queue(stream);
        self.flushed(queue, self.marker(queue, &[])?, What::Plain("work that a callback enqueued"))
    }

    fn make_current(&self) -> Result<()> {
        Ok(())
    }

    fn native_stream(&self, stream: Stream) -> *mut c_void {
        self.queue(stream)
    }

    fn native_context(&self) -> *mut c_void {
        self.context.0
    }

    fn native_device(&self) -> *mut c_void {
        self.id
    }
}

/// What is enqueued piece by piece on one queue: the first piece waits, and the event is that of the last, since queues are in order.
struct Turn<'a> {
    device: &'a OpenclDevice,
    queue: cl_command_queue,
    what: &'static str,
    waits: Waits,
    last: Option<Event>,
}

impl Turn<'_> {
    fn next(&mut self, enqueue: impl FnOnce(&[cl_event]) -> std::result::Result<cl_event, i32>) -> Result<()> {
        let event = enqueue(&self.waits).map_err(|code| self.device.fault(self.what, code))?;
        self.waits.clear();
        self.last = Some(self.device.event(self.queue, event, What::Plain(self.what)));
        Ok(())
    }

    fn end(self) -> Result<Event> {
        let last = match self.last {
            Some(last) => last,
            None => self.device.event(self.queue, self.device.marker(self.queue, &self.waits)?, What::Plain(self.what)),
        };
        queue::flush(self.queue).map_err(|code| self.device.fault("clFlush", code))?;
        Ok(last)
    }
}

/// Where a side of a copy lies, as OpenCL takes it.
#[derive(Clone, Copy)]
enum End {
    Host(*mut u8),
    Device(cl_mem, usize),
}

struct Copy {
    queue: cl_command_queue,
    from: End,
    to: End,
}

impl Copy {
    /// Whether the driver may refuse rows within one buffer: it takes rows side by side, as those of two columns of an array, for overlapping
    /// ones (OpenCL 1.2, appendix D).
    fn may_overlap(&self, piece: &Piece) -> bool {
        let one = matches!((&self.from, &self.to), (End::Device(source, _), End::Device(target, _)) if source == target);
        one && (piece.rows > 1 || piece.slices > 1)
    }

    /// The same in two copies, through a buffer that holds the runs without gaps.
    fn by_way_of(&self, stop: cl_mem, piece: &Piece) -> [(Copy, Piece); 2] {
        let dense = Pitches { offset: 0, row: piece.run, slice: piece.run * piece.rows };
        let half = |from, to| Copy { queue: self.queue, from, to };
        [
            (half(self.from, End::Device(stop, 0)), Piece { to: dense, ..*piece }),
            (half(End::Device(stop, 0), self.to), Piece { from: dense, ..*piece }),
        ]
    }
}

impl OpenclDevice {
    fn end(&self, side: &Side) -> Result<End> {
        Ok(match side {
            Side::Host(at) => End::Host(*at),
            Side::Device(buffer, offset) => End::Device(self.checked(buffer)?, *offset),
        })
    }
}

impl Copy {
    fn piece(&self, piece: &Piece, wait: &[cl_event]) -> std::result::Result<cl_event, i32> {
        let (count, wait) = (wait.len() as u32, list(wait));
        let flat = piece.rows == 1 && piece.slices == 1;
        let region = [piece.run, piece.rows, piece.slices];
        let (from, to, zero) = (&piece.from, &piece.to, [0usize; 3]);
        let no = cl3::types::CL_NON_BLOCKING;
        unsafe {
            match (&self.from, &self.to) {
                (End::Device(source, first), End::Host(at)) => {
                    let at = at.offset(to.offset).cast();
                    let origin = origin(*first, from);
                    if flat {
                        return queue::enqueue_read_buffer(self.queue, *source, no, origin[0], piece.run, at, count, wait);
                    }
                    queue::enqueue_read_buffer_rect(
                        self.queue,
                        *source,
                        no,
                        origin.as_ptr(),
                        zero.as_ptr(),
                        region.as_ptr(),
                        from.row,
                        from.slice,
                        to.row,
                        to.slice,
                        at,
                        count,
                        wait,
                    )
                }
                (End::Host(at), End::Device(target, start)) => {
                    let at = at.offset(from.offset).cast_const().cast();
                    let origin = origin(*start, to);
                    if flat {
                        return queue::enqueue_write_buffer(self.queue, *target, no, origin[0], piece.run, at, count, wait);
                    }
                    queue::enqueue_write_buffer_rect(
                        self.queue,
                        *target,
                        no,
                        origin.as_ptr(),
                        zero.as_ptr(),
                        region.as_ptr(),
                        to.row,
                        to.slice,
                        from.row,
                        from.slice,
                        at,
                        count,
                        wait,
                    )
                }
                (End::Device(source, first), End::Device(target, start)) => {
                    let (first, start) = (origin(*first, from), origin(*start, to));
                    if flat {
                        return queue::enqueue_copy_buffer(self.queue, *source, *target, first[0], start[0], piece.run, count, wait);
                    }
                    queue::enqueue_copy_buffer_rect(
                        self.queue,
                        *source,
                        *target,
                        first.as_ptr(),
                        start.as_ptr(),
                        region.as_ptr(),
                        from.row,
                        from.slice,
                        to.row,
                        to.slice,
                        count,
                        wait,
                    )
                }
                (End::Host(_), End::Host(_)) => Err(queue::CL_INVALID_VALUE),
            }
        }
    }
}

/// The offset in bytes is the first coordinate; the two others stay zero.
fn origin(first: usize, side: &Pitches) -> [usize; 3] {
    [(first as isize + side.offset) as usize, 0, 0]
}

/// An empty list must be given as a null pointer.
fn list(events: &[cl_event]) -> *const cl_event {
    if events.is_empty() {
        std::ptr::null()
    } else {
        events.as_ptr()
    }
}

fn code_name(code: i32) -> String {
    format!("{} ({code})", error_text(code))
}

/// After these the device takes no more work. Queues and contexts that are ours become invalid where the driver gave the device up; the last
/// is NVIDIA's for an access outside of memory.
fn ends(code: i32) -> bool {
    use cl3::error_codes::*;
    const NVIDIA_ILLEGAL_ACCESS: i32 = -9999;
    matches!(code, CL_DEVICE_NOT_AVAILABLE | CL_INVALID_CONTEXT | CL_INVALID_COMMAND_QUEUE | NVIDIA_ILLEGAL_ACCESS)
}

fn fault(device: &Known, what: &str, code: i32) -> Error {
    use cl3::error_codes::*;
    let status = match code {
        CL_MEM_OBJECT_ALLOCATION_FAILURE | CL_OUT_OF_HOST_MEMORY => Status::OutOfMemory,
        CL_INVALID_ARG_INDEX | CL_INVALID_ARG_SIZE | CL_INVALID_ARG_VALUE | CL_INVALID_KERNEL_ARGS | CL_INVALID_WORK_GROUP_SIZE
        | CL_INVALID_WORK_ITEM_SIZE | CL_INVALID_GLOBAL_WORK_SIZE | CL_INVALID_VALUE => Status::InvalidArgument,
        _ => Status::Resources,
    };
    device.failure(status, what, &code_name(code), ends(code))
}

struct OpenclEvent {
    native: cl_event,
    what: What,
    position: Position,
    device: Arc<Known>,
    context: Arc<Context>,
}

// SAFETY: as for `Context`.
unsafe impl Send for OpenclEvent {}
unsafe impl Sync for OpenclEvent {}

impl OpenclEvent {
    fn status(&self) -> Result<i32> {
        let told = event::get_event_info(self.native, event::CL_EVENT_COMMAND_EXECUTION_STATUS);
        let status = i32::from(told.map_err(|code| fault(&self.device, "clGetEventInfo", code))?);
        if status < 0 {
            return Err(fault(&self.device, &self.what.to_string(), status));
        }
        Ok(status)
    }
}

impl Completion for OpenclEvent {
    fn done(&self) -> Result<bool> {
        Ok(self.status()? == event::CL_COMPLETE)
    }

    fn wait(&self) -> Result<()> {
        let waited = event::wait_for_events(&[self.native]);
        // The event's own code says more than that some event failed.
        self.status()?;
        waited.map_err(|code| fault(&self.device, &self.what.to_string(), code))
    }

    fn native(&self) -> *mut c_void {
        self.native
    }

    fn domain(&self) -> usize {
        self.context.0 as usize
    }

    fn position(&self) -> Position {
        self.position
    }
}

impl Drop for OpenclEvent {
    fn drop(&mut self) {
        let _ = unsafe { event::release_event(self.native) };
    }
}

struct Program(cl_program);

// SAFETY: as for `Context`.
unsafe impl Send for Program {}
unsafe impl Sync for Program {}

impl Compiled for Program {
    fn native(&self) -> *mut c_void {
        self.0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = unsafe { program::release_program(self.0) };
    }
}

struct OpenclKernel(cl_kernel);

// SAFETY: arguments are set by the device's thread only.
unsafe impl Send for OpenclKernel {}
unsafe impl Sync for OpenclKernel {}

impl Compiled for OpenclKernel {
    fn native(&self) -> *mut c_void {
        self.0
    }
}

impl Drop for OpenclKernel {
    fn drop(&mut self) {
        let _ = unsafe { kernel::release_kernel(self.0) };
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Device,
    Host,
}

impl Kind {
    fn memory(self, context: &Arc<Context>, id: cl_device_id, name: &Arc<Known>) -> OpenclMemory {
        OpenclMemory {
            kind: self,
            largest: number(id, device::CL_DEVICE_MAX_MEM_ALLOC_SIZE).unwrap_or(u64::MAX),
            mapped: Mutex::default(),
            queue: Mutex::new(None),
            id,
            name: name.clone(),
            context: context.clone(),
        }
    }
}

/// Where the pools take from.
struct OpenclMemory {
    kind: Kind,
    /// Bytes of the largest buffer that the driver gives.
    largest: u64,
    /// Host memory by its address.
    mapped: Mutex<HashMap<u64, u64>>,
    /// Maps host memory; made when needed.
    queue: Mutex<Option<u64>>,
    id: cl_device_id,
    name: Arc<Known>,
    context: Arc<Context>,
}

// SAFETY: as for `Context`.
unsafe impl Send for OpenclMemory {}
unsafe impl Sync for OpenclMemory {}

impl OpenclMemory {
    fn mapping_queue(&self) -> Result<cl_command_queue> {
        let mut queue = self.queue.lock();
        if queue.is_none() {
            let made = unsafe { queue::create_command_queue(self.context.0, self.id, 0) };
            *queue = Some(made.map_err(|code| fault(&self.name, "clCreateCommandQueue", code))? as u64);
        }
        Ok(queue.unwrap_or_default() as cl_command_queue)
    }

    /// Host memory is a buffer that stays mapped.
    fn map(&self, buffer: cl_mem, bytes: usize) -> Result<u64> {
        let queue = self.mapping_queue()?;
        let flags = memory::CL_MAP_READ | memory::CL_MAP_WRITE;
        let mut at = null_mut();
        let event = unsafe { queue::enqueue_map_buffer(queue, buffer, 1, flags, 0, bytes, &mut at, 0, std::ptr::null()) }
            .map_err(|code| fault(&self.name, "clEnqueueMapBuffer", code))?;
        let _ = unsafe { event::release_event(event) };
        self.mapped.lock().insert(at as u64, buffer as u64);
        Ok(at as u64)
    }
}

impl Memory for OpenclMemory {
    fn take(&self, bytes: usize) -> Result<u64> {
        if bytes as u64 > self.largest {
            fail!(OutOfMemory, "device {}: {bytes} bytes asked for in one piece; its driver gives at most {}", self.name, self.largest);
        }
        let flags = match self.kind {
            Kind::Device => memory::CL_MEM_READ_WRITE,
            Kind::Host => memory::CL_MEM_READ_WRITE | memory::CL_MEM_ALLOC_HOST_PTR,
        };
        let buffer = unsafe { memory::create_buffer(self.context.0, flags, bytes, null_mut()) }
            .map_err(|code| fault(&self.name, &format!("clCreateBuffer of {bytes} bytes"), code))?;
        match self.kind {
            Kind::Device => Ok(buffer as u64),
            Kind::Host => self.map(buffer, bytes).inspect_err(|_| {
                let _ = unsafe { memory::release_mem_object(buffer) };
            }),
        }
    }

    fn free(&self, native: u64) {
        let buffer = match self.kind {
            Kind::Device => native,
            Kind::Host => self.mapped.lock().remove(&native).unwrap_or_default(),
        };
        if let (Kind::Host, Ok(queue)) = (self.kind, self.mapping_queue()) {
            let at = native as *mut c_void;
            if let Ok(event) = unsafe { queue::enqueue_unmap_mem_object(queue, buffer as cl_mem, at, 0, std::ptr::null()) } {
                let _ = event::wait_for_events(&[event]);
                let _ = unsafe { event::release_event(event) };
            }
        }
        let _ = unsafe { memory::release_mem_object(buffer as cl_mem) };
    }
}

impl Drop for OpenclMemory {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.get_mut().take() {
            let _ = unsafe { queue::release_command_queue(queue as cl_command_queue) };
        }
    }
}
