!> The right-hand side in plain MPI Fortran. Faces travel as one message each; while those of the primitive fields are under
!> way the first half of the chemistry runs, while those of the fluxes are, the second.
module rhs_mpi
  use mpi_f08, only: MPI_Comm
  use block, only: block_t, box_t, block_tiles
  use flow, only: flow_t, primitive_fields, state_fields
  use halo, only: halo_t, halo_create, halo_destroy, halo_start, halo_finish, halo_progress
  use point_terms, only: primitives_kernel, chemistry_kernel
  use fluxes, only: flux_kernel
  use divergence, only: divergence_kernel
  use rhs_method, only: rhs_method_t
  use stencil, only: stencil_depth
  implicit none
  private
  public :: rhs_mpi_t

  type, extends(rhs_method_t) :: rhs_mpi_t
    type(flow_t), pointer :: f => null()
    type(block_t), pointer :: b => null()
    type(box_t), allocatable :: tiles(:)
    real(8), pointer, contiguous :: q(:, :) => null(), prim(:, :) => null(), p(:) => null(), rhs(:, :) => null()
    real(8), allocatable :: flux(:, :, :)
    type(halo_t) :: primitive_halo, flux_halo
  contains
    procedure :: create, compute, destroy
  end type

contains

  subroutine create(this, f, b, cart, tile, q, prim, p, rhs)
    class(rhs_mpi_t), intent(inout) :: this
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: tile(2)
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    this%f => f
    this%b => b
    this%q => q
    this%prim => prim
    this%p => p
    this%rhs => rhs
    this%tiles = block_tiles(b, tile)
    allocate (this%flux(b%ld, state_fields(f), 3), source=0d0)
    call halo_create(this%primitive_halo, b, cart, stencil_depth, primitive_fields(f))
    call halo_create(this%flux_halo, b, cart, stencil_depth, state_fields(f))
  end subroutine

  subroutine compute(this)
    class(rhs_mpi_t), intent(inout) :: this
    integer :: t, d, n, half
    n = size(this%tiles)
    half = n/2
    do t = 1, n
      call primitives_kernel(this%f, this%b, this%tiles(t), this%q, this%prim, this%p)
    end do
    if (this%f%viscous) then
      do d = 1, 3
        call halo_start(this%primitive_halo, this%b, d, this%prim)
      end do
    end if
    call chemistry_of_tiles(this, 1, half, this%primitive_halo)
    if (this%f%viscous) then
      do d = 1, 3
        call halo_finish(this%primitive_halo, d)
      end do
    end if
    do t = 1, n
      call flux_kernel(this%f, this%b, this%tiles(t), this%q, this%prim, this%p, this%primitive_halo%ghost, this%flux)
    end do
    do d = 1, 3
      call halo_start(this%flux_halo, this%b, d, this%flux(:, :, d))
    end do
    call chemistry_of_tiles(this, half + 1, n, this%flux_halo)
    do d = 1, 3
      call halo_finish(this%flux_halo, d)
    end do
    do t = 1, n
      call divergence_kernel(this%f, this%b, this%tiles(t), this%flux_halo%ghost, this%flux, this%rhs)
    end do
  end subroutine

  subroutine chemistry_of_tiles(this, first, last, under_way)
    class(rhs_mpi_t), intent(inout) :: this
    integer, intent(in) :: first, last
    type(halo_t), intent(inout) :: under_way
    integer :: t
    do t = first, last
      call chemistry_kernel(this%f, this%b, this%tiles(t), this%q, this%prim, this%rhs)
      call halo_progress(under_way)
    end do
  end subroutine

  subroutine destroy(this)
    class(rhs_mpi_t), intent(inout) :: this
    deallocate (this%flux, this%tiles)
    call halo_destroy(this%primitive_halo)
    call halo_destroy(this%flux_halo)
  end subroutine
end module
