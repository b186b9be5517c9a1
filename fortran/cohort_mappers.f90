!> Mappers: procedures that choose where and in which order tasks run. Mapping changes speed and never results; a choice that makes
!> no sense is told on stderr and counted, and what holds without the mapper holds.
module cohort_mappers
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_boxes, only: callback_box, keep
  use cohort_support, only: finish, c_text, fortran_text, text_length
  implicit none
  private
  public :: cohort_mapper, cohort_task_info, cohort_task_mapping, cohort_context_info, cohort_report, cohort_sources_info
  public :: cohort_select_task_options, cohort_slice_index_launch, cohort_map_task, cohort_map_copy, cohort_map_must_epoch, &
            cohort_map_inline, cohort_rank_copy_sources, cohort_select_tunable, cohort_configure_context, cohort_report_times
  public :: cohort_mapper_register, cohort_mapper_use, cohort_mapper_refusals, cohort_tunable, cohort_info_fields

  !> What a mapper is told of a task; pointers, here and below, are valid during the call. Points count from 0. `variants` has bit
  !> COHORT_PROC_CPU, bit COHORT_PROC_MPI and bit COHORT_PROC_DEVICE for the kinds of processors that the task has bodies for.
  type :: cohort_task_info
    type(cohort_task) :: task
    character(len=:), pointer :: name => null()
    integer :: point = 0, points = 0
    type(c_ptr) :: args = c_null_ptr
    integer(c_size_t) :: args_size = 0
    type(cohort_requirement_info), pointer :: requirements(:) => null()
    integer :: processor = 0, variants = 0
    logical :: leaf = .false.
    !> Whether the launch leaves the kind of processor open, and whether the launching thread can run the task itself.
    logical :: processor_is_open = .false., may_run_inline = .false.
    !> The devices that can run it, by their numbers among the processors.
    integer(c_int32_t), pointer :: devices(:) => null()
  end type

  !> Where a task runs: `worker` is a preference, -1 is any.
  type :: cohort_task_mapping
    integer(c_int32_t) :: processor = 0, worker = -1, priority = 0
    type(cohort_requirement_mapping), pointer :: requirements(:) => null()
  end type

  !> The task of a context; the null handle and no name for the program outside of tasks.
  type :: cohort_context_info
    type(cohort_task) :: task
    character(len=:), pointer :: name => null()
  end type

  !> Data that has to be copied before an operation can run, and that is valid in several memories, nearest first. `task` is the
  !> null handle for an operation that is no task, and `name` is then what it is; `number` is the requirement's, from 1.
  type :: cohort_sources_info
    type(cohort_task) :: task
    character(len=:), pointer :: name => null()
    integer :: number = 0
    type(cohort_requirement_info) :: requirement
    integer :: destination = 0
    integer(c_int64_t) :: bytes = 0
    type(cohort_copy_source), pointer :: sources(:) => null()
  end type

  !> What was measured of a task that ran: nanoseconds of a steady clock.
  type :: cohort_report
    type(cohort_task) :: task
    character(len=:), pointer :: name => null()
    integer :: point = 0, processor = 0, worker = -1
    integer(c_int64_t) :: start = 0, stop = 0
  end type

  !> A mapper: point it to the procedures that it has. Extend the type to give it data of its own, which its procedures get. They
  !> run on any thread, at the same time unless `serialised`; they choose and return, and may neither launch nor wait.
  type :: cohort_mapper
    logical :: serialised = .false.
    procedure(cohort_select_task_options), pointer, pass(mapper) :: select_task_options => null()
    procedure(cohort_slice_index_launch), pointer, pass(mapper) :: slice_index_launch => null()
    procedure(cohort_map_task), pointer, pass(mapper) :: map_task => null()
    procedure(cohort_map_inline), pointer, pass(mapper) :: map_inline => null()
    procedure(cohort_map_copy), pointer, pass(mapper) :: map_copy => null()
    procedure(cohort_rank_copy_sources), pointer, pass(mapper) :: rank_copy_sources => null()
    procedure(cohort_map_must_epoch), pointer, pass(mapper) :: map_must_epoch => null()
    procedure(cohort_select_tunable), pointer, pass(mapper) :: select_tunable => null()
    procedure(cohort_configure_context), pointer, pass(mapper) :: configure_context => null()
    procedure(cohort_report_times), pointer, pass(mapper) :: report => null()
  end type

  abstract interface
    !> When a task is launched.
    recursive subroutine cohort_select_task_options(mapper, task, options)
      import :: cohort_mapper, cohort_task_info, cohort_task_options
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_task_info), intent(in) :: task
      type(cohort_task_options), intent(inout) :: options
    end subroutine
    !> When an index launch begins: slices cover every point once.
    recursive subroutine cohort_slice_index_launch(mapper, task, slices)
      import :: cohort_mapper, cohort_task_info, cohort_slice
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_task_info), intent(in) :: task
      type(cohort_slice), allocatable, intent(inout) :: slices(:)
    end subroutine
    !> When a task is ready to run.
    recursive subroutine cohort_map_task(mapper, task, mapping)
      import :: cohort_mapper, cohort_task_info, cohort_task_mapping
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_task_info), intent(in) :: task
      type(cohort_task_mapping), intent(inout) :: mapping
    end subroutine
    !> When the task of `context`, or the program, maps data inline.
    recursive subroutine cohort_map_inline(mapper, context, requirement, mapping)
      import :: cohort_mapper, cohort_context_info, cohort_requirement_info, cohort_requirement_mapping
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_context_info), intent(in) :: context
      type(cohort_requirement_info), intent(in) :: requirement
      type(cohort_requirement_mapping), intent(inout) :: mapping
    end subroutine
    !> When an explicit copy is launched.
    recursive subroutine cohort_map_copy(mapper, copy, mapping)
      import :: cohort_mapper, cohort_copy_info, cohort_copy_mapping
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_copy_info), intent(in) :: copy
      type(cohort_copy_mapping), intent(inout) :: mapping
    end subroutine
    !> When data is about to be copied that is valid in several memories: `order` has each source's memory once, from the first of
    !> which all is copied that it has.
    recursive subroutine cohort_rank_copy_sources(mapper, copy, order)
      import :: cohort_mapper, cohort_sources_info, c_int32_t
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_sources_info), intent(in) :: copy
      integer(c_int32_t), allocatable, intent(inout) :: order(:)
    end subroutine
    !> When a must epoch is launched: members(i) runs on mapping(i)%rank, which is this rank.
    recursive subroutine cohort_map_must_epoch(mapper, members, mapping)
      import :: cohort_mapper, cohort_task_info, cohort_member_mapping
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_task_info), intent(in) :: members(:)
      type(cohort_member_mapping), intent(inout) :: mapping(:)
    end subroutine
    !> When the program asks for a tunable; `value` starts as its default.
    recursive subroutine cohort_select_tunable(mapper, context, name, value)
      import :: cohort_mapper, cohort_context_info, c_int64_t
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_context_info), intent(in) :: context
      character(len=*), intent(in) :: name
      integer(c_int64_t), intent(inout) :: value
    end subroutine
    !> When a context first launches: how many of its operations may be outstanding, 4 to 1000000.
    recursive subroutine cohort_configure_context(mapper, context, window)
      import :: cohort_mapper, cohort_context_info, c_int64_t
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_context_info), intent(in) :: context
      integer(c_int64_t), intent(inout) :: window
    end subroutine
    !> When a task has run.
    recursive subroutine cohort_report_times(mapper, times)
      import :: cohort_mapper, cohort_report
      implicit none
      class(cohort_mapper), intent(inout) :: mapper
      type(cohort_report), intent(in) :: times
    end subroutine
  end interface

  !> The C side's user pointer. Freed by cohort_finalize.
  type, extends(callback_box) :: mapper_box
    class(cohort_mapper), allocatable :: mapper
  end type

  type(cohort_requirement_info), target :: no_requirements(0)
  integer(c_int32_t), target :: no_devices(0)

contains

  function box_of(user) result(box)
    type(c_ptr), intent(in) :: user
    type(mapper_box), pointer :: box
    call c_f_pointer(user, box)
  end function

  !> A subroutine, since functions whose results decide on their length are no good on several threads; see cohort_support.
  subroutine point_to(address, text)
    type(c_ptr), intent(in) :: address
    character(len=:), pointer, intent(out) :: text
    character(len=text_length(address)), pointer :: whole
    call c_f_pointer(address, whole)
    text => whole
  end subroutine

  function info_of(c) result(info)
    type(cohort_task_info_c), intent(in) :: c
    type(cohort_task_info) :: info
    info%task = c%task
    call point_to(c%name, info%name)
    info%point = c%point
    info%points = c%points
    info%args = c%args
    info%args_size = c%args_size
    info%requirements => no_requirements
    if (c%requirement_count > 0) call c_f_pointer(c%requirements, info%requirements, [c%requirement_count])
    info%processor = c%processor
    info%variants = c%variants
    info%leaf = c%leaf
    info%processor_is_open = c%processor_is_open
    info%may_run_inline = c%may_run_inline
    info%devices => no_devices
    if (c%device_count > 0) call c_f_pointer(c%devices, info%devices, [c%device_count])
  end function

  function context_of(c) result(context)
    type(cohort_context_info_c), intent(in) :: c
    type(cohort_context_info) :: context
    context%task = c%task
    call point_to(c%name, context%name)
  end function

  recursive function run_select_task_options(c, options, user) bind(C) result(status)
    type(cohort_task_info_c), intent(in) :: c
    type(cohort_task_options), intent(inout) :: options
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    box => box_of(user)
    call box%mapper%select_task_options(info_of(c), options)
    status = 0
  end function

  recursive function run_slice_index_launch(c, slices_c, user) bind(C) result(status)
    type(cohort_task_info_c), intent(in) :: c
    type(cohort_slices_c), intent(inout) :: slices_c
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    type(cohort_slice), pointer :: room(:)
    type(cohort_slice), allocatable :: slices(:)
    box => box_of(user)
    call c_f_pointer(slices_c%slices, room, [slices_c%capacity])
    slices = room(:slices_c%count)
    call box%mapper%slice_index_launch(info_of(c), slices)
    slices_c%count = 0
    if (allocated(slices)) slices_c%count = size(slices, kind=c_int32_t)
    ! More than there is room for are refused by their number.
    if (slices_c%count > 0 .and. slices_c%count <= slices_c%capacity) room(:slices_c%count) = slices
    status = 0
  end function

  !> Layouts that a mapper chose say by their size of which version they are, as those that procedures of this module are given.
  subroutine stamp_layouts(mappings)
    type(cohort_requirement_mapping), intent(in) :: mappings(:)
    type(cohort_layout), pointer :: layout
    integer :: i
    do i = 1, size(mappings)
      if (.not. c_associated(mappings(i)%layout)) cycle
      call c_f_pointer(mappings(i)%layout, layout)
      layout%size = c_sizeof(layout)
    end do
  end subroutine

  recursive function run_map_task(c, mapping_c, user) bind(C) result(status)
    type(cohort_task_info_c), intent(in) :: c
    type(cohort_task_mapping_c), intent(inout) :: mapping_c
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    type(cohort_task_mapping) :: mapping
    type(cohort_requirement_mapping), pointer :: own(:)
    type(cohort_requirement_mapping), target :: none(0)
    integer :: i
    box => box_of(user)
    own => none
    if (mapping_c%requirement_count > 0) call c_f_pointer(mapping_c%requirements, own, [mapping_c%requirement_count])
    mapping = cohort_task_mapping(mapping_c%processor, mapping_c%worker, mapping_c%priority, own)
    call box%mapper%map_task(info_of(c), mapping)
    if (associated(mapping%requirements)) call stamp_layouts(mapping%requirements)
    mapping_c%processor = mapping%processor
    mapping_c%worker = mapping%worker
    mapping_c%priority = mapping%priority
    mapping_c%requirement_count = 0
    if (associated(mapping%requirements)) mapping_c%requirement_count = size(mapping%requirements, kind=c_int32_t)
    ! Entries of another array are taken over; another number of them is refused. The same array is left alone: flang would copy it
    ! first, and lose the copy.
    if (mapping_c%requirement_count == size(own) .and. .not. associated(mapping%requirements, own)) then
      do i = 1, size(own)
        own(i) = mapping%requirements(i)
      end do
    end if
    status = 0
  end function

  recursive function run_map_inline(c, requirement, mapping, user) bind(C) result(status)
    type(cohort_context_info_c), intent(in) :: c
    type(cohort_requirement_info), intent(in) :: requirement
    type(cohort_requirement_mapping), intent(inout) :: mapping
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    box => box_of(user)
    call box%mapper%map_inline(context_of(c), requirement, mapping)
    call stamp_layouts([mapping])
    status = 0
  end function

  recursive function run_map_copy(copy, mapping, user) bind(C) result(status)
    type(cohort_copy_info), intent(in) :: copy
    type(cohort_copy_mapping), intent(inout) :: mapping
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    box => box_of(user)
    call box%mapper%map_copy(copy, mapping)
    status = 0
  end function

  recursive function run_rank_copy_sources(c, order_c, user) bind(C) result(status)
    type(cohort_sources_info_c), intent(in) :: c
    type(cohort_source_order_c), intent(inout) :: order_c
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    type(cohort_sources_info) :: copy
    integer(c_int32_t), pointer :: room(:)
    integer(c_int32_t), allocatable :: order(:)
    box => box_of(user)
    copy%task = c%task
    call point_to(c%name, copy%name)
    copy%number = c%number + 1
    copy%requirement = c%requirement
    copy%destination = c%destination
    copy%bytes = c%bytes
    call c_f_pointer(c%sources, copy%sources, [c%source_count])
    call c_f_pointer(order_c%memories, room, [order_c%count])
    order = room
    call box%mapper%rank_copy_sources(copy, order)
    order_c%count = 0
    if (allocated(order)) order_c%count = size(order, kind=c_int32_t)
    ! Another number of them is refused by that number.
    if (order_c%count == size(room)) room = order
    status = 0
  end function

  recursive function run_map_must_epoch(c, count, mapping, user) bind(C) result(status)
    integer(c_int32_t), value :: count
    type(cohort_task_info_c), intent(in) :: c(count)
    type(cohort_member_mapping), intent(inout) :: mapping(count)
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    integer :: i
    box => box_of(user)
    call box%mapper%map_must_epoch([(info_of(c(i)), i=1, count)], mapping)
    status = 0
  end function

  recursive function run_select_tunable(c, name, value, user) bind(C) result(status)
    type(cohort_context_info_c), intent(in) :: c
    type(c_ptr), value :: name
    integer(c_int64_t), intent(inout) :: value
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    box => box_of(user)
    call box%mapper%select_tunable(context_of(c), fortran_text(name), value)
    status = 0
  end function

  recursive function run_configure_context(c, window, user) bind(C) result(status)
    type(cohort_context_info_c), intent(in) :: c
    integer(c_int64_t), intent(inout) :: window
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(mapper_box), pointer :: box
    box => box_of(user)
    call box%mapper%configure_context(context_of(c), window)
    status = 0
  end function

  recursive subroutine run_report(c, user) bind(C)
    type(cohort_report_c), intent(in) :: c
    type(c_ptr), value :: user
    type(mapper_box), pointer :: box
    type(cohort_report) :: report
    box => box_of(user)
    report = cohort_report(c%task, null(), c%point, c%processor, c%worker, c%start, c%stop)
    call point_to(c%name, report%name)
    call box%mapper%report(report)
  end subroutine

  !> Registers a mapper (copied, with what extends it), which cohort_mapper_use puts to use. It lasts until cohort_finalize.
  subroutine cohort_mapper_register(rt, mapper, name, handle, ierr)
    type(cohort_runtime), intent(in) :: rt
    class(cohort_mapper), intent(in) :: mapper
    character(len=*), intent(in) :: name
    type(cohort_mapper_handle), intent(out) :: handle
    integer, intent(out), optional :: ierr
    type(cohort_mapper_c) :: c
    type(mapper_box), pointer :: box
    allocate (box)
    allocate (box%mapper, source=mapper)
    call keep(box)
    c%size = c_sizeof(c)
    c%user = c_loc(box)
    if (mapper%serialised) c%flags = COHORT_MAPPER_SERIALISED
    if (associated(mapper%select_task_options)) c%select_task_options = c_funloc(run_select_task_options)
    if (associated(mapper%slice_index_launch)) c%slice_index_launch = c_funloc(run_slice_index_launch)
    if (associated(mapper%map_task)) c%map_task = c_funloc(run_map_task)
    if (associated(mapper%map_inline)) c%map_inline = c_funloc(run_map_inline)
    if (associated(mapper%map_copy)) c%map_copy = c_funloc(run_map_copy)
    if (associated(mapper%rank_copy_sources)) c%rank_copy_sources = c_funloc(run_rank_copy_sources)
    if (associated(mapper%map_must_epoch)) c%map_must_epoch = c_funloc(run_map_must_epoch)
    if (associated(mapper%select_tunable)) c%select_tunable = c_funloc(run_select_tunable)
    if (associated(mapper%configure_context)) c%configure_context = c_funloc(run_configure_context)
    if (associated(mapper%report)) c%report = c_funloc(run_report)
    call finish(cohort_c_mapper_register(rt, c, c_text(name), handle), ierr)
  end subroutine

  !> Has the mapper asked for these tasks from now on, in the place of any other; without `tasks` for everything. A handle that is
  !> cohort_mapper_handle(): no mapper but the default.
  subroutine cohort_mapper_use(handle, tasks, ierr)
    type(cohort_mapper_handle), intent(in) :: handle
    type(cohort_task), intent(in), optional :: tasks(:)
    integer, intent(out), optional :: ierr
    type(cohort_task) :: none(1)
    if (.not. present(tasks)) then
      call finish(cohort_c_mapper_use(handle, none, 0_c_int32_t), ierr)
    else if (size(tasks) > 0) then
      call finish(cohort_c_mapper_use(handle, tasks, size(tasks, kind=c_int32_t)), ierr)
    else
      call finish(COHORT_OK, ierr)
    end if
  end subroutine

  !> How many choices of the mapper were refused, and what was said of the last one.
  subroutine cohort_mapper_refusals(handle, count, text, ierr)
    type(cohort_mapper_handle), intent(in) :: handle
    integer(c_int64_t), intent(out) :: count
    character(len=:), allocatable, intent(out), optional :: text
    integer, intent(out), optional :: ierr
    character(kind=c_char), target :: buffer(1024)
    buffer(1) = c_null_char
    call finish(cohort_c_mapper_refusals(handle, count, buffer, size(buffer, kind=c_size_t)), ierr)
    if (present(text)) text = fortran_text(c_loc(buffer))
  end subroutine

  !> The value of a tunable: what the mapper of the context's task says, else `otherwise`.
  function cohort_tunable(ctx, name, otherwise, ierr) result(value)
    type(cohort_context), intent(in) :: ctx
    character(len=*), intent(in) :: name
    integer, intent(in) :: otherwise
    integer, intent(out), optional :: ierr
    integer(c_int64_t) :: value
    value = otherwise
    call finish(cohort_c_tunable(ctx, c_text(name), int(otherwise, c_int64_t), value), ierr)
  end function

  !> The fields of a requirement that a mapper is told of.
  function cohort_info_fields(need) result(fields)
    type(cohort_requirement_info), intent(in) :: need
    integer(c_int32_t), pointer :: fields(:)
    call c_f_pointer(need%fields, fields, [need%field_count])
  end function
end module cohort_mappers
