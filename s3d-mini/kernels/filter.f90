!> Tenth-order filter of one field along one direction (Kennedy & Carpenter 1994), with five ghost planes. The five points
!> next to an end without neighbour are left as they are.
module filter
  use block, only: block_t, ghost_t
  use stencil, only: filter10
  implicit none
  private
  public :: filter_field, filter_depth

  integer, parameter :: filter_depth = 5

contains

  subroutine filter_field(b, direction, ghost, f)
    type(block_t), intent(in) :: b
    integer, intent(in) :: direction
    type(ghost_t), intent(in) :: ghost
    real(8), intent(inout) :: f(b%nx, b%ny, b%nz)
    real(8) :: plane_y(b%nx, -4:b%ny + 5), plane_z(b%nx, -4:b%nz + 5)
    logical :: low, high
    integer :: j, k
    low = .not. b%open_end(1, direction)
    high = .not. b%open_end(2, direction)
    select case (direction)
    case (1)
      do k = 1, b%nz
        do j = 1, b%ny
          call filter_along_x(b, ghost, j, k, f(:, j, k))
        end do
      end do
    case (2)
      do k = 1, b%nz
        plane_y(:, 1:b%ny) = f(:, :, k)
        if (low) plane_y(:, -4:0) = ghost%face(1, 2)%p(:, :, k)
        if (high) plane_y(:, b%ny + 1:) = ghost%face(2, 2)%p(:, :, k)
        do j = merge(1, 6, low), b%ny - merge(0, 5, high)
          call filter10(b%nx, plane_y(1, j - 5), f(1, j, k))
        end do
      end do
    case (3)
      do j = 1, b%ny
        plane_z(:, 1:b%nz) = f(:, j, :)
        if (low) plane_z(:, -4:0) = ghost%face(1, 3)%p(:, j, :)
        if (high) plane_z(:, b%nz + 1:) = ghost%face(2, 3)%p(:, j, :)
        do k = merge(1, 6, low), b%nz - merge(0, 5, high)
          call filter10(b%nx, plane_z(1, k - 5), f(1, j, k))
        end do
      end do
    end select
  end subroutine

  subroutine filter_along_x(b, ghost, j, k, row)
    type(block_t), intent(in) :: b
    type(ghost_t), intent(in) :: ghost
    integer, intent(in) :: j, k
    real(8), intent(inout) :: row(b%nx)
    real(8) :: line(-4:b%nx + 5), w(b%nx, -5:5), filtered(b%nx)
    integer :: m, first, last
    line = 0
    line(1:b%nx) = row
    first = 1
    last = b%nx
    if (b%open_end(1, 1)) then
      first = 6
    else
      line(-4:0) = ghost%face(1, 1)%p(:, j, k)
    end if
    if (b%open_end(2, 1)) then
      last = b%nx - 5
    else
      line(b%nx + 1:) = ghost%face(2, 1)%p(:, j, k)
    end if
    do m = -5, 5
      w(:, m) = line(1 + m:b%nx + m)
    end do
    call filter10(b%nx, w, filtered)
    row(first:last) = filtered(first:last)
  end subroutine
end module
