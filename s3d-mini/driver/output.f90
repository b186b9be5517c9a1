!> Fields and pictures: one VTK image file a time (raw appended 32-bit data, written collectively) and PNG slices.
module output
  use, intrinsic :: iso_c_binding
  use mpi_f08
  use flow, only: i_rho, p_u, p_T, p_species
  use point_physics, only: production_rates, species_enthalpies
  use failure, only: end_unless, stop_with
  use simulation, only: simulation_t
  implicit none
  private
  public :: write_fields, write_pictures, heat_release

  interface
    integer(c_int) function s3d_png_write(path, nx, ny, values, low, high, scale) bind(c)
      import
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int), value :: nx, ny, scale
      real(c_double), intent(in) :: values(nx, ny)
      real(c_double), value :: low, high
    end function
  end interface

  integer, parameter :: picture_pixels = 512

contains

  !> Heat release rate (W/m3), -sum of h_k W_k omega_k, at every point.
  subroutine heat_release(sim, rate)
    type(simulation_t), intent(in) :: sim
    real(8), intent(out) :: rate(:)
    real(8), dimension(sim%b%nx, sim%f%n) :: Y, h, omega
    real(8), dimension(sim%b%nx) :: T, rho
    integer :: row, at, last, m, n
    n = sim%b%nx
    rate = 0
    if (.not. sim%f%reacting) return
    do row = 1, sim%b%ny*sim%b%nz
      at = (row - 1)*n + 1
      last = row*n
      T = sim%prim(at:last, p_T)
      rho = sim%q(at:last, i_rho)
      Y = sim%prim(at:last, p_species:p_species + sim%f%n - 1)
      call species_enthalpies(sim%f%mech, n, n, T, h)
      call production_rates(sim%f%mech, n, n, rho, T, Y, omega)
      do m = 1, sim%f%n
        rate(at:last) = rate(at:last) - h(:, m)*sim%f%mech%molecular_weight(m)*omega(:, m)
      end do
    end do
  end subroutine

  !> One .vti file: temperature, pressure, heat release, velocity and mass fractions of the last computed right-hand side.
  subroutine write_fields(sim)
    type(simulation_t), intent(in) :: sim
    character(512) :: path
    character(:), allocatable :: header
    character(200) :: line
    real(8) :: rate(sim%b%ld)
    type(MPI_File) :: file
    integer :: m, arrays, error, points
    integer(8) :: field_bytes
    integer(MPI_OFFSET_KIND) :: at
    write (path, '(2a,i6.6,a)') trim(sim%s%output), '/fields_', sim%step, '.vti'
    arrays = 6 + sim%f%n
    field_bytes = 4*product(int(sim%s%points, 8))
    call heat_release(sim, rate)

    header = '<?xml version="1.0"?>'//new_line('a')// &
             '<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">'//new_line('a')
    write (line, '(a,3(" 0 ",i0),a,3(1x,es14.7),a)') '<ImageData WholeExtent="', sim%s%points - 1, &
      '" Origin="0 0 0" Spacing="', sim%b%dx, '">'
    header = header//trim(line)//new_line('a')
    write (line, '(a,3(" 0 ",i0),a)') '<Piece Extent="', sim%s%points - 1, '"><PointData Scalars="T">'
    header = header//trim(line)//new_line('a')
    do m = 1, arrays
      write (line, '(3a,i0,a)') '<DataArray type="Float32" Name="', trim(array_name(sim, m)), '" format="appended" offset="', &
        (m - 1)*(field_bytes + 8), '"/>'
      header = header//trim(line)//new_line('a')
    end do
    header = header//'</PointData></Piece></ImageData>'//new_line('a')//'<AppendedData encoding="raw">_'

    call MPI_File_open(sim%cart, trim(path), MPI_MODE_CREATE + MPI_MODE_WRONLY, MPI_INFO_NULL, file, error)
    call end_unless(error == MPI_SUCCESS, trim(path)//': cannot be created; is the folder named by output writable?')
    call MPI_File_set_size(file, 0_MPI_OFFSET_KIND)
    if (sim%rank == 0) call MPI_File_write_at(file, 0_MPI_OFFSET_KIND, header, len(header), MPI_CHARACTER, MPI_STATUS_IGNORE)
    at = len(header)
    points = sim%b%nx*sim%b%ny*sim%b%nz
    do m = 1, arrays
      if (sim%rank == 0) call MPI_File_write_at(file, at, field_bytes, 1, MPI_INTEGER8, MPI_STATUS_IGNORE)
      at = at + 8
      select case (m)
      case (1)
        call write_block(sim, file, at, points, sim%prim(:, p_T))
      case (2)
        call write_block(sim, file, at, points, sim%p)
      case (3)
        call write_block(sim, file, at, points, rate)
      case (4:6)
        call write_block(sim, file, at, points, sim%prim(:, p_u + m - 4))
      case default
        call write_block(sim, file, at, points, sim%prim(:, p_species + m - 7))
      end select
      at = at + field_bytes
    end do
    header = new_line('a')//'</AppendedData></VTKFile>'//new_line('a')
    if (sim%rank == 0) call MPI_File_write_at(file, at, header, len(header), MPI_CHARACTER, MPI_STATUS_IGNORE)
    call MPI_File_close(file)
  end subroutine

  function array_name(sim, m) result(name)
    type(simulation_t), intent(in) :: sim
    integer, intent(in) :: m
    character(24) :: name
    character(12), parameter :: fixed(6) = [character(12) :: 'T', 'p', 'heat_release', 'u', 'v', 'w']
    if (m <= 6) then
      name = fixed(m)
    else
      name = 'Y_'//sim%f%mech%name(m - 6)
    end if
  end function

  subroutine write_block(sim, file, at, points, values)
    type(simulation_t), intent(in) :: sim
    type(MPI_File), intent(in) :: file
    integer(MPI_OFFSET_KIND), intent(in) :: at
    integer, intent(in) :: points
    real(8), intent(in) :: values(:)
    real(4) :: single(points)
    type(MPI_Datatype) :: part
    single = real(values(1:points), 4)
    call MPI_Type_create_subarray(3, sim%s%points, [sim%b%nx, sim%b%ny, sim%b%nz], sim%b%offset, MPI_ORDER_FORTRAN, MPI_REAL4, part)
    call MPI_Type_commit(part)
    call MPI_File_set_view(file, at, MPI_REAL4, part, 'native', MPI_INFO_NULL)
    call MPI_File_write_all(file, single, points, MPI_REAL4, MPI_STATUS_IGNORE)
    call MPI_File_set_view(file, 0_MPI_OFFSET_KIND, MPI_BYTE, MPI_BYTE, 'native', MPI_INFO_NULL)
    call MPI_Type_free(part)
  end subroutine

  !> Slices through the middle in z: temperature, heat release and the chosen radical.
  subroutine write_pictures(sim)
    type(simulation_t), intent(in) :: sim
    real(8) :: rate(sim%b%ld)
    integer :: m
    call heat_release(sim, rate)
    call picture(sim, 'temperature', sim%prim(:, p_T))
    call picture(sim, 'heat_release', rate)
    do m = 1, sim%f%n
      if (sim%f%mech%name(m) == sim%s%radical) call picture(sim, trim(sim%s%radical), sim%prim(:, p_species + m - 1))
    end do
  end subroutine

  subroutine picture(sim, name, values)
    type(simulation_t), intent(in) :: sim
    character(*), intent(in) :: name
    real(8), intent(in) :: values(:)
    real(8), allocatable :: plane(:, :), whole(:, :)
    character(:), allocatable :: path
    integer :: i, j, k, g(3)
    g = sim%s%points
    allocate (plane(g(1), g(2)), whole(g(1), g(2)), source=0d0)
    k = g(3)/2 + 1 - sim%b%offset(3)
    if (k >= 1 .and. k <= sim%b%nz) then
      do j = 1, sim%b%ny
        do i = 1, sim%b%nx
          plane(i + sim%b%offset(1), j + sim%b%offset(2)) = values(i + sim%b%nx*(j - 1 + sim%b%ny*(k - 1)))
        end do
      end do
    end if
    call MPI_Reduce(plane, whole, size(plane), MPI_DOUBLE_PRECISION, MPI_SUM, 0, sim%cart)
    if (sim%rank /= 0) return
    path = trim(sim%s%output)//'/'//name//'.png'
    if (s3d_png_write(path//c_null_char, g(1), g(2), whole, minval(whole), maxval(whole), &
                      max(1, picture_pixels/maxval(g(1:2)))) /= 0) call stop_with(path//': cannot be written')
    print '(3a,es11.4,a,es11.4)', 'picture ', path, ': from ', minval(whole), ' to ', maxval(whole)
  end subroutine
end module
