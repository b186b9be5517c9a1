! A code that has OpenCL kernels of its own: the task's procedure for devices gets the queue and the buffers, enqueues its work and
! returns without waiting; what follows is ordered after the queue. With CUDA the same: device%stream is a CUstream, view%base a
! CUdeviceptr. Where there is no OpenCL device, the procedure for the host runs. COHORT_DEVICES=opencl takes OpenCL's CPUs as well.
module opencl
  use, intrinsic :: iso_c_binding
  implicit none

  interface
    function clCreateProgramWithSource(context, count, strings, lengths, code) &
      bind(C, name='clCreateProgramWithSource') result(program)
      import :: c_ptr, c_int32_t, c_size_t
      implicit none
      type(c_ptr), value :: context
      integer(c_int32_t), value :: count
      type(c_ptr), intent(in) :: strings(*)
      integer(c_size_t), intent(in) :: lengths(*)
      integer(c_int32_t), intent(out) :: code
      type(c_ptr) :: program
    end function

    function clBuildProgram(program, count, devices, options, notify, user) bind(C, name='clBuildProgram') result(code)
      import :: c_ptr, c_funptr, c_int32_t
      implicit none
      type(c_ptr), value :: program, options, user
      integer(c_int32_t), value :: count
      type(c_ptr), intent(in) :: devices(*)
      type(c_funptr), value :: notify
      integer(c_int32_t) :: code
    end function

    function clCreateKernel(program, name, code) bind(C, name='clCreateKernel') result(kernel)
      import :: c_ptr, c_char, c_int32_t
      implicit none
      type(c_ptr), value :: program
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int32_t), intent(out) :: code
      type(c_ptr) :: kernel
    end function

    function clSetKernelArg(kernel, index, bytes, value) bind(C, name='clSetKernelArg') result(code)
      import :: c_ptr, c_int32_t, c_size_t
      implicit none
      type(c_ptr), value :: kernel, value
      integer(c_int32_t), value :: index
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: code
    end function

    function clEnqueueNDRangeKernel(queue, kernel, dim, offset, global, local, count, waits, event) &
      bind(C, name='clEnqueueNDRangeKernel') result(code)
      import :: c_ptr, c_int32_t, c_size_t
      implicit none
      type(c_ptr), value :: queue, kernel, offset, local, waits, event
      integer(c_int32_t), value :: dim, count
      integer(c_size_t), intent(in) :: global(*)
      integer(c_int32_t) :: code
    end function
  end interface
end module

module cooling
  use cohort
  use opencl
  implicit none
  integer, parameter :: blocks = 4, steps = 5
  integer(4) :: u(1)   ! the field that cools down
  integer :: on_host(0:blocks - 1) = 0   ! tasks of each block that ran there; they come one after another
  ! Built when the first task comes; the procedures for one device run one after another.
  type(c_ptr) :: kernel = c_null_ptr
  character(len=*), parameter :: text = &
    '__kernel void cool(__global double *u, ulong first) { u[first + get_global_id(0)] *= 0.5; }'
contains
  subroutine check(task, what, code)
    type(cohort_context), intent(in) :: task
    character(len=*), intent(in) :: what
    integer(c_int32_t), intent(in) :: code
    character(len=12) :: number
    write (number, '(i0)') code
    if (code /= 0) call cohort_task_fail(task, what//': '//trim(number))
  end subroutine

  subroutine build(task, device)
    type(cohort_context), intent(in) :: task
    type(cohort_device), intent(in) :: device
    character(len=len(text)), target :: source
    type(c_ptr) :: program
    integer(c_int32_t) :: code
    source = text
    program = clCreateProgramWithSource(device%context, 1, [c_loc(source)], [len(text, c_size_t)], code)
    call check(task, 'clCreateProgramWithSource', code)
    call check(task, 'clBuildProgram', clBuildProgram(program, 1, [device%device], c_null_ptr, c_null_funptr, c_null_ptr))
    kernel = clCreateKernel(program, 'cool'//c_null_char, code)
    call check(task, 'clCreateKernel', code)
  end subroutine

  recursive subroutine cool_on_device(task, device)
    type(cohort_context), intent(in) :: task
    type(cohort_device), intent(in) :: device
    type(cohort_device_view) :: v
    type(c_ptr), target :: buffer
    integer(c_int64_t), target :: first
    if (.not. c_associated(kernel)) call build(task, device)
    call cohort_view_device(task, 1, u(1), COHORT_READ_WRITE, v)
    buffer = v%base
    first = v%offset/8
    call check(task, 'the buffer', clSetKernelArg(kernel, 0, c_sizeof(buffer), c_loc(buffer)))
    call check(task, 'the offset', clSetKernelArg(kernel, 1, c_sizeof(first), c_loc(first)))
    call check(task, 'clEnqueueNDRangeKernel', clEnqueueNDRangeKernel(device%stream, kernel, 1, c_null_ptr, &
      [int(v%hi(1) - v%lo(1) + 1, c_size_t)], c_null_ptr, 0, c_null_ptr, c_null_ptr))
  end subroutine

  recursive subroutine cool(task)
    type(cohort_context), intent(in) :: task
    real(8), pointer :: v(:)
    integer(4) :: block
    call cohort_view(task, 1, u(1), COHORT_READ_WRITE, v)
    v = 0.5d0*v
    call cohort_task_point(task, block)
    on_host(block) = on_host(block) + 1
  end subroutine
end module

program main
  use cooling
  implicit none
  integer, parameter :: n = 1000
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: points
  type(cohort_field_space) :: fields
  type(cohort_region) :: region
  type(cohort_partition) :: parts
  type(cohort_task) :: task
  real(8), target :: array(n)
  integer :: i
  array = [(32*i, i=1, n)]
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [n], points)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 8, u)
  call cohort_region_create(rt, points, fields, region)
  call cohort_partition_blocks(region, [blocks], parts)
  call cohort_attach(ctx, region, u, array)
  call cohort_task_register(rt, 'cool', task, cool, leaf=.true.)
  call cohort_task_device_callback(task, COHORT_DEVICE_OPENCL, cool_on_device)
  do i = 1, steps
    call cohort_index_launch(ctx, task, blocks, [cohort_needs(parts, u, COHORT_READ_WRITE)])
  end do
  call cohort_wait_all(ctx)   ! from here on the array is what the tasks left in it
  if (any(array /= [(real(i, 8), i=1, n)])) error stop 'FAILED'
  call cohort_finalize(rt)
  print '(a,i0,a,i0,a)', 'PASSED, ', steps*blocks - sum(on_host), ' of ', steps*blocks, ' tasks on a device'
end program
