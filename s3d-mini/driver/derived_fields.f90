!> What reports and output look at, computed from the state.
module derived_fields
  use block, only: block_box
  use flow, only: i_rho, p_T, p_species
  use point_physics, only: production_rates, species_enthalpies
  use point_terms, only: primitives_kernel
  use simulation, only: simulation_t
  implicit none
  private
  public :: primitives_of, heat_release

contains

  !> Primitive fields and pressure of the state. Those in `sim` belong to the last right-hand side, one stage back; they stay as
  !> they are, so that a run's numbers do not depend on how often somebody looks.
  subroutine primitives_of(sim, prim, p)
    type(simulation_t), intent(in) :: sim
    real(8), allocatable, intent(out) :: prim(:, :), p(:)
    allocate (prim, source=sim%prim)
    allocate (p, mold=sim%p)
    call primitives_kernel(sim%f, sim%b, block_box(sim%b), sim%q, prim, p)
  end subroutine

  !> Heat release rate (W/m3), -sum of h_k W_k omega_k, at every point.
  subroutine heat_release(sim, prim, rate)
    type(simulation_t), intent(in) :: sim
    real(8), intent(in) :: prim(:, :)
    real(8), intent(out) :: rate(:)
    real(8), dimension(sim%b%nx, sim%f%n) :: Y, h, omega
    real(8), dimension(sim%b%nx) :: T, rho
    integer :: row, at, last, m, n
    n = sim%b%nx
    rate = 0
    if (.not. sim%f%reacting) return
    do row = 1, sim%b%ny*sim%b%nz
      at = (row - 1)*n + 1
      last = row*n
      T = prim(at:last, p_T)
      rho = sim%q(at:last, i_rho)
      Y = prim(at:last, p_species:p_species + sim%f%n - 1)
      call species_enthalpies(sim%f%mech, n, n, T, h)
      call production_rates(sim%f%mech, n, n, rho, T, Y, omega)
      do m = 1, sim%f%n
        rate(at:last) = rate(at:last) - h(:, m)*sim%f%mech%molecular_weight(m)*omega(:, m)
      end do
    end do
  end subroutine
end module
