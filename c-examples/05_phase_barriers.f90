! Tasks of different ranks take turns through phase barriers: each rank owns one at which its left neighbour arrives, and each
! adds to a number that the ranks of a node share, one after the other. All turns are launched ahead; no rank blocks.
module turns_task
  use cohort
  implicit none
  integer(4) :: rank, ranks
  integer(8), pointer, volatile :: number
contains
  !> Whose turn it is, the number tells.
  recursive subroutine add(task)
    type(cohort_context), intent(in) :: task
    if (mod(number, int(ranks, 8)) /= rank) then
      call cohort_task_fail(task, "it is another rank's turn")
    else
      number = number + 1
    end if
  end subroutine
end module

program main
  use mpi   ! the older interface, with integer communicators
  use turns_task
  implicit none
  integer, parameter :: turns = 200
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_task) :: task
  type(cohort_phase_barrier) :: mine, awaited, next
  type(c_ptr) :: address
  integer(MPI_ADDRESS_KIND) :: bytes
  integer :: turn, left, right, window, unit, provided, error
  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided, error)
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_root_context(rt, ctx)
  call cohort_rank(rt, rank)
  call cohort_size(rt, ranks)
  call MPI_Win_allocate_shared(merge(8_MPI_ADDRESS_KIND, 0_MPI_ADDRESS_KIND, rank == 0), 1, MPI_INFO_NULL, MPI_COMM_WORLD, &
                               address, window, error)
  call MPI_Win_shared_query(window, 0, bytes, unit, address, error)
  call c_f_pointer(address, number)
  if (rank == 0) number = 0

  ! A barrier's handle is plain bytes: each rank sends its own to the left.
  left = modulo(rank - 1, ranks)
  right = modulo(rank + 1, ranks)
  call cohort_phase_barrier_create(rt, 1, mine)
  call MPI_Sendrecv(mine, 16, MPI_BYTE, left, 0, next, 16, MPI_BYTE, right, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE, error)

  ! A wait is for the phase before the handle's. Rank 0 opens, so it waits for the turn before.
  awaited = mine
  if (rank /= 0) call cohort_phase_barrier_advance(awaited)
  call cohort_task_register(rt, 'add', task, add, leaf=.true.)
  do turn = 1, turns
    call cohort_launch(ctx, task, wait_barriers=[awaited], arrive_barriers=[next])
    call cohort_phase_barrier_advance(awaited)
    call cohort_phase_barrier_advance(next)
  end do
  call cohort_wait_all(ctx)
  ! Nobody's turn waits for the last arrival at rank 0's barrier, which must have come before the barrier goes.
  if (rank == 0) call cohort_phase_barrier_wait(ctx, awaited)
  call MPI_Barrier(MPI_COMM_WORLD, error)
  if (number /= turns*ranks) error stop 'FAILED'
  call cohort_phase_barrier_destroy(mine)
  call cohort_finalize(rt)
  call MPI_Win_free(window, error)
  if (rank == 0) print '(a)', 'PASSED'
  call MPI_Finalize(error)
end program
