!> Layouts: asked for a region's own storage, and by tasks for their requirements; and what that copied.
module cohort_layouts
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish, too_small
  implicit none
  private
  public :: cohort_region_layout, cohort_region_zero_copy, cohort_task_layout, cohort_task_copied, cohort_task_copied_total

contains

  !> The region's own storage for `fields`, in this order, is laid out like this when one of them is first used.
  subroutine cohort_region_layout(region, fields, layout, ierr)
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in) :: fields(:)
    type(cohort_layout), intent(in) :: layout
    integer, intent(out), optional :: ierr
    call finish(cohort_c_region_layout(region, size(fields, kind=c_int32_t), fields, sized(layout)), ierr)
  end subroutine

  !> The region's own storage for `fields`, once one of them is first used, lies in memory of the host that devices use in place,
  !> together: tasks on such a device then have no copy of them, unless a mapper says so. Refused where no device does that.
  subroutine cohort_region_zero_copy(region, fields, ierr)
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in) :: fields(:)
    integer, intent(out), optional :: ierr
    call finish(cohort_c_region_zero_copy(region, size(fields, kind=c_int32_t), fields), ierr)
  end subroutine

  !> When the task runs on this kind of processor (COHORT_PROC_ANY: on any), requirement `requirement` of its launch, from 1, lies
  !> like this, its fields in ascending order. Where the data lies otherwise the task works on a copy, made before it and written
  !> back after.
  subroutine cohort_task_layout(task, processor, requirement, layout, ierr)
    type(cohort_task), intent(in) :: task
    integer(c_int32_t), intent(in) :: processor
    integer, intent(in) :: requirement
    type(cohort_layout), intent(in) :: layout
    integer, intent(out), optional :: ierr
    if (too_small('cohort_task_layout', 'requirement', requirement, 1, ierr)) return
    call finish(cohort_c_task_layout(task, processor, int(requirement - 1, c_int32_t), sized(layout)), ierr)
  end subroutine

  !> What was copied for a requirement of the running task, from 1, and why.
  subroutine cohort_task_copied(task, requirement, copied, ierr)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: requirement
    type(cohort_copied), intent(out) :: copied
    integer, intent(out), optional :: ierr
    type(cohort_copied_c) :: found
    integer(c_int32_t) :: status
    if (too_small('cohort_task_copied', 'requirement', requirement, 1, ierr)) return
    status = cohort_c_task_copied(task, int(requirement - 1, c_int32_t), found)
    if (status == COHORT_OK) copied = readable(found)
    call finish(status, ierr)
  end subroutine

  !> What was copied for all executions of a task so far.
  subroutine cohort_task_copied_total(task, copied, ierr)
    type(cohort_task), intent(in) :: task
    type(cohort_copied), intent(out) :: copied
    integer, intent(out), optional :: ierr
    type(cohort_copied_c) :: found
    integer(c_int32_t) :: status
    status = cohort_c_task_copied_total(task, found)
    if (status == COHORT_OK) copied = readable(found)
    call finish(status, ierr)
  end subroutine

  function sized(layout) result(whole)
    type(cohort_layout), intent(in) :: layout
    type(cohort_layout) :: whole
    whole = layout
    whole%size = c_sizeof(whole)
  end function

  pure function readable(found) result(copied)
    type(cohort_copied_c), intent(in) :: found
    type(cohort_copied) :: copied
    integer :: i, length
    copied%copies = found%copies
    copied%bytes_in = found%bytes_in
    copied%bytes_out = found%bytes_out
    length = 0
    do i = 1, size(found%why)
      if (found%why(i) == c_null_char) exit
      length = i
    end do
    allocate (character(len=length) :: copied%why)
    do i = 1, length
      copied%why(i:i) = found%why(i)
    end do
  end function
end module cohort_layouts
