!> The right-hand side's sum: source terms minus the divergence of the fluxes, each differentiated once.
module divergence
  use block, only: block_t, box_t, ghost_t
  use flow, only: flow_t
  use derivative, only: derivative_row
  implicit none
  private
  public :: divergence_kernel

contains

  !> rhs -= d flux(:, :, d) / d x_d on a box. ghost holds the fluxes' planes, each face those of its direction.
  subroutine divergence_kernel(f, b, box, ghost, flux, rhs)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    type(ghost_t), intent(in) :: ghost(:)
    real(8), intent(in) :: flux(b%ld, f%n + 4, 3)
    real(8), intent(inout) :: rhs(b%ld, *)
    integer :: j, k, m
    do k = box%k1, box%k2
      do j = box%j1, box%j2
        do m = 1, f%n + 4
          if (b%active(1)) call subtract_row(b, 1, flux(1, m, 1), ghost(m), box%i1, box%i2, j, k, rhs(1, m))
          if (b%active(2)) call subtract_row(b, 2, flux(1, m, 2), ghost(m), box%i1, box%i2, j, k, rhs(1, m))
          if (b%active(3)) call subtract_row(b, 3, flux(1, m, 3), ghost(m), box%i1, box%i2, j, k, rhs(1, m))
        end do
      end do
    end do
  end subroutine

  subroutine subtract_row(b, direction, flux, ghost, i1, i2, j, k, rhs)
    type(block_t), intent(in) :: b
    integer, intent(in) :: direction, i1, i2, j, k
    real(8), intent(in) :: flux(b%nx, b%ny, b%nz)
    type(ghost_t), intent(in) :: ghost
    real(8), intent(inout) :: rhs(b%nx, b%ny, b%nz)
    real(8) :: d(i1:i2)
    integer :: i
    call derivative_row(b, direction, flux, ghost, i1, i2, j, k, d)
    do i = i1, i2
      rhs(i, j, k) = rhs(i, j, k) - d(i)
    end do
  end subroutine
end module
