!> point_check MECHANISM KINETICS.csv CREATION.csv: thermodynamics, rates and transport of single states against reference values.
program point_check
  use mechanism, only: mechanism_t
  use mechanism_reader, only: mechanism_read
  use point_physics
  implicit none
  type(mechanism_t) :: m
  character(512) :: paths(3), error
  character(20000) :: line
  real(8), allocatable :: v(:), c(:), q(:, :), Y(:, :), h(:, :), omega(:, :), D(:, :)
  real(8) :: T(1), p(1), u(1, 3), W(1), mu(1), lambda(1), worst(7)
  character(24), parameter :: name(7) = [character(24) :: 'density', 'molecular weight', 'enthalpies', 'temperature', &
                                         'rates', 'viscosity, conductivity', 'diffusivities']
  real(8), parameter :: limit(7) = [1d-12, 1d-12, 1d-12, 1d-9, 1d-10, 1d-10, 1d-10]
  integer :: i, n, states, io, kinetics_unit, creation_unit
  do i = 1, 3
    call get_command_argument(i, paths(i))
  end do
  call mechanism_read(trim(paths(1)), m, error)
  if (error /= '') error stop trim(error)
  n = m%n_species
  allocate (v(12 + 5*n), c(n + 1), q(1, n + 4), Y(1, n), h(1, n), omega(1, n), D(1, n))
  open (newunit=kinetics_unit, file=paths(2), status='old', action='read')
  open (newunit=creation_unit, file=paths(3), status='old', action='read')
  read (kinetics_unit, *)
  read (creation_unit, *)
  worst = 0
  states = 0
  do
    read (kinetics_unit, '(a)', iostat=io) line
    if (io /= 0) exit
    read (line, *) v
    read (creation_unit, *) c
    states = states + 1
    T = v(2)
    p = v(3)
    u = 0
    Y(1, :) = v(4:3 + n)
    call conserved_from_primitives(m, 1, 1, T, p, u, Y, q)
    call record(1, [q(1, 4)/v(4 + n) - 1])
    call species_enthalpies(m, 1, 1, T, h)
    ! Enthalpies pass through zero: R T of the lightest product is their scale.
    call record(3, (h(1, :) - v(11 + n:10 + 2*n))/max(abs(v(11 + n:10 + 2*n)), 1d3))
    call production_rates(m, 1, 1, q(:, 4), T, Y, omega)
    call record(5, (omega(1, :) - v(11 + 2*n:10 + 3*n))/max(2*c(2:) - v(11 + 2*n:10 + 3*n), 1d-200))
    ! Newton starts 5 % off.
    T = 1.05d0*v(2)
    call primitives_from_conserved(m, 1, 1, q, T, p, u, Y, W)
    call record(2, W/v(5 + n) - 1)
    call record(4, T/v(2) - 1)
    T = v(2)
    p = v(3)
    Y(1, :) = v(4:3 + n)
    call transport_coefficients(m, 1, 1, T, p, Y, W, mu, lambda, D)
    call record(6, [mu/v(11 + 3*n) - 1, lambda/v(12 + 3*n) - 1])
    call record(7, D(1, :)/v(13 + 3*n:12 + 4*n) - 1)
  end do
  do i = 1, 7
    print '(2a,es9.2,a,es9.2)', name(i), ': largest relative error', worst(i), ', limit', limit(i)
  end do
  print '(i0,a)', states, ' states'
  if (states == 0 .or. .not. all(worst <= limit)) error stop 'FAILED'
  print '(a)', 'PASSED'

contains

  subroutine record(what, errors)
    integer, intent(in) :: what
    real(8), intent(in) :: errors(:)
    worst(what) = max(worst(what), maxval(abs(errors)))
    if (any(errors /= errors)) worst(what) = huge(1d0)
  end subroutine
end program
