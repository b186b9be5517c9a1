!> What the tasks of a right-hand side compute on, as regions over the block's points: the state, its right-hand side, what is kept
!> between computations, and temporaries, as in S3D's Legion version (Bauer, Stanford thesis 2014, chapter on S3D). A field is a
!> column of an array; the arrays are attached where they lie. Around the block lie the ghost regions of halos.
module tile_regions
  use mpi_f08, only: MPI_Comm
  use cohort
  use block, only: block_t, box_t, block_tiles
  use filter, only: filter_depth
  use flow, only: flow_t, primitive_fields, state_fields
  use mechanism_source, only: pairs_apart
  use stencil, only: stencil_depth
  implicit none
  private
  public :: arrays_t, regions_t, tiled_t, ghosts_t, arrays_create, arrays_destroy, halos_create, halos_destroy, regions_create

  !> The arrays, as the kernels take them. The flux is nobody's but the tasks', and so is the second register, which is there
  !> where tasks update the state.
  type :: arrays_t
    type(flow_t), pointer :: f => null()
    type(block_t), pointer :: b => null()
    type(box_t), allocatable :: tiles(:)
    real(8), pointer, contiguous :: q(:, :) => null(), prim(:, :) => null(), p(:) => null(), rhs(:, :) => null()
    real(8), pointer, contiguous :: flux(:, :, :) => null(), q3(:, :) => null()
    real(8), pointer, contiguous :: rates(:) => null() !< the block's largest, as of largest_rates
  end type

  !> A region with its tiles, and the tiles grown by what a stencil along x, y or z reaches.
  type :: tiled_t
    type(cohort_region) :: whole
    type(cohort_region), allocatable :: tile(:), along(:, :)
    integer(4), allocatable :: field(:)
  end type

  !> The ghost regions of some fields: face 2d-1 below and 2d above in direction d, as slots 0, 1, ...
  type :: ghosts_t
    integer :: depth = 0
    type(cohort_halo) :: halo
    type(cohort_region) :: face(6)
    integer(4), allocatable :: slot(:)
  end type

  type :: regions_t
    type(tiled_t) :: state      !< q
    type(tiled_t) :: rhs
    type(tiled_t) :: second     !< q3; between steps it takes what is filtered
    type(tiled_t) :: kept       !< prim, then p: the temperature is the next computation's first guess
    type(cohort_region) :: pair_fits !< of the mechanism, where kernels take them as data
    integer(4) :: pair_fits_field(1) = 0
    type(tiled_t) :: flux(3)    !< of each state field in x, y and z: apart, since each has stencils and faces of its own
    type(ghosts_t) :: primitives, fluxes(3), states(3) !< those of the state for the filter
    type(cohort_region) :: rates
    integer(4) :: rates_field(1) = 0
  end type

contains

  subroutine arrays_create(a, f, b, tile, updates_state, q, prim, p, rhs)
    type(arrays_t), intent(out) :: a
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    integer, intent(in) :: tile(2)
    logical, intent(in) :: updates_state
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    a%f => f
    a%b => b
    a%tiles = block_tiles(b, tile)
    a%q => q
    a%prim => prim
    a%p => p
    a%rhs => rhs
    allocate (a%flux(b%ld, state_fields(f), 3), source=0d0)
    if (updates_state) allocate (a%q3(b%ld, state_fields(f)), a%rates(3), source=0d0)
  end subroutine

  subroutine arrays_destroy(a)
    type(arrays_t), intent(inout) :: a
    deallocate (a%flux, a%tiles)
    if (associated(a%q3)) deallocate (a%q3, a%rates)
  end subroutine

  !> Collective, on the MPI thread.
  subroutine halos_create(rt, cart, a, r)
    type(cohort_runtime), intent(in) :: rt
    type(MPI_Comm), intent(in) :: cart
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(inout) :: r
    integer :: d
    if (a%f%viscous) call ghosts_create(rt, cart, a%b, a%b%active, stencil_depth, primitive_fields(a%f), r%primitives)
    do d = 1, 3
      if (.not. a%b%active(d)) cycle
      call ghosts_create(rt, cart, a%b, [1, 2, 3] == d, stencil_depth, state_fields(a%f), r%fluxes(d))
      if (associated(a%q3)) call ghosts_create(rt, cart, a%b, [1, 2, 3] == d, filter_depth, state_fields(a%f), r%states(d))
    end do
  end subroutine

  subroutine ghosts_create(rt, cart, b, directions, depth, fields, ghosts)
    type(cohort_runtime), intent(in) :: rt
    type(MPI_Comm), intent(in) :: cart
    type(block_t), intent(in) :: b
    logical, intent(in) :: directions(3)
    integer, intent(in) :: depth, fields
    type(ghosts_t), intent(out) :: ghosts
    integer :: face, m
    ghosts%depth = depth
    call cohort_halo_create(rt, cart, [1, 1, 1], [b%nx, b%ny, b%nz], merge(depth, 0, directions), fields, 8, ghosts%halo)
    do face = 1, 6
      call cohort_halo_region(ghosts%halo, face, ghosts%face(face))
    end do
    ghosts%slot = [(m - 1, m=1, fields)]
  end subroutine

  subroutine halos_destroy(r)
    type(regions_t), intent(inout) :: r
    integer :: d
    call ghosts_destroy(r%primitives)
    do d = 1, 3
      call ghosts_destroy(r%fluxes(d))
      call ghosts_destroy(r%states(d))
    end do
  end subroutine

  subroutine ghosts_destroy(ghosts)
    type(ghosts_t), intent(inout) :: ghosts
    integer :: face
    do face = 1, 6
      call cohort_region_destroy(ghosts%face(face))
    end do
    call cohort_halo_destroy(ghosts%halo)
  end subroutine

  subroutine regions_create(rt, ctx, a, r)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_context), intent(in) :: ctx
    type(arrays_t), intent(in) :: a
    type(regions_t), intent(inout) :: r
    real(8), pointer :: pair_fits(:)
    integer :: n, d
    call tiled_create(rt, a, state_fields(a%f), filter_depth, r%state)
    call tiled_create(rt, a, state_fields(a%f), 0, r%rhs)
    call tiled_create(rt, a, primitive_fields(a%f) + 1, stencil_depth, r%kept)
    call attach(ctx, a%b, r%state%whole, r%state%field, a%q)
    call attach(ctx, a%b, r%rhs%whole, r%rhs%field, a%rhs)
    if (associated(a%q3)) then
      call tiled_create(rt, a, state_fields(a%f), filter_depth, r%second)
      call attach(ctx, a%b, r%second%whole, r%second%field, a%q3)
      call list_create(rt, ctx, a%rates, r%rates, r%rates_field)
    end if
    n = primitive_fields(a%f)
    call attach(ctx, a%b, r%kept%whole, r%kept%field(:n), a%prim)
    call attach(ctx, a%b, r%kept%whole, r%kept%field(n + 1:), a%p)
    do d = 1, 3
      call tiled_create(rt, a, state_fields(a%f), stencil_depth, r%flux(d))
      call attach(ctx, a%b, r%flux(d)%whole, r%flux(d)%field, a%flux(:, :, d))
    end do
    r%pair_fits = cohort_region()
    if (a%f%viscous) then
      if (pairs_apart(a%f%mech)) then
        pair_fits(1:size(a%f%mech%diffusion)) => a%f%mech%diffusion
        call list_create(rt, ctx, pair_fits, r%pair_fits, r%pair_fits_field)
      end if
    end if
  end subroutine

  !> A region over the numbers of a list, not over points.
  subroutine list_create(rt, ctx, numbers, region, field)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_context), intent(in) :: ctx
    real(8), intent(in), pointer :: numbers(:)
    type(cohort_region), intent(out) :: region
    integer(4), intent(inout) :: field(1)
    type(cohort_index_space) :: places
    type(cohort_field_space) :: fields
    call cohort_index_space_create(rt, [1], [size(numbers)], places)
    call cohort_field_space_create(rt, fields)
    call cohort_fields_allocate(fields, 8, field)
    call cohort_region_create(rt, places, fields, region)
    call cohort_attach(ctx, region, field, numbers)
  end subroutine

  !> `reach`: how far stencils reach around a tile.
  subroutine tiled_create(rt, a, fields, reach, tiled)
    type(cohort_runtime), intent(in) :: rt
    type(arrays_t), intent(in) :: a
    integer, intent(in) :: fields, reach
    type(tiled_t), intent(out) :: tiled
    type(cohort_index_space) :: points
    type(cohort_field_space) :: columns
    type(cohort_partition) :: tiles, grown
    integer :: d
    call cohort_index_space_create(rt, [1, 1, 1], [a%b%nx, a%b%ny, a%b%nz], points)
    call cohort_field_space_create(rt, columns)
    allocate (tiled%field(fields))
    call cohort_fields_allocate(columns, 8, tiled%field)
    call cohort_region_create(rt, points, columns, tiled%whole)
    call cohort_partition_rects(tiled%whole, reshape([a%tiles%i1, a%tiles%j1, a%tiles%k1], [3, size(a%tiles)], order=[2, 1]), &
                                reshape([a%tiles%i2, a%tiles%j2, a%tiles%k2], [3, size(a%tiles)], order=[2, 1]), tiles)
    tiled%tile = parts(tiles, size(a%tiles))
    allocate (tiled%along(size(a%tiles), 3))
    do d = 1, 3
      call cohort_partition_tiles_halo(tiles, merge(reach, 0, [1, 2, 3] == d), grown)
      tiled%along(:, d) = parts(grown, size(a%tiles))
    end do
  end subroutine

  function parts(partition, count) result(part)
    type(cohort_partition), intent(in) :: partition
    integer, intent(in) :: count
    type(cohort_region) :: part(count)
    integer :: i
    do i = 1, count
      call cohort_subregion(partition, i - 1, part(i))
    end do
  end function

  !> The columns of the array become the fields.
  subroutine attach(ctx, b, region, field, array)
    type(cohort_context), intent(in) :: ctx
    type(block_t), intent(in) :: b
    type(cohort_region), intent(in) :: region
    integer(4), intent(in) :: field(:)
    real(8), intent(in), target :: array(b%ld, size(field))
    real(8), pointer :: column(:, :, :)
    integer :: m
    do m = 1, size(field)
      column(1:b%nx, 1:b%ny, 1:b%nz) => array(:b%nx*b%ny*b%nz, m)
      call cohort_attach(ctx, region, field(m:m), column)
    end do
  end subroutine
end module
