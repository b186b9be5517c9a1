/* Tasks on devices among everything else: parents and children, operations of the host between, functions of the program, failures. */
#include "cohort.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "testing.h"
#include "device_fill.h"
enum { N = 96 };

static cohort_runtime_t rt;
static cohort_context_t ctx;
static cohort_region_t region;
static cohort_field_t f[3] = {0, 1, 2};
static cohort_task_t add_one;

static const char *const text =
  "COHORT_KERNEL void add_one(COHORT_GLOBAL double *v, cohort_extent e)\n"
  "{\n"
  "  COHORT_POINT(e, i, j, k)\n"
  "  COHORT_AT(v, e, i, j, k) += 1;\n"
  "}\n"
  "COHORT_KERNEL void sum_fields(COHORT_GLOBAL double *from, cohort_extent e, COHORT_GLOBAL double *none, cohort_extent nowhere,\n"
  "                              COHORT_GLOBAL double *to, cohort_extent t)\n"
  "{\n"
  "  COHORT_POINT(t, i, j, k)\n"
  "  COHORT_AT(to, t, i, j, k) = COHORT_FIELD(from, e, 0, i, j, k) + COHORT_FIELD(from, e, 1, i, j, k) + (nowhere.hi[0] < 0 ? 0 : 1e6);\n"
  "}\n";

static int32_t not_here(cohort_context_t task, void *user) {
  (void)user;
  return cohort_task_fail(task, "ran on the host");
}

static cohort_task_t with_kernel(const char *name, const char *source, const char *entry, uint32_t grid) {
  cohort_task_t task;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  TRY(cohort_task_register(rt, name, not_here, NULL, COHORT_TASK_LEAF, &task));
  kernel.source = source; kernel.name = entry; kernel.grid_requirement = grid;
  TRY(cohort_task_kernel(task, &kernel));
  EXPECT(cohort_task_kernel(task, &kernel), COHORT_ERROR_WRONG_ORDER, "already");
  return task;
}

static cohort_status_t launch(cohort_context_t in, cohort_task_t task, const cohort_requirement_t *needs, uint32_t count, cohort_future_t *result) {
  cohort_launch_t one = COHORT_LAUNCH_INIT;
  one.task = task; one.requirements = needs; one.requirement_count = count; one.processor = COHORT_PROC_DEVICE;
  return cohort_launch(in, &one, result);
}

static cohort_requirement_t need(const cohort_field_t *fields, uint32_t count, cohort_privilege_t privilege) {
  cohort_requirement_t made = {.region = region, .fields = fields, .field_count = count, .privilege = privilege};
  return made;
}

static double first(cohort_field_t field) {
  cohort_mapping_t mapping; cohort_view_t view;
  cohort_requirement_t whole = need(&field, 1, COHORT_READ_ONLY);
  TRY(cohort_inline_map(ctx, &whole, &mapping));
  TRY(cohort_inline_view(mapping, field, COHORT_READ_ONLY, &view));
  double value = ((double *)view.base)[0];
  for (int i = 1; i < N; i++) CHECK(((double *)view.base)[i] == value);
  TRY(cohort_inline_unmap(&mapping));
  return value;
}

static void fill(cohort_field_t field, double value) { TRY(cohort_fill(ctx, region, 1, &field, &value, sizeof value)); }

/* Looks, has a child add one on the device, looks again, adds by itself, and so on. */
static int32_t parent(cohort_context_t task, void *user) {
  cohort_view_t view;
  cohort_requirement_t whole = need(&f[0], 1, COHORT_READ_WRITE);
  (void)user;
  TRY(cohort_view(task, 0, f[0], COHORT_READ_WRITE, &view));
  for (int step = 0; step < 3; step++) {
    double before = ((double *)view.base)[N - 1];
    TRY(launch(task, add_one, &whole, 1, NULL));
    TRY(cohort_wait_all(task));
    if (((double *)view.base)[N - 1] != before + 1) return cohort_task_fail(task, "the child's result is not to be seen");
    for (int i = 0; i < N; i++) ((double *)view.base)[i] += 10;
  }
  return 0;
}

/* Only launches: the data stays on the device when it ends. */
static int32_t launcher(cohort_context_t task, void *user) {
  cohort_requirement_t whole = need(&f[0], 1, COHORT_READ_WRITE);
  (void)user;
  for (int step = 0; step < 4; step++) TRY(launch(task, add_one, &whole, 1, NULL));
  return 0;
}

/* Discards what was there, has a child add one to its own, and sees that. */
static int32_t starts_anew(cohort_context_t task, void *user) {
  cohort_view_t view;
  cohort_requirement_t whole = need(&f[0], 1, COHORT_READ_WRITE);
  (void)user;
  TRY(cohort_view(task, 0, f[0], COHORT_WRITE_DISCARD, &view));
  for (int i = 0; i < N; i++) ((double *)view.base)[i] = 70;
  TRY(launch(task, add_one, &whole, 1, NULL));
  TRY(cohort_wait_all(task));
  if (((double *)view.base)[0] != 71 || ((double *)view.base)[N - 1] != 71) return cohort_task_fail(task, "the child's result is not to be seen");
  return 0;
}

static void parents(void) {
  cohort_task_t looks, launches, anew;
  cohort_requirement_t discarded = need(&f[0], 1, COHORT_WRITE_DISCARD);
  cohort_requirement_t whole = need(&f[0], 1, COHORT_READ_WRITE);
  cohort_launch_t one = COHORT_LAUNCH_INIT;
  TRY(cohort_task_register(rt, "looks", parent, NULL, 0, &looks));
  TRY(cohort_task_register(rt, "launches", launcher, NULL, 0, &launches));
  one.requirements = &whole; one.requirement_count = 1;
  fill(f[0], 5);
  for (int round = 0; round < 3; round++) {
    one.task = looks; TRY(cohort_launch(ctx, &one, NULL));
    one.task = launches; TRY(cohort_launch(ctx, &one, NULL));
    TRY(launch(ctx, add_one, &whole, 1, NULL));
  }
  CHECK(first(f[0]) == 5 + 3 * (33 + 4 + 1));
  TRY(cohort_task_register(rt, "starts anew", starts_anew, NULL, 0, &anew));
  one.task = anew; one.requirements = &discarded;
  TRY(cohort_launch(ctx, &one, NULL));
  CHECK(first(f[0]) == 71);
}

static void fields_and_none(void) {
  cohort_task_t sum = with_kernel("sum", text, "sum_fields", 2);
  cohort_requirement_t needs[3] = {need(f, 2, COHORT_READ_ONLY), need(f, 1, COHORT_NO_ACCESS), need(&f[2], 1, COHORT_WRITE_DISCARD)};
  fill(f[0], 3); fill(f[1], 4);
  TRY(launch(ctx, sum, needs, 3, NULL));
  CHECK(first(f[2]) == 7);
  /* A copy by the host between two tasks on the device. */
  cohort_copy_t copy = COHORT_COPY_INIT;
  copy.source = region; copy.destination = region; copy.source_fields = &f[2]; copy.destination_fields = &f[0]; copy.field_count = 1;
  TRY(cohort_copy(ctx, &copy));
  TRY(launch(ctx, sum, needs, 3, NULL));
  CHECK(first(f[2]) == 11);
}

/* A mapper's choice, and the default's, changes no result: a kernel has none to give. */
static int32_t seven(cohort_context_t task, void *user) {
  double value = 7;
  (void)user;
  TRY(cohort_task_result(task, &value, sizeof value));
  return 0;
}

static void results(void) {
  cohort_task_t task;
  cohort_kernel_t kernel = COHORT_KERNEL_INIT;
  cohort_requirement_t whole = need(&f[0], 1, COHORT_READ_WRITE);
  cohort_launch_t one = COHORT_LAUNCH_INIT;
  cohort_future_t future;
  double value;
  TRY(cohort_task_register(rt, "seven", seven, NULL, COHORT_TASK_LEAF, &task));
  kernel.source = text; kernel.name = "add_one";
  TRY(cohort_task_kernel(task, &kernel));
  one.task = task; one.requirements = &whole; one.requirement_count = 1;
  fill(f[0], 1);
  TRY(cohort_launch(ctx, &one, NULL));
  TRY(cohort_launch(ctx, &one, &future));
  TRY(cohort_future_get(future, &value, sizeof value));
  CHECK(value == 7 && first(f[0]) == 2);
  TRY(cohort_future_destroy(&future));
}

static int called;

/* Sets every element to 42 with the driver's own function. */
static int32_t set(cohort_context_t task, const cohort_device_t *device, void *user) {
  cohort_device_view_t view;
  double value = 42, result = 6;
  (void)user;
  CHECK(device->size == sizeof *device && device->context);
  CHECK(device->api == COHORT_DEVICE_CUDA || device->api == COHORT_DEVICE_OPENCL);
  TRY(cohort_view_device(task, 0, f[1], COHORT_READ_WRITE, &view));
  CHECK(view.dim == 1 && view.lo[0] == 1 && view.hi[0] == N && view.stride[0] == sizeof value);
  if (device_fill(device, &view, &value, N)) return 9;
  TRY(cohort_task_result(task, &result, sizeof result));
  called++;
  return 0;
}

static int32_t launches_something(cohort_context_t task, const cohort_device_t *device, void *user) {
  cohort_requirement_t whole = need(&f[1], 1, COHORT_READ_ONLY);
  (void)device; (void)user;
  return launch(task, add_one, &whole, 1, NULL) == COHORT_OK ? 0 : 1;
}

static int32_t fails(cohort_context_t task, const cohort_device_t *device, void *user) {
  (void)task; (void)device; (void)user;
  return 3;
}

static cohort_task_t with_function(const char *name, cohort_device_function_t function, void *user) {
  cohort_task_t task;
  TRY(cohort_task_register(rt, name, not_here, NULL, COHORT_TASK_LEAF, &task));
  TRY(cohort_task_device_callback(task, COHORT_DEVICE_ANY, function, user));
  return task;
}

static void functions(void) {
  cohort_requirement_t whole = need(&f[1], 1, COHORT_READ_WRITE);
  cohort_future_t future;
  double value;
  fill(f[1], 1);
  TRY(launch(ctx, with_function("set", set, NULL), &whole, 1, &future));
  TRY(launch(ctx, add_one, &whole, 1, NULL));
  TRY(cohort_future_get(future, &value, sizeof value));
  CHECK(value == 6 && called == 1 && first(f[1]) == 43);
  TRY(cohort_future_destroy(&future));
}

/* The task fails, what depends on it does not run, the rest does, and the program goes on. */
static void failure(cohort_task_t task, const char *expected) {
  cohort_requirement_t whole = need(&f[1], 1, COHORT_READ_WRITE), other = need(&f[2], 1, COHORT_READ_WRITE);
  fill(f[1], 1); fill(f[2], 1);
  TRY(launch(ctx, task, &whole, 1, NULL));
  TRY(launch(ctx, add_one, &whole, 1, NULL));
  TRY(launch(ctx, add_one, &other, 1, NULL));
  EXPECT(cohort_wait_all(ctx), COHORT_ERROR_TASK_FAILED, expected);
  CHECK(first(f[2]) == 2);
  fill(f[1], 2);
  TRY(launch(ctx, add_one, &whole, 1, NULL));
  CHECK(first(f[1]) == 3);
}

int main(void) {
  cohort_index_space_t is; cohort_field_space_t fs;
  int64_t lo = 1, hi = N;
  TRY(cohort_init(NULL, &rt)); TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &is)); TRY(cohort_field_space_create(rt, &fs));
  TRY(cohort_fields_allocate(fs, sizeof(double), 3, &f[0]));
  TRY(cohort_region_create(rt, is, fs, &region));
  add_one = with_kernel("add one", text, "add_one", 0);
  parents();
  fields_and_none();
  results();
  functions();
  failure(with_kernel("broken", "COHORT_KERNEL void broken(COHORT_GLOBAL double *v, cohort_extent e) { v[0] = nonsense; }", "broken", 0), "nonsense");
  failure(with_kernel("misnamed", text, "add_two", 0), "add_two");
  failure(with_kernel("no such grid", text, "add_one", 5), "requirement 5");
  failure(with_function("fails", fails, NULL), "its body returned 3");
  failure(with_function("launches", launches_something, NULL), "enqueues on its stream and returns");
  TRY(cohort_finalize(&rt));
  printf("PASSED\n");
  return 0;
}
