!> s3d-ignition INPUT: ignition of a closed adiabatic vessel at constant volume. Prints the time of the steepest temperature
!> rise, that of T0 + 400 K and the last state; writes the history as a table when `history` names a file.
program ignition
  use composition, only: from_moles
  use mechanism_reader, only: mechanism_read
  use reactor, only: reactor_t, reactor_start, reactor_step
  use refusal, only: fail
  implicit none
  type(reactor_t) :: r
  character(512) :: path, mechanism = '', history = '', message
  character(16) :: species(16) = ''
  real(8) :: moles(16) = 0, temperature = 0, pressure = 101325, dt = 0, end_time = 0
  real(8), allocatable :: Y(:)
  real(8) :: steepest, steepest_time, warm_time
  integer :: unit, io, k, history_every = 100
  namelist /vessel/ mechanism, species, moles, temperature, pressure, dt, end_time, history, history_every

  if (command_argument_count() /= 1) call fail('usage: s3d-ignition INPUT')
  call get_command_argument(1, path)
  open (newunit=unit, file=path, status='old', action='read', iostat=io, iomsg=message)
  if (io /= 0) call fail(trim(path)//': cannot be opened: '//message)
  read (unit, nml=vessel, iostat=io, iomsg=message)
  if (io /= 0) call fail(trim(path)//': namelist &vessel: '//message)
  close (unit)
  if (.not. (temperature > 0 .and. pressure > 0)) call fail(trim(path)//': temperature (K) and pressure (Pa) must be positive')
  if (.not. (dt > 0 .and. end_time > dt)) call fail(trim(path)//': dt and end_time (s) must be positive, end_time the longer')
  if (history_every < 1) call fail(trim(path)//': history_every must be at least 1 step')
  call mechanism_read(trim(mechanism), r%m, message)
  if (message == '') call from_moles(r%m, species, moles, Y, message)
  if (message /= '') call fail(trim(path)//': '//message)

  call reactor_start(r, temperature, pressure, Y)
  call run()
  print '(a,es24.16)', 'tau_max_dTdt ', steepest_time, 'max_dTdt ', steepest, 'tau_T0_plus_400K ', warm_time, 't_end ', r%time, &
    'T_end ', r%T, 'P_end ', r%p
  do k = 1, r%m%n_species
    print '(3a,es24.16)', 'Y_end_', trim(r%m%name(k)), ' ', r%Y(1, k)
  end do

contains

  subroutine run()
    real(8) :: rise(3), before(2)
    integer :: step
    steepest = 0
    steepest_time = 0
    warm_time = 0
    rise = 0
    if (history /= '') then
      open (newunit=unit, file=history, status='replace', action='write', iostat=io)
      if (io /= 0) call fail(trim(history)//': cannot be written')
      write (unit, '(*(a))') 't,T,P', (',Y_'//trim(r%m%name(k)), k=1, r%m%n_species)
    end if
    step = 0
    do while (r%time < end_time)
      if (history /= '' .and. mod(step, history_every) == 0) write (unit, '(*(es24.16e3,:,","))') r%time, r%T, r%p, r%Y(1, :)
      before = [r%T, r%heating]
      call reactor_step(r, dt)
      step = step + 1
      rise = [rise(2:3), r%heating]
      if (step > 2 .and. rise(2) > steepest .and. rise(2) >= rise(3)) then
        steepest = rise(2)
        ! The top of the parabola through the three samples.
        steepest_time = r%time - dt + dt*0.5d0*(rise(1) - rise(3))/(rise(1) - 2*rise(2) + rise(3))
      end if
      if (before(1) < temperature + 400 .and. r%T >= temperature + 400 .and. warm_time == 0) &
        warm_time = r%time - dt*(1 - crossing(before(1), before(2)*dt, r%T, r%heating*dt, temperature + 400))
    end do
    if (history /= '') close (unit)
  end subroutine

  !> Where in (0, 1) the cubic with end values a, b and slopes da, db takes the value c.
  pure real(8) function crossing(a, da, b, db, c)
    real(8), intent(in) :: a, da, b, db, c
    real(8) :: low, high, s
    integer :: halving
    low = 0
    high = 1
    do halving = 1, 52
      s = 0.5d0*(low + high)
      if ((1 + 2*s)*(1 - s)**2*a + s*(1 - s)**2*da + s**2*(3 - 2*s)*b - s**2*(1 - s)*db < c) then
        low = s
      else
        high = s
      end if
    end do
    crossing = 0.5d0*(low + high)
  end function
end program
