!> The block of grid points one MPI rank owns, and how fields lie in memory. No physics, no communication.
module block
  implicit none
  private
  public :: block_t, box_t, ghost_t, block_create, block_box, block_tiles

  !> Points i1:i2, j1:j2, k1:k2 of a block.
  type :: box_t
    integer :: i1, i2, j1, j2, k1, k2
  end type

  !> A field is a column of an array (ld, fields); its first nx*ny*nz elements are the points in Fortran order.
  type :: block_t
    integer :: nx, ny, nz
    integer :: ld
    integer :: offset(3) = 0            !< points of the whole grid before this block
    integer :: global(3) = 1            !< points of the whole grid
    logical :: active(3) = .true.       !< false where the grid has one point: no derivative there
    logical :: open_end(2, 3) = .false. !< (low/high, direction): no neighbour, one-sided closures
    real(8) :: dx(3) = 1
  end type

  type :: plane_t
    real(8), pointer, contiguous :: p(:, :, :) => null()
  end type

  !> The ghost planes of one field: face(1,d) below, face(2,d) above, each as deep as its stencil needs in direction d.
  type :: ghost_t
    type(plane_t) :: face(2, 3)
  end type

  !> Padding between fields (doubles): without it fields of 32^3 points start in the same cache sets.
  integer, parameter :: pad = 72

contains

  function block_create(n, global, offset, length, open_end) result(b)
    integer, intent(in) :: n(3), global(3), offset(3)
    real(8), intent(in) :: length(3)
    logical, intent(in) :: open_end(2, 3)
    type(block_t) :: b
    b%nx = n(1); b%ny = n(2); b%nz = n(3)
    b%ld = (product(n) + 7)/8*8 + pad
    b%offset = offset
    b%global = global
    b%active = global > 1
    b%open_end = open_end
    ! A periodic direction has as many cells as points, one with ends a cell less.
    b%dx = length/merge(max(global - 1, 1), global, any(open_end, dim=1))
  end function

  pure function block_box(b) result(box)
    type(block_t), intent(in) :: b
    type(box_t) :: box
    box = box_t(1, b%nx, 1, b%ny, 1, b%nz)
  end function

  !> Cut the block into tiles of whole x-rows, at most `tile` rows in y and z.
  function block_tiles(b, tile) result(tiles)
    type(block_t), intent(in) :: b
    integer, intent(in) :: tile(2)
    type(box_t), allocatable :: tiles(:)
    integer :: j, k, n
    allocate (tiles(((b%ny + tile(1) - 1)/tile(1))*((b%nz + tile(2) - 1)/tile(2))))
    n = 0
    do k = 1, b%nz, tile(2)
      do j = 1, b%ny, tile(1)
        n = n + 1
        tiles(n) = box_t(1, b%nx, j, min(j + tile(1) - 1, b%ny), k, min(k + tile(2) - 1, b%nz))
      end do
    end do
  end function
end module
