!> The kernels of a right-hand side as tasks, one a tile and kernel, and one computation as launches: handed over by the MPI code,
!> primitives, their exchange, chemistry, fluxes, their exchange, divergence, handed back. Where tasks update the state too, a
!> computation can be steps of several stages, between which nothing is handed back. Whoever launches waits for nothing:
!> requirements, barriers of the halos and the handshake order all of it.
module tile_tasks
  use mpi_f08, only: MPI_Comm
  use cohort
  use block, only: block_t, box_t, ghost_t
  use failure, only: end_unless
  use flow, only: flow_t, i_rho, p_T, p_species, primitive_fields, state_fields
  use mapper_choice, only: mapper_select, mapper_forget, mapper_has_devices
  use point_terms, only: primitives_kernel, chemistry_kernel
  use fluxes, only: flux_kernel
  use divergence, only: divergence_kernel
  use rhs_method, only: mapping_t
  use runge_kutta, only: stages, rk_factors, rk_update
  use tile_kernels, only: kernels_register
  use tile_arguments, only: tile_arguments_t, update_arguments_t, arguments_of
  use tile_regions
  implicit none
  private
  public :: computation_create, computation_attach, computation_destroy, launch_computation, last_handed_over
  public :: order, launch_await, launch_order, launch_end, launch_alone

  !> One right-hand side is alive at a time: what the bodies compute on, and its regions.
  type(arrays_t), save, target :: a
  type(regions_t), save, target :: r
  !> Set before the last hand-overs, in which there is nothing to compute.
  logical, save :: last_handed_over = .false.

  !> What the MPI code wants next: a right-hand side, or so many steps as dt has lengths. It sets this before it hands over.
  type :: order_t
    real(8), allocatable :: dt(:)
    logical :: rhs_known = .false. !< that of the first stage
  end type
  type(order_t), save :: order

  integer, parameter :: primitives = 1, chemistry = 2, flux = 3, divergence = 4, update = 5, kinds = 5
  !> Of a step's first update, which reads what the others write.
  integer, parameter :: first_update = 6, works = 6, task_of(works) = [1, 2, 3, 4, 5, 5]
  !> The state, p, the primitive fields twice, ghosts of six faces, three fluxes, fits of pairs.
  integer, parameter :: most_needs = 14
  type(cohort_task), save :: await_task, handoff_task, kernel_task(kinds)

  !> What one task uses: of a kind always the same in the same places, since these are the arguments of its kernel on devices; what
  !> a tile does not need it may not touch. `face` says which of the requirements are ghost regions, and beyond which face.
  type :: work_t
    type(cohort_requirement), allocatable :: needs(:)
    integer, allocatable :: face(:)
  end type
  type(work_t), allocatable, save, target :: work(:, :) !< by work and tile
  type(work_t), save :: handed_over, handed_back, advanced

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
    last_handed_over = .false.
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
    call work_create()
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
    call cohort_task_register(rt, 'handoff', handoff_task, handoff_body, leaf=.true.)
    ! The kernels take whole arrays, in Fortran order: so the data lies, and no mapper may have it otherwise.
    do kind = 1, kinds
      do needed = 1, most_needs
        call cohort_task_layout(kernel_task(kind), COHORT_PROC_ANY, needed, cohort_layout())
      end do
    end do
  end subroutine

  !> Says once what each task of a computation uses.
  subroutine work_create()
    integer :: t, d
    allocate (work(works, size(a%tiles)))
    do t = 1, size(a%tiles)
      call work_of_points(t)
      call work_of_fluxes(t, work(flux, t))
      call work_of_divergence(t, work(divergence, t))
      if (associated(a%q3)) then
        call work_of_update(t, COHORT_READ_WRITE, COHORT_WRITE_DISCARD, work(first_update, t))
        call work_of_update(t, COHORT_WRITE_DISCARD, COHORT_READ_WRITE, work(update, t))
      end if
    end do
    ! The MPI code writes the state and may look at everything but the fluxes.
    call use(handed_over, r%state%whole, r%state%field, COHORT_READ_WRITE)
    call use(handed_over, r%kept%whole, r%kept%field, COHORT_READ_WRITE)
    call use(handed_over, r%rhs%whole, r%rhs%field, COHORT_READ_WRITE)
    ! After all other uses, the copies to the neighbours among them: the MPI code may wait for a neighbour that waits for those,
    ! and where MPI is the MPI thread's alone nobody sends them meanwhile.
    call use(handed_back, r%kept%whole, r%kept%field, COHORT_READ_WRITE)
    do d = 1, 3
      ! Of no use to it: from a device they need not come home.
      call use(handed_back, r%flux(d)%whole, r%flux(d)%field, COHORT_WRITE_DISCARD)
    end do
    advanced = handed_back
    call use(handed_back, r%rhs%whole, r%rhs%field, COHORT_READ_WRITE)
    if (.not. associated(a%q3)) return
    ! After steps the state itself.
    call use(advanced, r%state%whole, r%state%field, COHORT_READ_WRITE)
    call use(advanced, r%rhs%whole, r%rhs%field, COHORT_WRITE_DISCARD)
    call use(advanced, r%second%whole, r%second%field, COHORT_WRITE_DISCARD)
  end subroutine

  subroutine work_destroy()
    deallocate (work)
    handed_over = work_t()
    handed_back = work_t()
    advanced = work_t()
  end subroutine

  subroutine use(w, region, fields, privilege, face)
    type(work_t), intent(inout) :: w
    type(cohort_region), intent(in) :: region
    integer(4), intent(in) :: fields(:), privilege
    integer, intent(in), optional :: face
    if (.not. allocated(w%needs)) allocate (w%needs(0), w%face(0))
    w%needs = [w%needs, cohort_needs(region, fields, privilege)]
    if (present(face)) then
      w%face = [w%face, face]
    else
      w%face = [w%face, 0]
    end if
  end subroutine

  subroutine work_of_points(t)
    integer, intent(in) :: t
    associate (w => work(primitives, t))
      call use(w, r%state%tile(t), r%state%field, COHORT_READ_ONLY)
      call use(w, r%kept%tile(t), r%kept%field, COHORT_READ_WRITE)
    end associate
    associate (w => work(chemistry, t))
      call use(w, r%state%tile(t), r%state%field(i_rho:i_rho), COHORT_READ_ONLY)
      call use(w, r%kept%tile(t), r%kept%field(p_T:p_species + a%f%n - 1), COHORT_READ_ONLY)
      call use(w, r%rhs%tile(t), r%rhs%field, COHORT_WRITE_DISCARD)
    end associate
  end subroutine

  subroutine work_of_fluxes(t, w)
    integer, intent(in) :: t
    type(work_t), intent(inout) :: w
    integer :: n, d
    n = primitive_fields(a%f)
    call use(w, r%state%tile(t), r%state%field, COHORT_READ_ONLY)
    call use(w, r%kept%tile(t), r%kept%field(n + 1:), COHORT_READ_ONLY)
    if (a%f%viscous) then
      ! Rows are whole: nothing of the block lies beyond them in x.
      call use(w, r%kept%along(t, 2), r%kept%field(:n), COHORT_READ_ONLY)
      call use(w, r%kept%along(t, 3), r%kept%field(:n), COHORT_READ_ONLY)
    else
      call use(w, r%kept%tile(t), r%kept%field(:n), COHORT_READ_ONLY)
      call use_nothing(w, t)
    end if
    do d = 1, 3
      call use_ghosts(w, t, d, a%f%viscous, r%primitives)
    end do
    do d = 1, 3
      if (a%b%active(d)) then
        call use(w, r%flux(d)%tile(t), r%flux(d)%field, COHORT_WRITE_DISCARD)
      else
        call use_nothing(w, t)
      end if
    end do
    if (r%pair_fits%id /= 0) then
      call use(w, r%pair_fits, r%pair_fits_field, COHORT_READ_ONLY)
    else
      call use_nothing(w, t)
    end if
  end subroutine

  subroutine work_of_divergence(t, w)
    integer, intent(in) :: t
    type(work_t), intent(inout) :: w
    integer :: d
    call use(w, r%rhs%tile(t), r%rhs%field, COHORT_READ_WRITE)
    do d = 1, 3
      if (a%b%active(d)) then
        call use(w, r%flux(d)%along(t, d), r%flux(d)%field, COHORT_READ_ONLY)
      else
        call use_nothing(w, t)
      end if
      call use_ghosts(w, t, d, a%b%active(d), r%fluxes(d))
    end do
  end subroutine

  subroutine work_of_update(t, of_state, of_second, w)
    integer, intent(in) :: t
    integer(4), intent(in) :: of_state, of_second
    type(work_t), intent(inout) :: w
    call use(w, r%state%tile(t), r%state%field, of_state)
    call use(w, r%rhs%tile(t), r%rhs%field, COHORT_READ_ONLY)
    call use(w, r%second%tile(t), r%second%field, of_second)
  end subroutine

  !> The ghost regions that the stencils of a tile reach in one direction, if they reach any at all.
  subroutine use_ghosts(w, t, direction, reach, ghosts)
    type(work_t), intent(inout) :: w
    integer, intent(in) :: t, direction
    logical, intent(in) :: reach
    type(ghosts_t), intent(in) :: ghosts
    integer :: face
    logical :: near(6)
    associate (box => a%tiles(t), b => a%b, deep => stencil_depth)
      near = [box%i1 <= deep, box%i2 > b%nx - deep, box%j1 <= deep, box%j2 > b%ny - deep, box%k1 <= deep, box%k2 > b%nz - deep]
    end associate
    do face = 2*direction - 1, 2*direction
      if (reach .and. near(face) .and. ghosts%face(face)%id /= 0) then
        call use(w, ghosts%face(face), ghosts%slot, COHORT_READ_ONLY, face)
      else
        call use_nothing(w, t)
      end if
    end do
  end subroutine

  !> Keeps the place of a requirement.
  subroutine use_nothing(w, t)
    type(work_t), intent(inout) :: w
    integer, intent(in) :: t
    call use(w, r%state%tile(t), r%state%field(:1), COHORT_NO_ACCESS)
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

  !> What was ordered, in a hand-over that was awaited.
  subroutine launch_order(ctx, handshake)
    type(cohort_context), intent(in) :: ctx
    type(cohort_handshake), intent(in) :: handshake
    integer :: step, stage
    if (size(order%dt) == 0) then
      call launch_rhs(ctx)
      call launch_handoff(ctx, handshake, handed_back)
      return
    end if
    do step = 1, size(order%dt)
      do stage = 1, stages
        if (.not. (order%rhs_known .and. step == 1 .and. stage == 1)) call launch_rhs(ctx)
        call launch_updates(ctx, stage, order%dt(step))
      end do
    end do
    call launch_handoff(ctx, handshake, advanced)
  end subroutine

  !> One kernel of all tiles, to be timed: its number is that of kernel_name. With what lies in the arrays, and no exchange.
  subroutine launch_alone(ctx, kind)
    type(cohort_context), intent(in) :: ctx
    integer, intent(in) :: kind
    type(cohort_predicate) :: always
    if (kind == update) then
      call launch_updates(ctx, 2, tiny(1d0))
    else
      call launch_tiles(ctx, kind, always)
    end if
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
    call ghosts_of(task, flux, ghost)
    call flux_kernel(a%f, a%b, box_of(task), a%q, a%prim, a%p, ghost, a%flux)
  end subroutine

  recursive subroutine divergence_body(task)
    type(cohort_context), intent(in) :: task
    type(ghost_t) :: ghost(state_fields(a%f))
    call ghosts_of(task, divergence, ghost)
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
  recursive subroutine ghosts_of(task, kind, ghost)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: kind
    type(ghost_t), intent(inout) :: ghost(:)
    real(8), pointer :: planes(:, :, :)
    integer :: i, side, m
    associate (face => work(kind, tile_of(task))%face)
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
