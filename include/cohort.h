/* Cohort: Legion-style tasks for existing MPI, Fortran and C codes. Generated from src/ffi; do not edit.
 *
 * Every function returns a status unless it says otherwise, and gives its result through its last argument;
 * cohort_last_error() says why a status is not COHORT_OK: the function, the value, the rule, the fix. Handles are one
 * word; 0 is the null handle, and a stale handle is an error. A function that destroys takes the handle's address, clears it, and
 * accepts a null handle. Structs that callers fill begin with their size and have an _INIT macro. There is one runtime in a
 * process.
 *
 * Besides the errors that a function names: functions that wait, cohort_finalize among them, return COHORT_ERROR_PEER_LOST from when
 * another rank of the node is gone, and COHORT_ERROR_MPI from when MPI has refused a message. Functions that launch, make or compare
 * something return COHORT_ERROR_RESOURCES where the system has no memory for that. They have changed nothing then, but for an index launch
 * whose first points are launched: the text says how many.
 *
 * Threads: a function that takes a context is called on the context's thread: with the root context on the thread that called
 * cohort_init, the MPI thread; with a task's context in the body of the task. All others may be called on any thread, at the same
 * time, unless they say otherwise. Pointers that are passed are borrowed for the call; what is kept is copied. */
#ifndef COHORT_H
#define COHORT_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Stands for every declaration in this header; `cohort_init` compares it with the library's.
 */
#define COHORT_ABI 1798641460

/**
 * Flag of a mapper: its callbacks are called by one thread at a time.
 */
#define COHORT_MAPPER_SERIALISED 1

/**
 * The task launches nothing and waits for nothing, so it may run on the stack of a thread that waits.
 */
#define COHORT_TASK_LEAF 1

/**
 * The task runs on the MPI thread only, whatever processor a launch asks for: its body is not thread-safe, or calls MPI.
 */
#define COHORT_TASK_MPI_THREAD 2

/**
 * Of a requirement that reduces: contributions are folded in in whatever order the tasks end, by fewer operations and in less
 * memory than in program order, in which a sum's last digits are the same in every run.
 */
#define COHORT_FOLD_ANY_ORDER 1

/**
 * In `flags` of an index launch: all points run at the same time, each on a thread of its own, so that they may wait for
 * each other, by phase barriers say.
 */
#define COHORT_LAUNCH_CONCURRENT 1

/**
 * Version of this header: major * 10000 + minor * 100 + patch.
 */
#define COHORT_VERSION 100

/**
 * Values of gather and scatter that name points elsewhere are passed over; otherwise the copy fails, and copies nothing.
 */
#define COHORT_COPY_SKIP_OUT_OF_RANGE 1

/**
 * A place with larger strides, such as a part of a larger array, will not do.
 */
#define COHORT_LAYOUT_EXACT 1

/**
 * Characters of `cohort_copied_t.why`.
 */
#define COHORT_COPIED_TEXT 232

/**
 * What every function returns; `COHORT_OK` is 0.
 */
typedef int32_t cohort_status_t;

/**
 * The runtime of this process.
 */
typedef struct {
  uint64_t id;
} cohort_runtime_t;

/**
 * A barrier and one of its phases. Plain bytes: may be sent to other ranks.
 */
typedef struct {
  uint64_t id;
  uint64_t phase;
} cohort_phase_barrier_t;

/**
 * Where operations are launched: the root context, or a task that runs.
 */
typedef struct {
  uint64_t id;
} cohort_context_t;

typedef int32_t cohort_reduction_t;

typedef int32_t cohort_type_t;

/**
 * A dynamic collective and one of its phases. Plain bytes as well.
 */
typedef struct {
  uint64_t id;
  uint64_t phase;
} cohort_collective_t;

/**
 * A value that an operation will have.
 */
typedef struct {
  uint64_t id;
} cohort_future_t;

/**
 * A kind of task.
 */
typedef struct {
  uint64_t id;
} cohort_task_t;

/**
 * Kinds of devices.
 */
typedef int32_t cohort_device_api_t;

/**
 * A kernel for devices; fill with COHORT_KERNEL_INIT, then set what matters. All that it points to is copied.
 */
typedef struct {
  size_t size;
  /**
   * Its text, CUDA C, OpenCL C or PTX, after which cohort_kernel.h need not be included; or NULL.
   */
  const char *source;
  /**
   * The file that the text is in; with `source` what messages call it.
   */
  const char *file;
  /**
   * The kernel's name in the text.
   */
  const char *name;
  /**
   * For the compiler, separated by blanks; or NULL.
   */
  const char *options;
  /**
   * Work items of a group, by dimension; zeros leave it to the driver.
   */
  uint32_t block[3];
  /**
   * The requirement that has a work item for each point of its bounds.
   */
  uint32_t grid_requirement;
  /**
   * COHORT_DEVICE_ANY: for devices of any kind.
   */
  cohort_device_api_t api;
} cohort_kernel_t;

/**
 * The device on which a task runs, for its function: handles of the driver's own.
 */
typedef struct {
  size_t size;
  cohort_device_api_t api;
  uint32_t number;
  /**
   * CUdevice or cl_device_id.
   */
  void *device;
  /**
   * CUcontext or cl_context.
   */
  void *context;
  /**
   * CUstream or cl_command_queue.
   */
  void *stream;
} cohort_device_t;

/**
 * The body of a task on a device: enqueues its work on the device's stream and returns. `task` and `device` are valid until it returns.
 */
typedef int32_t (*cohort_device_function_t)(cohort_context_t task, const cohort_device_t *device, void *user);

/**
 * A field's number inside its field space.
 */
typedef uint32_t cohort_field_t;

/**
 * What a task may do with the fields of a requirement.
 */
typedef int32_t cohort_privilege_t;

/**
 * The data of one field of a requirement on a device.
 */
typedef struct {
  /**
   * CUdeviceptr or cl_mem.
   */
  void *base;
  /**
   * Bytes from there to the element at `lo`.
   */
  uint64_t offset;
  int32_t dim;
  int64_t lo[3];
  int64_t hi[3];
  /**
   * Bytes from a point to its successor in each dimension.
   */
  int64_t stride[3];
} cohort_device_view_t;

/**
 * Points with fields: a root region, or a sub-region.
 */
typedef struct {
  uint64_t id;
} cohort_region_t;

/**
 * Sub-regions of a region, by colour.
 */
typedef struct {
  uint64_t id;
} cohort_partition_t;

/**
 * Which sub-region of a requirement's partition a point of an index launch gets: one of these, or what
 * cohort_projection_register gave.
 */
typedef uint32_t cohort_projection_t;

/**
 * Fields of a region that a task uses, and how. In an index launch `partition` may be given instead of `region`:
 * each point gets the sub-region that `projection` says.
 */
typedef struct {
  cohort_region_t region;
  cohort_partition_t partition;
  /**
   * Borrowed for the call.
   */
  const cohort_field_t *fields;
  uint32_t field_count;
  int32_t privilege;
  int32_t coherence;
  /**
   * COHORT_SUM and the like with a type, or what `cohort_reduction_register` gave with COHORT_TYPE_NONE.
   */
  int32_t reduction;
  int32_t reduction_type;
  cohort_projection_t projection;
  /**
   * With COHORT_PROJECTION_OFFSET.
   */
  int64_t projection_offset;
  /**
   * 0 or COHORT_FOLD_ANY_ORDER.
   */
  uint32_t flags;
} cohort_requirement_t;

/**
 * The host and the tasks taking turns.
 */
typedef struct {
  uint64_t id;
} cohort_handshake_t;

/**
 * The values that the points of an index launch will have.
 */
typedef struct {
  uint64_t id;
} cohort_future_map_t;

/**
 * A truth value that operations will have, and that decides whether others do their work.
 */
typedef struct {
  uint64_t id;
} cohort_predicate_t;

/**
 * A launch; fill with COHORT_LAUNCH_INIT, then set what matters. All that it points to is borrowed for the call.
 */
typedef struct {
  size_t size;
  cohort_task_t task;
  const void *args;
  size_t args_size;
  const cohort_requirement_t *requirements;
  uint32_t requirement_count;
  const cohort_future_t *futures;
  uint32_t future_count;
  const cohort_phase_barrier_t *wait_barriers;
  uint32_t wait_barrier_count;
  const cohort_phase_barrier_t *arrive_barriers;
  uint32_t arrive_barrier_count;
  const cohort_handshake_t *wait_handshakes;
  uint32_t wait_handshake_count;
  const cohort_handshake_t *arrive_handshakes;
  uint32_t arrive_handshake_count;
  int32_t processor;
  /**
   * 0 or COHORT_LAUNCH_CONCURRENT.
   */
  uint32_t flags;
  /**
   * Of an index launch: point p is given the future of point p of each, after `futures`.
   */
  uint32_t future_map_count;
  const cohort_future_map_t *future_maps;
  /**
   * Unless it is null: if it does not hold, the task does not run and has the false result. Its dependences, waits and
   * arrivals stay.
   */
  cohort_predicate_t predicate;
  const void *false_result;
  size_t false_result_size;
} cohort_launch_t;

/**
 * Where the data of one field lies.
 */
typedef struct {
  /**
   * The element at `lo`.
   */
  void *base;
  int32_t dim;
  /**
   * Bounds, both ends included.
   */
  int64_t lo[3];
  int64_t hi[3];
  /**
   * Bytes from one element to the next in each dimension.
   */
  int64_t stride[3];
  /**
   * 0, or the points of a block, along dimension `block_dim` (from 0): the element i points from `lo` in that dimension, with
   * k = i + block_offset, lies (k / block) * block_stride + (k % block - block_offset) * stride[block_dim] bytes from the
   * first, and the other dimensions add their strides.
   */
  int64_t block;
  int64_t block_stride;
  int64_t block_offset;
  int32_t block_dim;
} cohort_view_t;

/**
 * A rectangle of points.
 */
typedef struct {
  uint64_t id;
} cohort_index_space_t;

/**
 * The fields that points have.
 */
typedef struct {
  uint64_t id;
} cohort_field_space_t;

/**
 * What another rank needs to name a ghost region of this one. Plain bytes.
 */
typedef struct {
  uint64_t words[32];
} cohort_ghost_t;

/**
 * An explicit copy; fill with COHORT_COPY_INIT, then set what matters. All that it points to is borrowed for the call.
 */
typedef struct {
  size_t size;
  cohort_region_t source;
  cohort_region_t destination;
  const cohort_field_t *source_fields;
  const cohort_field_t *destination_fields;
  uint32_t field_count;
  /**
   * Destination point = source point + shift.
   */
  int64_t shift[3];
  const cohort_phase_barrier_t *wait_barriers;
  uint32_t wait_barrier_count;
  const cohort_phase_barrier_t *arrive_barriers;
  uint32_t arrive_barrier_count;
  /**
   * Unless it is null: if it does not hold, nothing is done but to wait and to arrive.
   */
  cohort_predicate_t predicate;
  /**
   * Unless it is null: the element at each of its points comes from the source's point that the field names there. A point is as
   * many integers of 4 or of 8 bytes as it has coordinates, with bounds as in the source. Without it, from the point itself.
   */
  cohort_region_t gather;
  cohort_field_t gather_field;
  /**
   * Likewise the point of the destination that the element goes to.
   */
  cohort_region_t scatter;
  cohort_field_t scatter_field;
  /**
   * COHORT_COPY_SKIP_OUT_OF_RANGE or 0, of copies with gather or scatter.
   */
  uint32_t flags;
  /**
   * Unless it is COHORT_REDUCTION_NONE: elements are folded into those of the destination. With gather or scatter.
   */
  int32_t reduction;
  int32_t reduction_type;
} cohort_copy_t;

/**
 * An acquire or a release; fill with COHORT_SYNC_INIT, then set what matters.
 */
typedef struct {
  size_t size;
  cohort_region_t region;
  const cohort_field_t *fields;
  uint32_t field_count;
  const cohort_phase_barrier_t *wait_barriers;
  uint32_t wait_barrier_count;
  const cohort_phase_barrier_t *arrive_barriers;
  uint32_t arrive_barrier_count;
  /**
   * Unless it is null: if it does not hold, nothing is done but to wait and to arrive.
   */
  cohort_predicate_t predicate;
} cohort_sync_t;

/**
 * This rank's block of a block decomposition and its neighbours; fill with COHORT_HALO_OPTIONS_INIT, then set what matters.
 */
typedef struct {
  size_t size;
  int32_t dim;
  /**
   * The points of the block, both ends included, in whatever numbering this rank uses.
   */
  int64_t lo[3];
  int64_t hi[3];
  /**
   * Ghost points beyond a face, by dimension; 0: none.
   */
  int64_t depth[3];
  /**
   * Ranks beyond -x, +x, -y, +y, -z, +z; -1: none.
   */
  int32_t neighbours[6];
  /**
   * Fields that the ghost regions have room for, and the size of each.
   */
  uint32_t field_count;
  size_t field_bytes;
} cohort_halo_options_t;

/**
 * The ghost regions around a block.
 */
typedef struct {
  uint64_t id;
} cohort_halo_t;

typedef int32_t cohort_side_t;

/**
 * A region's data in the hands of the program or of a task.
 */
typedef struct {
  uint64_t id;
} cohort_mapping_t;

/**
 * How fields are laid out in memory; fill with COHORT_LAYOUT_INIT (structure of arrays, Fortran order), then set what matters.
 */
typedef struct {
  size_t size;
  int32_t order;
  int32_t grouping;
  /**
   * Points in a block; 0 unless the grouping is COHORT_BLOCKED.
   */
  uint32_t block;
  /**
   * Points of room beyond the last, by dimension.
   */
  uint32_t padding[3];
  /**
   * 0 or COHORT_LAYOUT_EXACT.
   */
  uint32_t flags;
  /**
   * What the addresses of arrays (of blocks, in COHORT_BLOCKED) are multiples of: a power of two; 0: does not matter.
   */
  uint64_t alignment;
} cohort_layout_t;

typedef int32_t cohort_processor_t;

/**
 * What was copied because data lay in another layout or memory than a task or its mapper asked for.
 */
typedef struct {
  /**
   * Copies made; of one requirement 0 or 1.
   */
  uint64_t copies;
  /**
   * Bytes copied before tasks ran, and after.
   */
  uint64_t bytes_in;
  uint64_t bytes_out;
  /**
   * Why the (first) copy was made; empty without one.
   */
  char why[COHORT_COPIED_TEXT];
} cohort_copied_t;

/**
 * Something that runs tasks: the MPI thread, a worker thread, or a device.
 */
typedef struct {
  size_t size;
  /**
   * From 0 on, the MPI thread first, devices last.
   */
  int32_t number;
  /**
   * COHORT_PROC_MPI, COHORT_PROC_CPU or COHORT_PROC_DEVICE.
   */
  int32_t kind;
  /**
   * 1 if tasks of any kind run here; 0 for an MPI thread that was told not to help, and for a device.
   */
  int32_t helps;
  /**
   * The system's processor on which alone it runs; -1 if it may run on several.
   */
  int32_t cpu;
  /**
   * The NUMA node in which it runs; -1 if it may run in several. Of a device: the nearest, if that is known.
   */
  int32_t numa_node;
  /**
   * The memory that is its own, by its number in cohort_machine_memories: a device's, or that of `numa_node`; -1: none.
   */
  int32_t memory;
  /**
   * COHORT_DEVICE_CUDA or COHORT_DEVICE_OPENCL of a device, else COHORT_DEVICE_ANY.
   */
  int32_t api;
  /**
   * A device's name, as its driver says it; empty for others. The runtime's.
   */
  const char *name;
} cohort_processor_info_t;

/**
 * A kind of memory.
 */
typedef int32_t cohort_memory_t;

/**
 * A memory.
 */
typedef struct {
  size_t size;
  /**
   * From 0 on.
   */
  int32_t number;
  /**
   * COHORT_MEMORY_SYSTEM, COHORT_MEMORY_SHARED, COHORT_MEMORY_DEVICE or COHORT_MEMORY_ZERO_COPY.
   */
  int32_t kind;
  /**
   * -1 for node-shared memory, whose pages lie where they are touched first, and for memory that devices use in place.
   */
  int32_t numa_node;
  uint64_t bytes;
  /**
   * Bytes that can be had now.
   */
  uint64_t available;
} cohort_memory_info_t;

/**
 * How fast a processor reaches a memory.
 */
typedef struct {
  size_t size;
  /**
   * Bytes that one thread reads in a second.
   */
  double bandwidth;
  /**
   * Seconds from a load to its value, for a line that is in no cache.
   */
  double latency;
} cohort_affinity_t;

/**
 * Where a rank is.
 */
typedef struct {
  size_t size;
  int32_t rank;
  /**
   * From 0 on, in the order of the nodes' first ranks.
   */
  int32_t node;
  /**
   * 1 for the ranks of this rank's node, itself included.
   */
  int32_t same_node;
  /**
   * 1 if this rank reaches that one's node-shared memory: COHORT_FORCE_MESSAGES gives it up.
   */
  int32_t shares_memory;
  /**
   * The NUMA node in which its workers run; -1 if they may run in several.
   */
  int32_t numa_node;
  /**
   * Processors that run its tasks, as cohort_workers says there.
   */
  int32_t workers;
} cohort_rank_info_t;

/**
 * What a mapper is told of a requirement.
 */
typedef struct {
  int32_t dim;
  /**
   * Bounds of the region, both ends included. Of an index launch that is being sliced: of what holds the points' regions.
   */
  int64_t lo[3];
  int64_t hi[3];
  /**
   * Points of the region.
   */
  uint64_t volume;
  const cohort_field_t *fields;
  uint32_t field_count;
  int32_t privilege;
  int32_t coherence;
  /**
   * The worker that ran a task on the region last; -1: none that is known.
   */
  int32_t worker;
  /**
   * Of the fields at the region's points.
   */
  uint64_t bytes;
  /**
   * Whether `map_task` can choose a layout: the task is a leaf, asks for none itself, and may work on a copy.
   */
  bool layout_is_open;
} cohort_requirement_info_t;

/**
 * What a mapper is told of a task. `name` and the arrays are valid during the call.
 */
typedef struct {
  cohort_task_t task;
  const char *name;
  /**
   * Which point of its index launch or must epoch it is, and how many there are.
   */
  uint32_t point;
  uint32_t points;
  const void *args;
  size_t args_size;
  const cohort_requirement_info_t *requirements;
  uint32_t requirement_count;
  /**
   * Where it runs unless the mapper says something else.
   */
  int32_t processor;
  /**
   * Kinds of processors for which it has a body of its own: bit COHORT_PROC_CPU, bit COHORT_PROC_MPI, bit COHORT_PROC_DEVICE.
   */
  uint32_t variants;
  bool leaf;
  /**
   * Whether the launch leaves the kind of processor open.
   */
  bool processor_is_open;
  /**
   * Whether `run_inline` can be chosen: the launch waits for no barrier or handshake, which its own thread may have to reach.
   */
  bool may_run_inline;
  /**
   * The devices of this rank that can run it, by their numbers in cohort_machine_processors.
   */
  const int32_t *devices;
  uint32_t device_count;
} cohort_task_info_t;

/**
 * `processor` is COHORT_PROC_CPU, COHORT_PROC_MPI or COHORT_PROC_DEVICE; where the launch names one, no other. `priority` is -7 to 7: of ready tasks
 * those of higher priority run first. `run_inline` 1: the launching thread runs the task itself before the launch returns. `replay` 1:
 * these options, and what `map_task` says of this task, hold for later launches of the task and point in the same context with the
 * same requirements, and nobody is asked again until a `cohort_mapper_use`; 0: each launch asks. `device`, of a task for COHORT_PROC_DEVICE: one of
 * the task's `devices`, on which it runs if it fits there; -1: the one that has most of its data, and then the fewest tasks.
 */
typedef struct {
  int32_t processor;
  int32_t priority;
  int32_t run_inline;
  int32_t replay;
  int32_t device;
} cohort_task_options_t;

/**
 * When a task is launched, on the launching thread.
 */
typedef int32_t (*cohort_select_task_options_t)(const cohort_task_info_t *task,
                                                cohort_task_options_t *options,
                                                void *user);

/**
 * Points first .. first + count - 1, for `worker`, or for any: -1.
 */
typedef struct {
  uint32_t first;
  uint32_t count;
  int32_t worker;
} cohort_slice_t;

/**
 * The slices of an index launch: `count` of them, at most `capacity`, cover every point once.
 */
typedef struct {
  cohort_slice_t *slices;
  uint32_t capacity;
  uint32_t count;
} cohort_slices_t;

/**
 * When an index launch begins, on the launching thread.
 */
typedef int32_t (*cohort_slice_index_launch_t)(const cohort_task_info_t *task, cohort_slices_t *slices, void *user);

/**
 * Where the data of a requirement is to lie: `memory` of the list of cohort_machine_memories, on this rank; -1: where it is. Tasks of
 * the host use memories of NUMA nodes (COHORT_MEMORY_SYSTEM), a task on a device has its data in that device's memory, or in place in
 * that of kind COHORT_MEMORY_ZERO_COPY (-1: if its fields were given such memory). Data that
 * lies in another node's memory is worked on in a copy, as with a layout, by leaves alone, and never where others use it at the
 * same time: else it stays where it is. Data that nobody has written comes to lie there. And
 * how: `layout` (valid until the callback returns; NULL: as it does). The task then works on a copy in that layout; a body that
 * does not use the strides that cohort_view gives says what it needs by cohort_task_layout, and no mapper chooses for it.
 */
typedef struct {
  int32_t rank;
  int32_t memory;
  const cohort_layout_t *layout;
} cohort_requirement_mapping_t;

/**
 * Where a task runs. `worker`: a processor's number, which is a preference, as workers with nothing else to do take what was
 * meant for others; -1: any. Of a task on a device both are the device's, and no other.
 */
typedef struct {
  int32_t processor;
  int32_t worker;
  int32_t priority;
  uint32_t requirement_count;
  cohort_requirement_mapping_t *requirements;
} cohort_task_mapping_t;

/**
 * When a task is ready to run, on the thread that made it ready; of a task on a device, on that device's thread.
 */
typedef int32_t (*cohort_map_task_t)(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user);

/**
 * What a mapper is told of an explicit copy.
 */
typedef struct {
  cohort_requirement_info_t source;
  cohort_requirement_info_t destination;
} cohort_copy_info_t;

typedef struct {
  int32_t worker;
  int32_t priority;
} cohort_copy_mapping_t;

/**
 * When an explicit copy is launched.
 */
typedef int32_t (*cohort_map_copy_t)(const cohort_copy_info_t *copy, cohort_copy_mapping_t *mapping, void *user);

/**
 * Where a member of a must epoch runs: on its own rank.
 */
typedef struct {
  int32_t rank;
} cohort_member_mapping_t;

/**
 * When a must epoch is launched: this rank's members and where they run.
 */
typedef int32_t (*cohort_map_must_epoch_t)(const cohort_task_info_t *members,
                                           uint32_t count,
                                           cohort_member_mapping_t *mapping,
                                           void *user);

/**
 * The task of a context; for the program outside of tasks the null handle, and an empty name.
 */
typedef struct {
  cohort_task_t task;
  const char *name;
} cohort_context_info_t;

/**
 * When the program asks for a tunable; `value` starts as the program's default.
 */
typedef int32_t (*cohort_select_tunable_t)(const cohort_context_info_t *context,
                                           const char *name,
                                           int64_t *value,
                                           void *user);

/**
 * When a context first launches: how many of its operations may be outstanding, 4 to 1000000.
 */
typedef int32_t (*cohort_configure_context_t)(const cohort_context_info_t *context, int64_t *window, void *user);

/**
 * What was measured of a task that ran. Times are nanoseconds of CLOCK_MONOTONIC.
 */
typedef struct {
  cohort_task_t task;
  const char *name;
  uint32_t point;
  int32_t processor;
  /**
   * -1: no worker, as a member of a must epoch.
   */
  int32_t worker;
  uint64_t start;
  uint64_t stop;
} cohort_report_t;

/**
 * When a task has run, on the thread that ran it.
 */
typedef void (*cohort_report_times_t)(const cohort_report_t *report, void *user);

/**
 * When the task of `context`, or the program, maps data inline. Of what is chosen counts the memory of data that nobody has written.
 */
typedef int32_t (*cohort_map_inline_t)(const cohort_context_info_t *context,
                                       const cohort_requirement_info_t *requirement,
                                       cohort_requirement_mapping_t *mapping,
                                       void *user);

/**
 * A memory that holds data which is to be copied, by its number in cohort_machine_memories, and how much of it.
 */
typedef struct {
  int32_t memory;
  uint64_t bytes;
} cohort_copy_source_t;

/**
 * Data that has to be copied before an operation can run, and that is valid in several memories. The host's memories count as one,
 * with the number of the first.
 */
typedef struct {
  /**
   * The null handle for an operation that is no task; `name` is then what it is: copy, fold, operation.
   */
  cohort_task_t task;
  const char *name;
  /**
   * Which of the operation's requirements it is, from 0.
   */
  uint32_t number;
  cohort_requirement_info_t requirement;
  /**
   * The memory to which it is copied.
   */
  int32_t destination;
  /**
   * How much is to be copied.
   */
  uint64_t bytes;
  /**
   * From where it can be, nearest first.
   */
  const cohort_copy_source_t *sources;
  uint32_t source_count;
} cohort_sources_info_t;

/**
 * The memories of all sources, by number, each once: what the first has is copied from there, the rest from the next. `count` stays
 * what it is.
 */
typedef struct {
  int32_t *memories;
  uint32_t count;
} cohort_source_order_t;

/**
 * When data is about to be copied that is valid in several memories, on the thread that copies: a device's, for a task there, else one
 * of a worker. `order` starts as the sources are listed.
 */
typedef int32_t (*cohort_rank_copy_sources_t)(const cohort_sources_info_t *copy,
                                              cohort_source_order_t *order,
                                              void *user);

/**
 * A mapper; fill with COHORT_MAPPER_INIT, then set the callbacks that it has. They are called on any thread, at the same time
 * unless `flags` says COHORT_MAPPER_SERIALISED. They choose and return: launching or waiting in one is an error (WRONG_ORDER).
 * One that returns 0 has chosen; anything else is "no choice". A choice that makes no sense is told on stderr and counted, and
 * what holds without the mapper holds.
 */
typedef struct {
  size_t size;
  /**
   * Handed to every callback; the caller's, until cohort_finalize.
   */
  void *user;
  uint32_t flags;
  cohort_select_task_options_t select_task_options;
  cohort_slice_index_launch_t slice_index_launch;
  cohort_map_task_t map_task;
  cohort_map_copy_t map_copy;
  cohort_map_must_epoch_t map_must_epoch;
  cohort_select_tunable_t select_tunable;
  cohort_configure_context_t configure_context;
  cohort_report_times_t report;
  cohort_map_inline_t map_inline;
  cohort_rank_copy_sources_t rank_copy_sources;
} cohort_mapper_t;

/**
 * A mapper that was registered.
 */
typedef struct {
  uint64_t id;
} cohort_mapper_handle_t;

/**
 * The colour of the sub-region that point `point` of `points` gets. Called on the launching thread, for each point of a
 * launch once; the same arguments give the same colour.
 */
typedef int64_t (*cohort_projection_function_t)(uint32_t point, uint32_t points, void *user);

/**
 * `into[i] = into[i] op from[i]` for `count` elements that lie side by side. Runs on any thread, several at a time.
 */
typedef void (*cohort_fold_function_t)(void *into, const void *from, size_t count, void *user);

/**
 * Settings; fill with COHORT_CONFIG_INIT, then set what matters. What is left open comes from the environment
 * (docs/environment.md), then from defaults.
 */
typedef struct {
  size_t size;
  /**
   * Processors that run tasks, the waiting MPI thread included; -1: one for each core of the process's mask.
   */
  int32_t workers;
  /**
   * Whether the MPI thread runs tasks while it waits; -1: yes.
   */
  int32_t host_helps;
  /**
   * Whether workers are bound to cores; -1: default.
   */
  int32_t bind;
  /**
   * Operations outstanding in one context before a launch waits; 0: default.
   */
  uint32_t window;
  /**
   * How long an idle worker spins before it sleeps; -1: default.
   */
  int32_t spin_microseconds;
  /**
   * Stack of a thread that runs tasks; 0: default.
   */
  uint64_t task_stack_bytes;
  /**
   * Time without progress after which the watchdog reports; 0: off.
   */
  double watchdog_seconds;
  /**
   * 1: ranks of one node use messages instead of shared memory; -1: no.
   */
  int32_t force_messages;
  /**
   * Node-shared memory for ghost regions and barriers of this rank; 0: default.
   */
  uint64_t shared_bytes;
  /**
   * What an error does besides being returned: 0 nothing, 1 prints, 2 prints and aborts; -1: default.
   */
  int32_t on_error;
} cohort_config_t;

/**
 * Frees what `user` points to. Runs on the thread that ends the runtime.
 */
typedef void (*cohort_release_function_t)(void *user);

/**
 * The body of a task. Runs on any thread of the runtime; must not unwind or longjmp out. `task` is valid until it
 * returns. A result other than 0 is a failure.
 */
typedef int32_t (*cohort_task_function_t)(cohort_context_t task, void *user);

typedef int32_t cohort_coherence_t;

typedef int32_t cohort_order_t;

/**
 * How several fields share memory.
 */
typedef int32_t cohort_grouping_t;

#define COHORT_MEMORY_ANY 0

/**
 * The memory of a NUMA node.
 */
#define COHORT_MEMORY_SYSTEM 1

/**
 * Memory of this rank that the ranks of its node reach, in which ghost regions and phase barriers lie.
 */
#define COHORT_MEMORY_SHARED 2

/**
 * A device's own; one for each device, in their order.
 */
#define COHORT_MEMORY_DEVICE 3

/**
 * Memory of the host that devices use in place (cohort_region_zero_copy): one for all, where a device does that.
 */
#define COHORT_MEMORY_ZERO_COPY 4

#define COHORT_OK 0

#define COHORT_ERROR_INVALID_ARGUMENT 1

#define COHORT_ERROR_INVALID_HANDLE 2

#define COHORT_ERROR_WRONG_THREAD 3

#define COHORT_ERROR_WRONG_ORDER 4

#define COHORT_ERROR_WRONG_RANK 5

#define COHORT_ERROR_PRIVILEGE 6

#define COHORT_ERROR_BOUNDS 7

#define COHORT_ERROR_OUT_OF_MEMORY 8

#define COHORT_ERROR_TASK_FAILED 9

#define COHORT_ERROR_TIMEOUT 10

#define COHORT_ERROR_UNSUPPORTED 11

#define COHORT_ERROR_MPI 12

#define COHORT_ERROR_VERSION 13

#define COHORT_ERROR_INTERFERENCE 14

#define COHORT_ERROR_RESOURCES 15

#define COHORT_ERROR_PEER_LOST 16

#define COHORT_ERROR_INTERNAL 99

#define COHORT_NO_ACCESS 0

#define COHORT_READ_ONLY 1

#define COHORT_READ_WRITE 2

/**
 * The old content is not needed.
 */
#define COHORT_WRITE_DISCARD 3

/**
 * Contributions with the requirement's reduction; tasks that reduce alike run at the same time.
 */
#define COHORT_REDUCE 4

#define COHORT_EXCLUSIVE 0

/**
 * Tasks may use the data at the same time and order themselves, by phase barriers say.
 */
#define COHORT_SIMULTANEOUS 1

/**
 * One after the other, in any order: tasks that update the data so that the order does not matter, a histogram say.
 */
#define COHORT_ATOMIC 2

/**
 * As COHORT_SIMULTANEOUS.
 */
#define COHORT_RELAXED 3

#define COHORT_REDUCTION_NONE 0

#define COHORT_SUM 1

#define COHORT_PRODUCT 2

#define COHORT_MIN 3

#define COHORT_MAX 4

#define COHORT_TYPE_NONE 0

#define COHORT_INT32 1

#define COHORT_INT64 2

#define COHORT_FLOAT 3

#define COHORT_DOUBLE 4

#define COHORT_FLOAT_COMPLEX 5

#define COHORT_DOUBLE_COMPLEX 6

#define COHORT_PROC_ANY 0

#define COHORT_PROC_CPU 1

/**
 * The thread that started the runtime: for kernels that call MPI or are not thread-safe.
 */
#define COHORT_PROC_MPI 2

/**
 * Any device of the rank that has a variant of the task; without one the task runs on a processor of the host.
 */
#define COHORT_PROC_DEVICE 3

#define COHORT_SIDE_HOST 0

#define COHORT_SIDE_TASKS 1

/**
 * Point p gets sub-region p.
 */
#define COHORT_PROJECTION_IDENTITY 0

/**
 * Point p gets sub-region p + projection_offset.
 */
#define COHORT_PROJECTION_OFFSET 1

/**
 * Neighbours in the first dimension lie side by side.
 */
#define COHORT_ORDER_FORTRAN 0

/**
 * Neighbours in the last dimension lie side by side.
 */
#define COHORT_ORDER_C 1

/**
 * An array for each field (structure of arrays).
 */
#define COHORT_SOA 0

/**
 * The fields of a point side by side, as members of a C struct (array of structures).
 */
#define COHORT_AOS 1

/**
 * `block` points of one field side by side, then as many of the next (array of structures of arrays). Blocks run along the
 * dimension whose neighbours lie side by side, and begin with the first point.
 */
#define COHORT_BLOCKED 2

#define COHORT_DEVICE_ANY 0

#define COHORT_DEVICE_CUDA 1

#define COHORT_DEVICE_OPENCL 2

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A barrier of this rank whose phases are complete after `arrivals` arrivals each, from any rank; the handle is of phase 0.
 * Any thread.
 */
cohort_status_t cohort_phase_barrier_create(cohort_runtime_t runtime,
                                            uint32_t arrivals,
                                            cohort_phase_barrier_t *barrier);

/**
 * Ends the barrier on the rank that made it, forgets it on others, and clears the handle; a null one is accepted.
 */
cohort_status_t cohort_phase_barrier_destroy(cohort_phase_barrier_t *barrier);

/**
 * The handle of the next phase. Any thread.
 */
cohort_status_t cohort_phase_barrier_advance(cohort_phase_barrier_t barrier, cohort_phase_barrier_t *next);

/**
 * `count` arrivals at the handle's phase. Never blocks. Any thread. Errors: WRONG_ORDER (more than the phase
 * expects, or it is complete), RESOURCES (64 or more phases ahead of the first that is not complete).
 */
cohort_status_t cohort_phase_barrier_arrive(cohort_phase_barrier_t barrier, uint32_t count);

/**
 * Waits for the phase before the handle's. Errors: TASK_FAILED (a task failed meanwhile).
 */
cohort_status_t cohort_phase_barrier_wait(cohort_context_t context, cohort_phase_barrier_t barrier);

/**
 * Whether the wait would return at once. Any thread.
 */
cohort_status_t cohort_phase_barrier_test(cohort_phase_barrier_t barrier, bool *ready);

/**
 * The handle's phase expects `delta` more arrivals. Any thread. Errors: WRONG_ORDER (fewer than 1, or than have come).
 */
cohort_status_t cohort_phase_barrier_alter_arrivals(cohort_phase_barrier_t barrier, int32_t delta);

/**
 * A collective of this rank whose phases are complete after `arrivals` arrivals each, from any rank; the handle is of phase
 * 0. A phase's result is the reduction of its values in an order that the values alone decide: the same, bit for bit,
 * whoever comes first. Ranks that arrive at it have registered the reduction by the same name, if it is not one of the library's.
 * Any thread. Errors: INVALID_ARGUMENT (arrivals, reduction, type), OUT_OF_MEMORY.
 */
cohort_status_t cohort_collective_create(cohort_runtime_t runtime,
                                         uint32_t arrivals,
                                         cohort_reduction_t how,
                                         cohort_type_t element,
                                         cohort_collective_t *collective);

/**
 * Ends the collective on the rank that made it, forgets it on others, and clears the handle; a null one is accepted.
 */
cohort_status_t cohort_collective_destroy(cohort_collective_t *collective);

/**
 * The handle of the next phase. Any thread.
 */
cohort_status_t cohort_collective_advance(cohort_collective_t collective, cohort_collective_t *next);

/**
 * One arrival at the handle's phase with a value (copied) of the collective's type. Never blocks. Any thread. Errors:
 * WRONG_ORDER (more arrivals than the phase expects, or it is complete; a reduction that this rank has not registered), RESOURCES (64 or more phases ahead of the first
 * that is not complete).
 */
cohort_status_t cohort_collective_arrive(cohort_collective_t collective,
                                         const void *value);

/**
 * One arrival at the handle's phase with the value of a future, once it is there. Never blocks. If what makes the future
 * fails, so does the collective's phase, on every rank. Errors: INVALID_ARGUMENT (a value of another size than the
 * collective's type); if it is found later, or the arrival is one too many, the next wait tells.
 */
cohort_status_t cohort_collective_arrive_future(cohort_context_t context,
                                                cohort_collective_t collective,
                                                cohort_future_t future);

/**
 * A future of the result of the phase before the handle's; the caller destroys it. Arrive, advance, then ask. Errors:
 * WRONG_ORDER (the handle is of phase 0; or 64 further phases are complete, and the result is no longer kept).
 */
cohort_status_t cohort_collective_future(cohort_context_t context,
                                         cohort_collective_t collective,
                                         cohort_future_t *future);

/**
 * Gives a task a kernel for devices: text that a device compiles when the task first runs there. Arguments of the kernel, see
 * cohort_kernel.h: for each requirement a pointer and a cohort_extent, then the launch's arguments by value; a work item for each point of
 * requirement `grid_requirement`. What `kernel` points to is copied. Any thread, before the task is launched. Errors: WRONG_ORDER (a
 * variant for this kind of device is there already).
 */
cohort_status_t cohort_task_kernel(cohort_task_t task,
                                   const cohort_kernel_t *kernel);

/**
 * Gives a task a function for devices of one kind: it finds its data with `cohort_view_device`, enqueues its work on the stream it is given,
 * and returns without waiting; what follows is ordered after the stream. Runs on a thread of the runtime. A result other than 0 is a failure. Any
 * thread, before the task is launched. Errors: WRONG_ORDER (a variant for this kind of device is there already).
 */
cohort_status_t cohort_task_device_callback(cohort_task_t task,
                                            cohort_device_api_t for_api,
                                            cohort_device_function_t function,
                                            void *user);

/**
 * Where on the device the data of one field of a requirement lies; valid until the function returns and for the work that it enqueues. Inside
 * a task's function for devices. Errors: PRIVILEGE (a field or a right that the launch did not declare), WRONG_ORDER (the task runs on the
 * host).
 */
cohort_status_t cohort_view_device(cohort_context_t task,
                                   uint32_t requirement,
                                   cohort_field_t field,
                                   cohort_privilege_t right,
                                   cohort_device_view_t *view);

/**
 * Launches `members` tasks on every rank, all of which run at the same time, each on a thread of its own, so that they
 * may wait for each other. Collective: every rank passes the same number of members and the same tasks by name. Member
 * k of rank r is point r*members + k; `points` (NULL, or `members` entries) says so again and is checked. Root context,
 * MPI thread. Errors: WRONG_RANK (a point of another rank), INTERFERENCE (members whose requirements conflict),
 * RESOURCES (more members than processors), WRONG_ORDER (inside a task), INVALID_ARGUMENT (ranks disagree).
 */
cohort_status_t cohort_must_epoch(cohort_context_t context,
                                  uint32_t members,
                                  const cohort_launch_t *launches,
                                  const uint32_t *points);

/**
 * Waits for the members that this rank launched last; `cohort_wait_all` waits for them too. MPI thread. Errors:
 * TASK_FAILED.
 */
cohort_status_t cohort_must_epoch_wait(cohort_context_t context);

/**
 * `cohort_attach` for an array with a shape, which is checked: element size, rank (the region's dimension, and one more
 * if dimension `field_dimension`, counted from 1, counts the fields; 0: none does), extents. `strides` in bytes.
 */
cohort_status_t cohort_attach_array(cohort_context_t context,
                                    cohort_region_t region,
                                    uint32_t field_count,
                                    const cohort_field_t *fields,
                                    void *base,
                                    size_t element_bytes,
                                    int32_t rank,
                                    const int64_t *extents,
                                    const int64_t *strides,
                                    int32_t field_dimension);

/**
 * Sets and returns the error of an argument that the Fortran module refuses by itself.
 */
cohort_status_t cohort_argument_error(const char *procedure, const char *problem);

/**
 * The list as the library holds it, once for good: requirements of the Fortran module, which nobody frees, point to it.
 */
const cohort_field_t *cohort_fields_kept(uint32_t count, const cohort_field_t *fields);

/**
 * `cohort_collective_arrive` with a value whose size is checked.
 */
cohort_status_t cohort_collective_arrive_bytes(cohort_collective_t collective, const void *value, size_t bytes);

/**
 * `cohort_view` for an array pointer of `rank` dimensions with elements of `bytes` bytes, which must be those of the field;
 * and every stride must be a multiple of the one before, as in a whole array and its padding. Rank 0: any dimensions and any
 * strides, only the size of the elements is checked. Errors: INVALID_ARGUMENT besides.
 */
cohort_status_t cohort_view_array(cohort_context_t task,
                                  uint32_t requirement,
                                  cohort_field_t field,
                                  cohort_privilege_t right,
                                  int32_t rank,
                                  size_t bytes,
                                  cohort_view_t *view);

/**
 * The number of points. Any thread.
 */
cohort_status_t cohort_future_map_count(cohort_future_map_t map, uint32_t *points);

/**
 * Waits for the value of a point and copies it; `bytes` is its size. Errors: TASK_FAILED, BOUNDS (no such point),
 * INVALID_ARGUMENT (another size).
 */
cohort_status_t cohort_future_map_get(cohort_future_map_t map, uint32_t point, void *value, size_t bytes);

/**
 * A future of one point, which the caller destroys; it lives on without the map. Any thread.
 */
cohort_status_t cohort_future_map_future(cohort_future_map_t map, uint32_t point, cohort_future_t *future);

/**
 * Waits for the values of all points. Errors: TASK_FAILED (the first point that failed).
 */
cohort_status_t cohort_future_map_wait(cohort_future_map_t map);

/**
 * Launches the reduction of the values, in order of the points; `result` gets its future, which the caller destroys.
 * Errors: INVALID_ARGUMENT (no reduction, or one that the type does not have).
 */
cohort_status_t cohort_future_map_reduce(cohort_context_t context,
                                         cohort_future_map_t map,
                                         cohort_reduction_t how,
                                         cohort_type_t element,
                                         cohort_future_t *result);

/**
 * Operations that use it, and futures that it gave, still get the values.
 */
cohort_status_t cohort_future_map_destroy(cohort_future_map_t *map);

/**
 * Waits for the value and copies it; `bytes` is its size. Errors: TASK_FAILED, INVALID_ARGUMENT (another size).
 */
cohort_status_t cohort_future_get(cohort_future_t future, void *value, size_t bytes);

/**
 * Whether the value is there. Any thread.
 */
cohort_status_t cohort_future_test(cohort_future_t future, bool *ready);

/**
 * Operations that use it still get its value.
 */
cohort_status_t cohort_future_destroy(cohort_future_t *future);

/**
 * A future that has a value (copied) from the start. The caller destroys it.
 */
cohort_status_t cohort_future_value(cohort_runtime_t runtime, const void *value, size_t bytes, cohort_future_t *future);

/**
 * Copies the value of future `index` of the launch, which has `bytes` bytes, to `value`. Inside a task. Errors:
 * INVALID_ARGUMENT (no such future, another size).
 */
cohort_status_t cohort_task_future_get(cohort_context_t task, uint32_t index, void *value, size_t bytes);

/**
 * The value of future `index` of the launch; valid until the body returns. Inside a task.
 */
cohort_status_t cohort_task_future(cohort_context_t task, uint32_t index, const void **value, size_t *bytes);

/**
 * Sets the value (copied) of the launch's future; the last call counts. Inside a task.
 */
cohort_status_t cohort_task_result(cohort_context_t task, const void *value, size_t bytes);

/**
 * A region of this rank, zeroed, into which other ranks may copy; it has the fields that the field space has now. Its
 * memory is node-shared (COHORT_SHARED_BYTES). Tasks use it like any region; order them and the copies by phase barriers.
 * Any thread. Errors: OUT_OF_MEMORY, RESOURCES (sizes of fields that change more than ten times from field to field; 65,536 ghost regions
 * of this rank are there).
 */
cohort_status_t cohort_ghost_create(cohort_runtime_t runtime,
                                    cohort_index_space_t space,
                                    cohort_field_space_t fields,
                                    cohort_region_t *region);

/**
 * What other ranks import to name the ghost region: plain bytes, to be sent by MPI. Any thread.
 */
cohort_status_t cohort_ghost_export(cohort_region_t region, cohort_ghost_t *ghost);

/**
 * The ghost region of another rank as a region of this one: a destination of copies, nothing else. On the owner the
 * region itself, by another handle. The caller destroys it. Any thread. Errors: INVALID_ARGUMENT (not what an export gave),
 * INVALID_HANDLE (the ghost region was destroyed).
 */
cohort_status_t cohort_ghost_import(cohort_runtime_t runtime,
                                    const cohort_ghost_t *ghost,
                                    cohort_region_t *region);

/**
 * Launches a copy of every point of the source whose shifted point lies in the destination, field by field, in program
 * order with the other operations of the context. With `gather` or `scatter` a copy of the element of each point of their regions,
 * of both if both are given, from and to the points that they name: in Fortran order, so that of several elements that go to one
 * point the last stays. Errors: BOUNDS (no point lies in the destination), PRIVILEGE (the source belongs to another rank),
 * INVALID_ARGUMENT (dimensions or sizes of fields differ), INTERFERENCE (they overlap); and the copy fails, before it has copied
 * anything, where a value names a point elsewhere.
 */
cohort_status_t cohort_copy(cohort_context_t context,
                            const cohort_copy_t *what);

/**
 * Launches the beginning of this context's use of fields that other ranks write: later operations on them wait for it, and
 * it for the barriers. Until the release, operations of this context are not restricted to the instance that others share.
 * Errors: WRONG_ORDER (acquired already), PRIVILEGE.
 */
cohort_status_t cohort_acquire(cohort_context_t context,
                               const cohort_sync_t *sync);

/**
 * Launches the end of that use: it waits for earlier operations on the fields, and arrives at the barriers. A context that ends
 * releases what it has acquired, but arrives nowhere for it. Errors: WRONG_ORDER (not acquired in this context), PRIVILEGE.
 */
cohort_status_t cohort_release(cohort_context_t context,
                               const cohort_sync_t *sync);

/**
 * The ghost regions around this rank's block: beyond each face with a neighbour `depth` points, for `field_count` fields
 * (slots, from 0) of `field_bytes` bytes. `options->neighbours` are ranks of the runtime's communicator. The root context
 * or one task may exchange them and use the ghost regions, without a requirement. Collective over all ranks, on the MPI
 * thread. Errors: INVALID_ARGUMENT (neighbours that are not mutual, other slots than the neighbour),
 * BOUNDS (blocks thinner than the depth, faces that do not match), WRONG_RANK, OUT_OF_MEMORY.
 */
cohort_status_t cohort_halo_create(cohort_runtime_t runtime,
                                   const cohort_halo_options_t *options,
                                   cohort_halo_t *halo);

/**
 * As `cohort_halo_create`, with the neighbours of a Cartesian communicator of the same processes, given as its Fortran
 * handle; dimension d of the block is dimension d of the communicator.
 */
cohort_status_t cohort_halo_create_fortran(cohort_runtime_t runtime,
                                           int32_t communicator,
                                           const cohort_halo_options_t *options,
                                           cohort_halo_t *halo);

/**
 * Launches the copies of this rank's faces of `source_fields[i]` into the neighbours' ghost regions, slot `slots[i]`, and
 * makes later uses of this rank's own ghost regions wait for the neighbours' data. Never blocks (but for the context's
 * window). Errors: BOUNDS (the source lacks points of the block), WRONG_ORDER (a slot that was not released).
 */
cohort_status_t cohort_halo_exchange(cohort_context_t context,
                                     cohort_halo_t halo,
                                     cohort_region_t source,
                                     uint32_t field_count,
                                     const cohort_field_t *source_fields,
                                     const uint32_t *slots);

/**
 * Tells the neighbours, once the operations launched so far have used the slots, that they may be written again. Call it
 * after the launches that read the ghost regions and before the next exchange of the slots. Errors: WRONG_ORDER.
 */
cohort_status_t cohort_halo_release(cohort_context_t context,
                                    cohort_halo_t halo,
                                    uint32_t field_count,
                                    const uint32_t *slots);

/**
 * The ghost region beyond a face (0 -x, 1 +x, 2 -y, 3 +y, 4 -z, 5 +z), in the numbering of the block; its fields are the
 * slots. The caller destroys the handle, which is null where there is no neighbour. Any thread.
 */
cohort_status_t cohort_halo_region(cohort_halo_t halo,
                                   uint32_t face,
                                   cohort_region_t *region);

/**
 * Waits for the exchanges, and ends the halo. Collective, on the MPI thread. Clears the handle; a null one is accepted if
 * it is null on every rank.
 */
cohort_status_t cohort_halo_destroy(cohort_halo_t *halo);

/**
 * A handshake between `host_participants` threads and `task_participants` tasks; `first` (COHORT_SIDE_HOST or
 * COHORT_SIDE_TASKS) hands off first in every phase. Any thread.
 */
cohort_status_t cohort_handshake_create(cohort_runtime_t runtime,
                                        uint32_t host_participants,
                                        uint32_t task_participants,
                                        cohort_side_t first,
                                        cohort_handshake_t *handshake);

/**
 * Clears the handle; a null one is accepted. Errors: WRONG_ORDER (somebody waits on it).
 */
cohort_status_t cohort_handshake_destroy(cohort_handshake_t *handshake);

/**
 * The tasks may go on: what the host wrote before is theirs. Never blocks. Errors: WRONG_ORDER (twice in a phase).
 */
cohort_status_t cohort_handoff_to_tasks(cohort_handshake_t handshake);

/**
 * Waits until the tasks hand off; meanwhile the MPI thread runs tasks. Errors: TASK_FAILED (a task failed meanwhile),
 * WRONG_ORDER (not this side's turn, or waited for already).
 */
cohort_status_t cohort_wait_on_tasks(cohort_handshake_t handshake);

/**
 * As `cohort_wait_on_tasks`, for at most `seconds`. Errors: TIMEOUT besides; waiting again is allowed then.
 */
cohort_status_t cohort_wait_on_tasks_for(cohort_handshake_t handshake, double seconds);

/**
 * Whether `cohort_wait_on_tasks` would return at once. Does not end the phase: the wait is still due.
 */
cohort_status_t cohort_test_on_tasks(cohort_handshake_t handshake, bool *ready);

/**
 * The host may go on. Never blocks. Inside a task.
 */
cohort_status_t cohort_handoff_to_host(cohort_context_t task, cohort_handshake_t handshake);

/**
 * Waits until the host hands off; another task may run on the processor meanwhile. Inside a task that is not a leaf.
 */
cohort_status_t cohort_wait_on_host(cohort_context_t task, cohort_handshake_t handshake);

/**
 * As `cohort_wait_on_host`, for at most `seconds`. Errors: TIMEOUT besides; waiting again is allowed then.
 */
cohort_status_t cohort_wait_on_host_for(cohort_context_t task, cohort_handshake_t handshake, double seconds);

/**
 * Whether `cohort_wait_on_host` would return at once. Inside a task.
 */
cohort_status_t cohort_test_on_host(cohort_context_t task, cohort_handshake_t handshake, bool *ready);

/**
 * After launches of this context that wait for and arrive at the handshake: later ones mean the next phase. Errors:
 * WRONG_ORDER (the phase lacks a wait or an arrival).
 */
cohort_status_t cohort_handshake_advance(cohort_context_t context, cohort_handshake_t handshake);

/**
 * Waits for the operations of the context that conflict with the requirement, then hands its data to the caller until
 * `cohort_inline_unmap`; meanwhile operations of this context that conflict are refused (INTERFERENCE). In the root context or
 * inside a task, which may map what it may pass on. Errors: INVALID_ARGUMENT (a partition, NO_ACCESS, REDUCE), PRIVILEGE,
 * INTERFERENCE (with another mapping of this context), TASK_FAILED (what it waited for).
 */
cohort_status_t cohort_inline_map(cohort_context_t context,
                                  const cohort_requirement_t *requirement,
                                  cohort_mapping_t *mapping);

/**
 * Where the data of one field of the mapping lies; valid until it is unmapped. `right` is what the caller does with it. Errors:
 * PRIVILEGE (a field or a right that the mapping does not have), WRONG_THREAD, INVALID_HANDLE (unmapped, or its context ended).
 */
cohort_status_t cohort_inline_view(cohort_mapping_t mapping,
                                   cohort_field_t field,
                                   cohort_privilege_t right,
                                   cohort_view_t *view);

/**
 * `cohort_inline_view` for an array pointer of `rank` dimensions with elements of `bytes` bytes; as `cohort_view_array`.
 */
cohort_status_t cohort_inline_view_array(cohort_mapping_t mapping,
                                         cohort_field_t field,
                                         cohort_privilege_t right,
                                         int32_t rank,
                                         size_t bytes,
                                         cohort_view_t *view);

/**
 * Ends the mapping and clears its handle: what was written shows to the operations launched from here on. A null handle is
 * accepted. Errors: WRONG_THREAD, INVALID_HANDLE.
 */
cohort_status_t cohort_inline_unmap(cohort_mapping_t *mapping);

/**
 * Launches a task in a context: it runs once all earlier operations of the context that it depends on are complete.
 * Everything that `launch` points to is copied. `result`, unless NULL, gets a future that the caller destroys. Blocks
 * only while the context's window of outstanding operations is full. Errors: INVALID_ARGUMENT, INVALID_HANDLE,
 * PRIVILEGE (more than the launching task holds), INTERFERENCE (requirements that conflict), WRONG_ORDER (a handshake).
 */
cohort_status_t cohort_launch(cohort_context_t context, const cohort_launch_t *launch, cohort_future_t *result);

/**
 * Launches `points` tasks at once: point p (cohort_task_point) gets, of each requirement that names a partition, the
 * sub-region that the projection says. `result`, unless NULL, gets a future of the points' results reduced in order of the
 * points. Otherwise as `cohort_launch`; waits and arrivals belong to the launch as a whole. With a predicate that does not
 * hold the result is the false result. Errors: BOUNDS (a point without a sub-region), INTERFERENCE (points that conflict),
 * RESOURCES (more points at once than processors).
 */
cohort_status_t cohort_index_launch(cohort_context_t context,
                                    const cohort_launch_t *launch,
                                    uint32_t points,
                                    cohort_reduction_t how,
                                    cohort_type_t element,
                                    cohort_future_t *result);

/**
 * As `cohort_index_launch`; `map` gets a future for each point, which the caller destroys as a whole. With a predicate
 * that does not hold each point has the false result.
 */
cohort_status_t cohort_index_launch_map(cohort_context_t context,
                                        const cohort_launch_t *launch,
                                        uint32_t points,
                                        cohort_future_map_t *map);

/**
 * Waits for every operation launched so far in the context. Errors: TASK_FAILED with the text of the first failure
 * since the last wait.
 */
cohort_status_t cohort_wait_all(cohort_context_t context);

/**
 * The region's own storage for `fields`, in this order, is laid out like this when one of them is first used. A root region. Any
 * thread. Errors: INVALID_ARGUMENT (a sub-region, a layout that cannot be), WRONG_ORDER (a field was used, is attached or was given a
 * layout before), UNSUPPORTED (a ghost region).
 */
cohort_status_t cohort_region_layout(cohort_region_t region,
                                     uint32_t field_count,
                                     const cohort_field_t *fields,
                                     const cohort_layout_t *asked);

/**
 * The region's own storage for `fields`, once one of them is first used, lies in memory of the host that devices use in place, together,
 * in the layout that they were given or else each an array: tasks on such a device then have no copy of them, unless a mapper says so. A root region. Any
 * thread. Loads the drivers of devices. Errors: INVALID_ARGUMENT (a sub-region), WRONG_ORDER (a field was used, is attached, was given a memory before, or
 * a layout with others), UNSUPPORTED (no device of this rank uses the host's memory in place; a ghost region).
 */
cohort_status_t cohort_region_zero_copy(cohort_region_t region,
                                        uint32_t field_count,
                                        const cohort_field_t *fields);

/**
 * When the task runs on this kind of processor (COHORT_PROC_ANY: on any), requirement `requirement` of its launch, from 0, lies like
 * this, its fields in ascending order of their numbers. Where the data lies otherwise the task works on a copy of the requirement's
 * points and fields: made before the task if it reads, written back after it if it writes and does not fail. A task that others work
 * beside (COHORT_SIMULTANEOUS) fails instead. Tasks that it launches may not use what it has a copy of. Any thread, before the task is
 * launched. Errors: INVALID_ARGUMENT (a layout that cannot be), WRONG_ORDER (there is one already).
 */
cohort_status_t cohort_task_layout(cohort_task_t task,
                                   cohort_processor_t kind,
                                   uint32_t requirement,
                                   const cohort_layout_t *asked);

/**
 * What was copied for a requirement of the running task, and why. Inside a task. Errors: INVALID_ARGUMENT (no such requirement).
 */
cohort_status_t cohort_task_copied(cohort_context_t task,
                                   uint32_t requirement,
                                   cohort_copied_t *copied);

/**
 * What was copied for all executions of a task so far. COHORT_VERBOSE prints it when the runtime ends. Any thread.
 */
cohort_status_t cohort_task_copied_total(cohort_task_t task, cohort_copied_t *copied);

/**
 * The processors of this rank, of one kind or, with COHORT_PROC_ANY, all: devices, too, whose drivers are loaded for that. Fills `processors` as far as its `capacity` goes,
 * and gives how many there are. Before the call the first entry's `size` is set, by COHORT_PROCESSOR_INFO_INIT; `processors` may
 * be NULL with a capacity of 0. Any thread.
 */
cohort_status_t cohort_machine_processors(cohort_runtime_t runtime,
                                          int32_t kind,
                                          uint32_t capacity,
                                          cohort_processor_info_t *processors,
                                          uint32_t *count);

/**
 * The memories that this rank can use, of one kind or, with COHORT_MEMORY_ANY, all; arguments as for cohort_machine_processors, with
 * COHORT_MEMORY_INFO_INIT. One rank alone has no node-shared memory. Any thread.
 */
cohort_status_t cohort_machine_memories(cohort_runtime_t runtime,
                                        cohort_memory_t kind,
                                        uint32_t capacity,
                                        cohort_memory_info_t *memories,
                                        uint32_t *count);

/**
 * How fast a processor of this rank reaches a memory, both by their numbers. Measured when it is first asked for, which takes some
 * tens of milliseconds, and kept: one thread of this rank, on that processor, reads an area in that memory; what else runs
 * there at that time makes it slower. Of devices copies are measured: from a device's memory to the host for a processor of the host, from
 * the host's memory (any) or another device's to the device for the device, within its memory for its own, of which what is read and what
 * is written counts; the latency is that of a copy of 8 bytes. `affinity` is filled with COHORT_AFFINITY_INIT before the call. Any thread. Errors: BOUNDS (no
 * such processor or memory), RESOURCES (the system or the device gives no memory there, or the device does not reach the other's).
 */
cohort_status_t cohort_machine_affinity(cohort_runtime_t runtime,
                                        int32_t processor,
                                        int32_t memory,
                                        cohort_affinity_t *affinity);

/**
 * Where the ranks are, in order of rank; arguments as for cohort_machine_processors, with COHORT_RANK_INFO_INIT. Any thread.
 */
cohort_status_t cohort_machine_ranks(cohort_runtime_t runtime,
                                     uint32_t capacity,
                                     cohort_rank_info_t *ranks,
                                     uint32_t *count);

/**
 * Why there are no more devices: a line for each driver, platform or device that could not be used; empty if there is nothing to
 * say. Owned by the runtime. Any thread.
 */
cohort_status_t cohort_machine_absent_devices(cohort_runtime_t runtime,
                                              const char **text);

/**
 * How many workers this rank has and on which processors they run, in words, as COHORT_VERBOSE=1 prints it. Owned by the
 * runtime. Any thread.
 */
cohort_status_t cohort_machine_binding(cohort_runtime_t runtime,
                                       const char **text);

/**
 * Registers a mapper (copied), which `cohort_mapper_use` then puts to use. `name` (copied) appears in messages. It lasts until
 * the runtime ends. Any thread. Errors: INVALID_ARGUMENT (no callback, an unknown flag), VERSION.
 */
cohort_status_t cohort_mapper_register(cohort_runtime_t runtime,
                                       const cohort_mapper_t *mapper,
                                       const char *name,
                                       cohort_mapper_handle_t *handle);

/**
 * Has the mapper asked for `count` tasks from now on, in the place of any other; with 0 for all tasks, those registered later
 * included, for copies and for the program outside of tasks. The null handle: no mapper but the default. Any thread.
 */
cohort_status_t cohort_mapper_use(cohort_mapper_handle_t mapper,
                                  const cohort_task_t *tasks,
                                  uint32_t count);

/**
 * How many choices of a mapper were refused, and what was said of the last one: `text` (NULL, or `bytes` bytes) gets it, cut if
 * need be and ended by a zero. Any thread.
 */
cohort_status_t cohort_mapper_refusals(cohort_mapper_handle_t mapper,
                                       uint64_t *count,
                                       char *text,
                                       size_t bytes);

/**
 * The value of a tunable: what the mapper of the context's task says (of the program, outside of tasks: the mapper of all), else
 * `otherwise`.
 */
cohort_status_t cohort_tunable(cohort_context_t context,
                               const char *name,
                               int64_t otherwise,
                               int64_t *value);

/**
 * Blocks of near-equal size, `counts[d]` of them in dimension d. Colour of block (i,j,k): i + counts[0]*(j + counts[1]*k).
 */
cohort_status_t cohort_partition_blocks(cohort_region_t region,
                                        const int64_t *counts,
                                        cohort_partition_t *partition);

/**
 * `count` sub-regions by their bounds, which may overlap; `lo` and `hi` hold dim entries a colour, colour by colour.
 */
cohort_status_t cohort_partition_rects(cohort_region_t region,
                                       uint32_t count,
                                       const int64_t *lo,
                                       const int64_t *hi,
                                       cohort_partition_t *partition);

/**
 * The sub-regions of `blocks`, each grown by `depth[d]` points on both sides and clipped to the region: tiles with
 * their halo.
 */
cohort_status_t cohort_partition_tiles_halo(cohort_partition_t blocks,
                                            const int64_t *depth,
                                            cohort_partition_t *partition);

/**
 * `colours` sub-regions of as nearly as possible equal numbers of points.
 */
cohort_status_t cohort_partition_equal(cohort_region_t region, uint32_t colours, cohort_partition_t *partition);

/**
 * One sub-region for each point c of a rectangle of colours, numbered in Fortran order: the points of `extent_lo` to
 * `extent_hi` moved by `transform` times c, as far as the region has them. `transform` has one row for each of the region's
 * dimensions, `colour_dim` entries a row. As Legion's partition by restriction.
 */
cohort_status_t cohort_partition_restriction(cohort_region_t region,
                                             int32_t colour_dim,
                                             const int64_t *colour_lo,
                                             const int64_t *colour_hi,
                                             const int64_t *transform,
                                             const int64_t *extent_lo,
                                             const int64_t *extent_hi,
                                             cohort_partition_t *partition);

/**
 * `colours` sub-regions: point p is in sub-region v if the field, an integer of 4 or 8 bytes, holds v at p; in none if v is not
 * from 0 to colours - 1. Waits for the operations that write the field. On the context's thread.
 */
cohort_status_t cohort_partition_by_field(cohort_context_t context,
                                          cohort_region_t region,
                                          cohort_field_t field,
                                          uint32_t colours,
                                          cohort_partition_t *partition);

/**
 * Sub-regions of `target`, as many as `sources` has: sub-region c holds the points that the field names at the points of
 * `sources`' sub-region c. A value of the field is one integer for each of the target's dimensions, all of 4 or all of 8 bytes.
 * Points outside of the target are left out. Waits for the operations that write the field. On the context's thread.
 */
cohort_status_t cohort_partition_image(cohort_context_t context,
                                       cohort_region_t target,
                                       cohort_partition_t sources,
                                       cohort_field_t field,
                                       cohort_partition_t *partition);

/**
 * As cohort_partition_image, but each value names all points of a rectangle: its lo, then its hi, which is included.
 */
cohort_status_t cohort_partition_image_range(cohort_context_t context,
                                             cohort_region_t target,
                                             cohort_partition_t sources,
                                             cohort_field_t field,
                                             cohort_partition_t *partition);

/**
 * Sub-regions of `source`, as many as `targets` has: sub-region c holds the points at which the field names a point of
 * `targets`' sub-region c. Values as for cohort_partition_image. Waits for the operations that write the field. On the
 * context's thread.
 */
cohort_status_t cohort_partition_preimage(cohort_context_t context,
                                          cohort_region_t source,
                                          cohort_partition_t targets,
                                          cohort_field_t field,
                                          cohort_partition_t *partition);

/**
 * As cohort_partition_preimage, but each value names all points of a rectangle, as for cohort_partition_image_range; one of
 * them in the sub-region is enough.
 */
cohort_status_t cohort_partition_preimage_range(cohort_context_t context,
                                                cohort_region_t source,
                                                cohort_partition_t targets,
                                                cohort_field_t field,
                                                cohort_partition_t *partition);

/**
 * Sub-region c has the points of sub-region c of `a` or of `b`, as far as `region` has them. All are of one region tree.
 */
cohort_status_t cohort_partition_union(cohort_region_t region,
                                       cohort_partition_t a,
                                       cohort_partition_t b,
                                       cohort_partition_t *partition);

/**
 * Sub-region c has the points of sub-region c of `a` and of `b`, as far as `region` has them. All are of one region tree.
 */
cohort_status_t cohort_partition_intersection(cohort_region_t region,
                                              cohort_partition_t a,
                                              cohort_partition_t b,
                                              cohort_partition_t *partition);

/**
 * Sub-region c has the points of sub-region c of `a` that that of `b` does not have, as far as `region` has them. All are of
 * one region tree.
 */
cohort_status_t cohort_partition_difference(cohort_region_t region,
                                            cohort_partition_t a,
                                            cohort_partition_t b,
                                            cohort_partition_t *partition);

/**
 * The cross product of two partitions of one region tree: one partition of each of `a`'s sub-regions by the sub-regions of `b`.
 * `partitions` has room for as many handles as `a` has sub-regions.
 */
cohort_status_t cohort_partition_cross_product(cohort_partition_t a,
                                               cohort_partition_t b,
                                               cohort_partition_t *partitions);

/**
 * Whether no two sub-regions share a point, and whether every point of the region is in one. Any thread.
 */
cohort_status_t cohort_partition_kind(cohort_partition_t partition, bool *disjoint, bool *complete);

/**
 * The number of sub-regions.
 */
cohort_status_t cohort_partition_count(cohort_partition_t partition, uint32_t *count);

/**
 * The sub-region of a colour; the same handle every time. It ends with its partition.
 */
cohort_status_t cohort_subregion(cohort_partition_t partition, uint32_t colour, cohort_region_t *region);

/**
 * Ends the handles of its sub-regions too.
 */
cohort_status_t cohort_partition_destroy(cohort_partition_t *partition);

/**
 * A predicate that is known. The caller destroys it, as all predicates. Any thread.
 */
cohort_status_t cohort_predicate_constant(cohort_runtime_t runtime, bool value, cohort_predicate_t *predicate);

/**
 * Holds if the future's value, a bool or an integer of 1, 4 or 8 bytes, is not 0. Who is given it fails if the future
 * carries a failure, or has another size. Any thread.
 */
cohort_status_t cohort_predicate_from_future(cohort_future_t future, cohort_predicate_t *predicate);

/**
 * The opposite. Any thread.
 */
cohort_status_t cohort_predicate_not(cohort_predicate_t of, cohort_predicate_t *predicate);

/**
 * Launches what finds out whether all of `count` predicates hold. Fails if one of them does.
 */
cohort_status_t cohort_predicate_and(cohort_context_t context,
                                     uint32_t count,
                                     const cohort_predicate_t *predicates,
                                     cohort_predicate_t *predicate);

/**
 * Launches what finds out whether any of `count` predicates holds. Fails if one of them does.
 */
cohort_status_t cohort_predicate_or(cohort_context_t context,
                                    uint32_t count,
                                    const cohort_predicate_t *predicates,
                                    cohort_predicate_t *predicate);

/**
 * Operations that were given it keep it.
 */
cohort_status_t cohort_predicate_destroy(cohort_predicate_t *predicate);

/**
 * Registers a projection. `name` (copied) appears in messages. `user` is handed to every call and stays the caller's. Any
 * thread; it lasts as long as the runtime. Errors: INVALID_ARGUMENT (no name, no function).
 */
cohort_status_t cohort_projection_register(cohort_runtime_t runtime,
                                           const char *name,
                                           cohort_projection_function_t function,
                                           void *user,
                                           cohort_projection_t *projection);

/**
 * Registers a way to combine elements of `element_bytes` bytes: `fold(into, from, count, user)` makes of each of `count`
 * elements that lie side by side at `into` its combination with the one at `from`. It has to be associative and commutative,
 * and is called on any thread, several at a time. `identity` (copied) is the element that changes nothing when it is folded
 * in. The number serves wherever COHORT_SUM does, with COHORT_TYPE_NONE as the type: in requirements on fields of elements of that
 * size, for the results of index launches, and, with at most 16 bytes, in dynamic collectives, which know it by its `name`
 * (copied; each once, and the same on all ranks). `user` is handed to every call and stays the caller's. It ends with the
 * runtime. Any thread. Errors: INVALID_ARGUMENT (no function, no bytes, a name given already), RESOURCES (4096 are there).
 */
cohort_status_t cohort_reduction_register(cohort_runtime_t runtime,
                                          const char *name,
                                          size_t element_bytes,
                                          const void *identity,
                                          cohort_fold_function_t fold,
                                          void *user,
                                          cohort_reduction_t *reduction);

/**
 * A rectangle of points of `dim` (1 to 3) dimensions; `lo` and `hi` have `dim` entries, both ends included.
 * Errors: INVALID_ARGUMENT (dim), BOUNDS (lo above hi).
 */
cohort_status_t cohort_index_space_create(cohort_runtime_t runtime,
                                          int32_t dim,
                                          const int64_t *lo,
                                          const int64_t *hi,
                                          cohort_index_space_t *space);

/**
 * The points of any of `count` rectangles, which may overlap and leave holes between them; `lo` and `hi` hold dim entries a
 * rectangle, one after the other. Errors: INVALID_ARGUMENT (dim, count 0), BOUNDS (lo above hi).
 */
cohort_status_t cohort_index_space_create_rects(cohort_runtime_t runtime,
                                                int32_t dim,
                                                uint32_t count,
                                                const int64_t *lo,
                                                const int64_t *hi,
                                                cohort_index_space_t *space);

/**
 * Regions made from it live on.
 */
cohort_status_t cohort_index_space_destroy(cohort_index_space_t *space);

/**
 * An empty field space; add fields, then make regions from it. Any thread.
 */
cohort_status_t cohort_field_space_create(cohort_runtime_t runtime, cohort_field_space_t *space);

/**
 * Regions made from it live on.
 */
cohort_status_t cohort_field_space_destroy(cohort_field_space_t *space);

/**
 * Adds a field of `bytes` bytes a point. `name` (copied, may be NULL) appears in messages.
 */
cohort_status_t cohort_field_allocate(cohort_field_space_t space,
                                      size_t bytes,
                                      const char *name,
                                      cohort_field_t *field);

/**
 * Adds `count` fields alike, numbered `*first` to `*first + count - 1`.
 */
cohort_status_t cohort_fields_allocate(cohort_field_space_t space, size_t bytes, uint32_t count, cohort_field_t *first);

/**
 * A region: every point of the index space has every field of the field space. Storage appears when first used,
 * unless arrays are attached.
 */
cohort_status_t cohort_region_create(cohort_runtime_t runtime,
                                     cohort_index_space_t space,
                                     cohort_field_space_t fields,
                                     cohort_region_t *region);

/**
 * Operations that use it still complete; then its storage is given back.
 */
cohort_status_t cohort_region_destroy(cohort_region_t *region);

/**
 * Dimension and bounds; `lo` and `hi` need room for the region's dimension, 3 at most. Any thread.
 */
cohort_status_t cohort_region_bounds(cohort_region_t region, int32_t *dim, int64_t *lo, int64_t *hi);

/**
 * The number of points, and of the disjoint rectangles that they make up: 1 unless the region has holes, 0 when it is empty.
 * Any thread.
 */
cohort_status_t cohort_region_points(cohort_region_t region,
                                     int64_t *points,
                                     uint32_t *rects);

/**
 * The disjoint rectangles that the region's points make up; `lo` and `hi` have room for `capacity` of them, dim entries each,
 * one after the other. Errors: BOUNDS (more rectangles than that; cohort_region_points counts them). Any thread.
 */
cohort_status_t cohort_region_rects(cohort_region_t region,
                                    uint32_t capacity,
                                    int64_t *lo,
                                    int64_t *hi);

/**
 * Makes the caller's memory the storage of fields of a region, in place. `base` is the element at the region's
 * lo of the first field, `strides[d]` the bytes from one point to the next in dimension d, `field_stride` the bytes
 * from one field to the next. The memory stays the caller's, must outlive the use, and may be looked at by the host
 * only when no outstanding operation uses it. To sub-regions that share no points different arrays can be attached: a task then
 * uses what lies in one of them, or asks for a layout (cohort_task_layout) and works on one copy. Errors: INVALID_ARGUMENT (null base,
 * elements that overlap), WRONG_ORDER (a field attached there).
 */
cohort_status_t cohort_attach(cohort_context_t context,
                              cohort_region_t region,
                              uint32_t field_count,
                              const cohort_field_t *fields,
                              void *base,
                              const int64_t *strides,
                              int64_t field_stride);

/**
 * Waits for the operations that use the fields, then forgets the memory attached to the region, which holds the content; with a root
 * region also what is attached to its sub-regions.
 */
cohort_status_t cohort_detach(cohort_context_t context,
                              cohort_region_t region,
                              uint32_t field_count,
                              const cohort_field_t *fields);

/**
 * Launches an operation that writes `value` (copied), of `bytes` bytes, into every point of the fields.
 */
cohort_status_t cohort_fill(cohort_context_t context,
                            cohort_region_t region,
                            uint32_t field_count,
                            const cohort_field_t *fields,
                            const void *value,
                            size_t bytes);

/**
 * Whether code that was compiled, or written, for the header with this COHORT_ABI may call this library: for code that does not
 * start the runtime, since what starts it asks by itself. Any thread. Errors: VERSION.
 */
cohort_status_t cohort_check_abi(uint32_t abi);

/**
 * Starts the runtime in this process alone. Call through `cohort_init`, which passes the header's COHORT_ABI. The
 * calling thread becomes the MPI thread: functions that say so must be called on it. `config` may be NULL.
 * Errors: VERSION, INVALID_ARGUMENT (a setting), WRONG_ORDER (it runs already).
 */
cohort_status_t cohort_init_version(uint32_t abi, const cohort_config_t *config, cohort_runtime_t *runtime);

/**
 * Starts the runtime on every rank of a communicator, given as its Fortran handle. Collective. Call through
 * `cohort_init_mpi` of cohort_mpi.h, which passes the header's COHORT_ABI and the family of the program's MPI: 1 Open MPI, 2
 * MPICH and its relatives, 0 unknown. The calling thread becomes the MPI thread. `config` may be NULL. Errors: as
 * `cohort_init`, and MPI (another MPI than the library's, an MPI call that failed), UNSUPPORTED (built without MPI).
 */
cohort_status_t cohort_init_communicator(uint32_t abi,
                                         int32_t mpi,
                                         int32_t communicator,
                                         const cohort_config_t *config,
                                         cohort_runtime_t *runtime);

/**
 * `cohort_init_mpi` for the Fortran module.
 */
cohort_status_t cohort_init_fortran(uint32_t abi,
                                    int32_t communicator,
                                    const cohort_config_t *config,
                                    cohort_runtime_t *runtime);

/**
 * Waits for all work, then ends the runtime and clears the handle; every other handle of it is stale afterwards. A
 * null handle is accepted. MPI thread. Collective. Errors: TASK_FAILED if a task failed since the last wait (the
 * runtime ends all the same), WRONG_THREAD, WRONG_ORDER if inline mappings of the root context are open (the runtime goes on: unmap
 * and call again).
 */
cohort_status_t cohort_finalize(cohort_runtime_t *runtime);

/**
 * Calls `release(user)` when the runtime has ended: for what the user pointers of callbacks point to, which must live until
 * then. Any thread, also before the runtime starts. Errors: INVALID_ARGUMENT (`release` is null).
 */
cohort_status_t cohort_release_at_end(void *user,
                                      cohort_release_function_t release);

/**
 * The runtime that runs in this process, for code that did not start it, such as a library that a program loads. Any thread.
 * Errors: WRONG_ORDER (none runs).
 */
cohort_status_t cohort_current(cohort_runtime_t *runtime);

/**
 * This process's rank in the communicator; 0 without MPI. Any thread.
 */
cohort_status_t cohort_rank(cohort_runtime_t runtime, int32_t *rank);

/**
 * The number of ranks; 1 without MPI. Any thread.
 */
cohort_status_t cohort_size(cohort_runtime_t runtime, int32_t *size);

/**
 * Processors of this rank that run tasks, the waiting MPI thread included. Any thread.
 */
cohort_status_t cohort_workers(cohort_runtime_t runtime, int32_t *workers);

/**
 * The context of the MPI thread, in which the program outside of all tasks launches. Owned by the runtime.
 */
cohort_status_t cohort_root_context(cohort_runtime_t runtime, cohort_context_t *context);

/**
 * The text of this thread's last error: function, value, rule, remedy. Valid until the next error on this thread.
 */
const char *cohort_last_error(void);

/**
 * The name of a status, such as "COHORT_ERROR_BOUNDS". Static.
 */
const char *cohort_status_name(cohort_status_t status);

/**
 * The library's COHORT_VERSION.
 */
uint32_t cohort_version(void);

/**
 * What an error does besides being returned: 0 nothing, 1 prints to stderr, 2 prints and aborts. Any thread.
 */
cohort_status_t cohort_set_on_error(int32_t policy);

/**
 * Registers a kind of task. `name` (copied) appears in messages. `user` is handed to every execution and stays the
 * caller's. `flags`: 0, or COHORT_TASK_LEAF, COHORT_TASK_MPI_THREAD or their sum. Any thread.
 */
cohort_status_t cohort_task_register(cohort_runtime_t runtime,
                                     const char *name,
                                     cohort_task_function_t function,
                                     void *user,
                                     uint32_t flags,
                                     cohort_task_t *task);

/**
 * Gives a task another body for one kind of processor. Any thread, before the task is launched.
 */
cohort_status_t cohort_task_variant(cohort_task_t task,
                                    cohort_processor_t kind,
                                    cohort_task_function_t function,
                                    void *user);

/**
 * The arguments of the launch; valid until the body returns. Inside a task.
 */
cohort_status_t cohort_task_args(cohort_context_t task, const void **args, size_t *bytes);

/**
 * Copies the arguments of the launch, which have `bytes` bytes, to `value`. Inside a task. Errors: INVALID_ARGUMENT (another
 * size).
 */
cohort_status_t cohort_task_args_get(cohort_context_t task,
                                     void *value,
                                     size_t bytes);

/**
 * Which point of its index launch or must epoch the task is; 0 otherwise. Inside a task.
 */
cohort_status_t cohort_task_point(cohort_context_t task, uint32_t *point);

/**
 * The task fails with this text (copied) when its body returns, whatever the body returns. Inside a task.
 */
cohort_status_t cohort_task_fail(cohort_context_t task, const char *why);

/**
 * The region of a requirement: in an index launch the point's sub-region. The handle is the task's and ends with it.
 */
cohort_status_t cohort_task_region(cohort_context_t task, uint32_t requirement, cohort_region_t *region);

/**
 * Where the data of one field of a requirement lies; valid until the body returns. With COHORT_REDUCE a private array
 * of identities, which is folded in when the body has returned. Inside a task. Errors: PRIVILEGE (a field or a right
 * that the launch did not declare), INVALID_ARGUMENT (no such requirement).
 */
cohort_status_t cohort_view(cohort_context_t task,
                            uint32_t requirement,
                            cohort_field_t field,
                            cohort_privilege_t right,
                            cohort_view_t *view);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#define COHORT_CONFIG_INIT {sizeof(cohort_config_t), -1, -1, -1, 0, -1, 0, 0.0, -1, 0, -1}
#define COHORT_LAUNCH_INIT {sizeof(cohort_launch_t), {0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, 0, 0}
#define COHORT_COPY_INIT {sizeof(cohort_copy_t), {0}, {0}, 0, 0, 0, {0, 0, 0}, 0, 0, 0, 0, {0}, {0}, 0, {0}, 0, 0, 0, 0}
#define COHORT_KERNEL_INIT {sizeof(cohort_kernel_t), 0, 0, 0, 0, {0, 0, 0}, 0, COHORT_DEVICE_ANY}
#define COHORT_SYNC_INIT {sizeof(cohort_sync_t), {0}, 0, 0, 0, 0, 0, 0, {0}}
#define COHORT_LAYOUT_INIT {sizeof(cohort_layout_t), 0, 0, 0, {0, 0, 0}, 0, 0}
#define COHORT_MAPPER_INIT {sizeof(cohort_mapper_t), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define COHORT_HALO_OPTIONS_INIT {sizeof(cohort_halo_options_t), 0, {0, 0, 0}, {0, 0, 0}, {0, 0, 0}, {-1, -1, -1, -1, -1, -1}, 0, 0}
#define COHORT_PROCESSOR_INFO_INIT {sizeof(cohort_processor_info_t), 0, 0, 0, 0, 0, 0, 0, 0}
#define COHORT_MEMORY_INFO_INIT {sizeof(cohort_memory_info_t), 0, 0, 0, 0, 0}
#define COHORT_AFFINITY_INIT {sizeof(cohort_affinity_t), 0.0, 0.0}
#define COHORT_RANK_INFO_INIT {sizeof(cohort_rank_info_t), 0, 0, 0, 0, 0, 0}

#ifdef __cplusplus
extern "C" {
#endif

/** Starts the runtime of this process, alone: one rank. The calling thread becomes the MPI thread. `config` may be NULL.
 * Inline, so that a program and a library that do not fit notice each other. */
static inline cohort_status_t cohort_init(const cohort_config_t *config, cohort_runtime_t *runtime)
{
  return cohort_init_version(COHORT_ABI, config, runtime);
}

#ifdef __cplusplus
}
#endif

#endif
