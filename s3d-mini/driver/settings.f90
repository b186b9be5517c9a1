!> What the user may choose: one namelist file. Every value has a default and a rule; a broken rule stops with its text.
module settings
  use, intrinsic :: iso_fortran_env, only: error_unit
  use mpi_f08
  implicit none
  private
  public :: settings_t, settings_read, stop_with

  type :: settings_t
    character(32) :: case_name = 'ignition_h2'
    character(256) :: mechanism = 'h2o2'          !< a folder with chem.inp, therm.dat and, for viscous cases, tran.dat
    character(16) :: method = 'mpi'               !< mpi, tasks or direct
    character(256) :: output = 'output'
    integer :: points(3) = [32, 32, 32]
    integer :: ranks(3) = 0                       !< blocks in each direction, 0: chosen by MPI_Dims_create
    integer :: tile(2) = [8, 8]                   !< rows of a tile in y and z
    real(8) :: length(3) = 1d-3                   !< m
    real(8) :: end_time = 0                       !< s; 0: `steps` decides alone
    integer :: steps = 100
    real(8) :: cfl = 1.5d0, fourier = 1.0d0
    real(8) :: fixed_dt = 0, max_dt = huge(1d0)   !< s
    logical :: viscous = .true., reacting = .true., correction_velocity = .false.
    integer :: filter_every = 10, report_every = 10
    integer :: write_every = 0                    !< steps between VTK files, 0: only at the end
    logical :: pictures = .true., fields = .true.
    logical :: compare = .false.                  !< run the case again with method 'mpi' and compare
    character(16) :: radical = 'OH'
    ! Initial conditions
    real(8) :: temperature = 300d0, pressure = 101325d0, phi = 0.7d0
    real(8) :: hot_temperature = 1500d0, hot_radius = 0.15d0 !< radius as a fraction of the first length
    real(8) :: velocity(3) = 0, amplitude = 1d-3, turbulence = 0
    real(8) :: shift(3) = 0                       !< m; where the initial state's origin lies
    character(16) :: fuel = 'H2'
  end type

contains

  subroutine settings_read(path, s)
    character(*), intent(in) :: path
    type(settings_t), intent(out) :: s
    character(32) :: case_name
    character(16) :: method, radical, fuel
    character(256) :: mechanism, output
    integer :: points(3), ranks(3), tile(2), steps, filter_every, report_every, write_every, unit, io
    real(8) :: length(3), end_time, cfl, fourier, fixed_dt, max_dt
    real(8) :: temperature, pressure, phi, hot_temperature, hot_radius, velocity(3), amplitude, turbulence, shift(3)
    logical :: viscous, reacting, correction_velocity, pictures, fields, compare
    character(256) :: message
    namelist /run/ case_name, mechanism, method, output, points, ranks, tile, length, end_time, steps, cfl, fourier, fixed_dt, &
      max_dt, viscous, reacting, correction_velocity, filter_every, report_every, write_every, pictures, fields, compare, radical
    namelist /initial/ temperature, pressure, phi, hot_temperature, hot_radius, velocity, amplitude, turbulence, shift, fuel

    case_name = s%case_name; mechanism = s%mechanism; method = s%method; output = s%output
    points = s%points; ranks = s%ranks; tile = s%tile; length = s%length; end_time = s%end_time; steps = s%steps
    cfl = s%cfl; fourier = s%fourier; fixed_dt = s%fixed_dt; max_dt = s%max_dt
    viscous = s%viscous; reacting = s%reacting; correction_velocity = s%correction_velocity
    filter_every = s%filter_every; report_every = s%report_every; write_every = s%write_every
    pictures = s%pictures; fields = s%fields; compare = s%compare; radical = s%radical
    temperature = s%temperature; pressure = s%pressure; phi = s%phi
    hot_temperature = s%hot_temperature; hot_radius = s%hot_radius; velocity = s%velocity; amplitude = s%amplitude
    turbulence = s%turbulence; shift = s%shift; fuel = s%fuel

    open (newunit=unit, file=path, status='old', action='read', iostat=io, iomsg=message)
    if (io /= 0) call stop_with(path//': cannot be opened: '//trim(message))
    read (unit, nml=run, iostat=io, iomsg=message)
    if (io /= 0) call stop_with(path//': namelist &run: '//trim(message))
    read (unit, nml=initial, iostat=io, iomsg=message)
    if (io /= 0) call stop_with(path//': namelist &initial: '//trim(message))
    close (unit)

    s%case_name = case_name; s%mechanism = mechanism; s%method = method; s%output = output
    s%points = points; s%ranks = ranks; s%tile = tile; s%length = length; s%end_time = end_time; s%steps = steps
    s%cfl = cfl; s%fourier = fourier; s%fixed_dt = fixed_dt; s%max_dt = max_dt
    s%viscous = viscous; s%reacting = reacting; s%correction_velocity = correction_velocity
    s%filter_every = filter_every; s%report_every = report_every; s%write_every = write_every
    s%pictures = pictures; s%fields = fields; s%compare = compare; s%radical = radical
    s%temperature = temperature; s%pressure = pressure; s%phi = phi
    s%hot_temperature = hot_temperature; s%hot_radius = hot_radius; s%velocity = velocity; s%amplitude = amplitude
    s%turbulence = turbulence; s%shift = shift; s%fuel = fuel
    call check(path, s)
  end subroutine

  subroutine check(path, s)
    character(*), intent(in) :: path
    type(settings_t), intent(in) :: s
    if (any(s%points < 1)) call stop_with(path//': points must be 1 or more in each direction')
    if (any(s%points > 1 .and. s%points < 9)) &
      call stop_with(path//': points must be 1 or at least 9: the stencil reaches 4 each way')
    if (any(s%tile < 1)) call stop_with(path//': tile must be at least 1 row in y and z')
    if (any(s%length <= 0)) call stop_with(path//': length must be positive')
    if (s%steps < 1) call stop_with(path//': steps must be at least 1')
    if (s%cfl <= 0 .or. s%cfl > 2.27d0) &
      call stop_with(path//': cfl must lie in (0, 2.27], the stability limit of scheme and stencil')
    if (s%fourier <= 0 .or. s%fourier > 1.565d0) call stop_with(path//': fourier must lie in (0, 1.565], the stability limit')
    if (s%report_every < 1) call stop_with(path//': report_every must be at least 1')
    if (s%temperature <= 0 .or. s%pressure <= 0) call stop_with(path//': temperature and pressure must be positive')
  end subroutine

  !> End the program on all ranks with a message.
  subroutine stop_with(text)
    character(*), intent(in) :: text
    write (error_unit, '(2a)') 's3d-mini: ', text
    flush (error_unit)
    call MPI_Abort(MPI_COMM_WORLD, 1)
  end subroutine
end module
