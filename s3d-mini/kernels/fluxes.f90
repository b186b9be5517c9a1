!> Convective plus diffusive fluxes of the state in the three directions, row by row, so that the gradients and transport
!> coefficients of a row never leave the first-level cache. Chen et al., Comput. Sci. Disc. 2, 015001 (2009), section 2.
module fluxes
  use block, only: block_t, box_t, ghost_t
  use flow, only: flow_t, i_rho, i_energy, i_species, p_u, p_T, p_species
  use derivative, only: derivative_row
  use viscous_stress, only: stress_row
  use diffusive_flux, only: species_and_heat_flux
  use point_physics, only: transport_coefficients, species_enthalpies
  implicit none
  private
  public :: flux_kernel

contains

  !> flux(:, :, d) is the flux of each state field in direction d.
  subroutine flux_kernel(f, b, box, q, prim, p, ghost, flux)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    real(8), intent(in) :: q(b%ld, *), prim(b%ld, *), p(b%ld)
    type(ghost_t), intent(in) :: ghost(:)
    real(8), intent(inout) :: flux(b%ld, f%n + 4, 3)
    integer :: j, k, at, d, n
    n = box%i2 - box%i1 + 1
    do k = box%k1, box%k2
      do j = box%j1, box%j2
        at = box%i1 + b%nx*(j - 1 + b%ny*(k - 1))
        do d = 1, 3
          if (b%active(d)) call convective_row(f, b, n, d, q(at, 1), prim(at, 1), p(at), flux(at, 1, d))
        end do
        if (f%viscous) call diffusive_rows(f, b, box%i1, box%i2, j, k, at, prim, p, q, ghost, flux)
      end do
    end do
  end subroutine

  subroutine convective_row(f, b, n, d, q, prim, p, flux)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    integer, intent(in) :: n, d
    real(8), intent(in) :: q(b%ld, *), prim(b%ld, *), p(n)
    real(8), intent(inout) :: flux(b%ld, *)
    integer :: i, m
    do m = 1, i_rho
      do i = 1, n
        flux(i, m) = q(i, m)*prim(i, p_u - 1 + d)
      end do
    end do
    do i = 1, n
      flux(i, d) = flux(i, d) + p(i)
      flux(i, i_energy) = (q(i, i_energy) + p(i))*prim(i, p_u - 1 + d)
    end do
    do m = i_species, f%n + 4
      do i = 1, n
        flux(i, m) = q(i, m)*prim(i, p_u - 1 + d)
      end do
    end do
  end subroutine

  subroutine diffusive_rows(f, b, i1, i2, j, k, at, prim, p, q, ghost, flux)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    integer, intent(in) :: i1, i2, j, k, at
    real(8), intent(in) :: prim(b%ld, *), p(b%ld), q(b%ld, *)
    type(ghost_t), intent(in) :: ghost(:)
    real(8), intent(inout) :: flux(b%ld, f%n + 4, 3)
    real(8), dimension(i2 - i1 + 1, f%n) :: Y, h, diffusivity
    real(8), dimension(i2 - i1 + 1) :: mu, lambda, T, W, rho
    real(8) :: grad_u(i2 - i1 + 1, 3, 3), tau(i2 - i1 + 1, 6), grad(i2 - i1 + 1, f%n + 2)
    integer :: n, d, m, last
    n = i2 - i1 + 1
    last = at + n - 1
    do m = 1, f%n
      Y(:, m) = prim(at:last, p_species + m - 1)
    end do
    T = prim(at:last, p_T)
    W = prim(at:last, p_species + f%n)
    rho = q(at:last, i_rho)
    call transport_coefficients(f%mech, n, n, T, p(at), Y, W, mu, lambda, diffusivity)
    call species_enthalpies(f%mech, n, n, T, h)
    do d = 1, 3
      do m = 1, 3
        call derivative_row(b, d, prim(1, p_u + m - 1), ghost(p_u + m - 1), i1, i2, j, k, grad_u(1, m, d))
      end do
    end do
    call stress_row(n, mu, grad_u, tau)
    do d = 1, 3
      if (.not. b%active(d)) cycle
      ! Columns of grad: T, Y_1 .. Y_N, W.
      do m = 1, f%n + 2
        call derivative_row(b, d, prim(1, p_T + m - 1), ghost(p_T + m - 1), i1, i2, j, k, grad(1, m))
      end do
      call add_stress(b, n, d, tau, prim(at, p_u), flux(at, 1, d))
      call species_and_heat_flux(f, n, b%ld, rho, Y, W, lambda, diffusivity, h, grad, flux(at, 1, d))
    end do
  end subroutine

  !> Momentum and energy lose tau and u.tau. tau holds xx, yy, zz, xy, xz, yz.
  subroutine add_stress(b, n, d, tau, u, flux)
    type(block_t), intent(in) :: b
    integer, intent(in) :: n, d
    real(8), intent(in) :: tau(n, 6), u(b%ld, 3)
    real(8), intent(inout) :: flux(b%ld, *)
    integer, parameter :: component(3, 3) = reshape([1, 4, 5, 4, 2, 6, 5, 6, 3], [3, 3])
    integer :: i, m
    do m = 1, 3
      do i = 1, n
        flux(i, m) = flux(i, m) - tau(i, component(m, d))
        flux(i, i_energy) = flux(i, i_energy) - u(i, m)*tau(i, component(m, d))
      end do
    end do
  end subroutine
end module
