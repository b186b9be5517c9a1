!> The physics of single points over rows of n contiguous points, in arrays of leading dimension ld: what the flow kernels call.
module point_physics
  use mechanism, only: mechanism_t, gas_constant
  use thermodynamics, only: enthalpies, heat_capacity_and_enthalpy, sound_speeds
  use kinetics, only: production_rates => net_rates, loss_rates
  use transport, only: transport_coefficients => mixture_transport
  implicit none
  private
  public :: primitives_from_conserved, conserved_from_primitives, species_enthalpies, production_rates, loss_rates, &
            transport_coefficients, heat_capacity_and_enthalpy, sound_speeds

  interface species_enthalpies
    procedure enthalpies
  end interface

contains

  !> Temperature by Newton's iteration from the T passed in. A point stops when its own change is small, whatever its
  !> neighbours do, so that results do not depend on how rows are cut.
  subroutine primitives_from_conserved(m, n, ld, q, T, p, u, Y, W)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n, ld
    real(8), intent(in) :: q(ld, *)
    real(8), intent(inout) :: T(n), p(n), u(ld, *), Y(ld, *), W(n)
    integer, parameter :: most_iterations = 50
    !> Convergence is quadratic: a change this small leaves an error near rounding.
    real(8), parameter :: small_change = 1d-7
    real(8), dimension(n) :: inverse_rho, energy, cp, h, change, going
    integer :: i, k, iteration
    do i = 1, n
      inverse_rho(i) = 1/q(i, 4)
      u(i, 1) = q(i, 1)*inverse_rho(i)
      u(i, 2) = q(i, 2)*inverse_rho(i)
      u(i, 3) = q(i, 3)*inverse_rho(i)
      energy(i) = q(i, 5)*inverse_rho(i) - 0.5d0*(u(i, 1)**2 + u(i, 2)**2 + u(i, 3)**2)
      Y(i, m%n_species) = 1
      W(i) = 0
    end do
    do k = 1, m%n_species - 1
      do i = 1, n
        Y(i, k) = q(i, k + 5)*inverse_rho(i)
        Y(i, m%n_species) = Y(i, m%n_species) - Y(i, k)
        W(i) = W(i) + Y(i, k)/m%molecular_weight(k)
      end do
    end do
    do i = 1, n
      W(i) = 1/(W(i) + Y(i, m%n_species)/m%molecular_weight(m%n_species))
    end do
    going = 1
    do iteration = 1, most_iterations
      call heat_capacity_and_enthalpy(m, n, ld, T, Y, cp, h)
      do i = 1, n
        change(i) = going(i)*(energy(i) - h(i) + gas_constant*T(i)/W(i))/(cp(i) - gas_constant/W(i))
        T(i) = T(i) + change(i)
        going(i) = merge(going(i), 0d0, abs(change(i)) > small_change*T(i))
      end do
      if (maxval(going) == 0) exit
    end do
    do i = 1, n
      p(i) = q(i, 4)*gas_constant*T(i)/W(i)
    end do
  end subroutine

  subroutine conserved_from_primitives(m, n, ld, T, p, u, Y, q)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: n, ld
    real(8), intent(in) :: T(n), p(n), u(ld, *), Y(ld, *)
    real(8), intent(inout) :: q(ld, *)
    real(8), dimension(n) :: W, cp, h, rho
    integer :: i, k
    W = 0
    do k = 1, m%n_species
      W = W + Y(1:n, k)/m%molecular_weight(k)
    end do
    W = 1/W
    call heat_capacity_and_enthalpy(m, n, ld, T, Y, cp, h)
    do i = 1, n
      rho(i) = p(i)*W(i)/(gas_constant*T(i))
      q(i, 1:3) = rho(i)*u(i, 1:3)
      q(i, 4) = rho(i)
      q(i, 5) = rho(i)*(h(i) - gas_constant*T(i)/W(i) + 0.5d0*(u(i, 1)**2 + u(i, 2)**2 + u(i, 3)**2))
    end do
    do k = 1, m%n_species - 1
      q(1:n, k + 5) = rho*Y(1:n, k)
    end do
  end subroutine
end module
