! Tasks that launch tasks: each splits its part of a region in two, launches itself on the halves, and adds up what they
! return; a part that is small enough is summed in place. A task that waits gives its processor to another meanwhile.
module nested_sum
  use cohort
  implicit none
  integer, parameter :: small = 100
  type(cohort_task) :: sum_task
  integer(4) :: fields(1)
contains
  recursive subroutine sum_up(task)
    type(cohort_context), intent(in) :: task
    type(cohort_region) :: region
    type(cohort_partition) :: halves
    type(cohort_future) :: both
    real(8), pointer :: q(:)
    real(8) :: total
    integer(8) :: lo(3), hi(3)
    integer :: dim
    call cohort_task_region(task, 1, region)
    call cohort_region_bounds(region, dim, lo, hi)
    if (hi(1) - lo(1) < small) then
      call cohort_view(task, 1, fields(1), COHORT_READ_ONLY, q)
      total = sum(q)
    else
      call cohort_partition_blocks(region, [2], halves)
      call cohort_index_launch(task, sum_task, 2, [cohort_needs(halves, fields, COHORT_READ_ONLY)], &
                               reduction=COHORT_SUM, result_type=COHORT_DOUBLE, result=both)
      call cohort_future_get(both, total)
      call cohort_future_destroy(both)
      call cohort_partition_destroy(halves)
    end if
    call cohort_task_result(task, total)
  end subroutine
end module

program main
  use nested_sum
  implicit none
  integer, parameter :: n = 4096
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: field_space
  type(cohort_region) :: region
  type(cohort_future) :: future
  real(8), target :: q(n)
  real(8) :: total
  integer :: i
  q = [(i - 1, i=1, n)]
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, field_space)
  call cohort_fields_allocate(field_space, 8, fields)
  call cohort_region_create(rt, points, field_space, region)
  call cohort_attach(ctx, region, fields, q)
  call cohort_task_register(rt, 'sum', sum_task, sum_up)   ! no leaf: it launches and waits
  call cohort_launch(ctx, sum_task, [cohort_needs(region, fields, COHORT_READ_ONLY)], result=future)
  call cohort_future_get(future, total)
  call cohort_finalize(rt)
  if (total /= sum(q)) error stop 'FAILED'
  print '(a)', 'PASSED'
end program
