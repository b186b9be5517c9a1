!> Transport properties of pure gases and pairs from molecular data, and polynomial fits to them. Formulas: Kee, Dixon-Lewis,
!> Warnatz, Coltrin & Miller, SAND86-8246 (1986); collision integrals: Neufeld, Janzen & Aziz, J. Chem. Phys. 57 (1972), with
!> Brokaw's dipole terms, Ind. Eng. Chem. Process Des. Dev. 8 (1969).
module kinetic_theory
  use mechanism, only: mechanism_t, gas_constant, cantera_form
  use thermodynamics, only: molar_heat_capacity
  implicit none
  private
  public :: molecule_t, fit_transport

  type :: molecule_t
    integer :: geometry = 0            !< 0 atom, 1 linear, 2 not linear
    real(8) :: well_depth = 0          !< over Boltzmann's constant, K
    real(8) :: diameter = 0            !< m
    real(8) :: dipole = 0              !< Debye
    real(8) :: polarisability = 0      !< m3
    real(8) :: relaxation = 0          !< rotational relaxation number at 298 K
  end type

  real(8), parameter :: pi = acos(-1d0), boltzmann = 1.380649d-23, avogadro = 6.02214076d26
  real(8), parameter :: debye_squared = 1d-49 !< over 4 pi epsilon_0, J m3
  integer, parameter :: samples = 64
  real(8), parameter :: coldest = 250, hottest = 3500

contains

  !> Fits of degree four in Cantera's form between 250 and 3500 K.
  subroutine fit_transport(m, molecule)
    type(mechanism_t), intent(inout) :: m
    type(molecule_t), intent(in) :: molecule(:)
    real(8) :: T(samples), values(samples, 2)
    integer :: j, k, s, pair
    m%transport_form = cantera_form
    allocate (m%viscosity(5, m%n_species), m%conductivity(5, m%n_species), m%diffusion(5, m%n_species*(m%n_species - 1)/2))
    T = [(coldest*(hottest/coldest)**((s - 1)/(samples - 1d0)), s=1, samples)]
    pair = 0
    do j = 1, m%n_species
      do s = 1, samples
        values(s, 1) = viscosity(molecule(j), m%molecular_weight(j), T(s))
        values(s, 2) = conductivity(molecule(j), m%molecular_weight(j), molar_heat_capacity(m, j, T(s)), T(s), values(s, 1))
      end do
      m%viscosity(:, j) = fit(log(T), sqrt(values(:, 1))/T**0.25d0)
      m%conductivity(:, j) = fit(log(T), values(:, 2)/sqrt(T))
      do k = j + 1, m%n_species
        pair = pair + 1
        do s = 1, samples
          values(s, 1) = diffusion(molecule(j), molecule(k), m%molecular_weight(j), m%molecular_weight(k), T(s))
        end do
        m%diffusion(:, pair) = fit(log(T), values(:, 1)/T**1.5d0)
      end do
    end do
  end subroutine

  pure real(8) function viscosity(a, weight, T)
    type(molecule_t), intent(in) :: a
    real(8), intent(in) :: weight, T
    viscosity = 5d0/16*sqrt(pi*weight/avogadro*boltzmann*T)/(pi*a%diameter**2*omega22(T/a%well_depth, reduced_dipole(a)))
  end function

  !> Translation, rotation and vibration apart; `cp` is cp/R.
  pure real(8) function conductivity(a, weight, cp, T, mu)
    type(molecule_t), intent(in) :: a
    real(8), intent(in) :: weight, cp, T, mu
    real(8), parameter :: rotation(0:2) = [0d0, 1d0, 1.5d0]
    real(8) :: internal, relaxation, exchange, self
    self = 3d0/16*sqrt(4*pi*avogadro/weight)*(boltzmann*T)**1.5d0 &
           /(pi*a%diameter**2*omega11(T/a%well_depth, reduced_dipole(a)))
    internal = weight*self/(gas_constant*T*mu)
    relaxation = a%relaxation*rotation_factor(298/a%well_depth)/rotation_factor(T/a%well_depth)
    exchange = 2/pi*(2.5d0 - internal)/(relaxation + 2/pi*(5d0/3*rotation(a%geometry) + internal))
    conductivity = mu/weight*gas_constant*(2.5d0*(1.5d0 - exchange*rotation(a%geometry)) &
                                           + internal*(1 + exchange)*rotation(a%geometry) &
                                           + internal*(cp - 2.5d0 - rotation(a%geometry)))
  end function

  !> Temperature dependence of rotational relaxation (Parker 1959; Brau & Jonkman 1970).
  pure real(8) function rotation_factor(t)
    real(8), intent(in) :: t
    rotation_factor = 1 + pi**1.5d0/sqrt(t)*(0.5d0 + 1/t) + (pi**2/4 + 2)/t
  end function

  !> Pressure times the binary diffusion coefficient. A polar and a polarisable molecule attract each other more.
  pure real(8) function diffusion(a, b, weight_a, weight_b, T)
    type(molecule_t), intent(in) :: a, b
    real(8), intent(in) :: weight_a, weight_b, T
    real(8) :: induction, depth, diameter, dipole, mass
    induction = 1
    if (a%dipole > 0 .neqv. b%dipole > 0) then
      if (a%dipole > 0) then
        induction = induced(a, b)
      else
        induction = induced(b, a)
      end if
    end if
    depth = induction**2*sqrt(a%well_depth*b%well_depth)
    diameter = 0.5d0*(a%diameter + b%diameter)*induction**(-1d0/6)
    dipole = 0.5d0*debye_squared*a%dipole*b%dipole/(boltzmann*depth*diameter**3)
    mass = weight_a*weight_b/(weight_a + weight_b)/avogadro
    diffusion = 3d0/16*sqrt(2*pi/mass)*(boltzmann*T)**1.5d0/(pi*diameter**2*omega11(T/depth, dipole))
  end function

  pure real(8) function induced(polar, other)
    type(molecule_t), intent(in) :: polar, other
    induced = 1 + 0.25d0*other%polarisability/other%diameter**3 &
              *debye_squared*polar%dipole**2/(boltzmann*polar%well_depth*polar%diameter**3) &
              *sqrt(polar%well_depth/other%well_depth)
  end function

  pure real(8) function reduced_dipole(a)
    type(molecule_t), intent(in) :: a
    reduced_dipole = 0.5d0*debye_squared*a%dipole**2/(boltzmann*a%well_depth*a%diameter**3)
  end function

  pure real(8) function omega11(t, dipole)
    real(8), intent(in) :: t, dipole
    omega11 = 1.06036d0*t**(-0.15610d0) + 0.19300d0*exp(-0.47635d0*t) + 1.03587d0*exp(-1.52996d0*t) &
              + 1.76474d0*exp(-3.89411d0*t) + 0.19d0*dipole**2/t
  end function

  pure real(8) function omega22(t, dipole)
    real(8), intent(in) :: t, dipole
    omega22 = 1.16145d0*t**(-0.14874d0) + 0.52487d0*exp(-0.77320d0*t) + 2.16178d0*exp(-2.43787d0*t) + 0.2d0*dipole**2/t
  end function

  !> Coefficients of the polynomial of degree four in x nearest to y, relative deviations in the square.
  pure function fit(x, y) result(c)
    real(8), intent(in) :: x(samples), y(samples)
    real(8) :: c(5)
    real(8) :: basis(samples, 5), projection(5), overlap, monomial(5, 5), shifted(5)
    integer :: i, j
    ! Orthonormal polynomials by Gram-Schmidt; monomial(:, i) holds the coefficients of the i-th.
    monomial = 0
    c = 0
    do i = 1, 5
      if (i == 1) then
        basis(:, 1) = 1/y
        shifted = [1d0, 0d0, 0d0, 0d0, 0d0]
      else
        basis(:, i) = basis(:, i - 1)*x
        shifted = [0d0, monomial(1:4, i - 1)]
      end if
      ! Twice: once leaves rounding errors along the others.
      do j = 1, 2*(i - 1)
        associate (other => modulo(j - 1, i - 1) + 1)
          overlap = dot_product(basis(:, other), basis(:, i))
          basis(:, i) = basis(:, i) - overlap*basis(:, other)
          shifted = shifted - overlap*monomial(:, other)
        end associate
      end do
      overlap = 1/norm2(basis(:, i))
      basis(:, i) = overlap*basis(:, i)
      monomial(:, i) = overlap*shifted
      projection(i) = sum(basis(:, i))
      c = c + projection(i)*monomial(:, i)
    end do
  end function
end module
