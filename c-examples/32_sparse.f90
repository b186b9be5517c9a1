! A plate with gaps and an island: an index space of rectangles, which may overlap and leave holes between them. Blocks of it have
! the points that there are; tasks go through these, rectangle by rectangle, and what lies in the holes of the array stays as it is.
module plate_tasks
  use cohort
  implicit none
  integer, parameter :: nx = 30, ny = 20
  integer(4) :: heat(1)
contains
  !> The task's result is how many points it has.
  recursive subroutine warm(task)
    type(cohort_context), intent(in) :: task
    type(cohort_region) :: mine
    integer(8), allocatable :: lo(:, :), hi(:, :)
    integer(8) :: points, i, j
    real(8), pointer :: t(:, :)
    integer :: r
    call cohort_task_region(task, 1, mine)
    call cohort_region_points(mine, points)
    call cohort_region_rects(mine, lo, hi)
    call cohort_view(task, 1, heat(1), COHORT_READ_WRITE, t)
    do r = 1, size(lo, 2)
      do j = lo(2, r), hi(2, r)
        do i = lo(1, r), hi(1, r)
          t(i, j) = t(i, j) + i + 100*j
        end do
      end do
    end do
    call cohort_task_result(task, points)
  end subroutine
end module

program main
  use plate_tasks
  implicit none
  integer, parameter :: steps = 3, nothing = -1
  integer, parameter :: corner(2, 4) = reshape([1, 1, 1, 1, 20, 1, 12, 10], [2, 4])
  integer, parameter :: opposite(2, 4) = reshape([nx, 5, 8, ny, nx, ny, 15, 14], [2, 4])
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: blocks
  type(cohort_task) :: task
  type(cohort_future) :: future
  real(8), target :: plate(nx, ny)
  real(8) :: expected(nx, ny)
  logical :: is_there(nx, ny)
  integer(8) :: found
  integer :: i, j, step
  is_there = .false.
  do i = 1, size(corner, 2)
    is_there(corner(1, i):opposite(1, i), corner(2, i):opposite(2, i)) = .true.
  end do
  plate = nothing
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create_rects(rt, corner, opposite, points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, heat)
  call cohort_region_create(rt, points, fields, region)
  call cohort_attach(ctx, region, heat, plate)
  call cohort_partition_blocks(region, [2, 2], blocks)
  call cohort_task_register(rt, 'warm', task, warm, leaf=.true.)
  do step = 1, steps
    call cohort_index_launch(ctx, task, 4, [cohort_needs(blocks, heat, COHORT_READ_WRITE)], reduction=COHORT_SUM, &
                             result_type=COHORT_INT64, result=future)
    call cohort_future_get(future, found)
    call cohort_future_destroy(future)
    if (found /= count(is_there)) error stop 'FAILED: the number of points'
  end do
  call cohort_detach(ctx, region, heat)
  call cohort_finalize(rt)
  do j = 1, ny
    expected(:, j) = nothing + merge(steps*[(i + 100*j, i=1, nx)], 0, is_there(:, j))
  end do
  if (any(plate /= expected)) error stop 'FAILED: the plate'
  print '(i0,a,i0,a)', count(is_there), ' of ', nx*ny, ' points are there'
  print '(a)', 'PASSED'
end program
