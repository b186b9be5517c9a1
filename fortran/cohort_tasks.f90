!> Tasks: registration, and what a body may ask of its own launch.
module cohort_tasks
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_boxes, only: callback_box, keep
  use cohort_support, only: finish, too_small, c_text
  implicit none
  private
  public :: cohort_task_body, cohort_task_register, cohort_task_variant
  public :: cohort_task_args, cohort_task_point, cohort_task_fail, cohort_task_region

  abstract interface
    !> The body of a task. `task` is its context: views, arguments, launches of its own. Bodies run concurrently on other
    !> threads: declare them RECURSIVE and keep no SAVEd state. A body must stay loaded until cohort_finalize: a module or
    !> external procedure, not an internal one of a procedure that returns.
    recursive subroutine cohort_task_body(task)
      import :: cohort_context
      implicit none
      type(cohort_context), intent(in) :: task
    end subroutine
  end interface

  !> The C side's user pointer: which procedure a variant runs. Freed by cohort_finalize.
  type, extends(callback_box) :: body_box
    procedure(cohort_task_body), pointer, nopass :: body => null()
  end type

contains

  recursive function run_body(task, user) bind(C) result(status)
    type(cohort_context), value :: task
    type(c_ptr), value :: user
    integer(c_int32_t) :: status
    type(body_box), pointer :: box
    call c_f_pointer(user, box)
    call box%body(task)
    status = COHORT_OK
  end function

  function boxed(body) result(user)
    procedure(cohort_task_body) :: body
    type(c_ptr) :: user
    type(body_box), pointer :: box
    allocate (box)
    box%body => body
    call keep(box)
    user = c_loc(box)
  end function

  !> A leaf launches nothing and waits for nothing, so that a waiting thread may run it on its own stack. With
  !> `mpi_thread` it runs on the thread that called init only: a body that is not thread-safe, or calls MPI.
  subroutine cohort_task_register(rt, name, task, body, leaf, mpi_thread, ierr)
    type(cohort_runtime), intent(in) :: rt
    character(len=*), intent(in) :: name
    type(cohort_task), intent(out) :: task
    procedure(cohort_task_body) :: body
    logical, intent(in), optional :: leaf, mpi_thread
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: flags
    flags = 0
    if (present(leaf)) flags = merge(COHORT_TASK_LEAF, 0, leaf)
    if (present(mpi_thread)) flags = flags + merge(COHORT_TASK_MPI_THREAD, 0, mpi_thread)
    call finish(cohort_c_task_register(rt, c_text(name), c_funloc(run_body), boxed(body), flags, task), ierr)
  end subroutine

  !> Another body of the same task, for another kind of processor (COHORT_PROC_MPI: the thread that called init).
  subroutine cohort_task_variant(task, processor, body, ierr)
    type(cohort_task), intent(in) :: task
    integer(c_int32_t), intent(in) :: processor
    procedure(cohort_task_body) :: body
    integer, intent(out), optional :: ierr
    call finish(cohort_c_task_variant(task, processor, c_funloc(run_body), boxed(body)), ierr)
  end subroutine

  !> Copies the launch's arguments to `value`, a variable of the type and size that were passed.
  subroutine cohort_task_args(task, value, ierr)
    type(cohort_context), intent(in) :: task
    type(*), dimension(..), intent(inout), contiguous, target :: value
    integer, intent(out), optional :: ierr
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    call cohort_c_span(value, address, bytes)
    call finish(cohort_c_task_args_get(task, address, bytes), ierr)
  end subroutine

  !> Point of an index launch, or member of a must epoch.
  subroutine cohort_task_point(task, point, ierr)
    type(cohort_context), intent(in) :: task
    integer(c_int32_t), intent(out) :: point
    integer, intent(out), optional :: ierr
    call finish(cohort_c_task_point(task, point), ierr)
  end subroutine

  !> Sub-region that requirement number `requirement` (from 1) of this task names.
  subroutine cohort_task_region(task, requirement, region, ierr)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: requirement
    type(cohort_region), intent(out) :: region
    integer, intent(out), optional :: ierr
    if (too_small('cohort_task_region', 'requirement', requirement, 1, ierr)) return
    call finish(cohort_c_task_region(task, int(requirement - 1, c_int32_t), region), ierr)
  end subroutine

  !> Marks the running task as failed; what depends on it will not run, and the host's next wait returns `text`.
  subroutine cohort_task_fail(task, text, ierr)
    type(cohort_context), intent(in) :: task
    character(len=*), intent(in) :: text
    integer, intent(out), optional :: ierr
    call finish(cohort_c_task_fail(task, c_text(text)), ierr)
  end subroutine
end module cohort_tasks
