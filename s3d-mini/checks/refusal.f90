!> How a program without MPI refuses its input.
module refusal
  use complaint, only: complain
  implicit none
  private
  public :: fail

contains

  subroutine fail(text)
    character(*), intent(in) :: text
    call complain(text)
    stop 1, quiet=.true.
  end subroutine
end module
