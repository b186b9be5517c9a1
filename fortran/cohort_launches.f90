!> Launches: requirements, single tasks, index launches, must epochs, and the wait for all of them.
module cohort_launches
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish, too_small, c_text
  use cohort_tasks, only: cohort_task_body, cohort_task_register
  implicit none
  private
  public :: cohort_needs, cohort_launch, cohort_index_launch, cohort_must_epoch, cohort_must_epoch_wait
  public :: c_requirement
  public :: cohort_wait_all, cohort_root_context, cohort_current

  !> cohort_needs(region or partition, fields, privilege [, coherence] [, reduction] [, reduction_type] [, any_order]): one
  !> requirement of a launch. With COHORT_REDUCE give `reduction` (COHORT_SUM ..) and `reduction_type` (COHORT_DOUBLE ..), or what
  !> cohort_reduction_register gave; with any_order=.true. results may depend on which task ends first, and cost less. A partition
  !> is for index launches: point i gets sub-region i, or i + `offset`, or what `projection` says, which cohort_projection_register
  !> gave.
  interface cohort_needs
    procedure needs_region, needs_partition
  end interface

  !> call cohort_must_epoch(rt, body [, ierr]) or (rt, task [, requirements] [, args] [, point] [, ierr]): one long-running task on
  !> every rank, all at once. Or (rt, members [, ierr]): several on every rank, as many on each, where member k of rank r is
  !> point r*size(members) + k - 1. Collective, on the MPI thread. Returns when they are launched.
  interface cohort_must_epoch
    procedure must_epoch_body, must_epoch_task, must_epoch_members
  end interface

contains

  pure function needs_region(region, fields, privilege, coherence, reduction, reduction_type, any_order) result(needs)
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in) :: fields(:), privilege
    integer(c_int32_t), intent(in), optional :: coherence, reduction, reduction_type
    logical, intent(in), optional :: any_order
    type(cohort_requirement) :: needs
    needs%region = region
    needs%field_count = size(fields, kind=c_int32_t)
    if (size(fields) <= OWN_FIELDS) then
      needs%own_fields(:size(fields)) = fields
    else
      needs%kept_fields = cohort_c_fields_kept(needs%field_count, fields)
    end if
    needs%privilege = privilege
    if (present(coherence)) needs%coherence = coherence
    if (present(reduction)) needs%reduction = reduction
    if (present(reduction_type)) needs%reduction_type = reduction_type
    if (present(any_order)) needs%flags = merge(COHORT_FOLD_ANY_ORDER, 0, any_order)
  end function

  !> For index launches: each point gets the sub-region of the partition that the projection says; without one, its own.
  pure function needs_partition(partition, fields, privilege, coherence, reduction, reduction_type, any_order, &
                                projection, offset) result(needs)
    type(cohort_partition), intent(in) :: partition
    integer(c_int32_t), intent(in) :: fields(:), privilege
    integer(c_int32_t), intent(in), optional :: coherence, reduction, reduction_type, projection
    integer, intent(in), optional :: offset
    logical, intent(in), optional :: any_order
    type(cohort_requirement) :: needs
    needs = needs_region(cohort_region(), fields, privilege, coherence, reduction, reduction_type, any_order)
    needs%partition = partition
    if (present(offset)) then
      needs%projection = COHORT_PROJECTION_OFFSET
      needs%projection_offset = offset
    end if
    if (present(projection)) needs%projection = projection
  end function

  !> The C side's view of a requirement, which must outlive it.
  function c_requirement(needs) result(c)
    type(cohort_requirement), intent(in), target :: needs
    type(cohort_requirement_c) :: c
    c%region = needs%region
    c%partition = needs%partition
    c%field_count = needs%field_count
    c%fields = merge(c_loc(needs%own_fields), needs%kept_fields, needs%field_count <= OWN_FIELDS)
    c%privilege = needs%privilege
    c%coherence = needs%coherence
    c%reduction = needs%reduction
    c%reduction_type = needs%reduction_type
    c%projection = needs%projection
    c%projection_offset = needs%projection_offset
    c%flags = needs%flags
  end function

  !> What a launch's optional lists become on the C side. The targets must outlive the launch call and no longer.
  subroutine fill_launch(launch, requirements_c, task, requirements, args, futures, wait_barriers, arrive_barriers, &
                         wait_handshakes, arrive_handshakes, processor, predicate, false_result)
    type(cohort_launch_c), intent(out) :: launch
    type(cohort_requirement_c), allocatable, intent(out), target :: requirements_c(:)
    type(cohort_task), intent(in) :: task
    type(cohort_requirement), intent(in), optional, target :: requirements(:)
    type(*), dimension(..), intent(in), optional, contiguous, target :: args
    type(cohort_future), intent(in), optional, target, contiguous :: futures(:)
    type(cohort_phase_barrier), intent(in), optional, target, contiguous :: wait_barriers(:), arrive_barriers(:)
    type(cohort_handshake), intent(in), optional, target, contiguous :: wait_handshakes(:), arrive_handshakes(:)
    integer(c_int32_t), intent(in), optional :: processor
    type(cohort_predicate), intent(in), optional :: predicate
    type(*), dimension(..), intent(in), optional, contiguous, target :: false_result
    integer :: i
    launch%size = c_sizeof(launch)
    launch%task = task
    if (present(predicate)) launch%predicate = predicate
    if (present(false_result)) call cohort_c_span(false_result, launch%false_result, launch%false_result_size)
    if (present(args)) call cohort_c_span(args, launch%args, launch%args_size)
    if (present(processor)) launch%processor = processor
    if (present(requirements)) then
      allocate (requirements_c(size(requirements)))
      do i = 1, size(requirements)
        requirements_c(i) = c_requirement(requirements(i))
      end do
      launch%requirement_count = size(requirements, kind=c_int32_t)
      if (size(requirements) > 0) launch%requirements = c_loc(requirements_c)
    end if
    if (present(futures)) then
      launch%future_count = size(futures, kind=c_int32_t)
      if (size(futures) > 0) launch%futures = c_loc(futures)
    end if
    if (present(wait_barriers)) then
      launch%wait_barrier_count = size(wait_barriers, kind=c_int32_t)
      if (size(wait_barriers) > 0) launch%wait_barriers = c_loc(wait_barriers)
    end if
    if (present(arrive_barriers)) then
      launch%arrive_barrier_count = size(arrive_barriers, kind=c_int32_t)
      if (size(arrive_barriers) > 0) launch%arrive_barriers = c_loc(arrive_barriers)
    end if
    if (present(wait_handshakes)) then
      launch%wait_handshake_count = size(wait_handshakes, kind=c_int32_t)
      if (size(wait_handshakes) > 0) launch%wait_handshakes = c_loc(wait_handshakes)
    end if
    if (present(arrive_handshakes)) then
      launch%arrive_handshake_count = size(arrive_handshakes, kind=c_int32_t)
      if (size(arrive_handshakes) > 0) launch%arrive_handshakes = c_loc(arrive_handshakes)
    end if
  end subroutine

  !> Launches one task. Never blocks, except when the window of outstanding operations is full. `args`, a variable of any
  !> type and rank, is copied byte by byte: pointers and allocatable components in it are not followed. If the predicate does not
  !> hold, the task does not run, and `result` has the value of `false_result`; its dependences, waits and arrivals stay.
  subroutine cohort_launch(ctx, task, requirements, args, futures, wait_barriers, arrive_barriers, &
                           wait_handshakes, arrive_handshakes, processor, predicate, false_result, result, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_task), intent(in) :: task
    type(cohort_requirement), intent(in), optional, target :: requirements(:)
    type(*), dimension(..), intent(in), optional, contiguous, target :: args
    type(cohort_future), intent(in), optional, target, contiguous :: futures(:)
    type(cohort_phase_barrier), intent(in), optional, target, contiguous :: wait_barriers(:), arrive_barriers(:)
    type(cohort_handshake), intent(in), optional, target, contiguous :: wait_handshakes(:), arrive_handshakes(:)
    integer(c_int32_t), intent(in), optional :: processor
    type(cohort_predicate), intent(in), optional :: predicate
    type(*), dimension(..), intent(in), optional, contiguous, target :: false_result
    type(cohort_future), intent(out), optional, target :: result
    integer, intent(out), optional :: ierr
    type(cohort_launch_c) :: launch
    type(cohort_requirement_c), allocatable, target :: requirements_c(:)
    type(c_ptr) :: future
    call fill_launch(launch, requirements_c, task, requirements, args, futures, wait_barriers, arrive_barriers, &
                     wait_handshakes, arrive_handshakes, processor, predicate, false_result)
    future = c_null_ptr
    if (present(result)) future = c_loc(result)
    call finish(cohort_c_launch(ctx, launch, future), ierr)
  end subroutine

  !> Launches points 0..points-1 of one task; requirements on a partition give each point its sub-region. With `result`,
  !> the points' results are reduced with `reduction` (COHORT_SUM ..) on elements of `result_type`, in order of the points; with
  !> `map` each point has a future of its own. Point p is given the future of point p of each of `future_maps`, after `futures`.
  !> With concurrent=.true. all points run at once, each on a thread of its own, and may wait for each other.
  subroutine cohort_index_launch(ctx, task, points, requirements, args, futures, wait_barriers, arrive_barriers, &
                                 wait_handshakes, arrive_handshakes, processor, future_maps, predicate, &
                                 false_result, concurrent, reduction, result_type, result, map, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_task), intent(in) :: task
    integer, intent(in) :: points
    type(cohort_requirement), intent(in), optional, target :: requirements(:)
    type(*), dimension(..), intent(in), optional, contiguous, target :: args
    type(cohort_future), intent(in), optional, target, contiguous :: futures(:)
    type(cohort_phase_barrier), intent(in), optional, target, contiguous :: wait_barriers(:), arrive_barriers(:)
    type(cohort_handshake), intent(in), optional, target, contiguous :: wait_handshakes(:), arrive_handshakes(:)
    integer(c_int32_t), intent(in), optional :: processor, reduction, result_type
    type(cohort_future_map), intent(in), optional, target, contiguous :: future_maps(:)
    type(cohort_predicate), intent(in), optional :: predicate
    type(*), dimension(..), intent(in), optional, contiguous, target :: false_result
    logical, intent(in), optional :: concurrent
    type(cohort_future), intent(out), optional, target :: result
    type(cohort_future_map), intent(out), optional :: map
    integer, intent(out), optional :: ierr
    type(cohort_launch_c) :: launch
    type(cohort_requirement_c), allocatable, target :: requirements_c(:)
    type(c_ptr) :: future
    integer(c_int32_t) :: operator, element
    if (too_small('cohort_index_launch', 'points', points, 1, ierr)) return
    if (present(map) .and. (present(result) .or. present(reduction))) then
      call finish(cohort_c_argument_error(c_text('cohort_index_launch'), &
                                          c_text('a map and a reduced result; ask for one of the two')), ierr)
      return
    end if
    call fill_launch(launch, requirements_c, task, requirements, args, futures, wait_barriers, arrive_barriers, &
                     wait_handshakes, arrive_handshakes, processor, predicate, false_result)
    if (present(concurrent)) launch%flags = merge(COHORT_LAUNCH_CONCURRENT, 0_c_int32_t, concurrent)
    if (present(future_maps)) then
      launch%future_map_count = size(future_maps, kind=c_int32_t)
      if (size(future_maps) > 0) launch%future_maps = c_loc(future_maps)
    end if
    if (present(map)) then
      call finish(cohort_c_index_launch_map(ctx, launch, int(points, c_int32_t), map), ierr)
      return
    end if
    future = c_null_ptr
    if (present(result)) future = c_loc(result)
    operator = COHORT_REDUCTION_NONE
    if (present(reduction)) operator = reduction
    element = COHORT_TYPE_NONE
    if (present(result_type)) element = result_type
    call finish(cohort_c_index_launch(ctx, launch, int(points, c_int32_t), operator, element, future), ierr)
  end subroutine

  !> Collective over the ranks: one long-running task a rank, all running at once, registered under the name "rank_main".
  subroutine must_epoch_body(rt, body, ierr)
    type(cohort_runtime), intent(in) :: rt
    procedure(cohort_task_body) :: body
    integer, intent(out), optional :: ierr
    type(cohort_task) :: task
    integer :: status
    call cohort_task_register(rt, 'rank_main', task, body, ierr=status)
    if (status /= COHORT_OK) then
      call finish(int(status, c_int32_t), ierr)
    else
      call must_epoch_task(rt, task, ierr=ierr)
    end if
  end subroutine

  !> The same with a registered task, which may hold requirements and arguments; `point` (default: the rank) is checked.
  subroutine must_epoch_task(rt, task, requirements, args, point, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_task), intent(in) :: task
    type(cohort_requirement), intent(in), optional, target :: requirements(:)
    type(*), dimension(..), intent(in), optional, contiguous, target :: args
    integer, intent(in), optional :: point
    integer, intent(out), optional :: ierr
    type(cohort_launch_c) :: launches(1)
    type(cohort_requirement_c), allocatable, target :: requirements_c(:)
    type(cohort_context) :: root
    type(c_ptr) :: points
    integer(c_int32_t) :: status
    integer(c_int32_t), target :: member
    call fill_launch(launches(1), requirements_c, task, requirements, args)
    points = c_null_ptr
    if (present(point)) then
      member = int(point, c_int32_t)
      points = c_loc(member)
    end if
    status = cohort_c_root_context(rt, root)
    if (status == COHORT_OK) status = cohort_c_must_epoch(root, 1_c_int32_t, launches, points)
    call finish(status, ierr)
  end subroutine

  subroutine must_epoch_members(rt, members, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_member), intent(in), target :: members(:)
    integer, intent(out), optional :: ierr
    type :: list
      type(cohort_requirement_c), allocatable :: requirements(:)
    end type
    type(cohort_launch_c) :: launches(size(members))
    type(list), target :: lists(size(members))
    type(cohort_context) :: root
    integer(c_int32_t) :: status
    integer :: k
    do k = 1, size(members)
      call fill_launch(launches(k), lists(k)%requirements, members(k)%task, members(k)%requirements)
    end do
    status = cohort_c_root_context(rt, root)
    if (status == COHORT_OK) status = cohort_c_must_epoch(root, size(members, kind=c_int32_t), launches, c_null_ptr)
    call finish(status, ierr)
  end subroutine

  !> Waits for the members that this rank launched last; cohort_wait_all waits for them too.
  subroutine cohort_must_epoch_wait(rt, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(out), optional :: ierr
    type(cohort_context) :: root
    integer(c_int32_t) :: status
    status = cohort_c_root_context(rt, root)
    if (status == COHORT_OK) status = cohort_c_must_epoch_wait(root)
    call finish(status, ierr)
  end subroutine

  !> The runtime that runs in this process, for code that did not start it.
  subroutine cohort_current(rt, ierr)
    type(cohort_runtime), intent(out) :: rt
    integer, intent(out), optional :: ierr
    call finish(cohort_c_current(rt), ierr)
  end subroutine

  !> The context in which the MPI thread launches.
  subroutine cohort_root_context(rt, ctx, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_context), intent(out) :: ctx
    integer, intent(out), optional :: ierr
    call finish(cohort_c_root_context(rt, ctx), ierr)
  end subroutine

  !> Waits for every operation launched in `ctx` so far; reports the first that failed.
  subroutine cohort_wait_all(ctx, ierr)
    type(cohort_context), intent(in) :: ctx
    integer, intent(out), optional :: ierr
    call finish(cohort_c_wait_all(ctx), ierr)
  end subroutine
end module cohort_launches
