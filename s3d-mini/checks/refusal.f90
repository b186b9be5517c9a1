!> How a program without MPI refuses its input.
module refusal
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  private
  public :: fail

contains

  !> Ends the program with status 1 after its name and `text`.
  subroutine fail(text)
    character(*), intent(in) :: text
    character(512) :: program
    call get_command_argument(0, program)
    write (error_unit, '(3a)') trim(program(index(program, '/', back=.true.) + 1:)), ': ', trim(text)
    flush (error_unit)
    stop 1, quiet=.true.
  end subroutine
end module
