!> flow_check MECHANISM LONG: order of the derivative, and flows with an analytic answer run by the solver itself. LONG is 0 or 1.
program flow_check
  use mpi_f08
  use block, only: block_t, ghost_t, block_create
  use derivative, only: derivative_row
  use flow, only: flow_t, i_rho
  use flow_setup, only: flow_from
  use initial, only: initial_state
  use rhs_mpi, only: rhs_mpi_t
  use settings, only: settings_t
  use simulation, only: simulation_t, simulation_create, simulation_step, simulation_destroy
  implicit none
  real(8), parameter :: pi = acos(-1d0), gas = 8314.46261815324d0/39.95d0
  character(512) :: mechanism, argument
  logical :: long, good
  integer :: provided
  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call get_command_argument(1, mechanism)
  call get_command_argument(2, argument)
  long = argument == '1'
  good = .true.
  call check_derivative()
  call check_vortex(32, 4.3d-4)
  call check_vortex(48, 2.0d-5)
  if (long) call check_vortex(64, 2.6d-6)
  if (long) call check_vortex(96, 1.2d-7)
  call check_shear()
  if (.not. good) then
    print '(a)', 'FAILED'
    call MPI_Abort(MPI_COMM_WORLD, 1)
  end if
  print '(a)', 'PASSED'
  call MPI_Finalize()

contains

  subroutine require(what, value, low, high)
    character(*), intent(in) :: what
    real(8), intent(in) :: value, low, high
    logical :: fine
    fine = value >= low .and. value <= high
    good = good .and. fine
    print '(2a,es12.4,a,2es10.2,a)', what, ': ', value, ' must lie in', low, high, merge('         ', '   FAILED', fine)
  end subroutine

  subroutine check_derivative()
    real(8) :: errors(3)
    integer, parameter :: sizes(3) = [32, 64, 128]
    integer :: s, d
    character(1), parameter :: axis(3) = ['x', 'y', 'z']
    do d = 1, 3
      do s = 1, 3
        errors(s) = derivative_error(sizes(s), d)
      end do
      call require('derivative in '//axis(d)//', order 32 to 64', log(errors(1)/errors(2))/log(2d0), 7.7d0, 9d0)
      call require('derivative in '//axis(d)//', order 64 to 128', log(errors(2)/errors(3))/log(2d0), 7.8d0, 9d0)
      call require('derivative in '//axis(d)//', error at 128', errors(3), 0d0, 2.1d-10)
    end do
  end subroutine

  !> Largest error of d/dx exp(sin x) over a period of n points along direction d.
  real(8) function derivative_error(n, d)
    integer, intent(in) :: n, d
    type(block_t) :: b
    type(ghost_t) :: ghost
    integer :: extent(3), i, j, k, at(3)
    real(8), allocatable :: f(:, :, :)
    real(8) :: x, row(n)
    extent = 1
    extent(d) = n
    b = block_create(extent, extent, [0, 0, 0], [2*pi, 2*pi, 2*pi], spread(spread(.false., 1, 2), 2, 3))
    allocate (f(b%nx, b%ny, b%nz))
    do i = 1, n
      f(merge(i, 1, d == 1), merge(i, 1, d == 2), merge(i, 1, d == 3)) = exp(sin(2*pi*(i - 1)/n))
    end do
    extent(d) = 4
    allocate (ghost%face(1, d)%p(extent(1), extent(2), extent(3)), ghost%face(2, d)%p(extent(1), extent(2), extent(3)))
    at = 1
    at(d) = n - 3
    ghost%face(1, d)%p(:, :, :) = f(at(1):at(1) + extent(1) - 1, at(2):at(2) + extent(2) - 1, at(3):at(3) + extent(3) - 1)
    ghost%face(2, d)%p(:, :, :) = f(:extent(1), :extent(2), :extent(3))
    derivative_error = 0
    do k = 1, b%nz
      do j = 1, b%ny
        call derivative_row(b, d, f, ghost, 1, b%nx, j, k, row)
        do i = 1, b%nx
          x = 2*pi*(max(i, j, k) - 1)/n
          derivative_error = max(derivative_error, abs(row(i) - cos(x)*exp(sin(x))))
        end do
      end do
    end do
  end function

  subroutine advance(sim, s)
    type(simulation_t), intent(inout), target :: sim
    type(settings_t), intent(in) :: s
    type(flow_t) :: f
    character(512) :: error
    type(rhs_mpi_t) :: method
    call flow_from(s, f, error)
    call simulation_create(sim, s, f, MPI_COMM_WORLD)
    call initial_state(sim)
    call method%create(sim%f, sim%b, sim%cart, s%tile, sim%q, sim%prim, sim%p, sim%rhs)
    do while (sim%step < s%steps)
      call simulation_step(sim, method)
    end do
    call method%destroy()
  end subroutine

  !> L2 error of the density after 25 us, relative to the density far away.
  subroutine check_vortex(n, prototype)
    integer, intent(in) :: n
    real(8), intent(in) :: prototype
    type(settings_t) :: s
    type(simulation_t), target :: sim, moved
    type(flow_t) :: f
    character(512) :: error
    real(8) :: dx, sound, total(1)
    integer :: points
    character(8) :: label
    s%case_name = 'vortex'
    s%mechanism = mechanism
    s%points = [n, n, 1]
    s%length = 1d-2
    s%viscous = .false.
    s%reacting = .false.
    s%filter_every = 0
    s%velocity = [100d0, 100d0, 0d0]
    s%amplitude = 0.3d0
    dx = 1d-2/n
    sound = sqrt(5d0/3d0*gas*300)
    s%steps = ceiling(25d-6*2*(100 + sound)/(0.5d0*dx))
    s%fixed_dt = 25d-6/s%steps
    call advance(sim, s)
    ! The exact answer is the initial state carried along.
    s%shift = s%velocity*25d-6
    call flow_from(s, f, error)
    call simulation_create(moved, s, f, MPI_COMM_WORLD)
    call initial_state(moved)
    points = sim%b%nx*sim%b%ny
    total = sum((sim%q(1:points, i_rho) - moved%q(1:points, i_rho))**2)
    call MPI_Allreduce(MPI_IN_PLACE, total, 1, MPI_DOUBLE_PRECISION, MPI_SUM, sim%cart)
    write (label, '(i0)') n
    call require('vortex '//trim(label)//', L2 error of density', sqrt(total(1)/n**2)/(101325/(gas*300)), 0d0, 1.2d0*prototype)
    call simulation_destroy(sim)
    call simulation_destroy(moved)
  end subroutine

  !> Viscous decay of u = A sin(2 pi y / L) in argon: exp(-nu k2 t), nu of the reference.
  subroutine check_shear()
    type(settings_t) :: s
    type(simulation_t), target :: sim
    real(8) :: before, after, k2
    type(flow_t) :: f
    character(512) :: error
    real(8), parameter :: nu = 4.83080d-5
    s%case_name = 'shear'
    s%mechanism = mechanism
    s%points = [1, 32, 1]
    s%length = 1d-3
    s%reacting = .false.
    s%filter_every = 0
    s%temperature = 600
    s%amplitude = 1d-3
    s%steps = 400
    s%fixed_dt = 5d-8
    call flow_from(s, f, error)
    call simulation_create(sim, s, f, MPI_COMM_SELF)
    call initial_state(sim)
    before = sine_amplitude(sim)
    call simulation_destroy(sim)
    call advance(sim, s)
    after = sine_amplitude(sim)
    call MPI_Allreduce(MPI_IN_PLACE, after, 1, MPI_DOUBLE_PRECISION, MPI_SUM, sim%cart)
    k2 = (2*pi/1d-3)**2
    call require('shear wave, decay rate over nu k2', -log(after/before)/(nu*k2*sim%time), 1 - 2d-6, 1 + 2d-6)
    call simulation_destroy(sim)
  end subroutine

  !> This block's part of the sine amplitude of rho u.
  real(8) function sine_amplitude(sim)
    type(simulation_t), intent(in) :: sim
    integer :: j
    sine_amplitude = 0
    do j = 1, sim%b%ny
      sine_amplitude = sine_amplitude + sim%q(j, 1)*sin(2*pi*(j - 1 + sim%b%offset(2))/sim%s%points(2))
    end do
  end function
end program
