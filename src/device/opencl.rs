//! Finds OpenCL's devices.

use super::opencl_device::OpenclDevice;
use super::{Api, DeviceInfo, Discovered, Setting, Wanted};
use crate::base::config::DeviceChoice;
use crate::base::sync::Mutex;
use cl3::device::{self, CL_DEVICE_TYPE_ACCELERATOR, CL_DEVICE_TYPE_ALL, CL_DEVICE_TYPE_GPU};
use cl3::error_codes::error_text;
use cl3::platform;
use cl3::types::{cl_device_id, cl_platform_id};
use std::path::Path;
use std::sync::Arc;

/// Of these only the name is asked for where no CPU device is wanted: they start threads as soon as their devices are listed.
const CPU_PLATFORMS: [&str; 2] = ["Portable Computing Language", "Intel(R) CPU Runtime"];
/// The same, by their libraries.
const CPU_LIBRARIES: [&str; 2] = ["libpocl", "libintelocl"];
/// Where the loader finds drivers.
const VENDORS: &str = "/etc/OpenCL/vendors";
/// Its devices are CUDA's.
const CUDA_PLATFORM: &str = "NVIDIA CUDA";

pub(super) fn discover(wanted: &Wanted, setting: &Setting, found: &mut Discovered) {
    let cpus = match wanted.choice {
        DeviceChoice::None | DeviceChoice::Cuda => return,
        DeviceChoice::Usual => false,
        DeviceChoice::All | DeviceChoice::Opencl | DeviceChoice::Numbers(_) => true,
    };
    if !cpus && only_cpus_installed(Path::new(VENDORS)) {
        return found.absent.push("OpenCL: all drivers in /etc/OpenCL/vendors are for CPUs, used only when COHORT_DEVICES asks for them".into());
    }
    // Some drivers lose devices when two threads ask for them the first time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock();
    let platforms = match platform::get_platform_ids() {
        Ok(platforms) => platforms,
        Err(code) => {
            found.absent.push(format!("OpenCL: {}", loading(code)));
            return;
        }
    };
    let cuda = found.devices.iter().any(|device| device.info().api == Api::Cuda);
    for platform in platforms {
        let name = text(platform::get_platform_data(platform, platform::CL_PLATFORM_NAME));
        if !cpus && CPU_PLATFORMS.iter().any(|known| name.contains(known)) {
            found.absent.push(format!("OpenCL: the CPU devices of {name} are used only when COHORT_DEVICES asks for them"));
            continue;
        }
        if cuda && name == CUDA_PLATFORM {
            continue;
        }
        let kinds = if cpus { CL_DEVICE_TYPE_ALL } else { CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR };
        match open(platform, kinds, setting) {
            Ok(devices) if devices.is_empty() => found.absent.push(format!("OpenCL: {name} has no device of the kind asked for")),
            Ok(devices) => found.devices.extend(devices),
            Err(why) => found.absent.push(format!("OpenCL: {name}: {why}")),
        }
    }
}

/// Whether the loader's list of drivers names none but those for CPUs: to load them takes a tenth of a second. Lists elsewhere are the loader's
/// affair.
fn only_cpus_installed(vendors: &Path) -> bool {
    if ["OCL_ICD_VENDORS", "OCL_ICD_FILENAMES", "OPENCL_VENDOR_PATH"].iter().any(|list| std::env::var_os(list).is_some()) {
        return false;
    }
    let Ok(files) = std::fs::read_dir(vendors) else { return false };
    let libraries: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "icd"))
        .map(|path| std::fs::read_to_string(path).unwrap_or_default())
        .collect();
    !libraries.is_empty() && libraries.iter().all(|library| CPU_LIBRARIES.iter().any(|known| library.contains(known)))
}

/// All devices of a platform share a context, and with it buffers and events.
fn open(platform: cl_platform_id, kinds: u64, setting: &Setting) -> Result<Vec<Arc<dyn super::Device>>, String> {
    let ids = match device::get_device_ids(platform, kinds) {
        Ok(ids) => ids,
        Err(device::CL_DEVICE_NOT_FOUND) => return Ok(Vec::new()),
        Err(code) => return Err(error_text(code).into()),
    };
    OpenclDevice::open_all(&ids, setting).map_err(|error| error.text.into())
}

fn loading(code: i32) -> &'static str {
    match code {
        cl3::error_codes::DLOPEN_RUNTIME_LOAD_FAILED => "no libOpenCL.so.1 can be loaded",
        -1001 => "libOpenCL.so.1 knows no driver (CL_PLATFORM_NOT_FOUND_KHR)",
        code => error_text(code),
    }
}

pub(super) fn text(data: Result<Vec<u8>, i32>) -> String {
    let bytes = data.unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches('\0').trim().to_string()
}

pub(super) fn number(id: cl_device_id, what: u32) -> Option<u64> {
    let bytes = device::get_device_data(id, what).ok()?;
    match bytes.len() {
        4 => Some(u32::from_ne_bytes(bytes.try_into().ok()?) as u64),
        8 => Some(u64::from_ne_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

pub(super) fn describe(id: cl_device_id, capacity: Option<u64>) -> DeviceInfo {
    let memory = number(id, device::CL_DEVICE_GLOBAL_MEM_SIZE).unwrap_or(0);
    // Asked of another driver this is a warning on standard error.
    let nvidia = text(device::get_device_data(id, device::CL_DEVICE_EXTENSIONS)).contains("cl_nv_device_attribute_query");
    let address = || number(id, device::CL_DEVICE_PCI_BUS_ID_NV).zip(number(id, device::CL_DEVICE_PCI_SLOT_ID_NV));
    let bus = nvidia.then(address).flatten();
    let pci = bus.map(|(bus, slot)| format!("0000:{bus:02x}:{:02x}.{}", slot >> 3, slot & 7));
    DeviceInfo {
        api: Api::Opencl,
        name: text(device::get_device_data(id, device::CL_DEVICE_NAME)),
        driver: text(device::get_device_data(id, device::CL_DRIVER_VERSION)),
        memory_bytes: capacity.map_or(memory, |capacity| capacity.min(memory)),
        compute_units: number(id, device::CL_DEVICE_MAX_COMPUTE_UNITS).unwrap_or(1) as u32,
        fp64: number(id, device::CL_DEVICE_DOUBLE_FP_CONFIG).is_some_and(|config| config != 0),
        unified: number(id, device::CL_DEVICE_HOST_UNIFIED_MEMORY).is_some_and(|unified| unified != 0),
        numa: pci.as_deref().and_then(super::numa_node),
        pci,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drivers_are_told_by_their_libraries() {
        let folder = std::env::temp_dir().join(format!("cohort-vendors-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(!only_cpus_installed(&folder), "none is not only CPUs");
        std::fs::write(folder.join("pocl.icd"), "libpocl.so.2.10.0").unwrap();
        std::fs::write(folder.join("notes.txt"), "libnvidia-opencl.so.1").unwrap();
        assert!(only_cpus_installed(&folder));
        std::fs::write(folder.join("nvidia.icd"), "libnvidia-opencl.so.1\n").unwrap();
        assert!(!only_cpus_installed(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(!only_cpus_installed(&folder));
    }
}
