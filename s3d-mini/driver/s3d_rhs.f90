!> s3d-rhs INPUT Q RHS: the right-hand side of a state. Q and RHS are raw 64-bit fields in Fortran order, the N+4 state
!> fields one after the other over the points of INPUT. With "initial" for Q the state is INPUT's initial condition.
!> More than one of COMPUTATIONS: the fastest of those after the first is told.
program s3d_rhs
  use mpi_f08
  use flow, only: flow_t, p_T
  use failure, only: end_unless
  use flow_setup, only: set_up
  use initial, only: initial_state
  use raw_field, only: raw_read, raw_write
  use rhs_choice, only: rhs_create
  use rhs_method, only: rhs_method_t, mapping_t
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_create, simulation_destroy
  implicit none
  type(settings_t) :: s
  type(flow_t) :: f
  type(simulation_t), target :: sim
  class(rhs_method_t), allocatable :: method
  character(512) :: paths(3), count
  integer :: m, provided, repetitions, r, io
  real(8) :: started, seconds

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call end_unless(any(command_argument_count() == [3, 4]), 'usage: s3d-rhs INPUT Q RHS [COMPUTATIONS]')
  do m = 1, 3
    call get_command_argument(m, paths(m))
  end do
  repetitions = 1
  if (command_argument_count() > 3) then
    call get_command_argument(4, count)
    read (count, *, iostat=io) repetitions
    call end_unless(io == 0 .and. repetitions > 0, 'COMPUTATIONS = '//trim(count)//' must be a number, 1 or more')
  end if
  call set_up(trim(paths(1)), s, f)
  call simulation_create(sim, s, f, MPI_COMM_WORLD)
  if (paths(2) == 'initial') then
    call initial_state(sim)
  else
    call raw_read(sim, trim(paths(2)), sim%q)
    ! Newton's first guess.
    sim%prim(:, p_T) = s%temperature
  end if
  call rhs_create(s%method, method, mapping_t(s%mapper, s%mapper_seed))
  call method%create(sim%f, sim%b, sim%cart, s%tile, sim%q, sim%prim, sim%p, sim%rhs)
  call method%compute()
  seconds = huge(seconds)
  do r = 2, repetitions
    call MPI_Barrier(sim%cart)
    started = MPI_Wtime()
    call method%compute()
    call MPI_Barrier(sim%cart)
    seconds = min(seconds, MPI_Wtime() - started)
  end do
  call raw_write(sim, trim(paths(3)), sim%rhs)
  if (sim%rank == 0 .and. repetitions > 1) print '(a,f10.1)', 'ns a point and right-hand side, whole machine: ', &
    seconds*1d9/product(real(s%points, 8))
  call method%destroy()
  call simulation_destroy(sim)
  call MPI_Finalize()
end program
