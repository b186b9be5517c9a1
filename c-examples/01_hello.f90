! A program hands one task to the runtime and waits for it.
module hello_task
  use cohort
contains
  recursive subroutine hello(task)
    type(cohort_context), intent(in) :: task
    integer(4) :: point
    call cohort_task_point(task, point)
    print '(a,i0,a)', 'hello from task ', point, ': PASSED'
  end subroutine
end module

program main
  use hello_task
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_task) :: task
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_task_register(rt, 'hello', task, hello, leaf=.true.)
  call cohort_launch(ctx, task)
  call cohort_finalize(rt)
end program
