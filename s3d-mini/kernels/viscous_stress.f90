!> tau_ij = mu (d_i u_j + d_j u_i - 2/3 delta_ij div u).
module viscous_stress
  implicit none
  private
  public :: stress_row

contains

  !> grad_u(:, m, d) is d u_m / d x_d; tau holds xx, yy, zz, xy, xz, yz.
  subroutine stress_row(n, mu, grad_u, tau)
    integer, intent(in) :: n
    real(8), intent(in) :: mu(n), grad_u(n, 3, 3)
    real(8), intent(out) :: tau(n, 6)
    real(8) :: divergence
    integer :: i
    do i = 1, n
      divergence = (grad_u(i, 1, 1) + grad_u(i, 2, 2) + grad_u(i, 3, 3))*(2d0/3d0)
      tau(i, 1) = mu(i)*(2*grad_u(i, 1, 1) - divergence)
      tau(i, 2) = mu(i)*(2*grad_u(i, 2, 2) - divergence)
      tau(i, 3) = mu(i)*(2*grad_u(i, 3, 3) - divergence)
    end do
    ! A loop of its own: in one with the above the compiler gives up proving that the columns do not overlap.
    do i = 1, n
      tau(i, 4) = mu(i)*(grad_u(i, 1, 2) + grad_u(i, 2, 1))
      tau(i, 5) = mu(i)*(grad_u(i, 1, 3) + grad_u(i, 3, 1))
      tau(i, 6) = mu(i)*(grad_u(i, 2, 3) + grad_u(i, 3, 2))
    end do
  end subroutine
end module
