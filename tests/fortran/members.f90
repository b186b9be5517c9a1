! Two members of a must epoch take turns through phase barriers: each waits for the other, so both must run at once.
module turns
  use cohort
  implicit none
  integer, parameter :: rounds = 100
  type(cohort_phase_barrier) :: ping, pong
  integer(4) :: field(1)
  integer, volatile :: points_seen = 0
contains
  recursive subroutine open_turn(task)
    type(cohort_context), intent(in) :: task
    type(cohort_phase_barrier) :: mine, theirs
    real(8), pointer :: q(:)
    integer(4) :: point
    integer :: round
    call cohort_task_point(task, point)
    if (point /= 0) error stop 'FAILED: another point'
    call cohort_view(task, 1, field(1), COHORT_READ_WRITE, q)
    mine = ping
    theirs = pong
    do round = 1, rounds
      q = q + 1
      call cohort_phase_barrier_arrive(mine)
      call cohort_phase_barrier_advance(mine)
      call cohort_phase_barrier_advance(theirs)
      call cohort_phase_barrier_wait(task, theirs)
    end do
  end subroutine

  recursive subroutine answer(task)
    type(cohort_context), intent(in) :: task
    type(cohort_phase_barrier) :: mine, theirs
    real(8), pointer :: q(:)
    integer(4) :: point
    integer :: round
    call cohort_task_point(task, point)
    if (point /= 1) error stop 'FAILED: another point'
    call cohort_view(task, 1, field(1), COHORT_READ_WRITE, q)
    mine = pong
    theirs = ping
    do round = 1, rounds
      call cohort_phase_barrier_advance(theirs)
      call cohort_phase_barrier_wait(task, theirs)
      q = round - q
      call cohort_phase_barrier_arrive(mine)
      call cohort_phase_barrier_advance(mine)
    end do
  end subroutine

  recursive subroutine alone(task)
    type(cohort_context), intent(in) :: task
    integer(4) :: point
    call cohort_task_point(task, point)
    points_seen = points_seen + 1
    if (point /= 0) error stop 'FAILED: another point'
  end subroutine
end module

program main
  use turns
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_config) :: config
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_task) :: tasks(2), lonely
  type(cohort_requirement) :: shared(1)
  real(8), target :: q(3), expected
  integer :: round, ierr
  config%workers = 2
  call cohort_init(rt, config=config)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [3], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, field)
  call cohort_region_create(rt, points, fields, region)
  q = 0
  call cohort_attach(ctx, region, field, q)
  call cohort_phase_barrier_create(rt, 1, ping)
  call cohort_phase_barrier_create(rt, 1, pong)
  call cohort_task_register(rt, 'first', tasks(1), open_turn)
  call cohort_task_register(rt, 'second', tasks(2), answer)
  call cohort_task_register(rt, 'alone', lonely, alone)

  shared(1) = cohort_needs(region, field, COHORT_READ_WRITE)
  call cohort_must_epoch(rt, [cohort_member(tasks(1), shared), cohort_member(tasks(2), shared)], ierr)
  if (ierr /= COHORT_ERROR_INTERFERENCE) error stop 'FAILED: members that conflict'
  shared(1) = cohort_needs(region, field, COHORT_READ_WRITE, coherence=COHORT_ATOMIC)
  call cohort_must_epoch(rt, [cohort_member(tasks(1), shared), cohort_member(tasks(2), shared)], ierr)
  if (ierr /= COHORT_ERROR_INTERFERENCE) error stop 'FAILED: members of which one waits for the other'
  shared(1) = cohort_needs(region, field, COHORT_READ_WRITE, coherence=COHORT_SIMULTANEOUS)
  call cohort_must_epoch(rt, [cohort_member(tasks(1), shared), cohort_member(tasks(2), shared)])
  call cohort_must_epoch_wait(rt)
  call cohort_must_epoch(rt, [cohort_member(lonely)])
  call cohort_must_epoch_wait(rt)
  call cohort_must_epoch(rt, lonely)
  call cohort_must_epoch_wait(rt)
  call cohort_detach(ctx, region, field)
  call cohort_finalize(rt)

  expected = 0
  do round = 1, rounds
    expected = round - (expected + 1)
  end do
  if (any(q /= expected) .or. points_seen /= 2) error stop 'FAILED: the turns'
  print '(a)', 'PASSED'
end program
