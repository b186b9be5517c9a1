!> A run's state on disk, from which it goes on to the last bit: NAME.raw holds the state fields and the temperature, NAME.nml
!> what they belong to. The number of ranks may change between runs.
module restart
  use mpi_f08
  use failure, only: end_if_any, end_unless
  use flow, only: p_T
  use raw_field, only: raw_read, raw_write
  use simulation, only: simulation_t
  implicit none
  private
  public :: restart_read, restart_write

  integer, parameter :: most_species = 1000

contains

  subroutine restart_write(sim)
    type(simulation_t), intent(in) :: sim
    character(512) :: name
    character(200) :: line
    integer :: unit, io, m
    write (name, '(2a,i6.6)') trim(sim%s%output), '/restart_', sim%step
    call raw_write(sim, trim(name)//'.raw', fields_of(sim))
    io = 0
    if (sim%rank == 0) then
      open (newunit=unit, file=trim(name)//'.nml', status='replace', action='write', iostat=io)
      if (io == 0) then
        write (line, '(a,i0,2(a,es24.16e3),a,3(1x,i0))') '&state step = ', sim%step, ', time = ', sim%time, ', dt = ', sim%dt, &
          ', points =', sim%s%points
        write (unit, '(a)') trim(line)
        write (unit, '(a,*(1x,3a))') '  species =', ("'", trim(sim%f%mech%name(m)), "'", m=1, sim%f%n)
        write (unit, '(a)', iostat=io) '/'
        close (unit)
      end if
    end if
    call end_unless(io == 0, trim(name)//'.nml: cannot be written; is there room, and may the folder be written to?')
  end subroutine

  !> Puts `sim` where the run that wrote sim%s%restart was. Ends the program when that run was of another grid or mechanism.
  subroutine restart_read(sim)
    type(simulation_t), intent(inout) :: sim
    real(8) :: fields(size(sim%q, 1), size(sim%q, 2) + 1)
    character(512) :: error
    call read_description(sim, error)
    call end_if_any(error)
    call raw_read(sim, trim(sim%s%restart)//'.raw', fields)
    sim%q = fields(:, :size(sim%q, 2))
    sim%prim(:, p_T) = fields(:, size(fields, 2))
  end subroutine

  !> Newton's next first guess goes with the state: without it the last bits would differ.
  function fields_of(sim) result(fields)
    type(simulation_t), intent(in) :: sim
    real(8) :: fields(size(sim%q, 1), size(sim%q, 2) + 1)
    fields(:, :size(sim%q, 2)) = sim%q
    fields(:, size(fields, 2)) = sim%prim(:, p_T)
  end function

  subroutine read_description(sim, error)
    type(simulation_t), intent(inout) :: sim
    character(*), intent(out) :: error
    integer :: step, points(3), unit, io
    real(8) :: time, dt
    character(16) :: species(most_species)
    character(256) :: message
    character(:), allocatable :: path
    namelist /state/ step, time, dt, points, species
    path = trim(sim%s%restart)//'.nml'
    error = ''
    step = -1
    time = -1
    dt = -1
    points = 0
    species = ''
    open (newunit=unit, file=path, status='old', action='read', iostat=io, iomsg=message)
    if (io /= 0) then
      error = path//': cannot be opened: '//trim(message)//'; restart is the name of two files without their .nml and .raw'
      return
    end if
    read (unit, nml=state, iostat=io, iomsg=message)
    close (unit)
    if (io /= 0) then
      error = path//': namelist &state is missing, unfinished or wrong: '//message
    else if (step < 0 .or. .not. (time >= 0 .and. dt > 0)) then
      error = path//': step, time or dt is missing or negative'
    else if (any(points /= sim%s%points)) then
      write (error, '(2a,3(1x,i0),a,3(1x,i0))') path, ': is of', points, ' points, the case has', sim%s%points
    else if (count(species /= '') /= sim%f%n .or. any(species(:sim%f%n) /= sim%f%mech%name)) then
      error = path//': its species are not those of '//trim(sim%s%mechanism)
    else if (step >= sim%s%steps) then
      write (error, '(2a,i0,a,i0,a)') path, ': is of step ', step, '; steps = ', sim%s%steps, &
        ' counts from the first run and must be more'
    else
      sim%step = step
      sim%time = time
      sim%dt = dt
    end if
  end subroutine
end module
