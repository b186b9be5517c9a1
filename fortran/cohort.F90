!> The Fortran interface of Cohort: `use cohort` and nothing else. Every procedure takes an optional `ierr` last; without it an
!> error prints its text and stops the program. Handles are values; colours, points and slots count from 0 as in C, requirements,
!> future arguments and faces from 1.
module cohort
  use, intrinsic :: iso_c_binding
#ifdef COHORT_WITH_MPI_F08
  use mpi_f08, only: MPI_Comm
#endif
  use cohort_types
  use cohort_c
  use cohort_support, only: finish, cohort_error_message, cohort_status_name, cohort_set_on_error
  use cohort_regions
  use cohort_partitions
  use cohort_tasks
  use cohort_devices
  use cohort_projections
  use cohort_launches
  use cohort_futures
  use cohort_predicates
  use cohort_inline
  use cohort_layouts
  use cohort_reductions
  use cohort_views
  use cohort_interop
  use cohort_machine
  use cohort_mappers
  implicit none
  private
  public :: cohort_init, cohort_finalize, cohort_rank, cohort_size, cohort_workers, cohort_halo_create
  public :: cohort_error_message, cohort_status_name, cohort_set_on_error
  ! The base of a raw view is a c_ptr; bytes of a field or a slot may be asked for by c_sizeof.
  public :: c_ptr, c_f_pointer, c_sizeof, c_size_t
  ! Types and constants.
  public :: cohort_runtime, cohort_context, cohort_index_space, cohort_field_space, cohort_region, cohort_partition, cohort_task, &
    cohort_future, cohort_handshake, cohort_halo, cohort_phase_barrier, cohort_collective, cohort_ghost, cohort_config, &
    cohort_requirement, cohort_member, cohort_view_layout
  public :: cohort_processor_info, cohort_memory_info, cohort_affinity, cohort_rank_info
  public :: COHORT_OK, COHORT_ERROR_INVALID_ARGUMENT, COHORT_ERROR_INVALID_HANDLE, COHORT_ERROR_WRONG_THREAD, &
    COHORT_ERROR_WRONG_ORDER, COHORT_ERROR_WRONG_RANK, COHORT_ERROR_PRIVILEGE, COHORT_ERROR_BOUNDS, COHORT_ERROR_OUT_OF_MEMORY, &
    COHORT_ERROR_TASK_FAILED, COHORT_ERROR_TIMEOUT, COHORT_ERROR_UNSUPPORTED, COHORT_ERROR_MPI, COHORT_ERROR_VERSION, &
    COHORT_ERROR_INTERFERENCE, COHORT_ERROR_RESOURCES, COHORT_ERROR_PEER_LOST, COHORT_ERROR_INTERNAL
  public :: COHORT_NO_ACCESS, COHORT_READ_ONLY, COHORT_READ_WRITE, COHORT_WRITE_DISCARD, COHORT_REDUCE, COHORT_EXCLUSIVE, &
    COHORT_SIMULTANEOUS, COHORT_ATOMIC, COHORT_RELAXED, COHORT_REDUCTION_NONE, COHORT_SUM, COHORT_PRODUCT, &
    COHORT_MIN, COHORT_MAX, COHORT_INT32, COHORT_INT64, COHORT_FLOAT, COHORT_DOUBLE, &
    COHORT_FLOAT_COMPLEX, COHORT_DOUBLE_COMPLEX, COHORT_PROC_ANY, COHORT_PROC_CPU, &
    COHORT_PROC_DEVICE, COHORT_PROC_MPI, COHORT_SIDE_HOST, COHORT_SIDE_TASKS, COHORT_PROJECTION_IDENTITY, COHORT_PROJECTION_OFFSET
  ! Regions.
  public :: cohort_index_space_create, cohort_index_space_destroy, cohort_field_space_create, cohort_field_space_destroy, &
    cohort_field_allocate, cohort_fields_allocate, cohort_region_create, cohort_region_destroy, cohort_region_bounds, &
    cohort_partition_blocks, cohort_partition_rects, cohort_partition_tiles_halo, cohort_partition_count, &
    cohort_partition_destroy, cohort_subregion, cohort_attach, cohort_detach, cohort_fill
  public :: cohort_index_space_create_rects, cohort_region_points, cohort_region_rects, cohort_partition_equal, &
    cohort_partition_restriction, cohort_partition_by_field, cohort_partition_image, cohort_partition_preimage, &
    cohort_partition_union, cohort_partition_intersection, cohort_partition_difference, cohort_partition_cross_product, &
    cohort_partition_kind
  ! Tasks.
  public :: cohort_fold, cohort_reduction_register
  public :: cohort_task_body, cohort_task_register, cohort_task_variant, cohort_needs, cohort_launch, cohort_index_launch, &
    cohort_must_epoch, cohort_must_epoch_wait, cohort_wait_all, cohort_root_context, cohort_task_args, cohort_task_point, &
    cohort_task_result, cohort_task_fail, cohort_task_region, cohort_task_future, cohort_future_get, cohort_future_test, &
    cohort_future_destroy, cohort_future_value, cohort_view, cohort_view_raw, cohort_current, &
    cohort_projection_function, cohort_projection_register
  public :: cohort_future_map, cohort_future_map_count, cohort_future_map_get, cohort_future_map_future, cohort_future_map_wait, &
    cohort_future_map_reduce, cohort_future_map_destroy
  public :: cohort_predicate, cohort_predicate_constant, cohort_predicate_from_future, cohort_predicate_not, &
    cohort_predicate_and, cohort_predicate_or, cohort_predicate_destroy
  ! Devices.
  public :: cohort_device, cohort_device_view, cohort_device_body, cohort_task_kernel, cohort_task_device_callback, &
    cohort_view_device, COHORT_DEVICE_ANY, COHORT_DEVICE_CUDA, COHORT_DEVICE_OPENCL
  ! Data in the hands of the program or of a task.
  public :: cohort_mapping, cohort_inline_map, cohort_inline_view, cohort_inline_view_raw, cohort_inline_unmap
  ! Layouts.
  public :: cohort_layout, cohort_copied, cohort_region_layout, cohort_region_zero_copy, cohort_task_layout, cohort_task_copied, &
    cohort_task_copied_total, &
    COHORT_ORDER_FORTRAN, COHORT_ORDER_C, COHORT_SOA, COHORT_AOS, COHORT_BLOCKED, COHORT_LAYOUT_EXACT
  ! Between MPI and tasks, and between ranks.
  public :: cohort_handshake_create, cohort_handshake_destroy, cohort_handoff_to_tasks, cohort_wait_on_tasks, &
    cohort_test_on_tasks, cohort_handoff_to_host, cohort_wait_on_host, cohort_test_on_host, cohort_handshake_advance, &
    cohort_phase_barrier_create, cohort_phase_barrier_destroy, cohort_phase_barrier_advance, cohort_phase_barrier_arrive, &
    cohort_phase_barrier_wait, cohort_phase_barrier_test, cohort_phase_barrier_alter_arrivals, cohort_collective_create, &
    cohort_collective_destroy, cohort_collective_advance, cohort_collective_arrive, cohort_collective_arrive_future, &
    cohort_collective_future, cohort_ghost_create, cohort_ghost_export, cohort_ghost_import, cohort_copy, cohort_acquire, &
    cohort_release, cohort_halo_create_neighbours, cohort_halo_exchange, cohort_halo_release, cohort_halo_region, &
    cohort_halo_destroy

  ! Mappers.
  public :: cohort_mapper, cohort_mapper_handle, cohort_task_info, cohort_requirement_info, cohort_context_info, cohort_copy_info, &
    cohort_report, cohort_sources_info, cohort_copy_source, cohort_task_options, cohort_slice, cohort_task_mapping, &
    cohort_requirement_mapping, cohort_copy_mapping, &
    cohort_member_mapping, cohort_select_task_options, cohort_slice_index_launch, cohort_map_task, cohort_map_copy, &
    cohort_map_inline, cohort_rank_copy_sources, cohort_map_must_epoch, cohort_select_tunable, &
    cohort_configure_context, cohort_report_times, &
    cohort_mapper_register, cohort_mapper_use, cohort_mapper_refusals, cohort_tunable, cohort_info_fields

  ! The machine.
  public :: cohort_machine_processors, cohort_machine_memories, cohort_machine_affinity, cohort_machine_ranks, &
    cohort_machine_binding, cohort_machine_absent_devices, cohort_processor_name
  public :: COHORT_MEMORY_ANY, COHORT_MEMORY_SYSTEM, COHORT_MEMORY_SHARED, COHORT_MEMORY_DEVICE, COHORT_MEMORY_ZERO_COPY

  !> call cohort_init(rt [, comm] [, config] [, ierr]); comm is an mpi_f08 or an integer communicator, duplicated by the library.
  !> Without one the runtime works in this process alone. The calling thread becomes the MPI thread.
  interface cohort_init
    procedure init_alone, init_integer
#ifdef COHORT_WITH_MPI_F08
    procedure init_f08
#endif
  end interface

  !> call cohort_halo_create(rt, cart, lo, hi, depth, fields, field_bytes, halo): neighbours and periodicity from the Cartesian
  !> communicator `cart`; otherwise as cohort_halo_create_neighbours.
  interface cohort_halo_create
    procedure halo_create_integer
#ifdef COHORT_WITH_MPI_F08
    procedure halo_create_f08
#endif
  end interface

contains

  function settings(config) result(given)
    type(cohort_config), intent(in), optional :: config
    type(cohort_config) :: given
    if (present(config)) given = config
    given%size = c_sizeof(given)
  end function

  subroutine init_alone(rt, config, ierr)
    type(cohort_runtime), intent(out) :: rt
    type(cohort_config), intent(in), optional :: config
    integer, intent(out), optional :: ierr
    call finish(cohort_c_init_version(COHORT_ABI, settings(config), rt), ierr)
  end subroutine

  subroutine init_integer(rt, comm, config, ierr)
    type(cohort_runtime), intent(out) :: rt
    integer, intent(in) :: comm
    type(cohort_config), intent(in), optional :: config
    integer, intent(out), optional :: ierr
    call finish(cohort_c_init_fortran(COHORT_ABI, int(comm, c_int32_t), settings(config), rt), ierr)
  end subroutine

  subroutine halo_create_integer(rt, cart, lo, hi, depth, fields, field_bytes, halo, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(in) :: cart, lo(:), hi(:), depth(:), fields, field_bytes
    type(cohort_halo), intent(out) :: halo
    integer, intent(out), optional :: ierr
    if (halo_is_wrong('cohort_halo_create', lo, hi, depth, fields, field_bytes, ierr)) return
    call finish(cohort_c_halo_create_fortran(rt, int(cart, c_int32_t), &
                                             halo_options(lo, hi, depth, fields, field_bytes), halo), ierr)
  end subroutine

#ifdef COHORT_WITH_MPI_F08
  subroutine init_f08(rt, comm, config, ierr)
    type(cohort_runtime), intent(out) :: rt
    type(MPI_Comm), intent(in) :: comm
    type(cohort_config), intent(in), optional :: config
    integer, intent(out), optional :: ierr
    call init_integer(rt, comm%MPI_VAL, config, ierr)
  end subroutine

  subroutine halo_create_f08(rt, cart, lo, hi, depth, fields, field_bytes, halo, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: lo(:), hi(:), depth(:), fields, field_bytes
    type(cohort_halo), intent(out) :: halo
    integer, intent(out), optional :: ierr
    call halo_create_integer(rt, cart%MPI_VAL, lo, hi, depth, fields, field_bytes, halo, ierr)
  end subroutine
#endif

  !> Collective. Waits for all work, ends the workers and clears the handle. Call it before MPI_Finalize.
  subroutine cohort_finalize(rt, ierr)
    type(cohort_runtime), intent(inout) :: rt
    integer, intent(out), optional :: ierr
    call finish(cohort_c_finalize(rt), ierr)
  end subroutine

  !> This process's rank in the communicator; 0 without one. Any thread.
  subroutine cohort_rank(rt, rank, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer(c_int32_t), intent(out) :: rank
    integer, intent(out), optional :: ierr
    call finish(cohort_c_rank(rt, rank), ierr)
  end subroutine

  !> The number of ranks; 1 without a communicator. Any thread.
  subroutine cohort_size(rt, size, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer(c_int32_t), intent(out) :: size
    integer, intent(out), optional :: ierr
    call finish(cohort_c_size(rt, size), ierr)
  end subroutine

  !> Processors that run tasks on this rank, the waiting MPI thread included.
  subroutine cohort_workers(rt, workers, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer(c_int32_t), intent(out) :: workers
    integer, intent(out), optional :: ierr
    call finish(cohort_c_workers(rt, workers), ierr)
  end subroutine
end module cohort
