! The loops that a Fortran code writes for itself: which targets the pointers of a block name, and which pointers name a block.
subroutine image_loop(n, m, pointers, first, last, named, count) bind(C)
  use, intrinsic :: iso_c_binding
  implicit none
  integer(c_int64_t), value :: n, m, first, last
  integer(c_int32_t), intent(in) :: pointers(n)
  integer(c_int8_t), intent(inout) :: named(m)
  integer(c_int64_t), intent(out) :: count
  integer(c_int64_t) :: i
  named = 0
  do i = first, last
    named(pointers(i)) = 1
  end do
  count = 0
  do i = 1, m
    count = count + named(i)
  end do
end subroutine

! Sorts the points by the block of what they name: counts, then a list for each block.
subroutine preimage_loop(n, m, blocks, pointers, owner, starts, list) bind(C)
  use, intrinsic :: iso_c_binding
  implicit none
  integer(c_int64_t), value :: n, m, blocks
  integer(c_int32_t), intent(in) :: pointers(n), owner(m)
  integer(c_int64_t), intent(out) :: starts(0:blocks)
  integer(c_int32_t), intent(out) :: list(n)
  integer(c_int64_t) :: next(0:blocks), i
  integer(c_int32_t) :: b
  starts = 0
  do i = 1, n
    b = owner(pointers(i))
    starts(b + 1) = starts(b + 1) + 1
  end do
  do i = 1, blocks
    starts(i) = starts(i) + starts(i - 1)
  end do
  next = starts
  do i = 1, n
    b = owner(pointers(i))
    next(b) = next(b) + 1
    list(next(b)) = int(i, c_int32_t)
  end do
end subroutine
