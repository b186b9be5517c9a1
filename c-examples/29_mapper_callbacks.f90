! A mapper that has a say in everything but the slices of index launches (22_mapper has those): it keeps a table of what it was
! asked and of how long tasks ran. Its answers change where, in which order and in which layout things happen, and no result.
module all_callbacks
  use, intrinsic :: iso_c_binding, only: c_int64_t, c_loc
  use cohort
  implicit none
  integer(4) :: f(2)   ! the fields: position and speed

  ! The mapper is serialised: no two of its procedures run at once, so that they may simply count.
  integer :: options_asked = 0, tasks_asked = 0, copies_asked = 0, inlines_asked = 0, epochs_asked = 0, tunables_asked = 0, &
             contexts_asked = 0, reports = 0
  real(8) :: seconds = 0
  integer :: roomy = -1   ! the number of the memory
  type(cohort_layout), target :: side_by_side
contains
  ! Tasks that are launched again and again look the same to this mapper: `replay` says that it need not be asked again.
  recursive subroutine select_task_options(mapper, task, options)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_options), intent(inout) :: options
    options_asked = options_asked + 1
    options%priority = merge(1, 0, task%point == 0)
    options%replay = 1
  end subroutine

  ! Where the data lies, and how: position and speed of a point side by side, where the task leaves that open. What lies otherwise
  ! is worked on in a copy.
  recursive subroutine map_task(mapper, task, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_mapping), intent(inout) :: mapping
    integer :: i
    tasks_asked = tasks_asked + 1
    mapping%requirements%memory = roomy
    do i = 1, size(task%requirements)
      if (task%requirements(i)%layout_is_open .and. task%requirements(i)%field_count == 2) &
        mapping%requirements(i)%layout = c_loc(side_by_side)
    end do
  end subroutine

  ! An explicit copy: before tasks that are ready as well.
  recursive subroutine map_copy(mapper, copy, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_copy_info), intent(in) :: copy
    type(cohort_copy_mapping), intent(inout) :: mapping
    copies_asked = copies_asked + 1
    mapping%priority = merge(2, 0, copy%source%bytes < 1000000)
  end subroutine

  ! Data that the program looks at between launches: where and as it is.
  recursive subroutine map_inline(mapper, context, requirement, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_context_info), intent(in) :: context
    type(cohort_requirement_info), intent(in) :: requirement
    type(cohort_requirement_mapping), intent(inout) :: mapping
    inlines_asked = inlines_asked + 1
    mapping%memory = -1
  end subroutine

  ! Members of a must epoch: each on the rank that launched it.
  recursive subroutine map_must_epoch(mapper, members, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: members(:)
    type(cohort_member_mapping), intent(inout) :: mapping(:)
    epochs_asked = epochs_asked + size(members)
  end subroutine

  ! Numbers that the program leaves open, such as how many blocks it makes of its data.
  recursive subroutine select_tunable(mapper, context, name, value)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_context_info), intent(in) :: context
    character(len=*), intent(in) :: name
    integer(c_int64_t), intent(inout) :: value
    tunables_asked = tunables_asked + 1
    value = 6
  end subroutine

  ! How far a context may launch ahead.
  recursive subroutine configure_context(mapper, context, window)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_context_info), intent(in) :: context
    integer(c_int64_t), intent(inout) :: window
    contexts_asked = contexts_asked + 1
    window = 64
  end subroutine

  ! What was measured of a task that has run.
  recursive subroutine report(mapper, times)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_report), intent(in) :: times
    reports = reports + 1
    seconds = seconds + 1d-9*(times%stop - times%start)
  end subroutine

  recursive subroutine move(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: position(:), speed(:)
    call cohort_view(task, 1, f(1), COHORT_READ_WRITE, position)
    call cohort_view(task, 1, f(2), COHORT_READ_ONLY, speed)
    position = position + speed
  end subroutine

  recursive subroutine look(task)
    type(cohort_context), intent(in) :: task
  end subroutine

  ! A region with both fields, all points at 0 with the speed 1.
  subroutine make_region(rt, ctx, points, region)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_context), intent(in) :: ctx
    integer, intent(in) :: points
    type(cohort_region), intent(out) :: region
    type(cohort_index_space) :: space
    type(cohort_field_space) :: fields
    call cohort_index_space_create(rt, [1], [points], space)
    call cohort_field_space_create(rt, fields)
    call cohort_fields_allocate(fields, 8, f)
    call cohort_region_create(rt, space, fields, region)
    call cohort_fill(ctx, region, f(1:1), 0d0)
    call cohort_fill(ctx, region, f(2:2), 1d0)
  end subroutine
end module

program main
  use all_callbacks
  implicit none
  integer, parameter :: n = 1200, steps = 10
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_region) :: region, saved
  type(cohort_partition) :: parts
  type(cohort_task) :: moving, looking
  type(cohort_mapper) :: mapper
  type(cohort_mapper_handle) :: handle
  type(cohort_mapping) :: mapping
  type(cohort_memory_info), allocatable :: memories(:)
  real(8), pointer :: position(:)
  character(len=:), allocatable :: said
  integer(8) :: refused, blocks
  integer :: step
  side_by_side%grouping = COHORT_AOS
  mapper%serialised = .true.
  mapper%select_task_options => select_task_options
  mapper%map_task => map_task
  mapper%map_copy => map_copy
  mapper%map_inline => map_inline
  mapper%map_must_epoch => map_must_epoch
  mapper%select_tunable => select_tunable
  mapper%configure_context => configure_context
  mapper%report => report
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  ! One for each NUMA node of the host; that with the most room.
  call cohort_machine_memories(rt, memories, kind=COHORT_MEMORY_SYSTEM)
  roomy = memories(maxloc(memories%available, 1))%number
  call cohort_mapper_register(rt, mapper, 'says everything', handle)
  call cohort_mapper_use(handle)

  call make_region(rt, ctx, n, region)
  call make_region(rt, ctx, n, saved)
  blocks = cohort_tunable(ctx, 'blocks', 1)
  call cohort_partition_blocks(region, [int(blocks)], parts)
  call cohort_task_register(rt, 'move', moving, move, leaf=.true.)
  call cohort_task_register(rt, 'look', looking, look, leaf=.true.)
  do step = 1, steps
    call cohort_index_launch(ctx, moving, int(blocks), [cohort_needs(parts, f, COHORT_READ_WRITE)])
  end do
  call cohort_copy(ctx, region, f, saved, f)
  call cohort_must_epoch(rt, looking)
  call cohort_must_epoch_wait(rt)
  call cohort_inline_map(ctx, cohort_needs(saved, f, COHORT_READ_ONLY), mapping)
  call cohort_inline_view(mapping, f(1), COHORT_READ_ONLY, position)
  if (any(position /= steps)) error stop 'FAILED: positions'
  call cohort_inline_unmap(mapping)
  call cohort_wait_all(ctx)
  call cohort_mapper_refusals(handle, refused, said)
  call cohort_finalize(rt)
  print '(7(a,i0))', 'asked for options ', options_asked, ' times, to map tasks ', tasks_asked, ', copies ', copies_asked, &
    ', inline ', inlines_asked, ', epochs ', epochs_asked, ', for tunables ', tunables_asked, ', contexts ', contexts_asked
  print '(i0,a,es9.2,a)', reports, ' tasks ran, ', seconds, ' seconds together'
  ! Asked about the tasks of the first step and not about those of later steps.
  if (options_asked /= blocks .or. tasks_asked /= blocks) error stop 'FAILED: options and tasks'
  if (any([copies_asked, inlines_asked, epochs_asked, tunables_asked, contexts_asked] /= 1)) error stop 'FAILED: asked once'
  if (reports /= steps*blocks + 1) error stop 'FAILED: reports'
  if (refused /= 0) error stop 'FAILED: '//said
  print '(a)', 'PASSED'
end program
