//! Which driver the tests of devices run on: OpenCL's, or CUDA's with COHORT_TEST_DEVICES=cuda (a GPU's, or the stand-in of
//! tests/cuda_stand_in, whichever libcuda.so is found).

#[path = "../scratch/mod.rs"]
pub mod scratch;

use cohort::base::config::DeviceChoice;
use cohort::device::Wanted;

pub fn choice() -> DeviceChoice {
    match std::env::var("COHORT_TEST_DEVICES").as_deref() {
        Ok("cuda") => DeviceChoice::Cuda,
        Err(_) | Ok("opencl") => DeviceChoice::Opencl,
        Ok(other) => panic!("COHORT_TEST_DEVICES is {other:?}; it is opencl or cuda"),
    }
}

/// Its devices, with compiled kernels kept in a folder of this name.
pub fn wanted(name: &str) -> Wanted {
    Wanted { choice: choice(), cache: Some(scratch::folder(name)), ..Wanted::default() }
}
