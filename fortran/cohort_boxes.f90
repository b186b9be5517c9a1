!> What the C side's user pointers point to: a procedure or an object of the program, each in a box that lives until the runtime has
!> ended. The library keeps the list, so that registrations on several threads may add to it.
module cohort_boxes
  use, intrinsic :: iso_c_binding
  use cohort_c, only: cohort_c_release_at_end
  use cohort_support, only: finish
  implicit none
  private
  public :: callback_box, keep

  !> Extended by what is in the box.
  type :: callback_box
  end type

  !> C pointers do not know what a box is extended by.
  type :: holder
    class(callback_box), pointer :: box => null()
  end type

contains

  subroutine keep(box)
    class(callback_box), intent(in), target :: box
    type(holder), pointer :: held
    allocate (held)
    held%box => box
    call finish(cohort_c_release_at_end(c_loc(held), c_funloc(release)))
  end subroutine

  subroutine release(user) bind(C)
    type(c_ptr), value :: user
    type(holder), pointer :: held
    call c_f_pointer(user, held)
    deallocate (held%box)
    deallocate (held)
  end subroutine
end module cohort_boxes
