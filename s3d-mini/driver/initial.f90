!> Initial conditions: each case sets temperature, pressure, velocity and composition at a point.
module initial
  use block, only: block_t
  use flow, only: flow_t
  use mechanism, only: element_symbol, gas_constant, species_index
  use point_physics, only: conserved_from_primitives
  use failure, only: stop_with
  use settings, only: settings_t
  use simulation, only: simulation_t
  implicit none
  private
  public :: initial_check, initial_state

  real(8), parameter :: pi = acos(-1d0)
  !> Argon: weight (kg/kmol) and ratio of its heat capacities.
  real(8), parameter :: argon = 39.95d0, gamma = 5d0/3d0
  character(20), parameter :: fuel_cases(6) = [character(20) :: 'uniform', 'ignition_0d', 'ignition_h2', 'ignition_gri30', &
                                               'ignition_gri30_noN', 'flame_1d']
  character(20), parameter :: argon_cases(3) = [character(20) :: 'vortex', 'acoustic', 'shear']

contains

  !> `error` stays empty when the mechanism has what the case starts from.
  subroutine initial_check(s, f, error)
    type(settings_t), intent(in) :: s
    type(flow_t), intent(in) :: f
    character(*), intent(out) :: error
    integer :: m
    error = ''
    if (any(s%case_name == fuel_cases)) then
      call need(s%fuel)
      call need('O2')
      call need('N2')
      call need('H2O')
      if (error == '' .and. oxygen_of(f, s%fuel) <= 0) error = 'fuel = "'//trim(s%fuel)//'" has no hydrogen or carbon to burn'
      if (error == '' .and. atoms_of(f, s%fuel, 'C') > 0) call need('CO2')
    else if (any(s%case_name == argon_cases)) then
      call need('AR')
    else if (s%case_name == 'manufactured') then
      if (f%n /= 10) error = 'case_name = "manufactured" needs the ten species of the mechanism h2o2'
    else
      error = 'case_name = "'//trim(s%case_name)//'" is none of'
      do m = 1, size(fuel_cases)
        error = trim(error)//' '//trim(fuel_cases(m))//','
      end do
      do m = 1, size(argon_cases)
        error = trim(error)//' '//trim(argon_cases(m))//','
      end do
      error = trim(error)//' manufactured'
    end if

  contains

    subroutine need(name)
      character(*), intent(in) :: name
      if (error == '' .and. species_index(f%mech, name) == 0) &
        error = 'case_name = "'//trim(s%case_name)//'" needs the species '//trim(name)//', which '//trim(s%mechanism)//' has not'
    end subroutine
  end subroutine

  subroutine initial_state(sim)
    type(simulation_t), intent(inout) :: sim
    real(8), dimension(sim%b%nx) :: T, p
    real(8) :: u(sim%b%nx, 3), Y(sim%b%nx, sim%f%n), fresh(sim%f%n), burnt(sim%f%n)
    real(8) :: x(3)
    integer :: i, j, k, at, n
    n = sim%b%nx
    fresh = composition(sim%s, sim%f)
    burnt = fresh
    if (any(sim%s%case_name == fuel_cases)) burnt = burnt_gas(sim%f, sim%s%fuel, sim%s%phi)
    do k = 1, sim%b%nz
      do j = 1, sim%b%ny
        do i = 1, n
          x = modulo(([i, j, k] - 1 + sim%b%offset)*sim%b%dx - sim%s%shift, sim%s%length)
          call point_state(sim%s, fresh, burnt, x, T(i), p(i), u(i, :), Y(i, :))
        end do
        at = 1 + n*(j - 1 + sim%b%ny*(k - 1))
        call store_row(sim, n, at, T, p, u, Y)
      end do
    end do
  end subroutine

  subroutine store_row(sim, n, at, T, p, u, Y)
    type(simulation_t), intent(inout) :: sim
    integer, intent(in) :: n, at
    real(8), intent(in) :: T(n), p(n), u(n, 3), Y(n, sim%f%n)
    real(8) :: q(n, sim%f%n + 4)
    call conserved_from_primitives(sim%f%mech, n, n, T, p, u, Y, q)
    sim%q(at:at + n - 1, :) = q
    sim%prim(at:at + n - 1, 4) = T
  end subroutine

  subroutine point_state(s, fresh, burnt, x, T, p, u, Y)
    type(settings_t), intent(in) :: s
    real(8), intent(in) :: fresh(:), burnt(:), x(3)
    real(8), intent(out) :: T, p, u(3), Y(:)
    real(8) :: along, share
    integer :: normal
    along = x(s%direction)/s%length(s%direction)
    T = s%temperature
    p = s%pressure
    u = s%velocity
    Y = fresh
    select case (s%case_name)
    case ('uniform', 'ignition_0d')
    case ('ignition_h2', 'ignition_gri30', 'ignition_gri30_noN')
      T = T + (s%hot_temperature - T)*hot_spot(s, x)
      u = u + turbulence(s, x)
    case ('flame_1d')
      ! A slab of burnt gas across the middle: two flames run outwards, so that the box may be periodic.
      share = 0.5d0*(tanh((along - 0.5d0 + s%hot_radius)/0.02d0) - tanh((along - 0.5d0 - s%hot_radius)/0.02d0))
      T = T + (s%hot_temperature - T)*share
      Y = fresh + (burnt - fresh)*share
    case ('vortex')
      call vortex(s, x, T, p, u)
    case ('acoustic')
      call acoustic(s, along, T, p, u)
    case ('shear')
      normal = 1 + mod(s%direction, 3)
      u(normal) = u(normal) + s%amplitude*sin(2*pi*along)
    case ('manufactured')
      call manufactured(s, x, T, p, u, Y)
    case default
      call stop_with('case_name = "'//trim(s%case_name)//'" has no initial state')
    end select
  end subroutine

  pure real(8) function hot_spot(s, x)
    type(settings_t), intent(in) :: s
    real(8), intent(in) :: x(3)
    real(8) :: r2
    r2 = sum(merge(((x/s%length - 0.5d0)*s%length/s%length(1)/s%hot_radius)**2, 0d0, s%points > 1))
    hot_spot = exp(-r2)
  end function

  !> Solenoidal velocity of rms about `s%turbulence`: a few Fourier modes with fixed phases, each normal to its wave vector.
  pure function turbulence(s, x) result(u)
    type(settings_t), intent(in) :: s
    real(8), intent(in) :: x(3)
    real(8) :: u(3), wave(3), axis(3), direction(3), phase
    integer :: m
    integer, parameter :: modes = 12
    integer, parameter :: k(3, modes) = reshape([1, 1, 0, 0, 1, 1, 1, 0, 1, 1, -1, 1, 2, 1, 0, 0, 2, -1, &
                                                 -1, 0, 2, 2, 1, 1, 1, 2, -1, -1, 1, 2, 3, 1, 0, 0, -1, 3], [3, modes])
    u = 0
    if (s%turbulence <= 0) return
    do m = 1, modes
      wave = 2*pi*k(:, m)/s%length
      axis = [sin(1.3d0*m), cos(2.1d0*m), sin(0.7d0*m + 1)]
      direction = [wave(2)*axis(3) - wave(3)*axis(2), wave(3)*axis(1) - wave(1)*axis(3), wave(1)*axis(2) - wave(2)*axis(1)]
      phase = 2.399963229728653d0*m
      u = u + direction/norm2(direction)*cos(dot_product(wave, x) + phase)
    end do
    u = u*s%turbulence*sqrt(2d0/modes)
  end function

  !> Isentropic vortex (Yee, Sandham & Djomehri, J. Comput. Phys. 150, 1999) in a gas with cp = 2.5 R, carried with `velocity`;
  !> `amplitude` is the Mach number of its fastest point.
  subroutine vortex(s, x, T, p, u)
    type(settings_t), intent(in) :: s
    real(8), intent(in) :: x(3)
    real(8), intent(inout) :: T, p, u(3)
    real(8) :: r(2), radius, speed, shape_factor, T0
    T0 = T
    radius = s%length(1)/14
    speed = s%amplitude*sqrt(gamma*gas_constant/argon*T0)
    r = (x(1:2) - s%length(1:2)/2)/radius
    shape_factor = exp(0.5d0*(1 - sum(r**2)))
    u(1) = u(1) - speed*r(2)*shape_factor
    u(2) = u(2) + speed*r(1)*shape_factor
    T = T0 - 0.5d0*(speed*shape_factor)**2*argon/(2.5d0*gas_constant)
    p = p*(T/T0)**(gamma/(gamma - 1))
  end subroutine

  !> A simple wave of small amplitude in argon that runs up its direction.
  subroutine acoustic(s, along, T, p, u)
    type(settings_t), intent(in) :: s
    real(8), intent(in) :: along
    real(8), intent(inout) :: T, p, u(3)
    real(8) :: sound, du
    sound = sqrt(gamma*gas_constant/argon*T)
    du = s%amplitude*sound*sin(2*pi*along)
    u(s%direction) = u(s%direction) + du
    T = T*(1 + (gamma - 1)/2*du/sound)**2
    p = p*(1 + (gamma - 1)/2*du/sound)**(2*gamma/(gamma - 1))
  end subroutine

  !> A smooth periodic field in which every term of the equations is at work; the reference values of the whole right-hand
  !> side belong to it. Needs the ten species of h2o2.
  subroutine manufactured(s, x, T, p, u, Y)
    type(settings_t), intent(in) :: s
    real(8), intent(in) :: x(3)
    real(8), intent(out) :: T, p, u(3), Y(:)
    real(8), parameter :: base(9) = [0.02d0, 0.0005d0, 0.002d0, 0.18d0, 0.004d0, 0.1d0, 0.0003d0, 0.0002d0, 0.01d0]
    real(8), parameter :: amplitude(9) = [0.4d0, 0.5d0, 0.45d0, 0.25d0, 0.5d0, 0.35d0, 0.55d0, 0.5d0, 0.3d0]
    real(8), parameter :: phase(9) = [0.1d0, 0.9d0, 1.7d0, 2.5d0, 3.3d0, 4.1d0, 4.9d0, 5.7d0, 0.5d0]
    real(8) :: w(3), a, b, c, d, factor
    integer :: k
    w = 2*pi*x/s%length
    a = sin(w(1) + 0.3d0)
    b = cos(w(2) + 0.7d0)
    c = sin(w(3) + 1.1d0)
    d = cos(w(1) - w(2) + 0.2d0)*sin(w(3) + 0.5d0)
    T = 1600 + 250*a + 150*b*c + 80*d
    p = 101325*(1 + 0.05d0*sin(w(1) + 0.9d0)*cos(w(2) + 0.4d0) + 0.03d0*cos(w(3) + 0.6d0))
    u = [30 + 20*b + 8*c*a, -12 + 15*sin(w(1) + w(3) + 0.1d0) + 5*b, 7 + 10*cos(w(1) + w(2) + 0.8d0)*sin(w(3) + 0.2d0)]
    do k = 0, 8
      factor = 1
      if (mod(k, 2) == 0) factor = cos(w(mod(k + 1, 3) + 1) + 0.3d0*k)
      Y(k + 1) = base(k + 1)*(1 + amplitude(k + 1)*sin(w(mod(k, 3) + 1) + phase(k + 1))*factor)
    end do
    Y(10) = 1 - sum(Y(1:9))
  end subroutine

  !> Mass fractions of the case: pure argon for the inert ones, else a fuel in air at equivalence ratio phi.
  function composition(s, f) result(Y)
    type(settings_t), intent(in) :: s
    type(flow_t), intent(in) :: f
    real(8) :: Y(f%n)
    if (any(s%case_name == fuel_cases)) then
      Y = fuel_in_air(f, s%fuel, s%phi)
    else
      Y = 0
      Y(species_index(f%mech, 'AR')) = 1
    end if
  end function

  !> Mass fractions of phi*fuel + nu O2 + 3.76 nu N2, nu the moles of O2 that burn one of fuel.
  function fuel_in_air(f, fuel, phi) result(Y)
    type(flow_t), intent(in) :: f
    character(*), intent(in) :: fuel
    real(8), intent(in) :: phi
    real(8) :: Y(f%n), oxygen
    oxygen = oxygen_of(f, fuel)
    Y = 0
    Y(species_index(f%mech, fuel)) = phi
    Y(species_index(f%mech, 'O2')) = oxygen
    Y(species_index(f%mech, 'N2')) = 3.76d0*oxygen
    Y = Y*f%mech%molecular_weight
    Y = Y/sum(Y)
  end function

  !> The same after as much fuel as there is oxygen for has burnt to CO2 and H2O.
  function burnt_gas(f, fuel, phi) result(Y)
    type(flow_t), intent(in) :: f
    character(*), intent(in) :: fuel
    real(8), intent(in) :: phi
    real(8) :: Y(f%n), oxygen, burns
    oxygen = oxygen_of(f, fuel)
    burns = min(phi, 1d0)
    Y = 0
    Y(species_index(f%mech, fuel)) = phi - burns
    Y(species_index(f%mech, 'O2')) = oxygen*(1 - burns)
    Y(species_index(f%mech, 'N2')) = 3.76d0*oxygen
    Y(species_index(f%mech, 'H2O')) = burns*atoms_of(f, fuel, 'H')/2d0
    if (atoms_of(f, fuel, 'C') > 0) Y(species_index(f%mech, 'CO2')) = burns*atoms_of(f, fuel, 'C')
    Y = Y*f%mech%molecular_weight
    Y = Y/sum(Y)
  end function

  pure integer function atoms_of(f, name, element)
    type(flow_t), intent(in) :: f
    character(*), intent(in) :: name, element
    atoms_of = f%mech%atoms(findloc(element_symbol, element, 1), species_index(f%mech, name))
  end function

  !> Moles of O2 that burn a mole of fuel to CO2 and H2O.
  pure real(8) function oxygen_of(f, fuel)
    type(flow_t), intent(in) :: f
    character(*), intent(in) :: fuel
    oxygen_of = atoms_of(f, fuel, 'C') + atoms_of(f, fuel, 'H')/4d0 - atoms_of(f, fuel, 'O')/2d0
  end function
end module
