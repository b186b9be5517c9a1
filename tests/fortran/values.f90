! Values of every type and rank through arguments, results and futures; views of every kind and rank; fields of one index space in
! arrays of every layout; refusals of the wrong kind, rank and size.
module value_tasks
  use cohort
  implicit none
  type :: settings
    real(8) :: a
    integer :: b(3)
    character(8) :: name
  end type
  integer(4) :: f(6)
  integer :: bad = 0
contains
  subroutine check(right, what)
    logical, intent(in) :: right
    character(len=*), intent(in) :: what
    if (right) return
    print '(2a)', 'FAILED: ', what
    bad = bad + 1
  end subroutine

  recursive subroutine take_struct(task)
    type(cohort_context), intent(in) :: task
    type(settings) :: s
    real(4) :: narrow
    integer :: ierr
    call cohort_task_args(task, s)
    call check(s%a == 1.5d0 .and. all(s%b == [1, 2, 3]) .and. s%name == 'settings', 'a structure as argument')
    call cohort_task_args(task, narrow, ierr)
    call check(ierr == COHORT_ERROR_INVALID_ARGUMENT, 'arguments of another size')
    call cohort_task_result(task, [s%a, 2*s%a, 3*s%a])
  end subroutine

  !> A section is packed on the way in, and unpacked on the way out.
  recursive subroutine take_array(task)
    type(cohort_context), intent(in) :: task
    integer(8) :: a(2, 4)
    real(8) :: three(3)
    integer :: ierr
    a = -1
    call cohort_task_args(task, a(1, :))
    call check(all(a(1, :) == [1, 3, 5, 7]) .and. all(a(2, :) == -1), 'a section as argument')
    call cohort_task_future(task, 1, three)
    call check(all(three == [1.5d0, 3d0, 4.5d0]), 'an array as future')
    call cohort_task_future(task, 2, three, ierr)
    call check(ierr == COHORT_ERROR_INVALID_ARGUMENT, 'a future that was not given')
    call cohort_task_result(task, cmplx(sum(three), 1, kind(three)))
  end subroutine

  recursive subroutine write_1(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: d(:)
    real(4), pointer :: s(:)
    complex(8), pointer :: z(:)
    complex(4), pointer :: c(:)
    integer(8), pointer :: l(:)
    integer(4), pointer :: i(:)
    real(8), pointer :: wrong(:, :)
    integer :: ierr
    call cohort_view(task, 1, f(1), COHORT_READ_WRITE, d); d = d + 1
    call cohort_view(task, 1, f(2), COHORT_READ_WRITE, s); s = s + 1
    call cohort_view(task, 1, f(3), COHORT_READ_WRITE, z); z = z + (0, 1)
    call cohort_view(task, 1, f(4), COHORT_READ_WRITE, c); c = c + (0, 1)
    call cohort_view(task, 1, f(5), COHORT_READ_WRITE, l); l = l + 1
    call cohort_view(task, 1, f(6), COHORT_READ_WRITE, i); i = i + 1
    call check(lbound(d, 1) == -2 .and. ubound(d, 1) == 3, 'bounds of a view')
    call cohort_view(task, 1, f(1), COHORT_READ_WRITE, s, ierr)
    call check(ierr == COHORT_ERROR_INVALID_ARGUMENT .and. .not. associated(s), 'a view of half the element size')
    call cohort_view(task, 1, f(2), COHORT_READ_WRITE, d, ierr)
    call check(ierr == COHORT_ERROR_INVALID_ARGUMENT, 'a view of twice the element size')
    call cohort_view(task, 1, f(1), COHORT_READ_WRITE, wrong, ierr)
    call check(ierr == COHORT_ERROR_INVALID_ARGUMENT, 'a view of another rank')
    call check(index(cohort_error_message(), 'the pointer is 2-D') > 0, 'its text')
  end subroutine

  recursive subroutine write_2(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: d(:, :)
    real(4), pointer :: s(:, :)
    complex(8), pointer :: z(:, :)
    complex(4), pointer :: c(:, :)
    integer(8), pointer :: l(:, :)
    integer(4), pointer :: i(:, :)
    call cohort_view(task, 1, f(1), COHORT_READ_WRITE, d); d = d + 1
    call cohort_view(task, 1, f(2), COHORT_READ_WRITE, s); s = s + 1
    call cohort_view(task, 1, f(3), COHORT_READ_WRITE, z); z = z + (0, 1)
    call cohort_view(task, 1, f(4), COHORT_READ_WRITE, c); c = c + (0, 1)
    call cohort_view(task, 1, f(5), COHORT_READ_WRITE, l); l = l + 1
    call cohort_view(task, 1, f(6), COHORT_READ_WRITE, i); i = i + 1
  end subroutine

  recursive subroutine write_3(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: d(:, :, :)
    real(4), pointer :: s(:, :, :)
    complex(8), pointer :: z(:, :, :)
    complex(4), pointer :: c(:, :, :)
    integer(8), pointer :: l(:, :, :)
    integer(4), pointer :: i(:, :, :)
    call cohort_view(task, 1, f(1), COHORT_READ_WRITE, d); d = d + 1
    call cohort_view(task, 1, f(2), COHORT_READ_WRITE, s); s = s + 1
    call cohort_view(task, 1, f(3), COHORT_READ_WRITE, z); z = z + (0, 1)
    call cohort_view(task, 1, f(4), COHORT_READ_WRITE, c); c = c + (0, 1)
    call cohort_view(task, 1, f(5), COHORT_READ_WRITE, l); l = l + 1
    call cohort_view(task, 1, f(6), COHORT_READ_WRITE, i); i = i + 1
  end subroutine
end module

program main
  use value_tasks
  implicit none
  type(cohort_runtime) :: rt, found
  type(cohort_context) :: ctx
  type(cohort_task) :: struct_task, array_task, here, write_task(3)
  type(cohort_future) :: three, sum_of_three, given
  type(cohort_field_space) :: fields
  real(8), target :: d1(6), d2(6, 4), d3(6, 4, 3)
  real(4), target :: s1(6), s2(6, 4), s3(6, 4, 3)
  complex(8), target :: z1(6), z2(6, 4), z3(6, 4, 3)
  complex(4), target :: c1(6), c2(6, 4), c3(6, 4, 3)
  integer(8), target :: l1(6), l2(6, 4), l3(6, 4, 3)
  integer(4), target :: i1(6), i2(6, 4), i3(6, 4, 3)
  real(8) :: values(3), back
  complex(8) :: z
  integer(8) :: odd(8)
  integer :: i
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_task_register(rt, 'take_struct', struct_task, take_struct, leaf=.true.)
  call cohort_task_register(rt, 'take_array', array_task, take_array, leaf=.true.)
  call cohort_task_register(rt, 'write_1', write_task(1), write_1, leaf=.true.)
  call cohort_task_register(rt, 'write_2', write_task(2), write_2, leaf=.true.)
  call cohort_task_register(rt, 'write_3', write_task(3), write_3, leaf=.true.)

  call cohort_current(found)
  call check(found%id == rt%id, 'the runtime that runs')
  call cohort_task_register(rt, 'take_struct here', here, take_struct, leaf=.true., mpi_thread=.true.)
  call cohort_launch(ctx, here, args=settings(1.5d0, [1, 2, 3], 'settings'), result=three)
  call cohort_future_get(three, values)
  call check(all(values == [1.5d0, 3d0, 4.5d0]), 'a task of the MPI thread')
  call cohort_future_destroy(three)

  odd = [(i, i=1, 8)]
  call cohort_launch(ctx, struct_task, args=settings(1.5d0, [1, 2, 3], 'settings'), result=three)
  call cohort_launch(ctx, array_task, args=odd(1:8:2), futures=[three], result=sum_of_three)
  call cohort_future_get(three, values)
  call check(all(values == [1.5d0, 3d0, 4.5d0]), 'an array as result')
  call cohort_future_get(sum_of_three, z)
  call check(z == (9, 1), 'a complex result')
  call cohort_future_value(rt, 2.5d0, given)
  call cohort_future_get(given, back)
  call check(back == 2.5d0, 'a future with a value')
  call cohort_future_get(given, z, i)
  call check(i == COHORT_ERROR_INVALID_ARGUMENT, 'a future of another size')
  call check(cohort_status_name(i) == 'COHORT_ERROR_INVALID_ARGUMENT', 'the name of a status')

  call cohort_field_space_create(rt, fields)
  call cohort_field_allocate(fields, 8, 'd', f(1))
  call cohort_field_allocate(fields, 4, 's', f(2))
  call cohort_field_allocate(fields, 16, 'z', f(3))
  call cohort_field_allocate(fields, 8, 'c', f(4))
  call cohort_field_allocate(fields, 8, 'l', f(5))
  call cohort_field_allocate(fields, 4, 'i', f(6))
  d1 = 1; s1 = 1; z1 = 1; c1 = 1; l1 = 1; i1 = 1
  d2 = 1; s2 = 1; z2 = 1; c2 = 1; l2 = 1; i2 = 1
  d3 = 1; s3 = 1; z3 = 1; c3 = 1; l3 = 1; i3 = 1
  block
    type(cohort_region) :: region(3)
    call region_of(1, region(1))
    call cohort_attach(ctx, region(1), f(1:1), d1); call cohort_attach(ctx, region(1), f(2:2), s1)
    call cohort_attach(ctx, region(1), f(3:3), z1); call cohort_attach(ctx, region(1), f(4:4), c1)
    call cohort_attach(ctx, region(1), f(5:5), l1); call cohort_attach(ctx, region(1), f(6:6), i1)
    call region_of(2, region(2))
    call cohort_attach(ctx, region(2), f(1:1), d2); call cohort_attach(ctx, region(2), f(2:2), s2)
    call cohort_attach(ctx, region(2), f(3:3), z2); call cohort_attach(ctx, region(2), f(4:4), c2)
    call cohort_attach(ctx, region(2), f(5:5), l2); call cohort_attach(ctx, region(2), f(6:6), i2)
    call region_of(3, region(3))
    call cohort_attach(ctx, region(3), f(1:1), d3); call cohort_attach(ctx, region(3), f(2:2), s3)
    call cohort_attach(ctx, region(3), f(3:3), z3); call cohort_attach(ctx, region(3), f(4:4), c3)
    call cohort_attach(ctx, region(3), f(5:5), l3); call cohort_attach(ctx, region(3), f(6:6), i3)
    do i = 1, 3
      call cohort_fill(ctx, region(i), f(1:1), 41d0)
      call cohort_fill(ctx, region(i), f(6:6), 41)
      call cohort_launch(ctx, write_task(i), [cohort_needs(region(i), f, COHORT_READ_WRITE)])
      call cohort_detach(ctx, region(i), f)
    end do
  end block
  call check(all(d1 == 42) .and. all(d2 == 42) .and. all(d3 == 42), 'views of real(8)')
  call check(all(s1 == 2) .and. all(s2 == 2) .and. all(s3 == 2), 'views of real(4)')
  call check(all(z1 == (1, 1)) .and. all(z2 == (1, 1)) .and. all(z3 == (1, 1)), 'views of complex(8)')
  call check(all(c1 == (1, 1)) .and. all(c2 == (1, 1)) .and. all(c3 == (1, 1)), 'views of complex(4)')
  call check(all(l1 == 2) .and. all(l2 == 2) .and. all(l3 == 2), 'views of integer(8)')
  call check(all(i1 == 42) .and. all(i2 == 42) .and. all(i3 == 42), 'views of integer(4)')
  call cohort_finalize(rt)
  if (bad /= 0) error stop 1
  print '(a)', 'PASSED'
contains
  subroutine region_of(dim, region)
    integer, intent(in) :: dim
    type(cohort_region), intent(out) :: region
    type(cohort_index_space) :: points
    integer :: lo(3), hi(3)
    lo = [-2, 1, 0]
    hi = [3, 4, 2]
    call cohort_index_space_create(rt, lo(:dim), hi(:dim), points)
    call cohort_region_create(rt, points, fields, region)
  end subroutine
end program
