!> Runs inside check programs: from settings to a simulation at its start, and on to its last step.
module runs
  use mpi_f08
  use failure, only: end_if_any
  use flow, only: flow_t
  use flow_setup, only: flow_from
  use initial, only: initial_check, initial_state
  use rhs_method, only: rhs_method_t
  use rhs_mpi, only: rhs_mpi_t
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_create, simulation_advance
  implicit none
  private
  public :: start, advance, advance_by

contains

  subroutine start(sim, s, comm)
    type(simulation_t), intent(inout) :: sim
    type(settings_t), intent(in) :: s
    type(MPI_Comm), intent(in) :: comm
    type(flow_t) :: f
    character(512) :: error
    call flow_from(s, f, error)
    if (error == '') call initial_check(s, f, error)
    call end_if_any(error)
    call simulation_create(sim, s, f, comm)
    call initial_state(sim)
  end subroutine

  !> To the last step; prim and p are then those of the state.
  subroutine advance(sim)
    type(simulation_t), intent(inout), target :: sim
    type(rhs_mpi_t) :: method
    call advance_by(method, sim)
  end subroutine

  subroutine advance_by(method, sim)
    class(rhs_method_t), intent(inout) :: method
    type(simulation_t), intent(inout), target :: sim
    call method%create(sim%f, sim%b, sim%cart, sim%s%tile, sim%q, sim%prim, sim%p, sim%rhs)
    do while (sim%step < sim%s%steps)
      call simulation_advance(sim, method, sim%s%steps)
    end do
    call method%compute()
    call method%destroy()
  end subroutine
end module
