!> s3d-check-points MECHANISM STATES.csv RESULT.csv [TRANSPORT]: thermodynamics, rates and transport of the states (columns T, P
!> and Y_ of each species; others are passed over), with the kernels and rows of the mini-app. TRANSPORT is a file of the folder
!> MECHANISM.
program check_points
  use mechanism, only: mechanism_t
  use mechanism_reader, only: mechanism_read
  use point_physics
  use refusal, only: fail
  use state_table, only: table_t, table_read, table_column
  implicit none
  !> Not a divisor of usual counts and larger than a vector, so that whole vectors and remainders both occur.
  integer, parameter :: row_length = 37
  !> Where Newton's iteration for the temperature begins.
  real(8), parameter :: first_guess = 1500
  type(mechanism_t) :: m
  type(table_t) :: states
  character(512) :: argument(4), error
  integer, allocatable :: column(:)
  integer :: i, k, unit, first, last, n, io
  if (command_argument_count() < 3) call fail('usage: s3d-check-points MECHANISM STATES.csv RESULT.csv [TRANSPORT]')
  do i = 1, 4
    call get_command_argument(i, argument(i))
  end do
  call mechanism_read(trim(argument(1)), m, error, trim(argument(4)))
  if (error /= '') call fail(error)
  call table_read(trim(argument(2)), states, error)
  if (error /= '') call fail(error)
  n = m%n_species
  allocate (column(n + 2))
  column(1:2) = [table_column(states, 'T'), table_column(states, 'P')]
  do k = 1, n
    column(k + 2) = table_column(states, 'Y_'//trim(m%name(k)))
  end do
  if (any(column == 0)) call fail(trim(argument(2))//':1: the columns T, P and Y_ of every species of the mechanism must be named')
  open (newunit=unit, file=argument(3), status='replace', action='write', iostat=io)
  if (io /= 0) call fail(trim(argument(3))//': cannot be written')
  call write_header()
  do first = 1, size(states%value, 1), row_length
    last = min(first + row_length - 1, size(states%value, 1))
    call compute(last - first + 1, states%value(first:last, column))
  end do
  close (unit)

contains

  subroutine write_header()
    write (unit, '(*(a))', advance='no') 'rho,W,cp_mass,cv_mass,u_mass,h_mass,sound_speed,T_from_u', &
      (',h_'//trim(m%name(k)), k=1, n), (',wdot_'//trim(m%name(k)), k=1, n)
    if (m%has_transport) write (unit, '(*(a))', advance='no') ',mu,lambda', (',D_'//trim(m%name(k)), k=1, n)
    write (unit, '(a)') ''
  end subroutine

  subroutine compute(points, state)
    integer, intent(in) :: points
    real(8), intent(in) :: state(points, 2 + n)
    real(8), dimension(points, n) :: Y, Y_back, h, omega, D
    real(8), dimension(points) :: T, p, T_back, p_back, W, cp, enthalpy, sound, mu, lambda
    real(8) :: q(points, n + 4), u(points, 3), R(points)
    real(8), allocatable :: row(:)
    integer :: i
    T = state(:, 1)
    p = state(:, 2)
    Y = state(:, 3:)
    u = 0
    call conserved_from_primitives(m, points, points, T, p, u, Y, q)
    T_back = first_guess
    call primitives_from_conserved(m, points, points, q, T_back, p_back, u, Y_back, W)
    call heat_capacity_and_enthalpy(m, points, points, T, Y, cp, enthalpy)
    call sound_speeds(points, T, W, cp, sound)
    call species_enthalpies(m, points, points, T, h)
    call production_rates(m, points, points, q(:, 4), T, Y, omega)
    if (m%has_transport) call transport_coefficients(m, points, points, T, p, Y, W, mu, lambda, D)
    R = p/(q(:, 4)*T)
    do i = 1, points
      row = [q(i, 4), W(i), cp(i), cp(i) - R(i), q(i, 5)/q(i, 4), enthalpy(i), sound(i), T_back(i), h(i, :), omega(i, :)]
      if (m%has_transport) row = [row, mu(i), lambda(i), D(i, :)]
      write (unit, '(*(es24.16e3,:,","))') row
    end do
  end subroutine
end program
