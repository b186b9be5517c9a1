!> Projections: the program's own ways from the points of an index launch to sub-regions.
module cohort_projections
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_boxes, only: callback_box, keep
  use cohort_support, only: finish, c_text
  implicit none
  private
  public :: cohort_projection_function, cohort_projection_register

  abstract interface
    !> The colour, from 0, of the sub-region that point `point` (from 0) of `points` gets. Called when the launch is made, for each
    !> point once; the same arguments give the same colour.
    function cohort_projection_function(point, points) result(colour)
      import :: c_int32_t
      implicit none
      integer(c_int32_t), intent(in) :: point, points
      integer(c_int32_t) :: colour
    end function
  end interface

  !> The C side's user pointer. Freed by cohort_finalize.
  type, extends(callback_box) :: projection_box
    procedure(cohort_projection_function), pointer, nopass :: function => null()
  end type

contains

  recursive function run_projection(point, points, user) bind(C) result(colour)
    integer(c_int32_t), value :: point, points
    type(c_ptr), value :: user
    integer(c_int64_t) :: colour
    type(projection_box), pointer :: box
    call c_f_pointer(user, box)
    colour = box%function(point, points)
  end function

  !> `projection` is for cohort_needs(partition, .., projection=projection) and lasts until cohort_finalize. The name appears in
  !> messages.
  subroutine cohort_projection_register(rt, name, function, projection, ierr)
    type(cohort_runtime), intent(in) :: rt
    character(len=*), intent(in) :: name
    procedure(cohort_projection_function) :: function
    integer(c_int32_t), intent(out) :: projection
    integer, intent(out), optional :: ierr
    type(projection_box), pointer :: box
    projection = COHORT_PROJECTION_IDENTITY
    allocate (box)
    box%function => function
    call keep(box)
    call finish(cohort_c_projection_register(rt, c_text(name), c_funloc(run_projection), c_loc(box), projection), ierr)
  end subroutine
end module cohort_projections
