!> One case from its initial state to its end: progress, fields on the way, and the checks of the result.
module run
  use mpi_f08
  use flow, only: flow_t
  use initial, only: initial_state
  use vtk_file, only: write_fields
  use rhs_choice, only: rhs_create
  use rhs_method, only: rhs_method_t
  use run_checks, only: conserved_t, extrema_t, conserved_of, extrema_of, check_run
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_create, simulation_step
  implicit none
  private
  public :: run_case, figure_of_merit

contains

  !> `good` tells whether all checks hold. sim is left as the run ended.
  subroutine run_case(s, f, sim, good)
    type(settings_t), intent(in) :: s
    type(flow_t), intent(in) :: f
    type(simulation_t), intent(inout), target :: sim
    logical, intent(out) :: good
    class(rhs_method_t), allocatable :: method
    type(conserved_t) :: before
    real(8) :: started
    call simulation_create(sim, s, f, MPI_COMM_WORLD)
    call initial_state(sim)
    call rhs_create(s%method, method)
    call method%create(sim%f, sim%b, sim%cart, s%tile, sim%q, sim%prim, sim%p, sim%rhs)
    ! Sets the pressure, which the first totals need.
    call method%compute()
    before = conserved_of(sim)
    if (sim%rank == 0) print '(3a,3(i0,1x),3a)', 'case ', trim(s%case_name), ', points ', s%points, 'method ', trim(s%method), &
      ': step, time (s), dt (s), T min, T max (K), p min, p max (Pa), max |u| (m/s), time left (s)'
    started = MPI_Wtime()
    do
      call simulation_step(sim, method)
      if (sim%step >= s%steps .or. (s%end_time > 0 .and. sim%time >= s%end_time*(1 - 1d-12))) exit
      if (mod(sim%step, s%report_every) == 0) then
        call report(sim, MPI_Wtime() - started, good)
        if (.not. good) exit
      end if
      if (s%write_every > 0) then
        if (mod(sim%step, s%write_every) == 0) call write_fields(sim)
      end if
    end do
    call method%compute()
    call report(sim, MPI_Wtime() - started, good)
    good = check_run(sim, before)
    call method%destroy()
  end subroutine

  !> One line of progress; false when a value is not finite.
  subroutine report(sim, elapsed, good)
    type(simulation_t), intent(in) :: sim
    real(8), intent(in) :: elapsed
    logical, intent(out) :: good
    type(extrema_t) :: e
    real(8) :: fraction
    e = extrema_of(sim)
    good = e%finite
    fraction = real(sim%step, 8)/sim%s%steps
    if (sim%s%end_time > 0) fraction = max(fraction, sim%time/sim%s%end_time)
    if (sim%rank == 0) print '(i7,2es12.4,2f9.2,2es12.4,es11.3,f9.1)', sim%step, sim%time, sim%dt, e%T, e%p, e%speed, &
      elapsed*max(0d0, 1 - fraction)/fraction
  end subroutine

  !> Grid points times right-hand sides a second, of the slowest rank. Collective.
  real(8) function figure_of_merit(sim)
    type(simulation_t), intent(in) :: sim
    real(8) :: seconds
    seconds = sim%rhs_seconds
    call MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    figure_of_merit = product(real(sim%s%points, 8))*sim%evaluations/seconds
  end function
end module
