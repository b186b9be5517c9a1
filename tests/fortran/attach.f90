! What codes of many years hold, attached in place: arrays with halos of their own, component-first arrays, pieces of work arrays,
! leading dimensions larger than the extent, arrays that run backwards, parts of every second element, ranks 1 to 4. Each is doubled
! and increased by one by tasks over a partition; what is not attached stays as it was.
module doubling
  use cohort
  implicit none
  integer :: wrong = 0
contains
  recursive subroutine twice_1(task)
    type(cohort_context), intent(in) :: task
    type(cohort_view_layout) :: v
    real(8), pointer :: x
    integer(8) :: i
    call cohort_view_raw(task, 1, 0, COHORT_READ_WRITE, v)
    do i = 0, v%hi(1) - v%lo(1)
      call c_f_pointer(offset(v%base, i*v%stride(1)), x)
      x = 2*x + 1
    end do
  end subroutine

  recursive subroutine twice_2(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: x(:, :)
    call cohort_view(task, 1, 0, COHORT_READ_WRITE, x)
    x = 2*x + 1
  end subroutine

  !> The data lies in four arrays.
  recursive subroutine look_across(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: x(:, :)
    integer :: ierr
    call cohort_view(task, 1, 0, COHORT_READ_ONLY, x, ierr)
    call expect('a view of four arrays', ierr == COHORT_ERROR_BOUNDS)
    call expect('why', index(cohort_error_message(), 'lies in several attached arrays; ask for less') > 0)
  end subroutine

  recursive subroutine add_hundred(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: x(:, :)
    call cohort_view(task, 1, 0, COHORT_REDUCE, x)
    x = x + 100
  end subroutine

  recursive subroutine twice_3(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: x(:, :, :)
    integer :: f
    do f = 0, 4
      call cohort_view(task, 1, f, COHORT_READ_WRITE, x)
      x = 2*x + 1
    end do
  end subroutine

  function offset(base, bytes) result(moved)
    use, intrinsic :: iso_c_binding, only: c_ptr, c_intptr_t
    type(c_ptr), intent(in) :: base
    integer(8), intent(in) :: bytes
    type(c_ptr) :: moved
    moved = transfer(transfer(base, 0_c_intptr_t) + bytes, moved)
  end function

  subroutine expect(what, holds)
    character(len=*), intent(in) :: what
    logical, intent(in) :: holds
    if (holds) return
    wrong = wrong + 1
    print '(2a)', 'FAILED: ', what
  end subroutine
end module

program attach
  use doubling
  implicit none
  integer, parameter :: n = 12, m = 9, l = 7
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_task) :: task(3)
  type(cohort_region) :: line, plane, box
  type(cohort_partition) :: parts(3)
  type(cohort_layout) :: aos
  type(cohort_copied) :: copied
  type(cohort_region) :: tile
  type(cohort_task) :: add, across
  type :: piece
    real(8), allocatable :: a(:, :)
  end type
  type(piece), target :: own(4)
  integer(8) :: lo(3), hi(3)
  real(8), target :: work(1000), vector(2*n), a(n + 4, m), haloed(-2:n + 3, -2:m + 3), q(5, n, m, l), last(n, m, l, 5), was(1000)
  real(8), target :: five(0:n + 1, 0:m + 1, 0:l + 1, 5)
  real(8), allocatable, target :: parted(:, :, :)
  integer(4), parameter :: fields(5) = [0, 1, 2, 3, 4]
  integer :: ip, i, dim

  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_task_register(rt, 'twice in 1-D', task(1), twice_1, leaf=.true.)
  call cohort_task_register(rt, 'twice in 2-D', task(2), twice_2, leaf=.true.)
  call cohort_task_register(rt, 'twice in 3-D', task(3), twice_3, leaf=.true.)
  call cohort_task_register(rt, 'add 100', add, add_hundred, leaf=.true.)
  call cohort_task_register(rt, 'across', across, look_across, leaf=.true.)
  line = made([n], 1)
  plane = made([n, m], 1)
  box = made([n, m, l], 5)
  call cohort_partition_blocks(line, [4], parts(1))
  call cohort_partition_blocks(plane, [2, 2], parts(2))
  call cohort_partition_blocks(box, [1, 2, 2], parts(3))
  call random_number(work)
  was = work

  ! A piece of a work array, from work(ip) on: rank 1.
  ip = 101
  call cohort_attach(ctx, line, fields(:1), work(ip:ip + n - 1))
  call run(1, line)
  call expect('a piece of a work array', all(work(ip:ip + n - 1) == 2*was(ip:ip + n - 1) + 1))
  call expect('the rest of the work array', all(work(:ip - 1) == was(:ip - 1)) .and. all(work(ip + n:) == was(ip + n:)))

  ! The same memory as the 2-D array that the code makes of it.
  call as_matrix(work(ip))
  work = was

  ! Every second element, and backwards.
  vector = [(i, i=1, 2*n)]
  call cohort_attach(ctx, line, fields(:1), vector(2*n:2:-2))
  call run(1, line)
  call expect('every second element backwards', all(vector(2::2) == [(4*i + 1, i=1, n)]))
  call expect('the others', all(vector(1::2) == [(2*i - 1, i=1, n)]))

  ! A leading dimension larger than the extent.
  a = 3
  call cohort_attach(ctx, plane, fields(:1), a(:n, :))
  call run(2, plane)
  call expect('a leading dimension of n + 4', all(a(:n, :) == 7) .and. all(a(n + 1:, :) == 3))

  ! The inside of an array with a halo of its own; the ghost points are not the region's.
  haloed = 5
  call cohort_attach(ctx, plane, fields(:1), haloed(1:n, 1:m))
  call run(2, plane)
  call expect('the inside of an array with a halo', all(haloed(1:n, 1:m) == 11))
  call expect('the halo', count(haloed == 5) == (n + 6)*(m + 6) - n*m)

  ! Rank 4: components first, components last, and last with halos.
  q = 1
  call cohort_attach(ctx, box, fields, q, field_dimension=1)
  call run(3, box)
  call expect('q(5,i,j,k)', all(q == 3))
  last = 2
  call cohort_attach(ctx, box, fields, last, field_dimension=4)
  call run(3, box)
  call expect('q(i,j,k,5)', all(last == 5))
  five = 4
  call cohort_attach(ctx, box, fields, five(1:n, 1:m, 1:l, :), field_dimension=4)
  call run(3, box)
  call expect('q(i,j,k,5) with halos', all(five(1:n, 1:m, 1:l, :) == 9) .and. count(five == 4) == size(five) - size(q))

  ! Rank 3: several arrays for one region, each one field's.
  allocate (parted(n, m, l))
  parted = 6
  last = 7
  call cohort_attach(ctx, box, fields(:1), parted)
  call cohort_attach(ctx, box, fields(2:4), last(:, :, :, 2:4), field_dimension=4)
  call cohort_attach(ctx, box, fields(5:), q(3, :, :, :))
  q = 8
  call run(3, box)
  call expect('several arrays', all(parted == 13) .and. all(last(:, :, :, 2:4) == 15) .and. all(q(3, :, :, :) == 17))
  call expect('what was not attached of them', all(last(:, :, :, [1, 5]) == 7) .and. all(q([1, 2, 4, 5], :, :, :) == 8))

  ! An array for each part of the region.
  do i = 1, 4
    call cohort_subregion(parts(2), i - 1, tile)
    call cohort_region_bounds(tile, dim, lo, hi)
    allocate (own(i)%a(hi(1) - lo(1) + 1, hi(2) - lo(2) + 1))
    call cohort_attach(ctx, tile, fields(:1), own(i)%a)
  end do
  call cohort_fill(ctx, plane, fields(:1), 1d0)
  call cohort_index_launch(ctx, task(2), 4, [cohort_needs(parts(2), fields(:1), COHORT_READ_WRITE)])
  call cohort_launch(ctx, across, [cohort_needs(plane, fields(:1), COHORT_READ_ONLY)])
  call cohort_wait_all(ctx)
  call cohort_task_layout(task(2), COHORT_PROC_ANY, 1, aos)
  call cohort_launch(ctx, task(2), [cohort_needs(plane, fields(:1), COHORT_READ_WRITE)])
  call cohort_launch(ctx, add, [cohort_needs(plane, fields(:1), COHORT_REDUCE, reduction=COHORT_SUM, reduction_type=COHORT_DOUBLE)])
  call cohort_detach(ctx, plane, fields(:1))
  call cohort_task_copied_total(task(2), copied)
  call expect('one copy of four arrays', copied%copies == 1 .and. copied%bytes_in == 8*n*m)
  call expect('an array for each part', all([(all(own(i)%a == 107), i=1, 4)]))

  ! A task that asks for structures where arrays lie gets a copy, and the arrays the result.
  aos%grouping = COHORT_AOS
  call cohort_task_layout(task(3), COHORT_PROC_ANY, 1, aos)
  last = 1
  call cohort_attach(ctx, box, fields, last, field_dimension=4)
  call run(3, box)
  call expect('arrays that a task sees as structures', all(last == 3))

  call cohort_finalize(rt)
  if (wrong == 0) print '(a)', 'PASSED'
contains
  function made(extent, count) result(region)
    integer, intent(in) :: extent(:), count
    type(cohort_region) :: region
    type(cohort_index_space) :: points
    type(cohort_field_space) :: space
    integer(4) :: ids(count)
    call cohort_index_space_create(rt, extent*0 + 1, extent, points)
    call cohort_field_space_create(rt, space)
    call cohort_fields_allocate(space, 8, ids)
    call cohort_region_create(rt, points, space, region)
  end function

  !> Over a partition, then gives the arrays back.
  subroutine run(dim, region)
    integer, intent(in) :: dim
    type(cohort_region), intent(in) :: region
    integer :: used
    used = merge(5, 1, dim == 3)
    call cohort_index_launch(ctx, task(dim), 4, [cohort_needs(parts(dim), fields(:used), COHORT_READ_WRITE)])
    call cohort_detach(ctx, region, fields(:used))
  end subroutine

  subroutine as_matrix(b)
    real(8), intent(inout), target :: b(n, m)
    b = 10
    call cohort_attach(ctx, plane, fields(:1), b)
    call run(2, plane)
    call expect('part of a work array as a matrix', all(b == 21))
  end subroutine
end program
