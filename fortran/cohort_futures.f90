!> Futures: values that tasks give and take, one by one or point by point.
module cohort_futures
  use, intrinsic :: iso_c_binding
  use cohort_types
  use cohort_c
  use cohort_support, only: finish, too_small
  implicit none
  private
  public :: cohort_task_result, cohort_task_future
  public :: cohort_future_map_count, cohort_future_map_get, cohort_future_map_future, cohort_future_map_wait, &
    cohort_future_map_reduce, cohort_future_map_destroy
  public :: cohort_future_get, cohort_future_test, cohort_future_destroy, cohort_future_value

contains

  !> Copies the value of future argument number `index` (from 1) to `value`, a variable of the type and size of the result.
  subroutine cohort_task_future(task, index, value, ierr)
    type(cohort_context), intent(in) :: task
    integer, intent(in) :: index
    type(*), dimension(..), intent(inout), contiguous, target :: value
    integer, intent(out), optional :: ierr
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    if (too_small('cohort_task_future', 'index', index, 1, ierr)) return
    call cohort_c_span(value, address, bytes)
    call finish(cohort_c_task_future_get(task, int(index - 1, c_int32_t), address, bytes), ierr)
  end subroutine

  !> The task's result, a scalar or an array, copied into its future.
  subroutine cohort_task_result(task, value, ierr)
    type(cohort_context), intent(in) :: task
    type(*), dimension(..), intent(in), contiguous, target :: value
    integer, intent(out), optional :: ierr
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    call cohort_c_span(value, address, bytes)
    call finish(cohort_c_task_result(task, address, bytes), ierr)
  end subroutine

  !> Waits for the future and copies its value to `value`, a variable of the type and size of the result.
  subroutine cohort_future_get(future, value, ierr)
    type(cohort_future), intent(in) :: future
    type(*), dimension(..), intent(inout), contiguous, target :: value
    integer, intent(out), optional :: ierr
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    call cohort_c_span(value, address, bytes)
    call finish(cohort_c_future_get(future, address, bytes), ierr)
  end subroutine

  !> Whether the value is there.
  subroutine cohort_future_test(future, ready, ierr)
    type(cohort_future), intent(in) :: future
    logical, intent(out) :: ready
    integer, intent(out), optional :: ierr
    logical(c_bool) :: answer
    answer = .false.
    call finish(cohort_c_future_test(future, answer), ierr)
    ready = answer
  end subroutine

  !> Clears the handle. Operations that use the future still get its value.
  subroutine cohort_future_destroy(future, ierr)
    type(cohort_future), intent(inout) :: future
    integer, intent(out), optional :: ierr
    call finish(cohort_c_future_destroy(future), ierr)
  end subroutine

  !> A future that has `value` (copied) from the start.
  subroutine cohort_future_value(rt, value, future, ierr)
    type(cohort_runtime), intent(in) :: rt
    type(*), dimension(..), intent(in), contiguous, target :: value
    type(cohort_future), intent(out) :: future
    integer, intent(out), optional :: ierr
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    call cohort_c_span(value, address, bytes)
    call finish(cohort_c_future_value(rt, address, bytes, future), ierr)
  end subroutine

  !> The number of points.
  subroutine cohort_future_map_count(map, points, ierr)
    type(cohort_future_map), intent(in) :: map
    integer(c_int32_t), intent(out) :: points
    integer, intent(out), optional :: ierr
    call finish(cohort_c_future_map_count(map, points), ierr)
  end subroutine

  !> Waits for the value of a point (from 0) and copies it to `value`, a variable of the type and size of the result.
  subroutine cohort_future_map_get(map, point, value, ierr)
    type(cohort_future_map), intent(in) :: map
    integer, intent(in) :: point
    type(*), dimension(..), intent(inout), contiguous, target :: value
    integer, intent(out), optional :: ierr
    type(c_ptr) :: address
    integer(c_size_t) :: bytes
    if (too_small('cohort_future_map_get', 'point', point, 0, ierr)) return
    call cohort_c_span(value, address, bytes)
    call finish(cohort_c_future_map_get(map, int(point, c_int32_t), address, bytes), ierr)
  end subroutine

  !> A future of one point (from 0), to be destroyed; it lives on without the map.
  subroutine cohort_future_map_future(map, point, future, ierr)
    type(cohort_future_map), intent(in) :: map
    integer, intent(in) :: point
    type(cohort_future), intent(out) :: future
    integer, intent(out), optional :: ierr
    if (too_small('cohort_future_map_future', 'point', point, 0, ierr)) return
    call finish(cohort_c_future_map_future(map, int(point, c_int32_t), future), ierr)
  end subroutine

  !> Waits for the values of all points.
  subroutine cohort_future_map_wait(map, ierr)
    type(cohort_future_map), intent(in) :: map
    integer, intent(out), optional :: ierr
    call finish(cohort_c_future_map_wait(map), ierr)
  end subroutine

  !> Launches the reduction of the values, in order of the points, with `reduction` (COHORT_SUM ..) on elements of `result_type`.
  subroutine cohort_future_map_reduce(ctx, map, reduction, result_type, result, ierr)
    type(cohort_context), intent(in) :: ctx
    type(cohort_future_map), intent(in) :: map
    integer(c_int32_t), intent(in) :: reduction, result_type
    type(cohort_future), intent(out) :: result
    integer, intent(out), optional :: ierr
    call finish(cohort_c_future_map_reduce(ctx, map, reduction, result_type, result), ierr)
  end subroutine

  !> Clears the handle. Operations that use the map, and futures that it gave, still get the values.
  subroutine cohort_future_map_destroy(map, ierr)
    type(cohort_future_map), intent(inout) :: map
    integer, intent(out), optional :: ierr
    call finish(cohort_c_future_map_destroy(map), ierr)
  end subroutine
end module cohort_futures
