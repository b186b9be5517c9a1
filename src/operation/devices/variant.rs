//! What a kind of task has for devices: kernels, given as text, and functions of the program that enqueue work of their own.

use crate::base::sync::Mutex;
use crate::base::Result;
use crate::device::Api;
use crate::fail;

/// A kernel as the program gave it. It is compiled when it first runs, once for each device.
#[derive(Clone, Debug)]
pub struct KernelText {
    pub text: Box<str>,
    /// What messages call the text.
    pub file: Box<str>,
    /// The kernel's name in the text.
    pub entry: Box<str>,
    pub options: Box<str>,
    /// Work items in a group; zeros leave it to the driver.
    pub block: [u32; 3],
    /// There is a work item for each point of the bounds of this requirement.
    pub grid_requirement: u32,
}

impl KernelText {
    /// A kernel of the library's.
    pub fn own(text: String, file: &str, entry: &str) -> Self {
        Self { text: text.into(), file: file.into(), entry: entry.into(), options: "".into(), block: [0; 3], grid_requirement: 0 }
    }
}

/// What a function of the program gets besides its context.
#[derive(Clone, Copy, Debug)]
pub struct NativeDevice {
    pub api: Api,
    pub number: u32,
    pub device: *mut std::ffi::c_void,
    pub context: *mut std::ffi::c_void,
    pub stream: *mut std::ffi::c_void,
}

pub type DeviceFunction = Box<dyn Fn(u64, &NativeDevice) -> i32 + Send + Sync>;

pub enum DeviceBody {
    Kernel(KernelText),
    Function(DeviceFunction),
}

struct Variant {
    /// `None`: for devices of any kind.
    api: Option<Api>,
    body: DeviceBody,
}

#[derive(Default)]
pub struct Variants {
    list: boxcar::Vec<Variant>,
    adding: Mutex<()>,
}

impl Variants {
    pub fn add(&self, task: &str, api: Option<Api>, body: DeviceBody) -> Result<()> {
        let _adding = self.adding.lock();
        if self.list.iter().any(|(_, variant)| variant.api == api) {
            fail!(WrongOrder, "task \"{task}\" has a variant for this kind of device already");
        }
        self.list.push(Variant { api, body });
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.list.count() == 0
    }

    /// The variant made for this kind of device, or else the one for any.
    pub fn find(&self, api: Api) -> Option<&DeviceBody> {
        let wanted = |api: Option<Api>| self.list.iter().map(|(_, variant)| variant).find(|variant| variant.api == api);
        wanted(Some(api)).or_else(|| wanted(None)).map(|variant| &variant.body)
    }
}
