!> Handshakes, phase barriers, dynamic collectives, ghost regions, explicit copies, halos.
module cohort_interop
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish, refuse, too_small, differ
  use cohort_regions, only: dimension_differs
  implicit none
  private
  public :: cohort_handshake_create, cohort_handshake_destroy, cohort_handoff_to_tasks, cohort_wait_on_tasks
  public :: cohort_test_on_tasks, cohort_handoff_to_host, cohort_wait_on_host, cohort_test_on_host, cohort_handshake_advance
  public :: cohort_phase_barrier_create, cohort_phase_barrier_destroy, cohort_phase_barrier_advance, cohort_phase_barrier_arrive
  public :: cohort_phase_barrier_wait, cohort_phase_barrier_test, cohort_phase_barrier_alter_arrivals
  public :: cohort_collective_create, cohort_collective_destroy, cohort_collective_advance, cohort_collective_arrive
  public :: cohort_collective_arrive_future, cohort_collective_future
  public :: cohort_ghost_create, cohort_ghost_export, cohort_ghost_import, cohort_copy, cohort_acquire, cohort_release
  public :: cohort_halo_create_neighbours, cohort_halo_exchange, cohort_halo_release, cohort_halo_region, cohort_halo_destroy
  public :: halo_options, halo_is_wrong

contains

  !> `host_participants` host threads and `task_participants` tasks take part in each phase; `first` says whose handoff
  !> opens it (default COHORT_SIDE_HOST).
  subroutine cohort_handshake_create(rt, handshake, host_participants, task_participants, first, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_handshake), intent(out) :: handshake
    integer, intent(in), optional :: host_participants, task_participants
    integer(c_int32_t), intent(in), optional :: first
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: hosts, tasks, side
    hosts = 1; tasks = 1; side = COHORT_SIDE_HOST
    if (present(host_participants)) hosts = int(host_participants, c_int32_t)
    if (present(task_participants)) tasks = int(task_participants, c_int32_t)
    if (too_small('cohort_handshake_create', 'host_participants', int(hosts), 1, ierr)) return
    if (too_small('cohort_handshake_create', 'task_participants', int(tasks), 1, ierr)) return
    if (present(first)) side = first
    call finish(cohort_c_handshake_create(rt, hosts, tasks, side, handshake), ierr)
  end subroutine

  !> Clears the handle. An error while somebody waits on it.
  subroutine cohort_handshake_destroy(handshake, ierr)
    type(cohort_handshake), intent(inout) :: handshake
    integer, intent(out), optional :: ierr
    call finish(cohort_c_handshake_destroy(handshake), ierr)
  end subroutine

  !> Host side: what tasks of this phase wait for is ready. Never blocks.
  subroutine cohort_handoff_to_tasks(handshake, ierr)
    type(cohort_handshake), intent(in) :: handshake
    integer, intent(out), optional :: ierr
    call finish(cohort_c_handoff_to_tasks(handshake), ierr)
  end subroutine

  !> Host side: returns when the tasks have handed off; meanwhile this thread runs tasks. With `seconds`, gives up after
  !> that time with COHORT_ERROR_TIMEOUT.
  subroutine cohort_wait_on_tasks(handshake, seconds, ierr)
    type(cohort_handshake), intent(in) :: handshake
    real(c_double), intent(in), optional :: seconds
    integer, intent(out), optional :: ierr
    if (present(seconds)) then
      call finish(cohort_c_wait_on_tasks_for(handshake, seconds), ierr)
    else
      call finish(cohort_c_wait_on_tasks(handshake), ierr)
    end if
  end subroutine

  !> Host side: whether cohort_wait_on_tasks would return at once.
  subroutine cohort_test_on_tasks(handshake, done, ierr)
    type(cohort_handshake), intent(in) :: handshake
    logical, intent(out) :: done
    integer, intent(out), optional :: ierr
    logical(c_bool) :: answer
    answer = .false.
    call finish(cohort_c_test_on_tasks(handshake, answer), ierr)
    done = answer
  end subroutine

  !> Task side: what the host waits for is ready. Never blocks.
  subroutine cohort_handoff_to_host(task, handshake, ierr)
    type(cohort_context), intent(in) :: task
    type(cohort_handshake), intent(in) :: handshake
    integer, intent(out), optional :: ierr
    call finish(cohort_c_handoff_to_host(task, handshake), ierr)
  end subroutine

  !> Task side: blocks this task until the host has handed off. Launches with wait_handshakes do the same without blocking.
  subroutine cohort_wait_on_host(task, handshake, seconds, ierr)
    type(cohort_context), intent(in) :: task
    type(cohort_handshake), intent(in) :: handshake
    real(c_double), intent(in), optional :: seconds
    integer, intent(out), optional :: ierr
    if (present(seconds)) then
      call finish(cohort_c_wait_on_host_for(task, handshake, seconds), ierr)
    else
      call finish(cohort_c_wait_on_host(task, handshake), ierr)
    end if
  end subroutine

  !> Task side: whether cohort_wait_on_host would return at once.
  subroutine cohort_test_on_host(task, handshake, done, ierr)
    type(cohort_context), intent(in) :: task
    type(cohort_handshake), intent(in) :: handshake
    logical, intent(out) :: done
    integer, intent(out), optional :: ierr
    logical(c_bool) :: answer
    answer = .false.
    call finish(cohort_c_test_on_host(task, handshake, answer), ierr)
    done = answer
  end subroutine

  !> Task side, deferred form: launches from here on belong to the next phase.
  subroutine cohort_handshake_advance(task, handshake, ierr)
    type(cohort_context), intent(in) :: task
    type(cohort_handshake), intent(in) :: handshake
    integer, intent(out), optional :: ierr
    call finish(cohort_c_handshake_advance(task, handshake), ierr)
  end subroutine

  !> A barrier owned by this rank whose every phase needs `arrivals` arrivals, from any rank.
  subroutine cohort_phase_barrier_create(rt, arrivals, barrier, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(in) :: arrivals
    type(cohort_phase_barrier), intent(out) :: barrier
    integer, intent(out), optional :: ierr
    if (too_small('cohort_phase_barrier_create', 'arrivals', arrivals, 1, ierr)) return
    call finish(cohort_c_phase_barrier_create(rt, int(arrivals, c_int32_t), barrier), ierr)
  end subroutine

  !> Ends the barrier on the rank that made it, forgets it on others, and clears the handle.
  subroutine cohort_phase_barrier_destroy(barrier, ierr)
    type(cohort_phase_barrier), intent(inout) :: barrier
    integer, intent(out), optional :: ierr
    call finish(cohort_c_phase_barrier_destroy(barrier), ierr)
  end subroutine

  !> The same barrier's next phase. A producer arrives, then advances; a consumer advances, then waits.
  subroutine cohort_phase_barrier_advance(barrier, ierr)
    type(cohort_phase_barrier), intent(inout) :: barrier
    integer, intent(out), optional :: ierr
    type(cohort_phase_barrier) :: next
    integer(c_int32_t) :: status
    status = cohort_c_phase_barrier_advance(barrier, next)
    if (status == COHORT_OK) barrier = next
    call finish(status, ierr)
  end subroutine

  !> `count` (default 1) arrivals at the handle's phase. Never blocks. Any thread.
  subroutine cohort_phase_barrier_arrive(barrier, count, ierr)
    type(cohort_phase_barrier), intent(in) :: barrier
    integer, intent(in), optional :: count
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: arrivals
    arrivals = 1
    if (present(count)) arrivals = int(count, c_int32_t)
    if (too_small('cohort_phase_barrier_arrive', 'count', int(arrivals), 1, ierr)) return
    call finish(cohort_c_phase_barrier_arrive(barrier, arrivals), ierr)
  end subroutine

  !> Blocks until the phase before the one this handle names is complete.
  subroutine cohort_phase_barrier_wait(ctx, barrier, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_phase_barrier), intent(in) :: barrier
    integer, intent(out), optional :: ierr
    call finish(cohort_c_phase_barrier_wait(ctx, barrier), ierr)
  end subroutine

  !> Whether cohort_phase_barrier_wait would return at once. Any thread.
  subroutine cohort_phase_barrier_test(barrier, done, ierr)
    type(cohort_phase_barrier), intent(in) :: barrier
    logical, intent(out) :: done
    integer, intent(out), optional :: ierr
    logical(c_bool) :: answer
    answer = .false.
    call finish(cohort_c_phase_barrier_test(barrier, answer), ierr)
    done = answer
  end subroutine

  !> From this handle's phase on, `delta` more (or fewer) arrivals are expected.
  subroutine cohort_phase_barrier_alter_arrivals(barrier, delta, ierr)
    type(cohort_phase_barrier), intent(in) :: barrier
    integer, intent(in) :: delta
    integer, intent(out), optional :: ierr
    call finish(cohort_c_phase_barrier_alter_arrivals(barrier, int(delta, c_int32_t)), ierr)
  end subroutine

  !> A barrier that also reduces a value: the time step of a CFD code.
  subroutine cohort_collective_create(rt, arrivals, reduction, value_type, collective, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(in) :: arrivals
    integer(c_int32_t), intent(in) :: reduction, value_type
    type(cohort_collective), intent(out) :: collective
    integer, intent(out), optional :: ierr
    if (too_small('cohort_collective_create', 'arrivals', arrivals, 1, ierr)) return
    call finish(cohort_c_collective_create(rt, int(arrivals, c_int32_t), reduction, value_type, collective), ierr)
  end subroutine

  !> Ends the collective on the rank that made it, forgets it on others, and clears the handle.
  subroutine cohort_collective_destroy(collective, ierr)
    type(cohort_collective), intent(inout) :: collective
    integer, intent(out), optional :: ierr
    call finish(cohort_c_collective_destroy(collective), ierr)
  end subroutine

  !> The same collective's next phase. Arrive, advance, then ask for the future.
  subroutine cohort_collective_advance(collective, ierr)
    type(cohort_collective), intent(inout) :: collective
    integer, intent(out), optional :: ierr
    type(cohort_collective) :: next
    integer(c_int32_t) :: status
    status = cohort_c_collective_advance(collective, next)
    if (status == COHORT_OK) collective = next
    call finish(status, ierr)
  end subroutine

  !> One arrival at the handle's phase with `value` (copied), a scalar of the collective's type. Never blocks. Any thread.
  subroutine cohort_collective_arrive(collective, value, ierr)
    type(cohort_collective), intent(in) :: collective
    type(*), dimension(..), intent(in), contiguous, target :: value
    integer, intent(out), optional :: ierr
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    call cohort_c_span(value, address, bytes)
    call finish(cohort_c_collective_arrive_bytes(collective, address, bytes), ierr)
  end subroutine

  !> Arrives with the value of `future` when it is ready. Does not block.
  subroutine cohort_collective_arrive_future(ctx, collective, future, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_collective), intent(in) :: collective
    type(cohort_future), intent(in) :: future
    integer, intent(out), optional :: ierr
    call finish(cohort_c_collective_arrive_future(ctx, collective, future), ierr)
  end subroutine

  !> The reduced value of the phase before the one this handle names.
  subroutine cohort_collective_future(ctx, collective, future, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_collective), intent(in) :: collective
    type(cohort_future), intent(out) :: future
    integer, intent(out), optional :: ierr
    call finish(cohort_c_collective_future(ctx, collective, future), ierr)
  end subroutine

  !> A region owned by this rank, in node-shared memory, into which other ranks copy.
  subroutine cohort_ghost_create(rt, space, fields, region, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_index_space), intent(in) :: space
    type(cohort_field_space), intent(in) :: fields
    type(cohort_region), intent(out) :: region
    integer, intent(out), optional :: ierr
    call finish(cohort_c_ghost_create(rt, space, fields, region), ierr)
  end subroutine

  !> The description that another rank imports; send it as 256 bytes (32 integers of 8 bytes).
  subroutine cohort_ghost_export(region, ghost, ierr)
    type(cohort_region), intent(in) :: region
    type(cohort_ghost), intent(out) :: ghost
    integer, intent(out), optional :: ierr
    call finish(cohort_c_ghost_export(region, ghost), ierr)
  end subroutine

  !> Names a ghost region of another rank: a destination of copies, nothing else.
  subroutine cohort_ghost_import(rt, ghost, region, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_ghost), intent(in) :: ghost
    type(cohort_region), intent(out) :: region
    integer, intent(out), optional :: ierr
    call finish(cohort_c_ghost_import(rt, ghost, region), ierr)
  end subroutine

  !> Copies source_fields(i) to destination_fields(i) over the points (source + shift) that lie in the destination. With `gather`
  !> over the points of that region: each element comes from the source's point that gather_field names there (one integer for each
  !> dimension, of 4 or 8 bytes). With `scatter` likewise it goes to the point that scatter_field names; of several elements that go
  !> to one point the last stays, or all are folded with `reduction`. Values that name points elsewhere make the copy fail, before
  !> it has copied anything, or are passed over with skip_out_of_range.
  subroutine cohort_copy(ctx, source, source_fields, destination, destination_fields, shift, wait_barriers, arrive_barriers, &
                         predicate, gather, gather_field, scatter, scatter_field, skip_out_of_range, reduction, &
                         reduction_type, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: source, destination
    integer(c_int32_t), intent(in), target, contiguous :: source_fields(:), destination_fields(:)
    integer, intent(in), optional :: shift(:)
    type(cohort_phase_barrier), intent(in), optional, target, contiguous :: wait_barriers(:), arrive_barriers(:)
    type(cohort_predicate), intent(in), optional :: predicate
    type(cohort_region), intent(in), optional :: gather, scatter
    integer(c_int32_t), intent(in), optional :: gather_field, scatter_field, reduction, reduction_type
    logical, intent(in), optional :: skip_out_of_range
    integer, intent(out), optional :: ierr
    type(cohort_copy_c) :: copy
    if (differ('cohort_copy', 'destination_fields', size(destination_fields), 'source_fields', size(source_fields), ierr)) return
    if (present(shift)) then
      if (dimension_differs('cohort_copy', 'shift', size(shift), source, ierr)) return
    end if
    if ((present(gather) .neqv. present(gather_field)) .or. (present(scatter) .neqv. present(scatter_field))) then
      call refuse('cohort_copy', 'a region that names points, without the field that does, or the field without the region; '// &
                  'give gather with gather_field, and scatter with scatter_field', ierr)
      return
    end if
    copy%size = c_sizeof(copy)
    copy%source = source
    copy%destination = destination
    copy%field_count = size(source_fields, kind=c_int32_t)
    if (copy%field_count > 0) then
      copy%source_fields = c_loc(source_fields)
      copy%destination_fields = c_loc(destination_fields)
    end if
    if (present(shift)) copy%shift(:min(3, size(shift))) = shift(:min(3, size(shift)))
    call barrier_lists(wait_barriers, copy%wait_barriers, copy%wait_barrier_count)
    call barrier_lists(arrive_barriers, copy%arrive_barriers, copy%arrive_barrier_count)
    if (present(predicate)) copy%predicate = predicate
    if (present(gather)) copy%gather = gather
    if (present(gather_field)) copy%gather_field = gather_field
    if (present(scatter)) copy%scatter = scatter
    if (present(scatter_field)) copy%scatter_field = scatter_field
    if (present(skip_out_of_range)) copy%flags = merge(COHORT_COPY_SKIP_OUT_OF_RANGE, 0, skip_out_of_range)
    if (present(reduction)) copy%reduction = reduction
    if (present(reduction_type)) copy%reduction_type = reduction_type
    call finish(cohort_c_copy(ctx, copy), ierr)
  end subroutine

  !> The beginning of this context's use of fields that other ranks write: later operations on them wait for it, and it for the
  !> barriers. Pairs with cohort_release.
  subroutine cohort_acquire(ctx, region, fields, wait_barriers, arrive_barriers, predicate, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in), target, contiguous :: fields(:)
    type(cohort_phase_barrier), intent(in), optional, target, contiguous :: wait_barriers(:), arrive_barriers(:)
    type(cohort_predicate), intent(in), optional :: predicate
    integer, intent(out), optional :: ierr
    call finish(cohort_c_acquire(ctx, sync_of(region, fields, wait_barriers, arrive_barriers, predicate)), ierr)
  end subroutine

  !> The end of the use that began with cohort_acquire: waits for earlier operations on the fields, then arrives at the barriers.
  subroutine cohort_release(ctx, region, fields, wait_barriers, arrive_barriers, predicate, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in), target, contiguous :: fields(:)
    type(cohort_phase_barrier), intent(in), optional, target, contiguous :: wait_barriers(:), arrive_barriers(:)
    type(cohort_predicate), intent(in), optional :: predicate
    integer, intent(out), optional :: ierr
    call finish(cohort_c_release(ctx, sync_of(region, fields, wait_barriers, arrive_barriers, predicate)), ierr)
  end subroutine

  function sync_of(region, fields, wait_barriers, arrive_barriers, predicate) result(sync)
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in), target, contiguous :: fields(:)
    type(cohort_phase_barrier), intent(in), optional, target, contiguous :: wait_barriers(:), arrive_barriers(:)
    type(cohort_predicate), intent(in), optional :: predicate
    type(cohort_sync_c) :: sync
    sync%size = c_sizeof(sync)
    sync%region = region
    if (present(predicate)) sync%predicate = predicate
    sync%field_count = size(fields, kind=c_int32_t)
    if (size(fields) > 0) sync%fields = c_loc(fields)
    call barrier_lists(wait_barriers, sync%wait_barriers, sync%wait_barrier_count)
    call barrier_lists(arrive_barriers, sync%arrive_barriers, sync%arrive_barrier_count)
  end function

  subroutine barrier_lists(barriers, address, count)
    type(cohort_phase_barrier), intent(in), optional, target, contiguous :: barriers(:)
    type(c_ptr), intent(out) :: address
    integer(c_int32_t), intent(out) :: count
    address = c_null_ptr
    count = 0
    if (.not. present(barriers)) return
    count = size(barriers, kind=c_int32_t)
    if (count > 0) address = c_loc(barriers)
  end subroutine

  !> Whether the arrays that describe a block do not belong together; the call is then refused.
  function halo_is_wrong(procedure, lo, hi, depth, fields, field_bytes, ierr) result(refused)
    character(len=*), intent(in) :: procedure
    integer, intent(in) :: lo(:), hi(:), depth(:), fields, field_bytes
    integer, intent(out), optional :: ierr
    logical :: refused
    refused = .true.
    if (differ(procedure, 'hi', size(hi), 'lo', size(lo), ierr)) return
    if (differ(procedure, 'depth', size(depth), 'lo', size(lo), ierr)) return
    if (too_small(procedure, 'fields', fields, 1, ierr)) return
    if (too_small(procedure, 'field_bytes', field_bytes, 1, ierr)) return
    refused = .false.
  end function

  function halo_options(lo, hi, depth, fields, field_bytes, neighbours) result(options)
    integer, intent(in) :: lo(:), hi(:), depth(:), fields, field_bytes
    integer, intent(in), optional :: neighbours(:)
    type(cohort_halo_options_c) :: options
    integer :: dims
    dims = min(3, size(lo))
    options%size = c_sizeof(options)
    options%dim = size(lo)
    options%lo(:dims) = lo(:dims)
    options%hi(:dims) = hi(:dims)
    options%depth(:dims) = depth(:dims)
    options%field_count = fields
    options%field_bytes = field_bytes
    if (present(neighbours)) options%neighbours(:min(6, size(neighbours))) = neighbours(:min(6, size(neighbours)))
  end function

  !> Collective. Ghost regions for the faces of this rank's block lo..hi, `depth` points deep, with room for `fields` fields of
  !> field_bytes bytes. neighbours: ranks at -x, +x, -y, +y, -z, +z, or -1 for none.
  subroutine cohort_halo_create_neighbours(rt, lo, hi, depth, neighbours, fields, field_bytes, halo, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(in) :: lo(:), hi(:), depth(:), neighbours(:), fields, field_bytes
    type(cohort_halo), intent(out) :: halo
    integer, intent(out), optional :: ierr
    if (halo_is_wrong('cohort_halo_create_neighbours', lo, hi, depth, fields, field_bytes, ierr)) return
    if (size(neighbours) < 2*size(lo) .or. size(neighbours) > 6) then
      call refuse('cohort_halo_create_neighbours', 'neighbours has not two elements for each dimension, or six', ierr)
      return
    end if
    call finish(cohort_c_halo_create(rt, halo_options(lo, hi, depth, fields, field_bytes, neighbours), halo), ierr)
  end subroutine

  !> Sends the faces of `fields` of `source` to the neighbours' ghost fields `slots` (from 0) and makes this rank's own ghost
  !> fields ready for the tasks launched next. Nothing blocks.
  subroutine cohort_halo_exchange(ctx, halo, source, fields, slots, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_halo), intent(in) :: halo
    type(cohort_region), intent(in) :: source
    integer(c_int32_t), intent(in) :: fields(:), slots(:)
    integer, intent(out), optional :: ierr
    if (differ('cohort_halo_exchange', 'slots', size(slots), 'fields', size(fields), ierr)) return
    call finish(cohort_c_halo_exchange(ctx, halo, source, size(fields, kind=c_int32_t), fields, slots), ierr)
  end subroutine

  !> After the tasks that read the ghost fields were launched: the neighbours may write them again once those have run.
  subroutine cohort_halo_release(ctx, halo, slots, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_halo), intent(in) :: halo
    integer(c_int32_t), intent(in) :: slots(:)
    integer, intent(out), optional :: ierr
    call finish(cohort_c_halo_release(ctx, halo, size(slots, kind=c_int32_t), slots), ierr)
  end subroutine

  !> Ghost region of a face (1 -x, 2 +x, .. 6 +z); its fields are the slots. The null handle where there is no neighbour.
  subroutine cohort_halo_region(halo, face, region, ierr)
    type(cohort_halo), intent(in) :: halo
    integer, intent(in) :: face
    type(cohort_region), intent(out) :: region
    integer, intent(out), optional :: ierr
    if (too_small('cohort_halo_region', 'face', face, 1, ierr)) return
    call finish(cohort_c_halo_region(halo, int(face - 1, c_int32_t), region), ierr)
  end subroutine

  !> Collective, on the MPI thread. Waits for the exchanges, ends the halo and clears the handle.
  subroutine cohort_halo_destroy(halo, ierr)
    type(cohort_halo), intent(inout) :: halo
    integer, intent(out), optional :: ierr
    call finish(cohort_c_halo_destroy(halo), ierr)
  end subroutine
end module cohort_interop
