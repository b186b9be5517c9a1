!> Tenth-order filter of one field along one direction (Kennedy & Carpenter 1994), with five ghost planes. The five points
!> next to an end without neighbour are left as they are.
module filter
  use block, only: block_t, box_t, ghost_t, block_box
  use stencil, only: filter10
  implicit none
  private
  public :: filter_field, filter_box, filter_depth

  integer, parameter :: filter_depth = 5

contains

  !> In place, on a whole block.
  subroutine filter_field(b, direction, ghost, f)
    type(block_t), intent(in) :: b
    integer, intent(in) :: direction
    type(ghost_t), intent(in) :: ghost
    real(8), intent(inout) :: f(b%nx, b%ny, b%nz)
    real(8), allocatable :: before(:, :, :)
    allocate (before, source=f)
    call filter_box(b, block_box(b), direction, ghost, before, f)
  end subroutine

  !> `filtered` is f filtered, in the points of a box.
  subroutine filter_box(b, box, direction, ghost, f, filtered)
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    integer, intent(in) :: direction
    type(ghost_t), intent(in) :: ghost
    real(8), intent(in) :: f(b%nx, b%ny, b%nz)
    real(8), intent(inout) :: filtered(b%nx, b%ny, b%nz)
    real(8) :: w(box%i1:box%i2, -filter_depth:filter_depth)
    integer :: j, k, m, keep(2)
    do k = box%k1, box%k2
      do j = box%j1, box%j2
        if (direction == 1) then
          call windows_along_x(b, box, ghost, j, k, f(:, j, k), w)
        else
          do m = -filter_depth, filter_depth
            call row_across(b, box, direction, ghost, f, j, k, m, w(:, m))
          end do
        end if
        call filter10(size(w, 1), w, filtered(box%i1, j, k))
        keep = points_to_keep(b, box, direction, j, k)
        filtered(box%i1:keep(1), j, k) = f(box%i1:keep(1), j, k)
        filtered(keep(2):box%i2, j, k) = f(keep(2):box%i2, j, k)
      end do
    end do
  end subroutine

  !> Next to an end without neighbour: the last of the first points of a row, and the first of the last.
  pure function points_to_keep(b, box, direction, j, k) result(keep)
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    integer, intent(in) :: direction, j, k
    integer :: keep(2), at, last
    keep = [box%i1 - 1, box%i2 + 1]
    if (direction == 1) then
      if (b%open_end(1, 1)) keep(1) = min(filter_depth, box%i2)
      if (b%open_end(2, 1)) keep(2) = max(b%nx + 1 - filter_depth, box%i1)
    else
      at = merge(j, k, direction == 2)
      last = merge(b%ny, b%nz, direction == 2)
      if (b%open_end(1, direction) .and. at <= filter_depth .or. b%open_end(2, direction) .and. at > last - filter_depth) &
        keep(1) = box%i2
    end if
  end function

  !> The row and those shifted against it, with zeros beyond an end without neighbour.
  subroutine windows_along_x(b, box, ghost, j, k, row, w)
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    type(ghost_t), intent(in) :: ghost
    integer, intent(in) :: j, k
    real(8), intent(in) :: row(b%nx)
    real(8), intent(out) :: w(box%i1:box%i2, -filter_depth:filter_depth)
    real(8) :: line(1 - filter_depth:b%nx + filter_depth)
    integer :: m
    line = 0
    line(1:b%nx) = row
    if (.not. b%open_end(1, 1)) line(:0) = ghost%face(1, 1)%p(:, j, k)
    if (.not. b%open_end(2, 1)) line(b%nx + 1:) = ghost%face(2, 1)%p(:, j, k)
    do m = -filter_depth, filter_depth
      w(:, m) = line(box%i1 + m:box%i2 + m)
    end do
  end subroutine

  !> The row `away` rows from that at j, k, along y or z. Zeros beyond an end without neighbour.
  subroutine row_across(b, box, direction, ghost, f, j, k, away, row)
    type(block_t), intent(in) :: b
    type(box_t), intent(in) :: box
    integer, intent(in) :: direction, j, k, away
    type(ghost_t), intent(in) :: ghost
    real(8), intent(in) :: f(b%nx, b%ny, b%nz)
    real(8), intent(out) :: row(box%i1:box%i2)
    integer :: at, last, side, plane
    at = merge(j, k, direction == 2) + away
    last = merge(b%ny, b%nz, direction == 2)
    if (at >= 1 .and. at <= last) then
      if (direction == 2) row = f(box%i1:box%i2, at, k)
      if (direction == 3) row = f(box%i1:box%i2, j, at)
      return
    end if
    side = merge(1, 2, at < 1)
    plane = merge(at + filter_depth, at - last, at < 1)
    row = 0
    if (b%open_end(side, direction)) return
    if (direction == 2) row = ghost%face(side, 2)%p(box%i1:box%i2, plane, k)
    if (direction == 3) row = ghost%face(side, 3)%p(box%i1:box%i2, j, plane)
  end subroutine
end module
