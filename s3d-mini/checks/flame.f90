!> s3d-flame INPUT: a laminar premixed flame in a duct, started from a guess of its burnt gas and held near its place by the inlet
!> velocity. Prints time, consumption speed and largest temperature, at the end the mean speed over the last quarter of the
!> time; writes the last profile as a table when `profile` names a file. Runs on any number of ranks.
program flame
  use mpi_f08
  use composition, only: from_moles
  use duct
  use failure, only: end_if_any, end_unless
  use flow, only: p_u, p_T, p_species, i_rho
  use mechanism, only: gas_constant, species_index
  use mechanism_reader, only: mechanism_read
  implicit none
  type(duct_t), target :: d
  character(512) :: path, message
  ! The input file.
  character(512) :: mechanism = '', profile = ''
  character(16) :: species(16) = '', burnt_species(16) = '', fuel = 'H2'
  real(8) :: moles(16) = 0, burnt_moles(16) = 0, temperature = 300, burnt_temperature = 2000, pressure = 101325, &
             inlet_velocity = 0, length = 0, position = 0.4d0, thickness = 5d-4, dt = 0, end_time = 0
  integer :: points = 0, filter_every = 10, report_every = 1000
  logical :: correction_velocity = .true.
  namelist /premixed/ mechanism, profile, species, burnt_species, fuel, moles, burnt_moles, temperature, burnt_temperature, &
    pressure, inlet_velocity, length, position, thickness, dt, end_time, points, filter_every, report_every, correction_velocity
  real(8), allocatable :: fresh(:), burnt(:)
  integer :: provided, unit, io, k, fuel_index

  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call end_unless(command_argument_count() == 1, 'usage: s3d-flame INPUT')
  call get_command_argument(1, path)
  open (newunit=unit, file=path, status='old', action='read', iostat=io, iomsg=message)
  call end_unless(io == 0, trim(path)//': cannot be opened: '//message)
  read (unit, nml=premixed, iostat=io, iomsg=message)
  call end_unless(io == 0, trim(path)//': namelist &premixed: '//message)
  close (unit)
  call end_unless(points >= 32, trim(path)//': points must be at least 32')
  call end_unless(length > 0 .and. dt > 0 .and. end_time > dt, trim(path)//': length (m), dt and end_time (s) must be positive')
  call end_unless(temperature > 0 .and. burnt_temperature > 0 .and. pressure > 0 .and. thickness > 0, &
                  trim(path)//': temperature, burnt_temperature, pressure and thickness must be positive')
  call end_unless(inlet_velocity > 0, trim(path)//': inlet_velocity must be positive: gas enters at the low end')
  call end_unless(filter_every > 0 .and. report_every > 0, trim(path)//': filter_every and report_every must be at least 1 step')
  call mechanism_read(trim(mechanism), d%f%mech, message)
  if (message == '' .and. .not. d%f%mech%has_transport) message = trim(mechanism)//' has no transport data'
  if (message == '') call from_moles(d%f%mech, species, moles, fresh, message)
  if (message == '') call from_moles(d%f%mech, burnt_species, burnt_moles, burnt, message)
  if (message /= '') message = trim(path)//': '//message
  call end_if_any(message)
  fuel_index = species_index(d%f%mech, fuel)
  call end_unless(fuel_index > 0, trim(path)//': fuel: "'//trim(fuel)//'" is not in the mechanism')

  d%f%n = d%f%mech%n_species
  d%f%correction_velocity = correction_velocity
  call duct_create(d, points, length, pressure)
  call start()
  call run()
  if (profile /= '') call write_profile()
  call MPI_Finalize()

contains

  !> Fresh and burnt gas joined smoothly at constant mass flux.
  subroutine start()
    real(8), dimension(d%b%nx) :: T, p, u, share, W
    real(8) :: Y(d%b%nx, d%f%n), fresh_density
    integer :: i
    do i = 1, d%b%nx
      share(i) = 0.5d0*(1 + tanh(2*((i - 1 + d%b%offset(1))*d%b%dx(1) - position*length)/thickness))
    end do
    do k = 1, d%f%n
      Y(:, k) = fresh(k) + (burnt(k) - fresh(k))*share
    end do
    T = temperature + (burnt_temperature - temperature)*share
    p = pressure
    W = 1/matmul(Y, 1/d%f%mech%molecular_weight)
    fresh_density = pressure/(gas_constant*temperature*sum(fresh/d%f%mech%molecular_weight))
    u = inlet_velocity*fresh_density/(pressure*W/(gas_constant*T))
    call duct_fill(d, T, p, u, Y)
  end subroutine

  subroutine run()
    real(8) :: speed, hottest, total
    integer :: step, steps, counted
    steps = nint(end_time/dt)
    total = 0
    counted = 0
    if (d%rank == 0) print '(a)', 'time (s), consumption speed (m/s), largest temperature (K)'
    do step = 1, steps
      call duct_step(d, dt, mod(step, filter_every) == 0)
      if (mod(step, report_every) /= 0 .and. step /= steps .and. 4*step < 3*steps) cycle
      call duct_evaluate(d)
      call duct_consumption(d, fuel_index, speed, hottest)
      call end_unless(hottest < 1d4, 'the flame broke down; choose a smaller dt')
      if (4*step >= 3*steps) then
        total = total + speed
        counted = counted + 1
      end if
      if (d%rank == 0 .and. (mod(step, report_every) == 0 .or. step == steps)) &
        print '(es12.5,f12.6,f10.2)', d%time, speed, hottest
    end do
    if (d%rank == 0) print '(a,f12.6)', 'consumption_speed ', total/counted
  end subroutine

  !> Rank by rank, in order.
  subroutine write_profile()
    integer :: rank, ranks, i
    call MPI_Comm_size(d%cart, ranks)
    do rank = 0, ranks - 1
      if (rank == d%rank) then
        open (newunit=unit, file=profile, action='write', iostat=io, position='append', &
              status=merge('replace', 'old    ', rank == 0))
        if (io == 0 .and. rank == 0) write (unit, '(*(a))') 'x,u,T,P,rho', (',Y_'//trim(d%f%mech%name(k)), k=1, d%f%n)
        do i = 1, merge(d%b%nx, 0, io == 0)
          write (unit, '(*(es24.16e3,:,","))') (i - 1 + d%b%offset(1))*d%b%dx(1), d%prim(i, p_u), d%prim(i, p_T), d%p(i), &
            d%q(i, i_rho), d%prim(i, p_species:p_species + d%f%n - 1)
        end do
        if (io == 0) close (unit)
      end if
      call MPI_Barrier(d%cart)
      call end_unless(rank /= d%rank .or. io == 0, trim(profile)//': cannot be written')
    end do
  end subroutine
end program
