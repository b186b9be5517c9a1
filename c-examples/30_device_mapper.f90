! A mapper for several devices: it finds them in the machine's list of processors, deals the blocks out anew in every step, so that
! data has to move, and says from where: what lies on the host and on another device comes from the memory that the one it goes to
! reads fastest, as measured at the start. With no device, or one, nothing is asked and the answer is the same.
! COHORT_DEVICES=opencl takes OpenCL's CPUs as well; POCL_DEVICES="pthread pthread" has PoCL make two of one.
module dealt_out
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t, c_double, c_f_pointer
  use cohort
  implicit none
  integer, parameter :: blocks = 4, steps = 6
  integer(4) :: f(2)   ! the fields of x and of y
  character, parameter :: nl = new_line('a')
  character(len=*), parameter :: text = &
    'typedef struct { double a; long step; } args_t;'//nl// &
    'COHORT_KERNEL void saxpy(COHORT_GLOBAL const double *x, cohort_extent of_x,'//nl// &
    '                         COHORT_GLOBAL double *y, cohort_extent of_y, args_t args)'//nl// &
    '{'//nl// &
    '    COHORT_POINT(of_y, i, j, k)'//nl// &
    '    COHORT_AT(y, of_y, i, j, k) += args.a * COHORT_AT(x, of_x, i, j, k);'//nl// &
    '}'//nl

  ! What tasks are given: the step is for the mapper.
  type, bind(C) :: task_args
    real(c_double) :: a = 2
    integer(c_int64_t) :: step = 0
  end type

  ! Bytes a second: of the memory whose number is the first index, read by the device whose memory the second is.
  type, extends(cohort_mapper) :: device_mapper
    real(8), allocatable :: read(:, :)
  end type
  integer :: asked = 0   ! the mapper is serialised
contains
  subroutine measure(rt, mapper, devices)
    type(cohort_runtime), intent(in) :: rt
    type(device_mapper), intent(inout) :: mapper
    integer, intent(out) :: devices
    type(cohort_processor_info), allocatable :: processors(:)
    type(cohort_memory_info), allocatable :: memories(:)
    type(cohort_affinity) :: affinity
    integer :: i, j, ierr
    call cohort_machine_processors(rt, processors, kind=COHORT_PROC_DEVICE)
    call cohort_machine_memories(rt, memories)
    devices = size(processors)
    allocate (mapper%read(0:size(memories) - 1, 0:size(memories) - 1), source=0d0)
    do i = 1, size(processors)
      do j = 1, size(memories)
        ! A device that does not reach another's memory gets its data by way of the host: speed 0.
        call cohort_machine_affinity(rt, processors(i)%number, memories(j)%number, affinity, ierr)
        if (ierr == COHORT_OK) mapper%read(memories(j)%number, processors(i)%memory) = affinity%bandwidth
      end do
    end do
  end subroutine

  recursive subroutine deal_out(mapper, task, options)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_task_info), intent(in) :: task
    type(cohort_task_options), intent(inout) :: options
    type(task_args), pointer :: args
    if (size(task%devices) == 0) return
    call c_f_pointer(task%args, args)
    options%processor = COHORT_PROC_DEVICE
    options%device = task%devices(1 + modulo(task%point + int(args%step), size(task%devices)))
  end subroutine

  ! By insertion.
  recursive subroutine fastest_first(mapper, copy, order)
    class(cohort_mapper), intent(inout) :: mapper
    type(cohort_sources_info), intent(in) :: copy
    integer(c_int32_t), allocatable, intent(inout) :: order(:)
    integer :: i, j
    asked = asked + 1
    select type (mapper)
    class is (device_mapper)
      do i = 2, size(order)
        do j = i, 2, -1
          if (mapper%read(order(j), copy%destination) <= mapper%read(order(j - 1), copy%destination)) exit
          order(j - 1:j) = order(j:j - 1:-1)
        end do
      end do
    end select
  end subroutine

  recursive subroutine saxpy(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: x(:), y(:)
    type(task_args) :: args
    call cohort_task_args(task, args)
    call cohort_view(task, 1, f(1), COHORT_READ_ONLY, x)
    call cohort_view(task, 2, f(2), COHORT_READ_WRITE, y)
    y = y + args%a*x
  end subroutine
end module

program main
  use dealt_out
  implicit none
  integer, parameter :: n = 1000
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: parts
  type(cohort_task) :: task
  type(device_mapper) :: mapper
  type(cohort_mapper_handle) :: handle
  type(task_args) :: args
  real(8), target :: x(n), y(n)
  integer(8) :: refused
  integer :: i, devices
  x = [(i - 1, i=1, n)]
  y = 1
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call measure(rt, mapper, devices)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, f)
  call cohort_region_create(rt, points, fields, region)
  call cohort_partition_blocks(region, [blocks], parts)
  call cohort_attach(ctx, region, f(1:1), x)
  call cohort_attach(ctx, region, f(2:2), y)
  call cohort_task_register(rt, 'saxpy', task, saxpy, leaf=.true.)
  call cohort_task_kernel(task, 'saxpy', source=text, grid_requirement=2)
  mapper%serialised = .true.
  mapper%select_task_options => deal_out
  mapper%rank_copy_sources => fastest_first
  call cohort_mapper_register(rt, mapper, 'deals out', handle)
  call cohort_mapper_use(handle, [task])
  do i = 1, steps
    args%step = i
    call cohort_index_launch(ctx, task, blocks, [cohort_needs(parts, f(1:1), COHORT_READ_ONLY), &
                                                 cohort_needs(parts, f(2:2), COHORT_READ_WRITE)], args=args)
  end do
  call cohort_wait_all(ctx)
  call cohort_mapper_refusals(handle, refused)
  call cohort_finalize(rt)
  if (any(y /= 1 + steps*args%a*x)) error stop 'FAILED'
  ! Each block of x comes to each device but the first from the host or from a device that has it.
  if (refused /= 0 .or. (devices > 1 .neqv. asked > 0)) error stop 'FAILED: what was asked'
  print '(a,i0,a,i0,a)', 'PASSED, ', devices, ' devices, asked ', asked, ' times where data comes from'
end program
