!> The kernels of a right-hand side as tasks, one a tile and kernel. The regions say what each tile reads and writes, with the four rows
!> its stencils reach; the kernels compute on the arrays in place.
module tile_tasks
  use mpi_f08, only: MPI_Comm
  use cohort
  use block, only: block_t, box_t, block_tiles
  use flow, only: flow_t, primitive_fields, state_fields
  use halo, only: halo_t, halo_create, halo_start, halo_finish
  use point_terms, only: primitives_kernel, chemistry_kernel
  use fluxes, only: flux_kernel
  use divergence, only: divergence_kernel
  implicit none
  private
  public :: arrays_create, arrays_destroy, tasks_register, regions_create, block_region, field
  public :: launch_primitives, launch_chemistry, launch_fluxes, launch_divergence
  public :: start_primitive_faces, finish_primitive_faces, exchange_flux_faces
  public :: state, primitives, flux, source, primitive_faces, flux_faces

  integer, parameter :: stencil_depth = 4
  !> Fields of the region: each stands for all columns of one array, or for the faces received from the neighbours.
  integer, parameter :: state = 1, primitives = 2, flux = 3, source = 4, primitive_faces = 5, flux_faces = 6

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

  type(cohort_region), save, protected :: block_region
  type(cohort_partition), save :: tiles, reach
  type(cohort_task), save :: primitives_task, chemistry_task, flux_task, divergence_task
  integer(4), save, protected :: field(6) = 0

contains

  subroutine arrays_create(f, b, cart, tile, q, prim, p, rhs)
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: tile(2)
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
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
  end subroutine

  subroutine arrays_destroy()
    deallocate (a%flux, a%tiles)
  end subroutine

  subroutine tasks_register(rt)
    type(cohort_runtime), intent(in) :: rt
    call cohort_task_register(rt, 'primitives', primitives_task, primitives_body, leaf=.true.)
    call cohort_task_register(rt, 'chemistry', chemistry_task, chemistry_body, leaf=.true.)
    call cohort_task_register(rt, 'fluxes', flux_task, flux_body, leaf=.true.)
    call cohort_task_register(rt, 'divergence', divergence_task, divergence_body, leaf=.true.)
  end subroutine

  !> Called where the launches will be made: who creates regions may use them.
  subroutine regions_create(rt)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_index_space) :: points
    type(cohort_field_space) :: fields
    call cohort_index_space_create(rt, [1, 1, 1], [a%b%nx, a%b%ny, a%b%nz], points)
    call cohort_field_space_create(rt, fields)
    call cohort_fields_allocate(fields, 8, field)
    call cohort_region_create(rt, points, fields, block_region)
    call cohort_partition_rects(block_region, bounds(.true., 0), bounds(.false., 0), tiles)
    call cohort_partition_rects(block_region, bounds(.true., stencil_depth), bounds(.false., stencil_depth), reach)
  end subroutine

  !> Corners of the tiles, grown in y and z by `depth` and clipped to the block.
  function bounds(low, depth) result(corner)
    logical, intent(in) :: low
    integer, intent(in) :: depth
    integer :: corner(3, size(a%tiles)), t
    do t = 1, size(a%tiles)
      associate (box => a%tiles(t))
        if (low) then
          corner(:, t) = [box%i1, max(box%j1 - depth, 1), max(box%k1 - depth, 1)]
        else
          corner(:, t) = [box%i2, min(box%j2 + depth, a%b%ny), min(box%k2 + depth, a%b%nz)]
        end if
      end associate
    end do
  end function

  subroutine launch_primitives(ctx)
    type(cohort_context), intent(in) :: ctx
    call cohort_index_launch(ctx, primitives_task, size(a%tiles), &
      [cohort_needs(tiles, field([state]), COHORT_READ_ONLY), &
       cohort_needs(tiles, field([primitives]), COHORT_READ_WRITE)])
  end subroutine

  subroutine launch_chemistry(ctx)
    type(cohort_context), intent(in) :: ctx
    call cohort_index_launch(ctx, chemistry_task, size(a%tiles), &
      [cohort_needs(tiles, field([state, primitives]), COHORT_READ_ONLY), &
       cohort_needs(tiles, field([source]), COHORT_READ_WRITE)])
  end subroutine

  subroutine launch_fluxes(ctx)
    type(cohort_context), intent(in) :: ctx
    call cohort_index_launch(ctx, flux_task, size(a%tiles), &
      [cohort_needs(tiles, field([state, primitive_faces]), COHORT_READ_ONLY), &
       cohort_needs(reach, field([primitives]), COHORT_READ_ONLY), &
       cohort_needs(tiles, field([flux]), COHORT_READ_WRITE)])
  end subroutine

  subroutine launch_divergence(ctx)
    type(cohort_context), intent(in) :: ctx
    call cohort_index_launch(ctx, divergence_task, size(a%tiles), &
      [cohort_needs(reach, field([flux]), COHORT_READ_ONLY), &
       cohort_needs(tiles, field([flux_faces]), COHORT_READ_ONLY), &
       cohort_needs(tiles, field([source]), COHORT_READ_WRITE)])
  end subroutine

  !> The faces of the primitive fields, which only viscous terms need, begin to travel.
  subroutine start_primitive_faces()
    integer :: d
    if (.not. a%f%viscous) return
    do d = 1, 3
      call halo_start(a%primitive_halo, a%b, d, a%prim)
    end do
  end subroutine

  subroutine finish_primitive_faces()
    integer :: d
    if (.not. a%f%viscous) return
    do d = 1, 3
      call halo_finish(a%primitive_halo, d)
    end do
  end subroutine

  subroutine exchange_flux_faces()
    integer :: d
    do d = 1, 3
      call halo_start(a%flux_halo, a%b, d, a%flux(:, :, d))
    end do
    do d = 1, 3
      call halo_finish(a%flux_halo, d)
    end do
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
end module
