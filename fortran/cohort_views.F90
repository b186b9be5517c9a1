!> Views: the data of a declared field as an ordinary array pointer with the region's own (global) bounds.
module cohort_views
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c, only: cohort_c_view, cohort_c_view_error
  use cohort_support, only: finish
  implicit none
  private
  public :: cohort_view, cohort_view_raw

  !> call cohort_view(task, requirement, field, privilege, array): `requirement` counts from 1 in the order of the launch.
  !> `array` is a pointer of rank 1 to 3 to real(4), real(8), integer(4) or integer(8). Asking for a field or a right that the
  !> launch did not declare is an error, and so is a type or rank that the field does not have.
  interface cohort_view
    procedure view_real64_1, view_real64_2, view_real64_3, view_real32_1, view_real32_2, view_real32_3
    procedure view_int64_1, view_int64_2, view_int64_3, view_int32_1, view_int32_2, view_int32_3
  end interface

contains

  !> Base address, bounds and byte strides, for kernels that take whole padded arrays.
  subroutine cohort_view_raw(task, requirement, field, privilege, layout, ierr)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: requirement
    integer(c_int32_t), intent(in) :: field, privilege
    type(cohort_view_layout), intent(out) :: layout
    integer, intent(out), optional :: ierr
    call finish(cohort_c_view(task, int(requirement - 1, c_int32_t), field, privilege, layout), ierr)
  end subroutine

  !> Asks for the layout and expresses its strides as the shape of an array of elements whose first dimension is the
  !> distance of neighbouring points (1 unless fields are interleaved): shape(1) = stride1/bytes, shape(2) = stride2/stride1 ..
  function view_layout(task, requirement, field, privilege, rank, bytes, layout, extent, shape) result(status)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: requirement, rank, bytes
    integer(c_int32_t), intent(in) :: field, privilege
    type(cohort_view_layout), intent(out) :: layout
    integer(c_int64_t), intent(out) :: extent(3), shape(4)
    integer(c_int32_t) :: status
    integer(c_int64_t) :: smaller
    integer :: d
    extent = 1; shape = 1
    status = cohort_c_view(task, int(requirement - 1, c_int32_t), field, privilege, layout)
    if (status /= COHORT_OK) return
    if (layout%dim /= rank) then
      status = cohort_c_view_error(task, int(requirement - 1, c_int32_t), field, int(rank, c_int32_t), int(bytes, c_size_t))
      return
    end if
    extent(:rank) = layout%hi(:rank) - layout%lo(:rank) + 1
    smaller = bytes
    do d = 1, rank
      if (layout%stride(d) < smaller .or. mod(layout%stride(d), smaller) /= 0) then
        status = cohort_c_view_error(task, int(requirement - 1, c_int32_t), field, int(rank, c_int32_t), int(bytes, c_size_t))
        return
      end if
      shape(d) = layout%stride(d)/smaller
      smaller = layout%stride(d)
    end do
    shape(rank + 1) = extent(rank)
  end function

#define VIEW_RANK 1
#define VIEW_COLONS :
#define VIEW_TARGET array(layout%lo(1):) => storage(1, :extent(1))
#define VIEW_TYPE real(c_double)
#define VIEW_BYTES 8
#define VIEW_NAME view_real64_1
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE real(c_float)
#define VIEW_BYTES 4
#define VIEW_NAME view_real32_1
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE integer(c_int64_t)
#define VIEW_BYTES 8
#define VIEW_NAME view_int64_1
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE integer(c_int32_t)
#define VIEW_BYTES 4
#define VIEW_NAME view_int32_1
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#undef VIEW_RANK
#undef VIEW_COLONS
#undef VIEW_TARGET
#define VIEW_RANK 2
#define VIEW_COLONS :, :
#define VIEW_TARGET array(layout%lo(1):, layout%lo(2):) => storage(1, :extent(1), :extent(2))
#define VIEW_TYPE real(c_double)
#define VIEW_BYTES 8
#define VIEW_NAME view_real64_2
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE real(c_float)
#define VIEW_BYTES 4
#define VIEW_NAME view_real32_2
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE integer(c_int64_t)
#define VIEW_BYTES 8
#define VIEW_NAME view_int64_2
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE integer(c_int32_t)
#define VIEW_BYTES 4
#define VIEW_NAME view_int32_2
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#undef VIEW_RANK
#undef VIEW_COLONS
#undef VIEW_TARGET
#define VIEW_RANK 3
#define VIEW_COLONS :, :, :
#define VIEW_TARGET array(layout%lo(1):, layout%lo(2):, layout%lo(3):) => storage(1, :extent(1), :extent(2), :extent(3))
#define VIEW_TYPE real(c_double)
#define VIEW_BYTES 8
#define VIEW_NAME view_real64_3
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE real(c_float)
#define VIEW_BYTES 4
#define VIEW_NAME view_real32_3
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE integer(c_int64_t)
#define VIEW_BYTES 8
#define VIEW_NAME view_int64_3
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#define VIEW_TYPE integer(c_int32_t)
#define VIEW_BYTES 4
#define VIEW_NAME view_int32_3
#include "cohort_view.inc"
#undef VIEW_TYPE
#undef VIEW_BYTES
#undef VIEW_NAME
#undef VIEW_RANK
#undef VIEW_COLONS
#undef VIEW_TARGET
end module cohort_views
