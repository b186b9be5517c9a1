! A mapper for a set of tasks: the short ones run inside their launch, on the thread that launches, which waits until they are
! ready. The long one beside them is not its business: that goes on elsewhere, as the default has it.
module short_and_long
  use cohort
  implicit none
  integer(4) :: f(2)            ! what the short tasks work on, and what the long one does
  integer :: short_runs = 0     ! counted and looked at by the launching thread alone
  integer :: asked = 0
contains
  ! Whoever waits for a barrier or a handshake may not keep the thread that has to reach it.
  recursive subroutine run_inline(mapper, task, options)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_options), intent(inout) :: options
    asked = asked + 1
    options%run_inline = merge(1, 0, task%may_run_inline)
  end subroutine

  recursive subroutine change(task, field, factor, more)
    type(cohort_context), intent(in) :: task
    integer(4), intent(in) :: field
    real(8), intent(in) :: factor, more
    real(8), pointer :: x(:)
    call cohort_view(task, 1, field, COHORT_READ_WRITE, x)
    x = factor*x + more
  end subroutine

  recursive subroutine halve(task)
    type(cohort_context), intent(in) :: task
    short_runs = short_runs + 1
    call change(task, f(1), 0.5d0, 0d0)
  end subroutine

  recursive subroutine shift(task)
    type(cohort_context), intent(in) :: task
    short_runs = short_runs + 1
    call change(task, f(1), 1d0, 1d0)
  end subroutine

  recursive subroutine count_up(task)
    type(cohort_context), intent(in) :: task
    call change(task, f(2), 1d0, 1d0)
  end subroutine
end module

program main
  use short_and_long
  implicit none
  integer, parameter :: n = 1000, steps = 25
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_task) :: halving, shifting, counting
  type(cohort_mapper) :: mapper
  type(cohort_mapper_handle) :: handle
  real(8), target :: x(n, 2)
  real(8) :: expected
  integer(8) :: refused
  integer :: step
  x = 0
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region)
  call cohort_attach(ctx, region, f, x, field_dimension=2)
  call cohort_task_register(rt, 'halve', halving, halve, leaf=.true.)
  call cohort_task_register(rt, 'shift', shifting, shift, leaf=.true.)
  call cohort_task_register(rt, 'count', counting, count_up, leaf=.true.)
  mapper%select_task_options => run_inline
  mapper%serialised = .true.
  call cohort_mapper_register(rt, mapper, 'inline', handle)
  call cohort_mapper_use(handle, [halving, shifting])

  do step = 1, steps
    call cohort_launch(ctx, counting, [cohort_needs(region, f(2:2), COHORT_READ_WRITE)])
    call cohort_launch(ctx, halving, [cohort_needs(region, f(1:1), COHORT_READ_WRITE)])
    call cohort_launch(ctx, shifting, [cohort_needs(region, f(1:1), COHORT_READ_WRITE)])
    if (short_runs /= 2*step) error stop 'FAILED: a short task did not run inside its launch'
  end do
  call cohort_detach(ctx, region, f)
  call cohort_mapper_refusals(handle, refused)
  call cohort_finalize(rt)
  expected = 0
  do step = 1, steps
    expected = expected/2 + 1
  end do
  if (any(x(:, 1) /= expected) .or. any(x(:, 2) /= steps)) error stop 'FAILED: what the tasks computed'
  if (asked /= 2*steps .or. refused /= 0) error stop 'FAILED: how often the mapper was asked'
  print '(a)', 'PASSED'
end program
