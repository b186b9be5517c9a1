!> One line to the error output that begins with the program's name.
module complaint
  use, intrinsic :: iso_fortran_env, only: error_unit
  implicit none
  private
  public :: complain

contains

  subroutine complain(text)
    character(*), intent(in) :: text
    character(512) :: program
    call get_command_argument(0, program)
    write (error_unit, '(3a)') trim(program(index(program, '/', back=.true.) + 1:)), ': ', trim(text)
    flush (error_unit)
  end subroutine
end module
