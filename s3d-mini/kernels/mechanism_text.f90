!> Reading CHEMKIN text: lines, words and numbers, with the file and line of what is refused.
module mechanism_text
  implicit none
  private
  public :: source_t, width, open_source, close_source, refuse, refuse_line, next_line, next_raw_line, next_word, &
            number_of, upper_case

  integer, parameter :: width = 1024
  character(26), parameter :: lower = 'abcdefghijklmnopqrstuvwxyz', upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

  type :: source_t
    character(512) :: path = ''
    integer :: unit = -1, line = 0
    character(1024) :: error = '' !< the first refusal; empty when all went well
  end type

contains

  subroutine open_source(path, from)
    character(*), intent(in) :: path
    type(source_t), intent(inout) :: from
    integer :: io
    character(256) :: message
    from%path = path
    from%line = 0
    open (newunit=from%unit, file=path, status='old', action='read', iostat=io, iomsg=message)
    if (io /= 0) from%error = path//': cannot be opened: '//trim(message)
  end subroutine

  subroutine close_source(from)
    type(source_t), intent(inout) :: from
    close (from%unit)
  end subroutine

  subroutine refuse(from, reason)
    type(source_t), intent(inout) :: from
    character(*), intent(in) :: reason
    call refuse_line(from, from%line, reason)
  end subroutine

  subroutine refuse_line(from, line, reason)
    type(source_t), intent(inout) :: from
    integer, intent(in) :: line
    character(*), intent(in) :: reason
    character(12) :: number
    write (number, '(i0)') line
    if (from%error == '') from%error = trim(from%path)//':'//trim(number)//': '//reason
  end subroutine

  !> The next line as it stands, blanks for tabs and carriage returns; false at the end of the file.
  logical function next_raw_line(from, text)
    type(source_t), intent(inout) :: from
    character(width), intent(out) :: text
    integer :: io, i
    text = ''
    read (from%unit, '(a)', advance='no', iostat=io) text
    next_raw_line = .not. is_iostat_end(io) .or. text /= ''
    if (.not. next_raw_line) return
    from%line = from%line + 1
    if (io == 0) call refuse(from, 'the line is longer than 1024 characters')
    do i = 1, len_trim(text)
      if (text(i:i) == achar(9) .or. text(i:i) == achar(13)) text(i:i) = ' '
    end do
  end function

  !> The next line that is not empty, without comment, in upper case; "&" at its end continues it on the next.
  logical function next_line(from, text)
    type(source_t), intent(inout) :: from
    character(width), intent(out) :: text
    character(width) :: part
    integer :: at
    text = ''
    do
      next_line = next_raw_line(from, part)
      if (.not. next_line) exit
      at = index(part, '!')
      if (at > 0) part(at:) = ''
      part = adjustl(upper_case(part))
      if (len_trim(text) + 1 + len_trim(part) > width) &
        call refuse(from, 'the continued line is longer than 1024 characters')
      if (from%error /= '') return
      text = adjustl(trim(text)//' '//part)
      at = len_trim(text)
      if (at == 0) cycle
      if (text(at:at) /= '&') return
      text(at:at) = ' '
    end do
    if (text /= '') call refuse(from, 'the file ends after a continuation "&"')
  end function

  pure function upper_case(text) result(changed)
    character(*), intent(in) :: text
    character(len(text)) :: changed
    integer :: i, at
    changed = text
    do i = 1, len_trim(text)
      at = index(lower, text(i:i))
      if (at > 0) changed(i:i) = upper(at:at)
    end do
  end function

  !> Cuts the first word off.
  subroutine next_word(text, word)
    character(*), intent(inout) :: text
    character(:), allocatable, intent(out) :: word
    integer :: at
    text = adjustl(text)
    at = index(text, ' ')
    if (at == 0) at = len(text) + 1
    word = text(:at - 1)
    if (at > len(text)) then
      text = ''
    else
      text = adjustl(text(at:))
    end if
  end subroutine

  !> A decimal number and nothing else: Fortran's own list-directed input would take "1*2", "5/" and "3,4".
  subroutine number_of(text, value, good)
    character(*), intent(in) :: text
    real(8), intent(out) :: value
    logical, intent(out) :: good
    integer :: at, digits, io
    value = 0
    at = 1
    digits = 0
    call skip('+-', 1)
    call skip('0123456789', len(text), digits)
    call skip('.', 1)
    call skip('0123456789', len(text), digits)
    good = digits > 0
    if (.not. good) return
    if (at <= len_trim(text)) then
      good = scan(text(at:at), 'EeDd') > 0
      at = at + 1
      digits = 0
      call skip('+-', 1)
      call skip('0123456789', len(text), digits)
      good = good .and. digits > 0 .and. at > len_trim(text)
    end if
    if (.not. good) return
    read (text, '(f64.0)', iostat=io) value
    good = io == 0 .and. abs(value) <= huge(value)

  contains

    subroutine skip(set, most, count)
      character(*), intent(in) :: set
      integer, intent(in) :: most
      integer, intent(inout), optional :: count
      integer :: n
      do n = 1, most
        if (at > len_trim(text)) return
        if (index(set, text(at:at)) == 0) return
        at = at + 1
        if (present(count)) count = count + 1
      end do
    end subroutine
  end subroutine
end module
