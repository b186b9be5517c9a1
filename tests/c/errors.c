/* Wrong calls, each with the status and a part of the text that it must give; then a correct program still runs. */
#include "cohort.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int wrong, checked;

static void expect(const char *call, int32_t got, int32_t status, const char *part) {
  checked++;
  if (got == status && strstr(cohort_last_error(), part)) return;
  wrong++;
  fprintf(stderr, "%s: %s \"%s\"; expected %s \"%s\"\n", call, cohort_status_name(got), cohort_last_error(), cohort_status_name(status), part);
}
#define EXPECT(call, status, part) expect(#call, call, COHORT_ERROR_##status, part)
#define TRY(call) do { if ((call) != COHORT_OK) { fprintf(stderr, "%s: %s\n", #call, cohort_last_error()); exit(1); } } while (0)

static cohort_handshake_t hs;
static int32_t nothing(cohort_context_t task, void *user) { (void)task; (void)user; return 0; }

static int32_t inside(cohort_context_t task, void *user) {
  cohort_view_t view; const void *p; size_t n; cohort_runtime_t rt = *(cohort_runtime_t *)user; cohort_context_t root;
  cohort_region_t region;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  EXPECT(cohort_view(task, 7, 0, COHORT_READ_ONLY, &view), INVALID_ARGUMENT, "requirement 7 of a task launched with 1");
  EXPECT(cohort_view(task, 0, 1, COHORT_READ_ONLY, &view), PRIVILEGE, "not among those of requirement 0");
  EXPECT(cohort_view(task, 0, 0, COHORT_READ_WRITE, &view), PRIVILEGE, "declared ReadOnly");
  EXPECT(cohort_view(task, 0, 0, 17, &view), INVALID_ARGUMENT, "privilege is 17");
  EXPECT(cohort_view(task, 0, 0, COHORT_READ_ONLY, NULL), INVALID_ARGUMENT, "pointer for the result is null");
  EXPECT(cohort_task_future(task, 0, &p, &n), INVALID_ARGUMENT, "future 0 of a task launched with 0");
  EXPECT(cohort_task_region(task, 3, &region), INVALID_ARGUMENT, "requirement 3");
  EXPECT(cohort_handoff_to_tasks(hs), WRONG_THREAD, "inside a task");
  EXPECT(cohort_wait_on_tasks(hs), WRONG_THREAD, "inside a task");
  EXPECT(cohort_handoff_to_host(task, hs), WRONG_ORDER, "before this side waited");
  TRY(cohort_root_context(rt, &root));
  EXPECT(cohort_task_args(root, &p, &n), WRONG_THREAD, "belongs to another thread");
  EXPECT(cohort_must_epoch(task, 0, &launch, NULL), WRONG_THREAD, "not the thread that called cohort_init");
  return 0;
}

static int released;

static void count_release(void *user) { ++*(int *)user; }

int main(void) {
  cohort_runtime_t rt = {0}, other; cohort_context_t ctx, null_ctx = {0}; cohort_index_space_t is, null_is = {0};
  cohort_field_space_t fs; cohort_region_t r, sub, null_region = {0}; cohort_partition_t blocks, null_blocks = {0};
  cohort_task_t task, body, null_task = {0}; cohort_future_t future; cohort_phase_barrier_t pb; cohort_collective_t coll;
  cohort_field_t f[3] = {0, 1, 99}; bool ready; uint32_t count; int32_t dim; double value = 1, array[10];
  int64_t lo = 0, hi = 9, stride = 8, zero = 0, twenty = 20, two = 2, minus = -1, many[3] = {0, 0, 0};
  const void *p; size_t n;
  cohort_config_t config = COHORT_CONFIG_INIT;

  EXPECT(cohort_rank(rt, &dim), INVALID_HANDLE, "runtime is the null handle");
  EXPECT(cohort_wait_all(null_ctx), WRONG_ORDER, "no runtime is running");
  EXPECT(cohort_init(NULL, NULL), INVALID_ARGUMENT, "pointer for the result is null");
  EXPECT(cohort_init_version(99, NULL, &rt), VERSION, "header of interface 99, and the library has interface");
  TRY(cohort_check_abi(COHORT_ABI)); EXPECT(cohort_check_abi(COHORT_ABI + 1), VERSION, "compile with the header of the library");
  config.size = 3; EXPECT(cohort_init(&config, &rt), VERSION, "COHORT_CONFIG_INIT"); config.size = sizeof config;
  config.workers = 0; EXPECT(cohort_init(&config, &rt), INVALID_ARGUMENT, "workers"); config.workers = 2;
  config.window = 1; EXPECT(cohort_init(&config, &rt), INVALID_ARGUMENT, "window"); config.window = 0;
  config.bind = 5; EXPECT(cohort_init(&config, &rt), INVALID_ARGUMENT, "bind"); config.bind = -1;
  config.on_error = 9; EXPECT(cohort_init(&config, &rt), INVALID_ARGUMENT, "on_error"); config.on_error = -1;
  EXPECT(cohort_set_on_error(4), INVALID_ARGUMENT, "on_error is 4");
  /* One worker apart from this thread, so that tasks run elsewhere. */
  config.workers = 1; config.host_helps = 0;
  TRY(cohort_init(&config, &rt)); TRY(cohort_root_context(rt, &ctx));
  EXPECT(cohort_init(NULL, &other), WRONG_ORDER, "running already");
  other.id = 5; EXPECT(cohort_size(other, &dim), INVALID_HANDLE, "not the handle of the running runtime");

  EXPECT(cohort_index_space_create(rt, 4, many, many, &is), INVALID_ARGUMENT, "dimension is 4");
  EXPECT(cohort_index_space_create(rt, 0, many, many, &is), INVALID_ARGUMENT, "dimension is 0");
  EXPECT(cohort_index_space_create(rt, 1, &hi, &lo, &is), BOUNDS, "lo must not exceed hi");
  EXPECT(cohort_index_space_create(rt, 1, NULL, &hi, &is), INVALID_ARGUMENT, "lo is null");
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &is)); TRY(cohort_field_space_create(rt, &fs));
  EXPECT(cohort_field_allocate(fs, 0, NULL, &f[0]), INVALID_ARGUMENT, "0 bytes");
  EXPECT(cohort_fields_allocate(fs, 8, 0, &f[0]), INVALID_ARGUMENT, "0 fields");
  EXPECT(cohort_fields_allocate(fs, 8, 1 << 20, &f[0]), OUT_OF_MEMORY, "fields");
  TRY(cohort_fields_allocate(fs, 8, 2, &f[0]));
  EXPECT(cohort_region_create(rt, null_is, fs, &r), INVALID_HANDLE, "index space is the null handle");
  { cohort_field_space_t foreign; foreign.id = is.id; EXPECT(cohort_region_create(rt, is, foreign, &r), INVALID_HANDLE, "handle of a"); }
  TRY(cohort_region_create(rt, is, fs, &r));
  EXPECT(cohort_region_bounds(null_region, &dim, many, many), INVALID_HANDLE, "region is the null handle");
  EXPECT(cohort_partition_blocks(r, &zero, &blocks), INVALID_ARGUMENT, "0 blocks");
  EXPECT(cohort_partition_blocks(r, &twenty, &blocks), INVALID_ARGUMENT, "20 blocks");
  EXPECT(cohort_partition_rects(r, 1, &lo, &twenty, &blocks), BOUNDS, "leaves the region");
  EXPECT(cohort_partition_rects(r, 0, &lo, &hi, &blocks), INVALID_ARGUMENT, "0 sub-regions");
  TRY(cohort_partition_blocks(r, &two, &blocks));
  EXPECT(cohort_partition_tiles_halo(blocks, &minus, &null_blocks), INVALID_ARGUMENT, "depth is -1");
  EXPECT(cohort_partition_count(null_blocks, &count), INVALID_HANDLE, "partition is the null handle");
  EXPECT(cohort_subregion(blocks, 2, &sub), BOUNDS, "colour 2");
  TRY(cohort_subregion(blocks, 0, &sub));
  EXPECT(cohort_detach(ctx, sub, 1, f), WRONG_ORDER, "not attached on region");
  EXPECT(cohort_attach(ctx, r, 1, f, NULL, &stride, 0), INVALID_ARGUMENT, "null");
  EXPECT(cohort_attach(ctx, r, 1, f, array, &zero, 0), INVALID_ARGUMENT, "stride of dimension 0 is 0");
  EXPECT(cohort_attach(ctx, r, 2, f, array, &stride, 0), INVALID_ARGUMENT, "overlap");
  EXPECT(cohort_attach(ctx, r, 1, &f[2], array, &stride, 0), INVALID_ARGUMENT, "field 99");
  EXPECT(cohort_attach(ctx, r, 0, f, array, &stride, 0), INVALID_ARGUMENT, "0 fields");
  EXPECT(cohort_attach(null_ctx, r, 1, f, array, &stride, 0), INVALID_HANDLE, "context is the null handle");
  EXPECT(cohort_detach(ctx, r, 1, f), WRONG_ORDER, "not attached");
  TRY(cohort_attach(ctx, r, 1, f, array, &stride, 0));
  EXPECT(cohort_attach(ctx, r, 1, f, array, &stride, 0), WRONG_ORDER, "attached already");
  EXPECT(cohort_fill(ctx, r, 1, f, &value, 4), INVALID_ARGUMENT, "4 bytes");
  EXPECT(cohort_fill(ctx, r, 1, f, NULL, 8), INVALID_ARGUMENT, "value is null");

  EXPECT(cohort_task_register(rt, NULL, nothing, NULL, 0, &task), INVALID_ARGUMENT, "name is null");
  EXPECT(cohort_task_register(rt, "t", NULL, NULL, 0, &task), INVALID_ARGUMENT, "function is null");
  EXPECT(cohort_task_register(rt, "t", nothing, NULL, 8, &task), INVALID_ARGUMENT, "flags is 0x8");
  TRY(cohort_task_register(rt, "nothing", nothing, NULL, COHORT_TASK_LEAF, &task));
  TRY(cohort_task_register(rt, "inside", inside, &rt, 0, &body));
  EXPECT(cohort_task_variant(task, 7, nothing, NULL), INVALID_ARGUMENT, "processor is 7");
  EXPECT(cohort_task_variant(task, COHORT_PROC_CPU, nothing, NULL), WRONG_ORDER, "already");
  EXPECT(cohort_task_variant(task, COHORT_PROC_ANY, nothing, NULL), INVALID_ARGUMENT, "one kind of processor");

  cohort_launch_t l = COHORT_LAUNCH_INIT;
  cohort_requirement_t q[2] = {{.region = r, .fields = f, .field_count = 1, .privilege = COHORT_READ_ONLY}, {.region = r, .fields = f, .field_count = 1, .privilege = COHORT_READ_WRITE}};
  EXPECT(cohort_launch(ctx, NULL, NULL), INVALID_ARGUMENT, "launch is null");
  l.task = null_task; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_HANDLE, "task is the null handle"); l.task = task;
  l.size = 1; EXPECT(cohort_launch(ctx, &l, NULL), VERSION, "COHORT_LAUNCH_INIT"); l.size = sizeof l;
  l.processor = 9; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "processor is 9"); l.processor = 0;
  l.args_size = 8; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "args is null"); l.args_size = 0;
  l.requirement_count = 1; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "requirements is null"); l.requirements = q;
  q[0].privilege = 8; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "privilege is 8"); q[0].privilege = COHORT_READ_ONLY;
  q[0].coherence = 8; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "coherence is 8"); q[0].coherence = 0;
  q[0].reduction = COHORT_SUM; q[0].reduction_type = 0; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "type is 0");
  q[0].reduction_type = COHORT_DOUBLE; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "COHORT_REDUCE");
  q[0].privilege = COHORT_REDUCE; q[0].reduction_type = COHORT_FLOAT; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "4 bytes");
  q[0].reduction = COHORT_MIN; q[0].reduction_type = COHORT_FLOAT_COMPLEX; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "no order");
  q[0].privilege = COHORT_READ_ONLY; q[0].reduction = q[0].reduction_type = 0;
  q[0].field_count = 0; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "0 fields"); q[0].field_count = 1;
  q[0].fields = &f[2]; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "field 99"); q[0].fields = f;
  q[0].partition = blocks; EXPECT(cohort_launch(ctx, &l, NULL), INVALID_ARGUMENT, "cohort_index_launch"); q[0].partition.id = 0;
  l.requirement_count = 2; EXPECT(cohort_launch(ctx, &l, NULL), INTERFERENCE, "requirements 0 and 1"); l.requirement_count = 1;
  EXPECT(cohort_index_launch(ctx, &l, 0, 0, 0, NULL), INVALID_ARGUMENT, "0 points");
  EXPECT(cohort_index_launch(ctx, &l, 2, COHORT_SUM, COHORT_DOUBLE, NULL), INVALID_ARGUMENT, "go together");
  q[0].partition = blocks; EXPECT(cohort_index_launch(ctx, &l, 3, 0, 0, NULL), BOUNDS, "colour 2"); q[0].partition.id = 0;
  q[0].privilege = COHORT_READ_WRITE; EXPECT(cohort_index_launch(ctx, &l, 2, 0, 0, NULL), INTERFERENCE, "disjoint"); q[0].privilege = COHORT_READ_ONLY;
  EXPECT(cohort_task_args(ctx, &p, &n), WRONG_ORDER, "root context");
  TRY(cohort_future_value(rt, &value, 8, &future));
  EXPECT(cohort_future_get(future, &value, 4), INVALID_ARGUMENT, "8 bytes");
  EXPECT(cohort_future_get(future, NULL, 8), INVALID_ARGUMENT, "result is null");
  { cohort_future_t stale = future; TRY(cohort_future_destroy(&future)); EXPECT(cohort_future_test(stale, &ready), INVALID_HANDLE, "no longer exists"); }

  EXPECT(cohort_handshake_create(rt, 0, 1, 0, &hs), INVALID_ARGUMENT, "0 host participants");
  EXPECT(cohort_handshake_create(rt, 1, 1, 7, &hs), INVALID_ARGUMENT, "first is 7");
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));
  EXPECT(cohort_wait_on_tasks(hs), WRONG_ORDER, "before this side handed off");
  EXPECT(cohort_test_on_tasks(hs, &ready), WRONG_ORDER, "before this side handed off");
  EXPECT(cohort_wait_on_host(ctx, hs), WRONG_ORDER, "root context");
  EXPECT(cohort_handshake_advance(ctx, hs), WRONG_ORDER, "phase 0 is not over");
  TRY(cohort_handoff_to_tasks(hs));
  EXPECT(cohort_handoff_to_tasks(hs), WRONG_ORDER, "a second hand-off in phase 0");
  EXPECT(cohort_wait_on_tasks_for(hs, -1), INVALID_ARGUMENT, "-1 seconds");
  EXPECT(cohort_wait_on_tasks_for(hs, 0.001), TIMEOUT, "has not handed off");
  EXPECT(cohort_must_epoch(ctx, 0, NULL, NULL), INVALID_ARGUMENT, "0 members");
  { cohort_launch_t two_members[2]; two_members[0] = two_members[1] = l;
    EXPECT(cohort_must_epoch(ctx, 2, two_members, NULL), RESOURCES, "2 members on a rank with 1"); }
  EXPECT(cohort_phase_barrier_create(rt, 0, &pb), INVALID_ARGUMENT, "0 arrivals");
  TRY(cohort_phase_barrier_create(rt, 1, &pb));
  EXPECT(cohort_phase_barrier_arrive(pb, 2), WRONG_ORDER, "2 arrivals at phase 0, which expects 1");
  EXPECT(cohort_phase_barrier_arrive(pb, 0), INVALID_ARGUMENT, "0 arrivals");
  EXPECT(cohort_phase_barrier_alter_arrivals(pb, -1), WRONG_ORDER, "expects 0");
  TRY(cohort_phase_barrier_arrive(pb, 1));
  EXPECT(cohort_phase_barrier_arrive(pb, 1), WRONG_ORDER, "phase 0 is complete already");
  EXPECT(cohort_collective_create(rt, 0, COHORT_SUM, COHORT_DOUBLE, &coll), INVALID_ARGUMENT, "0 arrivals");
  EXPECT(cohort_collective_create(rt, 1, COHORT_REDUCTION_NONE, COHORT_DOUBLE, &coll), INVALID_ARGUMENT, "COHORT_REDUCTION_NONE");
  EXPECT(cohort_collective_create(rt, 1, COHORT_MAX, COHORT_DOUBLE_COMPLEX, &coll), INVALID_ARGUMENT, "complex numbers have no order");
  TRY(cohort_collective_create(rt, 1, COHORT_SUM, COHORT_DOUBLE, &coll));
  EXPECT(cohort_collective_arrive(coll, NULL), INVALID_ARGUMENT, "null");
  EXPECT(cohort_collective_future(ctx, coll, &future), WRONG_ORDER, "no phase was before it");
  value = 3; TRY(cohort_collective_arrive(coll, &value));
  EXPECT(cohort_collective_arrive(coll, &value), WRONG_ORDER, "phase 0 is complete already");
  TRY(cohort_collective_destroy(&coll));
  EXPECT(cohort_collective_arrive(coll, &value), INVALID_HANDLE, "null");

  /* The same objects still serve a correct program. */
  l.task = body;
  TRY(cohort_launch(ctx, &l, NULL)); TRY(cohort_wait_all(ctx));
  value = 3; TRY(cohort_fill(ctx, r, 1, f, &value, 8)); TRY(cohort_detach(ctx, r, 1, f));
  for (int i = 0; i < 10; i++) if (array[i] != 3) { fprintf(stderr, "array[%d] is %g\n", i, array[i]); wrong++; }
  for (int i = 0; i < 3; i++) TRY(cohort_release_at_end(&released, count_release));
  EXPECT(cohort_release_at_end(&released, NULL), INVALID_ARGUMENT, "release is null");
  if (released != 0) { fprintf(stderr, "released before the end\n"); wrong++; }
  TRY(cohort_finalize(&rt)); TRY(cohort_finalize(&rt));
  if (released != 3) { fprintf(stderr, "%d of 3 released at the end\n", released); wrong++; }
  printf("%s: %d wrong calls\n", wrong ? "FAILED" : "PASSED", checked);
  return wrong != 0;
}
