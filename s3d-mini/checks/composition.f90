!> Mass fractions from the names and moles of an input file.
module composition
  use mechanism, only: mechanism_t, species_index
  implicit none
  private
  public :: from_moles

contains

  !> `error` says which entry is wrong, and stays empty when all went well. Empty names are passed over.
  subroutine from_moles(m, species, moles, Y, error)
    type(mechanism_t), intent(in) :: m
    character(*), intent(in) :: species(:)
    real(8), intent(in) :: moles(:)
    real(8), allocatable, intent(out) :: Y(:)
    character(*), intent(out) :: error
    integer :: s, k
    error = ''
    allocate (Y(m%n_species), source=0d0)
    do s = 1, size(species)
      if (species(s) == '') cycle
      k = species_index(m, species(s))
      if (k == 0) then
        error = 'species: "'//trim(species(s))//'" is not in the mechanism'
        return
      end if
      if (.not. moles(s) >= 0) error = 'moles: '//trim(species(s))//' must not be negative'
      Y(k) = Y(k) + moles(s)*m%molecular_weight(k)
    end do
    if (.not. sum(Y) > 0) error = 'species and moles: the mixture is empty'
    Y = Y/sum(Y)
  end subroutine
end module
