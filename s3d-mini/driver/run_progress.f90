!> What a run tells about itself on the way: a head with what is computed, and a line now and then with the state's extremes and
!> the time that is left.
module run_progress
  use mpi_f08
  use run_checks, only: extrema_t, extrema_of
  use simulation, only: simulation_t
  implicit none
  private
  public :: progress_t, progress_start, progress_report, figure_of_merit

  type :: progress_t
    real(8) :: started = 0   !< wall clock, s
    real(8) :: done_then = 0 !< part of the whole run
  end type

contains

  subroutine progress_start(progress, sim)
    type(progress_t), intent(out) :: progress
    type(simulation_t), intent(in) :: sim
    progress = progress_t(MPI_Wtime(), part_done(sim))
    if (sim%rank /= 0) return
    associate (s => sim%s)
      print '(4a,2(i0,a),i0,a,2(es10.3,a),es10.3,a)', 'case ', trim(s%case_name), ' by method ', trim(s%method)//': ', &
        s%points(1), ' x ', s%points(2), ' x ', s%points(3), ' points in', s%length(1), ' x', s%length(2), ' x', s%length(3), ' m'
      print '(a,i0,a,i0,3a,3(i0,a),2(i0,a))', 'mechanism of ', sim%f%n, ' species and ', size(sim%f%mech%reaction), &
        ' reactions from ', trim(s%mechanism), '; ', sim%blocks(1), ' x ', sim%blocks(2), ' x ', sim%blocks(3), &
        ' ranks; tiles of ', s%tile(1), ' x ', s%tile(2), ' rows'
      if (sim%step > 0) print '(3a,i0)', 'goes on from ', trim(s%restart), ' at step ', sim%step
    end associate
    print '(a7,2a12,2a10,2a13,a12,a10)', 'step', 'time (s)', 'dt (s)', 'T min (K)', 'T max (K)', 'p min (Pa)', 'p max (Pa)', &
      '|u| (m/s)', 'left (s)'
  end subroutine

  !> One line; `good` is false when a value is not finite. Collective.
  subroutine progress_report(progress, sim, good)
    type(progress_t), intent(in) :: progress
    type(simulation_t), intent(in) :: sim
    logical, intent(out) :: good
    type(extrema_t) :: e
    real(8) :: done
    e = extrema_of(sim)
    good = e%finite
    if (sim%rank /= 0) return
    done = part_done(sim)
    print '(i7,2es12.4,2f10.2,2es13.5,es12.4,f10.1)', sim%step, sim%time, sim%dt, e%T, e%p, e%speed, &
      (MPI_Wtime() - progress%started)*max(0d0, 1 - done)/(done - progress%done_then)
  end subroutine

  pure real(8) function part_done(sim)
    type(simulation_t), intent(in) :: sim
    part_done = real(sim%step, 8)/sim%s%steps
    if (sim%s%end_time > 0) part_done = max(part_done, sim%time/sim%s%end_time)
  end function

  !> Grid points times right-hand sides a second, of the slowest rank. Collective.
  real(8) function figure_of_merit(sim)
    type(simulation_t), intent(in) :: sim
    real(8) :: seconds
    seconds = sim%rhs_seconds
    call MPI_Allreduce(MPI_IN_PLACE, seconds, 1, MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    figure_of_merit = product(real(sim%s%points, 8))*sim%evaluations/seconds
  end function
end module
