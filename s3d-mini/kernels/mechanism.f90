!> A reaction mechanism: what the point physics computes from. Read from a folder by mechanism_reader.
module mechanism
  implicit none
  private
  public :: mechanism_t, reaction_t, gas_constant, element_symbol, atomic_weight, elementary, three_body, lindemann, troe

  real(8), parameter :: gas_constant = 8314.46261815324d0 !< J/kmol/K
  character(2), parameter :: element_symbol(5) = ['H ', 'C ', 'N ', 'O ', 'AR']
  real(8), parameter :: atomic_weight(5) = [1.008d0, 12.011d0, 14.007d0, 15.999d0, 39.95d0] !< kg/kmol

  enum, bind(c)
    enumerator :: elementary, three_body, lindemann, troe
  end enum

  type :: reaction_t
    integer :: kind = elementary
    logical :: reversible = .true., duplicate = .false.
    !> Species, repeated as often as they react.
    integer, allocatable :: reactants(:), products(:)
    !> A (kmol, m3, s), b, E/R (K), the high-pressure limit for fall-off; `low` the low-pressure limit.
    real(8) :: rate(3) = 0, low(3) = 0
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
    real(8), allocatable :: molecular_weight(:)                     !< kg/kmol
    integer, allocatable :: atoms(:, :)                             !< (elements, species)
    real(8), allocatable :: nasa_low(:, :), nasa_high(:, :), nasa_middle(:) !< (7, species)
    type(reaction_t), allocatable :: reaction(:)
    logical :: has_transport = .false.
    !> Fits in ln T: sqrt of viscosity / T^1/4, conductivity / T^1/2, p D_jk / T^3/2 of pair (j < k).
    real(8), allocatable :: viscosity(:, :), conductivity(:, :), diffusion(:, :)
  end type
end module
