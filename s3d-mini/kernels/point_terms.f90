!> Kernels that need no neighbours: primitive fields and pressure from the state, and the chemical source.
module point_terms
  use block, only: block_t, box_t
  use flow, only: flow_t, i_rho, i_species, p_u, p_T, p_species
  use point_physics, only: primitives_from_conserved, production_rates
  implicit none
  private
  public :: primitives_kernel, chemistry_kernel

contains

  !> prim and p from q on a box. prim's temperature is read first: the guess for Newton's iteration.
  subroutine primitives_kernel(f, b, box, q, prim, p)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    real(8), intent(in) :: q(b%ld, *)
    real(8), intent(inout) :: prim(b%ld, *), p(b%ld)
    integer :: j, k, at
    do k = box%k1, box%k2
      do j = box%j1, box%j2
        at = box%i1 + b%nx*(j - 1 + b%ny*(k - 1))
        call primitives_from_conserved(f%mech, box%i2 - box%i1 + 1, b%ld, q(at, 1), prim(at, p_T), p(at), prim(at, p_u), &
                                       prim(at, p_species), prim(at, p_species + f%n))
      end do
    end do
  end subroutine

  !> The source terms of the state: W_k omega_k for the transported species, zero for the others. Overwrites rhs.
  subroutine chemistry_kernel(f, b, box, q, prim, rhs)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    real(8), intent(in) :: q(b%ld, *), prim(b%ld, *)
    real(8), intent(inout) :: rhs(b%ld, *)
    real(8) :: omega(box%i2 - box%i1 + 1, f%n)
    integer :: j, k, m, at, n
    n = box%i2 - box%i1 + 1
    do k = box%k1, box%k2
      do j = box%j1, box%j2
        at = box%i1 + b%nx*(j - 1 + b%ny*(k - 1))
        do m = 1, i_species - 1
          rhs(at:at + n - 1, m) = 0
        end do
        if (f%reacting) then
          call production(f, n, b%ld, q(at, i_rho), prim(at, p_T), prim(at, p_species), omega)
          do m = 1, f%n - 1
            rhs(at:at + n - 1, i_species + m - 1) = f%mech%molecular_weight(m)*omega(:, m)
          end do
        else
          do m = 1, f%n - 1
            rhs(at:at + n - 1, i_species + m - 1) = 0
          end do
        end if
      end do
    end do
  end subroutine

  !> production_rates with its result packed: its arrays all have the leading dimension of its input.
  subroutine production(f, n, ld, rho, T, Y, omega)
    type(flow_t), intent(in) :: f
    integer, intent(in) :: n, ld
    real(8), intent(in) :: rho(n), T(n), Y(ld, f%n)
    real(8), intent(out) :: omega(n, f%n)
    real(8) :: packed(n, f%n)
    packed = Y(1:n, :)
    call production_rates(f%mech, n, n, rho, T, packed, omega)
  end subroutine
end module
