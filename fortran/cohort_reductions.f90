!> Reductions of the program's own.
module cohort_reductions
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_boxes, only: callback_box, keep
  use cohort_support, only: finish, c_text
  implicit none
  private
  public :: cohort_fold, cohort_reduction_register

  abstract interface
    !> into(i) = into(i) op from(i), for `count` elements that lie side by side. Give them their type first, by
    !> c_f_pointer(into, a, [count]). Runs on any thread, several at a time: RECURSIVE, and no SAVEd state.
    recursive subroutine cohort_fold(into, from, count)
      import :: c_ptr, c_size_t
      implicit none
      type(c_ptr), intent(in) :: into, from
      integer(c_size_t), intent(in) :: count
    end subroutine
  end interface

  !> The C side's user pointer: which procedure folds. Freed by cohort_finalize.
  type, extends(callback_box) :: fold_box
    procedure(cohort_fold), pointer, nopass :: fold => null()
  end type

contains

  recursive subroutine run_fold(into, from, count, user) bind(C)
    type(c_ptr), value :: into, from, user
    integer(c_size_t), value :: count
    type(fold_box), pointer :: box
    call c_f_pointer(user, box)
    call box%fold(into, from, count)
  end subroutine

  !> Registers a way to combine elements of the size of `identity`, the element that changes nothing. `reduction` then serves
  !> wherever COHORT_SUM does, with no type: in requirements on fields of such elements, for the results of index launches, and, up
  !> to 16 bytes, in collectives, which know it by its name: the same on all ranks. `fold` has to be associative and commutative.
  !> Any thread.
  subroutine cohort_reduction_register(rt, name, identity, fold, reduction, ierr)
    type(cohort_runtime), intent(in) :: rt
    character(len=*), intent(in) :: name
    type(*), dimension(..), intent(in), contiguous, target :: identity
    procedure(cohort_fold) :: fold
    integer(c_int32_t), intent(out) :: reduction
    integer, intent(out), optional :: ierr
    type(fold_box), pointer :: box
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    call cohort_c_span(identity, address, bytes)
    allocate (box)
    box%fold => fold
    call keep(box)
    reduction = COHORT_REDUCTION_NONE
    call finish(cohort_c_reduction_register(rt, c_text(name), bytes, address, c_funloc(run_fold), c_loc(box), reduction), ierr)
  end subroutine
end module cohort_reductions
