!> One case from its initial state, or from where an earlier run left it, to its end: progress, files on the way, and the checks
!> of the result.
module run
  use mpi_f08
  use flow, only: flow_t
  use initial, only: initial_state
  use run_progress, only: progress_t, progress_start, progress_report
  use restart, only: restart_read, restart_write
  use rhs_choice, only: rhs_create
  use rhs_method, only: rhs_method_t, mapping_t
  use run_checks, only: conserved_t, conserved_of, check_run
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_create, simulation_advance, simulation_ended
  use vtk_file, only: write_fields
  implicit none
  private
  public :: run_case

contains

  !> `good` tells whether all checks hold. sim is left as the run ended.
  subroutine run_case(s, f, sim, good)
    type(settings_t), intent(in) :: s
    type(flow_t), intent(in) :: f
    type(simulation_t), intent(inout), target :: sim
    logical, intent(out) :: good
    class(rhs_method_t), allocatable :: method
    type(conserved_t) :: before
    type(progress_t) :: progress
    call simulation_create(sim, s, f, MPI_COMM_WORLD)
    if (s%restart == '') then
      call initial_state(sim)
    else
      call restart_read(sim)
    end if
    call rhs_create(s%method, method, mapping_t(s%mapper, s%mapper_seed), s%update == 'tasks')
    call method%create(sim%f, sim%b, sim%cart, s%tile, sim%q, sim%prim, sim%p, sim%rhs)
    before = conserved_of(sim)
    call progress_start(progress, sim)
    do
      call simulation_advance(sim, method, next_look(sim))
      if (due(sim, s%save_every)) call restart_write(sim)
      if (simulation_ended(sim)) exit
      if (due(sim, s%report_every)) then
        call progress_report(progress, sim, good)
        if (.not. good) exit
      end if
      if (due(sim, s%write_every)) call write_fields(sim)
    end do
    call progress_report(progress, sim, good)
    good = check_run(sim, before)
    call method%destroy()
  end subroutine

  pure logical function due(sim, every)
    type(simulation_t), intent(in) :: sim
    integer, intent(in) :: every
    due = .false.
    if (every > 0) due = mod(sim%step, every) == 0
  end function

  !> The next step after which something is told or written.
  pure integer function next_look(sim)
    type(simulation_t), intent(in) :: sim
    integer :: i
    next_look = sim%s%steps
    associate (every => [sim%s%save_every, sim%s%report_every, sim%s%write_every])
      do i = 1, size(every)
        if (every(i) > 0) next_look = min(next_look, sim%step + every(i) - mod(sim%step, every(i)))
      end do
    end associate
  end function
end module
