!> What the C side's user pointers point to: a procedure or an object of the program, each in a box that lives until cohort_finalize.
module cohort_boxes
  implicit none
  private
  public :: callback_box, keep, release_boxes

  !> Extended by what is in the box.
  type :: callback_box
    class(callback_box), pointer :: next => null()
  end type

  class(callback_box), pointer :: kept => null()

contains

  subroutine keep(box)
    class(callback_box), intent(inout), target :: box
    box%next => kept
    kept => box
  end subroutine

  subroutine release_boxes()
    class(callback_box), pointer :: box
    do while (associated(kept))
      box => kept
      kept => box%next
      deallocate (box)
    end do
  end subroutine
end module cohort_boxes
