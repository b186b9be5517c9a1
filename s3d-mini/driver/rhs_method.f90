!> The choice of who computes the right-hand side: one object with three implementations that call the same kernels on the
!> same tiles, so that their results are bitwise equal.
module rhs_method
  use mpi_f08, only: MPI_Comm
  use block, only: block_t
  use flow, only: flow_t
  implicit none
  private
  public :: rhs_method_t, stepping_method_t, mapping_t

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

  abstract interface
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

    !> As many steps as dt has lengths, those that `filtered` says followed by the filter. Afterwards q is the state, and the
    !> temperature in prim that of the last stage, Newton's next guess: to read, not to change, as long as the method is there. The
    !> other arrays are nothing. With `rates` all arrays are nothing, but it is the largest_rates of the state on this block, from
    !> which the next step's length follows.
    subroutine advance_state(this, dt, filtered, rates)
      import
      class(stepping_method_t), intent(inout) :: this
      real(8), intent(in) :: dt(:)
      logical, intent(in) :: filtered(:)
      real(8), intent(out), optional :: rates(3)
    end subroutine

    subroutine destroy_method(this)
      import
      class(rhs_method_t), intent(inout) :: this
    end subroutine
  end interface
end module
