!> The right-hand side as tasks launched from the MPI thread between hand-off and wait: no task runs for long.
module rhs_direct
  use mpi_f08, only: MPI_Comm
  use cohort
  use block, only: block_t
  use flow, only: flow_t
  use rhs_method, only: stepping_method_t, course_t
  use tile_tasks
  implicit none
  private
  public :: rhs_direct_t

  type, extends(stepping_method_t) :: rhs_direct_t
    type(cohort_runtime) :: rt
    type(cohort_context) :: root
    type(cohort_handshake) :: handshake
  contains
    procedure :: create, compute, advance, destroy
  end type

contains

  subroutine create(this, f, b, cart, tile, q, prim, p, rhs)
    class(rhs_direct_t), intent(inout) :: this
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: tile(2)
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    call computation_create(this%rt, this%mapping, .true., this%updates_state, f, b, cart, tile, q, prim, p, rhs)
    call cohort_root_context(this%rt, this%root)
    call cohort_handshake_create(this%rt, this%handshake)
    call computation_attach(this%rt, this%root)
  end subroutine

  subroutine compute(this)
    class(rhs_direct_t), intent(inout) :: this
    call cohort_handoff_to_tasks(this%handshake)
    call launch_computation(this%root, this%handshake)
    call cohort_wait_on_tasks(this%handshake)
  end subroutine

  subroutine advance(this, steps)
    class(rhs_direct_t), intent(inout) :: this
    class(course_t), intent(inout), target :: steps
    course => steps
    call cohort_handoff_to_tasks(this%handshake)
    call launch_await(this%root, this%handshake)
    call launch_order(this%root, this%handshake)
    call cohort_wait_on_tasks(this%handshake)
    course => null()
  end subroutine

  subroutine destroy(this)
    class(rhs_direct_t), intent(inout) :: this
    call computation_destroy(this%rt, this%mapping)
  end subroutine
end module
