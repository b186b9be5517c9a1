!> Reaction lines of chem.inp and the auxiliary lines after them.
module mechanism_reactions
  use mechanism, only: mechanism_t, reaction_t, elementary, three_body, lindemann, troe, &
    species_index
  use mechanism_text, only: source_t, width, refuse, refuse_line, next_word, number_of
  implicit none
  private
  public :: units_t, add_reaction, add_auxiliary, check_reactions

  !> What turns the file's numbers into K and, for each order above the first, into m3/kmol.
  type :: units_t
    real(8) :: kelvin = 4184/8314.46261815324d0, m3_per_kmol = 1d-3
  end type

  !> What one side of an equation says of a third body.
  type :: third_body_t
    logical :: any = .false., fall_off = .false.
    integer :: collider = 0
  end type

  integer, parameter :: most_on_a_side = 12

contains

  subroutine add_reaction(from, m, text, units)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width), intent(in) :: text
    type(units_t), intent(in) :: units
    type(reaction_t) :: r
    type(third_body_t) :: left, right
    character(width) :: equation
    integer :: arrow, length
    logical :: good
    equation = text
    call cut_last_numbers(equation, r%rate, good)
    if (.not. good) then
      call refuse(from, 'a reaction must end in three numbers: A, b, E')
      return
    end if
    call find_arrow(equation, arrow, length, r%reversible)
    if (index(equation(arrow + length:), '=') > 0) call refuse(from, 'a reaction has one "=", "<=>" or "=>"')
    r%line = from%line
    call read_side(from, m, equation(:arrow - 1), r%reactants, left)
    call read_side(from, m, equation(arrow + length:), r%products, right)
    if (from%error /= '') return
    if (size(r%reactants) == 0 .or. size(r%products) == 0) then
      call refuse(from, 'a reaction needs species on both sides')
    else if ((left%any .neqv. right%any) .or. (left%fall_off .neqv. right%fall_off) .or. left%collider /= right%collider) then
      call refuse(from, 'the third body must be the same on both sides')
    else if (r%rate(1) == 0) then
      call refuse(from, 'the pre-exponential factor is zero')
    end if
    r%collider = left%collider
    if (left%fall_off) then
      r%kind = lindemann
    else if (left%any) then
      r%kind = three_body
    end if
    r%rate(1) = r%rate(1)*units%m3_per_kmol**(size(r%reactants) - 1 + merge(1, 0, r%kind == three_body))
    r%rate(3) = r%rate(3)*units%kelvin
    allocate (r%enhanced(0), r%excess(0))
    m%reaction = [m%reaction, r]
  end subroutine

  subroutine cut_last_numbers(equation, numbers, good)
    character(width), intent(inout) :: equation
    real(8), intent(out) :: numbers(3)
    logical, intent(out) :: good
    integer :: n, at
    numbers = 0
    do n = 3, 1, -1
      at = index(trim(equation), ' ', back=.true.)
      good = at > 0
      if (good) call number_of(equation(at + 1:len_trim(equation)), numbers(n), good)
      if (.not. good) return
      equation = equation(:at)
    end do
  end subroutine

  pure subroutine find_arrow(equation, at, length, reversible)
    character(*), intent(in) :: equation
    integer, intent(out) :: at, length
    logical, intent(out) :: reversible
    length = 3
    reversible = .true.
    at = index(equation, '<=>')
    if (at > 0) return
    length = 2
    at = index(equation, '=>')
    reversible = at == 0
    if (at > 0) return
    length = 1
    at = index(equation, '=')
  end subroutine

  !> Species in the order they stand, and the third body: M, (+M) or (+SPECIES).
  subroutine read_side(from, m, text, list, third)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    character(*), intent(in) :: text
    integer, allocatable, intent(out) :: list(:)
    type(third_body_t), intent(out) :: third
    character(:), allocatable :: rest, word
    integer :: at, count, k, c
    allocate (list(0))
    rest = ''
    do c = 1, len(text)
      if (text(c:c) /= ' ') rest = rest//text(c:c)
    end do
    call cut_fall_off(from, m, rest, third)
    if (rest == '') return
    rest = rest//'+'
    do while (rest /= '' .and. from%error == '')
      at = index(rest, '+')
      word = rest(:at - 1)
      rest = rest(at + 1:)
      if (word == 'M' .and. species_index(m, 'M') == 0) then
        if (third%any) call refuse(from, 'one third body on a side')
        third%any = .true.
        cycle
      end if
      call read_term(from, m, word, count, k)
      list = [list, spread(k, 1, count)]
      if (size(list) > most_on_a_side) call refuse(from, 'more than 12 molecules on a side')
    end do
  end subroutine

  subroutine cut_fall_off(from, m, rest, third)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    character(:), allocatable, intent(inout) :: rest
    type(third_body_t), intent(inout) :: third
    character(:), allocatable :: word
    integer :: at, closing
    at = index(rest, '(+')
    if (at == 0) return
    closing = at + index(rest(at:), ')') - 1
    if (closing < at) then
      call refuse(from, '"(+" without ")"')
      return
    end if
    word = rest(at + 2:closing - 1)
    third%fall_off = .true.
    if (word /= 'M') then
      third%collider = species_index(m, word)
      if (third%collider == 0) call refuse(from, 'collider "'//word//'" is not among the SPECIES')
    end if
    rest = rest(:at - 1)//rest(closing + 1:)
    if (index(rest, '(+') > 0) call refuse(from, 'one third body on a side')
  end subroutine

  !> "O2", "2O2": how many of which species.
  subroutine read_term(from, m, word, count, k)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    character(*), intent(in) :: word
    integer, intent(out) :: count, k
    integer :: digits, io
    count = 1
    digits = verify(word//'*', '0123456789.') - 1
    k = species_index(m, word(digits + 1:))
    if (word == '') then
      call refuse(from, 'a species is missing beside "+"')
    else if (k == 0 .or. digits == len(word)) then
      call refuse(from, 'species "'//word(digits + 1:)//'" is not among the SPECIES')
    else if (digits > 0) then
      read (word(:digits), '(i2)', iostat=io) count
      if (io /= 0 .or. digits > 2 .or. count < 1) &
        call refuse(from, '"'//word//'": the number of molecules must be whole, from 1 to 99')
    end if
    if (from%error /= '') count = 0
  end subroutine

  !> LOW, TROE, DUPLICATE and efficiencies of the last reaction.
  subroutine add_auxiliary(from, m, text, units)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width), intent(in) :: text
    type(units_t), intent(in) :: units
    character(width) :: rest
    integer :: first, second
    if (size(m%reaction) == 0) then
      call refuse(from, 'expected a reaction')
      return
    end if
    rest = text
    associate (r => m%reaction(size(m%reaction)))
      do while (rest /= '' .and. from%error == '')
        first = index(rest, '/')
        if (rest(1:3) == 'DUP' .and. first == 0) then
          r%duplicate = .true.
          return
        end if
        second = 0
        if (first > 0) second = first + index(rest(first + 1:), '/')
        if (second <= first) then
          call refuse(from, 'expected KEY /values/, DUPLICATE or a reaction')
          return
        end if
        call add_keyword(from, m, r, trim(rest(:first - 1)), rest(first + 1:second - 1), units)
        rest = adjustl(rest(second + 1:))
      end do
    end associate
  end subroutine

  subroutine add_keyword(from, m, r, key, values, units)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    type(reaction_t), intent(inout) :: r
    character(*), intent(in) :: key, values
    type(units_t), intent(in) :: units
    real(8) :: number(4)
    integer :: count
    call read_numbers(values, number, count)
    select case (key)
    case ('LOW')
      if (count /= 3 .or. r%kind /= lindemann .or. r%has_low) &
        call refuse(from, 'LOW needs three numbers, and a reaction with (+M), once')
      r%has_low = .true.
      r%low = number(1:3)
      r%low(1) = r%low(1)*units%m3_per_kmol**size(r%reactants)
      r%low(3) = r%low(3)*units%kelvin
    case ('TROE')
      if (count < 3 .or. r%kind /= lindemann) &
        call refuse(from, 'TROE needs three or four numbers, and a reaction with (+M), once')
      r%kind = troe
      r%centering(1:3) = number(1:3)
      if (count == 4) r%centering(4) = number(4)
    case ('REV', 'RLT', 'LT', 'SRI', 'PLOG', 'CHEB', 'TCHEB', 'PCHEB', 'HIGH', 'FORD', 'RORD', 'HV', 'EXCI', 'JAN', 'FIT1', &
          'TDEP', 'UNITS', 'XSMI', 'MOME')
      call refuse(from, key//' is not supported: rates are modified Arrhenius with LOW and TROE, reverse rates from equilibrium')
    case default
      call add_efficiency(from, m, r, key, number(1), count)
    end select
  end subroutine

  subroutine add_efficiency(from, m, r, key, value, count)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    type(reaction_t), intent(inout) :: r
    character(*), intent(in) :: key
    real(8), intent(in) :: value
    integer, intent(in) :: count
    integer :: k
    k = species_index(m, key)
    if (k == 0) then
      call refuse(from, '"'//key//'" is neither a known keyword nor a species')
    else if (count /= 1) then
      call refuse(from, 'the efficiency of '//key//' must be one number')
    else if (value < 0) then
      call refuse(from, 'the efficiency of '//key//' is negative')
    else if (r%kind == elementary .or. r%collider > 0) then
      call refuse(from, 'efficiencies need a reaction with M or (+M)')
    else if (any(r%enhanced == k)) then
      call refuse(from, 'the efficiency of '//key//' is given twice')
    end if
    r%enhanced = [r%enhanced, k]
    r%excess = [r%excess, value - 1]
  end subroutine

  !> At most size(number) numbers; count is -1 when there are more or one cannot be read.
  subroutine read_numbers(text, number, count)
    character(*), intent(in) :: text
    real(8), intent(out) :: number(:)
    integer, intent(out) :: count
    character(len(text)) :: rest
    character(:), allocatable :: word
    logical :: good
    number = 0
    count = 0
    rest = adjustl(text)
    do while (rest /= '')
      call next_word(rest, word)
      good = count < size(number)
      if (good) call number_of(word, number(count + 1), good)
      if (.not. good) then
        count = -1
        return
      end if
      count = count + 1
    end do
  end subroutine

  !> What only shows when all reactions are known: missing LOW lines and duplicates, declared or not.
  subroutine check_reactions(from, m)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    logical :: twin(size(m%reaction))
    integer :: a, b
    if (from%error /= '') return
    twin = .false.
    do a = 1, size(m%reaction)
      associate (r => m%reaction(a))
        if (r%kind >= lindemann .and. .not. r%has_low) call refuse_line(from, r%line, 'a reaction with (+M) needs LOW')
        do b = a + 1, size(m%reaction)
          if (.not. same_reaction(r, m%reaction(b))) cycle
          twin(a) = .true.
          twin(b) = .true.
          if (.not. (r%duplicate .and. m%reaction(b)%duplicate)) &
            call refuse_line(from, m%reaction(b)%line, 'an earlier line has the same reaction; mark both DUPLICATE')
        end do
        if (r%duplicate .and. .not. twin(a)) call refuse_line(from, r%line, 'marked DUPLICATE, but no other line has this reaction')
      end associate
    end do
  end subroutine

  !> The same species on the same sides (or swapped, if either is reversible) and the same kind of third body.
  pure logical function same_reaction(a, b)
    type(reaction_t), intent(in) :: a, b
    same_reaction = min(a%kind, lindemann) == min(b%kind, lindemann) .and. a%collider == b%collider
    if (.not. same_reaction) return
    same_reaction = same_species(a%reactants, b%reactants) .and. same_species(a%products, b%products)
    if (same_reaction .or. .not. (a%reversible .or. b%reversible)) return
    same_reaction = same_species(a%reactants, b%products) .and. same_species(a%products, b%reactants)
  end function

  pure logical function same_species(a, b)
    integer, intent(in) :: a(:), b(:)
    integer :: s
    same_species = size(a) == size(b)
    if (.not. same_species) return
    same_species = all([(count(a == a(s)) == count(b == a(s)), s=1, size(a))])
  end function
end module
