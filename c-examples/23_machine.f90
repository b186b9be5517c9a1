! A program asks the machine what it runs on: processors, memories, how fast one reaches the other, and where the ranks are.
program main
  use mpi_f08
  use cohort
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_processor_info), allocatable :: processors(:)
  type(cohort_memory_info), allocatable :: memories(:)
  type(cohort_rank_info), allocatable :: ranks(:)
  type(cohort_affinity) :: affinity
  character(len=:), allocatable :: binding
  integer(4) :: rank
  integer :: best, i, level
  real(8) :: most

  call MPI_Init_thread(MPI_THREAD_FUNNELED, level)
  call cohort_init(rt, MPI_COMM_WORLD)
  call cohort_rank(rt, rank)
  call cohort_machine_binding(rt, binding)
  call cohort_machine_processors(rt, processors)
  call cohort_machine_memories(rt, memories, kind=COHORT_MEMORY_SYSTEM)
  call cohort_machine_ranks(rt, ranks)
  ! The memory that the last processor reads fastest and that has room for a gigabyte.
  most = 0
  best = 0
  do i = 1, size(memories)
    if (memories(i)%available < 2_8**30) cycle
    call cohort_machine_affinity(rt, processors(size(processors))%number, memories(i)%number, affinity)
    if (affinity%bandwidth > most) then
      most = affinity%bandwidth
      best = memories(i)%number
    end if
  end do
  print '(4(a,i0),a,f0.1,4a)', 'rank ', rank, ': ', size(processors), ' processors, ', &
    count(ranks%same_node == 1 .and. ranks%rank /= rank), ' ranks beside it on its node; memory ', best, ' gives ', &
    most/1e9, ' GB/s; ', binding, ': ', trim(merge('PASSED', 'FAILED', processors(1)%kind == COHORT_PROC_MPI .and. most > 0))
  call cohort_finalize(rt)
  call MPI_Finalize()
end program
