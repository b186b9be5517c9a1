!> Two runs of one case by different methods, side by side: results and time.
module comparison
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use mpi_f08
  use run_progress, only: figure_of_merit
  use simulation, only: simulation_t
  implicit none
  private
  public :: compare

  !> The methods run the same kernels in the same order: equal to the last bit is the aim.
  real(8), parameter :: limit = 1d-12

contains

  !> Collective. True when the states agree, relative to each field's largest value.
  logical function compare(sim, plain) result(equal)
    type(simulation_t), intent(in) :: sim, plain
    real(8) :: largest(2, size(sim%q, 2)), difference, merit(2)
    character(:), allocatable :: remark
    integer :: m, n
    n = sim%b%nx*sim%b%ny*sim%b%nz
    do m = 1, size(sim%q, 2)
      largest(:, m) = [maxval(abs(sim%q(1:n, m) - plain%q(1:n, m))), maxval(abs(plain%q(1:n, m)))]
      ! A maximum passes NaN over, a sum does not.
      if (.not. ieee_is_finite(sum(sim%q(1:n, m) - plain%q(1:n, m)))) largest(1, m) = huge(1d0)
    end do
    call MPI_Allreduce(MPI_IN_PLACE, largest, size(largest), MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    difference = maxval(largest(1, :)/max(largest(2, :), tiny(1d0)))
    equal = difference <= limit .and. sim%step == plain%step
    remark = ''
    if (difference == 0) remark = ': equal to the last bit'
    merit = [figure_of_merit(sim), figure_of_merit(plain)]
    if (sim%rank /= 0) return
    print '(3a,es9.2,a,es9.2,a,i0,2a)', 'compared with mpi: ', trim(sim%s%method), ' differs by ', difference, &
      ' (relative, limit', limit, ') after ', sim%step, ' steps', remark
    print '(3a,2f10.3,a,f6.3)', 'seconds in right-hand sides of ', trim(sim%s%method), ' and mpi: ', sim%rhs_seconds, &
      plain%rhs_seconds, '; speed relative to mpi: ', merit(1)/merit(2)
  end function
end module
