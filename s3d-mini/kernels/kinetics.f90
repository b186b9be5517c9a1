!> Production and loss of species by mass action, reaction by reaction over a row of points. Fall-off: Gilbert, Luther & Troe,
!> Ber. Bunsenges. Phys. Chem. 87 (1983).
module kinetics
  use mechanism, only: mechanism_t, reaction_t, gas_constant, elementary, three_body, lindemann, troe
  use thermodynamics, only: gibbs_functions
  implicit none
  private
  public :: net_rates, loss_rates

  real(8), parameter :: standard_pressure = 101325d0

contains

  !> omega (kmol/m3/s) of each species.
  subroutine net_rates(m, n, ld, rho, T, Y, omega)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n, ld
    real(8), intent(in) :: rho(n), T(n), Y(ld, *)
    real(8), intent(inout) :: omega(ld, *)
    real(8), dimension(n, m%n_species) :: c, g
    real(8), dimension(n) :: log_T, inverse_T, log_c0, total, forward, backward
    integer :: i, r
    call conditions(m, n, ld, rho, T, Y, log_T, inverse_T, log_c0, g, c, total)
    omega(1:n, 1:m%n_species) = 0
    do r = 1, size(m%reaction)
      call rates_of_progress(m%reaction(r), n, T, log_T, inverse_T, log_c0, g, c, total, forward, backward)
      do i = 1, n
        forward(i) = forward(i) - backward(i)
      end do
      call add(m%reaction(r)%reactants, n, ld, -1d0, forward, omega)
      call add(m%reaction(r)%products, n, ld, 1d0, forward, omega)
    end do
  end subroutine

  !> How fast each species is used up, not counting what is made (kmol/m3/s). Divided by its concentration this is the diagonal of
  !> the rates' Jacobian, near enough for a stable time step.
  subroutine loss_rates(m, n, ld, rho, T, Y, loss)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n, ld
    real(8), intent(in) :: rho(n), T(n), Y(ld, *)
    real(8), intent(inout) :: loss(ld, *)
    real(8), dimension(n, m%n_species) :: c, g
    real(8), dimension(n) :: log_T, inverse_T, log_c0, total, forward, backward
    integer :: r
    call conditions(m, n, ld, rho, T, Y, log_T, inverse_T, log_c0, g, c, total)
    loss(1:n, 1:m%n_species) = 0
    do r = 1, size(m%reaction)
      call rates_of_progress(m%reaction(r), n, T, log_T, inverse_T, log_c0, g, c, total, forward, backward)
      call add(m%reaction(r)%reactants, n, ld, 1d0, forward, loss)
      call add(m%reaction(r)%products, n, ld, 1d0, backward, loss)
    end do
  end subroutine

  !> What all reactions of a row share. c holds concentrations, g the Gibbs functions over R T.
  subroutine conditions(m, n, ld, rho, T, Y, log_T, inverse_T, log_c0, g, c, total)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n, ld
    real(8), intent(in) :: rho(n), T(n), Y(ld, *)
    real(8), intent(out) :: log_T(n), inverse_T(n), log_c0(n), g(n, m%n_species), c(n, m%n_species), total(n)
    integer :: i, k
    do i = 1, n
      log_T(i) = log(T(i))
      inverse_T(i) = 1/T(i)
      log_c0(i) = log(standard_pressure/gas_constant) - log_T(i)
    end do
    call gibbs_functions(m, n, T, log_T, g)
    total = 0
    do k = 1, m%n_species
      do i = 1, n
        c(i, k) = rho(i)*Y(i, k)/m%molecular_weight(k)
        total(i) = total(i) + c(i, k)
      end do
    end do
  end subroutine

  subroutine rates_of_progress(r, n, T, log_T, inverse_T, log_c0, g, c, total, forward, backward)
    type(reaction_t), intent(in) :: r
    integer, intent(in) :: n
    real(8), intent(in) :: T(n), log_T(n), inverse_T(n), log_c0(n), g(n, *), c(n, *), total(n)
    real(8), intent(out) :: forward(n), backward(n)
    real(8), dimension(n) :: third, exponent
    integer :: i, s, change
    do i = 1, n
      forward(i) = r%rate(1)*exp(r%rate(2)*log_T(i) - r%rate(3)*inverse_T(i))
    end do
    if (r%kind /= elementary) call collision_partners(r, n, c, total, third)
    if (r%kind == three_body) forward = forward*third
    if (r%kind == lindemann .or. r%kind == troe) call fall_off(r, n, T, log_T, inverse_T, third, forward)
    backward = 0
    if (r%reversible) then
      change = size(r%products) - size(r%reactants)
      do i = 1, n
        exponent(i) = -change*log_c0(i)
      end do
      do s = 1, size(r%products)
        exponent = exponent + g(:, r%products(s))
      end do
      do s = 1, size(r%reactants)
        exponent = exponent - g(:, r%reactants(s))
      end do
      do i = 1, n
        backward(i) = forward(i)*exp(exponent(i))
      end do
      do s = 1, size(r%products)
        do i = 1, n
          backward(i) = backward(i)*c(i, r%products(s))
        end do
      end do
    end if
    do s = 1, size(r%reactants)
      do i = 1, n
        forward(i) = forward(i)*c(i, r%reactants(s))
      end do
    end do
  end subroutine

  subroutine collision_partners(r, n, c, total, third)
    type(reaction_t), intent(in) :: r
    integer, intent(in) :: n
    real(8), intent(in) :: c(n, *), total(n)
    real(8), intent(out) :: third(n)
    integer :: i, s
    if (r%collider > 0) then
      third = c(:, r%collider)
      return
    end if
    third = total
    do s = 1, size(r%enhanced)
      do i = 1, n
        third(i) = third(i) + r%excess(s)*c(i, r%enhanced(s))
      end do
    end do
  end subroutine

  !> Turns the high-pressure constant into the effective one.
  subroutine fall_off(r, n, T, log_T, inverse_T, third, k)
    type(reaction_t), intent(in) :: r
    integer, intent(in) :: n
    real(8), intent(in) :: T(n), log_T(n), inverse_T(n), third(n)
    real(8), intent(inout) :: k(n)
    real(8) :: reduced(n), centre, log_centre, x, f
    real(8), parameter :: log10_e = 1/log(10d0)
    integer :: i
    do i = 1, n
      reduced(i) = max(r%low(1)*exp(r%low(2)*log_T(i) - r%low(3)*inverse_T(i))*third(i)/k(i), 1d-300)
      k(i) = k(i)*reduced(i)/(1 + reduced(i))
    end do
    if (r%kind == lindemann) return
    do i = 1, n
      centre = (1 - r%centering(1))*exp(-T(i)/r%centering(2)) + r%centering(1)*exp(-T(i)/r%centering(3)) &
               + exp(max(-r%centering(4)*inverse_T(i), -700d0))
      log_centre = log(max(centre, 1d-300))*log10_e
      x = log(reduced(i))*log10_e - 0.4d0 - 0.67d0*log_centre
      f = x/(0.75d0 - 1.27d0*log_centre - 0.14d0*x)
      k(i) = k(i)*exp(log_centre/(1 + f*f)/log10_e)
    end do
  end subroutine

  !> total += factor*rate for each of the species, as often as it is named.
  subroutine add(species, n, ld, factor, rate, total)
    integer, intent(in) :: species(:), n, ld
    real(8), intent(in) :: factor, rate(n)
    real(8), intent(inout) :: total(ld, *)
    integer :: i, s
    do s = 1, size(species)
      do i = 1, n
        total(i, species(s)) = total(i, species(s)) + factor*rate(i)
      end do
    end do
  end subroutine
end module
