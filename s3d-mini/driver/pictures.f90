!> PNG pictures of the plane through the middle in z, with axes and a colour bar.
module pictures
  use, intrinsic :: iso_c_binding
  use mpi_f08
  use derived_fields, only: primitives_of, heat_release
  use failure, only: end_unless
  use flow, only: p_u, p_T, p_species
  use mechanism, only: species_index
  use simulation, only: simulation_t
  implicit none
  private
  public :: write_pictures

  interface
    integer(c_int) function s3d_slice_picture(path, title, subtitle, nx, ny, values, dx, dy) bind(c)
      import
      character(kind=c_char), intent(in) :: path(*), title(*), subtitle(*)
      integer(c_int), value :: nx, ny
      real(c_double), intent(in) :: values(nx, ny)
      real(c_double), value :: dx, dy
    end function
  end interface

contains

  !> Temperature, then what the case is about: heat release and the chosen radical, or pressure and speed where nothing reacts.
  subroutine write_pictures(sim)
    type(simulation_t), intent(in) :: sim
    real(8) :: rate(sim%b%ld)
    real(8), allocatable :: prim(:, :), p(:)
    call primitives_of(sim, prim, p)
    call picture(sim, 'temperature', 'temperature (K)', prim(:, p_T))
    if (sim%f%reacting) then
      call heat_release(sim, prim, rate)
      call picture(sim, 'heat_release', 'heat release (W/m3)', rate)
      call picture(sim, trim(sim%s%radical), 'mass fraction of '//trim(sim%s%radical), &
                   prim(:, p_species - 1 + species_index(sim%f%mech, sim%s%radical)))
    else
      call picture(sim, 'pressure', 'pressure (Pa)', p)
      call picture(sim, 'speed', 'speed (m/s)', norm2(prim(:, p_u:p_u + 2), dim=2))
    end if
  end subroutine

  !> Collective: rank 0 draws the plane's values and tells where they lie.
  subroutine picture(sim, name, title, values)
    type(simulation_t), intent(in) :: sim
    character(*), intent(in) :: name, title
    real(8), intent(in) :: values(:)
    real(8) :: plane(sim%s%points(1), sim%s%points(2))
    character(:), allocatable :: path
    character(120) :: subtitle
    integer :: k
    logical :: good
    k = sim%s%points(3)/2 + 1
    call gather_plane(sim, k, values, plane)
    path = trim(sim%s%output)//'/'//name//'.png'
    good = .true.
    if (sim%rank == 0) then
      write (subtitle, '(4a,i0,3a)') trim(sim%s%case_name), ', t = ', trim(decimal(sim%time*1d6)), ' us, step ', sim%step, &
        ', z = ', trim(decimal((k - 1)*sim%b%dx(3)*1d3)), ' mm'
      good = s3d_slice_picture(path//c_null_char, title//c_null_char, trim(subtitle)//c_null_char, size(plane, 1), size(plane, 2), &
                               plane, sim%b%dx(1)*1d3, sim%b%dx(2)*1d3) == 0
    end if
    call end_unless(good, path//': cannot be written; is there room, and may the folder be written to?')
    if (sim%rank == 0) print '(3a,2(es11.4,a))', 'picture ', path, ': from ', minval(plane), ' to ', maxval(plane)
  end subroutine

  function decimal(value) result(text)
    real(8), intent(in) :: value
    character(16) :: text
    write (text, '(f16.3)') value
    text = adjustl(text)
  end function

  !> The k-th plane of the grid, complete on rank 0.
  subroutine gather_plane(sim, k, values, plane)
    type(simulation_t), intent(in) :: sim
    integer, intent(in) :: k
    real(8), intent(in) :: values(:)
    real(8), intent(out) :: plane(:, :)
    real(8) :: part(size(plane, 1), size(plane, 2))
    integer :: j, row, first
    part = 0
    if (k > sim%b%offset(3) .and. k <= sim%b%offset(3) + sim%b%nz) then
      do j = 1, sim%b%ny
        row = j - 1 + sim%b%ny*(k - 1 - sim%b%offset(3))
        first = sim%b%offset(1) + 1
        part(first:first + sim%b%nx - 1, sim%b%offset(2) + j) = values(row*sim%b%nx + 1:(row + 1)*sim%b%nx)
      end do
    end if
    plane = 0
    call MPI_Reduce(part, plane, size(part), MPI_DOUBLE_PRECISION, MPI_SUM, 0, sim%cart)
  end subroutine
end module
