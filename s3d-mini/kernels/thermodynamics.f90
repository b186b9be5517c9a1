!> NASA 7-coefficient polynomials over rows of points (McBride, Gordon & Reno, NASA TM 4513, 1993).
module thermodynamics
  use mechanism, only: mechanism_t, gas_constant
  implicit none
  private
  public :: enthalpies, gibbs_functions, heat_capacity_and_enthalpy, sound_speeds, molar_heat_capacity

contains

  !> Specific enthalpies (J/kg) including formation.
  subroutine enthalpies(m, n, ld, T, h)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n, ld
    real(8), intent(in) :: T(n)
    real(8), intent(inout) :: h(ld, *)
    real(8) :: low(7), high(7), middle, factor
    integer :: i, k
    do k = 1, m%n_species
      call coefficients(m, k, low, high, middle)
      factor = gas_constant/m%molecular_weight(k)
      do i = 1, n
        h(i, k) = factor*merge(enthalpy(low, T(i)), enthalpy(high, T(i)), T(i) <= middle)
      end do
    end do
  end subroutine

  !> g_k/(R T) at the standard pressure.
  subroutine gibbs_functions(m, n, T, log_T, g)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n
    real(8), intent(in) :: T(n), log_T(n)
    real(8), intent(out) :: g(n, m%n_species)
    real(8) :: low(7), high(7), middle
    integer :: i, k
    do k = 1, m%n_species
      call coefficients(m, k, low, high, middle)
      do i = 1, n
        g(i, k) = merge(gibbs(low, T(i), log_T(i)), gibbs(high, T(i), log_T(i)), T(i) <= middle)
      end do
    end do
  end subroutine

  !> Mixture cp (J/kg/K) and enthalpy (J/kg).
  subroutine heat_capacity_and_enthalpy(m, n, ld, T, Y, cp, h)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n, ld
    real(8), intent(in) :: T(n), Y(ld, *)
    real(8), intent(out) :: cp(n), h(n)
    real(8) :: low(7), high(7), middle, factor
    integer :: i, k
    cp = 0
    h = 0
    do k = 1, m%n_species
      call coefficients(m, k, low, high, middle)
      factor = gas_constant/m%molecular_weight(k)
      do i = 1, n
        cp(i) = cp(i) + factor*Y(i, k)*merge(heat_capacity(low, T(i)), heat_capacity(high, T(i)), T(i) <= middle)
        h(i) = h(i) + factor*Y(i, k)*merge(enthalpy(low, T(i)), enthalpy(high, T(i)), T(i) <= middle)
      end do
    end do
  end subroutine

  !> Local copies: the compiler vectorises no loop that reaches into the mechanism.
  pure subroutine coefficients(m, k, low, high, middle)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: k
    real(8), intent(out) :: low(7), high(7), middle
    low = m%nasa_low(:, k)
    high = m%nasa_high(:, k)
    middle = m%nasa_middle(k)
  end subroutine

  !> Frozen speed of sound from the mixture's cp and molecular weight.
  subroutine sound_speeds(n, T, W, cp, sound)
    integer, intent(in) :: n
    real(8), intent(in) :: T(n), W(n), cp(n)
    real(8), intent(out) :: sound(n)
    real(8) :: R
    integer :: i
    do i = 1, n
      R = gas_constant/W(i)
      sound(i) = sqrt(cp(i)/(cp(i) - R)*R*T(i))
    end do
  end subroutine

  !> cp/R of one species.
  pure real(8) function molar_heat_capacity(m, k, T)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: k
    real(8), intent(in) :: T
    molar_heat_capacity = merge(heat_capacity(m%nasa_low(:, k), T), heat_capacity(m%nasa_high(:, k), T), T <= m%nasa_middle(k))
  end function

  pure real(8) function heat_capacity(a, T)
    real(8), intent(in) :: a(7), T
    heat_capacity = a(1) + T*(a(2) + T*(a(3) + T*(a(4) + T*a(5))))
  end function

  pure real(8) function enthalpy(a, T)
    real(8), intent(in) :: a(7), T
    enthalpy = a(6) + T*(a(1) + T*(a(2)/2 + T*(a(3)/3 + T*(a(4)/4 + T*(a(5)/5)))))
  end function

  pure real(8) function gibbs(a, T, log_T)
    real(8), intent(in) :: a(7), T, log_T
    gibbs = a(1)*(1 - log_T) + a(6)/T - a(7) - T*(a(2)/2 + T*(a(3)/6 + T*(a(4)/12 + T*(a(5)/20))))
  end function
end module
