! Values of kilobytes, from task to task in futures: a spectrum that a task measures is weighted with a table that the program
! gives, and what a third task says of it comes back. All is launched ahead; nobody waits between.
module spectra
  use cohort
  implicit none
  integer, parameter :: lines = 512
contains
  pure function amplitudes(step) result(line)
    integer, intent(in) :: step
    real(8) :: line(lines)
    integer :: n
    line = [(1d0/n + step, n=1, lines)]
  end function

  !> Its result has 4 KiB.
  recursive subroutine measure(task)
    type(cohort_context), intent(in) :: task
    integer :: step
    call cohort_task_args(task, step)
    call cohort_task_result(task, amplitudes(step))
  end subroutine

  recursive subroutine weigh(task)
    type(cohort_context), intent(in) :: task
    real(8) :: found(lines), weight(lines)
    call cohort_task_future(task, 1, found)
    call cohort_task_future(task, 2, weight)
    call cohort_task_result(task, found*weight)
  end subroutine

  recursive subroutine add_up(task)
    type(cohort_context), intent(in) :: task
    real(8) :: weighted(lines)
    call cohort_task_future(task, 1, weighted)
    call cohort_task_result(task, sum(weighted))
  end subroutine
end module

program main
  use spectra
  implicit none
  integer, parameter :: steps = 20
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_task) :: measuring, weighing, adding
  type(cohort_future) :: table, found, weighted, total(steps)
  real(8) :: weight(lines), got, expected
  logical :: ready
  integer :: n, step
  weight = [(mod(n, 3), n=1, lines)]
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_task_register(rt, 'measure', measuring, measure, leaf=.true.)
  call cohort_task_register(rt, 'weigh', weighing, weigh, leaf=.true.)
  call cohort_task_register(rt, 'add up', adding, add_up, leaf=.true.)
  call cohort_future_value(rt, weight, table)   ! is there from the start
  do step = 1, steps
    call cohort_launch(ctx, measuring, args=step, result=found)
    call cohort_launch(ctx, weighing, futures=[found, table], result=weighted)
    call cohort_launch(ctx, adding, futures=[weighted], result=total(step))
    ! Who was given their values still gets them.
    call cohort_future_destroy(found)
    call cohort_future_destroy(weighted)
  end do
  call cohort_future_destroy(table)
  do step = 1, steps
    call cohort_future_get(total(step), got)
    call cohort_future_test(total(step), ready)
    expected = sum(amplitudes(step)*weight)
    if (.not. ready .or. abs(got - expected) > 1d-12*expected) error stop 'FAILED'
    call cohort_future_destroy(total(step))
  end do
  call cohort_finalize(rt)
  print '(a)', 'PASSED'
end program
