//! Copies with gather and scatter.

use super::*;

/// Names points of a line of 1000, each of them once.
const AIM: &str = "COHORT_KERNEL void aim(COHORT_GLOBAL long *x, cohort_extent e, long fields)
{
    COHORT_POINT(e, i, j, k)
    COHORT_AT(x, e, i, j, k) = 1 + 7 * i % 1000;
}";

/// The line, and what names its points; the elements of both count from 1.
fn line_and_names(running: &Running) -> (cohort_region_t, cohort_region_t) {
    const COUNT: &str = "COHORT_KERNEL void count(COHORT_GLOBAL double *x, cohort_extent e, long fields)
    {
        COHORT_POINT(e, i, j, k)
        COHORT_AT(x, e, i, j, k) = (double)i;
    }";
    let (count, aim) = (running.task("count", COUNT, "count"), running.task("aim", AIM, "aim"));
    let [(line, _), (names, fields)] = [1, 2].map(|fields| running.region(&[1000], fields));
    running.launch(count, line, &fields[..1]);
    running.launch(count, names, &fields[..1]);
    running.launch(aim, names, &fields[1..]);
    running.wait();
    (line, names)
}

#[test]
fn one_kernel_gathers_the_fields_that_lie_equally_far_apart() {
    const COUNT: &str = "COHORT_KERNEL void count(COHORT_GLOBAL double *x, cohort_extent e, long fields)
    {
        COHORT_POINT(e, i, j, k)
        for (long f = 0; f < fields; f++) COHORT_FIELD(x, e, f, i, j, k) = (double)(1000 * f + i);
    }";
    let (running, seen) = Running::watched();
    let (count, aim) = (running.task("count", COUNT, "count"), running.task("aim", AIM, "aim"));
    let [(line, _), (names, fields)] = [4, 5].map(|fields| running.region(&[1000], fields));
    running.launch(count, line, &fields[..4]);
    running.launch(aim, names, &fields[4..]);
    let gather = |from: &[u32], to: &[u32]| unsafe {
        let mut copy: cohort_copy_t = std::mem::zeroed();
        (copy.size, copy.source, copy.destination, copy.flags) = (size_of::<cohort_copy_t>(), line, names, COHORT_COPY_SKIP_OUT_OF_RANGE);
        (copy.source_fields, copy.destination_fields, copy.field_count) = (from.as_ptr(), to.as_ptr(), from.len() as u32);
        (copy.gather, copy.gather_field) = (names, 4);
        running.wait();
        seen.launches.store(0, Ordering::Relaxed);
        ok(gh::cohort_copy(running.context, &copy));
        running.wait();
        seen.launches.load(Ordering::Relaxed)
    };
    assert_eq!(gather(&[0, 1, 2, 3], &[0, 1, 2, 3]), 1);
    assert_eq!([0, 1, 2, 3].map(|field| running.look(names, field, [3, 0])), [22.0, 1022.0, 2022.0, 3022.0]);
    assert_eq!(gather(&[3, 2, 1, 0], &[0, 1, 2, 3]), 1, "backwards");
    assert_eq!([0, 1, 2, 3].map(|field| running.look(names, field, [3, 0])), [3022.0, 2022.0, 1022.0, 22.0]);
    assert_eq!(gather(&[0, 1, 2], &[0, 2, 1]), 2);
    assert_eq!([0, 1, 2, 3].map(|field| running.look(names, field, [3, 0])), [22.0, 2022.0, 1022.0, 22.0]);
}

/// A gather from the line, a scatter to it, a sum; what becomes of the elements of the point 3, which names 22, and of the latter.
fn gather_and_scatter(running: &Running, (line, names): (cohort_region_t, cohort_region_t), flags: u32) -> impl Fn() + use<'_> {
    running.copy_named((line, names, names), false, flags, false);
    running.copy_named((names, line, names), true, flags, true);
    running.copy_named((line, names, names), false, flags, true);
    running.wait();
    move || {
        assert_eq!(running.look(line, 0, [22, 0]), 44.0);
        assert_eq!(running.look(names, 0, [3, 0]), 66.0);
    }
}

#[test]
fn gathers_and_scatters_stay_on_the_device() {
    for (flags, to_host) in [(COHORT_COPY_SKIP_OUT_OF_RANGE, 0), (0, 4)] {
        let (running, seen) = Running::watched();
        let regions = line_and_names(&running);
        seen.moved();
        let check = gather_and_scatter(&running, regions, flags);
        assert_eq!(seen.moved(), [0, 3 * to_host, 0], "a flag for each copy that does not skip what is out of range");
        check();
    }
}

#[test]
fn the_host_gathers_and_scatters_what_the_device_cannot() {
    let (running, seen) = Running::watched();
    seen.refuses_kernels.store(true, Ordering::Relaxed);
    let regions = line_and_names(&running);
    seen.moved();
    let check = gather_and_scatter(&running, regions, 0);
    assert_eq!(seen.moved(), [0, 3 * 8000, 0], "the line, the names, and what the first copy leaves as it was if it fails");
    check();
}

#[test]
fn the_host_gathers_and_scatters_what_the_device_has_no_room_for() {
    // For what the search for values that name points elsewhere finds, and for the lists of a scatter.
    for bytes in [4, 4000] {
        let (running, seen) = Running::watched();
        let regions = line_and_names(&running);
        seen.is_full_for.store(bytes, Ordering::Relaxed);
        gather_and_scatter(&running, regions, 0)();
    }
}

/// It comes home before the host looks for such a value, or nothing of it would be left.
#[test]
fn a_gather_that_fails_leaves_what_the_device_wrote_to_its_destination() {
    const MISS: &str = "COHORT_KERNEL void miss(COHORT_GLOBAL long *x, cohort_extent e, long fields)
    {
        COHORT_POINT(e, i, j, k)
        COHORT_AT(x, e, i, j, k) = i == 500 ? 0 : i;
    }";
    for on_device in [true, false] {
        let (device, _) = Watched::open();
        let running = Running::with(vec![device]);
        let (line, names) = line_and_names(&running);
        let [(unwritten, _), (astray, fields)] = [1, 2].map(|fields| running.region(&[1000], fields));
        running.launch(running.task("miss", MISS, "miss"), astray, &fields[1..]);
        running.copy_named((if on_device { line } else { unwritten }, names, astray), false, 0, false);
        running.wait_fails(&["at [500] names [0]"]);
        assert_eq!([3, 500].map(|at| running.look(names, 0, [at, 0])), [3.0, 500.0], "source on the device: {on_device}");
    }
}
