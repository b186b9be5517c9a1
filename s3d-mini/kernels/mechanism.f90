!> A reaction mechanism: what the point physics computes from. Read from a folder by mechanism_reader.
module mechanism
  implicit none
  private
  public :: mechanism_t, reaction_t, gas_constant, element_symbol, atomic_weight, elementary, three_body, lindemann, troe, &
            cantera_form, chemkin_form, species_index

  real(8), parameter :: gas_constant = 8314.46261815324d0 !< J/kmol/K
  !> IUPAC 2018, abridged, as in Cantera 3. kg/kmol.
  character(2), parameter :: element_symbol(10) = ['H ', 'C ', 'N ', 'O ', 'AR', 'HE', 'F ', 'SI', 'S ', 'CL']
  real(8), parameter :: atomic_weight(10) = [1.008d0, 12.011d0, 14.007d0, 15.999d0, 39.95d0, 4.002602d0, 18.998403163d0, &
                                             28.085d0, 32.06d0, 35.45d0]

  enum, bind(c)
    enumerator :: elementary, three_body, lindemann, troe
  end enum

  !> The two forms of transport fits, L = ln T. Cantera's: viscosity (T^1/4 P(L))^2, conductivity T^1/2 P(L), p D_jk T^3/2 P(L).
  !> CHEMKIN's: exp P(L) for all three.
  enum, bind(c)
    enumerator :: cantera_form, chemkin_form
  end enum

  type :: reaction_t
    integer :: kind = elementary
    logical :: reversible = .true., duplicate = .false.
    integer :: line = 0                                             !< of chem.inp
    !> Species, repeated as often as they react.
    integer, allocatable :: reactants(:), products(:)
    !> A (kmol, m3, s), b, E/R (K), the high-pressure limit for fall-off; `low` the low-pressure limit.
    real(8) :: rate(3) = 0, low(3) = 0
    logical :: has_low = .false.
    !> a, T3, T1, T2; T2 absent: huge.
    real(8) :: centering(4) = [0d0, 1d0, 1d0, huge(1d0)]
    !> Species whose efficiency differs from one, and by how much. A single collider: see `collider`.
    integer, allocatable :: enhanced(:)
    real(8), allocatable :: excess(:)
    integer :: collider = 0
  end type

  type :: mechanism_t
    integer :: n_species = 0
    character(16), allocatable :: name(:)
    logical :: has_element(size(element_symbol)) = .false.
    integer, allocatable :: atoms(:, :)                             !< (element, species)
    real(8), allocatable :: molecular_weight(:)                     !< kg/kmol
    real(8), allocatable :: nasa_low(:, :), nasa_high(:, :), nasa_middle(:) !< (7, species)
    type(reaction_t), allocatable :: reaction(:)
    logical :: has_transport = .false.
    integer :: transport_form = cantera_form
    !> Polynomials P by species and by pair (j < k), pairs in the order (1,2), (1,3) .. (2,3) ..
    real(8), allocatable :: viscosity(:, :), conductivity(:, :), diffusion(:, :)
  end type

contains

  !> Zero when there is no such species.
  pure integer function species_index(m, name)
    type(mechanism_t), intent(in) :: m
    character(*), intent(in) :: name
    species_index = findloc(m%name == name, .true., 1)
  end function
end module
