!> A duct along x, cut over the ranks: gas enters at the low end, burns and leaves at the high one. Kernels, right-hand side and
!> scheme are those of the mini-app.
module duct
  use mpi_f08
  use block, only: block_t, block_create
  use flow, only: flow_t, i_rho, i_species, p_T, p_species, primitive_fields, state_fields
  use filter, only: filter_field, filter_depth
  use halo, only: halo_t, halo_create, halo_start, halo_finish
  use open_ends, only: hold_inlet, open_outlet
  use point_physics, only: conserved_from_primitives, production_rates
  use rhs_mpi, only: rhs_mpi_t
  use runge_kutta, only: stages, rk_stage
  implicit none
  private
  public :: duct_t, duct_create, duct_fill, duct_evaluate, duct_step, duct_consumption

  !> How fast the outlet's pressure returns to the far one: Poinsot & Lele's sigma.
  real(8), parameter :: stiffness = 0.25d0

  type :: duct_t
    type(flow_t) :: f
    type(block_t) :: b
    type(MPI_Comm) :: cart
    integer :: rank = 0
    real(8) :: length = 0, far_pressure = 0, time = 0
    real(8), pointer, contiguous :: q(:, :) => null(), prim(:, :) => null(), p(:) => null(), rhs(:, :) => null()
    real(8), allocatable :: q3(:, :)
    type(rhs_mpi_t) :: method
    type(halo_t) :: filter_halo
  end type

contains

  subroutine duct_create(d, points, length, far_pressure)
    type(duct_t), intent(inout), target :: d
    integer, intent(in) :: points
    real(8), intent(in) :: length, far_pressure
    integer :: ranks, first, next
    logical :: open_end(2, 3)
    d%length = length
    d%far_pressure = far_pressure
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    call MPI_Cart_create(MPI_COMM_WORLD, 3, [ranks, 1, 1], [.false., .true., .true.], .false., d%cart)
    call MPI_Comm_rank(d%cart, d%rank)
    first = int(int(points, 8)*d%rank/ranks)
    next = int(int(points, 8)*(d%rank + 1)/ranks)
    open_end = .false.
    open_end(:, 1) = [d%rank == 0, d%rank == ranks - 1]
    d%b = block_create([next - first, 1, 1], [points, 1, 1], [first, 0, 0], [length, 1d0, 1d0], open_end)
    ! The whole grid has ends, whether this block touches one or not.
    d%b%dx(1) = length/(points - 1)
    allocate (d%q(d%b%ld, state_fields(d%f)), d%rhs(d%b%ld, state_fields(d%f)), d%q3(d%b%ld, state_fields(d%f)), source=0d0)
    allocate (d%prim(d%b%ld, primitive_fields(d%f)), d%p(d%b%ld), source=0d0)
    call halo_create(d%filter_halo, d%b, d%cart, filter_depth, state_fields(d%f))
    call d%method%create(d%f, d%b, d%cart, [1, 1], d%q, d%prim, d%p, d%rhs)
  end subroutine

  !> Set the state of this block's points.
  subroutine duct_fill(d, T, p, u, Y)
    type(duct_t), intent(inout) :: d
    real(8), intent(in) :: T(d%b%nx), p(d%b%nx), u(d%b%nx), Y(d%b%nx, d%f%n)
    real(8) :: velocity(d%b%nx, 3), q(d%b%nx, d%f%n + 4)
    velocity = 0
    velocity(:, 1) = u
    call conserved_from_primitives(d%f%mech, d%b%nx, d%b%nx, T, p, velocity, Y, q)
    d%q(:d%b%nx, :) = q
    d%prim(:d%b%nx, p_T) = T
  end subroutine

  !> rhs, prim and p of the state.
  subroutine duct_evaluate(d)
    type(duct_t), intent(inout) :: d
    call d%method%compute()
    if (d%b%open_end(1, 1)) call hold_inlet(d%f, d%b, d%q, d%prim, d%p, d%rhs)
    if (d%b%open_end(2, 1)) call open_outlet(d%f, d%b, stiffness, d%length, d%far_pressure, d%q, d%prim, d%p, d%rhs)
  end subroutine

  subroutine duct_step(d, dt, filtered)
    type(duct_t), intent(inout) :: d
    real(8), intent(in) :: dt
    logical, intent(in) :: filtered
    integer :: stage, m
    d%q3 = d%q
    do stage = 1, stages
      call duct_evaluate(d)
      call rk_stage(stage, size(d%q), dt, d%rhs, d%q, d%q3)
    end do
    d%time = d%time + dt
    if (.not. filtered) return
    call halo_start(d%filter_halo, d%b, 1, d%q)
    call halo_finish(d%filter_halo, 1)
    do m = 1, size(d%q, 2)
      call filter_field(d%b, 1, d%filter_halo%ghost(m), d%q(:, m))
    end do
  end subroutine

  !> Speed at which species `fuel` is consumed, -(integral of W omega dx)/(rho_u (Y_u - Y_b)), and the largest temperature, of
  !> the state that duct_evaluate saw last.
  subroutine duct_consumption(d, fuel, speed, hottest)
    type(duct_t), intent(in) :: d
    integer, intent(in) :: fuel
    real(8), intent(out) :: speed, hottest
    real(8) :: Y(d%b%nx, d%f%n), omega(d%b%nx, d%f%n), parts(4)
    integer :: n
    n = d%b%nx
    Y = d%prim(:n, p_species:p_species + d%f%n - 1)
    call production_rates(d%f%mech, n, n, d%q(:n, i_rho), d%prim(:n, p_T), Y, omega)
    parts = 0
    parts(1) = -sum(omega(:, fuel))*d%f%mech%molecular_weight(fuel)*d%b%dx(1)
    if (d%b%open_end(1, 1)) parts(2:3) = [d%q(1, i_rho), Y(1, fuel)]
    if (d%b%open_end(2, 1)) parts(4) = Y(n, fuel)
    call MPI_Allreduce(MPI_IN_PLACE, parts, size(parts), MPI_DOUBLE_PRECISION, MPI_SUM, d%cart)
    speed = parts(1)/(parts(2)*(parts(3) - parts(4)))
    hottest = maxval(d%prim(:n, p_T))
    call MPI_Allreduce(MPI_IN_PLACE, hottest, 1, MPI_DOUBLE_PRECISION, MPI_MAX, d%cart)
  end subroutine
end module
