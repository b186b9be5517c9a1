!> Reads a mechanism folder: chem.inp and therm.dat in CHEMKIN format and transport data. What is malformed is refused with
!> file, line and reason.
module mechanism_reader
  use mechanism, only: mechanism_t
  use mechanism_chemistry, only: read_chemistry
  use mechanism_text, only: source_t
  use mechanism_thermo, only: read_thermodynamics, check_balance
  use mechanism_transport, only: read_fits, read_molecules
  implicit none
  private
  public :: mechanism_read

contains

  !> `error` stays empty when all went well. `transport` names the folder's file of transport data: fits, or molecules if it ends
  !> in ".dat"; empty: transport.fits, tran.dat or neither, what there is.
  subroutine mechanism_read(folder, m, error, transport)
    character(*), intent(in) :: folder
    type(mechanism_t), intent(out) :: m
    character(*), intent(out) :: error
    character(*), intent(in), optional :: transport
    type(source_t) :: chemistry, other
    character(:), allocatable :: name
    call read_chemistry(folder//'/chem.inp', m, chemistry)
    error = chemistry%error
    if (error == '') call read_thermodynamics(folder//'/therm.dat', m, other)
    if (error == '') error = other%error
    if (error == '') call check_balance(chemistry, m)
    if (error == '') error = chemistry%error
    if (error /= '') return
    name = ''
    if (present(transport)) name = trim(transport)
    if (name == '') name = first_that_exists(folder, 'transport.fits', 'tran.dat')
    if (name == '') return
    if (index(name, '.dat', back=.true.) == len(name) - 3) then
      call read_molecules(folder//'/'//name, m, other)
    else
      call read_fits(folder//'/'//name, m, other)
    end if
    error = other%error
  end subroutine

  function first_that_exists(folder, first, second) result(name)
    character(*), intent(in) :: folder, first, second
    character(:), allocatable :: name
    logical :: exists
    name = first
    inquire (file=folder//'/'//first, exist=exists)
    if (exists) return
    name = second
    inquire (file=folder//'/'//second, exist=exists)
    if (.not. exists) name = ''
  end function
end module
