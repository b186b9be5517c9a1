! A kernel in a file of its own, with an option for its compiler and groups of a size that suits it: heat spreads over a plate cut
! into tiles, and each tile's kernel reads one point beyond it. Where there is no device, the task's procedure runs.
! COHORT_DEVICES=opencl takes OpenCL's CPUs as well. The file is 35_kernel_file.cl, or the one that is named: on CUDA's devices it
! may have PTX in it.
module spreading
  use cohort
  implicit none
  integer, parameter :: nx = 60, ny = 40, tiles = 4, steps = 6
  integer(4) :: temperature(1)
  integer :: on_host(0:tiles - 1) = 0   ! tasks of each tile that ran there; they come one after another
contains
  !> Points lo to hi after a step; t ends where the plate does, or goes one point beyond. Quarters of quarters: nothing is rounded.
  pure function after(t, first, lo, hi) result(next)
    integer, intent(in) :: first(2), lo(2), hi(2)
    real(8), intent(in) :: t(first(1):, first(2):)
    real(8) :: next(lo(1):hi(1), lo(2):hi(2))
    integer :: i, j
    do j = lo(2), hi(2)
      do i = lo(1), hi(1)
        next(i, j) = (t(max(i - 1, first(1)), j) + t(min(i + 1, ubound(t, 1)), j) &
                      + t(i, max(j - 1, first(2))) + t(i, min(j + 1, ubound(t, 2))))/4
      end do
    end do
  end function

  !> Of the plate before the step the tile with a point around it, as far as there is one; of the plate after it the tile.
  recursive subroutine spread_heat(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: t(:, :), next(:, :)
    integer(4) :: tile
    call cohort_view(task, 1, temperature(1), COHORT_READ_ONLY, t)
    call cohort_view(task, 2, temperature(1), COHORT_WRITE_DISCARD, next)
    next = after(t, lbound(t), lbound(next), ubound(next))
    call cohort_task_point(task, tile)
    on_host(tile) = on_host(tile) + 1
  end subroutine
end module

program main
  use spreading
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: plate(2)   ! before and after a step, in turns
  type(cohort_partition) :: parts(2), around(2)
  type(cohort_task) :: task
  real(8), target :: array(nx, ny, 2)
  real(8) :: expected(nx, ny)
  character(len=1000) :: file = '35_kernel_file.cl'
  integer :: i, j, p, step
  if (command_argument_count() > 0) call get_command_argument(1, file)
  array = 0
  array(:, :, 1) = reshape([((mod((i - 1)*(j - 1), 7), i=1, nx), j=1, ny)], [nx, ny])
  expected = array(:, :, 1)
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1, 1], [nx, ny], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, temperature)
  do p = 1, 2
    call cohort_region_create(rt, points, fields, plate(p))
    call cohort_partition_blocks(plate(p), [2, 2], parts(p))
    call cohort_partition_tiles_halo(parts(p), [1, 1], around(p))
    call cohort_attach(ctx, plate(p), temperature, array(:, :, p))
  end do
  call cohort_task_register(rt, 'spread', task, spread_heat, leaf=.true.)
  ! A work item for each point of the tile.
  call cohort_task_kernel(task, 'spread', file=trim(file), options='-DSHARE=0.25', block=[16, 4, 1], grid_requirement=2)
  do step = 1, steps
    p = 2 - mod(step, 2)
    call cohort_index_launch(ctx, task, tiles, [cohort_needs(around(p), temperature, COHORT_READ_ONLY), &
                                                cohort_needs(parts(3 - p), temperature, COHORT_WRITE_DISCARD)])
  end do
  call cohort_wait_all(ctx)   ! from here on the array is what the tasks left in it
  do step = 1, steps
    expected = after(expected, [1, 1], [1, 1], [nx, ny])
  end do
  if (any(array(:, :, 1 + mod(steps, 2)) /= expected)) error stop 'FAILED'
  call cohort_finalize(rt)
  print '(a,i0,a,i0,a)', 'PASSED, ', steps*tiles - sum(on_host), ' of ', steps*tiles, ' tasks on a device'
end program
