!> What the memory of a rank's device gives: bytes a second of z = x + s y over long arrays, the triad of J. D. McCalpin's STREAM,
!> run as a kernel.
module triad
  use, intrinsic :: iso_fortran_env, only: int64
  use mpi_f08, only: MPI_Wtime
  use cohort
  implicit none
  private
  public :: device_bandwidth

  integer, parameter :: repetitions = 10, rounds = 3
  character, parameter :: nl = new_line('a')
  character(*), parameter :: kernel = &
    'COHORT_KERNEL void triad(COHORT_GLOBAL const double *x, cohort_extent x_at,'//nl// &
    '                         COHORT_GLOBAL double *z, cohort_extent z_at, double s) {'//nl// &
    '  COHORT_POINT(z_at, i, j, k)'//nl// &
    '  x += COHORT_ELEMENT(x_at, i, j, k);'//nl// &
    '  COHORT_AT(z, z_at, i, j, k) = x[0] + s * x[x_at.field];'//nl//'}'//nl

contains

  real(8) function device_bandwidth(rt, points)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(in) :: points
    type(cohort_context) :: root
    type(cohort_task) :: task
    type(cohort_index_space) :: space
    type(cohort_field_space) :: fields
    type(cohort_region) :: region
    integer(4) :: field(3)
    real(8) :: seconds, started
    integer :: round
    call cohort_root_context(rt, root)
    call cohort_index_space_create(rt, [1], [points], space)
    call cohort_field_space_create(rt, fields)
    call cohort_fields_allocate(fields, 8, field)
    call cohort_region_create(rt, space, fields, region)
    call cohort_fill(root, region, field(:2), 1d0)
    call cohort_task_register(rt, 'triad', task, no_device, leaf=.true.)
    call cohort_task_kernel(task, 'triad', source=kernel, grid_requirement=2, block=[256, 1, 1])
    call launch(1)
    seconds = huge(seconds)
    do round = 1, rounds
      started = MPI_Wtime()
      call launch(repetitions)
      seconds = min(seconds, MPI_Wtime() - started)
    end do
    call cohort_region_destroy(region)
    device_bandwidth = 3*8*real(points, 8)*repetitions/seconds

  contains

    subroutine launch(times)
      integer, intent(in) :: times
      integer :: i
      do i = 1, times
        call cohort_launch(root, task, [cohort_needs(region, field(:2), COHORT_READ_ONLY), &
                                        cohort_needs(region, field(3:), COHORT_WRITE_DISCARD)], &
                           args=3d0, processor=COHORT_PROC_DEVICE)
      end do
      call cohort_wait_all(root)
    end subroutine
  end function

  !> The variant that every task has; the launches ask for a device.
  recursive subroutine no_device(task)
    type(cohort_context), intent(in) :: task
    call cohort_task_fail(task, 'the triad is measured on devices')
  end subroutine
end module
