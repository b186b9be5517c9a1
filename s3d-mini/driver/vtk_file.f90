!> Fields as one VTK image file a time, which ParaView opens: raw appended 32-bit data, every rank writes its block.
module vtk_file
  use mpi_f08
  use derived_fields, only: primitives_of, heat_release
  use flow, only: p_u, p_T, p_species
  use failure, only: end_unless
  use simulation, only: simulation_t
  implicit none
  private
  public :: write_fields

contains

  !> One .vti file: temperature, pressure, heat release, velocity and mass fractions.
  subroutine write_fields(sim)
    type(simulation_t), intent(in) :: sim
    character(512) :: path
    character(:), allocatable :: header
    character(200) :: line
    real(8) :: rate(sim%b%ld)
    real(8), allocatable :: prim(:, :), p(:)
    type(MPI_File) :: file
    integer :: m, arrays, error, points
    logical :: good
    integer(8) :: field_bytes
    integer(MPI_OFFSET_KIND) :: at
    write (path, '(2a,i6.6,a)') trim(sim%s%output), '/fields_', sim%step, '.vti'
    arrays = 6 + sim%f%n
    field_bytes = 4*product(int(sim%s%points, 8))
    call primitives_of(sim, prim, p)
    call heat_release(sim, prim, rate)

    header = '<?xml version="1.0"?>'//new_line('a')// &
             '<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">'//new_line('a')
    write (line, '(a,3(" 0 ",i0),a,3(1x,es14.7),a)') '<ImageData WholeExtent="', sim%s%points - 1, &
      '" Origin="0 0 0" Spacing="', sim%b%dx, '">'
    header = header//trim(line)//new_line('a')
    write (line, '(a,es22.15,a)') '<FieldData><DataArray type="Float64" Name="TimeValue" NumberOfTuples="1" format="ascii">', &
      sim%time, '</DataArray></FieldData>'
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
    good = .true.
    call write_bytes(sim, file, 0_MPI_OFFSET_KIND, header, good)
    at = len(header)
    points = sim%b%nx*sim%b%ny*sim%b%nz
    do m = 1, arrays
      call write_bytes(sim, file, at, transfer(field_bytes, repeat(' ', 8)), good)
      at = at + 8
      select case (m)
      case (1)
        call write_block(sim, file, at, points, prim(:, p_T), good)
      case (2)
        call write_block(sim, file, at, points, p, good)
      case (3)
        call write_block(sim, file, at, points, rate, good)
      case (4:6)
        call write_block(sim, file, at, points, prim(:, p_u + m - 4), good)
      case default
        call write_block(sim, file, at, points, prim(:, p_species + m - 7), good)
      end select
      at = at + field_bytes
    end do
    call write_bytes(sim, file, at, new_line('a')//'</AppendedData></VTKFile>'//new_line('a'), good)
    call MPI_File_close(file)
    call end_unless(good, trim(path)//': cannot be written; is the disk full?')
    if (sim%rank == 0) print '(2a)', 'fields ', trim(path)
  end subroutine

  !> Rank 0 writes what is not a field's part.
  subroutine write_bytes(sim, file, at, bytes, good)
    type(simulation_t), intent(in) :: sim
    type(MPI_File), intent(in) :: file
    integer(MPI_OFFSET_KIND), intent(in) :: at
    character(*), intent(in) :: bytes
    logical, intent(inout) :: good
    integer :: error
    if (sim%rank /= 0) return
    call MPI_File_write_at(file, at, bytes, len(bytes), MPI_CHARACTER, MPI_STATUS_IGNORE, error)
    good = good .and. error == MPI_SUCCESS
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

  subroutine write_block(sim, file, at, points, values, good)
    type(simulation_t), intent(in) :: sim
    type(MPI_File), intent(in) :: file
    integer(MPI_OFFSET_KIND), intent(in) :: at
    integer, intent(in) :: points
    real(8), intent(in) :: values(:)
    logical, intent(inout) :: good
    real(4) :: single(points)
    type(MPI_Datatype) :: part
    integer :: error
    single = real(values(1:points), 4)
    call MPI_Type_create_subarray(3, sim%s%points, [sim%b%nx, sim%b%ny, sim%b%nz], sim%b%offset, MPI_ORDER_FORTRAN, MPI_REAL4, part)
    call MPI_Type_commit(part)
    call MPI_File_set_view(file, at, MPI_REAL4, part, 'native', MPI_INFO_NULL)
    ! Each rank for itself: collective writes of Open MPI 4.1 (ompio) gave some blocks of 2 x 2 ranks the bytes of others.
    call MPI_File_write(file, single, points, MPI_REAL4, MPI_STATUS_IGNORE, error)
    good = good .and. error == MPI_SUCCESS
    call MPI_File_set_view(file, 0_MPI_OFFSET_KIND, MPI_BYTE, MPI_BYTE, 'native', MPI_INFO_NULL)
    call MPI_Type_free(part)
  end subroutine
end module
