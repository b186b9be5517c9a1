! The exchange of example 06 with the halo helper: three calls and no index arithmetic. The MPI thread launches all steps ahead.
program main
  use heat
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_task) :: step_task
  type(cohort_region) :: block, ghost(6)
  type(cohort_halo) :: halo
  type(MPI_Comm) :: cart
  integer :: rank, provided, face, step, before
  call MPI_Init_thread(MPI_THREAD_FUNNELED, provided)
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_root_context(rt, ctx)
  call cohort_rank(rt, rank)
  call heat_begin(rt, ctx, cart, block)
  call cohort_task_register(rt, 'step', step_task, heat_step, leaf=.true.)
  call cohort_halo_create(rt, cart, lo=[1, 1, 1], hi=[n, n, n], depth=[1, 1, 1], fields=1, field_bytes=8, halo=halo)
  do face = 1, 6
    call cohort_halo_region(halo, face, ghost(face))
  end do
  do step = 1, steps
    before = merge(1, 2, mod(step, 2) == 1)
    call cohort_halo_exchange(ctx, halo, block, [fields(before)], slots=[0])
    call heat_launch(ctx, step_task, block, ghost, before)
    call cohort_halo_release(ctx, halo, slots=[0])
  end do
  call cohort_detach(ctx, block, fields)
  call heat_check()
  call cohort_halo_destroy(halo)
  call cohort_finalize(rt)
  call MPI_Comm_free(cart)
  if (rank == 0) print '(a)', 'PASSED'
  call MPI_Finalize()
end program
