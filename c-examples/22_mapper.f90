! SAXPY, moved to other mappings by three lines: point a mapper to a procedure, register it, use it. What a mapper lacks is the
! default's. Whatever it chooses, the answer is the same.
module saxpy_task
  use cohort
  implicit none
  integer(4) :: f(2)   ! the fields of x and of y

  ! A mapper with data of its own.
  type, extends(cohort_mapper) :: halves_mapper
    integer :: workers = 1
  end type
contains
  recursive subroutine saxpy(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: x(:), y(:)
    real(8) :: a
    call cohort_task_args(task, a)
    call cohort_view(task, 1, f(1), COHORT_READ_ONLY, x)
    call cohort_view(task, 2, f(2), COHORT_READ_WRITE, y)
    y = y + a*x
  end subroutine

  ! One mapping: everything on the thread that called cohort_init.
  recursive subroutine on_mpi_thread(mapper, task, options)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_options), intent(inout) :: options
    options%processor = COHORT_PROC_MPI
  end subroutine

  ! Another: the first half of the points for worker 0, the second for the last worker.
  recursive subroutine in_halves(mapper, task, slices)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_slice), allocatable, intent(inout) :: slices(:)
    integer :: half
    half = task%points/2
    select type (mapper)
    class is (halves_mapper)
      slices = [cohort_slice(0, half, 0), cohort_slice(half, task%points - half, mapper%workers - 1)]
    end select
  end subroutine

  ! And one that makes no sense: there is no such worker. It is told on stderr once, and the default holds.
  recursive subroutine nowhere(mapper, task, mapping)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_mapping), intent(inout) :: mapping
    mapping%worker = 1000
  end subroutine
end module

program main
  use saxpy_task
  implicit none
  integer, parameter :: n = 1000, blocks = 8
  type(cohort_runtime) :: rt; type(cohort_context) :: ctx; type(cohort_index_space) :: points; type(cohort_field_space) :: fields
  type(cohort_region) :: region; type(cohort_partition) :: parts; type(cohort_task) :: task; type(cohort_config) :: config
  type(cohort_mapper) :: one, wrong; type(halves_mapper) :: two; type(cohort_mapper_handle) :: handle
  real(8), target :: x(n), y(n), a = 2
  integer(8) :: refused
  character(len=:), allocatable :: said
  integer :: i
  x = [(i - 1, i=1, n)]; y = 1
  config%workers = 2
  call cohort_init(rt, config); call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields); call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region); call cohort_partition_blocks(region, [blocks], parts)
  call cohort_attach(ctx, region, f(1:1), x); call cohort_attach(ctx, region, f(2:2), y)
  call cohort_task_register(rt, 'saxpy', task, saxpy, leaf=.true.)

  one%select_task_options => on_mpi_thread
  call cohort_mapper_register(rt, one, 'MPI thread', handle)
  call cohort_mapper_use(handle)
  call three_steps()

  two%slice_index_launch => in_halves
  call cohort_workers(rt, two%workers)
  call cohort_mapper_register(rt, two, 'halves', handle)
  call cohort_mapper_use(handle)
  call three_steps()

  wrong%map_task => nowhere
  call cohort_mapper_register(rt, wrong, 'nowhere', handle)
  call cohort_mapper_use(handle, [task])   ! for this task
  call three_steps()
  call cohort_mapper_refusals(handle, refused, said)

  call cohort_detach(ctx, region, f); call cohort_finalize(rt)
  if (refused /= 3*blocks .or. index(said, 'worker is 1000') == 0) error stop 'FAILED: refusals'
  if (any(y /= 1 + 9*a*x)) error stop 'FAILED'
  print '(a)', 'PASSED'
contains
  subroutine three_steps()
    integer :: step
    do step = 1, 3
      call cohort_index_launch(ctx, task, blocks, [cohort_needs(parts, f(1:1), COHORT_READ_ONLY), &
                                                   cohort_needs(parts, f(2:2), COHORT_READ_WRITE)], args=a)
    end do
    call cohort_wait_all(ctx)
  end subroutine
end program
