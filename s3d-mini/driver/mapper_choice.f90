!> Which mapper places and orders the tasks of a right-hand side: those of mappers/, which are C, by name.
module mapper_choice
  use, intrinsic :: iso_c_binding, only: c_char, c_int32_t, c_int64_t, c_null_char
  use cohort, only: cohort_runtime, cohort_mapper_handle, cohort_mapper_refusals
  use failure, only: end_unless
  use rhs_method, only: mapping_t
  implicit none
  private
  public :: mapper_select, mapper_forget, mapper_has_devices

  type(cohort_mapper_handle), save :: handle

  interface
    function s3d_mapper_select(rt, name, seed, may_inline, handle) bind(C) result(status)
      import :: cohort_runtime, cohort_mapper_handle, c_char, c_int32_t, c_int64_t
      type(cohort_runtime), value :: rt
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), value :: seed
      integer(c_int32_t), value :: may_inline
      type(cohort_mapper_handle), intent(out) :: handle
      integer(c_int32_t) :: status
    end function

    integer(c_int32_t) function s3d_mapper_has_devices(name) bind(C)
      import :: c_char, c_int32_t
      character(kind=c_char), intent(in) :: name(*)
    end function
  end interface

contains

  !> Collective. After the tasks are registered.
  subroutine mapper_select(rt, mapping, may_inline)
    type(cohort_runtime), intent(in) :: rt
    type(mapping_t), intent(in) :: mapping
    logical, intent(in) :: may_inline
    integer(c_int32_t) :: status
    status = s3d_mapper_select(rt, trim(mapping%mapper)//c_null_char, int(mapping%seed, c_int64_t), &
                               merge(1_c_int32_t, 0_c_int32_t, may_inline), handle)
    call end_unless(status == 0, 'mapper = "'//trim(mapping%mapper)//'" cannot be used: Cohort has said why')
    call end_unless(handle%id /= 0 .or. mapping%mapper == 'default', 'mapper = "'//trim(mapping%mapper)//'" is not in this build')
  end subroutine

  !> Whether tasks may go to devices.
  logical function mapper_has_devices(mapping)
    type(mapping_t), intent(in) :: mapping
    mapper_has_devices = s3d_mapper_has_devices(trim(mapping%mapper)//c_null_char) /= 0
  end function

  !> Before the runtime ends: what was refused of the mapper's choices is told to `mapping`.
  subroutine mapper_forget(mapping)
    type(mapping_t), intent(inout) :: mapping
    mapping%refusals = 0
    if (handle%id /= 0) call cohort_mapper_refusals(handle, mapping%refusals)
    handle = cohort_mapper_handle()
  end subroutine
end module
