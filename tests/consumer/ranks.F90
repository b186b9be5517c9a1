! The thinnest whole program: on every rank a time loop that hands its array to a task and takes it back. With mpi_f08, or
! with MPIF_H defined the old way, whose communicators are integers.
module kernels
  use cohort
  implicit none
contains
  recursive subroutine right_hand_side(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:), rhs(:)
    call cohort_view(task, 1, 0, COHORT_READ_ONLY, q)
    call cohort_view(task, 2, 1, COHORT_WRITE_DISCARD, rhs)
    rhs = -q
  end subroutine
end module kernels

program ranks
#ifndef MPIF_H
  use mpi_f08
#endif
  use cohort
  use kernels
  implicit none
#ifdef MPIF_H
  include 'mpif.h'
#endif
  integer, parameter :: N = 100, STEPS = 50
  real(8), parameter :: DT = 0.125d0
  ! Interleaved, so that what is attached is a slice: the compiler's own array descriptor says how it lies.
  real(8), target :: state(2, N)
  real(8) :: expected
  integer :: level, rank, ranks_in_all, seen_rank, seen_size, step, field(2), ierror
  logical :: right, all_right
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_task) :: task
  type(cohort_handshake) :: turn

  call MPI_Init_thread(MPI_THREAD_FUNNELED, level, ierror)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ierror)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks_in_all, ierror)
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_rank(rt, seen_rank)
  call cohort_size(rt, seen_size)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [N], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, field)
  call cohort_region_create(rt, space, fields, region)
  call cohort_attach(ctx, region, field(1:1), state(1, :))
  call cohort_attach(ctx, region, field(2:2), state(2, :))
  call cohort_task_register(rt, "right-hand side", task, right_hand_side, leaf=.true.)
  call cohort_handshake_create(rt, turn)

  state(1, :) = rank + 1
  do step = 1, STEPS
    call cohort_launch(ctx, task, [cohort_needs(region, field(1:1), COHORT_READ_ONLY), &
                                   cohort_needs(region, field(2:2), COHORT_WRITE_DISCARD)], &
                       wait_handshakes=[turn], arrive_handshakes=[turn])
    call cohort_handshake_advance(ctx, turn)
    call cohort_handoff_to_tasks(turn)
    call cohort_wait_on_tasks(turn)
    state(1, :) = state(1, :) + DT*state(2, :)
  end do
  call cohort_detach(ctx, region, field)
  call cohort_finalize(rt)

  expected = rank + 1
  do step = 1, STEPS
    expected = expected - DT*expected
  end do
  right = seen_rank == rank .and. seen_size == ranks_in_all .and. all(state(1, :) == expected)
  call MPI_Allreduce(right, all_right, 1, MPI_LOGICAL, MPI_LAND, MPI_COMM_WORLD, ierror)
  if (rank == 0) print '(2a, i0, a)', merge('PASSED', 'FAILED', all_right), ' on ', ranks_in_all, ' ranks'
  call MPI_Finalize(ierror)
  if (.not. all_right) error stop 1
end program ranks
