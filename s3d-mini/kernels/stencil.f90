!> Stencils over rows of points. A compilation unit of its own, so that every caller runs the same instructions and results
!> do not depend on how a block is cut into tiles.
module stencil
  implicit none
  private
  public :: stencil8, closure, filter10, stencil_depth

  !> Points that stencil8 reaches each way.
  integer, parameter :: stencil_depth = 4

contains

  !> Eighth-order central first derivative (Kennedy & Carpenter, Appl. Numer. Math. 14, 1994) times `s`, from the rows
  !> 4 to 1 below (m) and above (p).
  subroutine stencil8(n, m4, m3, m2, m1, p1, p2, p3, p4, s, d)
    integer, intent(in) :: n
    real(8), intent(in) :: m4(n), m3(n), m2(n), m1(n), p1(n), p2(n), p3(n), p4(n), s
    real(8), intent(out) :: d(n)
    integer :: i
    do i = 1, n
      d(i) = s*(0.8d0*(p1(i) - m1(i)) - 0.2d0*(p2(i) - m2(i)) &
                + (4d0/105d0)*(p3(i) - m3(i)) - (1d0/280d0)*(p4(i) - m4(i)))
    end do
  end subroutine

  !> Derivative times `s` at the `at`-th point from an end without neighbour. Row m of `f` is m points from the end; for
  !> the upper end pass the rows counted from there and -s.
  subroutine closure(n, at, f, s, d)
    integer, intent(in) :: n, at
    real(8), intent(in) :: f(n, 7), s
    real(8), intent(out) :: d(n)
    select case (at)
    case (1)
      d = s/6*(-11*f(:, 1) + 18*f(:, 2) - 9*f(:, 3) + 2*f(:, 4))
    case (2)
      d = s/6*(-2*f(:, 1) - 3*f(:, 2) + 6*f(:, 3) - f(:, 4))
    case (3)
      d = s/12*(f(:, 1) - 8*f(:, 2) + 8*f(:, 4) - f(:, 5))
    case default
      d = s/60*(-f(:, 1) + 9*f(:, 2) - 45*f(:, 3) + 45*f(:, 5) - 9*f(:, 6) + f(:, 7))
    end select
  end subroutine

  !> Tenth-order low-pass filter of the middle row of w(:, -5:5).
  subroutine filter10(n, w, q)
    integer, intent(in) :: n
    real(8), intent(in) :: w(n, -5:5)
    real(8), intent(out) :: q(n)
    integer :: i
    do i = 1, n
      q(i) = w(i, 0) - (252*w(i, 0) - 210*(w(i, -1) + w(i, 1)) + 120*(w(i, -2) + w(i, 2)) &
                        - 45*(w(i, -3) + w(i, 3)) + 10*(w(i, -4) + w(i, 4)) - (w(i, -5) + w(i, 5)))/1024
    end do
  end subroutine
end module
