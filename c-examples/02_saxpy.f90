! y = a*x + y in one task for each block of a partition; x and y are the program's own arrays, used in place.
module saxpy_task
  use cohort
  integer(4) :: f(2)   ! the fields of x and of y
contains
  recursive subroutine saxpy(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: x(:), y(:)
    real(8) :: a
    call cohort_task_args(task, a)
    call cohort_view(task, 1, f(1), COHORT_READ_ONLY, x)
    call cohort_view(task, 2, f(2), COHORT_READ_WRITE, y)
    y = y + a*x
  end subroutine
end module

program main
  use saxpy_task
  integer, parameter :: n = 1000, blocks = 7
  type(cohort_runtime) :: rt; type(cohort_context) :: ctx; type(cohort_index_space) :: points; type(cohort_field_space) :: fields
  type(cohort_region) :: region; type(cohort_partition) :: parts; type(cohort_task) :: task
  real(8), target :: x(n), y(n), a = 2
  x = [(i - 1, i=1, n)]; y = 1
  call cohort_init(rt); call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields); call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region); call cohort_partition_blocks(region, [blocks], parts)
  call cohort_attach(ctx, region, f(1:1), x); call cohort_attach(ctx, region, f(2:2), y)
  call cohort_task_register(rt, 'saxpy', task, saxpy, leaf=.true.)
  do i = 1, 3
    call cohort_index_launch(ctx, task, blocks, [cohort_needs(parts, f(1:1), COHORT_READ_ONLY), &
                                                 cohort_needs(parts, f(2:2), COHORT_READ_WRITE)], args=a)
  end do
  call cohort_detach(ctx, region, f); call cohort_finalize(rt)
  if (any(y /= 1 + 3*a*x)) error stop 'FAILED'
  print '(a)', 'PASSED'
end program
