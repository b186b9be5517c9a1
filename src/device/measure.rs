//! How fast data gets to a device, from it, and about in its memory: measured with copies such as the runtime makes, from and to host
//! memory that the driver copies without a stop on the way. The median of several counts.

use super::{Buffer, Device, Dim, Side, Stream, Transfer};
use crate::base::{Result, Status};
use crate::fail;
use std::time::Instant;

const MOST_BYTES: u64 = 32 << 20;
const LEAST_BYTES: u64 = 4096;
const ELEMENT: usize = 8;
const COPIES: usize = 9;

/// What is copied.
pub enum Way<'a> {
    ToHost,
    FromHost,
    Within,
    FromOther(&'a dyn Device),
}

/// What copies get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    /// Bytes in a second; of copies within a device's memory those that are read and those that are written.
    pub bandwidth: f64,
    /// Seconds from enqueuing a copy of one element until its event is done.
    pub latency: f64,
}

/// Waits for what else the device does on the same stream; takes some tens of milliseconds.
pub fn measure(device: &dyn Device, way: Way) -> Result<Speed> {
    // A capacity that was set leaves room for the program's own.
    let bytes = ((device.info().memory_bytes / 8).clamp(LEAST_BYTES, MOST_BYTES) as usize) / ELEMENT * ELEMENT;
    let own = room(device, bytes)?;
    let fill = |of: &dyn Device, buffer: &Buffer| of_host(of, Stream::In, bytes, |host| (Side::Host(host), Side::Device(buffer, 0)));
    let speed = match way {
        Way::FromHost => of_host(device, Stream::In, bytes, |host| (Side::Host(host), Side::Device(&own, 0))),
        Way::ToHost => of_host(device, Stream::Out, bytes, |host| (Side::Device(&own, 0), Side::Host(host))),
        Way::Within => {
            let other = room(device, bytes)?;
            let found = fill(device, &other).and_then(|_| time(device, Stream::In, bytes, (Side::Device(&other, 0), Side::Device(&own, 0))))?;
            Ok(Speed { bandwidth: 2.0 * found.bandwidth, ..found })
        }
        Way::FromOther(from) => {
            let other = room(from, bytes)?;
            if !device.reaches(&other) {
                fail!(Resources, "device \"{}\" does not reach the memory of device \"{}\"; data goes by way of the host", device.info().name, from.info().name);
            }
            let found = fill(from, &other).and_then(|_| time(device, Stream::In, bytes, (Side::Device(&other, 0), Side::Device(&own, 0))));
            drop(other);
            from.trim();
            found
        }
    };
    drop(own);
    device.trim();
    speed
}

fn room(device: &dyn Device, bytes: usize) -> Result<Buffer> {
    device.allocate(bytes).map_err(|error| match error.status {
        Status::OutOfMemory => crate::base::Error::new(
            Status::Resources,
            format!("{bytes} bytes to measure with are not free on device \"{}\"; measure before tasks run there", device.info().name),
        ),
        _ => error,
    })
}

/// With host memory, whose pages were touched before.
fn of_host<'a>(device: &dyn Device, stream: Stream, bytes: usize, sides: impl FnOnce(*mut u8) -> (Side<'a>, Side<'a>)) -> Result<Speed> {
    let host = device.staging(bytes)?;
    // It has so many bytes, which nobody else has seen.
    unsafe { host.at().write_bytes(1, bytes) };
    time(device, stream, bytes, sides(host.at()))
}

fn time(device: &dyn Device, stream: Stream, bytes: usize, (from, to): (Side, Side)) -> Result<Speed> {
    let median = |bytes: usize| -> Result<f64> {
        let mut dims = [Dim::ONE; 4];
        dims[0] = Dim { count: bytes / ELEMENT, from: ELEMENT as isize, to: ELEMENT as isize };
        let transfer = Transfer { element: ELEMENT, dims, from, to };
        let mut times = Vec::with_capacity(COPIES);
        for _ in 0..COPIES {
            let started = Instant::now();
            // Both sides have the room, and are waited for before they go.
            unsafe { device.copy(stream, &transfer, &[]) }?.wait()?;
            times.push(started.elapsed().as_secs_f64());
        }
        times.sort_unstable_by(f64::total_cmp);
        Ok(times[COPIES / 2])
    };
    Ok(Speed { bandwidth: bytes as f64 / median(bytes)?, latency: median(ELEMENT)? })
}
