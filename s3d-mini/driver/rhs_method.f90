!> The choice of who computes the right-hand side: one object with three implementations that call the same kernels on the
!> same tiles, so that their results are bitwise equal.
module rhs_method
  use mpi_f08, only: MPI_Comm
  use block, only: block_t
  use flow, only: flow_t
  implicit none
  private
  public :: rhs_method_t, stepping_method_t, course_t, mapping_t

  !> Which mapper decides where and when tasks run. Results do not depend on it.
  type :: mapping_t
    character(16) :: mapper = 'default'
    integer :: seed = 0          !< of what is chosen at random
    integer(8) :: refusals = 0   !< choices that were refused, known when the method was destroyed
  end type

  type, abstract :: rhs_method_t
    type(mapping_t) :: mapping
  contains
    procedure(create_method), deferred :: create
    procedure(compute_rhs), deferred :: compute
    procedure(destroy_method), deferred :: destroy
  end type

  !> One that can also advance the state, which it need not hand back before somebody looks at it.
  type, abstract, extends(rhs_method_t) :: stepping_method_t
    logical :: updates_state = .false. !< whether it shall; set before create
  contains
    procedure(advance_state), deferred :: advance
  end type

  !> Which steps there are to go, asked one by one by whoever launches them, on every rank alike.
  type, abstract :: course_t
  contains
    procedure(asks_length), deferred :: depends_on_rates
    procedure(length_within), deferred :: longest
    procedure(next_step), deferred :: next
  end type

  abstract interface
    !> Whether the length of the next step depends on the state.
    logical function asks_length(this)
      import
      class(course_t), intent(in) :: this
    end function

    !> By rates as of largest_rates.
    real(8) function length_within(this, rates)
      import
      class(course_t), intent(in) :: this
      real(8), intent(in) :: rates(3)
    end function

    !> The next step, and whether the filter follows, and whether it is the last. `longest`: what no rank's rates forbid, if it
    !> depends on them.
    subroutine next_step(this, longest, dt, filtered, last)
      import
      class(course_t), intent(inout) :: this
      real(8), intent(in) :: longest
      real(8), intent(out) :: dt
      logical, intent(out) :: filtered, last
    end subroutine

    !> q and rhs are the only arrays later computed on: an implementation may attach them. The temperature in `prim` is
    !> Newton's first guess and must be set before the first compute.
    subroutine create_method(this, f, b, cart, tile, q, prim, p, rhs)
      import
      class(rhs_method_t), intent(inout) :: this
      type(flow_t), intent(in), target :: f
      type(block_t), intent(in), target :: b
      type(MPI_Comm), intent(in) :: cart
      integer, intent(in) :: tile(2)
      real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    end subroutine

    !> rhs of the state now in q. prim and p are those of q afterwards.
    subroutine compute_rhs(this)
      import
      class(rhs_method_t), intent(inout) :: this
    end subroutine

    !> Goes these steps to the last. Afterwards q is the state, prim and p are those of the last stage, and rhs is nothing.
    subroutine advance_state(this, steps)
      import
      class(stepping_method_t), intent(inout) :: this
      class(course_t), intent(inout), target :: steps
    end subroutine

    subroutine destroy_method(this)
      import
      class(rhs_method_t), intent(inout) :: this
    end subroutine
  end interface
end module
