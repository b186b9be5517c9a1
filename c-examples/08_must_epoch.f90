! The S3D way: one long-running task on every rank launches the work of every time step ahead, between an operation that awaits the
! MPI code and one that hands off to it; the MPI code keeps its time loop. Nothing on the task side blocks.
module long_running
  use cohort
  implicit none
  integer, parameter :: n = 48, steps = 200
  real(8), parameter :: dt = 1d-3
  real(8), allocatable, target :: q(:, :, :), rhs(:, :, :)
  type(cohort_runtime) :: rt
  type(cohort_handshake) :: hs
  type(cohort_task) :: rhs_task, await_task, handoff_task
  integer(4) :: fields(2)
contains
  recursive subroutine rhs_cpu(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: from(:, :, :), to(:, :, :)
    call cohort_view(task, 1, fields(1), COHORT_READ_ONLY, from)
    call cohort_view(task, 2, fields(2), COHORT_WRITE_DISCARD, to)
    to = -from
  end subroutine

  !> Await and handoff only order: the arrays are used in place.
  recursive subroutine order_only(task)
    type(cohort_context), intent(in) :: task
    if (task%id == 0) error stop 'FAILED: a task without a context'
  end subroutine

  recursive subroutine rank_main(task)
    type(cohort_context), intent(in) :: task
    type(cohort_index_space) :: space
    type(cohort_field_space) :: field_space
    type(cohort_region) :: region
    type(cohort_partition) :: tiles
    integer :: step
    call cohort_task_register(rt, 'await', await_task, order_only, leaf=.true.)
    call cohort_task_register(rt, 'handoff', handoff_task, order_only, leaf=.true.)
    call cohort_index_space_create(rt, [1, 1, 1], [n, n, n], space)
    call cohort_field_space_create(rt, field_space)
    call cohort_fields_allocate(field_space, 8, fields)
    call cohort_region_create(rt, space, field_space, region)
    call cohort_partition_blocks(region, [1, 3, 4], tiles)
    call cohort_attach(task, region, fields(1:1), q)
    call cohort_attach(task, region, fields(2:2), rhs)
    do step = 1, steps
      call cohort_launch(task, await_task, [cohort_needs(region, fields, COHORT_READ_WRITE)], wait_handshakes=[hs])
      call cohort_index_launch(task, rhs_task, 12, [cohort_needs(tiles, fields(1:1), COHORT_READ_ONLY), &
                                                    cohort_needs(tiles, fields(2:2), COHORT_WRITE_DISCARD)])
      call cohort_launch(task, handoff_task, [cohort_needs(region, fields, COHORT_READ_WRITE)], arrive_handshakes=[hs])
      call cohort_handshake_advance(task, hs)
    end do
    call cohort_detach(task, region, fields)
  end subroutine
end module

program main
  use mpi_f08
  use long_running
  implicit none
  integer :: step, rank, provided
  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  allocate (q(n, n, n), rhs(n, n, n))
  q = rank + 1
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_task_register(rt, 'rhs', rhs_task, rhs_cpu, leaf=.true.)
  call cohort_handshake_create(rt, hs)
  call cohort_must_epoch(rt, rank_main)      ! one rank_main task on every MPI rank, all running at once
  do step = 1, steps
    call cohort_handoff_to_tasks(hs)         ! q is ready; returns at once
    call cohort_wait_on_tasks(hs)            ! rhs is ready; meanwhile this thread runs tasks
    q = q + dt*rhs
  end do
  call cohort_finalize(rt)
  if (maxval(abs(q - (rank + 1)*(1 - dt)**steps)) > 1d-12) error stop 'FAILED: wrong values'
  if (rank == 0) print '(a)', 'PASSED'
  call MPI_Finalize()
end program
