!> Mixture-averaged species fluxes J_k = -rho D_k (grad Y_k + Y_k grad W / W) and q = -lambda grad T + sum h_k J_k.
module diffusive_flux
  use flow, only: flow_t, i_energy, i_species
  implicit none
  private
  public :: species_and_heat_flux

contains

  !> Add to a row of the flux in one direction. Columns of grad (in that direction): T, Y_1 .. Y_N, W.
  subroutine species_and_heat_flux(f, n, ld, rho, Y, W, lambda, diffusivity, h, grad, flux)
    type(flow_t), intent(in) :: f
    integer, intent(in) :: n, ld
    real(8), intent(in) :: rho(n), Y(n, f%n), W(n), lambda(n), diffusivity(n, f%n), h(n, f%n), grad(n, f%n + 2)
    real(8), intent(inout) :: flux(ld, *)
    real(8) :: total(n), heat(n), j_k(n), log_w(n)
    integer :: i, k
    total = 0
    do i = 1, n
      log_w(i) = grad(i, f%n + 2)/W(i)
      heat(i) = -lambda(i)*grad(i, 1)
    end do
    do k = 1, f%n - 1
      do i = 1, n
        j_k(i) = -rho(i)*diffusivity(i, k)*(grad(i, k + 1) + Y(i, k)*log_w(i))
        total(i) = total(i) + j_k(i)
        heat(i) = heat(i) + h(i, k)*j_k(i)
        flux(i, i_species + k - 1) = flux(i, i_species + k - 1) + j_k(i)
      end do
    end do
    if (f%correction_velocity) then
      do i = 1, n
        j_k(i) = -rho(i)*diffusivity(i, f%n)*(grad(i, f%n + 1) + Y(i, f%n)*log_w(i))
        total(i) = total(i) + j_k(i)
        heat(i) = heat(i) + h(i, f%n)*j_k(i)
      end do
      do k = 1, f%n
        do i = 1, n
          heat(i) = heat(i) - h(i, k)*Y(i, k)*total(i)
        end do
      end do
      do k = 1, f%n - 1
        do i = 1, n
          flux(i, i_species + k - 1) = flux(i, i_species + k - 1) - Y(i, k)*total(i)
        end do
      end do
    else
      do i = 1, n
        heat(i) = heat(i) - h(i, f%n)*total(i)
      end do
    end if
    do i = 1, n
      flux(i, i_energy) = flux(i, i_energy) + heat(i)
    end do
  end subroutine
end module
