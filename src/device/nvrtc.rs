//! NVIDIA's run-time compiler: CUDA C to machine code or PTX. Loaded when the first source is compiled; needs no driver and no device.
//! Through `dlopen` and not through cudarc, which knows neither where a program keeps its own copy nor versions to come.

use super::Source;
use crate::base::{Error, Result, Status};
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{null, null_mut};

type Program = *mut c_void;

/// The functions in use, as in nvrtc.h.
pub struct Nvrtc {
    version: unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int,
    error: unsafe extern "C" fn(c_int) -> *const c_char,
    create: unsafe extern "C" fn(*mut Program, *const c_char, *const c_char, c_int, *const *const c_char, *const *const c_char) -> c_int,
    compile: unsafe extern "C" fn(Program, c_int, *const *const c_char) -> c_int,
    destroy: unsafe extern "C" fn(*mut Program) -> c_int,
    log_size: unsafe extern "C" fn(Program, *mut usize) -> c_int,
    log: unsafe extern "C" fn(Program, *mut c_char) -> c_int,
    ptx_size: unsafe extern "C" fn(Program, *mut usize) -> c_int,
    ptx: unsafe extern "C" fn(Program, *mut c_char) -> c_int,
    code_size: unsafe extern "C" fn(Program, *mut usize) -> c_int,
    code: unsafe extern "C" fn(Program, *mut c_char) -> c_int,
    count_architectures: unsafe extern "C" fn(*mut c_int) -> c_int,
    architectures: unsafe extern "C" fn(*mut c_int) -> c_int,
}

/// Newer versions know more devices.
const NAMES: [&str; 4] = ["libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"];

impl Nvrtc {
    /// From a path (a file of that name), or from where the system looks for libraries.
    pub fn load(path: Option<&Path>) -> Result<Self> {
        let names: Vec<CString> = match path {
            Some(path) => CString::new(path.as_os_str().as_bytes()).into_iter().collect(),
            None => NAMES.iter().filter_map(|name| CString::new(*name).ok()).collect(),
        };
        let library = names.iter().map(|name| unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) });
        let Some(library) = library.into_iter().find(|library| !library.is_null()) else {
            return Err(missing(&reason()));
        };
        // SAFETY: the types are those of nvrtc.h; the library stays loaded.
        unsafe {
            Ok(Self {
                version: symbol(library, c"nvrtcVersion")?,
                error: symbol(library, c"nvrtcGetErrorString")?,
                create: symbol(library, c"nvrtcCreateProgram")?,
                compile: symbol(library, c"nvrtcCompileProgram")?,
                destroy: symbol(library, c"nvrtcDestroyProgram")?,
                log_size: symbol(library, c"nvrtcGetProgramLogSize")?,
                log: symbol(library, c"nvrtcGetProgramLog")?,
                ptx_size: symbol(library, c"nvrtcGetPTXSize")?,
                ptx: symbol(library, c"nvrtcGetPTX")?,
                code_size: symbol(library, c"nvrtcGetCUBINSize")?,
                code: symbol(library, c"nvrtcGetCUBIN")?,
                count_architectures: symbol(library, c"nvrtcGetNumSupportedArchs")?,
                architectures: symbol(library, c"nvrtcGetSupportedArchs")?,
            })
        }
    }

    pub fn version(&self) -> (i32, i32) {
        let (mut major, mut minor) = (0, 0);
        unsafe { (self.version)(&mut major, &mut minor) };
        (major, minor)
    }

    /// Compute capabilities that it compiles for, such as 70 and 90.
    pub fn architectures(&self) -> Vec<i32> {
        let mut count = 0;
        unsafe { (self.count_architectures)(&mut count) };
        let mut found = vec![0; count.max(0) as usize];
        if !found.is_empty() {
            unsafe { (self.architectures)(found.as_mut_ptr()) };
        }
        found
    }

    /// Machine code for `sm_70` and the like; PTX, ended by a zero byte, for `compute_70`.
    pub fn compile(&self, source: &Source, architecture: &str) -> Result<Vec<u8>> {
        let words = ["--gpu-architecture", architecture].into_iter().chain(source.options.split_whitespace());
        let options: Vec<CString> = words.map(|word| c_string(word, &source.file)).collect::<Result<_>>()?;
        let options: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        let text = c_string(&source.with_header(), &source.file)?;
        let file = c_string(&source.file, &source.file)?;
        let mut program = null_mut();
        let created = unsafe { (self.create)(&mut program, text.as_ptr(), file.as_ptr(), 0, null(), null()) };
        self.checked(created, &format!("nvrtcCreateProgram of {}", source.file), String::new)?;
        let result = self.compiled(program, &options, architecture, &source.file);
        unsafe { (self.destroy)(&mut program) };
        result
    }

    fn compiled(&self, program: Program, options: &[*const c_char], architecture: &str, file: &str) -> Result<Vec<u8>> {
        let log = || String::from_utf8_lossy(&fetch(program, self.log_size, self.log)).trim_end_matches('\0').to_string();
        let compiled = unsafe { (self.compile)(program, options.len() as c_int, options.as_ptr()) };
        self.checked(compiled, &format!("the compilation of {file} for {architecture}"), log)?;
        let code = match architecture.starts_with("sm_") {
            true => fetch(program, self.code_size, self.code),
            false => fetch(program, self.ptx_size, self.ptx),
        };
        if code.is_empty() {
            return Err(Error::new(Status::Unsupported, format!("{file}: NVRTC gave no code for {architecture}")));
        }
        Ok(code)
    }

    fn checked(&self, code: c_int, what: &str, log: impl FnOnce() -> String) -> Result<()> {
        if code == 0 {
            return Ok(());
        }
        let name = unsafe { CStr::from_ptr((self.error)(code)) }.to_string_lossy();
        Err(Error::new(Status::InvalidArgument, format!("{what} failed: {name} ({code})\n{}", log())))
    }
}

fn missing(why: &str) -> Error {
    let text = format!(
        "CUDA C cannot be compiled without NVRTC: {why}; install it (CUDA's toolkit, or the Python package nvidia-cuda-nvrtc-cu12), name its \
         libnvrtc.so in COHORT_NVRTC, or give the kernel as PTX"
    );
    Error::new(Status::Unsupported, text)
}

fn reason() -> String {
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "no libnvrtc.so is found".into();
    }
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// # Safety
/// `F` is the function's type.
unsafe fn symbol<F: Copy>(library: *mut c_void, name: &CStr) -> Result<F> {
    let found = libc::dlsym(library, name.as_ptr());
    if found.is_null() {
        return Err(missing(&format!("the library has no {}, it is older than CUDA 11.2", name.to_string_lossy())));
    }
    Ok(std::mem::transmute_copy(&found))
}

fn fetch(
    program: Program, size_of: unsafe extern "C" fn(Program, *mut usize) -> c_int, content_of: unsafe extern "C" fn(Program, *mut c_char) -> c_int,
) -> Vec<u8> {
    let mut size = 0;
    unsafe { size_of(program, &mut size) };
    let mut content = vec![0u8; size];
    if size > 0 {
        unsafe { content_of(program, content.as_mut_ptr().cast()) };
    }
    content
}

fn c_string(text: &str, file: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::new(Status::InvalidArgument, format!("{file}: the source or its options contain a zero byte")))
}

/// What to compile for on a device of this compute capability: its machine code, or PTX for the newest older architecture that the
/// compiler knows.
pub(super) fn architecture(supported: &[i32], device: i32) -> String {
    match supported.iter().filter(|&&known| known <= device).max() {
        Some(&known) if known == device => format!("sm_{known}"),
        Some(&known) => format!("compute_{known}"),
        // Too old for the compiler, whose message says so.
        None => format!("sm_{device}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_get_their_machine_code_or_ptx_of_an_older_one() {
        let known = [50, 70, 75, 80, 86, 90];
        assert_eq!(architecture(&known, 80), "sm_80");
        assert_eq!(architecture(&known, 89), "compute_86");
        assert_eq!(architecture(&known, 120), "compute_90");
        assert_eq!(architecture(&known, 35), "sm_35");
    }

    #[test]
    fn a_compiler_that_is_not_there_is_an_error_that_says_what_to_do() {
        let Err(error) = Nvrtc::load(Some(Path::new("/nowhere/libnvrtc.so.12"))) else { panic!("loaded") };
        assert_eq!(error.status, Status::Unsupported);
        assert!(error.text.contains("/nowhere/libnvrtc.so.12") && error.text.contains("COHORT_NVRTC"), "{error}");
    }

    #[test]
    fn a_library_that_is_another_is_refused() {
        let Err(error) = Nvrtc::load(Some(Path::new("libm.so.6"))) else { panic!("loaded") };
        assert!(error.text.contains("nvrtcVersion"), "{error}");
    }
}
