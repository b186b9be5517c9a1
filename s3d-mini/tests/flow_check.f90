!> flow_check MECHANISM LARGEST: flows with an analytic answer, advanced by the solver itself: isentropic vortex to LARGEST^2
!> points, acoustic wave, viscous decay of a shear wave. All in argon.
program flow_check
  use mpi_f08
  use checks, only: require_below, require_above, require_near, verdict
  use failure, only: end_unless
  use flow, only: flow_t, i_rho
  use mechanism, only: gas_constant, species_index
  use point_physics, only: transport_coefficients
  use runs, only: start, advance
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_destroy
  implicit none
  real(8), parameter :: pi = acos(-1d0), gas = gas_constant/39.95d0
  integer, parameter :: sizes(5) = [32, 48, 64, 96, 128]
  real(8), parameter :: published(5) = [4.3d-4, 2.0d-5, 2.6d-6, 1.2d-7, 1.3d-8]
  real(8) :: errors(5)
  character(512) :: mechanism, argument
  character(8) :: label
  integer :: provided, largest, m, io

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call get_command_argument(1, mechanism)
  call get_command_argument(2, argument)
  read (argument, *, iostat=io) largest
  call end_unless(io == 0, 'usage: flow_check MECHANISM LARGEST')
  do m = 1, count(sizes <= largest)
    errors(m) = vortex_error(sizes(m))
    write (label, '(i0)') sizes(m)
    call require_near('vortex '//trim(label)//', L2 error of density', errors(m), published(m), 2)
    if (m > 1) call require_above('vortex '//trim(label)//', order', log(errors(m - 1)/errors(m))/ &
                                  log(real(sizes(m), 8)/sizes(m - 1)), merge(7d0, 7.4d0, m <= 3))
  end do
  do m = 1, 3
    call check_acoustic(m)
    call check_shear(m)
  end do
  call verdict()

contains

  !> A case in argon, inviscid unless said otherwise.
  function argon_case(name, points, length) result(s)
    character(*), intent(in) :: name
    integer, intent(in) :: points(3)
    real(8), intent(in) :: length
    type(settings_t) :: s
    s%case_name = name
    s%mechanism = mechanism
    s%points = points
    s%length = length
    s%viscous = .false.
    s%reacting = .false.
    s%filter_every = 0
    s%pictures = .false.
  end function

  !> L2 error of the density after 25 us, relative to the density far away. The exact answer is the initial state carried along.
  real(8) function vortex_error(n)
    integer, intent(in) :: n
    type(settings_t) :: s
    type(simulation_t), target :: sim, moved
    real(8) :: total(1)
    real(8), parameter :: length = 1d-2, end_time = 25d-6
    integer :: points
    s = argon_case('vortex', [n, n, 1], length)
    s%velocity = [100d0, 100d0, 0d0]
    s%amplitude = 0.3d0
    s%steps = ceiling(end_time*2*(100 + sqrt(5d0/3*gas*300))/(0.5d0*length/n))
    s%fixed_dt = end_time/s%steps
    call start(sim, s, MPI_COMM_WORLD)
    call advance(sim)
    s%shift = s%velocity*end_time
    call start(moved, s, MPI_COMM_WORLD)
    points = sim%b%nx*sim%b%ny
    total = sum((sim%q(1:points, i_rho) - moved%q(1:points, i_rho))**2)
    call MPI_Allreduce(MPI_IN_PLACE, total, 1, MPI_DOUBLE_PRECISION, MPI_SUM, sim%cart)
    vortex_error = sqrt(total(1)/n**2)/(101325/(gas*300))
    call simulation_destroy(sim)
    call simulation_destroy(moved)
  end function

  !> A sound wave along direction d, small enough to be linear, over ten periods: its phase and its amplitude.
  subroutine check_acoustic(d)
    integer, intent(in) :: d
    type(settings_t) :: s
    type(simulation_t), target :: sim
    real(8), parameter :: sound = 322.584654d0, length = 1d-2
    integer, parameter :: n = 32, periods = 10
    complex(8) :: before, after
    integer :: points(3)
    points = 1
    points(d) = n
    s = argon_case('acoustic', points, length)
    s%direction = d
    s%amplitude = 1d-6
    s%steps = periods*n*4
    s%fixed_dt = periods*length/sound/s%steps
    call start(sim, s, MPI_COMM_WORLD)
    before = first_mode(sim, d, i_rho)
    call advance(sim)
    after = first_mode(sim, d, i_rho)
    call require_below('acoustic wave along '//axis(d)//', cycles of phase error a cycle', &
                       abs(atan2(aimag(after/before), real(after/before)))/(2*pi*periods), 1d-7)
    call require_below('acoustic wave along '//axis(d)//', loss of amplitude a cycle', abs(abs(after/before) - 1)/periods, 1d-7)
    call simulation_destroy(sim)
  end subroutine

  !> A wave of the velocity normal to direction d decays as exp(-nu k2 t).
  subroutine check_shear(d)
    integer, intent(in) :: d
    type(settings_t) :: s
    type(simulation_t), target :: sim
    real(8), parameter :: published_nu = 4.83080d-5, length = 1d-3
    real(8) :: before, rate, nu, k2
    integer :: points(3), normal
    points = 1
    points(d) = 32
    normal = 1 + mod(d, 3)
    s = argon_case('shear', points, length)
    s%viscous = .true.
    s%direction = d
    s%temperature = 600
    s%amplitude = 1d-3
    s%steps = 400
    s%fixed_dt = 5d-8
    call start(sim, s, MPI_COMM_WORLD)
    before = abs(first_mode(sim, d, normal))
    call advance(sim)
    k2 = (2*pi/length)**2
    rate = -log(abs(first_mode(sim, d, normal))/before)/(k2*sim%time)
    nu = argon_viscosity(sim%f)/(101325/(gas*600))
    call require_below('argon''s viscosity against its published six digits', abs(nu/published_nu - 1), 0.5d-5/4.8308d0)
    call require_below('shear wave along '//axis(d)//', relative error of its decay rate', abs(rate/nu - 1), 1d-7)
    call simulation_destroy(sim)
  end subroutine

  real(8) function argon_viscosity(f)
    type(flow_t), intent(in) :: f
    real(8) :: Y(1, f%n), D(1, f%n), mu(1), lambda(1)
    Y = 0
    Y(1, species_index(f%mech, 'AR')) = 1
    call transport_coefficients(f%mech, 1, 1, [600d0], [101325d0], Y, [39.95d0], mu, lambda, D)
    argon_viscosity = mu(1)
  end function

  !> First Fourier coefficient along direction d of a state field.
  complex(8) function first_mode(sim, d, field) result(mode)
    type(simulation_t), intent(in) :: sim
    integer, intent(in) :: d, field
    integer :: i, n
    n = sim%b%nx*sim%b%ny*sim%b%nz
    mode = 0
    do i = 1, n
      mode = mode + sim%q(i, field)*exp(cmplx(0d0, -2*pi*(i - 1 + sim%b%offset(d))/sim%s%points(d), 8))
    end do
    call MPI_Allreduce(MPI_IN_PLACE, mode, 1, MPI_DOUBLE_COMPLEX, MPI_SUM, sim%cart)
  end function

  character(1) function axis(d)
    integer, intent(in) :: d
    axis = achar(iachar('w') + d)
  end function
end program
