! Index launches whose points get sub-regions by a projection, and hand values to the points of the next launch: every part of a
! ring smooths itself with what the part after it said of its first element, with no wait in between. At the end the points of a
! launch get the parts after their own by an offset.
module ring
  use cohort
  implicit none
  integer, parameter :: n = 60, parts = 6, steps = 40
  integer(4) :: field(1)
contains
  !> Point p gets the part after its own; the last one the first.
  function next_part(point, points) result(colour)
    integer(4), intent(in) :: point, points
    integer(4) :: colour
    colour = mod(point + 1, points)
  end function

  !> The first element of the part that the point gets.
  recursive subroutine first(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:)
    call cohort_view(task, 1, field(1), COHORT_READ_ONLY, q)
    call cohort_task_result(task, q(lbound(q, 1)))
  end subroutine

  !> Given the first element of the next part, moves every element half the way to the one after it.
  recursive subroutine relax(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:)
    real(8) :: beyond
    integer :: i
    call cohort_view(task, 1, field(1), COHORT_READ_WRITE, q)
    call cohort_task_future(task, 1, beyond)
    do i = lbound(q, 1), ubound(q, 1) - 1
      q(i) = 0.5d0*(q(i) + q(i + 1))
    end do
    q(ubound(q, 1)) = 0.5d0*(q(ubound(q, 1)) + beyond)
    call cohort_task_result(task, q(lbound(q, 1)))
  end subroutine
end module

program main
  use ring
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: blocks
  type(cohort_task) :: first_task, relax_task
  type(cohort_future_map) :: beyond, moved
  type(cohort_future) :: sum_of_first, sum_of_later
  integer(4) :: next
  real(8), target :: q(n)
  real(8) :: expected(n), total, of_later, one, around
  integer :: i, step
  q = [(real(mod(i*i, 17), 8), i=0, n - 1)]
  expected = q
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, field)
  call cohort_region_create(rt, space, fields, region)
  call cohort_attach(ctx, region, field, q)
  call cohort_partition_blocks(region, [parts], blocks)
  call cohort_task_register(rt, 'first', first_task, first, leaf=.true.)
  call cohort_task_register(rt, 'relax', relax_task, relax, leaf=.true.)
  call cohort_projection_register(rt, 'next part', next_part, next)

  do step = 1, steps
    if (step > 1) call cohort_future_map_destroy(moved)
    call cohort_index_launch(ctx, first_task, parts, [cohort_needs(blocks, field, COHORT_READ_ONLY, projection=next)], map=beyond)
    ! Point p is given what point p of the other launch saw.
    call cohort_index_launch(ctx, relax_task, parts, [cohort_needs(blocks, field, COHORT_READ_WRITE)], future_maps=[beyond], &
                             map=moved)
    call cohort_future_map_destroy(beyond)
  end do
  call cohort_future_map_reduce(ctx, moved, COHORT_SUM, COHORT_DOUBLE, sum_of_first)
  call cohort_future_get(sum_of_first, total)
  ! Point p gets part p + 1.
  call cohort_index_launch(ctx, first_task, parts - 1, [cohort_needs(blocks, field, COHORT_READ_ONLY, offset=1)], &
                           reduction=COHORT_SUM, result_type=COHORT_DOUBLE, result=sum_of_later)
  call cohort_future_get(sum_of_later, of_later)
  call cohort_future_map_get(moved, parts - 1, one)
  call cohort_detach(ctx, region, field)
  call cohort_finalize(rt)

  do step = 1, steps
    around = expected(1)
    do i = 1, n - 1
      expected(i) = 0.5d0*(expected(i) + expected(i + 1))
    end do
    expected(n) = 0.5d0*(expected(n) + around)
  end do
  if (of_later /= sum(expected(1 + n/parts::n/parts))) error stop 'FAILED: the parts after the first'
  if (any(q /= expected) .or. total /= sum(expected(1::n/parts)) .or. one /= expected(n - n/parts + 1)) error stop 'FAILED'
  print '(a)', 'PASSED'
end program
