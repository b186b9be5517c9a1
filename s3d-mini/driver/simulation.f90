!> A run's state and the loop that advances it: Runge-Kutta stages, time-step control, filter.
module simulation
  use mpi_f08
  use block, only: block_t, block_create
  use flow, only: flow_t, i_rho, i_energy, p_T, p_species, primitive_fields, state_fields
  use filter, only: filter_field, filter_depth
  use halo, only: halo_t, halo_create, halo_destroy, halo_start, halo_finish
  use point_physics, only: species_enthalpies, transport_coefficients
  use rhs_method, only: rhs_method_t
  use runge_kutta, only: stages, rk_stage
  use failure, only: end_unless
  use settings, only: settings_t
  implicit none
  private
  public :: simulation_t, simulation_create, simulation_step, simulation_destroy, gas_constant

  real(8), parameter :: gas_constant = 8314.46261815324d0 !< J/kmol/K

  type :: simulation_t
    type(settings_t) :: s
    type(flow_t) :: f
    type(block_t) :: b
    type(MPI_Comm) :: cart
    integer :: rank = 0
    real(8), pointer, contiguous :: q(:, :) => null(), prim(:, :) => null(), p(:) => null(), rhs(:, :) => null()
    real(8), allocatable :: q3(:, :)
    type(halo_t) :: filter_halo
    integer :: step = 0
    real(8) :: time = 0, dt = 0
    integer(8) :: evaluations = 0
    real(8) :: rhs_seconds = 0
  end type

  !> Steps between two computations of the stable time step: the state moves little in so few.
  integer, parameter :: control_every = 5

contains

  subroutine simulation_create(sim, s, f, comm)
    type(simulation_t), intent(inout) :: sim
    type(settings_t), intent(in) :: s
    type(flow_t), intent(in) :: f
    type(MPI_Comm), intent(in) :: comm
    integer :: size, dims(3), coordinates(3), n(3), offset(3), d
    logical :: open_end(2, 3)
    character(120) :: counts
    sim%s = s
    sim%f = f
    sim%step = 0
    sim%time = 0
    sim%evaluations = 0
    sim%rhs_seconds = 0
    call MPI_Comm_size(comm, size)
    dims = s%ranks
    where (s%points == 1) dims = 1
    write (counts, '(3(i0,1x),a,i0,a)') s%ranks, 'blocks (0: free) cannot be cut from ', size, ' ranks'
    call end_unless(mod(size, product(max(dims, 1))) == 0 .and. (any(dims == 0) .or. product(dims) == size), 'ranks = '//counts)
    call MPI_Dims_create(size, 3, dims)
    write (counts, '(3(i0,1x),a,3(1x,i0),a)') s%points, 'in', dims, ' blocks leave one less than 5 a direction: use fewer ranks'
    call end_unless(all(s%points == 1 .or. s%points/dims >= filter_depth), 'points = '//counts)
    call MPI_Cart_create(comm, 3, dims, [.true., .true., .true.], .false., sim%cart)
    call MPI_Comm_rank(sim%cart, sim%rank)
    call MPI_Cart_coords(sim%cart, sim%rank, 3, coordinates)
    do d = 1, 3
      offset(d) = int(int(s%points(d), 8)*coordinates(d)/dims(d))
      n(d) = int(int(s%points(d), 8)*(coordinates(d) + 1)/dims(d)) - offset(d)
    end do
    open_end = .false.
    sim%b = block_create(n, s%points, offset, s%length, open_end)
    allocate (sim%q(sim%b%ld, state_fields(f)), sim%rhs(sim%b%ld, state_fields(f)), sim%q3(sim%b%ld, state_fields(f)), source=0d0)
    allocate (sim%prim(sim%b%ld, primitive_fields(f)), sim%p(sim%b%ld), source=0d0)
    call halo_create(sim%filter_halo, sim%b, sim%cart, filter_depth, state_fields(f))
  end subroutine

  subroutine simulation_destroy(sim)
    type(simulation_t), intent(inout) :: sim
    deallocate (sim%q, sim%rhs, sim%q3, sim%prim, sim%p)
    call halo_destroy(sim%filter_halo)
    call MPI_Comm_free(sim%cart)
  end subroutine

  subroutine simulation_step(sim, method)
    type(simulation_t), intent(inout) :: sim
    class(rhs_method_t), intent(inout) :: method
    integer :: stage
    real(8) :: started
    sim%q3 = sim%q
    do stage = 1, stages
      started = MPI_Wtime()
      call method%compute()
      sim%rhs_seconds = sim%rhs_seconds + (MPI_Wtime() - started)
      if (stage == 1) then
        if (mod(sim%step, control_every) == 0) call choose_step(sim)
        if (sim%s%end_time > 0) sim%dt = min(sim%dt, sim%s%end_time - sim%time)
      end if
      call rk_stage(stage, size(sim%q), sim%dt, sim%rhs, sim%q, sim%q3)
    end do
    sim%evaluations = sim%evaluations + stages
    sim%step = sim%step + 1
    sim%time = sim%time + sim%dt
    if (sim%s%filter_every > 0) then
      if (mod(sim%step, sim%s%filter_every) == 0) call filter_state(sim)
    end if
  end subroutine

  subroutine filter_state(sim)
    type(simulation_t), intent(inout) :: sim
    integer :: d, m
    do d = 1, 3
      if (.not. sim%b%active(d)) cycle
      call halo_start(sim%filter_halo, sim%b, d, sim%q)
      call halo_finish(sim%filter_halo, d)
      do m = 1, size(sim%q, 2)
        call filter_field(sim%b, d, sim%filter_halo%ghost(m), sim%q(:, m))
      end do
    end do
  end subroutine

  !> The smaller of the convective limit, sum of (|u_d| + a)/dx_d, and the diffusive one.
  subroutine choose_step(sim)
    type(simulation_t), intent(inout) :: sim
    real(8) :: rate(2)
    if (sim%s%fixed_dt > 0) then
      sim%dt = sim%s%fixed_dt
    else
      rate = largest_rates(sim)
      call MPI_Allreduce(MPI_IN_PLACE, rate, 2, MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
      sim%dt = min(sim%s%cfl/rate(1), sim%s%max_dt)
      if (rate(2) > 0) sim%dt = min(sim%dt, sim%s%fourier/rate(2))
    end if
  end subroutine

  !> Largest convective and diffusive rate (1/s) on this block, row by row.
  function largest_rates(sim) result(rate)
    type(simulation_t), intent(in) :: sim
    real(8) :: rate(2)
    real(8), dimension(sim%b%nx, sim%f%n) :: Y, h_low, h_high, diffusivity
    real(8), dimension(sim%b%nx) :: T, W, mu, lambda, cp, sound, convective, diffusive
    real(8) :: inverse_dx(3)
    integer :: row, at, last, m, d, n
    n = sim%b%nx
    rate = 0
    inverse_dx = merge(1/sim%b%dx, 0d0, sim%b%active)
    do row = 1, sim%b%ny*sim%b%nz
      at = (row - 1)*n + 1
      last = row*n
      T = sim%prim(at:last, p_T)
      Y = sim%prim(at:last, p_species:p_species + sim%f%n - 1)
      W = sim%prim(at:last, p_species + sim%f%n)
      ! cp from enthalpy differences: exact enough for a step size.
      call species_enthalpies(sim%f%mech, n, n, T - 0.5d0, h_low)
      call species_enthalpies(sim%f%mech, n, n, T + 0.5d0, h_high)
      cp = 0
      do m = 1, sim%f%n
        cp = cp + Y(:, m)*(h_high(:, m) - h_low(:, m))
      end do
      sound = sqrt(cp/(cp - gas_constant/W)*sim%p(at:last)/sim%q(at:last, i_rho))
      convective = 0
      do d = 1, 3
        convective = convective + (abs(sim%prim(at:last, d)) + sound)*inverse_dx(d)
      end do
      rate(1) = max(rate(1), maxval(convective))
      if (.not. sim%f%viscous) cycle
      call transport_coefficients(sim%f%mech, n, n, T, sim%p(at:last), Y, W, mu, lambda, diffusivity)
      diffusive = max(4*mu/(3*sim%q(at:last, i_rho)), lambda/(sim%q(at:last, i_rho)*cp), maxval(diffusivity, dim=2))
      rate(2) = max(rate(2), maxval(diffusive)*sum(inverse_dx**2))
    end do
  end function
end module
