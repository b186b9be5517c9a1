! MPI work and tasks at the same time: between the hand-over and the wait the program does its own MPI work while workers run
! tasks. A task that calls MPI itself is mapped to the MPI thread, which runs it while it waits; so MPI_THREAD_FUNNELED is enough.
module overlap_tasks
  use mpi_f08
  use cohort
  implicit none
  integer, parameter :: n = 100000
  integer(4) :: fields(2)
contains
  recursive subroutine smooth(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:), f(:)
    call cohort_view(task, 1, fields(1), COHORT_READ_ONLY, q)
    call cohort_view(task, 2, fields(2), COHORT_WRITE_DISCARD, f)
    f = sqrt(q)
  end subroutine

  !> Calls MPI, so it runs where the program calls MPI.
  recursive subroutine mean(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: f(:)
    real(8) :: total
    integer :: ranks
    call cohort_view(task, 1, fields(2), COHORT_READ_WRITE, f)
    call MPI_Allreduce(sum(f), total, 1, MPI_DOUBLE_PRECISION, MPI_SUM, MPI_COMM_WORLD)
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    f = f - total/(real(n, 8)*ranks)
  end subroutine
end module

program main
  use overlap_tasks
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_config) :: config
  type(cohort_context) :: ctx
  type(cohort_task) :: smooth_task, mean_task, await, handoff
  type(cohort_index_space) :: points
  type(cohort_field_space) :: field_space
  type(cohort_region) :: region
  type(cohort_partition) :: parts
  type(cohort_handshake) :: hs
  real(8), allocatable, target :: q(:), f(:)
  real(8) :: largest
  integer :: rank, provided, step, looks
  logical :: done
  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  config%workers = 2            ! the MPI thread, while it waits, and one more
  config%spin_microseconds = 50
  call cohort_init(rt, MPI_COMM_WORLD, config)
  call cohort_root_context(rt, ctx)
  allocate (q(n), f(n))
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, field_space)
  call cohort_field_allocate(field_space, 8, 'q', fields(1))
  call cohort_field_allocate(field_space, 8, 'f', fields(2))
  call cohort_region_create(rt, points, field_space, region)
  call cohort_partition_blocks(region, [8], parts)
  call cohort_attach(ctx, region, fields(1:1), q)
  call cohort_attach(ctx, region, fields(2:2), f)
  call cohort_task_register(rt, 'smooth', smooth_task, smooth, leaf=.true.)
  call cohort_task_register(rt, 'mean', mean_task, mean, leaf=.true.)
  call cohort_task_register(rt, 'await', await, nothing, leaf=.true.)
  call cohort_task_register(rt, 'handoff', handoff, nothing, leaf=.true.)
  call cohort_handshake_create(rt, hs)
  do step = 1, 20
    q = step + rank
    call cohort_launch(ctx, await, [cohort_needs(region, fields, COHORT_READ_WRITE)], wait_handshakes=[hs])
    call cohort_index_launch(ctx, smooth_task, 8, [cohort_needs(parts, fields(1:1), COHORT_READ_ONLY), &
                                                   cohort_needs(parts, fields(2:2), COHORT_WRITE_DISCARD)])
    call cohort_launch(ctx, mean_task, [cohort_needs(region, fields(2:2), COHORT_READ_WRITE)], processor=COHORT_PROC_MPI)
    call cohort_launch(ctx, handoff, [cohort_needs(region, fields, COHORT_READ_WRITE)], arrive_handshakes=[hs])
    call cohort_handshake_advance(ctx, hs)
    call cohort_handoff_to_tasks(hs)
    call MPI_Allreduce(real(rank, 8), largest, 1, MPI_DOUBLE_PRECISION, MPI_MAX, MPI_COMM_WORLD)   ! tasks run meanwhile
    done = .false.
    do looks = 1, 10
      call cohort_test_on_tasks(hs, done)
      if (done) exit
    end do
    call cohort_wait_on_tasks(hs)      ! due even if the test said that it is done
    if (any(abs(f - expected(step)) > 1d-9)) error stop 'FAILED'
  end do
  call cohort_finalize(rt)
  if (rank == 0) print '(a)', 'PASSED'
  call MPI_Finalize()
contains
  recursive subroutine nothing(task)
    type(cohort_context), intent(in) :: task
    if (task%id == 0) error stop 'FAILED: a task without a context'
  end subroutine

  real(8) function expected(step)
    integer, intent(in) :: step
    integer :: ranks, r
    call MPI_Comm_size(MPI_COMM_WORLD, ranks)
    expected = sqrt(real(step + rank, 8)) - sum([(sqrt(real(step + r, 8)), r=0, ranks - 1)])/ranks
  end function
end program
