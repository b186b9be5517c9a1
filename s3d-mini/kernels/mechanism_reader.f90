!> Reads a mechanism folder: chem.inp and therm.dat in CHEMKIN format and transport.fits, polynomial fits in ln T.
!> What is malformed is refused with file, line and reason.
module mechanism_reader
  use mechanism, only: mechanism_t, reaction_t, gas_constant, element_symbol, atomic_weight, &
    elementary, three_body, lindemann, troe
  implicit none
  private
  public :: mechanism_read

  integer, parameter :: width = 256
  character(26), parameter :: lower = 'abcdefghijklmnopqrstuvwxyz', upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

  type :: source_t
    character(512) :: path = ''
    integer :: unit = -1, line = 0
    character(512) :: error = ''
  end type

contains

  !> `error` stays empty when all went well.
  subroutine mechanism_read(folder, m, error)
    character(*), intent(in) :: folder
    type(mechanism_t), intent(out) :: m
    character(*), intent(out) :: error
    type(source_t) :: from
    call open_source(folder//'/chem.inp', from)
    if (from%error == '') call read_chemistry(from, m)
    if (from%error == '') call open_source(folder//'/therm.dat', from)
    if (from%error == '') call read_thermodynamics(from, m)
    if (from%error == '') call read_transport(folder//'/transport.fits', m, from)
    error = from%error
  end subroutine

  subroutine open_source(path, from)
    character(*), intent(in) :: path
    type(source_t), intent(inout) :: from
    integer :: io
    from%path = path
    from%line = 0
    open (newunit=from%unit, file=path, status='old', action='read', iostat=io)
    if (io /= 0) from%error = path//': cannot be opened'
  end subroutine

  subroutine refuse(from, reason)
    type(source_t), intent(inout) :: from
    character(*), intent(in) :: reason
    character(12) :: number
    write (number, '(i0)') from%line
    if (from%error == '') from%error = trim(from%path)//':'//trim(number)//': '//reason
  end subroutine

  !> The next line that is not empty, without comment, in upper case.
  logical function next_line(from, text)
    type(source_t), intent(inout) :: from
    character(width), intent(out) :: text
    integer :: io, i, at
    do
      read (from%unit, '(a)', iostat=io) text
      next_line = io == 0
      if (.not. next_line) return
      from%line = from%line + 1
      at = index(text, '!')
      if (at > 0) text(at:) = ''
      do i = 1, len_trim(text)
        at = index(lower, text(i:i))
        if (at > 0) text(i:i) = upper(at:at)
        if (text(i:i) == achar(9) .or. text(i:i) == achar(13)) text(i:i) = ' '
      end do
      text = adjustl(text)
      if (text /= '') return
    end do
  end function

  !> Cuts the first word off.
  subroutine next_word(text, word)
    character(*), intent(inout) :: text
    character(*), intent(out) :: word
    integer :: at
    text = adjustl(text)
    at = index(text//' ', ' ')
    word = text(:at - 1)
    text = adjustl(text(min(at, len(text)):))
  end subroutine

  subroutine read_chemistry(from, m)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width) :: text, word
    character(16) :: section
    real(8) :: energy_unit
    section = ''
    allocate (m%name(0), m%reaction(0))
    energy_unit = 4184/gas_constant
    do while (next_line(from, text))
      word = text(:index(text//' ', ' ') - 1)
      if (word == 'END') then
        section = ''
      else if (word(1:4) == 'ELEM') then
        section = 'elements'
      else if (word(1:4) == 'SPEC') then
        section = 'species'
        call next_word(text, word)
        call add_species(m, text)
      else if (word(1:4) == 'REAC') then
        section = 'reactions'
        call read_units(from, text, energy_unit)
      else if (section == 'species') then
        call add_species(m, text)
      else if (section == 'reactions') then
        if (index(text, '=') > 0) then
          call add_reaction(from, m, text, energy_unit)
        else
          call auxiliary(from, m, text, energy_unit)
        end if
      else if (section /= 'elements') then
        call refuse(from, 'text outside ELEMENTS, SPECIES and REACTIONS')
      end if
      if (from%error /= '') exit
    end do
    close (from%unit)
    m%n_species = size(m%name)
    if (from%error == '' .and. m%n_species < 2) call refuse(from, 'a mechanism needs at least two species')
  end subroutine

  subroutine read_units(from, text, energy_unit)
    type(source_t), intent(inout) :: from
    character(width), intent(inout) :: text
    real(8), intent(inout) :: energy_unit
    character(32) :: word
    call next_word(text, word)
    do while (text /= '')
      call next_word(text, word)
      select case (word)
      case ('CAL/MOLE')
        energy_unit = 4184/gas_constant
      case ('KCAL/MOLE')
        energy_unit = 4184d3/gas_constant
      case ('JOULES/MOLE')
        energy_unit = 1d3/gas_constant
      case ('KJOULES/MOLE')
        energy_unit = 1d6/gas_constant
      case ('KELVINS')
        energy_unit = 1
      case ('MOLES', 'MOLE')
      case default
        call refuse(from, 'unit "'//trim(word)//'" is none of CAL/MOLE, KCAL/MOLE, JOULES/MOLE, KJOULES/MOLE, KELVINS, MOLES')
      end select
    end do
  end subroutine

  subroutine add_species(m, text)
    type(mechanism_t), intent(inout) :: m
    character(width), intent(inout) :: text
    character(16) :: word
    do while (text /= '')
      call next_word(text, word)
      m%name = [character(16) :: m%name, word]
    end do
  end subroutine

  integer function species(m, name)
    type(mechanism_t), intent(in) :: m
    character(*), intent(in) :: name
    do species = size(m%name), 1, -1
      if (m%name(species) == name) return
    end do
  end function

  subroutine add_reaction(from, m, text, energy_unit)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width), intent(in) :: text
    real(8), intent(in) :: energy_unit
    type(reaction_t) :: r
    character(width) :: equation
    integer :: at, io, order
    equation = text
    ! The last three words are numbers.
    call last_numbers(equation, r%rate, io)
    if (io /= 0) then
      call refuse(from, 'a reaction must end in three numbers: A, b, E')
      return
    end if
    at = index(equation, '<=>')
    if (at > 0) then
      call side(from, m, r, equation(:at - 1), r%reactants)
      call side(from, m, r, equation(at + 3:), r%products)
    else
      at = index(equation, '=>')
      r%reversible = at == 0
      if (at > 0) then
        call side(from, m, r, equation(:at - 1), r%reactants)
        call side(from, m, r, equation(at + 2:), r%products)
      else
        at = index(equation, '=')
        call side(from, m, r, equation(:at - 1), r%reactants)
        call side(from, m, r, equation(at + 1:), r%products)
      end if
    end if
    if (from%error /= '') return
    if (size(r%reactants) == 0 .or. size(r%products) == 0) then
      call refuse(from, 'a reaction needs species on both sides')
      return
    end if
    order = size(r%reactants)
    if (r%kind == three_body) order = order + 1
    ! cm3/mol to m3/kmol for each order above the first.
    r%rate(1) = r%rate(1)*1d-3**(order - 1)
    r%rate(3) = r%rate(3)*energy_unit
    allocate (r%enhanced(0), r%excess(0))
    m%reaction = [m%reaction, r]
  end subroutine

  subroutine last_numbers(equation, numbers, io)
    character(width), intent(inout) :: equation
    real(8), intent(out) :: numbers(3)
    integer, intent(out) :: io
    integer :: n, at
    do n = 3, 1, -1
      at = index(trim(equation), ' ', back=.true.)
      read (equation(at + 1:len_trim(equation)), *, iostat=io) numbers(n)
      if (io /= 0 .or. at == 0) then
        io = 1
        return
      end if
      equation = equation(:at)
    end do
  end subroutine

  !> The species of one side. "M" and "(+M)" set the kind of the reaction.
  subroutine side(from, m, r, text, list)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    type(reaction_t), intent(inout) :: r
    character(*), intent(in) :: text
    integer, allocatable, intent(out) :: list(:)
    character(width) :: rest, word
    integer :: at, count, digits, k, io, c
    allocate (list(0))
    rest = ''
    do c = 1, len_trim(text)
      if (text(c:c) /= ' ') rest(len_trim(rest) + 1:) = text(c:c)
    end do
    at = index(rest, '(+')
    if (at > 0) then
      c = at + index(rest(at:), ')') - 1
      if (c < at) then
        call refuse(from, '"(+" without ")"')
        return
      end if
      word = rest(at + 2:c - 1)
      r%kind = lindemann
      if (word /= 'M') then
        r%collider = species(m, word)
        if (r%collider == 0) call refuse(from, 'collider '//trim(word)//' is not among the SPECIES')
      end if
      rest = rest(:at - 1)//rest(c + 1:)
    end if
    do while (rest /= '')
      at = index(trim(rest)//'+', '+')
      word = rest(:at - 1)
      rest = rest(at + 1:)
      if (word == 'M') then
        r%kind = three_body
        cycle
      end if
      count = 1
      k = species(m, word)
      if (k == 0) then
        digits = verify(word, '0123456789') - 1
        if (digits > 0) read (word(:digits), *, iostat=io) count
        k = species(m, word(digits + 1:))
      end if
      if (k == 0) then
        call refuse(from, 'species "'//trim(word)//'" is not among the SPECIES')
        return
      end if
      list = [list, spread(k, 1, count)]
    end do
  end subroutine

  !> LOW, TROE, DUPLICATE and efficiencies of the last reaction.
  subroutine auxiliary(from, m, text, energy_unit)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(width), intent(in) :: text
    real(8), intent(in) :: energy_unit
    character(width) :: rest
    character(32) :: key
    integer :: first, second, io, k
    real(8) :: value
    if (size(m%reaction) == 0) then
      call refuse(from, 'expected a reaction')
      return
    end if
    rest = text
    associate (r => m%reaction(size(m%reaction)))
      do while (rest /= '')
        if (rest(1:3) == 'DUP') then
          r%duplicate = .true.
          return
        end if
        first = index(rest, '/')
        second = 0
        if (first > 0) second = first + index(rest(first + 1:), '/')
        if (first == 0 .or. second == first) then
          call refuse(from, 'expected KEY /values/, DUPLICATE or a reaction')
          return
        end if
        key = rest(:first - 1)
        select case (key)
        case ('LOW')
          read (rest(first + 1:second - 1), *, iostat=io) r%low
          if (io /= 0 .or. r%kind /= lindemann) then
            call refuse(from, 'LOW needs three numbers and a reaction with (+M)')
            return
          end if
          r%low(1) = r%low(1)*1d-3**size(r%reactants)
          r%low(3) = r%low(3)*energy_unit
        case ('TROE')
          if (r%kind /= lindemann) call refuse(from, 'TROE needs a reaction with (+M), once')
          read (rest(first + 1:second - 1), *, iostat=io) r%centering
          if (io /= 0) then
            r%centering(4) = huge(1d0)
            read (rest(first + 1:second - 1), *, iostat=io) r%centering(1:3)
          end if
          if (io /= 0) call refuse(from, 'TROE needs three or four numbers')
          r%kind = troe
        case default
          k = species(m, key)
          read (rest(first + 1:second - 1), *, iostat=io) value
          if (k == 0 .or. io /= 0) then
            call refuse(from, '"'//trim(key)//'" is neither a known keyword nor a species with its efficiency')
            return
          end if
          r%enhanced = [r%enhanced, k]
          r%excess = [r%excess, value - 1]
        end select
        rest = adjustl(rest(second + 1:))
      end do
    end associate
  end subroutine

  subroutine read_thermodynamics(from, m)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(inout) :: m
    character(120) :: card(4)
    integer :: k, c, io
    logical :: found(size(m%name))
    allocate (m%nasa_low(7, m%n_species), m%nasa_high(7, m%n_species), m%nasa_middle(m%n_species))
    allocate (m%molecular_weight(m%n_species), m%atoms(size(element_symbol), m%n_species))
    found = .false.
    do
      read (from%unit, '(a)', iostat=io) card(1)
      if (io /= 0) exit
      from%line = from%line + 1
      if (card(1)(1:1) == '!' .or. card(1)(80:80) /= '1') cycle
      do c = 2, 4
        read (from%unit, '(a)', iostat=io) card(c)
        from%line = from%line + 1
        if (io /= 0 .or. card(c)(80:80) /= achar(iachar('0') + c)) then
          call refuse(from, 'expected a line with the number of the card in column 80')
          return
        end if
      end do
      k = species(m, card(1)(:index(card(1), ' ') - 1))
      if (k == 0) cycle
      if (found(k)) cycle
      found(k) = .true.
      read (card(2), '(5e15.8)', iostat=io) m%nasa_high(1:5, k)
      if (io == 0) read (card(3), '(5e15.8)', iostat=io) m%nasa_high(6:7, k), m%nasa_low(1:3, k)
      if (io == 0) read (card(4), '(4e15.8)', iostat=io) m%nasa_low(4:7, k)
      if (io == 0) read (card(1)(66:73), *, iostat=io) m%nasa_middle(k)
      if (io /= 0) call refuse(from, 'a number of '//trim(m%name(k))//' cannot be read')
      call read_composition(from, card(1), m%atoms(:, k))
      m%molecular_weight(k) = sum(m%atoms(:, k)*atomic_weight)
      if (from%error /= '') return
    end do
    close (from%unit)
    do k = 1, m%n_species
      if (.not. found(k)) call refuse(from, 'species '//trim(m%name(k))//' is missing')
    end do
  end subroutine

  subroutine read_composition(from, card, atoms)
    type(source_t), intent(inout) :: from
    character(*), intent(in) :: card
    integer, intent(out) :: atoms(:)
    integer :: e, count, io, a
    character(2) :: element
    atoms = 0
    do e = 25, 40, 5
      element = card(e:e + 1)
      if (element == 'Ar') element = 'AR'
      read (card(e + 2:e + 4), '(i3)', iostat=io) count
      if (element == '' .or. element == '0' .or. io /= 0 .or. count == 0) cycle
      a = findloc(element_symbol, element, 1)
      if (a == 0) then
        call refuse(from, 'element "'//element//'" has no known weight')
        return
      end if
      atoms(a) = atoms(a) + count
    end do
  end subroutine

  !> Absent file: a mechanism for flows without transport.
  subroutine read_transport(path, m, from)
    character(*), intent(in) :: path
    type(mechanism_t), intent(inout) :: m
    type(source_t), intent(inout) :: from
    character(16) :: name, other
    integer :: k, j, io, pair
    inquire (file=path, exist=m%has_transport)
    if (.not. m%has_transport) return
    call open_source(path, from)
    if (from%error /= '') return
    allocate (m%viscosity(5, m%n_species), m%conductivity(5, m%n_species), m%diffusion(5, m%n_species*(m%n_species - 1)/2))
    do k = 1, m%n_species
      read (from%unit, *, iostat=io) name, m%viscosity(:, k), m%conductivity(:, k)
      from%line = from%line + 1
      if (io /= 0 .or. name /= m%name(k)) then
        call refuse(from, 'expected '//trim(m%name(k))//' with five coefficients of viscosity and five of conductivity')
        return
      end if
    end do
    pair = 0
    do j = 1, m%n_species
      do k = j + 1, m%n_species
        pair = pair + 1
        read (from%unit, *, iostat=io) name, other, m%diffusion(:, pair)
        from%line = from%line + 1
        if (io /= 0 .or. name /= m%name(j) .or. other /= m%name(k)) then
          call refuse(from, 'expected the pair '//trim(m%name(j))//' '//trim(m%name(k))//' with five coefficients')
          return
        end if
      end do
    end do
    close (from%unit)
  end subroutine
end module
