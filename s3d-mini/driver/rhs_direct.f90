!> The right-hand side as tasks launched from the MPI thread: one task a tile and kernel. The regions say what each tile reads and
!> writes, with the four rows its stencils reach; the kernels compute on the arrays in place. Faces travel as in rhs_mpi.
module rhs_direct
  use mpi_f08, only: MPI_Comm
  use cohort
  use block, only: block_t, box_t, block_tiles
  use flow, only: flow_t, primitive_fields, state_fields
  use halo, only: halo_t, halo_create, halo_start, halo_finish
  use point_terms, only: primitives_kernel, chemistry_kernel
  use fluxes, only: flux_kernel
  use divergence, only: divergence_kernel
  use rhs_method, only: rhs_method_t
  implicit none
  private
  public :: rhs_direct_t

  integer, parameter :: stencil_depth = 4
  !> Fields of the region: each stands for all columns of one array.
  integer, parameter :: state = 1, primitives = 2, flux = 3, source = 4

  !> What the task bodies compute on. One right-hand side is alive at a time.
  type :: arrays_t
    type(flow_t), pointer :: f => null()
    type(block_t), pointer :: b => null()
    type(box_t), allocatable :: tiles(:)
    real(8), pointer, contiguous :: q(:, :) => null(), prim(:, :) => null(), p(:) => null(), rhs(:, :) => null()
    real(8), allocatable :: flux(:, :, :)
    type(halo_t) :: primitive_halo, flux_halo
  end type
  type(arrays_t), save, target :: a

  type, extends(rhs_method_t) :: rhs_direct_t
    type(cohort_runtime) :: rt
    type(cohort_context) :: root
    type(cohort_partition) :: tiles, reach
    type(cohort_task) :: primitives_task, chemistry_task, flux_task, divergence_task
    integer(4) :: field(4) = 0
  contains
    procedure :: create, compute, destroy
  end type

contains

  subroutine create(this, f, b, cart, tile, q, prim, p, rhs)
    class(rhs_direct_t), intent(inout) :: this
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: tile(2)
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    type(cohort_index_space) :: points
    type(cohort_field_space) :: fields
    type(cohort_region) :: region
    a%f => f
    a%b => b
    a%q => q
    a%prim => prim
    a%p => p
    a%rhs => rhs
    a%tiles = block_tiles(b, tile)
    allocate (a%flux(b%ld, state_fields(f), 3), source=0d0)
    call halo_create(a%primitive_halo, b, cart, stencil_depth, primitive_fields(f))
    call halo_create(a%flux_halo, b, cart, stencil_depth, state_fields(f))

    call cohort_init(this%rt, cart)
    call cohort_root_context(this%rt, this%root)
    call cohort_index_space_create(this%rt, [1, 1, 1], [b%nx, b%ny, b%nz], points)
    call cohort_field_space_create(this%rt, fields)
    call cohort_fields_allocate(fields, 8, this%field)
    call cohort_region_create(this%rt, points, fields, region)
    call cohort_partition_rects(region, bounds(a%tiles, .true., 0), bounds(a%tiles, .false., 0), this%tiles)
    call cohort_partition_rects(region, bounds(a%tiles, .true., stencil_depth), bounds(a%tiles, .false., stencil_depth), this%reach)
    call cohort_task_register(this%rt, 'primitives', this%primitives_task, primitives_body, leaf=.true.)
    call cohort_task_register(this%rt, 'chemistry', this%chemistry_task, chemistry_body, leaf=.true.)
    call cohort_task_register(this%rt, 'fluxes', this%flux_task, flux_body, leaf=.true.)
    call cohort_task_register(this%rt, 'divergence', this%divergence_task, divergence_body, leaf=.true.)
  end subroutine

  !> Corners of the tiles, grown in y and z by `depth` and clipped to the block.
  function bounds(tiles, low, depth) result(corner)
    type(box_t), intent(in) :: tiles(:)
    logical, intent(in) :: low
    integer, intent(in) :: depth
    integer :: corner(3, size(tiles)), t
    do t = 1, size(tiles)
      if (low) then
        corner(:, t) = [tiles(t)%i1, max(tiles(t)%j1 - depth, 1), max(tiles(t)%k1 - depth, 1)]
      else
        corner(:, t) = [tiles(t)%i2, min(tiles(t)%j2 + depth, a%b%ny), min(tiles(t)%k2 + depth, a%b%nz)]
      end if
    end do
  end function

  !> Chemistry runs while the faces of the primitive fields travel.
  subroutine compute(this)
    class(rhs_direct_t), intent(inout) :: this
    integer :: d, n
    n = size(a%tiles)
    call cohort_index_launch(this%root, this%primitives_task, n, &
      [cohort_needs(this%tiles, [this%field(state)], COHORT_READ_ONLY), &
       cohort_needs(this%tiles, [this%field(primitives)], COHORT_READ_WRITE)])
    call cohort_wait_all(this%root)
    if (a%f%viscous) then
      do d = 1, 3
        call halo_start(a%primitive_halo, a%b, d, a%prim)
      end do
    end if
    call cohort_index_launch(this%root, this%chemistry_task, n, &
      [cohort_needs(this%tiles, this%field([state, primitives]), COHORT_READ_ONLY), &
       cohort_needs(this%tiles, [this%field(source)], COHORT_READ_WRITE)])
    if (a%f%viscous) then
      do d = 1, 3
        call halo_finish(a%primitive_halo, d)
      end do
    end if
    call cohort_index_launch(this%root, this%flux_task, n, &
      [cohort_needs(this%tiles, [this%field(state)], COHORT_READ_ONLY), &
       cohort_needs(this%reach, [this%field(primitives)], COHORT_READ_ONLY), &
       cohort_needs(this%tiles, [this%field(flux)], COHORT_READ_WRITE)])
    call cohort_wait_all(this%root)
    do d = 1, 3
      call halo_start(a%flux_halo, a%b, d, a%flux(:, :, d))
    end do
    do d = 1, 3
      call halo_finish(a%flux_halo, d)
    end do
    call cohort_index_launch(this%root, this%divergence_task, n, &
      [cohort_needs(this%reach, [this%field(flux)], COHORT_READ_ONLY), &
       cohort_needs(this%tiles, [this%field(source)], COHORT_READ_WRITE)])
    call cohort_wait_all(this%root)
  end subroutine

  recursive subroutine primitives_body(task)
    type(cohort_context), intent(in) :: task
    call primitives_kernel(a%f, a%b, tile_of(task), a%q, a%prim, a%p)
  end subroutine

  recursive subroutine chemistry_body(task)
    type(cohort_context), intent(in) :: task
    call chemistry_kernel(a%f, a%b, tile_of(task), a%q, a%prim, a%rhs)
  end subroutine

  recursive subroutine flux_body(task)
    type(cohort_context), intent(in) :: task
    call flux_kernel(a%f, a%b, tile_of(task), a%q, a%prim, a%p, a%primitive_halo%ghost, a%flux)
  end subroutine

  recursive subroutine divergence_body(task)
    type(cohort_context), intent(in) :: task
    call divergence_kernel(a%f, a%b, tile_of(task), a%flux_halo%ghost, a%flux, a%rhs)
  end subroutine

  recursive function tile_of(task) result(box)
    type(cohort_context), intent(in) :: task
    type(box_t) :: box
    integer(4) :: point
    call cohort_task_point(task, point)
    box = a%tiles(point + 1)
  end function

  subroutine destroy(this)
    class(rhs_direct_t), intent(inout) :: this
    call cohort_finalize(this%rt)
    deallocate (a%flux, a%tiles)
  end subroutine
end module
