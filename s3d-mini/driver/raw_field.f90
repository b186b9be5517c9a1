!> Raw files of fields over the whole grid: 64-bit, Fortran order, one field after the other. Each rank reads and writes for
!> itself: collective writes of Open MPI 4.1 (ompio) gave some blocks of 2 x 2 ranks the bytes of others.
module raw_field
  use mpi_f08
  use failure, only: end_unless
  use simulation, only: simulation_t
  implicit none
  private
  public :: raw_read, raw_write

contains

  subroutine raw_read(sim, path, f)
    type(simulation_t), intent(in) :: sim
    character(*), intent(in) :: path
    real(8), intent(inout) :: f(:, :)
    type(MPI_File) :: file
    integer(MPI_OFFSET_KIND) :: bytes
    character(120) :: sizes
    integer :: error, m, n
    logical :: good
    call MPI_File_open(sim%cart, path, MPI_MODE_RDONLY, MPI_INFO_NULL, file, error)
    call end_unless(error == MPI_SUCCESS, path//': cannot be opened')
    call MPI_File_get_size(file, bytes)
    write (sizes, '(i0,a,i0)') bytes, ' bytes long; 8 bytes times points times fields are ', field_bytes(sim)*size(f, 2)
    call end_unless(bytes == field_bytes(sim)*size(f, 2), path//': is '//sizes)
    n = sim%b%nx*sim%b%ny*sim%b%nz
    good = .true.
    do m = 1, size(f, 2)
      call set_view(sim, file, m)
      call MPI_File_read(file, f(:, m), n, MPI_DOUBLE_PRECISION, MPI_STATUS_IGNORE, error)
      good = good .and. error == MPI_SUCCESS
    end do
    call MPI_File_close(file)
    call end_unless(good, path//': cannot be read')
  end subroutine

  subroutine raw_write(sim, path, f)
    type(simulation_t), intent(in) :: sim
    character(*), intent(in) :: path
    real(8), intent(in) :: f(:, :)
    type(MPI_File) :: file
    integer :: error, m, n
    logical :: good
    call MPI_File_open(sim%cart, path, MPI_MODE_CREATE + MPI_MODE_WRONLY, MPI_INFO_NULL, file, error)
    call end_unless(error == MPI_SUCCESS, path//': cannot be created')
    call MPI_File_set_size(file, field_bytes(sim)*size(f, 2))
    n = sim%b%nx*sim%b%ny*sim%b%nz
    good = .true.
    do m = 1, size(f, 2)
      call set_view(sim, file, m)
      call MPI_File_write(file, f(:, m), n, MPI_DOUBLE_PRECISION, MPI_STATUS_IGNORE, error)
      good = good .and. error == MPI_SUCCESS
    end do
    call MPI_File_close(file)
    call end_unless(good, path//': cannot be written; is the disk full?')
  end subroutine

  pure integer(MPI_OFFSET_KIND) function field_bytes(sim)
    type(simulation_t), intent(in) :: sim
    field_bytes = 8*product(int(sim%s%points, MPI_OFFSET_KIND))
  end function

  !> This block's part of the m-th field.
  subroutine set_view(sim, file, m)
    type(simulation_t), intent(in) :: sim
    type(MPI_File), intent(in) :: file
    integer, intent(in) :: m
    type(MPI_Datatype) :: part
    call MPI_Type_create_subarray(3, sim%s%points, [sim%b%nx, sim%b%ny, sim%b%nz], sim%b%offset, MPI_ORDER_FORTRAN, &
                                  MPI_DOUBLE_PRECISION, part)
    call MPI_Type_commit(part)
    call MPI_File_set_view(file, (m - 1)*field_bytes(sim), MPI_DOUBLE_PRECISION, part, 'native', MPI_INFO_NULL)
    call MPI_Type_free(part)
  end subroutine
end module
