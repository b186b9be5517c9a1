! SAXPY on a device, with no compiler of its maker's: the kernel is a text that is CUDA C and OpenCL C at once, compiled when the
! task first runs there. The data stays on the device from step to step and comes back when the program waits for all. Where
! there is no device, the task's procedure runs. COHORT_DEVICES=opencl takes OpenCL's CPUs as well.
module saxpy_task
  use cohort
  implicit none
  integer, parameter :: blocks = 4, steps = 5
  integer(4) :: f(2)   ! the fields of x and of y
  integer :: on_host(0:blocks - 1) = 0   ! tasks of each block that ran there; they come one after another
  character, parameter :: nl = new_line('a')
  ! A pointer and an extent for each requirement, then the launch's argument; a work item for each point of y's block.
  character(len=*), parameter :: text = &
    'COHORT_KERNEL void saxpy(COHORT_GLOBAL const double *x, cohort_extent of_x,'//nl// &
    '                         COHORT_GLOBAL double *y, cohort_extent of_y, double a)'//nl// &
    '{'//nl// &
    '    COHORT_POINT(of_y, i, j, k)'//nl// &
    '    COHORT_AT(y, of_y, i, j, k) += a * COHORT_AT(x, of_x, i, j, k);'//nl// &
    '}'//nl
contains
  recursive subroutine saxpy(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: x(:), y(:)
    integer(4) :: block
    real(8) :: a
    call cohort_task_args(task, a)
    call cohort_view(task, 1, f(1), COHORT_READ_ONLY, x)
    call cohort_view(task, 2, f(2), COHORT_READ_WRITE, y)
    y = y + a*x
    call cohort_task_point(task, block)
    on_host(block) = on_host(block) + 1
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
  integer :: i
  x = [(i - 1, i=1, n)]
  y = 1
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region)
  call cohort_partition_blocks(region, [blocks], parts)
  call cohort_attach(ctx, region, f(1:1), x)
  call cohort_attach(ctx, region, f(2:2), y)
  call cohort_task_register(rt, 'saxpy', task, saxpy, leaf=.true.)
  call cohort_task_kernel(task, 'saxpy', source=text, grid_requirement=2)
  do i = 1, steps
    call cohort_index_launch(ctx, task, blocks, [cohort_needs(parts, f(1:1), COHORT_READ_ONLY), &
                                                 cohort_needs(parts, f(2:2), COHORT_READ_WRITE)], args=a)
  end do
  call cohort_wait_all(ctx)   ! from here on y is what the tasks left in it
  if (any(y /= 1 + steps*a*x)) error stop 'FAILED'
  call cohort_finalize(rt)
  print '(a,i0,a,i0,a)', 'PASSED, ', steps*blocks - sum(on_host), ' of ', steps*blocks, ' tasks on a device'
end program
