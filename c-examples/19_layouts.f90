! One kernel wants each field in an array of its own, another component-first arrays q(5,i,j), a third blocks of four points for
! vector units, along j. Each says so once; the library copies where the data lies otherwise, and says what it copied and why.
module kernels
  use cohort
  implicit none
  integer, parameter :: n = 32, m = 24, tiles = 4, steps = 5, lanes = 4
  integer(4) :: f(5)
contains
  !> An array for each field.
  recursive subroutine by_field(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:, :)
    integer :: k
    do k = 1, 5
      call cohort_view(task, 1, f(k), COHORT_READ_WRITE, q)
      q = q + 1
    end do
  end subroutine

  !> The components of a point first, as many codes have them: q(5,i,j). The whole array is shown by its base.
  recursive subroutine by_point(task)
    type(cohort_context), intent(in) :: task
    type(cohort_view_layout) :: v
    type(cohort_copied) :: copied
    real(8), pointer :: q(:, :, :)
    integer :: i, j
    call cohort_view_raw(task, 1, f(1), COHORT_READ_WRITE, v)
    call c_f_pointer(v%base, q, [5, int(v%hi(1) - v%lo(1)) + 1, int(v%hi(2) - v%lo(2)) + 1])
    do j = 1, size(q, 3)
      do i = 1, size(q, 2)
        q(:, i, j) = cshift(q(:, i, j), 1)
      end do
    end do
    call cohort_task_copied(task, 1, copied)
    if (copied%copies /= 1 .or. index(copied%why, 'AOS in Fortran order') == 0) error stop 'FAILED: a copy was expected'
  end subroutine

  !> Blocks: `lanes` points of the first field, as many of the next; blocks run along j, as rows do in C.
  recursive subroutine by_block(task)
    type(cohort_context), intent(in) :: task
    type(cohort_view_layout) :: v
    real(8), pointer :: q(:, :, :, :)
    call cohort_view_raw(task, 1, f(1), COHORT_READ_WRITE, v)
    call c_f_pointer(v%base, q, [lanes, 5, int(v%hi(2) - v%lo(2) + 1)/lanes, int(v%hi(1) - v%lo(1)) + 1])
    q(:, 1, :, :) = q(:, 1, :, :) + q(:, 2, :, :) - q(:, 5, :, :)
  end subroutine
end module

program main
  use kernels
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: parts
  type(cohort_task) :: fieldwise, pointwise, blockwise
  type(cohort_layout) :: soa, aos, blocked
  type(cohort_copied) :: copied
  type(cohort_mapping) :: mapping
  real(8), pointer :: q(:, :)
  real(8) :: expected(5)
  integer :: k, step, ierr
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1, 1], [n, m], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region)
  soa%padding(1) = 2                                                   ! leading dimension n + 2
  call cohort_region_layout(region, f, soa)                            ! before the first use
  call cohort_partition_blocks(region, [2, 2], parts)
  call cohort_task_register(rt, 'by field', fieldwise, by_field, leaf=.true.)
  call cohort_task_register(rt, 'by point', pointwise, by_point, leaf=.true.)
  aos%grouping = COHORT_AOS
  aos%flags = COHORT_LAYOUT_EXACT                                      ! no gaps between rows: whole arrays
  call cohort_task_layout(pointwise, COHORT_PROC_ANY, 1, aos)
  call cohort_task_register(rt, 'by block', blockwise, by_block, leaf=.true.)
  blocked%grouping = COHORT_BLOCKED
  blocked%block = lanes
  blocked%alignment = 8*lanes
  blocked%order = COHORT_ORDER_C
  blocked%flags = COHORT_LAYOUT_EXACT
  call cohort_task_layout(blockwise, COHORT_PROC_ANY, 1, blocked)
  do k = 1, 5
    call cohort_fill(ctx, region, f(k:k), 10d0*k)
  end do
  expected = [10d0, 20d0, 30d0, 40d0, 50d0]
  do step = 1, steps
    call cohort_index_launch(ctx, fieldwise, tiles, [cohort_needs(parts, f, COHORT_READ_WRITE)])
    call cohort_index_launch(ctx, pointwise, tiles, [cohort_needs(parts, f, COHORT_READ_WRITE)])
    call cohort_index_launch(ctx, blockwise, tiles, [cohort_needs(parts, f, COHORT_READ_WRITE)])
    expected = cshift(expected + 1, 1)
    expected(1) = expected(1) + expected(2) - expected(5)
  end do
  call cohort_region_layout(region, f, soa, ierr)
  if (ierr /= COHORT_ERROR_WRONG_ORDER) error stop 'FAILED: laid out twice'
  call cohort_inline_map(ctx, cohort_needs(region, f, COHORT_READ_ONLY), mapping)
  do k = 1, 5
    call cohort_inline_view(mapping, f(k), COHORT_READ_ONLY, q)
    if (any(q /= expected(k))) error stop 'FAILED'
  end do
  call cohort_inline_unmap(mapping)
  call cohort_task_copied_total(fieldwise, copied)
  if (copied%copies /= 0) error stop 'FAILED: copied without need'
  call cohort_task_copied_total(pointwise, copied)
  print '(i0, a, i0, 2a)', copied%copies, ' copies, ', copied%bytes_in + copied%bytes_out, ' bytes: ', copied%why
  if (copied%copies /= steps*tiles .or. copied%bytes_in /= steps*n*m*40) error stop 'FAILED: copied otherwise'
  call cohort_task_copied_total(blockwise, copied)
  if (copied%copies /= steps*tiles) error stop 'FAILED: not in blocks'
  call cohort_finalize(rt)
  print '(a)', 'PASSED'
end program
