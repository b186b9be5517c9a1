!> What a launch tells the kernels of a tile, as in tile.h.
module tile_arguments
  use, intrinsic :: iso_c_binding, only: c_double, c_int, c_int64_t
  use block, only: block_t
  implicit none
  private
  public :: tile_arguments_t, update_arguments_t, filter_arguments_t, arguments_of

  type, bind(c) :: tile_arguments_t
    integer(c_int) :: tile = 0, active(3) = 0, open_low(3) = 0, open_high(3) = 0
    integer(c_int64_t) :: points(3) = 0
    real(c_double) :: inverse_spacing(3) = 0
  end type

  !> Of an update, as in update.c.
  type, bind(c) :: update_arguments_t
    integer(c_int) :: tile = 0, first = 0
    real(c_double) :: factors(2) = 0
  end type

  !> Of a filter, as in filter.c: direction 0, 1 or 2.
  type, bind(c) :: filter_arguments_t
    type(tile_arguments_t) :: tile
    integer(c_int64_t) :: direction = 0
  end type

contains

  pure function arguments_of(b, tile) result(arguments)
    type(block_t), intent(in) :: b
    integer, intent(in) :: tile
    type(tile_arguments_t) :: arguments
    arguments%tile = tile
    arguments%active = merge(1, 0, b%active)
    arguments%open_low = merge(1, 0, b%open_end(1, :))
    arguments%open_high = merge(1, 0, b%open_end(2, :))
    arguments%points = [b%nx, b%ny, b%nz]
    arguments%inverse_spacing = 1/b%dx
  end function
end module
