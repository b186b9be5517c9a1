!> s3d-methods INPUT [ROUNDS]: what a right-hand side costs by each method, measured in turns so that what else the machine does
!> meets all of them: median, smallest and largest of ROUNDS (7), and time relative to plain MPI in the same round.
program compare_methods
  use mpi_f08
  use failure, only: end_unless
  use flow, only: flow_t
  use flow_setup, only: set_up
  use initial, only: initial_state
  use rhs_choice, only: rhs_create
  use rhs_method, only: rhs_method_t, mapping_t
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_create, simulation_destroy
  implicit none
  character(8), parameter :: methods(3) = [character(8) :: 'mpi', 'direct', 'tasks']
  type(settings_t) :: s
  type(flow_t) :: f
  type(simulation_t), target :: sim
  character(512) :: text
  real(8), allocatable :: wall(:, :), cpu(:, :)
  real(8) :: points
  integer :: provided, rounds, round, m, io, computations, ranks

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call end_unless(any(command_argument_count() == [1, 2]), 'usage: s3d-methods INPUT [ROUNDS]')
  rounds = 7
  if (command_argument_count() == 2) then
    call get_command_argument(2, text)
    read (text, *, iostat=io) rounds
    call end_unless(io == 0 .and. rounds > 0, 'ROUNDS = '//trim(text)//' must be a number, 1 or more')
  end if
  call get_command_argument(1, text)
  call set_up(trim(text), s, f)
  call simulation_create(sim, s, f, MPI_COMM_WORLD)
  call initial_state(sim)
  call MPI_Comm_size(sim%cart, ranks)
  points = product(real(s%points, 8))
  ! A quarter of a second or so.
  computations = max(3, nint(2d5/points))
  allocate (wall(rounds, size(methods)), cpu(rounds, size(methods)))
  do round = 0, rounds
    do m = 1, size(methods)
      ! Round 0 warms up.
      call measure(trim(methods(m)), wall(max(round, 1), m), cpu(max(round, 1), m))
    end do
  end do
  if (sim%rank == 0) then
    print '(3(i0,1x),a,i0,a)', s%points, 'points on ', ranks, ' ranks: median (smallest .. largest)'
    print '(8x,3a)', '      ns a point, elapsed ', '     ns, processors of all ', '         relative to mpi'
    do m = 1, size(methods)
      print '(a,2(f9.1," (",f0.1," .. ",f0.1,")"),f9.3," (",f0.3," .. ",f0.3,")")', methods(m), range_of(wall(:, m)), &
        range_of(cpu(:, m)), range_of(wall(:, m)/wall(:, 1))
    end do
  end if
  call simulation_destroy(sim)
  call MPI_Finalize()

contains

  !> Median, smallest and largest.
  function range_of(values) result(range)
    real(8), intent(in) :: values(:)
    real(8) :: range(3), sorted(size(values))
    integer :: i, j
    do i = 1, size(values)
      j = 1 + count(values < values(i)) + count(values(:i - 1) == values(i))
      sorted(j) = values(i)
    end do
    range = [sorted((size(values) + 1)/2), sorted(1), sorted(size(values))]
  end function

  subroutine measure(name, wall, cpu)
    character(*), intent(in) :: name
    real(8), intent(out) :: wall, cpu
    class(rhs_method_t), allocatable :: method
    real(8) :: times(2), began
    integer :: i
    call rhs_create(name, method, mapping_t(s%mapper, s%mapper_seed))
    call method%create(sim%f, sim%b, sim%cart, s%tile, sim%q, sim%prim, sim%p, sim%rhs)
    call method%compute()
    call method%compute()
    call MPI_Barrier(sim%cart)
    call cpu_time(began)
    times = [MPI_Wtime(), began]
    do i = 1, computations
      call method%compute()
    end do
    times(1) = MPI_Wtime() - times(1)
    call cpu_time(began)
    times(2) = began - times(2)
    call MPI_Allreduce(times(1), wall, 1, MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    call MPI_Allreduce(times(2), cpu, 1, MPI_DOUBLE_PRECISION, MPI_SUM, sim%cart)
    wall = 1d9*wall/(computations*points)
    cpu = 1d9*cpu/(computations*points)
    call method%destroy()
  end subroutine
end program
