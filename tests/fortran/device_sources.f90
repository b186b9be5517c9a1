! A mapper that answers nonsense when it is asked from where data comes that lies on the host and on one of two devices: each answer
! is refused with a text that says why, the default holds, and a right answer after it is taken. What is only possible in Fortran is
! an array of another size, or none.
module asked_for_sources
  use cohort
  implicit none
  character, parameter :: nl = new_line('a')
  character(len=*), parameter :: text = &
    'COHORT_KERNEL void add(COHORT_GLOBAL const double *x, cohort_extent of_x, COHORT_GLOBAL double *y, cohort_extent of_y)'//nl// &
    '{'//nl// &
    '    COHORT_POINT(of_y, i, j, k)'//nl// &
    '    COHORT_AT(y, of_y, i, j, k) += COHORT_AT(x, of_x, i, j, k);'//nl// &
    '}'//nl
  enum, bind(C)
    enumerator :: RIGHT, UNKNOWN, TWICE, TOO_FEW, TOO_MANY, EMPTY, NOTHING
  end enum
  integer, parameter :: n = 4096
  integer :: answer = RIGHT, asked = 0, turn = 0
  logical :: told_right = .true.
contains
  !> To both devices in turn.
  recursive subroutine take_turns(mapper, task, options)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_options), intent(inout) :: options
    options%processor = COHORT_PROC_DEVICE
    options%device = task%devices(1 + modulo(turn, size(task%devices)))
    turn = turn + 1
  end subroutine

  recursive subroutine rank_sources(mapper, copy, order)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_sources_info), intent(in) :: copy
    integer(4), allocatable, intent(inout) :: order(:)
    asked = asked + 1
    told_right = told_right .and. copy%name == 'add' .and. copy%number == 1 .and. copy%bytes == 8*n .and. size(copy%sources) == 2
    told_right = told_right .and. all(order == copy%sources%memory) .and. all(copy%sources%bytes == 8*n)
    told_right = told_right .and. all(order /= copy%destination)
    select case (answer)
    case (RIGHT)
      order = order(size(order):1:-1)
    case (UNKNOWN)
      order(1) = 1000
    case (TWICE)
      order(2) = order(1)
    case (TOO_FEW)
      order = order(:1)
    case (TOO_MANY)
      order = [order, order]
    case (EMPTY)
      order = order(:0)
    case (NOTHING)
      deallocate (order)
    end select
  end subroutine

  recursive subroutine not_here(task)
    type(cohort_context), intent(in) :: task
    call cohort_task_fail(task, 'ran on the host')
  end subroutine
end module

program main
  use asked_for_sources
  implicit none
  character(len=24), parameter :: why(UNKNOWN:NOTHING) = [character(len=24) :: &
    'memory 1000 is named', 'is named twice', 'count is 1', 'count is 4', 'count is 0', 'count is 0']
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_task) :: task
  type(cohort_mapper) :: mapper
  type(cohort_mapper_handle) :: handle
  character(len=:), allocatable :: said
  integer(4) :: f(2)
  integer(8) :: refused
  real(8), target :: x(n), y(n)
  integer :: i, rounds
  x = [(i, i=1, n)]
  y = 0
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region)
  call cohort_attach(ctx, region, f(1:1), x)
  call cohort_attach(ctx, region, f(2:2), y)
  call cohort_task_register(rt, 'add', task, not_here, leaf=.true.)
  call cohort_task_kernel(task, 'add', source=text, grid_requirement=2)
  mapper%serialised = .true.
  mapper%select_task_options => take_turns
  mapper%rank_copy_sources => rank_sources
  call cohort_mapper_register(rt, mapper, 'nonsense', handle)
  call cohort_mapper_use(handle)
  rounds = 0
  do i = UNKNOWN, NOTHING
    call ask(i)
    call cohort_mapper_refusals(handle, refused, said)
    if (refused /= i .or. index(said, 'rank_copy_sources') == 0 .or. index(said, trim(why(i))) == 0) then
      print '(a,i0,4a)', 'FAILED: ', refused, ' refusals, the last "', said, '"; expected ', trim(why(i))
      error stop 1
    end if
    call ask(RIGHT)
    call cohort_mapper_refusals(handle, refused)
    if (refused /= i) error stop 'FAILED: a right answer is refused'
  end do
  if (.not. told_right) error stop 'FAILED: what the mapper was told'
  call cohort_detach(ctx, region, f)
  call cohort_finalize(rt)
  if (any(y /= 2*rounds*x)) error stop 'FAILED: what the tasks computed'
  print '(a)', 'PASSED'
contains
  !> The second device can have x from the host and from the first, and is asked about it once.
  subroutine ask(what)
    integer, intent(in) :: what
    integer :: device
    answer = what
    do device = 1, 2
      call cohort_launch(ctx, task, [cohort_needs(region, f(1:1), COHORT_READ_ONLY), &
                                     cohort_needs(region, f(2:2), COHORT_READ_WRITE)])
    end do
    call cohort_wait_all(ctx)
    rounds = rounds + 1
    if (asked /= rounds) error stop 'FAILED: how often the mapper was asked'
  end subroutine
end program
