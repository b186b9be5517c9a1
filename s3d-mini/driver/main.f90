!> s3d-mini INPUT: advances a compressible reacting flow and reports. Its last line is PASSED or FAILED with the figure of
!> merit, grid points times right-hand sides a second.
program s3d_mini
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use mpi_f08
  use flow_setup, only: flow_from
  use flow, only: flow_t, i_rho, i_energy, p_T
  use initial, only: initial_state
  use output, only: write_fields, write_pictures
  use rhs_choice, only: rhs_create
  use rhs_method, only: rhs_method_t
  use settings, only: settings_t, settings_read, stop_with
  use simulation, only: simulation_t, simulation_create, simulation_step, simulation_destroy
  implicit none
  type(settings_t) :: s
  type(flow_t) :: f
  type(simulation_t), target :: sim, reference
  character(512) :: path
  integer :: rank, provided
  logical :: good

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  if (command_argument_count() /= 1) call stop_with('usage: s3d-mini INPUT')
  call get_command_argument(1, path)
  call settings_read(trim(path), s)
  call flow_from(s, f)
  if (rank == 0) call execute_command_line('mkdir -p '//trim(s%output))
  call MPI_Barrier(MPI_COMM_WORLD)

  call run(s, sim, good)
  if (s%pictures) call write_pictures(sim)
  if (s%fields) call write_fields(sim)
  if (s%compare .and. s%method /= 'mpi') call compare_with_mpi(good)
  if (rank == 0) print '(a,a,es11.4,a)', merge('PASSED', 'FAILED', good), ': ', figure_of_merit(sim), &
    ' grid points x right-hand sides a second'
  call simulation_destroy(sim)
  call MPI_Finalize()

contains

  subroutine run(s, sim, good)
    type(settings_t), intent(in) :: s
    type(simulation_t), intent(inout), target :: sim
    logical, intent(out) :: good
    class(rhs_method_t), allocatable :: method
    real(8) :: started, totals(3)
    call simulation_create(sim, s, f, MPI_COMM_WORLD)
    call initial_state(sim)
    call rhs_create(s%method, method)
    call method%create(sim%f, sim%b, sim%cart, s%tile, sim%q, sim%prim, sim%p, sim%rhs)
    totals = conserved_totals(sim)
    if (sim%rank == 0) print '(3a,3(i0,1x),3a)', 'case ', trim(s%case_name), ', points ', s%points, 'method ', trim(s%method), &
      ': step, time (s), dt (s), T min, T max (K), p min, p max (Pa), max |u| (m/s), time left (s)'
    started = MPI_Wtime()
    do while (sim%step < s%steps .and. (s%end_time <= 0 .or. sim%time < s%end_time*(1 - 1d-12)))
      call simulation_step(sim, method)
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
    call check_conservation(sim, totals, good)
    call method%destroy()
  end subroutine

  !> One line of progress; false when a value is not finite.
  subroutine report(sim, elapsed, good)
    type(simulation_t), intent(in) :: sim
    real(8), intent(in) :: elapsed
    logical, intent(out) :: good
    real(8) :: extrema(5), fraction
    integer :: n
    n = sim%b%nx*sim%b%ny*sim%b%nz
    extrema = [-minval(sim%prim(1:n, p_T)), maxval(sim%prim(1:n, p_T)), -minval(sim%p(1:n)), maxval(sim%p(1:n)), &
               sqrt(maxval(sum(sim%prim(1:n, 1:3)**2, dim=2)))]
    call MPI_Allreduce(MPI_IN_PLACE, extrema, 5, MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    fraction = real(sim%step, 8)/sim%s%steps
    if (sim%s%end_time > 0) fraction = max(fraction, sim%time/sim%s%end_time)
    if (sim%rank == 0) print '(i7,2es12.4,2f9.2,2es12.4,es11.3,f9.1)', sim%step, sim%time, sim%dt, -extrema(1), extrema(2), &
      -extrema(3), extrema(4), extrema(5), elapsed*(1 - fraction)/max(fraction, tiny(1d0))
    good = all(ieee_is_finite(extrema)) .and. ieee_is_finite(sum(sim%q(1:n, i_energy)))
    call MPI_Allreduce(MPI_IN_PLACE, good, 1, MPI_LOGICAL, MPI_LAND, sim%cart)
  end subroutine

  !> Mass, energy and the sum of |rho e0| that scales its error.
  function conserved_totals(sim) result(totals)
    type(simulation_t), intent(in) :: sim
    real(8) :: totals(3)
    integer :: n
    n = sim%b%nx*sim%b%ny*sim%b%nz
    totals = [sum(sim%q(1:n, i_rho)), sum(sim%q(1:n, i_energy)), sum(abs(sim%q(1:n, i_energy)))]
    call MPI_Allreduce(MPI_IN_PLACE, totals, 3, MPI_DOUBLE_PRECISION, MPI_SUM, sim%cart)
  end function

  !> A periodic box keeps mass and energy to rounding, which grows with the steps.
  subroutine check_conservation(sim, before, good)
    type(simulation_t), intent(in) :: sim
    real(8), intent(in) :: before(3)
    logical, intent(inout) :: good
    real(8) :: after(3), drift(2)
    after = conserved_totals(sim)
    drift = abs(after(1:2) - before(1:2))/[before(1), before(3)]
    if (sim%rank == 0) print '(a,2es10.2)', 'relative drift of mass and energy: ', drift
    good = good .and. all(drift <= 1d-13*max(1d0, sim%step/100d0))
  end subroutine

  subroutine compare_with_mpi(good)
    logical, intent(inout) :: good
    type(settings_t) :: plain
    logical :: reference_good
    real(8) :: difference
    integer :: m
    plain = s
    plain%method = 'mpi'
    call run(plain, reference, reference_good)
    difference = 0
    do m = 1, size(sim%q, 2)
      difference = max(difference, maxval(abs(sim%q(:, m) - reference%q(:, m)))/max(maxval(abs(reference%q(:, m))), tiny(1d0)))
    end do
    call MPI_Allreduce(MPI_IN_PLACE, difference, 1, MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    if (rank == 0) print '(3a,es9.2,a,2f9.3)', 'compared with mpi: ', trim(s%method), ' differs by ', difference, &
      ' (relative); seconds in right-hand sides, its own and mpi''s: ', sim%rhs_seconds, reference%rhs_seconds
    good = good .and. reference_good .and. difference <= 1d-12
    call simulation_destroy(reference)
  end subroutine

  real(8) function figure_of_merit(sim)
    type(simulation_t), intent(in) :: sim
    figure_of_merit = product(real(sim%s%points, 8))*sim%evaluations/sim%rhs_seconds
  end function
end program
