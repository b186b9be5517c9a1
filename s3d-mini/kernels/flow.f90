!> What the equations contain, and where each quantity stands in the arrays of fields.
module flow
  use mechanism, only: mechanism_t
  implicit none
  private
  public :: flow_t, i_u, i_rho, i_energy, i_species, p_u, p_T, p_species, state_fields, primitive_fields

  !> Columns of the state q: rho u, rho v, rho w, rho, rho e0, rho Y_1 .. rho Y_(N-1).
  integer, parameter :: i_u = 1, i_rho = 4, i_energy = 5, i_species = 6
  !> Columns of the primitive fields: u, v, w, T, Y_1 .. Y_N, W.
  integer, parameter :: p_u = 1, p_T = 4, p_species = 5

  type :: flow_t
    type(mechanism_t) :: mech
    integer :: n = 0                     !< species
    logical :: viscous = .true.          !< viscous stress, conduction and diffusion
    logical :: reacting = .true.
    logical :: correction_velocity = .false. !< J_k -= Y_k sum J instead of J_N = -sum of the others
  end type

contains

  pure integer function state_fields(f)
    type(flow_t), intent(in) :: f
    state_fields = f%n + 4
  end function

  pure integer function primitive_fields(f)
    type(flow_t), intent(in) :: f
    primitive_fields = f%n + 5
  end function
end module
