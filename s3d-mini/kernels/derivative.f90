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
    real(8) :: s
    integer :: n
    if (.not. b%active(direction)) then
      d = 0
      return
    end if
    s = 1/b%dx(direction)
    n = i2 - i1 + 1
    select case (direction)
    case (1)
      call along_x(b, f, ghost, i1, i2, j, k, s, d)
    case (2)
      if (j > 4 .and. j <= b%ny - 4) then
        call stencil8(n, f(i1, j - 4, k), f(i1, j - 3, k), f(i1, j - 2, k), f(i1, j - 1, k), &
                      f(i1, j + 1, k), f(i1, j + 2, k), f(i1, j + 3, k), f(i1, j + 4, k), s, d)
      else
        call near_y_end(b, f, ghost, i1, i2, j, k, s, d)
      end if
    case (3)
      if (k > 4 .and. k <= b%nz - 4) then
        call stencil8(n, f(i1, j, k - 4), f(i1, j, k - 3), f(i1, j, k - 2), f(i1, j, k - 1), &
                      f(i1, j, k + 1), f(i1, j, k + 2), f(i1, j, k + 3), f(i1, j, k + 4), s, d)
      else
        call near_z_end(b, f, ghost, i1, i2, j, k, s, d)
      end if
    end select
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

  subroutine near_y_end(b, f, ghost, i1, i2, j, k, s, d)
    type(block_t), intent(in) :: b
    integer, intent(in) :: i1, i2, j, k
    real(8), intent(in) :: f(b%nx, b%ny, b%nz), s
    type(ghost_t), intent(in) :: ghost
    real(8), intent(out) :: d(i2 - i1 + 1)
    real(8) :: w(i2 - i1 + 1, -4:4)
    integer :: m
    if (b%open_end(1, 2) .and. j <= 4) then
      call closure(i2 - i1 + 1, j, f(i1:i2, 1:7, k), s, d)
      return
    else if (b%open_end(2, 2) .and. j > b%ny - 4) then
      call closure(i2 - i1 + 1, b%ny + 1 - j, f(i1:i2, b%ny:b%ny - 6:-1, k), -s, d)
      return
    end if
    do m = -4, 4
      if (j + m < 1) then
        w(:, m) = ghost%face(1, 2)%p(i1:i2, j + m + 4, k)
      else if (j + m > b%ny) then
        w(:, m) = ghost%face(2, 2)%p(i1:i2, j + m - b%ny, k)
      else
        w(:, m) = f(i1:i2, j + m, k)
      end if
    end do
    call stencil_of_rows(i2 - i1 + 1, w, s, d)
  end subroutine

  subroutine near_z_end(b, f, ghost, i1, i2, j, k, s, d)
    type(block_t), intent(in) :: b
    integer, intent(in) :: i1, i2, j, k
    real(8), intent(in) :: f(b%nx, b%ny, b%nz), s
    type(ghost_t), intent(in) :: ghost
    real(8), intent(out) :: d(i2 - i1 + 1)
    real(8) :: w(i2 - i1 + 1, -4:4)
    integer :: m
    if (b%open_end(1, 3) .and. k <= 4) then
      call closure(i2 - i1 + 1, k, f(i1:i2, j, 1:7), s, d)
      return
    else if (b%open_end(2, 3) .and. k > b%nz - 4) then
      call closure(i2 - i1 + 1, b%nz + 1 - k, f(i1:i2, j, b%nz:b%nz - 6:-1), -s, d)
      return
    end if
    do m = -4, 4
      if (k + m < 1) then
        w(:, m) = ghost%face(1, 3)%p(i1:i2, j, k + m + 4)
      else if (k + m > b%nz) then
        w(:, m) = ghost%face(2, 3)%p(i1:i2, j, k + m - b%nz)
      else
        w(:, m) = f(i1:i2, j, k + m)
      end if
    end do
    call stencil_of_rows(i2 - i1 + 1, w, s, d)
  end subroutine

  subroutine stencil_of_rows(n, w, s, d)
    integer, intent(in) :: n
    real(8), intent(in) :: w(n, -4:4), s
    real(8), intent(out) :: d(n)
    call stencil8(n, w(1, -4), w(1, -3), w(1, -2), w(1, -1), w(1, 1), w(1, 2), w(1, 3), w(1, 4), s, d)
  end subroutine
end module
