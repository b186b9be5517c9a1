!> Inline mappings: the program, or the body of a task, reads and writes a region's data between two of its launches.
module cohort_inline
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish
  use cohort_launches, only: c_requirement
  implicit none
  private
  public :: cohort_inline_map, cohort_inline_unmap, cohort_inline_view_raw

contains

  !> Waits for the operations of `ctx` that conflict with `needs`, made by cohort_needs, then hands its data to the caller until
  !> cohort_inline_unmap; meanwhile operations of `ctx` that conflict are refused.
  subroutine cohort_inline_map(ctx, needs, mapping, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_requirement), intent(in), target :: needs
    type(cohort_mapping), intent(out) :: mapping
    integer, intent(out), optional :: ierr
    call finish(cohort_c_inline_map(ctx, c_requirement(needs), mapping), ierr)
  end subroutine

  !> Clears the handle. What was written shows to what is launched from here on; pointers into the data are used no more.
  subroutine cohort_inline_unmap(mapping, ierr)
    type(cohort_mapping), intent(inout) :: mapping
    integer, intent(out), optional :: ierr
    call finish(cohort_c_inline_unmap(mapping), ierr)
  end subroutine

  !> Base address, bounds and byte strides, as cohort_view_raw.
  subroutine cohort_inline_view_raw(mapping, field, privilege, layout, ierr)
    type(cohort_mapping), intent(in) :: mapping
    integer(c_int32_t), intent(in) :: field, privilege
    type(cohort_view_layout), intent(out) :: layout
    integer, intent(out), optional :: ierr
    call finish(cohort_c_inline_view(mapping, field, privilege, layout), ierr)
  end subroutine
end module cohort_inline
