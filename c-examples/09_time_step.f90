! The time step of a CFD code: each rank proposes the step that its own points allow, a dynamic collective takes the least of all
! ranks, and the update uses it as a future. All of it is launched ahead; no rank waits for another. A plain MPI loop checks it.
module time_step
  use cohort
  implicit none
  integer, parameter :: n = 1000, steps = 300
  real(8), parameter :: courant = 0.5d0, dx = 1d-3
  integer(4) :: fields(1)
  real(8) :: elapsed = 0
contains
  !> The fastest point decides how far a step may go.
  pure real(8) function allowed(u)
    real(8), intent(in) :: u(:)
    allowed = courant*dx/maxval(abs(u))
  end function

  pure subroutine slow_down(u, dt)
    real(8), intent(inout) :: u(:)
    real(8), intent(in) :: dt
    u = u - dt*u*abs(u)
  end subroutine

  pure function beginning(rank) result(u)
    integer, intent(in) :: rank
    real(8) :: u(n)
    integer :: i
    u = [(1 + rank + sin(0.01d0*i*(rank + 1)), i=1, n)]
  end function

  recursive subroutine propose(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: u(:)
    call cohort_view(task, 1, fields(1), COHORT_READ_ONLY, u)
    call cohort_task_result(task, allowed(u))
  end subroutine

  recursive subroutine update(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: u(:)
    real(8) :: dt
    call cohort_task_future(task, 1, dt)
    call cohort_view(task, 1, fields(1), COHORT_READ_WRITE, u)
    call slow_down(u, dt)
    elapsed = elapsed + dt
  end subroutine
end module

program main
  use mpi_f08
  use time_step
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: field_space
  type(cohort_region) :: region
  type(cohort_task) :: propose_task, update_task
  type(cohort_collective) :: least
  type(cohort_future) :: mine, future
  real(8), target :: u(n)
  real(8) :: v(n), dt, time
  integer(4) :: rank, ranks
  integer :: step, provided
  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_root_context(rt, ctx)
  call cohort_rank(rt, rank)
  call cohort_size(rt, ranks)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, field_space)
  call cohort_fields_allocate(field_space, 8, fields)
  call cohort_region_create(rt, points, field_space, region)
  call cohort_attach(ctx, region, fields, u)
  call cohort_task_register(rt, 'propose', propose_task, propose, leaf=.true.)
  call cohort_task_register(rt, 'update', update_task, update, leaf=.true.)

  ! One rank makes the collective; its handle is plain bytes. Each rank arrives once in every phase.
  if (rank == 0) call cohort_collective_create(rt, ranks, COHORT_MIN, COHORT_DOUBLE, least)
  call MPI_Bcast(least, 16, MPI_BYTE, 0, MPI_COMM_WORLD)
  u = beginning(rank)
  do step = 1, steps
    call cohort_launch(ctx, propose_task, [cohort_needs(region, fields, COHORT_READ_ONLY)], result=mine)
    call cohort_collective_arrive_future(ctx, least, mine)
    call cohort_collective_advance(least)
    call cohort_collective_future(ctx, least, future)   ! of the phase before the handle's
    call cohort_launch(ctx, update_task, [cohort_needs(region, fields, COHORT_READ_WRITE)], futures=[future])
    call cohort_future_destroy(mine)
    call cohort_future_destroy(future)
  end do
  call cohort_detach(ctx, region, fields)
  call cohort_finalize(rt)

  v = beginning(rank)
  time = 0
  do step = 1, steps
    dt = allowed(v)
    call MPI_Allreduce(MPI_IN_PLACE, dt, 1, MPI_DOUBLE_PRECISION, MPI_MIN, MPI_COMM_WORLD)
    call slow_down(v, dt)
    time = time + dt
  end do
  if (any(u /= v) .or. elapsed /= time) error stop 'FAILED'
  if (rank == 0) print '(a)', 'PASSED'
  call MPI_Finalize()
end program
