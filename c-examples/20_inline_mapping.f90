! Between two launches the program looks at region data and changes it, with no task of its own: an inline mapping. It waits for
! what it depends on and for nothing else, and inside a task it works the same.
module warming
  use cohort
  implicit none
  integer, parameter :: n = 1000, blocks = 8, steps = 20
  integer(4) :: t(1)
  type(cohort_task) :: warm
contains
  !> Every point gets warmer by 1.
  recursive subroutine warm_up(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: v(:)
    call cohort_view(task, 1, t(1), COHORT_READ_WRITE, v)
    v = v + 1
  end subroutine

  !> Warms its region by a task of its own, and puts right what that did to the first point.
  recursive subroutine warm_but_first(task)
    type(cohort_context), intent(in) :: task
    type(cohort_region) :: mine
    type(cohort_mapping) :: mapping
    real(8), pointer :: v(:)
    call cohort_task_region(task, 1, mine)
    call cohort_launch(task, warm, [cohort_needs(mine, t, COHORT_READ_WRITE)])
    call cohort_inline_map(task, cohort_needs(mine, t, COHORT_READ_WRITE), mapping)   ! waits for the task launched above
    call cohort_inline_view(mapping, t(1), COHORT_READ_WRITE, v)
    v(lbound(v, 1)) = v(lbound(v, 1)) - 1
    call cohort_inline_unmap(mapping)
  end subroutine
end module

program main
  use warming
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: all
  type(cohort_partition) :: pieces
  type(cohort_task) :: step
  type(cohort_mapping) :: mapping
  type(cohort_requirement) :: piece(1)
  real(8), pointer :: v(:)
  real(8) :: expected(n)
  integer :: i, ierr
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, t)
  call cohort_region_create(rt, points, fields, all)
  call cohort_partition_blocks(all, [blocks], pieces)
  call cohort_task_register(rt, 'warm', warm, warm_up, leaf=.true.)
  call cohort_task_register(rt, 'step', step, warm_but_first)
  call cohort_fill(ctx, all, t, 0d0)
  piece = [cohort_needs(pieces, t, COHORT_READ_WRITE)]
  do i = 1, steps
    call cohort_index_launch(ctx, step, blocks, piece)
    call cohort_inline_map(ctx, cohort_needs(all, t, COHORT_READ_WRITE), mapping)     ! waits for the tasks of this step
    call cohort_inline_view(mapping, t(1), COHORT_READ_WRITE, v)                      ! bounds of the region: v(1:n)
    if (v(n) /= 2*i - 1) error stop 'FAILED: not what the tasks left'
    v(n) = v(n) + 1
    ! Nothing can wait for itself: until the mapping ends, a launch that needs its data is refused.
    call cohort_index_launch(ctx, step, blocks, piece, ierr=ierr)
    if (ierr /= COHORT_ERROR_INTERFERENCE) error stop 'FAILED: launched over a mapping'
    call cohort_inline_unmap(mapping)
  end do
  call cohort_inline_map(ctx, cohort_needs(all, t, COHORT_READ_ONLY), mapping)
  call cohort_inline_view(mapping, t(1), COHORT_READ_ONLY, v)
  expected = steps
  expected(1::n/blocks) = 0
  expected(n) = 2*steps
  if (any(v /= expected)) error stop 'FAILED'
  call cohort_inline_unmap(mapping)
  call cohort_finalize(rt)
  print '(a)', 'PASSED'
end program
