! SAXPY whose number of blocks, processors and priorities come from a text file: COHORT_MAPPING=24_mapping_files/small_blocks.map.
! Nothing in the program changes from one mapping to the other, and neither does the answer.
module saxpy_task
  use cohort
  implicit none
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
  implicit none
  integer, parameter :: n = 1000
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: parts
  type(cohort_task) :: task
  real(8), target :: x(n), y(n)
  real(8) :: a = 2
  integer :: blocks, i
  x = [(i - 1, i=1, n)]
  y = 1
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  ! Seven, unless the file says otherwise.
  blocks = int(cohort_tunable(ctx, 'blocks', 7))
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region)
  call cohort_partition_blocks(region, [blocks], parts)
  call cohort_attach(ctx, region, f(1:1), x)
  call cohort_attach(ctx, region, f(2:2), y)
  call cohort_task_register(rt, 'saxpy', task, saxpy, leaf=.true.)
  do i = 1, 3
    call cohort_index_launch(ctx, task, blocks, [cohort_needs(parts, f(1:1), COHORT_READ_ONLY), &
                                                 cohort_needs(parts, f(2:2), COHORT_READ_WRITE)], args=a)
  end do
  call cohort_detach(ctx, region, f)
  call cohort_finalize(rt)
  if (any(y /= 1 + 3*a*x)) error stop 'FAILED'
  print '(i0,a)', blocks, ' blocks: PASSED'
end program
