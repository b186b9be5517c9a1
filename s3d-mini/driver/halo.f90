!> Nonblocking exchange of ghost planes between the blocks of a Cartesian communicator: one message a face carries all fields.
!> A receive buffer is the ghost array itself, so nothing is unpacked; a block that is its own neighbour copies.
module halo
  use mpi_f08
  use block, only: block_t, ghost_t
  implicit none
  private
  public :: halo_t, halo_create, halo_destroy, halo_start, halo_finish, halo_progress

  type :: buffer_t
    real(8), pointer, contiguous :: data(:) => null()
  end type

  type :: halo_t
    type(ghost_t), allocatable :: ghost(:)      !< by field
    integer :: depth = 0, fields = 0
    integer :: neighbour(2, 3) = MPI_PROC_NULL
    integer :: rank = -1
    type(MPI_Comm) :: comm
    type(buffer_t) :: received(2, 3), sent(2, 3)
    type(MPI_Request) :: request(4, 3)
  end type

contains

  subroutine halo_create(h, b, cart, depth, fields)
    type(halo_t), intent(out) :: h
    type(block_t), intent(in) :: b
    type(MPI_Comm), intent(in) :: cart
    integer, intent(in) :: depth, fields
    integer :: d, side, m, shape3(3), plane
    h%comm = cart
    h%depth = depth
    h%fields = fields
    h%request = MPI_REQUEST_NULL
    allocate (h%ghost(fields))
    call MPI_Comm_rank(cart, h%rank)
    do d = 1, 3
      if (.not. b%active(d)) cycle
      call MPI_Cart_shift(cart, d - 1, 1, h%neighbour(1, d), h%neighbour(2, d))
      shape3 = [b%nx, b%ny, b%nz]
      shape3(d) = depth
      plane = product(shape3)
      do side = 1, 2
        if (h%neighbour(side, d) == MPI_PROC_NULL) cycle
        allocate (h%received(side, d)%data(plane*fields))
        if (h%neighbour(side, d) /= h%rank) allocate (h%sent(side, d)%data(plane*fields))
        do m = 1, fields
          h%ghost(m)%face(side, d)%p(1:shape3(1), 1:shape3(2), 1:shape3(3)) => &
            h%received(side, d)%data((m - 1)*plane + 1:m*plane)
        end do
      end do
    end do
  end subroutine

  subroutine halo_destroy(h)
    type(halo_t), intent(inout) :: h
    integer :: d, side
    do d = 1, 3
      do side = 1, 2
        if (associated(h%received(side, d)%data)) deallocate (h%received(side, d)%data)
        if (associated(h%sent(side, d)%data)) deallocate (h%sent(side, d)%data)
      end do
    end do
    deallocate (h%ghost)
  end subroutine

  !> Send the outer planes of all fields in direction d; the ghost planes may be read after halo_finish.
  subroutine halo_start(h, b, d, f)
    type(halo_t), intent(inout) :: h
    type(block_t), intent(in) :: b
    integer, intent(in) :: d
    real(8), intent(in) :: f(b%ld, *)
    integer :: side, other
    if (.not. b%active(d)) return
    do side = 1, 2
      if (h%neighbour(side, d) == MPI_PROC_NULL .or. h%neighbour(side, d) == h%rank) cycle
      call MPI_Irecv(h%received(side, d)%data, size(h%received(side, d)%data), MPI_DOUBLE_PRECISION, h%neighbour(side, d), &
                     tag(d, side), h%comm, h%request(side, d))
    end do
    do side = 1, 2
      other = 3 - side
      if (h%neighbour(side, d) == MPI_PROC_NULL) cycle
      if (h%neighbour(side, d) == h%rank) then
        call pack_face(b, d, side, h%depth, h%fields, f, h%received(other, d)%data)
      else
        call pack_face(b, d, side, h%depth, h%fields, f, h%sent(side, d)%data)
        call MPI_Isend(h%sent(side, d)%data, size(h%sent(side, d)%data), MPI_DOUBLE_PRECISION, h%neighbour(side, d), &
                       tag(d, other), h%comm, h%request(2 + side, d))
      end if
    end do
  end subroutine

  subroutine halo_finish(h, d)
    type(halo_t), intent(inout) :: h
    integer, intent(in) :: d
    call MPI_Waitall(4, h%request(:, d), MPI_STATUSES_IGNORE)
  end subroutine

  !> Let MPI move messages that are under way: most libraries do so only inside calls.
  subroutine halo_progress(h)
    type(halo_t), intent(inout) :: h
    logical :: done
    integer :: d
    do d = 1, 3
      call MPI_Testall(4, h%request(:, d), done, MPI_STATUSES_IGNORE)
    end do
  end subroutine

  !> A message is named after the side of the receiver it fills.
  pure integer function tag(d, side)
    integer, intent(in) :: d, side
    tag = 2*d + side
  end function

  subroutine pack_face(b, d, side, depth, fields, f, buffer)
    type(block_t), intent(in) :: b
    integer, intent(in) :: d, side, depth, fields
    real(8), intent(in) :: f(b%ld, fields)
    real(8), intent(out) :: buffer(*)
    integer :: lo(3), n(3), m
    n = [b%nx, b%ny, b%nz]
    lo = 1
    if (side == 2) lo(d) = n(d) - depth + 1
    n(d) = depth
    do m = 1, fields
      call copy_box(b, lo, n, f(1, m), buffer((m - 1)*product(n) + 1))
    end do
  end subroutine

  subroutine copy_box(b, lo, n, f, buffer)
    type(block_t), intent(in) :: b
    integer, intent(in) :: lo(3), n(3)
    real(8), intent(in) :: f(b%nx, b%ny, b%nz)
    real(8), intent(out) :: buffer(n(1), n(2), n(3))
    integer :: j, k
    do k = 1, n(3)
      do j = 1, n(2)
        buffer(:, j, k) = f(lo(1):lo(1) + n(1) - 1, lo(2) + j - 1, lo(3) + k - 1)
      end do
    end do
  end subroutine
end module
