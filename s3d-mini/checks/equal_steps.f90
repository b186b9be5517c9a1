!> So many steps of one length, without a filter.
module equal_steps
  use rhs_method, only: course_t
  implicit none
  private
  public :: equal_steps_t

  type, extends(course_t) :: equal_steps_t
    real(8) :: dt = 0
    integer :: left = 0
  contains
    procedure :: depends_on_rates, longest, next
  end type

contains

  logical function depends_on_rates(this)
    class(equal_steps_t), intent(in) :: this
    depends_on_rates = .false.
  end function

  real(8) function longest(this, rates)
    class(equal_steps_t), intent(in) :: this
    real(8), intent(in) :: rates(3)
    longest = this%dt
  end function

  subroutine next(this, longest, dt, filtered, last)
    class(equal_steps_t), intent(inout) :: this
    real(8), intent(in) :: longest
    real(8), intent(out) :: dt
    logical, intent(out) :: filtered, last
    dt = this%dt
    filtered = .false.
    this%left = this%left - 1
    last = this%left <= 0
  end subroutine
end module
