! A mapper puts the program's array into the memories of two NUMA nodes in turn, as hwloc describes the machine: tasks work on
! copies where the array does not lie, and the array has what they computed.
module putting
  use cohort
  implicit none
  integer :: memory = -1
  integer(4) :: field
contains
  recursive subroutine map_task(mapper, task, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_mapping), intent(inout) :: mapping
    mapping%requirements(:)%memory = memory
  end subroutine

  recursive subroutine add_one(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:,:)
    call cohort_view(task, 1, field, COHORT_READ_WRITE, q)
    q = q + 1
  end subroutine
end module

program main
  use putting
  implicit none
  integer, parameter :: steps = 6, tiles = 4
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: rows
  type(cohort_task) :: adding
  type(cohort_mapper) :: mapper
  type(cohort_mapper_handle) :: handle
  type(cohort_memory_info), allocatable :: memories(:)
  type(cohort_copied) :: copied
  character(len=:), allocatable :: said
  real(8), target :: q(60, 40)
  integer(8) :: refused, bytes
  integer :: step
  q = 0
  mapper%map_task => map_task
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_mapper_register(rt, mapper, 'putting', handle)
  call cohort_mapper_use(handle)
  call cohort_machine_memories(rt, memories, kind=COHORT_MEMORY_SYSTEM)
  if (size(memories) /= 2) error stop 'FAILED: not two memories; is HWLOC_SYNTHETIC set?'
  call cohort_index_space_create(rt, [1, 1], [60, 40], space)
  call cohort_field_space_create(rt, fields)
  call cohort_field_allocate(fields, 8, 'q', field)
  call cohort_region_create(rt, space, fields, region)
  call cohort_partition_blocks(region, [1, tiles], rows)
  call cohort_attach(ctx, region, [field], q)
  call cohort_task_register(rt, 'add one', adding, add_one, leaf=.true.)
  do step = 1, steps
    memory = mod(step, 2)
    call cohort_index_launch(ctx, adding, tiles, [cohort_needs(rows, [field], COHORT_READ_WRITE)])
    call cohort_wait_all(ctx)
    if (any(q /= step)) error stop 'FAILED: what the tasks computed'
  end do
  call cohort_task_copied_total(adding, copied)
  ! The array lies in one of the two.
  bytes = copied%copies*size(q)*8/tiles
  if (copied%copies /= steps/2*tiles .or. copied%bytes_in /= bytes .or. copied%bytes_out /= bytes) then
    print '(a,3(i0,1x))', 'FAILED: copies, bytes in and out are ', copied%copies, copied%bytes_in, copied%bytes_out
    error stop 1
  end if
  if (index(copied%why, 'is asked for: the data lies in NUMA node') == 0) error stop 'FAILED: '//copied%why
  call cohort_mapper_refusals(handle, refused, said)
  if (refused /= 0) error stop 'FAILED: '//said
  call cohort_detach(ctx, region, [field])
  call cohort_finalize(rt)
  print '(a)', 'PASSED'
end program
