!> Index spaces, field spaces, regions, partitions; arrays attached in place.
module cohort_regions
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish, too_small, differ, c_text
  implicit none
  private
  public :: cohort_index_space_create, cohort_index_space_create_rects, cohort_index_space_destroy
  public :: cohort_field_space_create, cohort_field_space_destroy
  public :: cohort_field_allocate, cohort_fields_allocate, cohort_region_create, cohort_region_destroy, cohort_region_bounds
  public :: cohort_partition_blocks, cohort_partition_rects, cohort_partition_tiles_halo, cohort_partition_count
  public :: cohort_partition_destroy, cohort_subregion, cohort_attach, cohort_detach, cohort_fill
  public :: dimension_differs

contains

  !> Points lo(d)..hi(d) in each of size(lo) dimensions, both ends included.
  subroutine cohort_index_space_create(rt, lo, hi, space, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(in) :: lo(:), hi(:)
    type(cohort_index_space), intent(out) :: space
    integer, intent(out), optional :: ierr
    if (differ('cohort_index_space_create', 'hi', size(hi), 'lo', size(lo), ierr)) return
    call finish(cohort_c_index_space_create(rt, size(lo, kind=c_int32_t), int(lo, c_int64_t), int(hi, c_int64_t), space), ierr)
  end subroutine

  !> The points of any of the rectangles lo(:,i)..hi(:,i), which may overlap and leave holes between them.
  subroutine cohort_index_space_create_rects(rt, lo, hi, space, ierr)
    type(cohort_runtime), intent(in) :: rt
    integer, intent(in) :: lo(:, :), hi(:, :)
    type(cohort_index_space), intent(out) :: space
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: dim
    dim = size(lo, 1, c_int32_t)
    ! The C side refuses 0 dimensions.
    if (any(shape(lo) /= shape(hi))) dim = 0
    call finish(cohort_c_index_space_create_rects(rt, dim, size(lo, 2, c_int32_t), reshape(int(lo, c_int64_t), [size(lo)]), &
      reshape(int(hi, c_int64_t), [size(hi)]), space), ierr)
  end subroutine

  !> Clears the handle. Regions made from it live on.
  subroutine cohort_index_space_destroy(space, ierr)
    type(cohort_index_space), intent(inout) :: space
    integer, intent(out), optional :: ierr
    call finish(cohort_c_index_space_destroy(space), ierr)
  end subroutine

  !> An empty field space; add fields, then make regions from it.
  subroutine cohort_field_space_create(rt, space, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_field_space), intent(out) :: space
    integer, intent(out), optional :: ierr
    call finish(cohort_c_field_space_create(rt, space), ierr)
  end subroutine

  !> Clears the handle. Regions made from it live on.
  subroutine cohort_field_space_destroy(space, ierr)
    type(cohort_field_space), intent(inout) :: space
    integer, intent(out), optional :: ierr
    call finish(cohort_c_field_space_destroy(space), ierr)
  end subroutine

  !> A new field of `bytes` bytes a point. `name` appears in messages.
  subroutine cohort_field_allocate(space, bytes, name, field, ierr)
    type(cohort_field_space), intent(in) :: space
    integer, intent(in) :: bytes
    character(len=*), intent(in) :: name
    integer(c_int32_t), intent(out) :: field
    integer, intent(out), optional :: ierr
    character(kind=c_char), target :: text(len_trim(name) + 1)
    if (too_small('cohort_field_allocate', 'bytes', bytes, 1, ierr)) return
    text = c_text(name)
    call finish(cohort_c_field_allocate(space, int(bytes, c_size_t), c_loc(text), field), ierr)
  end subroutine

  !> size(fields) new fields of `bytes` bytes a point (8 for real(8)); their ids come back in `fields`.
  subroutine cohort_fields_allocate(space, bytes, fields, ierr)
    type(cohort_field_space), intent(in) :: space
    integer, intent(in) :: bytes
    integer(c_int32_t), intent(out) :: fields(:)
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: first, status
    integer :: i
    if (too_small('cohort_fields_allocate', 'bytes', bytes, 1, ierr)) return
    status = cohort_c_fields_allocate(space, int(bytes, c_size_t), size(fields, kind=c_int32_t), first)
    if (status == COHORT_OK) fields = [(first + i - 1, i=1, size(fields))]
    call finish(status, ierr)
  end subroutine

  !> Every point of `space` has every field of `fields`. Storage appears when first used, unless arrays are attached.
  subroutine cohort_region_create(rt, space, fields, region, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(cohort_index_space), intent(in) :: space
    type(cohort_field_space), intent(in) :: fields
    type(cohort_region), intent(out) :: region
    integer, intent(out), optional :: ierr
    call finish(cohort_c_region_create(rt, space, fields, region), ierr)
  end subroutine

  !> Clears the handle. Operations that were launched on it still complete.
  subroutine cohort_region_destroy(region, ierr)
    type(cohort_region), intent(inout) :: region
    integer, intent(out), optional :: ierr
    call finish(cohort_c_region_destroy(region), ierr)
  end subroutine

  !> Whether `what` has not one entry for each dimension of the region; the call is then refused. What is wrong with the region
  !> itself, the call will find.
  function dimension_differs(procedure, what, has, region, ierr) result(refused)
    character(len=*), intent(in) :: procedure, what
    integer, intent(in) :: has
    type(cohort_region), intent(in) :: region
    integer, intent(out), optional :: ierr
    logical :: refused
    integer(c_int32_t) :: dim
    integer(c_int64_t) :: lo(3), hi(3)
    refused = .false.
    if (cohort_c_region_bounds(region, dim, lo, hi) == COHORT_OK) then
      refused = differ(procedure, what, has, 'the region''s index space', int(dim), ierr)
    end if
  end function

  !> Dimensions and inclusive bounds; only the first `dim` entries of lo and hi count.
  subroutine cohort_region_bounds(region, dim, lo, hi, ierr)
    type(cohort_region), intent(in) :: region
    integer, intent(out) :: dim
    integer(c_int64_t), intent(out) :: lo(3), hi(3)
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: dimensions
    lo = 0; hi = 0
    call finish(cohort_c_region_bounds(region, dimensions, lo, hi), ierr)
    dim = dimensions
  end subroutine

  !> counts(d) near-equal blocks in dimension d; colours count from 0, first dimension fastest.
  subroutine cohort_partition_blocks(region, counts, partition, ierr)
    type(cohort_region), intent(in) :: region
    integer, intent(in) :: counts(:)
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    integer(c_int64_t) :: padded(3)
    if (dimension_differs('cohort_partition_blocks', 'counts', size(counts), region, ierr)) return
    padded = 1
    padded(:min(3, size(counts))) = counts(:min(3, size(counts)))
    call finish(cohort_c_partition_blocks(region, padded, partition), ierr)
  end subroutine

  !> Sub-region c-1 is the rectangle lo(:,c)..hi(:,c); rectangles may overlap.
  subroutine cohort_partition_rects(region, lo, hi, partition, ierr)
    type(cohort_region), intent(in) :: region
    integer, intent(in) :: lo(:, :), hi(:, :)
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    if (dimension_differs('cohort_partition_rects', 'the first dimension of lo', size(lo, 1), region, ierr)) return
    if (dimension_differs('cohort_partition_rects', 'the first dimension of hi', size(hi, 1), region, ierr)) return
    if (differ('cohort_partition_rects', 'the second dimension of hi', size(hi, 2), 'that of lo', size(lo, 2), ierr)) return
    call finish(cohort_c_partition_rects(region, size(lo, 2, c_int32_t), &
      reshape(int(lo, c_int64_t), [size(lo)]), reshape(int(hi, c_int64_t), [size(hi)]), partition), ierr)
  end subroutine

  !> Each block grown by depth(d) points on both sides of dimension d, clipped to the region.
  subroutine cohort_partition_tiles_halo(blocks, depth, partition, ierr)
    type(cohort_partition), intent(in) :: blocks
    integer, intent(in) :: depth(:)
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    integer(c_int64_t) :: padded(3)
    type(cohort_region) :: block
    if (cohort_c_subregion(blocks, 0_c_int32_t, block) == COHORT_OK) then
      if (dimension_differs('cohort_partition_tiles_halo', 'depth', size(depth), block, ierr)) return
    end if
    padded = 0
    padded(:min(3, size(depth))) = depth(:min(3, size(depth)))
    call finish(cohort_c_partition_tiles_halo(blocks, padded, partition), ierr)
  end subroutine

  !> The number of sub-regions.
  subroutine cohort_partition_count(partition, count, ierr)
    type(cohort_partition), intent(in) :: partition
    integer(c_int32_t), intent(out) :: count
    integer, intent(out), optional :: ierr
    call finish(cohort_c_partition_count(partition, count), ierr)
  end subroutine

  !> Clears the handle, and ends the handles of its sub-regions.
  subroutine cohort_partition_destroy(partition, ierr)
    type(cohort_partition), intent(inout) :: partition
    integer, intent(out), optional :: ierr
    call finish(cohort_c_partition_destroy(partition), ierr)
  end subroutine

  !> Colours count from 0, as in C.
  subroutine cohort_subregion(partition, colour, region, ierr)
    type(cohort_partition), intent(in) :: partition
    integer, intent(in) :: colour
    type(cohort_region), intent(out) :: region
    integer, intent(out), optional :: ierr
    if (too_small('cohort_subregion', 'colour', colour, 0, ierr)) return
    call finish(cohort_c_subregion(partition, int(colour, c_int32_t), region), ierr)
  end subroutine

  !> Uses `array` (whole, or a slice such as q(1:nx,1:ny,1:nz,:)) in place as the storage of `fields`; no copy is made.
  !> Its extents must be those of the region. `field_dimension` says which dimension of the array counts fields:
  !> 0 none (one field), 1 first (component-first arrays), rank(array) last. The array must stay where it is, and be
  !> left alone while tasks may use it, until `cohort_detach`; give it the TARGET attribute.
  subroutine cohort_attach(ctx, region, fields, array, field_dimension, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in) :: fields(:)
    type(*), dimension(..), intent(in), target :: array
    integer, intent(in), optional :: field_dimension
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: dimension
    dimension = 0
    if (present(field_dimension)) dimension = int(field_dimension, c_int32_t)
    call finish(cohort_c_attach_array(ctx, region, size(fields, kind=c_int32_t), fields, array, dimension), ierr)
  end subroutine

  !> Waits for what uses the fields; their content then lies in the array and the array is the caller's again.
  subroutine cohort_detach(ctx, region, fields, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in) :: fields(:)
    integer, intent(out), optional :: ierr
    call finish(cohort_c_detach(ctx, region, size(fields, kind=c_int32_t), fields), ierr)
  end subroutine

  !> Sets every point of `fields` to `value`, a scalar of the fields' type. Returns at once; the value is copied.
  subroutine cohort_fill(ctx, region, fields, value, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in) :: fields(:)
    type(*), dimension(..), intent(in), contiguous, target :: value
    integer, intent(out), optional :: ierr
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    call cohort_c_span(value, address, bytes)
    call finish(cohort_c_fill(ctx, region, size(fields, kind=c_int32_t), fields, address, bytes), ierr)
  end subroutine
end module cohort_regions
