! An MPI code keeps its time loop; one array update in it runs as tasks over blocks. The waiting MPI thread runs them.
module decay_task
  use cohort
  implicit none
  integer, parameter :: n = 64
  real(8), parameter :: dt = 1d-3
  integer(4) :: fields(2)
contains
  recursive subroutine rhs(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:, :, :), f(:, :, :)
    call cohort_view(task, 1, fields(1), COHORT_READ_ONLY, q)
    call cohort_view(task, 2, fields(2), COHORT_WRITE_DISCARD, f)
    f = -q
  end subroutine

  recursive subroutine nothing(task)
    type(cohort_context), intent(in) :: task
    if (task%id == 0) error stop 'a task without a context'
  end subroutine
end module

program main
  use mpi_f08
  use decay_task
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_task) :: rhs_task, await, handoff
  type(cohort_index_space) :: space
  type(cohort_field_space) :: field_space
  type(cohort_region) :: region
  type(cohort_partition) :: tiles
  type(cohort_handshake) :: hs
  real(8), allocatable, target :: q(:, :, :), f(:, :, :)
  real(8) :: expected
  integer :: step, rank
  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  allocate (q(-3:n + 4, n, n), f(n, n, n))
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1, 1, 1], [n, n, n], space)
  call cohort_field_space_create(rt, field_space)
  call cohort_fields_allocate(field_space, 8, fields)
  call cohort_region_create(rt, space, field_space, region)
  call cohort_partition_blocks(region, [1, 4, 4], tiles)
  call cohort_attach(ctx, region, fields(1:1), q(1:n, :, :))   ! the interior of an array with halos of its own
  call cohort_attach(ctx, region, fields(2:2), f)
  call cohort_task_register(rt, 'rhs', rhs_task, rhs, leaf=.true.)
  call cohort_task_register(rt, 'await', await, nothing, leaf=.true.)
  call cohort_task_register(rt, 'handoff', handoff, nothing, leaf=.true.)
  call cohort_handshake_create(rt, hs)
  q = rank + 1
  do step = 1, 100
    call cohort_launch(ctx, await, [cohort_needs(region, fields, COHORT_READ_WRITE)], wait_handshakes=[hs])
    call cohort_index_launch(ctx, rhs_task, 16, [cohort_needs(tiles, fields(1:1), COHORT_READ_ONLY), &
                                                 cohort_needs(tiles, fields(2:2), COHORT_WRITE_DISCARD)])
    call cohort_launch(ctx, handoff, [cohort_needs(region, fields, COHORT_READ_WRITE)], arrive_handshakes=[hs])
    call cohort_handshake_advance(ctx, hs)
    call cohort_handoff_to_tasks(hs)     ! q is ready; returns at once
    call cohort_wait_on_tasks(hs)        ! f is ready; meanwhile this thread runs tasks
    q(1:n, :, :) = q(1:n, :, :) + dt*f
  end do
  call cohort_finalize(rt)
  expected = (rank + 1)*(1 - dt)**100
  if (maxval(abs(q(1:n, :, :) - expected)) > 1d-12) error stop 'FAILED'
  if (rank == 0) print '(a)', 'PASSED'
  call MPI_Finalize()
end program
