! Points of one launch, all running at once, register what they like and make mistakes: each gets the text of its own mistake, and
! what was registered lives until the runtime has ended.
module thread_tasks
  use cohort
  implicit none
  integer, parameter :: POINTS = 4, ROUNDS = 300, MISTAKES = 50*ROUNDS
  type(cohort_runtime) :: rt
  type(cohort_task) :: registered(ROUNDS, 0:POINTS - 1)
contains
  recursive subroutine double(task)
    type(cohort_context), intent(in) :: task
    integer :: value
    call cohort_task_args(task, value)
    call cohort_task_result(task, 2*value)
  end subroutine

  !> A text as long as the point says.
  recursive subroutine make_mistakes(task)
    type(cohort_context), intent(in) :: task
    type(cohort_view_layout) :: layout
    character(len=100) :: wanted
    integer :: point, i, status
    call cohort_task_point(task, point)
    write (wanted, '(a,i0,a)') 'cohort_view_raw: requirement is ', -10**(2*point), '; give a number from 1 on'
    do i = 1, MISTAKES
      call cohort_view_raw(task, -10**(2*point), 0, COHORT_READ_ONLY, layout, status)
      if (cohort_error_message() /= trim(wanted) .or. len(cohort_error_message()) /= len_trim(wanted)) then
        call cohort_task_fail(task, 'a text of another thread: '//cohort_error_message())
        return
      end if
      if (cohort_status_name(status) /= 'COHORT_ERROR_INVALID_ARGUMENT') call cohort_task_fail(task, 'a status by another name')
    end do
    do i = 1, ROUNDS
      call cohort_task_register(rt, 'double', registered(i, point), double, leaf=.true.)
    end do
  end subroutine
end module

program main
  use thread_tasks
  implicit none
  type(cohort_context) :: ctx
  type(cohort_task) :: task
  type(cohort_future) :: future
  type(cohort_config) :: config
  integer :: i, point, value
  config%workers = POINTS
  call cohort_init(rt, config)
  call cohort_root_context(rt, ctx)
  call cohort_task_register(rt, 'make_mistakes', task, make_mistakes)
  call cohort_index_launch(ctx, task, POINTS, concurrent=.true.)
  call cohort_wait_all(ctx)
  do point = 0, POINTS - 1
    do i = 1, ROUNDS
      call cohort_launch(ctx, registered(i, point), args=i + point, result=future)
      call cohort_future_get(future, value)
      if (value /= 2*(i + point)) error stop 'FAILED: a task registered on another thread'
      call cohort_future_destroy(future)
    end do
  end do
  call cohort_finalize(rt)
  print '(a)', 'PASSED'
end program
