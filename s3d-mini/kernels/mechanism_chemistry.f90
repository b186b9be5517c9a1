!> chem.inp in CHEMKIN format (Kee, Rupley & Miller, Chemkin-II, SAND89-8009, 1989): elements, species, the REACTIONS line.
module mechanism_chemistry
  use mechanism, only: mechanism_t, gas_constant, element_symbol
  use mechanism_reactions, only: units_t, add_reaction, add_auxiliary, check_reactions
  use mechanism_text, only: source_t, width, open_source, close_source, refuse, next_line, next_word
  implicit none
  private
  public :: read_chemistry

  real(8), parameter :: joule_per_calorie = 4.184d0, avogadro = 6.02214076d23, joule_per_electronvolt = 1.602176634d-19

contains

  subroutine read_chemistry(path, m, from)
    character(*), intent(in) :: path
    type(mechanism_t), intent(inout) :: m
    type(source_t), intent(inout) :: from
    call open_source(path, from)
    if (from%error /= '') return
    allocate (m%name(0), m%reaction(0))
    call read_sections(from, m)
    m%n_species = size(m%name)
    if (m%n_species < 2) call refuse(from, 'a mechanism needs at least two species')
    call check_reactions(from, m)
    call close_source(from)
  end subroutine

  subroutine read_sections(from, m)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width) :: text
    character(:), allocatable :: word
    character(9) :: section
    type(units_t) :: units
    section = ''
    do while (next_line(from, text))
      if (from%error /= '') return
      word = text(:index(text//' ', ' ') - 1)
      if (word == 'END') then
        section = ''
      else if (section_of(word) /= '') then
        section = section_of(word)
        call next_word(text, word)
        if (section == 'reactions') then
          call move_nitrogen_last(m)
          call read_units(from, text, units)
        end if
      end if
      select case (section)
      case ('elements')
        call add_elements(from, m, text)
      case ('species')
        call add_species(from, m, text)
      case ('reactions')
        if (index(text, '=') > 0) then
          call add_reaction(from, m, text, units)
        else if (text /= '') then
          call add_auxiliary(from, m, text, units)
        end if
      case ('thermo')
        call refuse(from, 'THERMO data belong into therm.dat')
      case default
        if (word /= 'END') call refuse(from, '"'//word//'" stands outside ELEMENTS, SPECIES and REACTIONS')
      end select
    end do
  end subroutine

  !> The last species is had by difference from the density and carries the rounding of all others: what there is most of.
  subroutine move_nitrogen_last(m)
    type(mechanism_t), intent(inout) :: m
    if (any(m%name == 'N2')) m%name = [character(16) :: pack(m%name, m%name /= 'N2'), 'N2']
  end subroutine

  !> CHEMKIN looks at four letters, and lets a section begin without an END of the last.
  pure function section_of(word) result(section)
    character(*), intent(in) :: word
    character(9) :: section
    section = ''
    select case (word)
    case ('ELEM', 'ELEMENTS')
      section = 'elements'
    case ('SPEC', 'SPECIES')
      section = 'species'
    case ('REAC', 'REACTIONS')
      section = 'reactions'
    case ('THERMO', 'THER')
      section = 'thermo'
    end select
  end function

  !> Leaves `text` empty.
  subroutine read_units(from, text, units)
    type(source_t), intent(inout) :: from
    character(width), intent(inout) :: text
    type(units_t), intent(inout) :: units
    character(:), allocatable :: word
    do while (text /= '')
      call next_word(text, word)
      select case (word)
      case ('CAL/MOLE', 'CAL/MOL')
        units%kelvin = 1d3*joule_per_calorie/gas_constant
      case ('KCAL/MOLE', 'KCAL/MOL')
        units%kelvin = 1d6*joule_per_calorie/gas_constant
      case ('JOULES/MOLE', 'JOULES/MOL', 'JOU/MOLE')
        units%kelvin = 1d3/gas_constant
      case ('KJOULES/MOLE', 'KJOULES/MOL', 'KJOU/MOLE')
        units%kelvin = 1d6/gas_constant
      case ('KELVINS', 'KELVIN')
        units%kelvin = 1
      case ('EVOLTS')
        units%kelvin = 1d3*joule_per_electronvolt*avogadro/gas_constant
      case ('MOLES', 'MOLE')
        units%m3_per_kmol = 1d-3
      case ('MOLECULES')
        units%m3_per_kmol = 1d-3*avogadro
      case default
        call refuse(from, 'unit "'//word//'" is none of CAL/MOLE, KCAL/MOLE, JOULES/MOLE, KJOULES/MOLE, KELVINS, EVOLTS, '// &
                    'MOLES, MOLECULES')
      end select
    end do
  end subroutine

  subroutine add_elements(from, m, text)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width), intent(inout) :: text
    character(:), allocatable :: word
    integer :: e
    do while (text /= '')
      call next_word(text, word)
      e = findloc(element_symbol == word, .true., 1)
      if (e > 0) then
        m%has_element(e) = .true.
      else
        call refuse(from, 'element "'//word//'" has no known weight')
      end if
    end do
  end subroutine

  subroutine add_species(from, m, text)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width), intent(inout) :: text
    character(:), allocatable :: word
    do while (text /= '')
      call next_word(text, word)
      if (len(word) > len(m%name)) then
        call refuse(from, 'species "'//word//'" is longer than 16 characters')
      else if (scan(word, '+=/') > 0 .or. scan(word(1:1), '0123456789') > 0) then
        call refuse(from, 'species "'//word//'": a name may not begin with a digit nor contain "+", "=" or "/"')
      else if (any(m%name == word)) then
        call refuse(from, 'species "'//word//'" is listed twice')
      end if
      m%name = [character(16) :: m%name, word]
    end do
  end subroutine
end module
