! A sparse matrix times a vector. Rows say by a range which entries are theirs, entries by a pointer which column they are of: from
! these follow the entries and the part of x that a block of rows needs, and the rows that have to be computed again when a block of
! x changes.
module sparse_matrix
  use, intrinsic :: iso_c_binding, only: c_f_pointer, c_int64_t
  use cohort
  implicit none
  integer, parameter :: n = 60, entries = 3*n - 2, parts = 4, block_size = n/parts
  ! The first and the last entry of a row.
  type, bind(C) :: span
    integer(c_int64_t) :: first, last
  end type
  integer(4) :: range_field(1), y_field(1), entry_fields(2), x_field(1)   ! fields; of an entry, its column and its value
  type(cohort_region) :: row_region, entry_region, x_region
contains
  ! The rows' part of y = A x. A field of a derived type is seen through its address.
  recursive subroutine multiply(task)
    type(cohort_context), intent(in) :: task
    type(cohort_view_layout) :: of_spans
    type(span), pointer :: spans(:)
    integer(8), pointer :: column(:)
    real(8), pointer :: y(:), value(:), x(:)
    integer(8) :: row
    call cohort_view_raw(task, 1, range_field(1), COHORT_READ_ONLY, of_spans)
    call cohort_view(task, 2, y_field(1), COHORT_WRITE_DISCARD, y)
    call c_f_pointer(of_spans%base, spans, [size(y)])
    call cohort_view(task, 3, entry_fields(1), COHORT_READ_ONLY, column)
    call cohort_view(task, 3, entry_fields(2), COHORT_READ_ONLY, value)
    call cohort_view(task, 4, x_field(1), COHORT_READ_ONLY, x)
    do row = 1, size(y)
      associate (own => spans(row))
        y(lbound(y, 1) + row - 1) = dot_product(value(own%first:own%last), x(column(own%first:own%last)))
      end associate
    end do
  end subroutine

  ! Computes the rows that the sub-regions of a partition hold, a task for each.
  subroutine compute(ctx, task, of_rows)
    type(cohort_context), intent(in) :: ctx
    type(cohort_task), intent(in) :: task
    type(cohort_partition), intent(in) :: of_rows
    type(cohort_partition) :: of_entries, of_columns
    call cohort_partition_image(ctx, entry_region, of_rows, range_field(1), of_entries, range=.true.)
    call cohort_partition_image(ctx, x_region, of_entries, entry_fields(1), of_columns)
    call cohort_index_launch(ctx, task, parts, [cohort_needs(of_rows, range_field, COHORT_READ_ONLY), &
      cohort_needs(of_rows, y_field, COHORT_WRITE_DISCARD), cohort_needs(of_entries, entry_fields, COHORT_READ_ONLY), &
      cohort_needs(of_columns, x_field, COHORT_READ_ONLY)])
  end subroutine

  ! How many points each sub-region has.
  function points_of(partition) result(points)
    type(cohort_partition), intent(in) :: partition
    integer(8) :: points(parts)
    type(cohort_region) :: region
    integer :: part
    do part = 1, parts
      call cohort_subregion(partition, part - 1, region)
      call cohort_region_points(region, points(part))
    end do
  end function
end module

program main
  use sparse_matrix
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_task) :: task
  type(cohort_partition) :: row_blocks, x_blocks, of_rows, needed, band, beyond, readers, changed, own
  type(cohort_partition), allocatable :: crossed(:)
  type(span), target :: spans(n)
  integer(8), target :: column(entries)
  real(8), target :: y(n), value(entries), x(n)
  logical :: disjoint, complete
  integer :: row, of, entry
  entry = 0
  do row = 1, n
    spans(row)%first = entry + 1
    do of = max(row - 1, 1), min(row + 1, n)
      entry = entry + 1
      column(entry) = of
      value(entry) = merge(2, -1, of == row)
    end do
    spans(row)%last = entry
  end do
  x = [(real(row, 8)**2, row=1, n)]
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 16, range_field)
  call cohort_fields_allocate(fields, 8, y_field)
  call cohort_region_create(rt, space, fields, row_region)
  call cohort_attach(ctx, row_region, range_field, spans)
  call cohort_attach(ctx, row_region, y_field, y)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, x_field)
  call cohort_region_create(rt, space, fields, x_region)
  call cohort_attach(ctx, x_region, x_field, x)
  call cohort_index_space_create(rt, [1], [entries], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, entry_fields)
  call cohort_region_create(rt, space, fields, entry_region)
  call cohort_attach(ctx, entry_region, entry_fields(1:1), column)
  call cohort_attach(ctx, entry_region, entry_fields(2:2), value)
  call cohort_task_register(rt, 'multiply', task, multiply, leaf=.true.)
  call cohort_partition_equal(row_region, parts, row_blocks)
  call cohort_partition_equal(x_region, parts, x_blocks)

  ! What a block of rows needs of x: found by the pointers, it is the block and a neighbour on either side, which for a matrix
  ! with three diagonals can also be said at once. Blocks with their neighbours overlap; blocks do not.
  call cohort_partition_image(ctx, entry_region, row_blocks, range_field(1), of_rows, range=.true.)
  call cohort_partition_image(ctx, x_region, of_rows, entry_fields(1), needed)
  call cohort_partition_restriction(x_region, [0], [parts - 1], reshape([block_size], [1, 1]), [0], [block_size + 1], band)
  call cohort_partition_difference(x_region, needed, band, beyond)
  if (any(points_of(of_rows) /= [44, 45, 45, 44]) .or. any(points_of(needed) /= [16, 17, 17, 16])) error stop 'FAILED: images'
  if (any(points_of(beyond) /= 0)) error stop 'FAILED: the band'
  call cohort_partition_kind(needed, disjoint, complete)
  if (disjoint .or. .not. complete) error stop 'FAILED: what blocks need overlaps, and is all of x'
  call cohort_partition_kind(of_rows, disjoint, complete)
  if (.not. (disjoint .and. complete)) error stop 'FAILED: each entry is of one row'

  ! The rows that read a block of x; those of them that are of the block's own rows; and, for each block of x, the rows that read
  ! it, by the block that they are of.
  call cohort_partition_preimage(ctx, entry_region, x_blocks, entry_fields(1), readers)
  call cohort_partition_preimage(ctx, row_region, readers, range_field(1), changed, range=.true.)
  call cohort_partition_intersection(row_region, changed, row_blocks, own)
  call cohort_partition_cross_product(changed, row_blocks, crossed)
  if (any(points_of(changed) /= [16, 17, 17, 16]) .or. any(points_of(own) /= block_size)) error stop 'FAILED: preimages'
  if (any(points_of(crossed(2)) /= [1, 15, 1, 0])) error stop 'FAILED: the cross product'

  ! All rows; then the second block of x changes, and only the rows that read it are computed again.
  call compute(ctx, task, row_blocks)
  call cohort_detach(ctx, x_region, x_field)
  x(block_size + 1:2*block_size) = 1
  call cohort_attach(ctx, x_region, x_field, x)
  call compute(ctx, task, crossed(2))
  call cohort_wait_all(ctx)
  call cohort_finalize(rt)
  do row = 1, n
    of = merge(1, 0, row > 1)
    if (y(row) /= 2*x(row) - of*x(max(row - 1, 1)) - merge(x(min(row + 1, n)), 0d0, row < n)) error stop 'FAILED'
  end do
  print '(a)', 'PASSED'
end program
