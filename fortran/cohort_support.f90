!> What every wrapper needs: the error rule (optional `ierr`, else print and stop) and C strings.
module cohort_support
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_char, c_null_char, c_ptr, c_f_pointer, c_associated, c_size_t
  use, intrinsic :: iso_fortran_env, only: error_unit
  use cohort_types, only: COHORT_OK
  use cohort_c, only: cohort_c_last_error, cohort_c_status_name, cohort_c_set_on_error, cohort_c_argument_error
  implicit none
  private
  public :: finish, refuse, too_small, differ, c_text, fortran_text, text_length
  public :: cohort_error_message, cohort_status_name, cohort_set_on_error

  interface
    pure function c_strlen(text) bind(C, name="strlen") result(length)
      import :: c_ptr, c_size_t
      implicit none
      type(c_ptr), value :: text
      integer(c_size_t) :: length
    end function
  end interface

contains

  !> Hands the status to a caller who asked for it; for one who did not, an error prints its text and stops the program.
  subroutine finish(status, ierr)
    integer(c_int32_t), intent(in) :: status
    integer, intent(out), optional :: ierr
    if (present(ierr)) then
      ierr = status
    else if (status /= COHORT_OK) then
      write (error_unit, '(a)') cohort_error_message()
      error stop 1
    end if
  end subroutine

  !> Refuses a call for what only Fortran can get wrong: sizes of arrays, and signs where C has none.
  subroutine refuse(procedure, text, ierr)
    character(len=*), intent(in) :: procedure, text
    integer, intent(out), optional :: ierr
    call finish(cohort_c_argument_error(c_text(procedure), c_text(text)), ierr)
  end subroutine

  !> Whether a number is less than it may be; the call is then refused.
  function too_small(procedure, name, value, least, ierr) result(refused)
    character(len=*), intent(in) :: procedure, name
    integer, intent(in) :: value, least
    integer, intent(out), optional :: ierr
    logical :: refused
    refused = value < least
    if (refused) call refuse(procedure, name//' is '//trim(decimal(value))//'; give a number from '// &
                             trim(decimal(least))//' on', ierr)
  end function

  !> Whether two sizes that have to be equal are not; the call is then refused.
  function differ(procedure, what, has, other, wants, ierr) result(refused)
    character(len=*), intent(in) :: procedure, what, other
    integer, intent(in) :: has, wants
    integer, intent(out), optional :: ierr
    logical :: refused
    refused = has /= wants
    if (refused) call refuse(procedure, what//' has '//trim(decimal(has))//' elements where '//other//' has '// &
                             trim(decimal(wants))//'; give as many', ierr)
  end function

  pure function decimal(number) result(digits)
    integer, intent(in) :: number
    character(len=12) :: digits
    write (digits, '(i0)') number
  end function

  !> Text of the last error on this thread: function, value, rule and fix.
  function cohort_error_message() result(message)
    character(len=text_length(cohort_c_last_error())) :: message
    message = fortran_text(cohort_c_last_error())
  end function

  !> The name of a status, such as COHORT_ERROR_BOUNDS.
  function cohort_status_name(status) result(name)
    integer, intent(in) :: status
    character(len=text_length(cohort_c_status_name(int(status, c_int32_t)))) :: name
    name = fortran_text(cohort_c_status_name(int(status, c_int32_t)))
  end function

  !> What an error does besides being returned: 0 nothing, 1 prints to stderr, 2 prints and aborts.
  subroutine cohort_set_on_error(policy, ierr)
    integer, intent(in) :: policy
    integer, intent(out), optional :: ierr
    call finish(cohort_c_set_on_error(int(policy, c_int32_t)), ierr)
  end subroutine

  !> Results that are texts have lengths that the caller can work out: where a function decides its result's length, gfortran keeps
  !> the length in a static variable of the caller, which threads that call at the same time overwrite.
  pure integer function text_length(address)
    type(c_ptr), intent(in) :: address
    text_length = 0
    if (c_associated(address)) text_length = int(c_strlen(address))
  end function

  function fortran_text(address) result(message)
    type(c_ptr), intent(in) :: address
    character(len=text_length(address)) :: message
    character(kind=c_char), pointer :: text(:)
    integer :: i
    if (len(message) == 0) return
    call c_f_pointer(address, text, [len(message)])
    do i = 1, len(message)
      message(i:i) = text(i)
    end do
  end function

  pure function c_text(text) result(copy)
    character(len=*), intent(in) :: text
    character(kind=c_char) :: copy(len_trim(text) + 1)
    integer :: i
    do i = 1, len_trim(text)
      copy(i) = text(i:i)
    end do
    copy(len_trim(text) + 1) = c_null_char
  end function
end module cohort_support
