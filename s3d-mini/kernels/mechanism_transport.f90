!> Transport data of a mechanism: polynomial fits as they are, or fits made from tran.dat.
module mechanism_transport
  use kinetic_theory, only: molecule_t, fit_transport
  use mechanism, only: mechanism_t, cantera_form, chemkin_form
  use mechanism_reactions, only: species_index
  use mechanism_text, only: source_t, width, open_source, close_source, refuse, next_line, next_word, number_of
  implicit none
  private
  public :: read_fits, read_molecules

contains

  !> First FORM CANTERA (five coefficients) or FORM CHEMKIN (four); then a line a species: name, viscosity, conductivity;
  !> then a line a pair: two names, diffusion.
  subroutine read_fits(path, m, from)
    character(*), intent(in) :: path
    type(mechanism_t), intent(inout) :: m
    type(source_t), intent(inout) :: from
    character(width) :: text
    integer :: j, k, pair, degree
    logical :: good
    call open_source(path, from)
    if (from%error /= '') return
    good = next_line(from, text)
    degree = merge(4, 3, text == 'FORM CANTERA')
    m%transport_form = merge(cantera_form, chemkin_form, text == 'FORM CANTERA')
    if (text /= 'FORM CANTERA' .and. text /= 'FORM CHEMKIN') &
      call refuse(from, 'the first line must be FORM CANTERA or FORM CHEMKIN')
    allocate (m%viscosity(5, m%n_species), m%conductivity(5, m%n_species), source=0d0)
    allocate (m%diffusion(5, m%n_species*(m%n_species - 1)/2), source=0d0)
    do k = 1, m%n_species
      call read_row(from, [m%name(k)], 2*(degree + 1), 'viscosity and conductivity', m%viscosity(:degree + 1, k), &
                    m%conductivity(:degree + 1, k))
    end do
    pair = 0
    do j = 1, m%n_species
      do k = j + 1, m%n_species
        pair = pair + 1
        call read_row(from, [m%name(j), m%name(k)], degree + 1, 'diffusion', m%diffusion(:degree + 1, pair))
      end do
    end do
    m%has_transport = from%error == ''
    call close_source(from)
  end subroutine

  !> A line of names and coefficients, which fill `first` and, if given, `second`.
  subroutine read_row(from, names, n, what, first, second)
    type(source_t), intent(inout) :: from
    character(16), intent(in) :: names(:)
    integer, intent(in) :: n
    character(*), intent(in) :: what
    real(8), intent(out) :: first(:)
    real(8), intent(out), optional :: second(:)
    character(width) :: text
    character(:), allocatable :: word, expected
    character(4) :: number
    real(8) :: value(n)
    integer :: i
    logical :: good
    first = 0
    if (present(second)) second = 0
    if (from%error /= '') return
    write (number, '(i0)') n
    expected = trim(names(1))
    if (size(names) == 2) expected = expected//' '//trim(names(2))
    good = next_line(from, text)
    do i = 1, size(names)
      call next_word(text, word)
      good = good .and. word == names(i)
    end do
    do i = 1, n
      call next_word(text, word)
      if (good) call number_of(word, value(i), good)
    end do
    if (.not. good .or. text /= '') then
      call refuse(from, 'expected '//expected//' with '//trim(number)//' coefficients of '//what)
      return
    end if
    first = value(:size(first))
    if (present(second)) second = value(size(first) + 1:)
  end subroutine

  !> tran.dat in CHEMKIN format: name, geometry (0 atom, 1 linear, 2 not), well depth/k (K), diameter (Angstrom), dipole (Debye),
  !> polarisability (Angstrom^3), rotational relaxation number at 298 K.
  subroutine read_molecules(path, m, from)
    character(*), intent(in) :: path
    type(mechanism_t), intent(inout) :: m
    type(source_t), intent(inout) :: from
    character(width) :: text
    character(:), allocatable :: name
    type(molecule_t) :: molecule(m%n_species)
    logical :: found(m%n_species)
    integer :: k
    call open_source(path, from)
    if (from%error /= '') return
    found = .false.
    do while (next_line(from, text))
      if (from%error /= '') exit
      call next_word(text, name)
      if (name == 'TRANSPORT' .or. name == 'TRAN') cycle
      if (name == 'END') exit
      k = species_index(m, name)
      if (k == 0) cycle
      if (found(k)) call refuse(from, 'species '//name//' is given twice')
      call read_molecule(from, name, text, molecule(k))
      found(k) = .true.
    end do
    do k = 1, m%n_species
      if (.not. found(k)) call refuse(from, 'species '//trim(m%name(k))//' is missing')
    end do
    call close_source(from)
    if (from%error /= '') return
    call fit_transport(m, molecule)
    m%has_transport = .true.
  end subroutine

  subroutine read_molecule(from, name, text, molecule)
    type(source_t), intent(inout) :: from
    character(*), intent(in) :: name
    character(width), intent(inout) :: text
    type(molecule_t), intent(out) :: molecule
    character(:), allocatable :: word
    real(8) :: value(6)
    logical :: good
    integer :: i
    do i = 1, 6
      call next_word(text, word)
      call number_of(word, value(i), good)
      if (.not. good) then
        call refuse(from, name//' needs six numbers: geometry, well depth, diameter, dipole, polarisability, relaxation')
        return
      end if
    end do
    if (all(value(1) /= [0, 1, 2])) then
      call refuse(from, name//': the geometry must be 0 (atom), 1 (linear) or 2 (not linear)')
    else if (any(value(2:3) <= 0)) then
      call refuse(from, name//': well depth and diameter must be positive')
    else if (any(value(4:6) < 0)) then
      call refuse(from, name//': dipole, polarisability and relaxation number must not be negative')
    end if
    molecule = molecule_t(nint(value(1)), value(2), value(3)*1d-10, value(4), value(5)*1d-30, value(6))
  end subroutine
end module
