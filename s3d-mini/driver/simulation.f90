!> A run's state and the loop that advances it: Runge-Kutta stages, time-step control, filter.
module simulation
  use mpi_f08
  use block, only: block_t, block_box, block_create
  use flow, only: flow_t, primitive_fields, state_fields
  use filter, only: filter_field, filter_depth
  use halo, only: halo_t, halo_create, halo_destroy, halo_start, halo_finish
  use rhs_method, only: rhs_method_t, stepping_method_t, course_t
  use runge_kutta, only: stages, rk_stage
  use failure, only: end_unless
  use settings, only: settings_t
  use time_step, only: largest_rates, convective, diffusive, chemical
  implicit none
  private
  public :: simulation_t, simulation_create, simulation_advance, simulation_ended, simulation_destroy

  type :: simulation_t
    type(settings_t) :: s
    type(flow_t) :: f
    type(block_t) :: b
    type(MPI_Comm) :: cart
    integer :: rank = 0, blocks(3) = 1
    real(8), pointer, contiguous :: q(:, :) => null(), prim(:, :) => null(), p(:) => null(), rhs(:, :) => null()
    real(8), allocatable :: q3(:, :) !< the second register, where Fortran updates the state
    type(halo_t) :: filter_halo
    integer :: step = 0
    real(8) :: time = 0, dt = 0
    integer(8) :: evaluations = 0
    real(8) :: rhs_seconds = 0       !< in stages: right-hand sides and updates; where tasks update, all that they do
  end type

  !> The run's steps up to one after which somebody looks, for tasks that go them.
  type, extends(course_t) :: sim_course_t
    type(simulation_t), pointer :: sim => null()
    integer :: last = 0
  contains
    procedure :: depends_on_rates => course_depends_on_rates
    procedure :: longest => course_longest
    procedure :: next => course_next
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
    write (counts, '(a,3(i0,1x),a,i0,a)') 'ranks = ', dims, '(0: free, 1: one point) make no blocks for ', size, ' ranks'
    call end_unless(mod(size, product(max(dims, 1))) == 0 .and. (any(dims == 0) .or. product(dims) == size), counts)
    call MPI_Dims_create(size, 3, dims)
    write (counts, '(3(i0,1x),a,3(1x,i0),a)') s%points, 'in', dims, ' blocks leave one less than 5 a direction: use fewer ranks'
    call end_unless(all(s%points == 1 .or. s%points/dims >= filter_depth), 'points = '//counts)
    call MPI_Cart_create(comm, 3, dims, [.true., .true., .true.], .false., sim%cart)
    call MPI_Comm_rank(sim%cart, sim%rank)
    sim%blocks = dims
    call MPI_Cart_coords(sim%cart, sim%rank, 3, coordinates)
    do d = 1, 3
      offset(d) = int(int(s%points(d), 8)*coordinates(d)/dims(d))
      n(d) = int(int(s%points(d), 8)*(coordinates(d) + 1)/dims(d)) - offset(d)
    end do
    open_end = .false.
    sim%b = block_create(n, s%points, offset, s%length, open_end)
    allocate (sim%q(sim%b%ld, state_fields(f)), sim%rhs(sim%b%ld, state_fields(f)), source=0d0)
    allocate (sim%prim(sim%b%ld, primitive_fields(f)), sim%p(sim%b%ld), source=0d0)
    call halo_create(sim%filter_halo, sim%b, sim%cart, filter_depth, state_fields(f))
  end subroutine

  subroutine simulation_destroy(sim)
    type(simulation_t), intent(inout) :: sim
    deallocate (sim%q, sim%rhs, sim%prim, sim%p)
    if (allocated(sim%q3)) deallocate (sim%q3)
    call halo_destroy(sim%filter_halo)
    call MPI_Comm_free(sim%cart)
  end subroutine

  !> One step or, where tasks update the state, as many as go by before somebody looks at its arrays: to step `last`, or the end.
  subroutine simulation_advance(sim, method, last)
    type(simulation_t), intent(inout) :: sim
    class(rhs_method_t), intent(inout) :: method
    integer, intent(in) :: last
    logical :: by_tasks
    by_tasks = .false.
    select type (method)
    class is (stepping_method_t)
      by_tasks = method%updates_state
      if (by_tasks) call steps_of_tasks(sim, method, last)
    end select
    if (by_tasks) return
    call step_of_fortran(sim, method)
    if (filter_is_due(sim)) call filter_state(sim)
  end subroutine

  subroutine step_of_fortran(sim, method)
    type(simulation_t), intent(inout) :: sim
    class(rhs_method_t), intent(inout) :: method
    integer :: stage
    real(8) :: started
    sim%q3 = sim%q
    do stage = 1, stages
      started = MPI_Wtime()
      call method%compute()
      call time_since(sim, started)
      if (stage == 1) then
        if (step_is_to_be_chosen(sim)) call choose_step(sim)
        call set_step(sim)
      end if
      started = MPI_Wtime()
      call rk_stage(stage, size(sim%q), sim%dt, sim%rhs, sim%q, sim%q3)
      call time_since(sim, started)
    end do
    call step_is_done(sim)
  end subroutine

  subroutine steps_of_tasks(sim, method, last)
    type(simulation_t), intent(inout), target :: sim
    class(stepping_method_t), intent(inout) :: method
    integer, intent(in) :: last
    type(sim_course_t) :: course
    real(8) :: started
    course%sim => sim
    course%last = last
    started = MPI_Wtime()
    call method%advance(course)
    call time_since(sim, started)
  end subroutine

  logical function course_depends_on_rates(this) result(depends)
    class(sim_course_t), intent(in) :: this
    depends = step_is_to_be_chosen(this%sim)
  end function

  real(8) function course_longest(this, rates) result(longest)
    class(sim_course_t), intent(in) :: this
    real(8), intent(in) :: rates(3)
    longest = longest_step(this%sim%s, rates)
  end function

  subroutine course_next(this, longest, dt, filtered, last)
    class(sim_course_t), intent(inout) :: this
    real(8), intent(in) :: longest
    real(8), intent(out) :: dt
    logical, intent(out) :: filtered, last
    associate (sim => this%sim)
      if (step_is_to_be_chosen(sim)) sim%dt = longest
      call set_step(sim)
      dt = sim%dt
      call step_is_done(sim)
      filtered = filter_is_due(sim)
      last = sim%step >= this%last .or. simulation_ended(sim)
    end associate
  end subroutine

  subroutine time_since(sim, started)
    type(simulation_t), intent(inout) :: sim
    real(8), intent(in) :: started
    sim%rhs_seconds = sim%rhs_seconds + (MPI_Wtime() - started)
  end subroutine

  pure logical function step_is_to_be_chosen(sim)
    type(simulation_t), intent(in) :: sim
    step_is_to_be_chosen = .not. sim%s%fixed_dt > 0 .and. mod(sim%step, control_every) == 0
  end function

  pure logical function filter_is_due(sim)
    type(simulation_t), intent(in) :: sim
    filter_is_due = .false.
    if (sim%s%filter_every > 0) filter_is_due = mod(sim%step, sim%s%filter_every) == 0
  end function

  !> A step that was given or chosen, but not beyond the end.
  subroutine set_step(sim)
    type(simulation_t), intent(inout) :: sim
    if (sim%s%fixed_dt > 0) sim%dt = sim%s%fixed_dt
    if (sim%s%end_time > 0) sim%dt = min(sim%dt, sim%s%end_time - sim%time)
  end subroutine

  subroutine step_is_done(sim)
    type(simulation_t), intent(inout) :: sim
    sim%evaluations = sim%evaluations + stages
    sim%step = sim%step + 1
    sim%time = sim%time + sim%dt
  end subroutine

  !> At the last step, or when the state has broken down.
  pure logical function simulation_ended(sim)
    type(simulation_t), intent(in) :: sim
    simulation_ended = .not. sim%dt < huge(1d0) .or. sim%step >= sim%s%steps &
                       .or. (sim%s%end_time > 0 .and. sim%time >= sim%s%end_time*(1 - 1d-12))
  end function

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

  !> Collective.
  subroutine choose_step(sim)
    type(simulation_t), intent(inout) :: sim
    real(8) :: rates(3)
    rates = largest_rates(sim%f, sim%b, block_box(sim%b), sim%q, sim%prim, sim%p)
    call MPI_Allreduce(MPI_IN_PLACE, rates, size(rates), MPI_DOUBLE_PRECISION, MPI_MAX, sim%cart)
    sim%dt = longest_step(sim%s, rates)
  end subroutine

  !> The largest step that keeps within cfl, fourier and chemical_cfl. A state that is not finite has no rates, and its step is
  !> huge. That of the largest rates of all blocks is, to the last bit, the least of the blocks' own.
  pure real(8) function longest_step(s, rates) result(dt)
    type(settings_t), intent(in) :: s
    real(8), intent(in) :: rates(3)
    dt = s%max_dt
    if (rates(convective) > 0) dt = min(dt, s%cfl/rates(convective))
    if (rates(diffusive) > 0) dt = min(dt, s%fourier/rates(diffusive))
    if (rates(chemical) > 0) dt = min(dt, s%chemical_cfl/rates(chemical))
  end function
end module
