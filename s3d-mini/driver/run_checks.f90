!> What must hold at the end of every run: a periodic box keeps mass, momentum, energy and each element, and every point is
!> physical. Each check prints what it found next to its limit.
module run_checks
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use mpi_f08
  use derived_fields, only: primitives_of
  use flow, only: i_rho, i_energy, i_species, p_u, p_T, p_species, state_fields
  use mechanism, only: element_symbol
  use simulation, only: simulation_t
  implicit none
  private
  public :: conserved_t, extrema_t, conserved_of, drift_of, extrema_of, check_run, conserved_names

  integer, parameter :: quantities = 5 + size(element_symbol)
  character(10), parameter :: conserved_names(quantities) = [character(10) :: 'momentum x', 'momentum y', 'momentum z', 'mass', &
                                                             'energy', element_symbol//' atoms']

  !> Totals over the grid, in the order of conserved_names, and what their errors are relative to.
  type :: conserved_t
    real(8) :: total(quantities) = 0, scale(quantities) = 1
  end type

  type :: extrema_t
    real(8) :: T(2) = 0, p(2) = 0, Y(2) = 0 !< least, largest
    real(8) :: speed = 0
    logical :: finite = .false.             !< so is every value of the state
  end type

  !> The polynomials of thermodynamics hold from 200 K to 3500 K.
  real(8), parameter :: T_range(2) = [200d0, 3500d0]
  !> Eighth-order differences over- and undershoot at steep fronts by a small part of their height.
  real(8), parameter :: Y_range(2) = [-2d-3, 1 + 2d-3]
  !> Rounding of a hundred steps; it grows as the root of their number.
  real(8), parameter :: drift_limit = 1d-13

contains

  function conserved_of(sim) result(c)
    type(simulation_t), intent(in) :: sim
    type(conserved_t) :: c
    real(8) :: total(state_fields(sim%f)), magnitude(state_fields(sim%f) + 1), species(sim%f%n)
    real(8), allocatable :: prim(:, :), p(:)
    integer :: m, n, fields
    n = sim%b%nx*sim%b%ny*sim%b%nz
    fields = state_fields(sim%f)
    do m = 1, fields
      total(m) = exact_sum(sim%q(1:n, m))
      magnitude(m) = sum(abs(sim%q(1:n, m)))
    end do
    call primitives_of(sim, prim, p)
    magnitude(fields + 1) = sum(sqrt(sim%q(1:n, i_rho)*p(1:n)))
    call MPI_Allreduce(MPI_IN_PLACE, total, fields, MPI_DOUBLE_PRECISION, MPI_SUM, sim%cart)
    call MPI_Allreduce(MPI_IN_PLACE, magnitude, fields + 1, MPI_DOUBLE_PRECISION, MPI_SUM, sim%cart)
    species(:sim%f%n - 1) = total(i_species:)
    species(sim%f%n) = total(i_rho) - sum(total(i_species:))
    c%total(:5) = total(:i_energy)
    do m = 1, size(element_symbol)
      c%total(5 + m) = sum(sim%f%mech%atoms(m, :)*species/sim%f%mech%molecular_weight)
    end do
    ! A flow near rest keeps its momentum to the rounding of the pressure's, an element hardly there to that of all atoms.
    c%scale(:3) = merge(magnitude(:3), magnitude(fields + 1), magnitude(:3) > 1d-3*magnitude(fields + 1))
    c%scale(4:5) = magnitude(i_rho:i_energy)
    c%scale(6:) = merge(c%total(6:), sum(c%total(6:)), c%total(6:) > 1d-3*sum(c%total(6:)))
  end function

  !> Neumaier's compensated sum (ZAMM 54, 1974).
  pure real(8) function exact_sum(values)
    real(8), intent(in) :: values(:)
    real(8) :: lost, next
    integer :: i
    exact_sum = 0
    lost = 0
    do i = 1, size(values)
      next = exact_sum + values(i)
      if (abs(exact_sum) >= abs(values(i))) then
        lost = lost + ((exact_sum - next) + values(i))
      else
        lost = lost + ((values(i) - next) + exact_sum)
      end if
      exact_sum = next
    end do
    exact_sum = exact_sum + lost
  end function

  pure function drift_of(before, after) result(drift)
    type(conserved_t), intent(in) :: before, after
    real(8) :: drift(quantities)
    drift = abs(after%total - before%total)/before%scale
  end function

  function extrema_of(sim) result(e)
    type(simulation_t), intent(in) :: sim
    type(extrema_t) :: e
    real(8), allocatable :: prim(:, :), p(:)
    real(8) :: largest(7)
    integer :: n, last
    call primitives_of(sim, prim, p)
    n = sim%b%nx*sim%b%ny*sim%b%nz
    last = p_species + sim%f%n - 1
    associate (T => prim(1:n, p_T), Y => prim(1:n, p_species:last), u => prim(1:n, p_u:p_u + 2))
      largest = [maxval(T), maxval(p(1:n)), maxval(Y), -minval(T), -minval(p(1:n)), -minval(Y), sqrt(maxval(sum(u**2, dim=2)))]
      ! A maximum passes NaN over, a sum does not.
      e%finite = ieee_is_finite(sum(sim%q(1:n, :))) .and. ieee_is_finite(sum(T)) .and. all(ieee_is_finite(largest))
    end associate
    call MPI_Allreduce(MPI_IN_PLACE, e%finite, 1, MPI_LOGICAL, MPI_LAND, sim%cart)
    call MPI_Allreduce(MPI_IN_PLACE, largest, 7, MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    e%T = [-largest(4), largest(1)]
    e%p = [-largest(5), largest(2)]
    e%Y = [-largest(6), largest(3)]
    e%speed = largest(7)
  end function

  !> Prints every check; true when all hold.
  logical function check_run(sim, before) result(good)
    type(simulation_t), intent(in) :: sim
    type(conserved_t), intent(in) :: before
    type(extrema_t) :: e
    real(8) :: drift(quantities), limit
    integer :: m
    e = extrema_of(sim)
    drift = drift_of(before, conserved_of(sim))
    limit = drift_limit*sqrt(max(1d0, sim%step/100d0))
    good = e%finite .and. e%T(1) >= T_range(1) .and. e%T(2) <= T_range(2) .and. e%Y(1) >= Y_range(1) .and. e%Y(2) <= Y_range(2) &
      .and. all(drift <= limit)
    if (sim%rank /= 0) return
    if (.not. e%finite) print '(a)', 'check: the state has values that are not finite'
    print '(a,2f9.2,a,2f9.2)', 'check: temperature from, to (K):', e%T, ', allowed', T_range
    print '(a,2es10.2,a,2es10.2)', 'check: mass fractions from, to:', e%Y, ', allowed', Y_range
    do m = 1, quantities
      if (before%total(m) /= 0 .or. drift(m) > 0) &
        print '(3a,es9.2,a,es9.2)', 'check: relative drift of ', conserved_names(m), ': ', drift(m), ', allowed', limit
    end do
  end function
end module
