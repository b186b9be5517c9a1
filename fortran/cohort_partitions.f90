!> Partitions: equal parts, restrictions, computed from what fields hold, combined from others; points of regions with holes.
module cohort_partitions
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish
  use cohort_regions, only: cohort_region_bounds
  implicit none
  private
  public :: cohort_partition_equal, cohort_partition_restriction, cohort_partition_by_field
  public :: cohort_partition_image, cohort_partition_preimage
  public :: cohort_partition_union, cohort_partition_intersection, cohort_partition_difference, cohort_partition_cross_product
  public :: cohort_partition_kind, cohort_region_points, cohort_region_rects

contains

  !> `colours` sub-regions of as nearly as possible equal numbers of points.
  subroutine cohort_partition_equal(region, colours, partition, ierr)
    type(cohort_region), intent(in) :: region
    integer, intent(in) :: colours
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    call finish(cohort_c_partition_equal(region, int(colours, c_int32_t), partition), ierr)
  end subroutine

  !> One sub-region for each point c of the rectangle of colours colour_lo..colour_hi, first dimension fastest: the points
  !> extent_lo..extent_hi moved by matmul(transform, c), as far as the region has them. transform has a row for each dimension
  !> of the region and a column for each of the colours.
  subroutine cohort_partition_restriction(region, colour_lo, colour_hi, transform, extent_lo, extent_hi, partition, ierr)
    type(cohort_region), intent(in) :: region
    integer, intent(in) :: colour_lo(:), colour_hi(:), transform(:, :), extent_lo(:), extent_hi(:)
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: columns
    integer :: dim
    integer(c_int64_t), dimension(3) :: lo, hi
    call cohort_region_bounds(region, dim, lo, hi, ierr)
    if (present(ierr)) then
      if (ierr /= COHORT_OK) return
    end if
    columns = size(transform, 2, c_int32_t)
    ! The C side refuses 0 dimensions of colours.
    if (size(colour_lo) /= columns .or. size(colour_hi) /= columns .or. size(transform, 1) /= dim .or. &
        size(extent_lo) /= dim .or. size(extent_hi) /= dim) columns = 0
    call finish(cohort_c_partition_restriction(region, columns, int(colour_lo, c_int64_t), int(colour_hi, c_int64_t), &
      reshape(transpose(int(transform, c_int64_t)), [size(transform)]), int(extent_lo, c_int64_t), int(extent_hi, c_int64_t), &
      partition), ierr)
  end subroutine

  !> `colours` sub-regions: a point is in sub-region v if the field, integer(4) or integer(8), holds v there; in none if v is not
  !> from 0 to colours-1. Waits for the operations that write the field.
  subroutine cohort_partition_by_field(ctx, region, field, colours, partition, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: region
    integer(c_int32_t), intent(in) :: field
    integer, intent(in) :: colours
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    call finish(cohort_c_partition_by_field(ctx, region, field, int(colours, c_int32_t), partition), ierr)
  end subroutine

  !> Sub-region c of the target holds the points that the field names at the points of sub-region c of `sources`. The field holds
  !> one integer for each of the target's dimensions, or with range=.true. those of a lower and of an upper end. Points outside
  !> of the target are left out. Waits for the operations that write the field.
  subroutine cohort_partition_image(ctx, target, sources, field, partition, range, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: target
    type(cohort_partition), intent(in) :: sources
    integer(c_int32_t), intent(in) :: field
    type(cohort_partition), intent(out) :: partition
    logical, intent(in), optional :: range
    integer, intent(out), optional :: ierr
    if (is(range)) then
      call finish(cohort_c_partition_image_range(ctx, target, sources, field, partition), ierr)
    else
      call finish(cohort_c_partition_image(ctx, target, sources, field, partition), ierr)
    end if
  end subroutine

  !> Sub-region c of the source holds the points at which the field names a point of sub-region c of `targets`; values as for
  !> cohort_partition_image. Waits for the operations that write the field.
  subroutine cohort_partition_preimage(ctx, source, targets, field, partition, range, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_region), intent(in) :: source
    type(cohort_partition), intent(in) :: targets
    integer(c_int32_t), intent(in) :: field
    type(cohort_partition), intent(out) :: partition
    logical, intent(in), optional :: range
    integer, intent(out), optional :: ierr
    if (is(range)) then
      call finish(cohort_c_partition_preimage_range(ctx, source, targets, field, partition), ierr)
    else
      call finish(cohort_c_partition_preimage(ctx, source, targets, field, partition), ierr)
    end if
  end subroutine

  pure logical function is(answer)
    logical, intent(in), optional :: answer
    is = .false.
    if (present(answer)) is = answer
  end function

  !> Sub-region c has the points of sub-region c of a or of b, as far as `region` has them.
  subroutine cohort_partition_union(region, a, b, partition, ierr)
    type(cohort_region), intent(in) :: region
    type(cohort_partition), intent(in) :: a, b
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    call finish(cohort_c_partition_union(region, a, b, partition), ierr)
  end subroutine

  !> Sub-region c has the points of sub-region c of a and of b, as far as `region` has them.
  subroutine cohort_partition_intersection(region, a, b, partition, ierr)
    type(cohort_region), intent(in) :: region
    type(cohort_partition), intent(in) :: a, b
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    call finish(cohort_c_partition_intersection(region, a, b, partition), ierr)
  end subroutine

  !> Sub-region c has the points of sub-region c of a that that of b does not have, as far as `region` has them.
  subroutine cohort_partition_difference(region, a, b, partition, ierr)
    type(cohort_region), intent(in) :: region
    type(cohort_partition), intent(in) :: a, b
    type(cohort_partition), intent(out) :: partition
    integer, intent(out), optional :: ierr
    call finish(cohort_c_partition_difference(region, a, b, partition), ierr)
  end subroutine

  !> partitions(c+1) divides sub-region c of a by the sub-regions of b.
  subroutine cohort_partition_cross_product(a, b, partitions, ierr)
    type(cohort_partition), intent(in) :: a, b
    type(cohort_partition), allocatable, intent(out) :: partitions(:)
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: count, status
    status = cohort_c_partition_count(a, count)
    if (status == COHORT_OK) then
      allocate (partitions(count))
      status = cohort_c_partition_cross_product(a, b, partitions)
    end if
    call finish(status, ierr)
  end subroutine

  !> Whether no two sub-regions share a point, and whether every point of the region is in one.
  subroutine cohort_partition_kind(partition, disjoint, complete, ierr)
    type(cohort_partition), intent(in) :: partition
    logical, intent(out) :: disjoint, complete
    integer, intent(out), optional :: ierr
    logical(c_bool) :: one, other
    one = .false.; other = .false.
    call finish(cohort_c_partition_kind(partition, one, other), ierr)
    disjoint = one; complete = other
  end subroutine

  !> The number of points.
  subroutine cohort_region_points(region, points, ierr)
    type(cohort_region), intent(in) :: region
    integer(c_int64_t), intent(out) :: points
    integer, intent(out), optional :: ierr
    integer(c_int32_t) :: rects
    points = 0
    call finish(cohort_c_region_points(region, points, rects), ierr)
  end subroutine

  !> The disjoint rectangles lo(:,i)..hi(:,i) that the region's points make up: one unless it has holes, none when it is empty.
  subroutine cohort_region_rects(region, lo, hi, ierr)
    type(cohort_region), intent(in) :: region
    integer(c_int64_t), allocatable, intent(out) :: lo(:, :), hi(:, :)
    integer, intent(out), optional :: ierr
    integer(c_int64_t) :: points, bounds(3, 2)
    integer(c_int32_t) :: dim, rects, status
    status = cohort_c_region_points(region, points, rects)
    if (status == COHORT_OK) status = cohort_c_region_bounds(region, dim, bounds(:, 1), bounds(:, 2))
    if (status == COHORT_OK) then
      allocate (lo(dim, rects), hi(dim, rects))
      status = cohort_c_region_rects(region, rects, lo, hi)
    end if
    call finish(status, ierr)
  end subroutine
end module
