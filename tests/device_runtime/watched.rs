//! A device in front of a real one that counts, refuses and fails. What it asserts fails on a thread of the library, which ends the program.

use super::*;

/// What it saw.
#[derive(Default)]
pub struct Seen {
    pub pinned: Mutex<Vec<Range<usize>>>,
    pub staged: Mutex<Vec<Range<usize>>>,
    pub refuses_pins: AtomicBool,
    /// The library's own kernels do not compile.
    pub refuses_kernels: AtomicBool,
    /// Copies of host memory, by how it is known to the driver.
    pub from_pins: AtomicUsize,
    pub from_staging: AtomicUsize,
    pub from_elsewhere: AtomicUsize,
    pub commands: AtomicUsize,
    pub lost: OnceLock<String>,
    /// Whether the kernel "slow" may be compiled, the kernel "held" launched, and the kernels "late", "later" and "doomed" end.
    pub is_open: Mutex<bool>,
    pub opened: Condvar,
    /// The kernel "held" is about to be launched.
    pub is_held: AtomicBool,
    pub launches: AtomicUsize,
    /// Of these the ones that wait for what has not ended.
    pub waiting_launches: AtomicUsize,
    /// For buffers of so many bytes there is no room.
    pub is_full_for: AtomicUsize,
    pub refuses_copies: AtomicBool,
    /// Copies to the device end with a fault, and with them what waits for them.
    pub faults_copies: AtomicBool,
    /// Copies from the device do.
    pub faults_home: AtomicBool,
    /// Copies from the device end when they may.
    pub late_copies: AtomicBool,
    /// How often each event of the kernels "late", "later" and "doomed", or of such a copy, was asked, which ends when it may.
    pub late: Mutex<Vec<Arc<AtomicUsize>>>,
    /// Somebody waits for one.
    pub is_late_awaited: AtomicBool,
    /// Bytes copied to the device, from it, and on it.
    pub to_device: AtomicUsize,
    pub from_device: AtomicUsize,
    pub within: AtomicUsize,
}

impl Seen {
    /// Bytes to the device, from it and on it since this was last asked.
    pub fn moved(&self) -> [usize; 3] {
        [&self.to_device, &self.from_device, &self.within].map(|bytes| bytes.swap(0, Ordering::Relaxed))
    }

    pub fn wait_until_open(&self) {
        drop(self.opened.wait_while(self.is_open.lock().unwrap(), |open| !*open).unwrap());
    }

    pub fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    pub fn close(&self) {
        *self.is_open.lock().unwrap() = false;
    }

    /// As every call of a driver does that has lost its device.
    pub fn check(&self, what: &str) -> Result<()> {
        match self.lost.get() {
            None => Ok(()),
            Some(_) => Err(Error::new(Status::Resources, format!("device \"fake\": {what} failed: {GONE}"))),
        }
    }
}

pub const FAULT: &str = "CL_OUT_OF_RESOURCES (-5)";
pub const DEFECT: &str = "no such kernel is launched";
pub const GONE: &str = "CUDA_ERROR_ILLEGAL_ADDRESS (700)";

pub struct Watched {
    pub inner: Arc<dyn Device>,
    pub seen: Arc<Seen>,
}

/// What has failed when it ends; the driver's own event has not.
struct Failing(Event);

impl Completion for Failing {
    fn done(&self) -> Result<bool> {
        if self.0.done()? { fault() } else { Ok(false) }
    }
    fn wait(&self) -> Result<()> {
        self.0.wait()?;
        fault()
    }
    fn native(&self) -> *mut c_void {
        self.0.native()
    }
    fn domain(&self) -> usize {
        self.0.domain()
    }
    fn position(&self) -> Position {
        self.0.position()
    }
}

fn fault<T>() -> Result<T> {
    Err(Error::new(Status::Resources, FAULT))
}

/// What ends when it may.
struct Late {
    inner: Event,
    asked: Arc<AtomicUsize>,
    seen: Arc<Seen>,
}

impl Late {
    fn of(inner: Event, seen: &Arc<Seen>) -> Event {
        let asked = Arc::<AtomicUsize>::default();
        seen.late.lock().unwrap().push(asked.clone());
        Event::of(Self { inner, asked, seen: seen.clone() })
    }
}

impl Completion for Late {
    fn done(&self) -> Result<bool> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(*self.seen.is_open.lock().unwrap() && self.inner.done()?)
    }
    fn wait(&self) -> Result<()> {
        self.seen.is_late_awaited.store(true, Ordering::Release);
        self.seen.wait_until_open();
        self.inner.wait()
    }
    fn native(&self) -> *mut c_void {
        self.inner.native()
    }
    fn domain(&self) -> usize {
        self.inner.domain()
    }
    fn position(&self) -> Position {
        self.inner.position()
    }
}

/// A registration that its device knows.
pub struct Registered(Arc<Seen>, Range<usize>, #[allow(dead_code, reason = "dropped, it undoes the registration")] Pin);

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.pinned.lock().unwrap().retain(|span| *span != self.1);
    }
}

/// The bytes of a transfer on its host's side.
pub fn span(transfer: &Transfer) -> Option<Range<usize>> {
    let (at, step): (_, fn(&Dim) -> isize) = match (transfer.from, transfer.to) {
        (Side::Host(at), _) => (at as isize, |dim| dim.from),
        (_, Side::Host(at)) => (at as isize, |dim| dim.to),
        _ => return None,
    };
    let reach = |dim: &Dim| (dim.count as isize - 1) * step(dim);
    let below: isize = transfer.dims.iter().map(reach).filter(|reach| *reach < 0).sum();
    let above: isize = transfer.dims.iter().map(reach).filter(|reach| *reach > 0).sum();
    Some((at + below) as usize..(at + above) as usize + transfer.element)
}

impl Watched {
    pub fn open() -> (Arc<dyn Device>, Arc<Seen>) {
        Self::of(&drivers::wanted("watched"))
    }

    pub fn of(wanted: &Wanted) -> (Arc<dyn Device>, Arc<Seen>) {
        let found = discover(wanted).unwrap();
        let inner = found.devices.first().unwrap_or_else(|| panic!("no device (install pocl-opencl-icd): {:?}", found.absent)).clone();
        let seen = Arc::new(Seen::default());
        (Arc::new(Self { inner, seen: seen.clone() }), seen)
    }

    /// CUDA takes host memory that is registered as one, or not at all.
    pub fn look_at(&self, transfer: &Transfer) {
        self.seen.commands.fetch_add(transfer.commands(), Ordering::Relaxed);
        let way = match (transfer.from, transfer.to) {
            (Side::Host(_), _) => &self.seen.to_device,
            (_, Side::Host(_)) => &self.seen.from_device,
            _ => &self.seen.within,
        };
        way.fetch_add(transfer.element * transfer.dims.iter().map(|dim| dim.count).product::<usize>(), Ordering::Relaxed);
        let Some(span) = span(transfer) else { return };
        let holds = |known: &Range<usize>| known.start <= span.start && span.end <= known.end;
        let touches = |known: &Range<usize>| known.start < span.end && span.start < known.end;
        let pinned = self.seen.pinned.lock().unwrap();
        let way = if self.seen.staged.lock().unwrap().iter().any(holds) {
            &self.seen.from_staging
        } else if pinned.iter().any(holds) {
            &self.seen.from_pins
        } else {
            assert!(!pinned.iter().any(touches), "{span:x?} is registered in part: {pinned:x?}");
            &self.seen.from_elsewhere
        };
        way.fetch_add(1, Ordering::Relaxed);
    }
}

impl Device for Watched {
    fn info(&self) -> &DeviceInfo {
        self.inner.info()
    }
    fn lost(&self) -> Option<&str> {
        self.seen.lost.get().map(String::as_str)
    }
    fn allocate(&self, bytes: usize) -> Result<Buffer> {
        self.seen.check("an allocation")?;
        if bytes == self.seen.is_full_for.load(Ordering::Relaxed) {
            return Err(Error::new(Status::OutOfMemory, "full"));
        }
        self.inner.allocate(bytes)
    }
    fn trim(&self) {
        self.inner.trim()
    }
    fn staging(&self, bytes: usize) -> Result<HostBuffer> {
        let staging = self.inner.staging(bytes)?;
        let span = staging.at() as usize..staging.at() as usize + bytes;
        self.seen.staged.lock().unwrap().push(span);
        Ok(staging)
    }
    fn registers(&self) -> bool {
        true
    }
    fn pin(&self, at: *mut u8, bytes: usize) -> Result<Pin> {
        if self.seen.refuses_pins.load(Ordering::Relaxed) {
            return Err(Error::new(Status::Resources, "refused"));
        }
        let span = at as usize..at as usize + bytes;
        let mut pinned = self.seen.pinned.lock().unwrap();
        assert!(!pinned.iter().any(|known| known.start < span.end && span.start < known.end), "{span:x?} overlaps {pinned:x?}");
        pinned.push(span.clone());
        Ok(Pin::until(Registered(self.seen.clone(), span, self.inner.pin(at, bytes)?)))
    }
    fn shares(&self) -> bool {
        self.inner.shares()
    }
    fn share(&self, bytes: usize) -> Result<Shared> {
        let shared = self.inner.share(bytes)?;
        // As if it were registered, until the test ends: no test that asks for such memory destroys a region.
        self.seen.pinned.lock().unwrap().push(shared.span());
        Ok(shared)
    }
    /// Kernels reach what is registered, as CUDA's do; PoCL's reach everything.
    fn address(&self, at: *mut u8, shared: Option<&Shared>) -> Option<u64> {
        let pinned = || self.seen.pinned.lock().unwrap().iter().any(|span| span.contains(&(at as usize)));
        match shared {
            None if !self.inner.registers() => pinned().then_some(at as u64),
            _ => self.inner.address(at, shared),
        }
    }
    fn streams(&self) -> usize {
        self.inner.streams()
    }
    unsafe fn copy(&self, stream: Stream, transfer: &Transfer, wait: &[Event]) -> Result<Event> {
        self.seen.check("a copy")?;
        self.look_at(transfer);
        if self.seen.refuses_copies.load(Ordering::Relaxed) {
            return Err(Error::new(Status::Resources, "the copy was refused"));
        }
        let event = self.inner.copy(stream, transfer, wait)?;
        let is = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let (from_host, to_host) = (matches!(transfer.from, Side::Host(_)), matches!(transfer.to, Side::Host(_)));
        let fails = from_host && is(&self.seen.faults_copies) || to_host && is(&self.seen.faults_home);
        let event = if fails { Event::of(Failing(event)) } else { event };
        Ok(if to_host && is(&self.seen.late_copies) { Late::of(event, &self.seen) } else { event })
    }
    fn reaches(&self, other: &Buffer) -> bool {
        self.inner.reaches(other)
    }
    fn fill(&self, stream: Stream, fill: &Fill, wait: &[Event]) -> Result<Event> {
        self.inner.fill(stream, fill, wait)
    }
    fn compile(&self, source: &Source) -> Result<Module> {
        self.seen.check("a compilation")?;
        if matches!(&*source.file, "fold" | "indirect") && self.seen.refuses_kernels.load(Ordering::Relaxed) {
            return Err(Error::new(Status::InvalidArgument, "refused"));
        }
        if source.text.contains("slow") {
            self.seen.wait_until_open();
        }
        self.inner.compile(source)
    }
    fn kernel(&self, module: &Module, name: &str) -> Result<Kernel> {
        self.inner.kernel(module, name)
    }
    unsafe fn launch(&self, stream: Stream, launch: &Launch, wait: &[Event]) -> Result<Event> {
        self.seen.check("a launch")?;
        assert_ne!(launch.kernel.name(), "defective", "{DEFECT}");
        if launch.kernel.name() == "held" {
            self.seen.is_held.store(true, Ordering::Release);
            self.seen.wait_until_open();
        }
        self.seen.waiting_launches.fetch_add(wait.iter().any(|event| matches!(event.done(), Ok(false))).into(), Ordering::Relaxed);
        self.seen.launches.fetch_add(1, Ordering::Release);
        let event = self.inner.launch(stream, launch, wait)?;
        let (seen, name) = (self.seen.clone(), launch.kernel.name().to_string());
        Ok(match &*name {
            // That kernel ends with a fault after which the device takes no more work.
            "breaking" => event.then(move || {
                seen.lost.get_or_init(|| format!("device \"fake\": kernel {name} failed: {GONE}"));
                seen.check(&format!("kernel {name}"))
            }),
            "faulting" => event.then(fault),
            "late" | "later" => Late::of(event, &seen),
            "doomed" => Late::of(Event::of(Failing(event)), &seen),
            // It fails with what it waits for, as a driver's.
            _ if seen.faults_copies.load(Ordering::Relaxed) || wait.iter().any(|event| event.done().is_err()) => {
                let waits = wait.to_vec();
                event.then(move || waits.iter().try_for_each(Event::wait))
            }
            _ => event,
        })
    }
    fn barrier(&self, stream: Stream, wait: &[Event]) -> Result<()> {
        self.inner.barrier(stream, wait)
    }
    fn mark(&self, stream: Stream) -> Result<Event> {
        self.inner.mark(stream)
    }
    fn make_current(&self) -> Result<()> {
        self.inner.make_current()
    }
    fn native_stream(&self, stream: Stream) -> *mut c_void {
        self.inner.native_stream(stream)
    }
    fn native_context(&self) -> *mut c_void {
        self.inner.native_context()
    }
    fn native_device(&self) -> *mut c_void {
        self.inner.native_device()
    }
}
