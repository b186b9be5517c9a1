! A field that host and device work on in turns, in memory of the host that the device's kernels reach: nothing is copied from
! one to the other. Where no device has such memory the field has storage as any other. COHORT_DEVICES=opencl takes OpenCL's CPUs.
module turns
  use cohort
  implicit none
  integer(4) :: f(2)   ! old and new values
  character, parameter :: nl = new_line('a')
  character(len=*), parameter :: text = &
    'COHORT_KERNEL void advance(COHORT_GLOBAL double *u, cohort_extent of_u)'//nl// &
    '{'//nl// &
    '    COHORT_POINT(of_u, i, j, k)'//nl// &
    '    COHORT_FIELD(u, of_u, 1, i, j, k) = 2*COHORT_FIELD(u, of_u, 0, i, j, k) + i;'//nl// &
    '}'//nl
contains
  ! Where there is no device.
  recursive subroutine advance(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: old(:), new(:)
    integer :: i
    call cohort_view(task, 1, f(1), COHORT_READ_WRITE, old)
    call cohort_view(task, 1, f(2), COHORT_READ_WRITE, new)
    new = 2*old + [(i, i=lbound(old, 1), ubound(old, 1))]
  end subroutine

  ! Runs on the host, and has no kernel.
  recursive subroutine take_over(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: old(:), new(:)
    call cohort_view(task, 1, f(1), COHORT_READ_WRITE, old)
    call cohort_view(task, 1, f(2), COHORT_READ_WRITE, new)
    old = new + 1
  end subroutine
end module

program main
  use turns
  implicit none
  integer, parameter :: n = 5000, blocks = 5, steps = 8
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: parts
  type(cohort_task) :: on_device, on_host
  type(cohort_memory_info), allocatable :: memories(:)
  type(cohort_mapping) :: mapped
  real(8), pointer :: found(:)
  real(8) :: expected(n)
  integer :: i, turn
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region)
  call cohort_machine_memories(rt, memories, kind=COHORT_MEMORY_ZERO_COPY)
  if (size(memories) > 0) call cohort_region_zero_copy(region, f)   ! before the first use, both fields in one call
  call cohort_partition_blocks(region, [blocks], parts)
  call cohort_task_register(rt, 'advance', on_device, advance, leaf=.true.)
  call cohort_task_kernel(on_device, 'advance', source=text)
  call cohort_task_register(rt, 'take over', on_host, take_over, leaf=.true.)
  do turn = 1, steps
    call cohort_index_launch(ctx, on_device, blocks, [cohort_needs(parts, f, COHORT_READ_WRITE)])
    call cohort_index_launch(ctx, on_host, blocks, [cohort_needs(parts, f, COHORT_READ_WRITE)])
  end do
  expected = 0
  do turn = 1, steps
    expected = 2*expected + [(i, i=1, n)] + 1
  end do
  call cohort_inline_map(ctx, cohort_needs(region, f(1:1), COHORT_READ_ONLY), mapped)
  call cohort_inline_view(mapped, f(1), COHORT_READ_ONLY, found)
  if (any(found /= expected)) error stop 'FAILED: the values differ'
  call cohort_inline_unmap(mapped)
  call cohort_finalize(rt)
  if (size(memories) > 0) then
    print '(a)', 'PASSED, in place'
  else
    print '(a)', 'PASSED, no device uses the host''s memory'
  end if
end program
