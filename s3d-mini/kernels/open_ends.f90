!> The two ends of a duct along x: an inlet that holds velocity, temperature and composition, and an outlet that lets sound out.
!> Characteristic boundary conditions of Poinsot & Lele, J. Comput. Phys. 101 (1992): their inlet SI-1 and partly reflecting
!> outlet. Both correct one point of a right-hand side that was computed with one-sided stencils.
module open_ends
  use block, only: block_t
  use flow, only: flow_t, i_u, i_rho, i_energy, i_species, p_u, p_T, p_species
  use mechanism, only: gas_constant
  use point_physics, only: heat_capacity_and_enthalpy, sound_speeds
  use stencil, only: closure
  implicit none
  private
  public :: hold_inlet, open_outlet

contains

  !> At the first point of each row the sound wave that arrives leaves with the same amplitude; only the density changes.
  subroutine hold_inlet(f, b, q, prim, p, rhs)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    real(8), intent(in) :: q(b%ld, *), prim(b%ld, *), p(b%ld)
    real(8), intent(inout) :: rhs(b%ld, *)
    real(8) :: leaving, density_rate
    integer :: row, at, m
    do row = 1, b%ny*b%nz
      at = 1 + (row - 1)*b%nx
      leaving = wave(f, b, at, 1, q, prim, p)
      density_rate = -leaving*prim(at, p_species + f%n)/(gas_constant*prim(at, p_T))
      do m = 1, f%n + 4
        rhs(at, m) = q(at, m)/q(at, i_rho)*density_rate
      end do
    end do
  end subroutine

  !> At the last point of each row the entering sound wave is `stiffness` c (1 - M^2)/length (p - far_pressure), whatever the
  !> stencil made of it.
  subroutine open_outlet(f, b, stiffness, length, far_pressure, q, prim, p, rhs)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    real(8), intent(in) :: stiffness, length, far_pressure, q(b%ld, *), prim(b%ld, *), p(b%ld)
    real(8), intent(inout) :: rhs(b%ld, *)
    real(8) :: c, change, density_rate, velocity_rate
    integer :: row, at, m
    do row = 1, b%ny*b%nz
      at = row*b%nx
      c = sound_at(f, b, at, prim)
      change = stiffness*c*(1 - (prim(at, p_u)/c)**2)/length*(p(at) - far_pressure) - wave(f, b, at, -1, q, prim, p)
      density_rate = -change/(2*c**2)
      velocity_rate = change/(2*q(at, i_rho)*c)
      do m = i_u, f%n + 4
        if (m == i_energy) cycle
        rhs(at, m) = rhs(at, m) + q(at, m)/q(at, i_rho)*density_rate
      end do
      ! The change is isentropic: d(rho e0) = (h + u^2/2) d rho + rho u du.
      rhs(at, i_energy) = rhs(at, i_energy) + (q(at, i_energy) + p(at))/q(at, i_rho)*density_rate &
                          + q(at, i_u)*velocity_rate
      rhs(at, i_u) = rhs(at, i_u) + q(at, i_rho)*velocity_rate
    end do
  end subroutine

  !> (u - c) (dp/dx - rho c du/dx) at point `at`, the first (inwards = 1) or last (-1) of a row.
  real(8) function wave(f, b, at, inwards, q, prim, p)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    integer, intent(in) :: at, inwards
    real(8), intent(in) :: q(b%ld, *), prim(b%ld, *), p(b%ld)
    real(8) :: pressure_slope(1), velocity_slope(1), c
    integer :: last
    last = at + 6*inwards
    call closure(1, 1, p(at:last:inwards), inwards/b%dx(1), pressure_slope)
    call closure(1, 1, prim(at:last:inwards, p_u), inwards/b%dx(1), velocity_slope)
    c = sound_at(f, b, at, prim)
    wave = (prim(at, p_u) - c)*(pressure_slope(1) - q(at, i_rho)*c*velocity_slope(1))
  end function

  real(8) function sound_at(f, b, at, prim)
    type(flow_t), intent(in) :: f
    type(block_t), intent(in) :: b
    integer, intent(in) :: at
    real(8), intent(in) :: prim(b%ld, *)
    real(8) :: cp(1), h(1), sound(1)
    call heat_capacity_and_enthalpy(f%mech, 1, b%ld, prim(at, p_T), prim(at, p_species), cp, h)
    call sound_speeds(1, prim(at, p_T), prim(at, p_species + f%n), cp, sound)
    sound_at = sound(1)
  end function
end module
