//! Finds CUDA's devices, through the driver's interface alone: no toolkit need be installed.

use super::cuda_device::CudaDevice;
use super::cuda_peers::introduce;
use super::{Api, Device, DeviceInfo, Discovered, Setting, Wanted};
use crate::base::config::DeviceChoice;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self, CUdevice, CUdevice_attribute as Attribute, CUresult};
use std::sync::Arc;

/// What the driver answers.
pub(super) type Driven<T> = Result<T, DriverError>;

/// CUDA 11.4 has all functions that are called.
const LEAST_DRIVER: i32 = 11040;

pub(super) fn discover(wanted: &Wanted, setting: &Setting, found: &mut Discovered) {
    if matches!(wanted.choice, DeviceChoice::None | DeviceChoice::Opencl) {
        return;
    }
    let version = match load() {
        Ok(version) => version,
        Err(why) => return found.absent.push(format!("CUDA: {why}")),
    };
    let count = match result::device::get_count() {
        Ok(count) => count,
        Err(error) => return found.absent.push(format!("CUDA: cuDeviceGetCount failed: {}", code_name(error))),
    };
    if count == 0 {
        found.absent.push("CUDA: the driver has no devices (CUDA_VISIBLE_DEVICES can hide them)".into());
    }
    let mut opened = Vec::new();
    for number in 0..count {
        match CudaDevice::open(number, version, setting) {
            Ok(device) => opened.push(device),
            Err(error) => found.absent.push(format!("CUDA: device {number}: {error}")),
        }
    }
    introduce(&opened.iter().map(CudaDevice::context).collect::<Vec<_>>(), &mut found.absent);
    found.devices.extend(opened.into_iter().map(|device| Arc::new(device) as Arc<dyn Device>));
}

/// The driver's version.
fn load() -> Result<i32, String> {
    // SAFETY: the driver's library has no requirements.
    if !unsafe { sys::is_culib_present() } {
        return Err("no libcuda.so.1 can be loaded: there is no NVIDIA driver".into());
    }
    let mut version = 0;
    unsafe { sys::cuDriverGetVersion(&mut version) }.result().map_err(|error| code_name(error))?;
    if version < LEAST_DRIVER {
        return Err(format!("the driver is for CUDA {}; {} or newer is needed", release(version), release(LEAST_DRIVER)));
    }
    result::init().map_err(|error| format!("cuInit failed: {}", code_name(error)))?;
    Ok(version)
}

pub(super) fn release(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

pub(super) fn code_name(DriverError(code): DriverError) -> String {
    format!("{code:?} ({})", code as u32)
}

pub(super) fn is_full(DriverError(code): DriverError) -> bool {
    code == CUresult::CUDA_ERROR_OUT_OF_MEMORY
}

pub(super) fn attribute(device: CUdevice, what: Attribute) -> i32 {
    // SAFETY: devices are numbers, which the driver checks.
    unsafe { result::device::get_attribute(device, what) }.unwrap_or(0)
}

pub(super) fn describe(device: CUdevice, version: i32, capacity: Option<u64>) -> Driven<DeviceInfo> {
    let memory = unsafe { result::device::total_mem(device) }? as u64;
    let pci = format!(
        "{:04x}:{:02x}:{:02x}.0",
        attribute(device, Attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID),
        attribute(device, Attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID),
        attribute(device, Attribute::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)
    );
    Ok(DeviceInfo {
        api: Api::Cuda,
        name: result::device::get_name(device)?,
        driver: format!("CUDA {}", release(version)),
        memory_bytes: capacity.map_or(memory, |capacity| capacity.min(memory)),
        compute_units: attribute(device, Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT) as u32,
        fp64: true,
        unified: attribute(device, Attribute::CU_DEVICE_ATTRIBUTE_INTEGRATED) != 0,
        numa: super::numa_node(&pci),
        pci: Some(pci),
    })
}

/// Blocks of a grid, and threads of a block, along each dimension (CUDA C++ Programming Guide, "Technical Specifications per Compute
/// Capability").
pub(super) const MOST_BLOCKS: [usize; 3] = [i32::MAX as usize, 65535, 65535];
const MOST_THREADS: [usize; 3] = [1024, 1024, 64];

/// Threads of a block where the launch leaves it open: 128, along the first dimensions; more where there would be too many blocks.
pub(super) fn usual_block(grid: [usize; 3]) -> [usize; 3] {
    let least: [usize; 3] = std::array::from_fn(|d| grid[d].div_ceil(MOST_BLOCKS[d]).next_power_of_two());
    let mut left = (128 / least.iter().product::<usize>()).max(1);
    std::array::from_fn(|d| {
        let threads = grid[d].next_power_of_two().min(MOST_THREADS[d]).min(least[d] * left).max(least[d]);
        left /= threads / least[d];
        threads
    })
}

/// A value of 1, 2, 4, 8 or 16 bytes as the words that the driver sets: as few different ones as will do.
#[derive(Debug, PartialEq)]
pub(super) enum Words {
    Bytes(u8),
    Shorts(u16),
    Words(Vec<u32>),
}

impl Words {
    pub fn of(value: &[u8]) -> Self {
        let repeats = |size: usize| value.len() >= size && value.chunks(size).all(|chunk| chunk == &value[..size]);
        if repeats(1) {
            return Self::Bytes(value[0]);
        }
        if repeats(2) {
            return Self::Shorts(u16::from_ne_bytes([value[0], value[1]]));
        }
        let size = [4, 8].into_iter().find(|&size| repeats(size)).unwrap_or(value.len());
        Self::Words(value[..size].chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]])).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_cuda_writes_them() {
        assert_eq!((release(11040), release(12090), release(13010)), ("11.4".into(), "12.9".into(), "13.1".into()));
    }

    #[test]
    fn blocks_follow_the_grid() {
        assert_eq!(usual_block([1000, 10, 10]), [128, 1, 1]);
        assert_eq!(usual_block([20, 30, 5]), [32, 4, 1]);
        assert_eq!(usual_block([3, 3, 100]), [4, 4, 8]);
        assert_eq!(usual_block([1, 1, 1]), [1, 1, 1]);
        assert_eq!(usual_block([1, 1, 1000]), [1, 1, 64]);
        assert_eq!(usual_block([1, 1000, 1]), [1, 128, 1]);
        assert_eq!(usual_block([1000, 65536, 1]), [64, 2, 1]);
        assert_eq!(usual_block([1000, 1, 4_000_000]), [2, 1, 64]);
        assert_eq!(usual_block([40, 10_000_000, 1]), [1, 256, 1]);
    }

    #[test]
    fn values_are_set_with_the_fewest_words() {
        assert_eq!(Words::of(&[0; 8]), Words::Bytes(0));
        assert_eq!(Words::of(&[7]), Words::Bytes(7));
        assert_eq!(Words::of(&[1, 2, 1, 2]), Words::Shorts(u16::from_ne_bytes([1, 2])));
        assert_eq!(Words::of(&1.5f32.to_ne_bytes()), Words::Words(vec![1.5f32.to_bits()]));
        let twice = [3u32.to_ne_bytes(), 3u32.to_ne_bytes()].concat();
        assert_eq!(Words::of(&twice), Words::Words(vec![3]));
        let four: Vec<u8> = (1u32..5).flat_map(u32::to_ne_bytes).collect();
        assert_eq!(Words::of(&four), Words::Words(vec![1, 2, 3, 4]));
    }

    #[test]
    fn without_a_driver_there_are_no_devices_and_the_reason_is_kept() {
        if unsafe { sys::is_culib_present() } {
            return;
        }
        let setting = Setting { capacity: None, streams: 1, cache: Arc::new(super::super::Cache::standard()), nvrtc: None };
        let mut found = Discovered { devices: Vec::new(), absent: Vec::new() };
        discover(&Wanted { choice: DeviceChoice::Cuda, ..Wanted::default() }, &setting, &mut found);
        assert!(found.devices.is_empty());
        assert!(found.absent.len() == 1 && found.absent[0].contains("libcuda.so.1"), "{:?}", found.absent);
    }
}
