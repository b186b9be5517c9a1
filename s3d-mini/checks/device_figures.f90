!> s3d-device-figures INPUT OPERATIONS [TRIAD_POINTS [ROUNDS]]: what a right-hand side costs on the device of one rank, with the
!> update of the state: all kernels in turn as they run in a stage, and each alone, those of the filter and the time step too; bytes
!> and operations of each from the formulas, beside what the device's memory gives. OPERATIONS has a line for each kernel, its name
!> and operations a point: tests/count_operations.cpp counts them.
program device_figures
  use mpi_f08
  use cohort, only: cohort_memory_info, cohort_machine_memories, cohort_wait_all, COHORT_MEMORY_DEVICE
  use device_source, only: kernel_name, stage_kernels
  use equal_steps, only: equal_steps_t
  use failure, only: end_unless
  use flow, only: flow_t
  use flow_setup, only: set_up
  use initial, only: initial_state
  use rhs_direct, only: rhs_direct_t
  use rhs_method, only: mapping_t
  use runge_kutta, only: stages
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_create, simulation_destroy
  use tile_tasks, only: launch_alone
  use triad, only: device_bandwidth
  implicit none
  !> Steps in a row, and launches of one kernel; what begins and ends such a row, copies of the state above all, is measured by a
  !> shorter one and taken off.
  integer, parameter :: steps = 3, launches = stages*steps
  real(8), parameter :: dt = 1d-12
  type(settings_t) :: s
  type(flow_t) :: f
  type(simulation_t), target :: sim
  type(rhs_direct_t) :: method
  type(equal_steps_t), target :: course
  type(cohort_memory_info), allocatable :: memories(:)
  real(8) :: operations(size(kernel_name)), alone(size(kernel_name)), bandwidth, whole, points
  integer :: provided, ranks, kind, triad_points, rounds
  character(512) :: path

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call end_unless(any(command_argument_count() == [2, 3, 4]), 'usage: s3d-device-figures INPUT OPERATIONS [TRIAD_POINTS [ROUNDS]]')
  call MPI_Comm_size(MPI_COMM_WORLD, ranks)
  call end_unless(ranks == 1, 's3d-device-figures measures one rank and its device: start it with one')
  triad_points = number(3, 2**24)
  rounds = number(4, 3)
  call get_command_argument(2, path)
  call operations_read(trim(path), operations)
  call get_command_argument(1, path)
  call set_up(trim(path), s, f)
  call simulation_create(sim, s, f, MPI_COMM_WORLD)
  call initial_state(sim)
  method%mapping = mapping_t('device')
  method%updates_state = .true.
  call method%create(sim%f, sim%b, sim%cart, s%tile, sim%q, sim%prim, sim%p, sim%rhs)
  call cohort_machine_memories(method%rt, memories, COHORT_MEMORY_DEVICE)
  call end_unless(size(memories) > 0, 'there is no device: COHORT_DEVICES chooses, and cohort-info lists them')
  bandwidth = device_bandwidth(method%rt, triad_points)
  ! Kernels are compiled at their first launch.
  course = equal_steps_t(dt, 1)
  call method%advance(course)
  whole = (seconds_of_steps(1 + steps) - seconds_of_steps(1))/launches
  do kind = 1, size(kernel_name)
    alone(kind) = (seconds_of_kernel(kind, 1 + launches) - seconds_of_kernel(kind, 1))/launches
  end do
  points = product(real(s%points, 8))
  call tell()
  call method%destroy()
  call simulation_destroy(sim)
  call MPI_Finalize()

contains

  integer function number(argument, default)
    integer, intent(in) :: argument, default
    character(32) :: text
    integer :: io
    number = default
    if (command_argument_count() < argument) return
    call get_command_argument(argument, text)
    read (text, *, iostat=io) number
    call end_unless(io == 0 .and. number > 0, '"'//trim(text)//'" must be a number, 1 or more')
  end function

  subroutine operations_read(path, operations)
    character(*), intent(in) :: path
    real(8), intent(out) :: operations(:)
    character(16) :: name
    real(8) :: value
    integer :: unit, io
    operations = 0
    open (newunit=unit, file=path, status='old', action='read', iostat=io)
    call end_unless(io == 0, path//' cannot be opened')
    do
      read (unit, *, iostat=io) name, value
      if (io /= 0) exit
      where (kernel_name == name) operations = value
    end do
    close (unit)
    call end_unless(all(operations > 0), path//': must have a line with the operations of each kernel: '//kernels())
  end subroutine

  function kernels() result(text)
    character(:), allocatable :: text
    integer :: kind
    text = trim(kernel_name(1))
    do kind = 2, size(kernel_name)
      text = text//', '//trim(kernel_name(kind))
    end do
  end function

  !> The least of the rounds, as below.
  real(8) function seconds_of_steps(times) result(seconds)
    integer, intent(in) :: times
    real(8) :: started
    integer :: round
    seconds = huge(seconds)
    do round = 1, rounds
      started = MPI_Wtime()
      course = equal_steps_t(dt, times)
      call method%advance(course)
      seconds = min(seconds, MPI_Wtime() - started)
    end do
  end function

  real(8) function seconds_of_kernel(kind, times) result(seconds)
    integer, intent(in) :: kind, times
    real(8) :: started
    integer :: round, i
    seconds = huge(seconds)
    do round = 1, rounds
      started = MPI_Wtime()
      do i = 1, times
        call launch_alone(method%root, kind)
      end do
      call cohort_wait_all(method%root)
      seconds = min(seconds, MPI_Wtime() - started)
    end do
  end function

  !> Bytes that a kernel must move for a point, each field once: README.md has the formulas. Of the update, those of a stage that is
  !> neither first nor last.
  pure real(8) function bytes(kind)
    integer, intent(in) :: kind
    integer :: n
    n = f%n
    select case (kernel_name(kind))
    case ('primitives')
      bytes = 8*(2*n + 11)
    case ('chemistry')
      bytes = 8*(2*n + 6)
    case ('fluxes')
      bytes = 8*(5*n + 22)
    case ('divergence')
      bytes = 8*(5*n + 20)
    case ('update')
      bytes = 8*4*(n + 4)
    case ('rates')
      bytes = 8*(n + 7)
    case default
      bytes = 8*2*(n + 4)
    end select
  end function

  subroutine tell()
    real(8) :: of_stage
    integer :: kind
    of_stage = sum([(bytes(kind), kind=1, stage_kernels)])
    print '(2a,3(i0,a))', trim(s%mechanism), ', ', s%points(1), ' x ', s%points(2), ' x ', s%points(3), ' points on one device'
    print '(a,f10.2,a,i0,a)', 'memory of the device, measured by a triad: ', bandwidth*1d-9, ' GB/s (arrays of ', triad_points, &
      ' numbers)'
    print '(a12,a10,a12,a12,a10,a12,a12,a14)', 'kernel', 'bytes', 'operations', 'ns a point', 'GB/s', 'Gop/s', 'ns, memory', &
      'of bandwidth'
    do kind = 1, size(kernel_name)
      if (kind == stage_kernels + 1) then
        call tell_of('all', of_stage, sum(operations(:stage_kernels)), sum(alone(:stage_kernels)))
        call tell_of('in a step', of_stage, sum(operations(:stage_kernels)), whole)
      end if
      call tell_of(trim(kernel_name(kind)), bytes(kind), operations(kind), alone(kind))
    end do
    print '(a,f8.2,a)', 'one right-hand side with its update: ', whole*1d9/points, ' ns a point'
    print '(a,f6.1,a)', 'lost between kernels, exchange of ghosts included: ', 100*(1 - sum(alone(:stage_kernels))/whole), ' %'
  end subroutine

  subroutine tell_of(name, moved, done, seconds)
    character(*), intent(in) :: name
    real(8), intent(in) :: moved, done, seconds
    associate (each => seconds/points)
      print '(a12,f10.0,f12.0,f12.3,f10.2,f12.2,f12.3,f12.1,a)', name, moved, done, each*1d9, moved/each*1d-9, done/each*1d-9, &
        moved/bandwidth*1d9, 100*moved/bandwidth/each, ' %'
    end associate
  end subroutine
end program
