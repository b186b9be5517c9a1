!> s3d-mini INPUT: advances a compressible reacting flow, checks it and shows it. Its last line is PASSED or FAILED with the figure
!> of merit, grid points times right-hand sides a second; before it stands the comparison with plain MPI, when INPUT wants one.
program s3d_mini
  use mpi_f08
  use comparison, only: compare
  use failure, only: end_run, end_unless
  use flow, only: flow_t
  use flow_setup, only: set_up
  use pictures, only: write_pictures
  use run, only: run_case
  use run_progress, only: figure_of_merit
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_destroy
  use vtk_file, only: write_fields
  implicit none
  type(settings_t) :: s
  type(flow_t) :: f
  type(simulation_t), target :: sim, plain
  character(512) :: path
  character(256) :: message
  integer :: provided, status
  logical :: good, plain_good
  real(8) :: merit

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call end_unless(command_argument_count() == 1, 'usage: s3d-mini INPUT')
  call get_command_argument(1, path)
  call set_up(trim(path), s, f)
  ! On every rank: nodes may not share the folder's file system.
  call execute_command_line('mkdir -p "'//trim(s%output)//'"', exitstat=status, cmdmsg=message)
  call end_unless(status == 0, 'output = "'//trim(s%output)//'" cannot be created')

  call run_case(s, f, sim, good)
  if (s%pictures) call write_pictures(sim)
  if (s%fields) call write_fields(sim)
  if (s%compare .and. s%method /= 'mpi') then
    s%method = 'mpi'
    s%write_every = 0
    s%save_every = 0
    call run_case(s, f, plain, plain_good)
    good = compare(sim, plain) .and. good .and. plain_good
    call simulation_destroy(plain)
  end if
  merit = figure_of_merit(sim)
  if (sim%rank == 0) print '(a,f0.2,a)', 'a right-hand side and its update took ', 1d9/merit, ' ns a point, on all ranks together'
  if (sim%rank == 0) print '(a,a,es11.4,a)', merge('PASSED', 'FAILED', good), ': ', merit, &
    ' grid points x right-hand sides a second'
  call simulation_destroy(sim)
  call end_run(good)
end program
