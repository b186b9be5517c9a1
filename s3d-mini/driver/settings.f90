!> What the user may choose: one namelist file. Every value has a default and a rule; the text of a broken
!> rule says value, rule and what to do.
module settings
  use stencil, only: stencil_depth
  implicit none
  private
  public :: settings_t, settings_read

  character(8), parameter :: methods(3) = [character(8) :: 'mpi', 'tasks', 'direct']
  character(8), parameter :: updaters(2) = [character(8) :: 'fortran', 'tasks']
  character(11), parameter :: mappers(7) = [character(11) :: 'default', 'cpu', 'device', 'mixed', 'overflow', 'fuzz', &
                                                       'fuzz_device']

  type :: settings_t
    character(32) :: case_name = 'ignition_h2'
    character(256) :: mechanism = 'h2o2'          !< a folder with chem.inp, therm.dat and, for viscous cases, tran.dat
    character(16) :: method = 'mpi'               !< mpi, tasks or direct
    character(16) :: update = 'fortran'           !< who advances the state by it: fortran, or tasks (methods tasks, direct)
    character(16) :: mapper = 'default'           !< of tasks and direct: default, cpu, device, mixed, overflow, fuzz, fuzz_device
    integer :: mapper_seed = 0                    !< of what fuzz and fuzz_device choose at random
    character(256) :: output = 'output'
    integer :: points(3) = [32, 32, 32]
    integer :: ranks(3) = 0                       !< blocks in each direction, 0: chosen by MPI_Dims_create
    integer :: tile(2) = [16, 4]                  !< rows of a tile in y and z: thin slabs keep stencils in cache
    real(8) :: length(3) = 1d-3                   !< m
    real(8) :: end_time = 0                       !< s; 0: `steps` decides alone
    integer :: steps = 100
    real(8) :: cfl = 1.5d0, fourier = 1.0d0, chemical_cfl = 2.5d0 !< what a step may be of each limit's time
    real(8) :: fixed_dt = 0, max_dt = huge(1d0)   !< s
    logical :: viscous = .true., reacting = .true., correction_velocity = .false.
    integer :: filter_every = 10, report_every = 10
    integer :: write_every = 0                    !< steps between VTK files, 0: only at the end
    integer :: save_every = 0                     !< steps between restart files, 0: none
    character(256) :: restart = ''                !< name of restart files to go on from, without .nml and .raw
    logical :: pictures = .true., fields = .true.
    logical :: compare = .false.                  !< run the case again with method 'mpi' and compare
    character(16) :: radical = 'OH'
    ! Initial conditions
    real(8) :: temperature = 300d0, pressure = 101325d0, phi = 0.7d0
    real(8) :: hot_temperature = 1500d0, hot_radius = 0.15d0 !< radius as a fraction of the first length
    real(8) :: velocity(3) = 0, amplitude = 1d-3, turbulence = 0
    real(8) :: shift(3) = 0                       !< m; where the initial state's origin lies
    integer :: direction = 1                      !< 1, 2, 3: x, y, z, along which acoustic, shear and flame_1d vary
    character(16) :: fuel = 'H2'
  end type

contains

  !> `error` stays empty when all went well.
  subroutine settings_read(path, s, error)
    character(*), intent(in) :: path
    type(settings_t), intent(out), target :: s
    character(*), intent(out) :: error
    ! A namelist takes no components: each setting has a pointer of its name.
    character(32), pointer :: case_name
    character(16), pointer :: method, update, mapper, radical, fuel
    character(256), pointer :: mechanism, output, restart
    integer, pointer, dimension(:) :: points, ranks, tile
    integer, pointer :: steps, filter_every, report_every, write_every, save_every, direction, mapper_seed
    real(8), pointer, dimension(:) :: length, velocity, shift
    real(8), pointer :: end_time, cfl, fourier, chemical_cfl, fixed_dt, max_dt
    real(8), pointer :: temperature, pressure, phi, hot_temperature, hot_radius, amplitude, turbulence
    logical, pointer :: viscous, reacting, correction_velocity, pictures, fields, compare
    integer :: unit, io
    character(256) :: message
    namelist /run/ case_name, mechanism, method, update, mapper, mapper_seed, output, points, ranks, tile, length, end_time, &
      steps, cfl, fourier, chemical_cfl, fixed_dt, max_dt, viscous, reacting, correction_velocity, filter_every, report_every, &
      write_every, save_every, restart, pictures, fields, compare, radical
    namelist /initial/ temperature, pressure, phi, hot_temperature, hot_radius, velocity, amplitude, turbulence, shift, &
      direction, fuel

    case_name => s%case_name; mechanism => s%mechanism; method => s%method; output => s%output
    update => s%update; mapper => s%mapper; mapper_seed => s%mapper_seed
    points => s%points; ranks => s%ranks; tile => s%tile; length => s%length; end_time => s%end_time; steps => s%steps
    cfl => s%cfl; fourier => s%fourier; chemical_cfl => s%chemical_cfl; fixed_dt => s%fixed_dt; max_dt => s%max_dt
    viscous => s%viscous; reacting => s%reacting; correction_velocity => s%correction_velocity
    filter_every => s%filter_every; report_every => s%report_every; write_every => s%write_every
    save_every => s%save_every; restart => s%restart
    pictures => s%pictures; fields => s%fields; compare => s%compare; radical => s%radical
    temperature => s%temperature; pressure => s%pressure; phi => s%phi
    hot_temperature => s%hot_temperature; hot_radius => s%hot_radius; velocity => s%velocity; amplitude => s%amplitude
    turbulence => s%turbulence; shift => s%shift; direction => s%direction; fuel => s%fuel

    error = ''
    open (newunit=unit, file=path, status='old', action='read', iostat=io, iomsg=message)
    if (io /= 0) then
      error = path//': cannot be opened: '//message
      return
    end if
    read (unit, nml=run, iostat=io, iomsg=message)
    if (io /= 0) error = path//': namelist &run is missing, unfinished or wrong: '//message
    rewind (unit)
    if (error == '') read (unit, nml=initial, iostat=io, iomsg=message)
    if (error == '' .and. io /= 0) error = path//': namelist &initial is missing, unfinished or wrong: '//message
    close (unit)
    if (error /= '') return

    call check(path, s, error)
  end subroutine

  !> Comparisons are written so that a NaN breaks the rule.
  subroutine check(path, s, error)
    character(*), intent(in) :: path
    type(settings_t), intent(in) :: s
    character(*), intent(inout) :: error
    call numbers(all(s%points == 1 .or. s%points > 2*stencil_depth), 'points', real(s%points, 8), &
                 'must be 1 or at least 9 in each direction: the stencil reaches 4 points each way')
    call numbers(all(s%ranks >= 0), 'ranks', real(s%ranks, 8), 'must be the blocks in each direction, or 0 where MPI may choose')
    call numbers(all(s%tile >= 1), 'tile', real(s%tile, 8), 'must be at least 1 row in y and z')
    call numbers(s%steps >= 1, 'steps', [real(s%steps, 8)], 'must be at least 1')
    call numbers(s%report_every >= 1, 'report_every', [real(s%report_every, 8)], 'must be at least 1 step')
    call numbers(s%filter_every >= 0, 'filter_every', [real(s%filter_every, 8)], 'must be steps, or 0 for no filter')
    call numbers(s%write_every >= 0, 'write_every', [real(s%write_every, 8)], 'must be steps, or 0 for fields at the end only')
    call numbers(s%save_every >= 0, 'save_every', [real(s%save_every, 8)], 'must be steps, or 0 for no restart files')
    call numbers(s%cfl > 0 .and. s%cfl <= 2.27d0, 'cfl', [s%cfl], 'must lie in (0, 2.27], stable for this scheme and stencil')
    call numbers(s%fourier > 0 .and. s%fourier <= 1.565d0, 'fourier', [s%fourier], &
                 'must lie in (0, 1.565], stable for this scheme and stencil')
    call numbers(s%chemical_cfl > 0 .and. s%chemical_cfl <= 3, 'chemical_cfl', [s%chemical_cfl], &
                 'must lie in (0, 3]: the scheme is stable to 4.687, and the frequencies are estimates')
    call numbers(s%max_dt > 0, 'max_dt', [s%max_dt], 'must be positive, in s')
    call numbers(not_negative(s%fixed_dt), 'fixed_dt', [s%fixed_dt], 'must be in s, or 0 to choose by cfl, fourier and max_dt')
    call numbers(not_negative(s%end_time), 'end_time', [s%end_time], 'must be in s, or 0 to leave the end to steps')
    call numbers(not_negative(s%phi), 'phi', [s%phi], 'must be an equivalence ratio, 0 or more')
    call numbers(not_negative(s%turbulence), 'turbulence', [s%turbulence], 'must be a speed in m/s, 0 or more')
    call numbers(all(positive(s%length)), 'length', s%length, 'must be positive, in m')
    call numbers(positive(s%temperature), 'temperature', [s%temperature], 'must be positive, in K')
    call numbers(positive(s%hot_temperature), 'hot_temperature', [s%hot_temperature], 'must be positive, in K')
    call numbers(positive(s%pressure), 'pressure', [s%pressure], 'must be positive, in Pa')
    call numbers(positive(s%hot_radius), 'hot_radius', [s%hot_radius], 'must be positive, a fraction of the first length')
    call numbers(all(abs(s%velocity) < huge(1d0)), 'velocity', s%velocity, 'must be finite, in m/s')
    call numbers(all(abs(s%shift) < huge(1d0)), 'shift', s%shift, 'must be finite, in m')
    call numbers(abs(s%amplitude) < huge(1d0), 'amplitude', [s%amplitude], 'must be finite')
    call numbers(s%direction >= 1 .and. s%direction <= 3, 'direction', [real(s%direction, 8)], 'must be 1, 2 or 3: x, y or z')
    call rule(any(s%points > 1) .or. s%reacting .or. s%fixed_dt > 0 .or. s%max_dt < huge(1d0), &
              'one point in which nothing reacts limits no time step: set fixed_dt or max_dt')
    call rule(any(s%method == methods), 'method = "'//trim(s%method)//'" is none of mpi, tasks, direct')
    call rule(any(s%update == updaters), 'update = "'//trim(s%update)//'" is none of fortran, tasks')
    call rule(s%update /= 'tasks' .or. s%method /= 'mpi', 'update = "tasks" needs tasks: method tasks or direct, not mpi')
    call rule(any(s%mapper == mappers), 'mapper = "'//trim(s%mapper)//'" is none of default, cpu, device, mixed, overflow, '// &
              'fuzz, fuzz_device')
    call numbers(s%mapper_seed >= 0, 'mapper_seed', [real(s%mapper_seed, 8)], 'must be 0 or more')

  contains

    elemental logical function positive(value)
      real(8), intent(in) :: value
      positive = value > 0 .and. value < huge(1d0)
    end function

    elemental logical function not_negative(value)
      real(8), intent(in) :: value
      not_negative = value >= 0 .and. value < huge(1d0)
    end function

    subroutine numbers(holds, name, values, text)
      logical, intent(in) :: holds
      character(*), intent(in) :: name, text
      real(8), intent(in) :: values(:)
      character(24) :: word
      character(:), allocatable :: list
      integer :: i
      list = ''
      do i = 1, size(values)
        if (abs(values(i)) < 1d9 .and. values(i) == aint(values(i))) then
          write (word, '(i0)') int(values(i))
        else
          write (word, '(es11.4)') values(i)
        end if
        list = list//' '//trim(adjustl(word))
      end do
      call rule(holds, name//' ='//list//' '//text)
    end subroutine

    !> The first broken rule is the one to tell.
    subroutine rule(holds, text)
      logical, intent(in) :: holds
      character(*), intent(in) :: text
      if (.not. holds .and. error == '') error = path//': '//text
    end subroutine
  end subroutine
end module
