! Elements of a chain pull at the nodes between them. For every node the strongest pull and whose it is: a reduction of the
! program's own, to which tasks contribute at the same time, each on the nodes of its elements; those at the ends are shared.
module chain
  use cohort
  implicit none
  integer, parameter :: parts = 20, part_size = 50, nodes = parts*part_size + 1, steps = 10
  type :: pull_t
    real(8) :: strength = -1
    integer(8) :: element = huge(1_8)
  end type
  integer(4) :: field(1)
contains
  ! Associative and commutative, or the result would depend on who comes first: of pulls alike the first element's counts.
  elemental subroutine take_stronger(a, b)
    type(pull_t), intent(inout) :: a
    type(pull_t), intent(in) :: b
    if (b%strength > a%strength .or. (b%strength >= a%strength .and. b%element < a%element)) a = b
  end subroutine

  recursive subroutine stronger(into, from, count)
    type(c_ptr), intent(in) :: into, from
    integer(c_size_t), intent(in) :: count
    type(pull_t), pointer :: a(:), b(:)
    call c_f_pointer(into, a, [count])
    call c_f_pointer(from, b, [count])
    call take_stronger(a, b)
  end subroutine

  elemental type(pull_t) function pull(element, step)
    integer, intent(in) :: element, step
    pull = pull_t(abs(sin(real(element*37 + step*11, 8))), element)
  end function

  recursive subroutine load(task)
    type(cohort_context), intent(in) :: task
    type(cohort_view_layout) :: view
    type(pull_t), pointer :: strongest(:)
    integer :: step, e, first
    call cohort_task_args(task, step)
    call cohort_view_raw(task, 1, field(1), COHORT_REDUCE, view)
    first = int(view%lo(1))
    call c_f_pointer(view%base, strongest, [view%hi(1) - view%lo(1) + 1])
    do e = 1, size(strongest) - 1
      call take_stronger(strongest(e:e + 1), pull(first + e - 1, step))
    end do
  end subroutine
end module

program main
  use chain
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: pieces
  type(cohort_task) :: task
  type(pull_t), target :: strongest(nodes)
  type(pull_t) :: expected(nodes)
  integer(4) :: strongest_pull
  integer :: step, e, part
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_reduction_register(rt, 'strongest pull', pull_t(), stronger, strongest_pull)
  call cohort_index_space_create(rt, [1], [nodes], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, storage_size(strongest)/8, field)
  call cohort_region_create(rt, space, fields, region)
  call cohort_attach(ctx, region, field, strongest)
  call cohort_partition_rects(region, reshape([(1 + part*part_size, part=0, parts - 1)], [1, parts]), &
                              reshape([(1 + (part + 1)*part_size, part=0, parts - 1)], [1, parts]), pieces)

  ! The order in which tasks contribute does not matter here: whoever ends first may come first.
  call cohort_task_register(rt, 'load', task, load, leaf=.true.)
  do step = 1, steps
    call cohort_index_launch(ctx, task, parts, [cohort_needs(pieces, field, COHORT_REDUCE, reduction=strongest_pull, &
                                                             any_order=.true.)], args=step)
  end do
  call cohort_detach(ctx, region, field)
  call cohort_finalize(rt)
  do step = 1, steps
    do e = 1, nodes - 1
      call take_stronger(expected(e:e + 1), pull(e, step))
    end do
  end do
  if (any(strongest%element /= expected%element)) error stop 'FAILED'
  print '(a)', 'PASSED'
end program
