!> Views: the data of a declared field as an ordinary array pointer with the region's own (global) bounds.
module cohort_views
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c, only: cohort_c_view, cohort_c_view_array, cohort_c_inline_view_array
  use cohort_support, only: finish, too_small
  implicit none
  private
  public :: cohort_view, cohort_view_raw, cohort_inline_view

  !> call cohort_view(task, requirement, field, privilege, array): `requirement` counts from 1 in the order of the launch.
  !> `array` is a pointer of rank 1 to 3 to real(4), real(8), complex(4), complex(8), integer(4) or
  !> integer(8). Asking for a field or a right that the
  !> launch did not declare is an error, and so is a type or rank that the field does not have.
  interface cohort_view
    procedure view_real64_1, view_real64_2, view_real64_3, view_real32_1, view_real32_2, view_real32_3
    procedure view_complex64_1, view_complex64_2, view_complex64_3, view_complex32_1, view_complex32_2, view_complex32_3
    procedure view_int64_1, view_int64_2, view_int64_3, view_int32_1, view_int32_2, view_int32_3
  end interface

  !> call cohort_inline_view(mapping, field, privilege, array): the same for an inline mapping.
  interface cohort_inline_view
    procedure mapped_real64_1, mapped_real64_2, mapped_real64_3, mapped_real32_1, mapped_real32_2, mapped_real32_3
    procedure mapped_complex64_1, mapped_complex64_2, mapped_complex64_3, mapped_complex32_1, mapped_complex32_2, mapped_complex32_3
    procedure mapped_int64_1, mapped_int64_2, mapped_int64_3, mapped_int32_1, mapped_int32_2, mapped_int32_3
  end interface

contains

  !> Base address, bounds and byte strides, for kernels that take whole padded arrays.
  subroutine cohort_view_raw(task, requirement, field, privilege, layout, ierr)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: requirement
    integer(c_int32_t), intent(in) :: field, privilege
    type(cohort_view_layout), intent(out) :: layout
    integer, intent(out), optional :: ierr
    if (too_small('cohort_view_raw', 'requirement', requirement, 1, ierr)) return
    call finish(cohort_c_view(task, int(requirement - 1, c_int32_t), field, privilege, layout), ierr)
  end subroutine

  !> Expresses the strides of a layout as the shape of an array of elements whose first dimension is the distance of
  !> neighbouring points (1 unless fields are interleaved): shape(1) = stride1/bytes, shape(2) = stride2/stride1 ..
  pure subroutine view_shape(layout, rank, bytes, extent, shape)
    type(cohort_view_layout), intent(in) :: layout
    integer, intent(in) :: rank, bytes
    integer(c_int64_t), intent(out) :: extent(3), shape(4)
    integer(c_int64_t) :: smaller
    integer :: d
    extent = 1; shape = 1
    extent(:rank) = layout%hi(:rank) - layout%lo(:rank) + 1
    smaller = bytes
    do d = 1, rank
      shape(d) = layout%stride(d)/smaller
      smaller = layout%stride(d)
    end do
    shape(rank + 1) = extent(rank)
  end subroutine

#define VIEW_TYPE real(c_double)
#define VIEW_BYTES 8
#define VIEW_1 view_real64_1
#define VIEW_2 view_real64_2
#define VIEW_3 view_real64_3
#define MAPPED_1 mapped_real64_1
#define MAPPED_2 mapped_real64_2
#define MAPPED_3 mapped_real64_3
#define SHOW_1 show_real64_1
#define SHOW_2 show_real64_2
#define SHOW_3 show_real64_3
#include "cohort_view_ranks.inc"
#define VIEW_TYPE real(c_float)
#define VIEW_BYTES 4
#define VIEW_1 view_real32_1
#define VIEW_2 view_real32_2
#define VIEW_3 view_real32_3
#define MAPPED_1 mapped_real32_1
#define MAPPED_2 mapped_real32_2
#define MAPPED_3 mapped_real32_3
#define SHOW_1 show_real32_1
#define SHOW_2 show_real32_2
#define SHOW_3 show_real32_3
#include "cohort_view_ranks.inc"
#define VIEW_TYPE complex(c_double_complex)
#define VIEW_BYTES 16
#define VIEW_1 view_complex64_1
#define VIEW_2 view_complex64_2
#define VIEW_3 view_complex64_3
#define MAPPED_1 mapped_complex64_1
#define MAPPED_2 mapped_complex64_2
#define MAPPED_3 mapped_complex64_3
#define SHOW_1 show_complex64_1
#define SHOW_2 show_complex64_2
#define SHOW_3 show_complex64_3
#include "cohort_view_ranks.inc"
#define VIEW_TYPE complex(c_float_complex)
#define VIEW_BYTES 8
#define VIEW_1 view_complex32_1
#define VIEW_2 view_complex32_2
#define VIEW_3 view_complex32_3
#define MAPPED_1 mapped_complex32_1
#define MAPPED_2 mapped_complex32_2
#define MAPPED_3 mapped_complex32_3
#define SHOW_1 show_complex32_1
#define SHOW_2 show_complex32_2
#define SHOW_3 show_complex32_3
#include "cohort_view_ranks.inc"
#define VIEW_TYPE integer(c_int64_t)
#define VIEW_BYTES 8
#define VIEW_1 view_int64_1
#define VIEW_2 view_int64_2
#define VIEW_3 view_int64_3
#define MAPPED_1 mapped_int64_1
#define MAPPED_2 mapped_int64_2
#define MAPPED_3 mapped_int64_3
#define SHOW_1 show_int64_1
#define SHOW_2 show_int64_2
#define SHOW_3 show_int64_3
#include "cohort_view_ranks.inc"
#define VIEW_TYPE integer(c_int32_t)
#define VIEW_BYTES 4
#define VIEW_1 view_int32_1
#define VIEW_2 view_int32_2
#define VIEW_3 view_int32_3
#define MAPPED_1 mapped_int32_1
#define MAPPED_2 mapped_int32_2
#define MAPPED_3 mapped_int32_3
#define SHOW_1 show_int32_1
#define SHOW_2 show_int32_2
#define SHOW_3 show_int32_3
#include "cohort_view_ranks.inc"
end module cohort_views
