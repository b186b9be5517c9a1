! Wrong calls from Fortran, each with the status and a part of the text that it must give; then a correct program still runs.
! Most are mistakes that only Fortran can make: arrays of another rank, kind, shape or stride, counts with the wrong sign,
! numbers from 0 where they count from 1.
module expectations
  use cohort
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  integer :: checked = 0, wrong = 0
contains
  subroutine expect(got, status, part)
    integer, intent(in) :: got, status
    character(len=*), intent(in) :: part
    character(len=:), allocatable :: text
    checked = checked + 1
    text = cohort_error_message()
    if (got == status) then
      if (index(text, part) > 0) return
    end if
    wrong = wrong + 1
    write (error_unit, '(i0, 8a)') checked, ': ', cohort_status_name(got), ' "', text, '"; expected ', &
      cohort_status_name(status), ' ', part
  end subroutine

  subroutine must(got)
    integer, intent(in) :: got
    if (got == COHORT_OK) return
    wrong = wrong + 1
    write (error_unit, '(2a)') 'not expected: ', cohort_error_message()
  end subroutine
end module

module bodies
  use expectations
  implicit none
  type(cohort_handshake) :: turn
  integer(4) :: field(4)
  type(cohort_context) :: root
contains
  recursive subroutine keep_first(into, from, count)
    type(c_ptr), intent(in) :: into, from
    integer(c_size_t), intent(in) :: count
    character(len=3), pointer :: a(:), b(:)
    call c_f_pointer(into, a, [count])
    call c_f_pointer(from, b, [count])
    where (b < a) a = b
  end subroutine

  !> Launched with a 2-D region, read only: requirement 1 is field(1), real(8); requirement 2 is field(4), integer(8), in an
  !> array that runs backwards. An argument and a future of 8 bytes.
  recursive subroutine inside(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:, :), line(:), cube(:, :, :)
    real(4), pointer :: short(:, :)
    integer(4), pointer :: whole(:, :)
    integer(8), pointer :: backwards(:, :)
    type(cohort_view_layout) :: layout
    type(cohort_region) :: region
    type(cohort_partition) :: blocks
    real(8) :: eight
    real(4) :: four
    integer :: ierr
    call cohort_view(task, 1, field(1), COHORT_READ_ONLY, line, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'is 2-D with 8-byte elements; the pointer is 1-D with 8-byte elements')
    call cohort_view(task, 1, field(1), COHORT_READ_ONLY, cube, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the pointer is 3-D with 8-byte elements')
    call cohort_view(task, 1, field(1), COHORT_READ_ONLY, short, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the pointer is 2-D with 4-byte elements')
    if (associated(short)) wrong = wrong + 1
    call cohort_view(task, 1, field(1), COHORT_READ_ONLY, whole, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the pointer is 2-D with 4-byte elements')
    call cohort_view(task, 0, field(1), COHORT_READ_ONLY, q, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'requirement is 0; give a number from 1 on')
    call cohort_view(task, 3, field(1), COHORT_READ_ONLY, q, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'of a task launched with 2')
    call cohort_view(task, 1, field(2), COHORT_READ_ONLY, q, ierr)
    call expect(ierr, COHORT_ERROR_PRIVILEGE, 'not among those of requirement')
    call cohort_view(task, 1, field(1), COHORT_WRITE_DISCARD, q, ierr)
    call expect(ierr, COHORT_ERROR_PRIVILEGE, 'declared ReadOnly')
    call cohort_view(task, 2, field(4), COHORT_READ_ONLY, backwards, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'use cohort_view_raw')
    call cohort_view_raw(task, 2, field(4), COHORT_READ_ONLY, layout, ierr)
    call must(ierr)
    call cohort_view_raw(task, -1, field(1), COHORT_READ_ONLY, layout, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'requirement is -1')
    call cohort_task_args(task, four, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '8 bytes')
    call cohort_task_future(task, 0, eight, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'index is 0; give a number from 1 on')
    call cohort_task_future(task, 2, eight, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'of a task launched with 1')
    call cohort_task_future(task, 1, four, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '8 bytes')
    call cohort_task_region(task, 0, region, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'requirement is 0')
    call cohort_wait_on_tasks(turn, ierr=ierr)
    call expect(ierr, COHORT_ERROR_WRONG_THREAD, 'inside a task')
    call cohort_handoff_to_host(task, turn, ierr)
    call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'before this side waited')
    call cohort_task_region(task, 1, region, ierr)
    call must(ierr)
    call cohort_partition_blocks(region, [2], blocks, ierr)
    call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'counts has 1 elements')
    ! After all this the task does its work.
    call cohort_view(task, 1, field(1), COHORT_READ_ONLY, q, ierr)
    call must(ierr)
    if (lbound(q, 1) /= 0 .or. ubound(q, 2) /= 4) wrong = wrong + 1
    call cohort_task_result(task, sum(q), ierr)
    call must(ierr)
  end subroutine

  recursive subroutine increment(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:, :)
    call cohort_view(task, 1, field(1), COHORT_READ_WRITE, q)
    q = q + 1
  end subroutine

  recursive subroutine too_far(mapper, task, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_mapping), intent(inout) :: mapping
    mapping%worker = 77
  end subroutine

  recursive subroutine launching(mapper, task, options)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_options), intent(inout) :: options
    integer :: ierr
    call cohort_launch(root, task%task, ierr=ierr)
    call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'in a callback of a mapper')
  end subroutine
end module

program errors
  use bodies
  implicit none
  type(cohort_runtime) :: rt, other, no_runtime
  type(cohort_processor_info), allocatable :: processors(:)
  type(cohort_memory_info), allocatable :: memories(:)
  type(cohort_rank_info), allocatable :: ranks(:)
  type(cohort_affinity) :: affinity
  character(len=:), allocatable :: binding
  type(cohort_config) :: config
  type(cohort_context) :: ctx, no_context
  type(cohort_index_space) :: points, no_points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region, tile, no_region, destroyed
  type(cohort_partition) :: blocks, no_blocks, tiles
  type(cohort_task) :: body, add, no_task
  type(cohort_future) :: argument, result, stale
  type(cohort_future_map) :: map
  type(cohort_predicate) :: predicate, no_predicate
  type(cohort_phase_barrier) :: barrier
  type(cohort_collective) :: sum_of_all
  type(cohort_halo) :: halo
  type(cohort_requirement) :: needs
  type(cohort_mapping) :: mapping
  type(cohort_layout) :: asked
  type(cohort_copied) :: copied
  type(cohort_view_layout) :: layout
  type(cohort_mapper) :: mapper
  type(cohort_mapper_handle) :: mapper_handle
  character(len=:), allocatable :: refusal
  integer(8) :: refused
  real(8), pointer :: shown(:, :), line(:)
  integer(8), pointer :: backwards(:, :)
  ! The region is 0..9 x 0..4.
  real(8), target :: q(0:9, 0:4), together(0:9, 0:4, 2), first(2, 0:9, 0:4), large(0:9, 0:5), four_d(2, 2, 2, 2), scalar
  real(4), target :: single(0:9, 0:4)
  integer(8), target :: long(0:9, 0:4)
  real(8) :: total
  real(4) :: half
  integer :: ierr, i
  logical :: ready
  integer(4) :: one_field(1), two_fields(2), none(0), number, of_three, of_none

  call cohort_rank(rt, number, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'null handle')
  call cohort_wait_all(no_context, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'no runtime is running')
  call cohort_current(other, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'cohort_current: no runtime is running')
  call cohort_set_on_error(7, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'on_error is 7')
  config%workers = 0
  call cohort_init(rt, config=config, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'workers')
  config%workers = -1
  config%window = 1
  call cohort_init(rt, config=config, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'window')
  config%window = 0
  call cohort_init(rt, config=config, ierr=ierr)
  call must(ierr)
  call cohort_root_context(rt, ctx, ierr)
  call must(ierr)
  call cohort_init(other, ierr=ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'running already')

  ! Shapes of bounds.
  call cohort_index_space_create(rt, [1, 1], [5], points, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'hi has 1 elements where lo has 2')
  call cohort_index_space_create(rt, [1, 1, 1, 1], [2, 2, 2, 2], points, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'dimension is 4')
  call cohort_index_space_create(rt, none, none, points, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'dimension is 0')
  call cohort_index_space_create(rt, [1, 6], [5, 5], points, ierr)
  call expect(ierr, COHORT_ERROR_BOUNDS, 'lo must not exceed hi')
  call cohort_index_space_create(rt, [0, 0], [9, 4], points, ierr)
  call must(ierr)
  call cohort_field_space_create(rt, fields, ierr)
  call must(ierr)
  call cohort_field_allocate(fields, -8, 'temperature', field(1), ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'bytes is -8; give a number from 1 on')
  call cohort_fields_allocate(fields, 0, field, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'bytes is 0')
  call cohort_fields_allocate(fields, 8, none, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '0 fields')
  call cohort_fields_allocate(fields, 8, field, ierr)
  call must(ierr)
  one_field = field(1:1)
  two_fields = field(2:3)
  call cohort_region_create(rt, no_points, fields, region, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'index space is the null handle')
  call cohort_region_create(rt, points, fields, region, ierr)
  call must(ierr)

  ! Partitions.
  call cohort_partition_blocks(region, [2, 1, 1], blocks, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'counts has 3 elements')
  call cohort_partition_blocks(region, [2, 6], blocks, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '6 blocks')
  call cohort_partition_blocks(region, [-2, 1], blocks, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '-2 blocks')
  call cohort_partition_blocks(no_region, [2, 1], blocks, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'region is the null handle')
  call cohort_partition_blocks(region, [2, 1], blocks, ierr)
  call must(ierr)
  call cohort_partition_rects(region, reshape([0, 0, 3, 3], [2, 2]), reshape([1, 1], [2, 1]), tiles, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'second dimension of hi has 1 elements')
  call cohort_partition_rects(region, reshape([0, 3], [1, 2]), reshape([1, 4], [1, 2]), tiles, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'first dimension of lo has 1 elements')
  call cohort_partition_rects(region, reshape([0, 0], [2, 1]), reshape([10, 4], [2, 1]), tiles, ierr)
  call expect(ierr, COHORT_ERROR_BOUNDS, 'leaves the region')
  call cohort_partition_tiles_halo(blocks, [1], tiles, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'depth has 1 elements')
  call cohort_partition_tiles_halo(blocks, [-1, 0], tiles, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'depth is -1')
  call cohort_partition_count(no_blocks, number, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'partition is the null handle')
  call cohort_subregion(blocks, -1, tile, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'colour is -1')
  call cohort_subregion(blocks, 2, tile, ierr)
  call expect(ierr, COHORT_ERROR_BOUNDS, 'colour 2')
  call cohort_subregion(blocks, 0, tile, ierr)
  call must(ierr)

  ! Arrays that do not fit the region or the field.
  call cohort_attach(ctx, region, one_field, single, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the array has elements of 4 bytes')
  call cohort_attach(ctx, region, one_field, q(:, 0), ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the array has rank 1')
  call cohort_attach(ctx, region, one_field, together, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the array has rank 3')
  call cohort_attach(ctx, region, one_field, four_d, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the array has rank 4')
  call cohort_attach(ctx, region, one_field, scalar, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the array has rank 0')
  call cohort_attach(ctx, region, one_field, large, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'dimension 2 of the array has extent 6')
  call cohort_attach(ctx, region, one_field, q(0:8, :), ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'dimension 1 of the array has extent 9')
  call cohort_attach(ctx, region, one_field, transpose_of(large), ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'dimension 1 of the array has extent 6')
  call cohort_attach(ctx, region, two_fields, q, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '2 fields and an array of one')
  call cohort_attach(ctx, region, two_fields, together, field_dimension=1, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'has extent 5')
  call cohort_attach(ctx, region, two_fields, together, field_dimension=4, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'dimension 4 is said to count the fields')
  call cohort_attach(ctx, region, two_fields, together, field_dimension=-1, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'dimension -1 is said to count the fields')
  call cohort_attach(ctx, region, field(1:3), first, field_dimension=1, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'has extent 2, and 3 fields are attached')
  call cohort_attach(ctx, tile, one_field, q(0:3, :), ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'dimension 1 of the array has extent 4')
  call cohort_attach(ctx, tile, one_field, q(0:4, :), ierr=ierr)
  call must(ierr)
  call cohort_attach(ctx, region, one_field, q, ierr=ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'attached already')
  call cohort_detach(ctx, tile, one_field, ierr)
  call must(ierr)
  call cohort_attach(ctx, region, [field(4) + 7], q, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'field 10')
  call cohort_attach(ctx, region, none, q, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '0 fields')
  call cohort_detach(ctx, region, one_field, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'not attached')
  call cohort_attach(ctx, region, one_field, q, ierr=ierr)
  call must(ierr)
  call cohort_attach(ctx, region, one_field, q, ierr=ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'attached already')
  call cohort_attach(ctx, region, two_fields, first, field_dimension=1, ierr=ierr)
  call must(ierr)
  call cohort_attach(ctx, region, field(4:4), long(9:0:-1, :), ierr=ierr)
  call must(ierr)
  call cohort_fill(ctx, region, one_field, 1.0, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '4 bytes')
  call cohort_fill(ctx, region, one_field, [1d0, 2d0], ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '16 bytes')
  call cohort_fill(ctx, region, one_field, 2d0, ierr)
  call must(ierr)

  ! Layouts.
  call cohort_region_layout(tile, one_field, asked, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'is a sub-region; lay out the root region')
  call cohort_region_layout(region, none, asked, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '0 fields')
  call cohort_region_layout(region, one_field, asked, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'is attached, and lies as the array does')
  call cohort_task_layout(no_task, COHORT_PROC_ANY, 1, asked, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'task is the null handle')
  call cohort_task_layout(no_task, COHORT_PROC_ANY, 0, asked, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'requirement is 0; give a number from 1 on')
  asked%grouping = COHORT_BLOCKED
  call cohort_region_layout(region, one_field, asked, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'blocks of 0 points')
  asked%block = -4
  asked%grouping = COHORT_SOA
  call cohort_region_layout(region, one_field, asked, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'set both or neither')
  call cohort_task_copied_total(no_task, copied, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'task is the null handle')
  call cohort_task_copied(ctx, 1, copied, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'root context')

  ! Inline mappings.
  call cohort_inline_view(mapping, one_field(1), COHORT_READ_ONLY, shown, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'inline mapping is the null handle')
  call cohort_inline_map(ctx, needs, mapping, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'region is the null handle')
  call cohort_inline_map(ctx, cohort_needs(blocks, one_field, COHORT_READ_ONLY), mapping, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'a partition, in an inline mapping')
  call cohort_inline_map(ctx, cohort_needs(region, one_field, COHORT_NO_ACCESS), mapping, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'COHORT_NO_ACCESS')
  call cohort_inline_map(ctx, cohort_needs(region, field, COHORT_READ_ONLY), mapping, ierr)
  call must(ierr)
  call cohort_inline_view(mapping, one_field(1), COHORT_READ_WRITE, shown, ierr)
  call expect(ierr, COHORT_ERROR_PRIVILEGE, 'declared ReadOnly')
  if (associated(shown)) wrong = wrong + 1
  call cohort_inline_view(mapping, one_field(1), COHORT_READ_ONLY, line, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'is 2-D with 8-byte elements; the pointer is 1-D')
  call cohort_inline_view(mapping, field(4), COHORT_READ_ONLY, backwards, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'use cohort_view_raw')
  call cohort_inline_view_raw(mapping, field(4), COHORT_READ_ONLY, layout, ierr)
  call must(ierr)
  if (layout%stride(1) /= -8) wrong = wrong + 1
  call cohort_inline_view(mapping, one_field(1), COHORT_READ_ONLY, shown, ierr)
  call must(ierr)
  if (lbound(shown, 1) /= 0 .or. any(shown /= 2d0)) wrong = wrong + 1
  call cohort_fill(ctx, region, one_field, 3d0, ierr)
  call expect(ierr, COHORT_ERROR_INTERFERENCE, 'call cohort_inline_unmap first')
  call cohort_finalize(rt, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, '1 inline mapping(s) are open')
  call cohort_inline_unmap(mapping, ierr)
  call must(ierr)
  call cohort_inline_unmap(mapping, ierr)
  call must(ierr)

  ! Tasks.
  call cohort_task_register(rt, 'inside', body, inside, ierr=ierr)
  call must(ierr)
  call cohort_task_register(rt, 'increment', add, increment, leaf=.true., ierr=ierr)
  call must(ierr)
  call cohort_task_variant(body, 9, inside, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'processor is 9')
  call cohort_launch(ctx, no_task, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'task is the null handle')
  call cohort_launch(ctx, body, [cohort_needs(region, none, COHORT_READ_ONLY)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '0 fields')
  call cohort_launch(ctx, body, [needs], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'region is the null handle')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, 9)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'privilege is 9')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_REDUCE)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'COHORT_REDUCE')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_REDUCE, reduction=COHORT_SUM, &
                                              reduction_type=COHORT_FLOAT)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '4 bytes')
  call cohort_reduction_register(rt, 'of three bytes', [character(len=1) :: 'a', 'b', 'c'], keep_first, of_three, ierr)
  call must(ierr)
  call cohort_reduction_register(rt, 'of three bytes', 0, keep_first, of_none, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'is registered already')
  call cohort_reduction_register(rt, 'of no bytes', none, keep_first, of_none, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'elements of 0 bytes')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_REDUCE, reduction=of_three)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '3 bytes, the size of an element of the reduction "of three bytes"')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_REDUCE, reduction=of_three, &
                                              reduction_type=COHORT_FLOAT)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'use COHORT_TYPE_NONE')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_READ_ONLY, any_order=.true.)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'does not reduce')
  call cohort_launch(ctx, body, [cohort_needs(blocks, one_field, COHORT_READ_ONLY)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'cohort_index_launch')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_READ_WRITE), &
                                 cohort_needs(tile, one_field, COHORT_READ_ONLY)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INTERFERENCE, 'requirements 0 and 1')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_READ_WRITE, coherence=COHORT_ATOMIC), &
                                 cohort_needs(tile, one_field, COHORT_READ_ONLY, coherence=COHORT_ATOMIC)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INTERFERENCE, 'requirements 0 and 1')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_READ_ONLY, coherence=4)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'coherence is 4')
  call cohort_release(ctx, region, one_field, ierr=ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'call cohort_acquire first')
  call cohort_acquire(ctx, region, one_field, ierr=ierr)
  call must(ierr)
  call cohort_acquire(ctx, tile, one_field, ierr=ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'is acquired already')
  call cohort_release(ctx, region, one_field, ierr=ierr)
  call must(ierr)
  call cohort_index_launch(ctx, body, -3, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'points is -3; give a number from 1 on')
  call cohort_index_launch(ctx, body, 3, [cohort_needs(blocks, one_field, COHORT_READ_ONLY)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_BOUNDS, 'colour 2')
  call cohort_index_launch(ctx, body, 2, result=result, result_type=COHORT_DOUBLE, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'go together')
  call cohort_index_launch(ctx, body, 2, [cohort_needs(blocks, one_field, COHORT_READ_ONLY, offset=1)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_BOUNDS, 'point 1 of 2 gets colour 2 with offset 1')
  call cohort_index_launch(ctx, body, 2, [cohort_needs(blocks, one_field, COHORT_READ_ONLY, projection=9)], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'projection is 9')
  call cohort_index_launch(ctx, body, 2, map=map, result=result, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'a map and a reduced result')
  call cohort_index_launch(ctx, body, 1000, concurrent=.true., ierr=ierr)
  call expect(ierr, COHORT_ERROR_RESOURCES, '1000 points at once')
  call cohort_launch(ctx, body, false_result=1, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'a false result and no predicate')
  call cohort_predicate_and(ctx, [cohort_predicate ::], predicate, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '0 predicates')
  call cohort_predicate_not(no_predicate, predicate, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'predicate is the null handle')
  call cohort_future_map_get(map, -1, total, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'point is -1; give a number from 0 on')
  call cohort_task_args(ctx, total, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'root context')

  ! Handshakes, barriers, collectives.
  call cohort_handshake_create(rt, turn, host_participants=-1, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'host_participants is -1')
  call cohort_handshake_create(rt, turn, first=4, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'first is 4')
  call cohort_handshake_create(rt, turn, ierr=ierr)
  call must(ierr)
  call cohort_wait_on_tasks(turn, ierr=ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'before this side handed off')
  call cohort_handoff_to_tasks(turn, ierr)
  call must(ierr)
  call cohort_handoff_to_tasks(turn, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'a second hand-off in phase 0')
  call cohort_wait_on_tasks(turn, seconds=-1d0, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '-1 seconds')
  call cohort_wait_on_tasks(turn, seconds=1d-3, ierr=ierr)
  call expect(ierr, COHORT_ERROR_TIMEOUT, 'has not handed off')
  call cohort_phase_barrier_create(rt, -2, barrier, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'arrivals is -2')
  call cohort_phase_barrier_create(rt, 1, barrier, ierr)
  call must(ierr)
  call cohort_phase_barrier_arrive(barrier, 0, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'count is 0')
  call cohort_phase_barrier_arrive(barrier, 2, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, '2 arrivals at phase 0, which expects 1')
  call cohort_collective_create(rt, 1, COHORT_MAX, COHORT_DOUBLE_COMPLEX, sum_of_all, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'complex numbers have no order')
  call cohort_collective_create(rt, 1, COHORT_SUM, COHORT_DOUBLE, sum_of_all, ierr)
  call must(ierr)
  half = 0.5
  call cohort_collective_arrive(sum_of_all, half, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the value has 4 bytes, and the collective''s Double has 8')
  call cohort_collective_arrive(sum_of_all, [1d0, 2d0], ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'the value has 16 bytes')
  call cohort_collective_destroy(sum_of_all, ierr)
  call must(ierr)

  ! Copies and halos.
  call cohort_copy(ctx, region, two_fields, region, one_field, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'destination_fields has 1 elements where source_fields has 2')
  call cohort_copy(ctx, region, field(2:2), region, field(3:3), shift=[1], ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'shift has 1 elements')
  call cohort_copy(ctx, region, field(2:2), region, field(3:3), gather=region, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'without the field that does')
  call cohort_copy(ctx, region, field(2:2), region, field(3:3), scatter=region, scatter_field=99, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'scatter: field 99')
  call cohort_halo_create_neighbours(rt, [1, 1], [8], [1, 1], [0, 0, 0, 0], 1, 8, halo, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'hi has 1 elements where lo has 2')
  call cohort_halo_create_neighbours(rt, [1, 1], [8, 8], [1, 1, 1], [0, 0, 0, 0], 1, 8, halo, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'depth has 3 elements')
  call cohort_halo_create_neighbours(rt, [1, 1], [8, 8], [1, 1], [0, 0, 0], 1, 8, halo, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'neighbours has not two elements')
  call cohort_halo_create_neighbours(rt, [1, 1], [8, 8], [1, 1], [0, 0, 0, 0], -1, 8, halo, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'fields is -1')
  call cohort_halo_create_neighbours(rt, [1, 1], [8, 8], [9, 1], [0, 0, 0, 0], 1, 8, halo, ierr)
  call expect(ierr, COHORT_ERROR_BOUNDS, 'use blocks at least as thick as the halo is deep')
  call cohort_halo_create_neighbours(rt, [1, 1], [8, 8], [1, 1], [-1, -1, -1, 7], 1, 8, halo, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_RANK, '7')
  call cohort_halo_create_neighbours(rt, [0, 0], [9, 4], [1, 1], [-1, -1, -1, -1], 1, 8, halo, ierr)
  call must(ierr)
  call cohort_halo_region(halo, 0, tile, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'face is 0; give a number from 1 on')
  call cohort_halo_region(halo, 7, tile, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'face')
  call cohort_halo_exchange(ctx, halo, region, one_field, none, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'slots has 0 elements where fields has 1')
  call cohort_halo_destroy(halo, ierr)
  call must(ierr)

  ! The machine.
  call cohort_machine_processors(rt, processors, kind=9, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'kind is 9')
  if (size(processors) /= 0) wrong = wrong + 1
  call cohort_machine_memories(rt, memories, kind=-1, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'kind is -1')
  call cohort_machine_affinity(rt, 0, 99, affinity, ierr)
  call expect(ierr, COHORT_ERROR_BOUNDS, 'memory 99')
  call cohort_machine_ranks(no_runtime, ranks, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'null handle')
  call cohort_machine_binding(no_runtime, binding, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'null handle')
  call cohort_machine_ranks(rt, ranks, ierr)
  call must(ierr)
  if (size(ranks) /= 1 .or. any(ranks%rank /= 0)) wrong = wrong + 1

  ! The same objects still serve a correct program; its task makes more wrong calls.
  call cohort_future_value(rt, 3d0, argument, ierr)
  call must(ierr)
  call cohort_future_get(argument, half, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, '8 bytes')
  call cohort_launch(ctx, body, [cohort_needs(region, one_field, COHORT_READ_ONLY), &
                                 cohort_needs(region, field(4:4), COHORT_READ_ONLY)], args=1d0, futures=[argument], result=result, &
                     ierr=ierr)
  call must(ierr)
  call cohort_future_get(result, total, ierr)
  call must(ierr)
  if (total /= 100) then
    wrong = wrong + 1
    write (error_unit, '(a, es12.4)') 'the sum of the region is', total
  end if
  call cohort_mapper_register(rt, mapper, 'none', mapper_handle, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_ARGUMENT, 'mapper "none" has no callback')
  call cohort_mapper_use(cohort_mapper_handle(ctx%id), ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'a mapper is needed')
  call cohort_mapper_refusals(cohort_mapper_handle(), refused, ierr=ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'mapper is the null handle')
  if (cohort_tunable(cohort_context(), 'tiles', 5, ierr) /= 5) wrong = wrong + 1
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'context is the null handle')
  root = ctx
  mapper%map_task => too_far
  mapper%select_task_options => launching
  call cohort_mapper_register(rt, mapper, 'wrong', mapper_handle, ierr)
  call must(ierr)
  call cohort_mapper_use(mapper_handle, [cohort_task()], ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'task is the null handle')
  call cohort_mapper_use(mapper_handle, [add], ierr)
  call must(ierr)
  call cohort_index_launch(ctx, add, 2, [cohort_needs(blocks, one_field, COHORT_READ_WRITE)], ierr=ierr)
  call must(ierr)
  call cohort_wait_all(ctx, ierr)
  call must(ierr)
  call cohort_mapper_refusals(mapper_handle, refused, refusal, ierr)
  call must(ierr)
  if (refused /= 2 .or. index(refusal, 'worker is 77') == 0) then
    wrong = wrong + 1
    write (error_unit, '(i0, 2a)') refused, ' choices were refused, the last: ', refusal
  end if
  call cohort_mapper_use(cohort_mapper_handle(), [add], ierr)
  call must(ierr)
  stale = result
  call cohort_future_destroy(result, ierr)
  call must(ierr)
  call cohort_future_test(stale, ready, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'no longer exists')
  do i = 1, 4
    call cohort_index_launch(ctx, add, 2, [cohort_needs(blocks, one_field, COHORT_READ_WRITE)], ierr=ierr)
    call must(ierr)
  end do
  call cohort_detach(ctx, region, one_field, ierr)
  call must(ierr)
  if (any(q /= 7)) then
    wrong = wrong + 1
    write (error_unit, '(a)') 'the array is not what the tasks left in it'
  end if
  call cohort_detach(ctx, region, two_fields, ierr)
  call must(ierr)
  destroyed = region
  call cohort_region_destroy(region, ierr)
  call must(ierr)
  call cohort_partition_blocks(destroyed, [2, 1], blocks, ierr)
  call expect(ierr, COHORT_ERROR_INVALID_HANDLE, 'no longer exists')
  call cohort_finalize(rt, ierr)
  call must(ierr)
  call cohort_wait_all(ctx, ierr)
  call expect(ierr, COHORT_ERROR_WRONG_ORDER, 'no runtime is running')

  if (wrong == 0) then
    print '(a, i0, a)', 'PASSED: ', checked, ' wrong calls'
  else
    print '(a, i0, a, i0)', 'FAILED: ', wrong, ' of ', checked
    error stop 1
  end if
contains
  function transpose_of(array) result(turned)
    real(8), intent(in) :: array(:, :)
    real(8) :: turned(size(array, 2), size(array, 1))
    turned = transpose(array)
  end function
end program
