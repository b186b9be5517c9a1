!> therm.dat in CHEMKIN format: four cards a species, NASA 7-coefficient polynomials in fixed columns.
module mechanism_thermo
  use mechanism, only: mechanism_t, element_symbol, atomic_weight, species_index
  use mechanism_text, only: source_t, width, open_source, close_source, refuse, refuse_line, next_raw_line, number_of, upper_case
  implicit none
  private
  public :: read_thermodynamics, check_balance

contains

  subroutine read_thermodynamics(path, m, from)
    character(*), intent(in) :: path
    type(mechanism_t), intent(inout) :: m
    type(source_t), intent(inout) :: from
    character(width) :: card
    logical :: found(m%n_species)
    integer :: k
    call open_source(path, from)
    if (from%error /= '') return
    allocate (m%nasa_low(7, m%n_species), m%nasa_high(7, m%n_species), m%nasa_middle(m%n_species), m%molecular_weight(m%n_species))
    allocate (m%atoms(size(element_symbol), m%n_species), source=0)
    found = .false.
    do while (next_raw_line(from, card))
      if (from%error /= '') exit
      if (card == '' .or. index(adjustl(card), '!') == 1 .or. is_heading(card)) cycle
      if (upper_case(card(:4)) == 'END') exit
      call read_species(from, m, card, found)
    end do
    do k = 1, m%n_species
      if (.not. found(k)) call refuse(from, 'species '//trim(m%name(k))//' is missing')
    end do
    call close_source(from)
  end subroutine

  !> "THERMO", "THERMO ALL" and the line of three temperatures after it.
  logical function is_heading(card)
    character(*), intent(in) :: card
    real(8) :: value
    is_heading = upper_case(card(:4)) == 'THER'
    if (is_heading) return
    call number_of(trim(first_word(card)), value, is_heading)
  end function

  pure function first_word(text) result(word)
    character(*), intent(in) :: text
    character(len(text)) :: word
    word = adjustl(text)
    if (index(word, ' ') > 0) word(index(word, ' '):) = ''
  end function

  !> `card` is the first of four. The first entry of a species counts; species that are not in the mechanism are passed over.
  subroutine read_species(from, m, card, found)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width), intent(inout) :: card
    logical, intent(inout) :: found(:)
    character(width) :: cards(4)
    real(8) :: a(15)
    integer :: k, c
    cards(1) = card
    if (cards(1)(80:80) /= '1') then
      call refuse(from, 'expected the first card of a species, with 1 in column 80, or END')
      return
    end if
    k = species_index(m, upper_case(trim(first_word(cards(1)(:18)))))
    if (k > 0) then
      if (found(k)) k = 0
    end if
    if (k > 0) call read_first_card(from, m, k, upper_case(cards(1)))
    do c = 2, 4
      if (from%error /= '') return
      if (.not. next_raw_line(from, cards(c))) cards(c) = ''
      if (cards(c)(80:80) /= achar(iachar('0') + c)) then
        call refuse(from, 'expected card '//achar(iachar('0') + c)//' of '//trim(first_word(cards(1)))// &
                    ', its number in column 80')
        return
      end if
      if (k > 0) call read_coefficients(from, trim(m%name(k)), cards(c), merge(4, 5, c == 4), a(5*c - 9:))
    end do
    if (k == 0) return
    found(k) = .true.
    m%nasa_high(:, k) = a(1:7)
    m%nasa_low(:, k) = a(8:14)
  end subroutine

  !> Elements in columns 25-44 and 74-78, the temperature between the two ranges in 66-73.
  subroutine read_first_card(from, m, k, card)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    integer, intent(in) :: k
    character(*), intent(in) :: card
    integer, parameter :: column(5) = [25, 30, 35, 40, 74]
    real(8) :: limits(2)
    logical :: good(3)
    integer :: e
    m%molecular_weight(k) = 0
    do e = 1, size(column)
      call add_atoms(from, m, k, card(column(e):column(e) + 1), card(column(e) + 2:column(e) + 4))
    end do
    if (m%molecular_weight(k) == 0) call refuse(from, trim(m%name(k))//' has no elements in columns 25-44')
    call number_of(trim(adjustl(card(46:55))), limits(1), good(1))
    call number_of(trim(adjustl(card(56:65))), limits(2), good(2))
    call number_of(trim(adjustl(card(66:73))), m%nasa_middle(k), good(3))
    if (.not. all(good)) then
      call refuse(from, trim(m%name(k))//': temperatures must stand in columns 46-55, 56-65 and 66-73')
    else if (.not. (limits(1) < m%nasa_middle(k) .and. m%nasa_middle(k) < limits(2))) then
      call refuse(from, trim(m%name(k))//': the lowest, highest and middle temperature are out of order')
    end if
  end subroutine

  subroutine add_atoms(from, m, k, element, count)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    integer, intent(in) :: k
    character(*), intent(in) :: element, count
    integer :: e
    real(8) :: atoms
    logical :: good
    if (element == '' .or. verify(element, ' 0123456789.') == 0) return
    call number_of(trim(adjustl(count)), atoms, good)
    if (.not. good .or. atoms /= nint(atoms) .or. atoms < 0) then
      call refuse(from, trim(m%name(k))//': the number of atoms "'//count//'" of '//element//' is not a whole number')
      return
    end if
    if (atoms == 0) return
    e = findloc(element_symbol == element .and. m%has_element, .true., 1)
    if (e == 0) then
      call refuse(from, trim(m%name(k))//': element "'//trim(element)//'" is not among the ELEMENTS of chem.inp')
      return
    end if
    m%atoms(e, k) = m%atoms(e, k) + nint(atoms)
    m%molecular_weight(k) = m%molecular_weight(k) + atoms*atomic_weight(e)
  end subroutine

  subroutine read_coefficients(from, name, card, n, a)
    type(source_t), intent(inout) :: from
    character(*), intent(in) :: name, card
    integer, intent(in) :: n
    real(8), intent(inout) :: a(:)
    character(15) :: field
    logical :: good
    integer :: i, blank
    do i = 1, n
      field = adjustl(card(15*i - 14:15*i))
      ! Old files leave the place of the exponent's "+" blank.
      blank = index(trim(field), ' ')
      if (blank > 0) field(blank:blank) = '+'
      call number_of(trim(field), a(i), good)
      if (.not. good) then
        call refuse(from, name//': "'//card(15*i - 14:15*i)//'" is not a coefficient')
        return
      end if
    end do
  end subroutine

  !> Reactions that make or lose atoms. `from` is that of chem.inp.
  subroutine check_balance(from, m)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    integer :: r, e
    do r = 1, size(m%reaction)
      do e = 1, size(element_symbol)
        if (sum(m%atoms(e, m%reaction(r)%reactants)) /= sum(m%atoms(e, m%reaction(r)%products))) &
          call refuse_line(from, m%reaction(r)%line, 'the reaction does not balance in '//trim(element_symbol(e)))
      end do
    end do
  end subroutine
end module
