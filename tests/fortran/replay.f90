! What a mapper says once and what it is asked again: with `replay` its answer holds for launches that look the same.
module replaying
  use cohort
  implicit none
  integer :: asked = 0, replay = 0
  integer(4) :: f(2)
contains
  recursive subroutine select_task_options(mapper, task, options)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_options), intent(inout) :: options
    asked = asked + 1
    options%replay = replay
  end subroutine

  recursive subroutine add_one(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: q(:)
    integer(4) :: field
    call cohort_task_args(task, field)
    call cohort_view(task, 1, field, COHORT_READ_WRITE, q)
    q = q + 1
  end subroutine
end module

program main
  use replaying
  implicit none
  integer, parameter :: steps = 20
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_task) :: adding
  type(cohort_mapper) :: mapper
  type(cohort_mapper_handle) :: handle
  type(cohort_mapping) :: mapping
  real(8), pointer :: q(:)
  character(len=:), allocatable :: said
  integer(8) :: refused
  mapper%serialised = .true.
  mapper%select_task_options => select_task_options
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_mapper_register(rt, mapper, 'replaying', handle)
  call cohort_mapper_use(handle)
  call cohort_index_space_create(rt, [1], [8], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, space, fields, region)
  call cohort_fill(ctx, region, f, 0d0)
  call cohort_task_register(rt, 'add one', adding, add_one, leaf=.true.)

  call expect(f(1), steps, 'without replay')
  replay = 1
  call expect(f(1), 1, 'with replay')
  call expect(f(1), 0, 'with replay, once more')
  call expect(f(2), 1, 'with replay, another field')
  call cohort_mapper_use(handle)
  call expect(f(1), 1, 'when mappers were chosen anew')

  call cohort_inline_map(ctx, cohort_needs(region, f, COHORT_READ_ONLY), mapping)
  call cohort_inline_view(mapping, f(1), COHORT_READ_ONLY, q)
  if (any(q /= 4*steps)) error stop 'FAILED: what the tasks computed'
  call cohort_inline_unmap(mapping)
  call cohort_mapper_refusals(handle, refused, said)
  if (refused /= 0) error stop 'FAILED: '//said
  call cohort_finalize(rt)
  print '(a)', 'PASSED'
contains
  subroutine expect(field, times, when)
    integer(4), intent(in) :: field
    integer, intent(in) :: times
    character(len=*), intent(in) :: when
    integer :: step
    asked = 0
    do step = 1, steps
      call cohort_launch(ctx, adding, [cohort_needs(region, [field], COHORT_READ_WRITE)], args=field)
    end do
    call cohort_wait_all(ctx)
    if (asked /= times) then
      print '(3a,2(i0,a))', 'FAILED: ', when, ' the mapper was asked ', asked, ' times instead of ', times, ' times'
      error stop 1
    end if
  end subroutine
end program
