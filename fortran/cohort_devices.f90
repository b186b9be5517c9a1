!> What tasks have for devices: kernels, and procedures that enqueue work of their own.
module cohort_devices
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_boxes, only: callback_box, keep
  use cohort_support, only: finish, too_small, c_text
  implicit none
  private
  public :: cohort_task_kernel, cohort_task_device_callback, cohort_view_device, cohort_device_body

  abstract interface
    !> The body of a task on a device: finds its data with cohort_view_device, enqueues its work on device%stream and returns
    !> without waiting. RECURSIVE, without SAVEd state, and loaded until cohort_finalize, as every body.
    recursive subroutine cohort_device_body(task, device)
      import :: cohort_context, cohort_device
      implicit none
      type(cohort_context), intent(in) :: task
      type(cohort_device), intent(in) :: device
    end subroutine
  end interface

  type, extends(callback_box) :: device_box
    procedure(cohort_device_body), pointer, nopass :: body => null()
  end type

contains

  recursive function run_device_body(task, device, user) bind(C) result(status)
    type(cohort_context), value :: task
    type(cohort_device), intent(in) :: device
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(device_box), pointer :: box
    call c_f_pointer(user, box)
    call box%body(task, device)
    status = COHORT_OK
  end function

  !> A kernel for devices, compiled when the task first runs on one: CUDA C, OpenCL C or PTX in `source`, or in the file `file`. Its
  !> arguments: for each requirement a pointer and a cohort_extent (cohort_kernel.h), then the launch's arguments by value; a work
  !> item for each point of requirement `grid_requirement`, from 1.
  subroutine cohort_task_kernel(task, name, source, file, options, block, grid_requirement, api, ierr)
    type(cohort_task), intent(in) :: task
    character(len=*), intent(in) :: name
    character(len=*), intent(in), optional :: source, file, options
    integer, intent(in), optional :: block(:), grid_requirement
    integer(c_int32_t), intent(in), optional :: api
    integer, intent(out), optional :: ierr
    type(cohort_kernel_c) :: kernel
    character(kind=c_char), allocatable, target :: name_text(:), source_text(:), file_text(:), options_text(:)
    integer :: over
    over = 1
    if (present(grid_requirement)) over = grid_requirement
    if (too_small('cohort_task_kernel', 'grid_requirement', over, 1, ierr)) return
    kernel%size = c_sizeof(kernel)
    kernel%grid_requirement = int(over - 1, c_int32_t)
    if (present(api)) kernel%api = api
    if (present(block)) kernel%block(:min(3, size(block))) = int(block(:min(3, size(block))), c_int32_t)
    name_text = c_text(name)
    kernel%name = c_loc(name_text)
    if (present(source)) then
      source_text = c_text(source)
      kernel%source = c_loc(source_text)
    end if
    if (present(file)) then
      file_text = c_text(file)
      kernel%file = c_loc(file_text)
    end if
    if (present(options)) then
      options_text = c_text(options)
      kernel%options = c_loc(options_text)
    end if
    call finish(cohort_c_task_kernel(task, kernel), ierr)
  end subroutine

  !> A procedure for devices of one kind, COHORT_DEVICE_CUDA or COHORT_DEVICE_OPENCL.
  subroutine cohort_task_device_callback(task, api, body, ierr)
    type(cohort_task), intent(in) :: task
    integer(c_int32_t), intent(in) :: api
    procedure(cohort_device_body) :: body
    integer, intent(out), optional :: ierr
    type(device_box), pointer :: box
    allocate (box)
    box%body => body
    call keep(box)
    call finish(cohort_c_task_device_callback(task, api, c_funloc(run_device_body), c_loc(box)), ierr)
  end subroutine

  !> Where on the device one field of requirement `requirement`, from 1, lies. Inside a task's procedure for devices.
  subroutine cohort_view_device(task, requirement, field, privilege, view, ierr)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: requirement
    integer(c_int32_t), intent(in) :: field, privilege
    type(cohort_device_view), intent(out) :: view
    integer, intent(out), optional :: ierr
    if (too_small('cohort_view_device', 'requirement', requirement, 1, ierr)) return
    call finish(cohort_c_view_device(task, int(requirement - 1, c_int32_t), field, privilege, view), ierr)
  end subroutine
end module cohort_devices
