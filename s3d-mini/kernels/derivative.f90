!> First derivatives of one field along one row of points (i1:i2, j, k), in each direction, from the field and its ghost planes.
module derivative
  use block, only: block_t, ghost_t
  use stencil, only: stencil8, closure
  implicit none
  private
  public :: derivative_row

contains

  !> d/dx, d/dy or d/dz (direction 1, 2, 3).
  subroutine derivative_row(b, direction, f, ghost, i1, i2, j, k, d)
    type(block_t), intent(in) :: b
    integer, intent(in) :: direction, i1, i2, j, k
    real(8), intent(in) :: f(b%nx, b%ny, b%nz)
    type(ghost_t), intent(in) :: ghost
    real(8), intent(out) :: d(i2 - i1 + 1)
    if (.not. b%active(direction)) then
      d = 0
    else if (direction == 1) then
      call along_x(b, f, ghost, i1, i2, j, k, 1/b%dx(1), d)
    else
      call across_rows(b, direction, f, ghost, i1, i2, j, k, 1/b%dx(direction), d)
    end if
  end subroutine

  subroutine along_x(b, f, ghost, i1, i2, j, k, s, d)
    type(block_t), intent(in) :: b
    integer, intent(in) :: i1, i2, j, k
    real(8), intent(in) :: f(b%nx, b%ny, b%nz), s
    type(ghost_t), intent(in) :: ghost
    real(8), intent(out) :: d(i2 - i1 + 1)
    real(8) :: line(i1 - 4:i2 + 4)
    integer :: i, first, last
    first = max(i1 - 4, 1)
    last = min(i2 + 4, b%nx)
    line(first:last) = f(first:last, j, k)
    if (first > i1 - 4) then
      if (b%open_end(1, 1)) then
        line(i1 - 4:0) = 0
      else
        line(i1 - 4:0) = ghost%face(1, 1)%p(i1:4, j, k)
      end if
    end if
    if (last < i2 + 4) then
      if (b%open_end(2, 1)) then
        line(b%nx + 1:) = 0
      else
        line(b%nx + 1:) = ghost%face(2, 1)%p(1:i2 + 4 - b%nx, j, k)
      end if
    end if
    call stencil8(i2 - i1 + 1, line(i1 - 4), line(i1 - 3), line(i1 - 2), line(i1 - 1), &
                  line(i1 + 1), line(i1 + 2), line(i1 + 3), line(i1 + 4), s, d)
    if (b%open_end(1, 1)) then
      do i = i1, min(i2, 4)
        call closure(1, i, f(1:7, j, k), s, d(i - i1 + 1))
      end do
    end if
    if (b%open_end(2, 1)) then
      do i = max(i1, b%nx - 3), i2
        call closure(1, b%nx + 1 - i, f(b%nx:b%nx - 6:-1, j, k), -s, d(i - i1 + 1))
      end do
    end if
  end subroutine

  !> d/dy or d/dz: the same of rows that follow each other at another distance.
  subroutine across_rows(b, direction, f, ghost, i1, i2, j, k, s, d)
    type(block_t), intent(in) :: b
    integer, intent(in) :: direction, i1, i2, j, k
    real(8), intent(in) :: f(b%nx, b%ny*b%nz), s
    type(ghost_t), intent(in) :: ghost
    real(8), intent(out) :: d(i2 - i1 + 1)
    real(8) :: w(i2 - i1 + 1, -4:4)
    integer :: n, at, rows, step, first, last, r, m
    n = i2 - i1 + 1
    if (direction == 2) then
      at = j
      rows = b%ny
      step = 1
      first = (k - 1)*b%ny + 1
    else
      at = k
      rows = b%nz
      step = b%ny
      first = j
    end if
    last = first + (rows - 1)*step
    r = first + (at - 1)*step
    if (at > 4 .and. at <= rows - 4) then
      call stencil8(n, f(i1, r - 4*step), f(i1, r - 3*step), f(i1, r - 2*step), f(i1, r - step), &
                    f(i1, r + step), f(i1, r + 2*step), f(i1, r + 3*step), f(i1, r + 4*step), s, d)
    else if (b%open_end(1, direction) .and. at <= 4) then
      call closure(n, at, f(i1:i2, first:first + 6*step:step), s, d)
    else if (b%open_end(2, direction) .and. at > rows - 4) then
      call closure(n, rows + 1 - at, f(i1:i2, last:last - 6*step:-step), -s, d)
    else
      do m = -4, 4
        if (at + m < 1) then
          w(:, m) = ghost_row(1, at + m + 4)
        else if (at + m > rows) then
          w(:, m) = ghost_row(2, at + m - rows)
        else
          w(:, m) = f(i1:i2, r + m*step)
        end if
      end do
      call stencil_of_rows(n, w, s, d)
    end if
  contains
    function ghost_row(side, plane) result(row)
      integer, intent(in) :: side, plane
      real(8) :: row(n)
      if (direction == 2) then
        row = ghost%face(side, 2)%p(i1:i2, plane, k)
      else
        row = ghost%face(side, 3)%p(i1:i2, j, plane)
      end if
    end function
  end subroutine

  subroutine stencil_of_rows(n, w, s, d)
    integer, intent(in) :: n
    real(8), intent(in) :: w(n, -4:4), s
    real(8), intent(out) :: d(n)
    call stencil8(n, w(1, -4), w(1, -3), w(1, -2), w(1, -1), w(1, 1), w(1, 2), w(1, 3), w(1, 4), s, d)
  end subroutine
end module
