!> Types and constants of the Fortran interface: what crosses the C ABI, by value, with the same names.
module cohort_types
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t, c_size_t, c_double, c_bool, c_ptr, c_null_ptr, c_funptr, &
    c_null_funptr, c_char, c_null_char
  implicit none
  public

  !> What cohort.h of this installation has; cohort_init compares it with the library's.
  integer(c_int32_t), parameter :: COHORT_ABI = 1798641460

  !> One word each; zero is the null handle. A stale handle is an error, never a crash.
  type, bind(C) :: cohort_runtime
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_context
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_index_space
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_field_space
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_region
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_partition
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_task
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_future
    integer(c_int64_t) :: id = 0
  end type
  !> The values that the points of an index launch will have.
  type, bind(C) :: cohort_future_map
    integer(c_int64_t) :: id = 0
  end type
  !> A truth value that operations will have, and that decides whether others do their work.
  type, bind(C) :: cohort_predicate
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_handshake
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_halo
    integer(c_int64_t) :: id = 0
  end type
  type, bind(C) :: cohort_mapping
    integer(c_int64_t) :: id = 0
  end type

  !> A barrier and one of its phases. Plain bytes: 16 bytes that may be sent to other ranks.
  type, bind(C) :: cohort_phase_barrier
    integer(c_int64_t) :: id = 0
    integer(c_int64_t) :: phase = 0
  end type
  !> A dynamic collective and one of its phases. Plain bytes as well.
  type, bind(C) :: cohort_collective
    integer(c_int64_t) :: id = 0
    integer(c_int64_t) :: phase = 0
  end type
  !> What another rank needs to name a ghost region of this one: 256 plain bytes.
  type, bind(C) :: cohort_ghost
    integer(c_int64_t) :: words(32) = 0
  end type

  integer(c_int32_t), parameter :: COHORT_OK = 0, COHORT_ERROR_INVALID_ARGUMENT = 1, COHORT_ERROR_INVALID_HANDLE = 2, &
    COHORT_ERROR_WRONG_THREAD = 3, COHORT_ERROR_WRONG_ORDER = 4, COHORT_ERROR_WRONG_RANK = 5, COHORT_ERROR_PRIVILEGE = 6, &
    COHORT_ERROR_BOUNDS = 7, COHORT_ERROR_OUT_OF_MEMORY = 8, COHORT_ERROR_TASK_FAILED = 9, COHORT_ERROR_TIMEOUT = 10, &
    COHORT_ERROR_UNSUPPORTED = 11, COHORT_ERROR_MPI = 12, COHORT_ERROR_VERSION = 13, COHORT_ERROR_INTERFERENCE = 14, &
    COHORT_ERROR_RESOURCES = 15, COHORT_ERROR_PEER_LOST = 16, COHORT_ERROR_INTERNAL = 99

  integer(c_int32_t), parameter :: COHORT_NO_ACCESS = 0, COHORT_READ_ONLY = 1, COHORT_READ_WRITE = 2, &
    COHORT_WRITE_DISCARD = 3, COHORT_REDUCE = 4
  integer(c_int32_t), parameter :: COHORT_EXCLUSIVE = 0, COHORT_SIMULTANEOUS = 1, COHORT_ATOMIC = 2, COHORT_RELAXED = 3
  integer(c_int32_t), parameter :: COHORT_REDUCTION_NONE = 0, COHORT_SUM = 1, COHORT_PRODUCT = 2, COHORT_MIN = 3, COHORT_MAX = 4
  integer(c_int32_t), parameter :: COHORT_TYPE_NONE = 0, COHORT_INT32 = 1, COHORT_INT64 = 2, COHORT_FLOAT = 3, &
    COHORT_DOUBLE = 4, COHORT_FLOAT_COMPLEX = 5, COHORT_DOUBLE_COMPLEX = 6
  integer(c_int32_t), parameter :: COHORT_PROC_ANY = 0, COHORT_PROC_CPU = 1, COHORT_PROC_MPI = 2, COHORT_PROC_DEVICE = 3
  integer(c_int32_t), parameter :: COHORT_DEVICE_ANY = 0, COHORT_DEVICE_CUDA = 1, COHORT_DEVICE_OPENCL = 2
  integer(c_int32_t), parameter :: COHORT_MEMORY_ANY = 0, COHORT_MEMORY_SYSTEM = 1, COHORT_MEMORY_SHARED = 2, &
    COHORT_MEMORY_DEVICE = 3, COHORT_MEMORY_ZERO_COPY = 4
  integer(c_int32_t), parameter :: COHORT_SIDE_HOST = 0, COHORT_SIDE_TASKS = 1
  integer(c_int32_t), parameter :: COHORT_TASK_LEAF = 1, COHORT_TASK_MPI_THREAD = 2
  integer(c_int32_t), parameter :: COHORT_MAPPER_SERIALISED = 1
  integer(c_int32_t), parameter :: COHORT_PROJECTION_IDENTITY = 0, COHORT_PROJECTION_OFFSET = 1
  integer(c_int32_t), parameter :: COHORT_FOLD_ANY_ORDER = 1
  !> Of copies: values of gather and scatter that name points elsewhere are passed over.
  integer(c_int32_t), parameter :: COHORT_COPY_SKIP_OUT_OF_RANGE = 1
  integer(c_int32_t), parameter :: COHORT_LAUNCH_CONCURRENT = 1

  !> Settings of a runtime; a component left at its default takes the environment's value or the library's own.
  type, bind(C) :: cohort_config
    integer(c_size_t) :: size = 0
    integer(c_int32_t) :: workers = -1
    integer(c_int32_t) :: host_helps = -1
    integer(c_int32_t) :: bind = -1
    integer(c_int32_t) :: window = 0
    integer(c_int32_t) :: spin_microseconds = -1
    integer(c_int64_t) :: task_stack_bytes = 0
    real(c_double) :: watchdog_seconds = 0
    integer(c_int32_t) :: force_messages = -1
    integer(c_int64_t) :: shared_bytes = 0
    integer(c_int32_t) :: on_error = -1
  end type

  !> Where the data of one field lies: address of the element at `lo`, inclusive bounds, strides in bytes.
  type, bind(C) :: cohort_view_layout
    type(c_ptr) :: base = c_null_ptr
    integer(c_int32_t) :: dim = 0
    integer(c_int64_t) :: lo(3) = 0, hi(3) = 0, stride(3) = 0
    !> 0, or the points of a block along dimension block_dim + 1; cohort.h says where its elements lie.
    integer(c_int64_t) :: block = 0, block_stride = 0, block_offset = 0
    integer(c_int32_t) :: block_dim = 0
  end type

  !> A kernel for devices; cohort_task_kernel fills it in.
  type, bind(C) :: cohort_kernel_c
    integer(c_size_t) :: size = 0
    type(c_ptr) :: source = c_null_ptr, file = c_null_ptr, name = c_null_ptr, options = c_null_ptr
    integer(c_int32_t) :: block(3) = 0, grid_requirement = 0, api = COHORT_DEVICE_ANY
  end type

  !> The device on which a task runs: handles of the driver's own. CUDA: CUdevice, CUcontext, CUstream; OpenCL: cl_device_id,
  !> cl_context, cl_command_queue.
  type, bind(C) :: cohort_device
    integer(c_size_t) :: size = 0
    integer(c_int32_t) :: api = 0, number = 0
    type(c_ptr) :: device = c_null_ptr, context = c_null_ptr, stream = c_null_ptr
  end type

  !> The data of one field on a device: CUdeviceptr or cl_mem, the bytes from there to the element at `lo`, strides in bytes.
  type, bind(C) :: cohort_device_view
    type(c_ptr) :: base = c_null_ptr
    integer(c_int64_t) :: offset = 0
    integer(c_int32_t) :: dim = 0
    integer(c_int64_t) :: lo(3) = 0, hi(3) = 0, stride(3) = 0
  end type

  integer(c_int32_t), parameter :: COHORT_ORDER_FORTRAN = 0, COHORT_ORDER_C = 1
  integer(c_int32_t), parameter :: COHORT_SOA = 0, COHORT_AOS = 1, COHORT_BLOCKED = 2
  integer(c_int32_t), parameter :: COHORT_LAYOUT_EXACT = 1
  integer(c_int32_t), parameter :: COHORT_COPIED_TEXT = 232

  !> How fields are laid out in memory: by default an array for each field, in Fortran order. With COHORT_AOS the fields of a point
  !> lie side by side, as in q(5,i,j,k); with COHORT_BLOCKED `block` points of one field, then as many of the next. padding(d):
  !> points of room beyond the last in dimension d. alignment: of arrays, or blocks; 0: does not matter.
  type, bind(C) :: cohort_layout
    integer(c_size_t) :: size = 0
    integer(c_int32_t) :: order = COHORT_ORDER_FORTRAN
    integer(c_int32_t) :: grouping = COHORT_SOA
    integer(c_int32_t) :: block = 0
    integer(c_int32_t) :: padding(3) = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: alignment = 0
  end type

  !> What was copied because data lay in another layout or memory than a task or its mapper asked for, and why the (first) copy was
  !> made.
  type :: cohort_copied
    integer(c_int64_t) :: copies = 0, bytes_in = 0, bytes_out = 0
    character(len=:), allocatable :: why
  end type

  !> The C side's view of that.
  type, bind(C) :: cohort_copied_c
    integer(c_int64_t) :: copies = 0, bytes_in = 0, bytes_out = 0
    character(kind=c_char) :: why(232) = c_null_char
  end type

  integer, parameter :: OWN_FIELDS = 24

  !> What a task needs: fields of a region (or, in an index launch, of sub-region `point` of a partition) with a right.
  !> Build it with `cohort_needs`; one built once may serve every time step.
  !> No component is allocatable: in array constructors, where launches make their requirements, gfortran loses those (GCC bug
  !> 116679). A list of few fields lies here, a longer one in the library.
  type :: cohort_requirement
    type(cohort_region) :: region
    type(cohort_partition) :: partition
    integer(c_int32_t) :: field_count = 0
    integer(c_int32_t) :: own_fields(OWN_FIELDS)
    type(c_ptr) :: kept_fields = c_null_ptr
    integer(c_int32_t) :: privilege = COHORT_NO_ACCESS
    integer(c_int32_t) :: coherence = COHORT_EXCLUSIVE
    integer(c_int32_t) :: reduction = COHORT_REDUCTION_NONE
    integer(c_int32_t) :: reduction_type = COHORT_TYPE_NONE
    integer(c_int32_t) :: projection = COHORT_PROJECTION_IDENTITY
    integer(c_int64_t) :: projection_offset = 0
    integer(c_int32_t) :: flags = 0
  end type

  !> One of several members of a must epoch: cohort_member(task, [cohort_needs(..), ..]), or cohort_member(task) if it needs none.
  !> gfortran loses some 160 bytes a requirement where an array constructor makes members (GCC bug 116679): for epochs by the
  !> thousand fill a variable.
  type :: cohort_member
    type(cohort_task) :: task
    type(cohort_requirement), allocatable :: requirements(:)
  end type

  !> The C side's view of a requirement.
  type, bind(C) :: cohort_requirement_c
    type(cohort_region) :: region
    type(cohort_partition) :: partition
    type(c_ptr) :: fields = c_null_ptr
    integer(c_int32_t) :: field_count = 0
    integer(c_int32_t) :: privilege = 0, coherence = 0, reduction = 0, reduction_type = 0
    integer(c_int32_t) :: projection = 0
    integer(c_int64_t) :: projection_offset = 0
    integer(c_int32_t) :: flags = 0
  end type

  !> Something that runs tasks: the MPI thread (kind COHORT_PROC_MPI, number 0), a worker thread (COHORT_PROC_CPU), or a device
  !> (COHORT_PROC_DEVICE, after all others), of whose `name` cohort_processor_name makes a text. `memory` is the number of its own
  !> memory, -1 if it has none; `api` is COHORT_DEVICE_CUDA or COHORT_DEVICE_OPENCL for a device. `helps` is 0 for a device, and
  !> for an MPI thread that was told not to run tasks of other kinds; `cpu` is -1 for one that may run on several of the system's
  !> processors, `numa_node` for one that may run in several nodes.
  type, bind(C) :: cohort_processor_info
    integer(c_size_t) :: size = 0
    integer(c_int32_t) :: number = 0, kind = 0, helps = 0, cpu = -1, numa_node = -1, memory = -1, api = 0
    type(c_ptr) :: name = c_null_ptr
  end type

  !> A memory: that of a NUMA node (kind COHORT_MEMORY_SYSTEM), or what ranks of the node share (COHORT_MEMORY_SHARED, numa_node
  !> -1), a device's (COHORT_MEMORY_DEVICE), or the host's that devices use in place (COHORT_MEMORY_ZERO_COPY). Sizes are in bytes;
  !> `available` is what can be had now.
  type, bind(C) :: cohort_memory_info
    integer(c_size_t) :: size = 0
    integer(c_int32_t) :: number = 0, kind = 0, numa_node = -1
    integer(c_int64_t) :: bytes = 0, available = 0
  end type

  !> How fast a processor reaches a memory: bytes a second, and seconds to the value of a load that no cache holds.
  type, bind(C) :: cohort_affinity
    integer(c_size_t) :: size = 0
    real(c_double) :: bandwidth = 0, latency = 0
  end type

  !> Where a rank is. `same_node` and `shares_memory` are 1 or 0: seen from the rank that asks. `numa_node` is -1 if its workers may
  !> run in several.
  type, bind(C) :: cohort_rank_info
    integer(c_size_t) :: size = 0
    integer(c_int32_t) :: rank = 0, node = 0, same_node = 0, shares_memory = 0, numa_node = -1, workers = 0
  end type

  !> The C side's view of a launch.
  type, bind(C) :: cohort_launch_c
    integer(c_size_t) :: size = 0
    type(cohort_task) :: task
    type(c_ptr) :: args = c_null_ptr
    integer(c_size_t) :: args_size = 0
    type(c_ptr) :: requirements = c_null_ptr
    integer(c_int32_t) :: requirement_count = 0
    type(c_ptr) :: futures = c_null_ptr
    integer(c_int32_t) :: future_count = 0
    type(c_ptr) :: wait_barriers = c_null_ptr
    integer(c_int32_t) :: wait_barrier_count = 0
    type(c_ptr) :: arrive_barriers = c_null_ptr
    integer(c_int32_t) :: arrive_barrier_count = 0
    type(c_ptr) :: wait_handshakes = c_null_ptr
    integer(c_int32_t) :: wait_handshake_count = 0
    type(c_ptr) :: arrive_handshakes = c_null_ptr
    integer(c_int32_t) :: arrive_handshake_count = 0
    integer(c_int32_t) :: processor = COHORT_PROC_ANY
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: future_map_count = 0
    type(c_ptr) :: future_maps = c_null_ptr
    type(cohort_predicate) :: predicate
    type(c_ptr) :: false_result = c_null_ptr
    integer(c_size_t) :: false_result_size = 0
  end type

  !> A mapper that was registered.
  type, bind(C) :: cohort_mapper_handle
    integer(c_int64_t) :: id = 0
  end type

  !> What a mapper is told of a requirement: bounds and number of points of the region, the fields (a C array; see
  !> cohort_info_fields), the right, the worker that ran a task on it last (-1: none that is known), the bytes of all that, whether
  !> a layout can be chosen.
  type, bind(C) :: cohort_requirement_info
    integer(c_int32_t) :: dim = 0
    integer(c_int64_t) :: lo(3) = 0, hi(3) = 0
    integer(c_int64_t) :: volume = 0
    type(c_ptr) :: fields = c_null_ptr
    integer(c_int32_t) :: field_count = 0, privilege = 0, coherence = 0, worker = -1
    integer(c_int64_t) :: bytes = 0
    logical(c_bool) :: layout_is_open = .false.
  end type

  !> What a mapper chooses when a task is launched. `priority` is -7 to 7; with `run_inline` 1 the launching thread runs the task;
  !> with `replay` 1 the answers hold for later launches of the task and point in the same context with the same requirements.
  !> `device`, of a task for COHORT_PROC_DEVICE: one of the task's devices; -1: the one that has most of its data.
  type, bind(C) :: cohort_task_options
    integer(c_int32_t) :: processor = COHORT_PROC_ANY, priority = 0, run_inline = 0, replay = 0, device = -1
  end type

  !> Points first .. first + count - 1 of an index launch, for a worker, or for any: -1.
  type, bind(C) :: cohort_slice
    integer(c_int32_t) :: first = 0, count = 0, worker = -1
  end type

  !> Where the data of a requirement is to lie: a memory of this rank by its number; -1: where it is. And how: c_loc of a
  !> cohort_layout that outlives the callback; c_null_ptr: as it does.
  type, bind(C) :: cohort_requirement_mapping
    integer(c_int32_t) :: rank = 0, memory = -1
    type(c_ptr) :: layout = c_null_ptr
  end type

  !> What a mapper is told of an explicit copy.
  type, bind(C) :: cohort_copy_info
    type(cohort_requirement_info) :: source, destination
  end type
  !> What it chooses for one.
  type, bind(C) :: cohort_copy_mapping
    integer(c_int32_t) :: worker = -1, priority = 0
  end type

  !> A memory that holds data which is to be copied, by its number among the machine's memories, and how much of it.
  type, bind(C) :: cohort_copy_source
    integer(c_int32_t) :: memory = 0
    integer(c_int64_t) :: bytes = 0
  end type

  !> The rank of a member of a must epoch: its own.
  type, bind(C) :: cohort_member_mapping
    integer(c_int32_t) :: rank = 0
  end type

  !> The C side's views of what mappers are told and choose.
  type, bind(C) :: cohort_task_info_c
    type(cohort_task) :: task
    type(c_ptr) :: name = c_null_ptr
    integer(c_int32_t) :: point = 0, points = 0
    type(c_ptr) :: args = c_null_ptr
    integer(c_size_t) :: args_size = 0
    type(c_ptr) :: requirements = c_null_ptr
    integer(c_int32_t) :: requirement_count = 0, processor = 0, variants = 0
    logical(c_bool) :: leaf = .false., processor_is_open = .false., may_run_inline = .false.
    type(c_ptr) :: devices = c_null_ptr
    integer(c_int32_t) :: device_count = 0
  end type
  type, bind(C) :: cohort_slices_c
    type(c_ptr) :: slices = c_null_ptr
    integer(c_int32_t) :: capacity = 0, count = 0
  end type
  type, bind(C) :: cohort_task_mapping_c
    integer(c_int32_t) :: processor = 0, worker = -1, priority = 0, requirement_count = 0
    type(c_ptr) :: requirements = c_null_ptr
  end type
  type, bind(C) :: cohort_sources_info_c
    type(cohort_task) :: task
    type(c_ptr) :: name = c_null_ptr
    integer(c_int32_t) :: number = 0
    type(cohort_requirement_info) :: requirement
    integer(c_int32_t) :: destination = 0
    integer(c_int64_t) :: bytes = 0
    type(c_ptr) :: sources = c_null_ptr
    integer(c_int32_t) :: source_count = 0
  end type
  type, bind(C) :: cohort_source_order_c
    type(c_ptr) :: memories = c_null_ptr
    integer(c_int32_t) :: count = 0
  end type
  type, bind(C) :: cohort_context_info_c
    type(cohort_task) :: task
    type(c_ptr) :: name = c_null_ptr
  end type
  type, bind(C) :: cohort_report_c
    type(cohort_task) :: task
    type(c_ptr) :: name = c_null_ptr
    integer(c_int32_t) :: point = 0, processor = 0, worker = -1
    integer(c_int64_t) :: start = 0, stop = 0
  end type
  type, bind(C) :: cohort_mapper_c
    integer(c_size_t) :: size = 0
    type(c_ptr) :: user = c_null_ptr
    integer(c_int32_t) :: flags = 0
    type(c_funptr) :: select_task_options = c_null_funptr, slice_index_launch = c_null_funptr, map_task = c_null_funptr
    type(c_funptr) :: map_copy = c_null_funptr, map_must_epoch = c_null_funptr, select_tunable = c_null_funptr
    type(c_funptr) :: configure_context = c_null_funptr, report = c_null_funptr, map_inline = c_null_funptr
    type(c_funptr) :: rank_copy_sources = c_null_funptr
  end type

  !> The C side's view of an explicit copy.
  type, bind(C) :: cohort_copy_c
    integer(c_size_t) :: size = 0
    type(cohort_region) :: source, destination
    type(c_ptr) :: source_fields = c_null_ptr, destination_fields = c_null_ptr
    integer(c_int32_t) :: field_count = 0
    integer(c_int64_t) :: shift(3) = 0
    type(c_ptr) :: wait_barriers = c_null_ptr
    integer(c_int32_t) :: wait_barrier_count = 0
    type(c_ptr) :: arrive_barriers = c_null_ptr
    integer(c_int32_t) :: arrive_barrier_count = 0
    type(cohort_predicate) :: predicate
    type(cohort_region) :: gather
    integer(c_int32_t) :: gather_field = 0
    type(cohort_region) :: scatter
    integer(c_int32_t) :: scatter_field = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: reduction = COHORT_REDUCTION_NONE, reduction_type = COHORT_TYPE_NONE
  end type

  !> The C side's view of an acquire or a release.
  type, bind(C) :: cohort_sync_c
    integer(c_size_t) :: size = 0
    type(cohort_region) :: region
    type(c_ptr) :: fields = c_null_ptr
    integer(c_int32_t) :: field_count = 0
    type(c_ptr) :: wait_barriers = c_null_ptr
    integer(c_int32_t) :: wait_barrier_count = 0
    type(c_ptr) :: arrive_barriers = c_null_ptr
    integer(c_int32_t) :: arrive_barrier_count = 0
    type(cohort_predicate) :: predicate
  end type

  !> The C side's view of the description of a halo.
  type, bind(C) :: cohort_halo_options_c
    integer(c_size_t) :: size = 0
    integer(c_int32_t) :: dim = 0
    integer(c_int64_t) :: lo(3) = 0, hi(3) = 0, depth(3) = 0
    integer(c_int32_t) :: neighbours(6) = -1
    integer(c_int32_t) :: field_count = 0
    integer(c_size_t) :: field_bytes = 0
  end type
end module cohort_types
