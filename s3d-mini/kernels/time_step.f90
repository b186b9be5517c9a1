!> What limits an explicit time step: sound and flow, diffusion, chemistry.
module time_step
  use block, only: block_t, box_t
  use flow, only: flow_t, i_rho, p_T, p_species
  use point_physics, only: heat_capacity_and_enthalpy, sound_speeds, transport_coefficients, loss_rates
  implicit none
  private
  public :: largest_rates, convective, diffusive, chemical

  !> Places in the result of largest_rates.
  integer, parameter :: convective = 1, diffusive = 2, chemical = 3
  !> A species that is not there would be used up as fast as a trace of it: the frequency does not depend on how much there is.
  real(8), parameter :: trace = 1d-15

contains

  !> Largest rates (1/s) on a box: sum over the directions of (|u_d| + a)/dx_d; largest diffusivity times sum of 1/dx_d^2; largest
  !> frequency at which a species is used up.
  function largest_rates(f, b, box, q, prim, p) result(rate)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    real(8), intent(in) :: q(:, :), prim(:, :), p(:)
    real(8) :: rate(3)
    real(8), dimension(box%i2 - box%i1 + 1, f%n) :: Y, diffusivity, loss
    real(8), dimension(box%i2 - box%i1 + 1) :: T, W, rho, mu, lambda, cp, h, sound, crossing
    real(8) :: inverse_dx(3)
    integer :: j, k, at, last, d, m, n
    n = box%i2 - box%i1 + 1
    rate = 0
    inverse_dx = merge(1/b%dx, 0d0, b%active)
    do k = box%k1, box%k2
      do j = box%j1, box%j2
        at = box%i1 + b%nx*(j - 1 + b%ny*(k - 1))
        last = at + n - 1
        rho = q(at:last, i_rho)
        T = prim(at:last, p_T)
        Y = prim(at:last, p_species:p_species + f%n - 1)
        W = prim(at:last, p_species + f%n)
        call heat_capacity_and_enthalpy(f%mech, n, n, T, Y, cp, h)
        call sound_speeds(n, T, W, cp, sound)
        crossing = 0
        do d = 1, 3
          crossing = crossing + (abs(prim(at:last, d)) + sound)*inverse_dx(d)
        end do
        rate(convective) = max(rate(convective), maxval(crossing))
        if (f%viscous) then
          call transport_coefficients(f%mech, n, n, T, p(at:last), Y, W, mu, lambda, diffusivity)
          rate(diffusive) = max(rate(diffusive), sum(inverse_dx**2)*max(maxval(4*mu/(3*rho)), maxval(lambda/(rho*cp)), &
                                                                        maxval(diffusivity)))
        end if
        if (f%reacting) then
          Y = max(Y, trace)
          call loss_rates(f%mech, n, n, rho, T, Y, loss)
          do m = 1, f%n
            rate(chemical) = max(rate(chemical), maxval(f%mech%molecular_weight(m)*loss(:, m)/(rho*Y(:, m))))
          end do
        end if
      end do
    end do
  end function
end module
