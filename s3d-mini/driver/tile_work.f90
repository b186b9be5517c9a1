!> What each task of a computation uses, as lists of requirements that are made once.
module tile_work
  use cohort
  use flow, only: i_rho, p_T, p_species, primitive_fields
  use tile_regions, only: arrays_t, regions_t, tiled_t, ghosts_t
  implicit none
  private
  public :: work_t, work, handed_over, handed_back, advanced, told, work_create, work_destroy, filters_state
  public :: primitives, chemistry, flux, divergence, update, rates, filtering, kinds
  public :: works, first_update, filters, task_of, most_needs

  !> Kinds of tasks that are kernels.
  integer, parameter :: primitives = 1, chemistry = 2, flux = 3, divergence = 4, update = 5, rates = 6, filtering = 7, kinds = 7
  !> Work is of a kind, or: a step's first update, which reads what the others write, and the filter along each direction.
  integer, parameter :: first_update = 8, filters(3) = [7, 9, 10], works = 10, task_of(works) = [1, 2, 3, 4, 5, 6, 7, 5, 7, 7]
  !> The state, p, the primitive fields twice, ghosts of six faces, three fluxes, fits of pairs.
  integer, parameter :: most_needs = 14

  !> What one task uses: of a kind always the same in the same places, since these are the arguments of its kernel on devices; what
  !> a tile does not need it may not touch. `face` says which of the requirements are ghost regions, and beyond which face.
  type :: work_t
    type(cohort_requirement), allocatable :: needs(:)
    integer, allocatable :: face(:)
  end type
  type(work_t), allocatable, save, target :: work(:, :) !< by work and tile
  !> Of await, of handoff after a right-hand side and after steps, and of what tells the rates that limit a step.
  type(work_t), save :: handed_over, handed_back, advanced, told

contains

  !> Says once what each task of a computation uses.
  subroutine work_create(a, r)
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
    integer :: t
    allocate (work(works, size(a%tiles)))
    do t = 1, size(a%tiles)
      call work_of_points(a, r, t)
      call work_of_fluxes(a, r, t, work(flux, t))
      call work_of_divergence(a, r, t, work(divergence, t))
      if (.not. associated(a%q3)) cycle
      call work_of_update(r, t, COHORT_READ_WRITE, COHORT_WRITE_DISCARD, work(first_update, t))
      call work_of_update(r, t, COHORT_WRITE_DISCARD, COHORT_READ_WRITE, work(update, t))
      call work_of_rates(a, r, t, work(rates, t))
      call work_of_filters(a, r, t)
    end do
    call work_of_handoffs(a, r)
  end subroutine

  subroutine work_destroy()
    deallocate (work)
    handed_over = work_t()
    handed_back = work_t()
    advanced = work_t()
    told = work_t()
  end subroutine

  subroutine work_of_handoffs(a, r)
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
    integer :: d
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
    call use(told, r%rates, r%rates_field, COHORT_READ_ONLY)
  end subroutine

  subroutine use(w, region, fields, privilege, face)
    type(work_t), intent(inout) :: w
    type(cohort_region), intent(in) :: region
    integer(4), intent(in) :: fields(:), privilege
    integer, intent(in), optional :: face
    call use_needs(w, cohort_needs(region, fields, privilege), face)
  end subroutine

  subroutine use_needs(w, needs, face)
    type(work_t), intent(inout) :: w
    type(cohort_requirement), intent(in) :: needs
    integer, intent(in), optional :: face
    if (.not. allocated(w%needs)) allocate (w%needs(0), w%face(0))
    w%needs = [w%needs, needs]
    if (present(face)) then
      w%face = [w%face, face]
    else
      w%face = [w%face, 0]
    end if
  end subroutine

  subroutine work_of_points(a, r, t)
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
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

  subroutine work_of_fluxes(a, r, t, w)
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
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
      call use_nothing(w, r, t)
    end if
    do d = 1, 3
      call use_ghosts(w, a, r, t, d, a%f%viscous, r%primitives)
    end do
    do d = 1, 3
      if (a%b%active(d)) then
        call use(w, r%flux(d)%tile(t), r%flux(d)%field, COHORT_WRITE_DISCARD)
      else
        call use_nothing(w, r, t)
      end if
    end do
    call use_pair_fits(w, r, t)
  end subroutine

  subroutine use_pair_fits(w, r, t)
    type(work_t), intent(inout) :: w
    type(regions_t), intent(in) :: r
    integer, intent(in) :: t
    if (r%pair_fits%id /= 0) then
      call use(w, r%pair_fits, r%pair_fits_field, COHORT_READ_ONLY)
    else
      call use_nothing(w, r, t)
    end if
  end subroutine

  subroutine work_of_divergence(a, r, t, w)
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
    integer, intent(in) :: t
    type(work_t), intent(inout) :: w
    integer :: d
    call use(w, r%rhs%tile(t), r%rhs%field, COHORT_READ_WRITE)
    do d = 1, 3
      if (a%b%active(d)) then
        call use(w, r%flux(d)%along(t, d), r%flux(d)%field, COHORT_READ_ONLY)
      else
        call use_nothing(w, r, t)
      end if
      call use_ghosts(w, a, r, t, d, a%b%active(d), r%fluxes(d))
    end do
  end subroutine

  subroutine work_of_update(r, t, of_state, of_second, w)
    type(regions_t), intent(in) :: r
    integer, intent(in) :: t
    integer(4), intent(in) :: of_state, of_second
    type(work_t), intent(inout) :: w
    call use(w, r%state%tile(t), r%state%field, of_state)
    call use(w, r%rhs%tile(t), r%rhs%field, COHORT_READ_ONLY)
    call use(w, r%second%tile(t), r%second%field, of_second)
  end subroutine

  subroutine work_of_rates(a, r, t, w)
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
    integer, intent(in) :: t
    type(work_t), intent(inout) :: w
    call use(w, r%state%tile(t), r%state%field(i_rho:i_rho), COHORT_READ_ONLY)
    call use(w, r%kept%tile(t), r%kept%field, COHORT_READ_ONLY)
    call use_pair_fits(w, r, t)
    call use_needs(w, cohort_needs(r%rates, r%rates_field, COHORT_REDUCE, reduction=COHORT_MAX, reduction_type=COHORT_DOUBLE))
  end subroutine

  !> Direction by direction to and fro between the state and the second register.
  subroutine work_of_filters(a, r, t)
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
    integer, intent(in) :: t
    integer :: d
    do d = 1, 3
      if (.not. a%b%active(d)) cycle
      if (filters_state(a, d)) then
        call work_of_filter(a, r, t, d, r%state, r%second, work(filters(d), t))
      else
        call work_of_filter(a, r, t, d, r%second, r%state, work(filters(d), t))
      end if
    end do
  end subroutine

  subroutine work_of_filter(a, r, t, d, from, to, w)
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
    integer, intent(in) :: t, d
    type(tiled_t), intent(in) :: from, to
    type(work_t), intent(inout) :: w
    call use(w, to%tile(t), to%field, COHORT_WRITE_DISCARD)
    call use(w, from%along(t, d), from%field, COHORT_READ_ONLY)
    call use_ghosts(w, a, r, t, d, .true., r%states(d))
  end subroutine

  !> Whether the filter along a direction reads the state and writes the second register, or the other way round.
  pure logical function filters_state(a, d)
    type(arrays_t), intent(in) :: a
    integer, intent(in) :: d
    filters_state = mod(count(a%b%active(:d)), 2) == 1
  end function

  !> The ghost regions that the stencils of a tile reach in one direction, if they reach any at all.
  subroutine use_ghosts(w, a, r, t, direction, reach, ghosts)
    type(work_t), intent(inout) :: w
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(in) :: r
    integer, intent(in) :: t, direction
    logical, intent(in) :: reach
    type(ghosts_t), intent(in) :: ghosts
    integer :: face
    logical :: near(6)
    associate (box => a%tiles(t), b => a%b, deep => ghosts%depth)
      near = [box%i1 <= deep, box%i2 > b%nx - deep, box%j1 <= deep, box%j2 > b%ny - deep, box%k1 <= deep, box%k2 > b%nz - deep]
    end associate
    do face = 2*direction - 1, 2*direction
      if (reach .and. near(face) .and. ghosts%face(face)%id /= 0) then
        call use(w, ghosts%face(face), ghosts%slot, COHORT_READ_ONLY, face)
      else
        call use_nothing(w, r, t)
      end if
    end do
  end subroutine

  !> Keeps the place of a requirement.
  subroutine use_nothing(w, r, t)
    type(work_t), intent(inout) :: w
    type(regions_t), intent(in) :: r
    integer, intent(in) :: t
    call use(w, r%state%tile(t), r%state%field(:1), COHORT_NO_ACCESS)
  end subroutine
end module
