! Points of an index launch that run at the same time, each on a thread of its own, so that they may wait for each other: threads
! of a code that was written for such, as tasks. Each sums its part; a dynamic collective brings the sums together while the points
! still run, and each scales its part by the total.
module parts
  use cohort
  implicit none
  integer, parameter :: n = 1000, count = 4
  integer(4) :: field(1)
contains
  recursive subroutine normalise(task)
    type(cohort_context), intent(in) :: task
    type(cohort_collective) :: sums
    type(cohort_future) :: future
    real(8), pointer :: q(:)
    real(8) :: total
    call cohort_task_args(task, sums)
    call cohort_view(task, 1, field(1), COHORT_READ_WRITE, q)
    call cohort_collective_arrive(sums, sum(q))
    call cohort_collective_advance(sums)
    call cohort_collective_future(task, sums, future)
    call cohort_future_get(future, total)   ! comes when all points have arrived
    call cohort_future_destroy(future)
    q = q/total
  end subroutine
end module

program main
  use parts
  implicit none
  type(cohort_config) :: config
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: blocks
  type(cohort_task) :: task
  type(cohort_collective) :: sums
  real(8), target :: q(n)
  integer :: i
  q = [(real(mod(i, 10), 8), i=0, n - 1)]
  config%workers = count   ! points that run at once need a processor each
  call cohort_init(rt, config=config)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, field)
  call cohort_region_create(rt, space, fields, region)
  call cohort_attach(ctx, region, field, q)
  call cohort_partition_blocks(region, [count], blocks)
  call cohort_task_register(rt, 'normalise', task, normalise)
  call cohort_collective_create(rt, count, COHORT_SUM, COHORT_DOUBLE, sums)
  call cohort_index_launch(ctx, task, count, [cohort_needs(blocks, field, COHORT_READ_WRITE)], args=sums, concurrent=.true.)
  call cohort_detach(ctx, region, field)
  call cohort_collective_destroy(sums)
  call cohort_finalize(rt)
  if (any(q /= [(mod(i, 10)/4500d0, i=0, n - 1)])) error stop 'FAILED'
  print '(a, g0)', 'the sum is ', sum(q)
  print '(a)', 'PASSED'
end program
