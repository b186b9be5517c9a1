! The same as directives.c in Fortran, where a clause names no pointer: loops are in procedures that take the tile as an array.
module warming
  use, intrinsic :: iso_c_binding
  use cohort
  use openacc, only: acc_set_device_num, acc_device_default
  implicit none
  integer(4) :: temperature(1)
  character, parameter :: nl = new_line('a')
  ! For the loops to wait for.
  character(len=*), parameter :: text = &
    'COHORT_KERNEL void lower(COHORT_GLOBAL double *t, cohort_extent e)'//nl// &
    '{'//nl// &
    '  COHORT_POINT(e, i, j, k)'//nl// &
    '  COHORT_AT(t, e, i, j, k) -= i;'//nl// &
    '}'//nl

  interface
    ! Of CUDA's driver.
    integer(c_int) function cuStreamSynchronize(stream) bind(C, name='cuStreamSynchronize')
      import :: c_int, c_ptr
      implicit none
      type(c_ptr), value :: stream
    end function
  end interface
contains
  !> On the device, for loops that come to no stream of ours: what was enqueued before on that of the task has been done. The
  !> tile is t(:nx, :ny); the host touches none of it.
  subroutine tile_on_device(task, device, t, nx, ny)
    type(cohort_context), intent(in) :: task
    type(cohort_device), intent(in) :: device
    real(8), pointer, contiguous, intent(out) :: t(:, :)
    integer, intent(out) :: nx, ny
    type(cohort_device_view) :: view
    call cohort_view_device(task, 1, temperature(1), COHORT_READ_WRITE, view)
    nx = int(view%hi(1) - view%lo(1) + 1)
    ny = int(view%hi(2) - view%lo(2) + 1)
    call c_f_pointer(transfer(transfer(view%base, 0_8) + view%offset, c_null_ptr), t, [int(view%stride(2)/8), ny])
    if (cuStreamSynchronize(device%stream) /= 0) call cohort_task_fail(task, 'cuStreamSynchronize')
  end subroutine

  recursive subroutine warm_by_openmp(task, device)
    type(cohort_context), intent(in) :: task
    type(cohort_device), intent(in) :: device
    real(8), pointer, contiguous :: t(:, :)
    integer :: nx, ny
    call tile_on_device(task, device, t, nx, ny)
    call add_one(t, size(t, 1), nx, ny, int(transfer(device%device, 0_8)))
  end subroutine

  subroutine add_one(t, row, nx, ny, number)
    integer, intent(in) :: row, nx, ny, number
    real(8), intent(inout) :: t(row, ny)
    integer :: i, j
    !$omp target teams distribute parallel do collapse(2) device(number) is_device_ptr(t)
    do j = 1, ny
      do i = 1, nx
        t(i, j) = t(i, j) + 1
      end do
    end do
  end subroutine

  recursive subroutine double_by_openacc(task, device)
    type(cohort_context), intent(in) :: task
    type(cohort_device), intent(in) :: device
    real(8), pointer, contiguous :: t(:, :)
    integer :: nx, ny
    call tile_on_device(task, device, t, nx, ny)
    call acc_set_device_num(int(transfer(device%device, 0_8)), acc_device_default)
    call double(t, size(t, 1), nx, ny)
  end subroutine

  subroutine double(t, row, nx, ny)
    integer, intent(in) :: row, nx, ny
    real(8), intent(inout) :: t(row, ny)
    integer :: i, j
    ! With the clause at the loop itself a second call crashes with GCC 12 on the host.
    !$acc data deviceptr(t)
    !$acc parallel loop collapse(2)
    do j = 1, ny
      do i = 1, nx
        t(i, j) = 2*t(i, j)
      end do
    end do
    !$acc end data
  end subroutine

  recursive subroutine nowhere_else(task)
    type(cohort_context), intent(in) :: task
    call cohort_task_fail(task, 'it ran on the host')
  end subroutine
end module

program main
  use warming
  implicit none
  integer, parameter :: nx = 60, ny = 40, tiles = 4, steps = 20
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: plate
  type(cohort_partition) :: parts
  type(cohort_task) :: lower, warm, twice
  type(cohort_requirement) :: whole(1), part(1)
  real(8), target :: array(nx, ny)
  real(8) :: expected(nx)
  integer :: i, step
  array = 0
  expected = 0
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1, 1], [nx, ny], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, temperature)
  call cohort_region_create(rt, points, fields, plate)
  call cohort_partition_blocks(plate, [2, 2], parts)
  call cohort_attach(ctx, plate, temperature, array)
  call cohort_task_register(rt, 'lower', lower, nowhere_else, leaf=.true.)
  call cohort_task_kernel(lower, 'lower', source=text)
  call cohort_task_register(rt, 'warm', warm, nowhere_else, leaf=.true.)
  call cohort_task_device_callback(warm, COHORT_DEVICE_CUDA, warm_by_openmp)
  call cohort_task_register(rt, 'twice', twice, nowhere_else, leaf=.true.)
  call cohort_task_device_callback(twice, COHORT_DEVICE_CUDA, double_by_openacc)
  ! Tiles lie on the device as parts of the whole.
  whole = [cohort_needs(plate, temperature, COHORT_READ_WRITE)]
  part = [cohort_needs(parts, temperature, COHORT_READ_WRITE)]
  do step = 1, steps
    call cohort_launch(ctx, lower, whole, processor=COHORT_PROC_DEVICE)
    call cohort_index_launch(ctx, warm, tiles, part, processor=COHORT_PROC_DEVICE)
    call cohort_launch(ctx, lower, whole, processor=COHORT_PROC_DEVICE)
    call cohort_launch(ctx, twice, whole, processor=COHORT_PROC_DEVICE)
    expected = (expected - [(i, i=1, nx)] + 1 - [(i, i=1, nx)])*2
  end do
  call cohort_wait_all(ctx)
  if (any(array /= spread(expected, 2, ny))) error stop 'FAILED'
  call cohort_finalize(rt)
  print '(a)', 'PASSED'
end program
