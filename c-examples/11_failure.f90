! A task fails on one rank. What depends on it does not run; every rank is told which task failed, where and why; and the program
! goes on, here with another attempt.
module proposals
  use cohort
  implicit none
  integer(4) :: rank, ranks
contains
  !> The last rank's first attempt fails.
  recursive subroutine propose(task)
    type(cohort_context), intent(in) :: task
    integer :: attempt
    call cohort_task_args(task, attempt)
    if (attempt == 1 .and. rank == ranks - 1) then
      call cohort_task_fail(task, 'the temperature at point 7 is -20 K')
    else
      call cohort_task_result(task, 1d-3*(rank + 1))
    end if
  end subroutine
end module

program main
  use mpi_f08
  use proposals
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_task) :: propose_task
  type(cohort_collective) :: least
  type(cohort_future) :: mine, future
  character(len=:), allocatable :: text
  real(8) :: dt
  integer :: attempt, provided, ierr
  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_root_context(rt, ctx)
  call cohort_rank(rt, rank)
  call cohort_size(rt, ranks)
  call cohort_task_register(rt, 'propose', propose_task, propose, leaf=.true.)
  if (rank == 0) call cohort_collective_create(rt, ranks, COHORT_MIN, COHORT_DOUBLE, least)
  call MPI_Bcast(least, 16, MPI_BYTE, 0, MPI_COMM_WORLD)
  do attempt = 1, 2
    call cohort_launch(ctx, propose_task, args=attempt, result=mine)
    call cohort_collective_arrive_future(ctx, least, mine)
    call cohort_collective_advance(least)
    call cohort_collective_future(ctx, least, future)
    call cohort_future_get(future, dt, ierr)
    if (ierr == COHORT_ERROR_TASK_FAILED) then
      text = cohort_error_message()
      if (rank == 0) print '(a)', text
      if (attempt /= 1 .or. index(text, 'propose') == 0 .or. index(text, '-20 K') == 0) error stop 'FAILED: another failure'
      call cohort_wait_all(ctx, ierr)   ! what is left of the attempt; may tell again
    else if (attempt /= 2 .or. dt /= 1d-3) then
      error stop 'FAILED: a wrong step'
    end if
    call cohort_future_destroy(mine)
    call cohort_future_destroy(future)
  end do
  call cohort_finalize(rt)
  if (rank == 0) print '(a)', 'PASSED'
  call MPI_Finalize()
end program
