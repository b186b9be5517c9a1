!> Tables of point states: a CSV file whose header names its columns.
module state_table
  use mechanism_text, only: number_of
  implicit none
  private
  public :: table_t, table_read, table_column

  type :: table_t
    character(:), allocatable :: path
    character(32), allocatable :: name(:)
    real(8), allocatable :: value(:, :)  !< (row, column)
  end type

contains

  !> `error` stays empty when all went well.
  subroutine table_read(path, table, error)
    character(*), intent(in) :: path
    type(table_t), intent(out) :: table
    character(*), intent(out) :: error
    character(:), allocatable :: line
    real(8), allocatable :: rows(:, :), grown(:, :)
    integer :: unit, io, count, c
    character(12) :: number
    logical :: good
    error = ''
    table%path = path
    allocate (table%name(0))
    open (newunit=unit, file=path, status='old', action='read', iostat=io)
    if (io /= 0) error = path//': cannot be opened'
    if (error == '') then
      if (.not. read_line(unit, line)) error = path//':1: a header with the names of the columns is missing'
    end if
    if (error /= '') return
    do while (len(line) > 0)
      c = index(line//',', ',')
      table%name = [character(32) :: table%name, adjustl(line(:c - 1))]
      line = line(min(c + 1, len(line) + 1):)
    end do
    allocate (rows(size(table%name), 64))
    count = 0
    do while (read_line(unit, line))
      if (line == '') cycle
      if (count == size(rows, 2)) then
        allocate (grown(size(rows, 1), 2*count))
        grown(:, :count) = rows
        call move_alloc(grown, rows)
      end if
      count = count + 1
      call read_row(line, rows(:, count), good)
      if (.not. good) then
        write (number, '(i0)') count + 1
        error = path//':'//trim(number)//': expected a number in each of the header''s columns'
        return
      end if
    end do
    close (unit)
    if (count == 0) error = path//': no states below the header'
    table%value = transpose(rows(:, :count))
  end subroutine

  subroutine read_row(line, row, good)
    character(*), intent(in) :: line
    real(8), intent(out) :: row(:)
    logical, intent(out) :: good
    integer :: first, length, c
    first = 1
    length = 0
    good = .true.
    do c = 1, size(row)
      length = index(line(first:)//',', ',') - 1
      if (good) call number_of(trim(adjustl(line(first:first + length - 1))), row(c), good)
      first = min(first + length + 1, len(line) + 1)
    end do
    good = good .and. first == len(line) + 1
  end subroutine

  !> Zero when there is none of this name.
  pure integer function table_column(table, name)
    type(table_t), intent(in) :: table
    character(*), intent(in) :: name
    table_column = findloc(table%name == name, .true., 1)
  end function

  !> A whole line, however long.
  logical function read_line(unit, line)
    integer, intent(in) :: unit
    character(:), allocatable, intent(out) :: line
    character(4096) :: part
    integer :: io, length
    line = ''
    do
      read (unit, '(a)', advance='no', iostat=io, size=length) part
      if (io > 0) exit
      line = line//part(:length)
      if (io /= 0) exit
    end do
    read_line = is_iostat_eor(io) .or. len(line) > 0
  end function
end module
