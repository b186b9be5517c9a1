! The loops that a Fortran code writes for itself to bring its arrays into another layout and back.
subroutine soa_to_aos(n, fields, soa, aos) bind(C)
  use, intrinsic :: iso_c_binding
  implicit none
  integer(c_int64_t), value :: n, fields
  real(c_double), intent(in) :: soa(n, fields)
  real(c_double), intent(out) :: aos(fields, n)
  integer(c_int64_t) :: i, f
  do i = 1, n
    do f = 1, fields
      aos(f, i) = soa(i, f)
    end do
  end do
end subroutine

subroutine aos_to_soa(n, fields, aos, soa) bind(C)
  use, intrinsic :: iso_c_binding
  implicit none
  integer(c_int64_t), value :: n, fields
  real(c_double), intent(in) :: aos(fields, n)
  real(c_double), intent(out) :: soa(n, fields)
  integer(c_int64_t) :: i, f
  do i = 1, n
    do f = 1, fields
      soa(i, f) = aos(f, i)
    end do
  end do
end subroutine

! In tiles, as one writes it who knows caches.
subroutine transpose_tiles(n, m, a, b) bind(C)
  use, intrinsic :: iso_c_binding
  implicit none
  integer(c_int64_t), value :: n, m
  real(c_double), intent(in) :: a(n, m)
  real(c_double), intent(out) :: b(m, n)
  integer(c_int64_t), parameter :: tile = 32
  integer(c_int64_t) :: i, j, i0, j0
  do j0 = 1, m, tile
    do i0 = 1, n, tile
      do i = i0, min(n, i0 + tile - 1)
        do j = j0, min(m, j0 + tile - 1)
          b(j, i) = a(i, j)
        end do
      end do
    end do
  end do
end subroutine

subroutine transpose_whole(n, m, a, b) bind(C)
  use, intrinsic :: iso_c_binding
  implicit none
  integer(c_int64_t), value :: n, m
  real(c_double), intent(in) :: a(n, m)
  real(c_double), intent(out) :: b(m, n)
  b = transpose(a)
end subroutine
