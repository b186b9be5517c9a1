!> stencil_check: first derivative, filter and Runge-Kutta scheme by themselves, against what their coefficients promise.
program stencil_check
  use mpi_f08
  use block, only: block_t, ghost_t, block_create
  use checks, only: require_below, require_above, require_near, verdict
  use derivative, only: derivative_row
  use filter, only: filter_field
  use runge_kutta, only: stages, rk_stage
  implicit none
  real(8), parameter :: pi = acos(-1d0)
  character(1), parameter :: axis(3) = ['x', 'y', 'z']
  !> Points in the two other directions: rows must not mix.
  integer, parameter :: across = 11

  abstract interface
    !> A function of x and what it is called with: a wave number or a degree.
    pure real(8) function shape_of(m, x)
      integer, intent(in) :: m
      real(8), intent(in) :: x
    end function
  end interface
  integer :: d

  call MPI_Init()
  do d = 1, 3
    call check_order(d)
    call check_wave_numbers(d)
    call check_polynomials(d)
    call check_open_ends(d)
    call check_filter(d)
  end do
  call check_parts_of_rows()
  call check_scheme_order()
  call check_scheme_stability()
  call verdict()

contains

  pure real(8) function bump(m, x)
    integer, intent(in) :: m
    real(8), intent(in) :: x
    bump = exp(sin(m*x))
  end function

  pure real(8) function wave(m, x)
    integer, intent(in) :: m
    real(8), intent(in) :: x
    wave = sin(m*x)
  end function

  pure real(8) function wave_slope(m, x)
    integer, intent(in) :: m
    real(8), intent(in) :: x
    wave_slope = cos(m*x)
  end function

  pure real(8) function power(m, x)
    integer, intent(in) :: m
    real(8), intent(in) :: x
    power = x**m
  end function

  !> A field that is g along d, scaled from row to row by `weight`, with `depth` ghost planes of the same g.
  subroutine field_along(n, d, depth, length, open_end, m, g, b, f, ghost)
    integer, intent(in) :: n, d, depth, m
    real(8), intent(in) :: length
    logical, intent(in) :: open_end
    procedure(shape_of) :: g
    type(block_t), intent(out) :: b
    real(8), allocatable, intent(out) :: f(:, :, :)
    type(ghost_t), intent(out) :: ghost
    integer :: extent(3), i, j, k, at(3), side
    logical :: ends(2, 3)
    extent = across
    extent(d) = n
    ends = .false.
    ends(:, d) = open_end
    b = block_create(extent, extent, [0, 0, 0], spread(length, 1, 3), ends)
    allocate (f(extent(1), extent(2), extent(3)))
    extent(d) = depth
    do side = 1, 2
      allocate (ghost%face(side, d)%p(extent(1), extent(2), extent(3)))
    end do
    do k = 1, size(f, 3)
      do j = 1, size(f, 2)
        do i = 1, size(f, 1)
          at = [i, j, k]
          f(i, j, k) = weight(d, at)*g(m, (at(d) - 1)*b%dx(d))
        end do
      end do
    end do
    do k = 1, extent(3)
      do j = 1, extent(2)
        do i = 1, extent(1)
          at = [i, j, k]
          ghost%face(1, d)%p(i, j, k) = weight(d, at)*g(m, (at(d) - 1 - depth)*b%dx(d))
          ghost%face(2, d)%p(i, j, k) = weight(d, at)*g(m, (at(d) - 1 + n)*b%dx(d))
        end do
      end do
    end do
  end subroutine

  pure real(8) function weight(d, at)
    integer, intent(in) :: d, at(3)
    integer :: other(3)
    other = at
    other(d) = 0
    weight = 1 + 0.05d0*other(1) - 0.03d0*other(2) + 0.02d0*other(3)
  end function

  subroutine derivative_along(b, d, f, ghost, slope)
    type(block_t), intent(in) :: b
    integer, intent(in) :: d
    real(8), intent(in) :: f(:, :, :)
    type(ghost_t), intent(in) :: ghost
    real(8), intent(out) :: slope(:, :, :)
    integer :: i, j, k
    do k = 1, b%nz
      do j = 1, b%ny
        call derivative_row(b, d, f, ghost, 1, b%nx, j, k, slope(:, j, k))
        do i = 1, b%nx
          slope(i, j, k) = slope(i, j, k)/weight(d, [i, j, k])
        end do
      end do
    end do
  end subroutine

  !> Largest difference between the derivative of g along d and `exact` at its points.
  real(8) function derivative_error(n, d, length, open_end, m, g, exact, first, last) result(error)
    integer, intent(in) :: n, d, m, first, last
    real(8), intent(in) :: length, exact(n)
    logical, intent(in) :: open_end
    procedure(shape_of) :: g
    type(block_t) :: b
    type(ghost_t) :: ghost
    real(8), allocatable :: f(:, :, :), slope(:, :, :)
    integer :: i, j, k, at(3)
    call field_along(n, d, 4, length, open_end, m, g, b, f, ghost)
    allocate (slope, mold=f)
    call derivative_along(b, d, f, ghost, slope)
    error = 0
    do k = 1, b%nz
      do j = 1, b%ny
        do i = 1, b%nx
          at = [i, j, k]
          if (at(d) < first .or. at(d) > last) cycle
          error = max(error, abs(slope(i, j, k) - exact(at(d))))
        end do
      end do
    end do
  end function

  !> exp(sin x). The order between 32 and 64 points, 7.79, is that of an exact eighth-order stencil: the remainder's next term is
  !> still felt. It tends to eight.
  subroutine check_order(d)
    integer, intent(in) :: d
    integer, parameter :: sizes(4) = [32, 64, 128, 192]
    real(8), parameter :: published(3) = [1.07d-5, 4.8d-8, 2.0d-10]
    integer, parameter :: digits(3) = [3, 2, 2]
    real(8) :: errors(4), x
    real(8), allocatable :: exact(:)
    character(8) :: label
    integer :: s, i
    do s = 1, 4
      allocate (exact(sizes(s)))
      do i = 1, sizes(s)
        x = 2*pi*(i - 1)/sizes(s)
        exact(i) = cos(x)*exp(sin(x))
      end do
      errors(s) = derivative_error(sizes(s), d, 2*pi, .false., 1, bump, exact, 1, sizes(s))
      deallocate (exact)
      write (label, '(i0)') sizes(s)
      if (s <= 3) call require_near('d/d'//axis(d)//' exp(sin), error at '//trim(label), errors(s), published(s), digits(s))
    end do
    call require_above('d/d'//axis(d)//' exp(sin), order 64 to 128', log(errors(2)/errors(3))/log(2d0), 7.8d0)
    call require_above('d/d'//axis(d)//' exp(sin), order 128 to 192', log(errors(3)/errors(4))/log(1.5d0), 7.93d0)
  end subroutine

  !> A wave's derivative has the modified wave number that the coefficients give, for every wave the grid carries.
  subroutine check_wave_numbers(d)
    integer, intent(in) :: d
    integer, parameter :: n = 32
    integer :: m, i
    real(8) :: exact(n), theta, modified, worst
    worst = 0
    do m = 1, n/2
      theta = 2*pi*m/n
      modified = n/(2*pi)*(1.6d0*sin(theta) - 0.4d0*sin(2*theta) + 8d0/105*sin(3*theta) - sin(4*theta)/140)
      exact = [(modified*cos(theta*(i - 1)), i=1, n)]
      worst = max(worst, derivative_error(n, d, 2*pi, .false., m, wave, exact, 1, n))
    end do
    call require_below('d/d'//axis(d)//', modified wave numbers', worst, 1d-12)
  end subroutine

  !> Eighth order: x^8 exactly, and x^9 off by 9! h^8/630 (Taylor's remainder).
  subroutine check_polynomials(d)
    integer, intent(in) :: d
    integer, parameter :: n = 16
    integer :: m, i
    real(8) :: exact(n), h, remainder
    h = 1d0/n
    do m = 1, 8
      exact = [(m*((i - 1)*h)**(m - 1), i=1, n)]
      call require_below('d/d'//axis(d)//' of a polynomial', derivative_error(n, d, 1d0, .false., m, power, exact, 1, n), 2d-13)
    end do
    remainder = 362880*h**8/630
    exact = [(9*((i - 1)*h)**8 - remainder, i=1, n)]
    call require_below('d/d'//axis(d)//' of x^9 less its remainder', &
                       derivative_error(n, d, 1d0, .false., 9, power, exact, 1, n)/remainder, 1d-4)
  end subroutine

  !> At an end without neighbour: order 3, 3, 4 and 6 for the four points next to it.
  subroutine check_open_ends(d)
    integer, intent(in) :: d
    integer, parameter :: n = 21, order(4) = [3, 3, 4, 6]
    integer :: at, m, i
    real(8) :: exact(n), h, worst, next
    h = 1d0/(n - 1)
    worst = 0
    do at = 1, 4
      do m = 1, order(at)
        exact = [(m*((i - 1)*h)**(m - 1), i=1, n)]
        worst = max(worst, derivative_error(n, d, 1d0, .true., m, power, exact, at, at), &
                    derivative_error(n, d, 1d0, .true., m, power, exact, n + 1 - at, n + 1 - at))
      end do
      m = order(at) + 1
      exact = [(m*((i - 1)*h)**(m - 1), i=1, n)]
      next = derivative_error(n, d, 1d0, .true., m, power, exact, at, at)
      call require_above('d/d'//axis(d)//' at an open end, first error', next, 1d-11)
    end do
    call require_below('d/d'//axis(d)//' at open ends, polynomials', worst, 1d-12)
  end subroutine

  !> The filter takes sin^10(theta/2) of a wave, nothing of polynomials to degree 9, and nothing of a sum.
  subroutine check_filter(d)
    integer, intent(in) :: d
    integer, parameter :: n = 32
    type(block_t) :: b
    type(ghost_t) :: ghost
    real(8), allocatable :: f(:, :, :), before(:, :, :)
    integer :: m
    real(8) :: worst, drift
    worst = 0
    drift = 0
    do m = 0, n/2
      call field_along(n, d, 5, 2*pi, .false., m, wave_slope, b, f, ghost)
      before = f
      call filter_field(b, d, ghost, f)
      worst = max(worst, maxval(abs(f - before*(1 - sin(pi*m/n)**10))))
      drift = max(drift, maxval(abs(sum(f - before, dim=d))))
    end do
    call require_below('filter along '//axis(d)//', part taken of each wave', worst, 5d-14)
    call require_below('filter along '//axis(d)//', change of the sum over a period', drift, 2d-14)
    worst = 0
    do m = 0, 9
      call field_along(n, d, 5, 1d0, .false., m, power, b, f, ghost)
      before = f
      call filter_field(b, d, ghost, f)
      worst = max(worst, maxval(abs(f - before)))
    end do
    call require_below('filter along '//axis(d)//', change of polynomials', worst, 1d-14)
    call field_along(n, d, 5, 2*pi, .true., n/2, wave_slope, b, f, ghost)
    before = f
    call filter_field(b, d, ghost, f)
    call require_below('filter along '//axis(d)//', change next to open ends', change_near_ends(d, f - before), 0d0)
  end subroutine

  real(8) function change_near_ends(d, change)
    integer, intent(in) :: d
    real(8), intent(in) :: change(:, :, :)
    integer :: i, n
    real(8), allocatable :: largest(:)
    n = size(change, d)
    select case (d)
    case (1)
      largest = maxval(maxval(abs(change), 3), 2)
    case (2)
      largest = maxval(maxval(abs(change), 3), 1)
    case default
      largest = maxval(maxval(abs(change), 2), 1)
    end select
    change_near_ends = maxval([(max(largest(i), largest(n + 1 - i)), i=1, 5)])
    if (any(largest(6:n - 5) == 0)) change_near_ends = huge(1d0)
  end function

  !> A part of a row gives the same bits as the whole row.
  subroutine check_parts_of_rows()
    integer, parameter :: n = 40
    type(block_t) :: b
    type(ghost_t) :: ghost
    real(8), allocatable :: f(:, :, :)
    real(8) :: whole(n), part(n), worst
    integer :: first, last
    call field_along(n, 1, 4, 2*pi, .false., 1, bump, b, f, ghost)
    call derivative_row(b, 1, f, ghost, 1, n, 3, 4, whole)
    worst = 0
    do first = 1, n
      do last = first, n
        call derivative_row(b, 1, f, ghost, first, last, 3, 4, part(first:last))
        worst = max(worst, maxval(abs(part(first:last) - whole(first:last))))
      end do
    end do
    call require_below('d/dx of parts of a row against the whole', worst, 0d0)
  end subroutine

  !> y' = y cos t as a pair (y, t), to t = 2: every order condition is at work.
  subroutine check_scheme_order()
    real(8) :: errors(3), q1(2), q3(2), dt
    integer :: s, step, stage, steps
    do s = 1, 3
      steps = 20*2**s
      dt = 2d0/steps
      q1 = [1d0, 0d0]
      do step = 1, steps
        q3 = q1
        do stage = 1, stages
          call rk_stage(stage, 2, dt, [q1(1)*cos(q1(2)), 1d0], q1, q3)
        end do
      end do
      errors(s) = abs(q1(1) - exp(sin(2d0)))
    end do
    call require_below('Runge-Kutta, time against steps', abs(q1(2) - 2), 1d-14)
    call require_above('Runge-Kutta, order of a quadrature and growth', log(errors(1)/errors(2))/log(2d0), 3.9d0)
    call require_above('Runge-Kutta, order, finer', log(errors(2)/errors(3))/log(2d0), 3.95d0)
  end subroutine

  !> Stable to 3.926 along the imaginary axis and to 4.687 along the negative real one, and not beyond.
  subroutine check_scheme_stability()
    call require_below('Runge-Kutta, growth at 3.925i', growth(0d0, 3.925d0), 1d0)
    call require_above('Runge-Kutta, growth at 3.935i', growth(0d0, 3.935d0), 1d0)
    call require_below('Runge-Kutta, growth at -4.686', growth(-4.686d0, 0d0), 1d0)
    call require_above('Runge-Kutta, growth at -4.692', growth(-4.692d0, 0d0), 1d0)
  end subroutine

  !> Factor of |y| in a step of y' = (a + bi) y, dt = 1.
  real(8) function growth(a, b)
    real(8), intent(in) :: a, b
    real(8) :: q1(2), q3(2)
    integer :: stage
    q1 = [1d0, 0d0]
    q3 = q1
    do stage = 1, stages
      call rk_stage(stage, 2, 1d0, [a*q1(1) - b*q1(2), a*q1(2) + b*q1(1)], q1, q3)
    end do
    growth = norm2(q1)
  end function
end program
