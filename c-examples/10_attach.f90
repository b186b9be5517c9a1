! Arrays of the program as storage of regions, in place: parts of arrays with halos, fields as first or last index, a stretch of
! a work array.
! Nothing is copied: what a task writes is in the array.
module speed_task
  use cohort
  implicit none
  integer, parameter :: n = 20, m = 12
  integer(4) :: velocity(3), density(2), speed(1)
contains
  !> Views have the region's own bounds, whatever those of the arrays are.
  recursive subroutine find_speed(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer, dimension(:, :) :: u, v, w, light, heavy, s
    integer :: i, j
    call cohort_view(task, 1, velocity(1), COHORT_READ_ONLY, u)
    call cohort_view(task, 1, velocity(2), COHORT_READ_ONLY, v)
    call cohort_view(task, 1, velocity(3), COHORT_READ_ONLY, w)
    call cohort_view(task, 1, density(1), COHORT_READ_ONLY, light)
    call cohort_view(task, 1, density(2), COHORT_READ_ONLY, heavy)
    call cohort_view(task, 2, speed(1), COHORT_WRITE_DISCARD, s)
    do j = lbound(s, 2), ubound(s, 2)
      do i = lbound(s, 1), ubound(s, 1)
        s(i, j) = sqrt(u(i, j)**2 + v(i, j)**2 + w(i, j)**2)/(light(i, j) + heavy(i, j))
      end do
    end do
  end subroutine
end module

program main
  use speed_task
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: rows
  type(cohort_task) :: task
  real(8), allocatable, target :: uvw(:, :, :), rho(:, :, :), work(:)
  real(8), pointer :: s(:, :)
  real(4), target :: narrow(n, m)
  integer :: ierr
  allocate (uvw(3, n, m), rho(0:n + 1, 0:m + 1, 2), work(1000))
  s(1:n, 1:m) => work(101:100 + n*m)
  call random_number(uvw)
  rho = 1
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1, 1], [n, m], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, velocity)
  call cohort_fields_allocate(fields, 8, density)
  call cohort_fields_allocate(fields, 8, speed)
  call cohort_region_create(rt, points, fields, region)
  call cohort_attach(ctx, region, velocity, uvw, field_dimension=1)            ! components first
  call cohort_attach(ctx, region, density, rho(1:n, 1:m, :), field_dimension=3)   ! the inside, components last
  call cohort_attach(ctx, region, speed, narrow, ierr=ierr)                    ! the wrong kind: real(4)
  if (ierr /= COHORT_ERROR_INVALID_ARGUMENT) error stop 'FAILED: took an array of another kind'
  call cohort_attach(ctx, region, speed, s)                                    ! one field, in a work array
  call cohort_partition_blocks(region, [1, 4], rows)
  call cohort_task_register(rt, 'speed', task, find_speed, leaf=.true.)
  call cohort_index_launch(ctx, task, 4, [cohort_needs(rows, [velocity, density], COHORT_READ_ONLY), &
                                          cohort_needs(rows, speed, COHORT_WRITE_DISCARD)])
  call cohort_detach(ctx, region, [velocity, density, speed])                  ! waits; the arrays are the program's again
  call cohort_finalize(rt)
  if (any(abs(s - sqrt(sum(uvw**2, 1))/2) > 1d-15)) error stop 'FAILED'
  print '(a)', 'PASSED'
end program
