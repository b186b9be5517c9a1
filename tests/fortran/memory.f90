! What a program does over and over leaves nothing behind on the heap. gfortran frees the allocatable components neither of function
! results in array constructors nor of structure constructors that are passed on: what the module makes and takes that way has none.
module memory_rounds
  use cohort
  use, intrinsic :: iso_c_binding, only: c_size_t
  use, intrinsic :: iso_fortran_env, only: int64
  implicit none
  !> What a round may leave behind on average: half of the least that malloc gives.
  integer, parameter :: BYTES_PER_ROUND = 16
  integer :: bad = 0

  !> glibc's struct mallinfo2; the bytes in use are `uordblks` and, in pieces with mappings of their own, `hblkhd`.
  type, bind(C) :: heap
    integer(c_size_t) :: arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost
  end type
  interface
    function mallinfo2() bind(C) result(now)
      import :: heap
      implicit none
      type(heap) :: now
    end function
  end interface

  type :: job
    type(cohort_runtime) :: rt
    type(cohort_context) :: ctx
    type(cohort_task) :: plain, mapped
    type(cohort_region) :: region
    integer :: fields(200)
    type(cohort_mapper_handle) :: mapper
  end type

  abstract interface
    subroutine round(with)
      import :: job
      implicit none
      type(job), intent(in) :: with
    end subroutine
  end interface

contains

  function in_use() result(bytes)
    integer(int64) :: bytes
    type(heap) :: now
    now = mallinfo2()
    bytes = now%uordblks + now%hblkhd
  end function

  !> Several times so many rounds, and the least of what they leave counts: the library's stocks grow now and then, and what is lost
  !> is lost each time.
  subroutine leaves_nothing(what, one, with, rounds)
    character(len=*), intent(in) :: what
    procedure(round) :: one
    type(job), intent(in) :: with
    integer, intent(in) :: rounds
    integer(int64) :: before, after, least
    integer :: i, k
    least = huge(least)
    before = in_use()
    do k = 1, 6
      do i = 1, rounds
        call one(with)
      end do
      call cohort_wait_all(with%ctx)
      after = in_use()
      least = min(least, after - before)
      before = after
    end do
    if (least < BYTES_PER_ROUND*rounds) return
    print '(3a, f0.1, a)', 'FAILED: ', what, ' leaves ', real(least)/rounds, ' bytes behind each time'
    bad = bad + 1
  end subroutine

  subroutine launch(with)
    type(job), intent(in) :: with
    call cohort_launch(with%ctx, with%plain, [cohort_needs(with%region, with%fields(:2), COHORT_READ_ONLY), &
                                              cohort_needs(with%region, with%fields(3:3), COHORT_READ_WRITE)])
  end subroutine

  subroutine launch_with_all_fields(with)
    type(job), intent(in) :: with
    call cohort_launch(with%ctx, with%plain, [cohort_needs(with%region, with%fields, COHORT_READ_ONLY)])
  end subroutine

  subroutine launch_mapped(with)
    type(job), intent(in) :: with
    call cohort_launch(with%ctx, with%mapped, [cohort_needs(with%region, with%fields(:2), COHORT_READ_ONLY)])
    call cohort_index_launch(with%ctx, with%mapped, 2)
  end subroutine

  subroutine map_inline(with)
    type(job), intent(in) :: with
    type(cohort_mapping) :: mapping
    call cohort_inline_map(with%ctx, cohort_needs(with%region, with%fields(:2), COHORT_READ_ONLY), mapping)
    call cohort_inline_unmap(mapping)
  end subroutine

  subroutine epoch(with)
    type(job), intent(in) :: with
    type(cohort_member) :: members(1)
    members(1)%task = with%mapped
    members(1)%requirements = [cohort_needs(with%region, with%fields(:2), COHORT_READ_ONLY)]
    call cohort_must_epoch(with%rt, members)
    call cohort_must_epoch_wait(with%rt)
  end subroutine

  subroutine ask(with)
    type(job), intent(in) :: with
    type(cohort_copied) :: copied
    type(cohort_processor_info), allocatable :: processors(:)
    type(cohort_memory_info), allocatable :: memories(:)
    type(cohort_rank_info), allocatable :: ranks(:)
    character(len=:), allocatable :: text
    integer(int64) :: refusals
    integer :: point, ierr
    call cohort_mapper_refusals(with%mapper, refusals, text)
    call cohort_task_copied_total(with%mapped, copied)
    call cohort_machine_binding(with%rt, text)
    call cohort_machine_processors(with%rt, processors)
    call cohort_machine_memories(with%rt, memories)
    call cohort_machine_ranks(with%rt, ranks)
    if (cohort_tunable(with%ctx, 'a tunable', 1) /= 3) error stop 'FAILED: the tunable is not what the mapper says'
    call cohort_task_point(with%ctx, point, ierr)
    if (len(cohort_error_message()) == 0) error stop 'FAILED: an error without a text'
    if (cohort_status_name(ierr) == 'COHORT_OK') error stop 'FAILED: the program has a point'
  end subroutine

  recursive subroutine body(task)
    type(cohort_context), intent(in) :: task
    if (task%id == 0) error stop 'FAILED: a task without a context'
  end subroutine

  recursive subroutine select_options(mapper, task, options)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_options), intent(inout) :: options
    if (.not. mapper%serialised .and. task%name == 'mapped') options%priority = 1
  end subroutine

  recursive subroutine slice(mapper, task, slices)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_slice), allocatable, intent(inout) :: slices(:)
    if (.not. mapper%serialised) slices = [cohort_slice(0, 1, 0), cohort_slice(1, task%points - 1, 0)]
  end subroutine

  !> Every choice is refused, which is told once.
  recursive subroutine map(mapper, task, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_mapping), intent(inout) :: mapping
    if (.not. mapper%serialised .and. task%name == 'mapped') mapping%worker = 1000
  end subroutine

  recursive subroutine map_mapping(mapper, context, requirement, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_context_info), intent(in) :: context
    type(cohort_requirement_info), intent(in) :: requirement
    type(cohort_requirement_mapping), intent(inout) :: mapping
    if (.not. mapper%serialised .and. context%name == '' .and. size(cohort_info_fields(requirement)) == 2) mapping%memory = -1
  end subroutine

  recursive subroutine map_members(mapper, members, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: members(:)
    type(cohort_member_mapping), intent(inout) :: mapping(:)
    if (.not. mapper%serialised .and. members(1)%name == 'mapped') mapping%rank = 0
  end subroutine

  recursive subroutine tune(mapper, context, name, value)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_context_info), intent(in) :: context
    character(len=*), intent(in) :: name
    integer(8), intent(inout) :: value
    if (.not. mapper%serialised .and. context%name == '' .and. name == 'a tunable') value = 3
  end subroutine

  recursive subroutine configure(mapper, context, window)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_context_info), intent(in) :: context
    integer(8), intent(inout) :: window
    if (.not. mapper%serialised .and. context%name == '') window = 1000
  end subroutine

  recursive subroutine note(mapper, times)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_report), intent(in) :: times
    if (.not. mapper%serialised .and. times%name == '') error stop 'FAILED: a report without a name'
  end subroutine
end module

program main
  use memory_rounds
  implicit none
  type(job) :: with
  type(cohort_mapper) :: mapper
  type(cohort_index_space) :: points
  type(cohort_field_space) :: space
  call cohort_init(with%rt)
  call cohort_root_context(with%rt, with%ctx)
  call cohort_task_register(with%rt, 'plain', with%plain, body, leaf=.true.)
  call cohort_task_register(with%rt, 'mapped', with%mapped, body)
  call cohort_index_space_create(with%rt, [1], [10], points)
  call cohort_field_space_create(with%rt, space)
  call cohort_fields_allocate(space, 8, with%fields)
  call cohort_region_create(with%rt, points, space, with%region)
  call cohort_fill(with%ctx, with%region, with%fields, 0d0)
  call leaves_nothing('a launch', launch, with, 2000)
  call leaves_nothing('a launch with 200 fields', launch_with_all_fields, with, 2000)
  call leaves_nothing('an inline mapping', map_inline, with, 2000)

  mapper%select_task_options => select_options
  mapper%slice_index_launch => slice
  mapper%map_task => map
  mapper%map_inline => map_mapping
  mapper%map_must_epoch => map_members
  mapper%select_tunable => tune
  mapper%configure_context => configure
  mapper%report => note
  call cohort_mapper_register(with%rt, mapper, 'all', with%mapper)
  call cohort_mapper_use(with%mapper)
  call leaves_nothing('a launch with a mapper', launch_mapped, with, 2000)
  call leaves_nothing('an inline mapping with a mapper', map_inline, with, 2000)
  call leaves_nothing('a must epoch', epoch, with, 500)
  call leaves_nothing('a round of questions', ask, with, 2000)
  call cohort_finalize(with%rt)
  if (bad > 0) error stop 1
  print '(a)', 'PASSED'
end program
