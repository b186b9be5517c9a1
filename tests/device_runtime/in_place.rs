//! Arrays of the program that kernels use in place: registered memory, as CUDA's devices reach it.

use super::*;
use cohort::ffi::{machine as mc, mappers as mp};
use std::collections::VecDeque;

/// The memories of the tasks that come next, one after the other.
type Memories = Mutex<VecDeque<i32>>;

/// Puts all requirements there.
unsafe extern "C" fn put(_: *const mp::cohort_task_info_t, mapping: *mut mp::cohort_task_mapping_t, memories: *mut c_void) -> i32 {
    let memory = (*memories.cast::<Memories>()).lock().unwrap().pop_front().expect("more tasks than memories");
    for number in 0..(*mapping).requirement_count as usize {
        (*(*mapping).requirements.add(number)).memory = memory;
    }
    0
}

fn refusals(handle: mp::cohort_mapper_handle_t) -> (u64, String) {
    let (mut count, mut text) = (0, [0; 400]);
    unsafe {
        ok(mp::cohort_mapper_refusals(handle, &mut count, text.as_mut_ptr(), text.len()));
        (count, CStr::from_ptr(text.as_ptr()).to_string_lossy().into_owned())
    }
}

#[test]
fn a_registered_array_is_used_in_place_where_a_mapper_says_so() {
    let (device, seen) = Watched::open();
    let memories = Memories::default();
    let running = Running::with(vec![device]);
    let (array, small) = (Halo::new(120, 3), Halo::new(10, 3));
    let (region, fields) = running.region(&[120, 120], 3);
    let (other, others) = running.region(&[10, 10], 3);
    running.attach(region, &fields, array.first(), &array.strides(), array.apart());
    running.attach(other, &others, small.first(), &small.strides(), small.apart());
    let mut handle = mp::cohort_mapper_handle_t::default();
    let (mut mapper, mut found, mut count): (mp::cohort_mapper_t, mc::cohort_memory_info_t, u32) = unsafe { std::mem::zeroed() };
    (mapper.size, mapper.user) = (size_of::<mp::cohort_mapper_t>(), (&raw const memories).cast_mut().cast());
    mapper.map_task = Some(put);
    found.size = size_of::<mc::cohort_memory_info_t>();
    unsafe {
        ok(mp::cohort_mapper_register(running.runtime, &mapper, c"put".as_ptr(), &mut handle));
        ok(mp::cohort_mapper_use(handle, std::ptr::null(), 0));
        ok(mc::cohort_machine_memories(running.runtime, mc::COHORT_MEMORY_ZERO_COPY, 1, &mut found, &mut count));
    }
    assert_eq!(count, 1);
    let (open, in_place) = (-1, found.number);
    let (bump, bytes) = (running.bumps("bump"), 120 * 120 * 3 * 8);
    let run = |region, fields: &[cohort_field_t], each: &[i32]| {
        memories.lock().unwrap().extend(each);
        each.iter().for_each(|_| running.launch(bump, region, fields));
        running.wait();
    };
    // Newest values come home from the device first, and go there again.
    run(region, &fields, &[open, in_place, in_place]);
    assert_eq!(seen.moved(), [bytes, bytes, 0]);
    array.check(3.0);
    run(region, &fields, &[in_place, open, open]);
    assert_eq!(seen.moved(), [bytes, bytes, 0]);
    array.check(6.0);
    run(region, &fields, &[in_place]);
    assert_eq!(seen.moved(), [0; 3]);
    assert_eq!(refusals(handle).0, 0);
    // Too small to be registered.
    run(other, &others, &[in_place]);
    small.check(1.0);
    let (refused, text) = refusals(handle);
    let rule = "\"bump\": requirement 0 is put into a memory in which it cannot lie: the array of field 0 is not registered";
    assert!(refused == 1 && text.contains(rule), "{text}");
    run(other, &others, &[in_place + 1]);
    small.check(2.0);
    let (refused, text) = refusals(handle);
    assert!(refused == 2 && text.contains(&format!("requirement 0 is put into memory {}; the task runs on device", in_place + 1)), "{text}");
    running.detach(region, &fields);
    running.detach(other, &others);
    array.check(7.0);
    assert!(seen.pinned.lock().unwrap().is_empty());
}
