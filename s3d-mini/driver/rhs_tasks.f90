!> The right-hand side the S3D way: in a must epoch, one long-running task a rank launches computation after computation ahead of
!> the MPI code, which keeps the Runge-Kutta loop and runs tasks while it waits. Where tasks update the state, the MPI code orders
!> steps instead, and the long-running task has their loop.
module rhs_tasks
  use mpi_f08, only: MPI_Comm
  use cohort
  use block, only: block_t
  use flow, only: flow_t
  use rhs_method, only: stepping_method_t, course_t
  use tile_tasks
  implicit none
  private
  public :: rhs_tasks_t

  type, extends(stepping_method_t) :: rhs_tasks_t
  contains
    procedure :: create, compute, advance, destroy
  end type

  !> Shared with the long-running task.
  type(cohort_runtime), save :: rt
  type(cohort_handshake), save :: handshake

  !> Computations launched before the MPI code hands over the first of them. All ranks launch equally many: exchanges pair up.
  integer, parameter :: ahead = 2

contains

  subroutine create(this, f, b, cart, tile, q, prim, p, rhs)
    class(rhs_tasks_t), intent(inout) :: this
    type(flow_t), intent(in), target :: f
    type(block_t), intent(in), target :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: tile(2)
    real(8), intent(inout), target, contiguous :: q(:, :), prim(:, :), p(:), rhs(:, :)
    call computation_create(rt, this%mapping, .false., this%updates_state, f, b, cart, tile, q, prim, p, rhs)
    call cohort_handshake_create(rt, handshake)
    if (this%updates_state) then
      call cohort_must_epoch(rt, orders_main)
    else
      call cohort_must_epoch(rt, rank_main)
    end if
  end subroutine

  subroutine compute(this)
    class(rhs_tasks_t), intent(inout) :: this
    call cohort_handoff_to_tasks(handshake)
    call cohort_wait_on_tasks(handshake)
  end subroutine

  subroutine advance(this, steps)
    class(rhs_tasks_t), intent(inout) :: this
    class(course_t), intent(inout), target :: steps
    course => steps
    call this%compute()
    course => null()
  end subroutine

  subroutine destroy(this)
    class(rhs_tasks_t), intent(inout) :: this
    integer :: i
    last_handed_over = .true.
    do i = 1, merge(1, ahead, this%updates_state)
      call this%compute()
    end do
    call computation_destroy(rt, this%mapping)
  end subroutine

  recursive subroutine rank_main(task)
    type(cohort_context), intent(in) :: task
    type(cohort_future) :: handed_over(ahead)
    logical(4) :: more
    integer :: i
    call computation_attach(rt, task)
    more = .true.
    do i = 1, ahead
      call launch_computation(task, handshake, handed_over(i))
    end do
    i = 1
    do
      call cohort_future_get(handed_over(i), more)
      if (.not. more) exit
      call cohort_future_destroy(handed_over(i))
      call launch_computation(task, handshake, handed_over(i))
      i = mod(i, ahead) + 1
    end do
    do i = 1, ahead
      call cohort_future_destroy(handed_over(i))
    end do
  end subroutine

  !> Nothing can be launched before it was ordered. What is ordered is many launches, which soon are ahead of their execution.
  recursive subroutine orders_main(task)
    type(cohort_context), intent(in) :: task
    type(cohort_future) :: handed_over
    logical(4) :: more
    call computation_attach(rt, task)
    do
      call launch_await(task, handshake, handed_over)
      call cohort_future_get(handed_over, more)
      call cohort_future_destroy(handed_over)
      if (.not. more) exit
      call launch_order(task, handshake)
    end do
    call launch_end(task, handshake)
  end subroutine
end module
