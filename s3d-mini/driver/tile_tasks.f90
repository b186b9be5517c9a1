!> The kernels of a right-hand side as tasks, one a tile and kernel, and one computation as launches: handed over by the MPI code,
!> primitives, their exchange, chemistry, fluxes, their exchange, divergence, handed back. Where tasks update the state too, a
!> computation can be steps of several stages, with the filter between them, and what limits the next step: between them nothing is
!> handed back. Whoever launches waits for nothing: requirements, barriers of the halos and the handshake order all of it.
module tile_tasks
  use, intrinsic :: iso_c_binding, only: c_int64_t, c_sizeof
  use mpi_f08, only: MPI_Comm, MPI_Comm_rank, MPI_Comm_size, MPI_Bcast, MPI_BYTE
  use cohort
  use block, only: block_t, box_t, ghost_t
  use failure, only: end_unless
  use filter, only: filter_box
  use flow, only: flow_t, primitive_fields, state_fields
  use mapper_choice, only: mapper_select, mapper_forget, mapper_has_devices
  use point_terms, only: primitives_kernel, chemistry_kernel
  use fluxes, only: flux_kernel
  use divergence, only: divergence_kernel
  use rhs_method, only: mapping_t, course_t
  use runge_kutta, only: stages, rk_factors, rk_update
  use tile_kernels, only: kernels_register
  use tile_arguments, only: tile_arguments_t, update_arguments_t, filter_arguments_t, arguments_of
  use tile_regions, only: arrays_t, regions_t, ghosts_t, arrays_create, arrays_destroy, halos_create, halos_destroy, regions_create
  use tile_work
  use time_step, only: largest_rates
  implicit none
  private
  public :: computation_create, computation_attach, computation_destroy, launch_computation, last_handed_over
  public :: course, launch_await, launch_order, launch_end, launch_alone

  !> One right-hand side is alive at a time: what the bodies compute on, and its regions.
  type(arrays_t), save, target :: a
  type(regions_t), save, target :: r
  !> Set before the last hand-overs, in which there is nothing to compute.
  logical, save :: last_handed_over = .false.

  !> The steps that the MPI code wants, if it is not a right-hand side alone. It sets this before it hands over.
  class(course_t), pointer, save :: course => null()
  !> Of a step that no rank's rates forbid.
  type(cohort_collective), save :: least_length

  type(cohort_task), save :: await_task, handoff_task, tell_task, kernel_task(kinds)

contains

  !> Starts the runtime. Collective. `launches_itself`: the MPI thread is the one that launches.
  subroutine computation_create(rt, mapping, launches_itself, updates_state, f, b, cart, tile, q, prim, p, rhs)
    type(cohort_runtime), intent(out) :: rt
    type(mapping_t), intent(in) :: mapping
    logical, intent(in) :: launches_itself, updates_state
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: tile(2)
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    call cohort_init(rt, cart)
    call tasks_register(rt)
    ! Their order is that of the kinds.
    if (mapper_has_devices(mapping)) call kernels_register(f, kernel_task)
    call mapper_select(rt, mapping, launches_itself)
    call arrays_create(a, f, b, tuned(rt, b, tile), updates_state, q, prim, p, rhs)
    call halos_create(rt, cart, a, r)
    if (updates_state) call least_length_create(rt, cart)
    last_handed_over = .false.
    course => null()
  end subroutine

  subroutine least_length_create(rt, cart)
    type(cohort_runtime), intent(in) :: rt
    type(MPI_Comm), intent(in) :: cart
    integer :: rank, ranks
    call MPI_Comm_rank(cart, rank)
    call MPI_Comm_size(cart, ranks)
    if (rank == 0) call cohort_collective_create(rt, ranks, COHORT_MIN, COHORT_DOUBLE, least_length)
    call MPI_Bcast(least_length, int(c_sizeof(least_length)), MPI_BYTE, 0, cart)
  end subroutine

  !> The rows of a tile, on which a mapper or a mapping file has the last word. Collective.
  function tuned(rt, b, tile) result(rows)
    type(cohort_runtime), intent(in) :: rt
    type(block_t), intent(in) :: b
    integer, intent(in) :: tile(2)
    character(6), parameter :: names(2) = ['tile_y', 'tile_z']
    type(cohort_context) :: root
    integer(8) :: chosen
    integer :: rows(2), d
    character(80) :: text
    call cohort_root_context(rt, root)
    do d = 1, 2
      chosen = cohort_tunable(root, names(d), tile(d))
      write (text, '(3a,i0,a)') 'tunable ', names(d), ' = ', chosen, ' must be at least 1 row'
      call end_unless(chosen >= 1, text)
      rows(d) = int(min(chosen, int(max(b%ny, b%nz), 8)))
    end do
  end function

  !> In the context that will launch: what a task creates, it may use.
  subroutine computation_attach(rt, ctx)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_context), intent(in) :: ctx
    call regions_create(rt, ctx, a, r)
    call work_create(a, r)
  end subroutine

  !> Ends the runtime. Collective.
  subroutine computation_destroy(rt, mapping)
    type(cohort_runtime), intent(inout) :: rt
    type(mapping_t), intent(inout) :: mapping
    type(cohort_context) :: root
    call cohort_root_context(rt, root)
    call cohort_wait_all(root)
    call mapper_forget(mapping)
    call halos_destroy(r)
    ! It ends with the runtime, on all ranks at once: others may still be getting their last length from it.
    least_length = cohort_collective()
    call cohort_finalize(rt)
    call work_destroy()
    call arrays_destroy(a)
  end subroutine

  subroutine tasks_register(rt)
    type(cohort_runtime), intent(in) :: rt
    integer :: kind, needed
    call cohort_task_register(rt, 'await', await_task, await_body, leaf=.true.)
    call cohort_task_register(rt, 'primitives', kernel_task(primitives), primitives_body, leaf=.true.)
    call cohort_task_register(rt, 'chemistry', kernel_task(chemistry), chemistry_body, leaf=.true.)
    call cohort_task_register(rt, 'fluxes', kernel_task(flux), flux_body, leaf=.true.)
    call cohort_task_register(rt, 'divergence', kernel_task(divergence), divergence_body, leaf=.true.)
    call cohort_task_register(rt, 'update', kernel_task(update), update_body, leaf=.true.)
    call cohort_task_register(rt, 'rates', kernel_task(rates), rates_body, leaf=.true.)
    call cohort_task_register(rt, 'filter', kernel_task(filtering), filter_body, leaf=.true.)
    call cohort_task_register(rt, 'tell', tell_task, tell_body, leaf=.true.)
    call cohort_task_register(rt, 'handoff', handoff_task, handoff_body, leaf=.true.)
    ! The kernels take whole arrays, in Fortran order: so the data lies, and no mapper may have it otherwise.
    do kind = 1, kinds
      do needed = 1, most_needs
        call cohort_task_layout(kernel_task(kind), COHORT_PROC_ANY, needed, cohort_layout())
      end do
    end do
  end subroutine

  !> One right-hand side. `go_on`, ready when the MPI code has handed over, is whether there is anything to compute and more will
  !> follow.
  subroutine launch_computation(ctx, handshake, go_on)
    type(cohort_context), intent(in) :: ctx
    type(cohort_handshake), intent(in) :: handshake
    type(cohort_future), intent(out), optional :: go_on
    type(cohort_predicate) :: compute
    call launch_await(ctx, handshake, go_on)
    if (present(go_on)) call cohort_predicate_from_future(go_on, compute)
    call launch_rhs(ctx, compute)
    call launch_handoff(ctx, handshake, handed_back)
    if (present(go_on)) call cohort_predicate_destroy(compute)
  end subroutine

  subroutine launch_await(ctx, handshake, go_on)
    type(cohort_context), intent(in) :: ctx
    type(cohort_handshake), intent(in) :: handshake
    type(cohort_future), intent(out), optional :: go_on
    call cohort_launch(ctx, await_task, handed_over%needs, wait_handshakes=[handshake], result=go_on)
  end subroutine

  subroutine launch_handoff(ctx, handshake, w)
    type(cohort_context), intent(in) :: ctx
    type(cohort_handshake), intent(in) :: handshake
    type(work_t), intent(in) :: w
    call cohort_launch(ctx, handoff_task, w%needs, arrive_handshakes=[handshake])
    call cohort_handshake_advance(ctx, handshake)
  end subroutine

  !> In a hand-over that was awaited: the steps that were ordered, otherwise a right-hand side.
  recursive subroutine launch_order(ctx, handshake)
    type(cohort_context), intent(in) :: ctx
    type(cohort_handshake), intent(in) :: handshake
    if (associated(course)) then
      call launch_steps(ctx)
      call launch_handoff(ctx, handshake, advanced)
    else
      call launch_rhs(ctx)
      call launch_handoff(ctx, handshake, handed_back)
    end if
  end subroutine

  !> Waits only where a step's length depends on the state.
  recursive subroutine launch_steps(ctx)
    type(cohort_context), intent(in) :: ctx
    real(8) :: dt, longest
    logical :: rhs_known, filtered, last
    integer :: stage
    last = .false.
    longest = 0
    do while (.not. last)
      rhs_known = course%depends_on_rates()
      if (rhs_known) then
        call launch_rhs(ctx)
        call find_longest_step(ctx, longest)
      end if
      call course%next(longest, dt, filtered, last)
      do stage = 1, stages
        if (stage > 1 .or. .not. rhs_known) call launch_rhs(ctx)
        call launch_updates(ctx, stage, dt)
      end do
      if (filtered) call launch_filter(ctx)
    end do
  end subroutine

  !> The least of what the blocks' rates allow. No array comes home for it, as one would where the MPI code waits for a handshake.
  recursive subroutine find_longest_step(ctx, longest)
    type(cohort_context), intent(in) :: ctx
    real(8), intent(out) :: longest
    type(cohort_predicate) :: always
    type(cohort_future) :: of_block, of_all
    real(8) :: found(3)
    call cohort_fill(ctx, r%rates, r%rates_field, 0d0)
    call launch_tiles(ctx, rates, always)
    call cohort_launch(ctx, tell_task, told%needs, result=of_block)
    call cohort_future_get(of_block, found)
    call cohort_future_destroy(of_block)
    call cohort_collective_arrive(least_length, course%longest(found))
    call cohort_collective_advance(least_length)
    call cohort_collective_future(ctx, least_length, of_all)
    call cohort_future_get(of_all, longest)
    call cohort_future_destroy(of_all)
  end subroutine

  !> One kernel of all tiles, to be timed: its number is that of kernel_name. With what lies in the arrays, and no exchange.
  subroutine launch_alone(ctx, kind)
    type(cohort_context), intent(in) :: ctx
    integer, intent(in) :: kind
    type(cohort_predicate) :: always
    select case (kind)
    case (update)
      call launch_updates(ctx, 2, tiny(1d0))
    case (filtering)
      call launch_filter_along(ctx, findloc(a%b%active, .true., 1))
    case default
      call launch_tiles(ctx, kind, always)
    end select
  end subroutine

  !> A hand-over in which nothing is to be done.
  subroutine launch_end(ctx, handshake)
    type(cohort_context), intent(in) :: ctx
    type(cohort_handshake), intent(in) :: handshake
    call launch_handoff(ctx, handshake, handed_back)
  end subroutine

  subroutine launch_rhs(ctx, predicate)
    type(cohort_context), intent(in) :: ctx
    type(cohort_predicate), intent(in), optional :: predicate
    type(cohort_predicate) :: compute
    integer :: d
    if (present(predicate)) compute = predicate
    call launch_tiles(ctx, primitives, compute)
    if (a%f%viscous) then
      call cohort_halo_exchange(ctx, r%primitives%halo, r%kept%whole, r%kept%field(:size(r%primitives%slot)), r%primitives%slot)
    end if
    call launch_tiles(ctx, chemistry, compute)
    call launch_tiles(ctx, flux, compute)
    if (a%f%viscous) call cohort_halo_release(ctx, r%primitives%halo, r%primitives%slot)
    do d = 1, 3
      if (a%b%active(d)) call cohort_halo_exchange(ctx, r%fluxes(d)%halo, r%flux(d)%whole, r%flux(d)%field, r%fluxes(d)%slot)
    end do
    call launch_tiles(ctx, divergence, compute)
    do d = 1, 3
      if (a%b%active(d)) call cohort_halo_release(ctx, r%fluxes(d)%halo, r%fluxes(d)%slot)
    end do
  end subroutine

  !> Direction after direction, each from the state to the second register or back; it ends in the state.
  subroutine launch_filter(ctx)
    type(cohort_context), intent(in) :: ctx
    integer :: d, t
    do d = 1, 3
      if (.not. a%b%active(d)) cycle
      associate (ghosts => r%states(d))
        if (filters_state(a, d)) then
          call cohort_halo_exchange(ctx, ghosts%halo, r%state%whole, r%state%field, ghosts%slot)
        else
          call cohort_halo_exchange(ctx, ghosts%halo, r%second%whole, r%second%field, ghosts%slot)
        end if
        call launch_filter_along(ctx, d)
        call cohort_halo_release(ctx, ghosts%halo, ghosts%slot)
      end associate
    end do
    if (mod(count(a%b%active), 2) == 0) return
    do t = 1, size(a%tiles)
      call cohort_copy(ctx, r%second%tile(t), r%second%field, r%state%tile(t), r%state%field)
    end do
  end subroutine

  subroutine launch_filter_along(ctx, d)
    type(cohort_context), intent(in) :: ctx
    integer, intent(in) :: d
    integer :: t
    do t = 1, size(a%tiles)
      call cohort_launch(ctx, kernel_task(filtering), work(filters(d), t)%needs, &
                         args=filter_arguments_t(arguments_of(a%b, t), int(d - 1, c_int64_t)))
    end do
  end subroutine

  subroutine launch_tiles(ctx, kind, predicate)
    type(cohort_context), intent(in) :: ctx
    integer, intent(in) :: kind
    type(cohort_predicate), intent(in) :: predicate
    integer :: t
    do t = 1, size(a%tiles)
      call cohort_launch(ctx, kernel_task(kind), work(kind, t)%needs, args=arguments_of(a%b, t), predicate=predicate)
    end do
  end subroutine

  subroutine launch_updates(ctx, stage, dt)
    type(cohort_context), intent(in) :: ctx
    integer, intent(in) :: stage
    real(8), intent(in) :: dt
    type(update_arguments_t) :: arguments
    integer :: t, w
    w = merge(first_update, update, stage == 1)
    do t = 1, size(a%tiles)
      arguments = update_arguments_t(t, merge(1, 0, stage == 1), rk_factors(stage, dt))
      call cohort_launch(ctx, kernel_task(task_of(w)), work(w, t)%needs, args=arguments)
    end do
  end subroutine

  !> Stands for what the MPI code did: the arrays are the regions.
  recursive subroutine await_body(task)
    type(cohort_context), intent(in) :: task
    call cohort_task_result(task, .not. last_handed_over)
  end subroutine

  recursive subroutine primitives_body(task)
    type(cohort_context), intent(in) :: task
    call primitives_kernel(a%f, a%b, box_of(task), a%q, a%prim, a%p)
  end subroutine

  recursive subroutine chemistry_body(task)
    type(cohort_context), intent(in) :: task
    call chemistry_kernel(a%f, a%b, box_of(task), a%q, a%prim, a%rhs)
  end subroutine

  recursive subroutine flux_body(task)
    type(cohort_context), intent(in) :: task
    type(ghost_t) :: ghost(primitive_fields(a%f))
    call ghosts_of(task, work(flux, tile_of(task)), ghost)
    call flux_kernel(a%f, a%b, box_of(task), a%q, a%prim, a%p, ghost, a%flux)
  end subroutine

  recursive subroutine divergence_body(task)
    type(cohort_context), intent(in) :: task
    type(ghost_t) :: ghost(state_fields(a%f))
    call ghosts_of(task, work(divergence, tile_of(task)), ghost)
    call divergence_kernel(a%f, a%b, box_of(task), ghost, a%flux, a%rhs)
  end subroutine

  !> Row by row of tiles, each a stretch of memory.
  recursive subroutine update_body(task)
    type(cohort_context), intent(in) :: task
    type(update_arguments_t) :: arguments
    integer :: k, m, first, last
    call cohort_task_args(task, arguments)
    associate (box => a%tiles(arguments%tile), b => a%b)
      do m = 1, state_fields(a%f)
        do k = box%k1, box%k2
          first = 1 + b%nx*(box%j1 - 1 + b%ny*(k - 1))
          last = b%nx*(box%j2 + b%ny*(k - 1))
          if (arguments%first /= 0) a%q3(first:last, m) = a%q(first:last, m)
          call rk_update(last - first + 1, arguments%factors, a%rhs(first:last, m), a%q(first:last, m), a%q3(first:last, m))
        end do
      end do
    end associate
  end subroutine

  recursive subroutine rates_body(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: largest(:)
    real(8) :: of_tile(3)
    call cohort_view(task, 4, r%rates_field(1), COHORT_REDUCE, largest)
    of_tile = largest_rates(a%f, a%b, box_of(task), a%q, a%prim, a%p)
    ! What is not a number is no rate.
    where (of_tile > largest) largest = of_tile
  end subroutine

  !> To whoever launches, as a value.
  recursive subroutine tell_body(task)
    type(cohort_context), intent(in) :: task
    call cohort_task_result(task, a%rates)
  end subroutine

  recursive subroutine filter_body(task)
    type(cohort_context), intent(in) :: task
    type(filter_arguments_t) :: arguments
    type(ghost_t) :: ghost(state_fields(a%f))
    real(8), pointer, contiguous :: from(:, :), to(:, :)
    integer :: d, m
    call cohort_task_args(task, arguments)
    d = int(arguments%direction) + 1
    call ghosts_of(task, work(filters(d), arguments%tile%tile), ghost)
    from => a%q
    to => a%q3
    if (.not. filters_state(a, d)) then
      from => a%q3
      to => a%q
    end if
    do m = 1, size(ghost)
      call filter_box(a%b, a%tiles(arguments%tile%tile), d, ghost(m), from(:, m), to(:, m))
    end do
  end subroutine

  !> Orders only: the result lies in the MPI code's arrays already.
  recursive subroutine handoff_body(task)
    type(cohort_context), intent(in) :: task
  end subroutine

  recursive integer function tile_of(task) result(t)
    type(cohort_context), intent(in) :: task
    type(tile_arguments_t) :: arguments
    call cohort_task_args(task, arguments)
    t = arguments%tile
  end function

  recursive function box_of(task) result(box)
    type(cohort_context), intent(in) :: task
    type(box_t) :: box
    box = a%tiles(tile_of(task))
  end function

  !> The planes of the ghost regions that the task holds, as the kernels take them.
  recursive subroutine ghosts_of(task, w, ghost)
    type(cohort_context), intent(in) :: task
    type(work_t), intent(in) :: w
    type(ghost_t), intent(inout) :: ghost(:)
    real(8), pointer :: planes(:, :, :)
    integer :: i, side, m
    associate (face => w%face)
      do i = 1, size(face)
        if (face(i) == 0) cycle
        side = 2 - mod(face(i), 2)
        do m = 1, size(ghost)
          call cohort_view(task, i, m - 1, COHORT_READ_ONLY, planes)
          ghost(m)%face(side, (face(i) + 1)/2)%p(1:, 1:, 1:) => planes
        end do
      end do
    end associate
  end subroutine
end module
