!> Transport data of a mechanism: polynomial fits as they are, or fits made from tran.dat.
module mechanism_transport
  use kinetic_theory, only: molecule_t, fit_transport
  use mechanism, only: mechanism_t, cantera_form, chemkin_form, species_index
  use mechanism_text, only: source_t, width, open_source, close_source, refuse, next_line, next_word, number_of
  implicit none
  private
  public :: read_fits, read_molecules

contains

  !> First FORM CANTERA (five coefficients) or FORM CHEMKIN (four); then a line a species: name, viscosity, conductivity;
  !> then a line a pair: two names, diffusion. Species and pairs in any order.
  subroutine read_fits(path, m, from)
    character(*), intent(in) :: path
    type(mechanism_t), intent(inout) :: m
    type(source_t), intent(inout) :: from
    character(width) :: text
    real(8) :: value(10)
    logical :: seen(m%n_species, m%n_species), good
    integer :: row, coefficients, at(2)
    call open_source(path, from)
    if (from%error /= '') return
    good = next_line(from, text)
    coefficients = merge(5, 4, text == 'FORM CANTERA')
    m%transport_form = merge(cantera_form, chemkin_form, text == 'FORM CANTERA')
    if (text /= 'FORM CANTERA' .and. text /= 'FORM CHEMKIN') &
      call refuse(from, 'the first line must be FORM CANTERA or FORM CHEMKIN')
    allocate (m%viscosity(5, m%n_species), m%conductivity(5, m%n_species), source=0d0)
    allocate (m%diffusion(5, m%n_species*(m%n_species - 1)/2), source=0d0)
    seen = .false.
    do row = 1, m%n_species
      call read_row(from, m, 1, 2*coefficients, 'a species with ', ' coefficients of viscosity and conductivity', seen, at, value)
      if (from%error /= '') exit
      m%viscosity(:coefficients, at(1)) = value(:coefficients)
      m%conductivity(:coefficients, at(1)) = value(coefficients + 1:2*coefficients)
    end do
    do row = 1, size(m%diffusion, 2)
      if (from%error /= '') exit
      call read_row(from, m, 2, coefficients, 'two species with ', ' coefficients of diffusion', seen, at, value)
      if (from%error == '') m%diffusion(:coefficients, pair_of(m, minval(at), maxval(at))) = value(:coefficients)
    end do
    m%has_transport = from%error == ''
    call close_source(from)
  end subroutine

  !> Place of the pair j < k in m%diffusion.
  pure integer function pair_of(m, j, k)
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: j, k
    pair_of = (j - 1)*m%n_species - j*(j - 1)/2 + k - j
  end function

  !> A line of one species or two, `at`, and n numbers, `value`. None may come twice: `seen` holds who came, pairs off its diagonal.
  subroutine read_row(from, m, names, n, before, after, seen, at, value)
    type(source_t), intent(inout) :: from
    type(mechanism_t), intent(in) :: m
    integer, intent(in) :: names, n
    character(*), intent(in) :: before, after
    logical, intent(inout) :: seen(:, :)
    integer, intent(out) :: at(2)
    real(8), intent(out) :: value(:)
    character(width) :: text
    character(:), allocatable :: word
    character(4) :: number
    integer :: i
    logical :: good
    at = 0
    value = 0
    write (number, '(i0)') n
    good = next_line(from, text)
    do i = 1, names
      call next_word(text, word)
      at(i) = species_index(m, word)
    end do
    if (names == 1) at(2) = at(1)
    good = good .and. all(at > 0)
    do i = 1, n
      call next_word(text, word)
      if (good) call number_of(word, value(i), good)
    end do
    if (.not. good .or. text /= '') then
      call refuse(from, 'expected '//before//trim(number)//after)
    else if (seen(at(1), at(2))) then
      ! The species themselves have come before the pairs.
      call refuse(from, trim(m%name(at(1)))//repeat(' '//trim(m%name(at(2))), names - 1)//' came before')
    else
      seen(at(1), at(2)) = .true.
      seen(at(2), at(1)) = .true.
    end if
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
