!> Interfaces of the C entry points for tasks, launches, futures and predicates; see cohort.h for what each does.
module cohort_c_tasks
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t, c_size_t, c_ptr, c_funptr, c_char, c_bool
  use cohort_types
  implicit none
  public

  interface
    function cohort_c_root_context(rt, ctx) bind(C, name="cohort_root_context") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(cohort_context), intent(out) :: ctx
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_register(rt, name, body, user, flags, task) &
      bind(C, name="cohort_task_register") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      character(kind=c_char), intent(in) :: name(*)
      type(c_funptr), value :: body
      type(c_ptr), value :: user
      integer(c_int32_t), value :: flags
      type(cohort_task), intent(out) :: task
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_variant(task, processor, body, user) bind(C, name="cohort_task_variant") result(status)
      import
      implicit none
      type(cohort_task), value :: task
      integer(c_int32_t), value :: processor
      type(c_funptr), value :: body
      type(c_ptr), value :: user
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_kernel(task, kernel) bind(C, name="cohort_task_kernel") result(status)
      import
      implicit none
      type(cohort_task), value :: task
      type(cohort_kernel_c), intent(in) :: kernel
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_device_callback(task, for_api, body, user) &
      bind(C, name="cohort_task_device_callback") result(status)
      import
      implicit none
      type(cohort_task), value :: task
      integer(c_int32_t), value :: for_api
      type(c_funptr), value :: body
      type(c_ptr), value :: user
      integer(c_int32_t) :: status
    end function
    function cohort_c_view_device(task, requirement, field, privilege, view) &
      bind(C, name="cohort_view_device") result(status)
      import
      implicit none
      type(cohort_context), value :: task
      integer(c_int32_t), value :: requirement, field, privilege
      type(cohort_device_view), intent(out) :: view
      integer(c_int32_t) :: status
    end function
    function cohort_c_launch(ctx, launch, result) bind(C, name="cohort_launch") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_launch_c), intent(in) :: launch
      type(c_ptr), value :: result
      integer(c_int32_t) :: status
    end function
    function cohort_c_projection_register(rt, name, function, user, projection) &
      bind(C, name="cohort_projection_register") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      character(kind=c_char), intent(in) :: name(*)
      type(c_funptr), value :: function
      type(c_ptr), value :: user
      integer(c_int32_t), intent(out) :: projection
      integer(c_int32_t) :: status
    end function
    function cohort_c_index_launch(ctx, launch, points, reduction, element, result) &
      bind(C, name="cohort_index_launch") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_launch_c), intent(in) :: launch
      integer(c_int32_t), value :: points
      integer(c_int32_t), value :: reduction
      integer(c_int32_t), value :: element
      type(c_ptr), value :: result
      integer(c_int32_t) :: status
    end function
    function cohort_c_wait_all(ctx) bind(C, name="cohort_wait_all") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_get(future, value, bytes) bind(C, name="cohort_future_get") result(status)
      import
      implicit none
      type(cohort_future), value :: future
      type(c_ptr), value :: value
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_test(future, ready) bind(C, name="cohort_future_test") result(status)
      import
      implicit none
      type(cohort_future), value :: future
      logical(c_bool), intent(out) :: ready
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_destroy(future) bind(C, name="cohort_future_destroy") result(status)
      import
      implicit none
      type(cohort_future), intent(inout) :: future
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_value(rt, value, bytes, future) bind(C, name="cohort_future_value") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(c_ptr), value :: value
      integer(c_size_t), value :: bytes
      type(cohort_future), intent(out) :: future
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_args_get(ctx, value, bytes) bind(C, name="cohort_task_args_get") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(c_ptr), value :: value
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_point(ctx, point) bind(C, name="cohort_task_point") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), intent(out) :: point
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_future_get(ctx, index, value, bytes) bind(C, name="cohort_task_future_get") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), value :: index
      type(c_ptr), value :: value
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_result(ctx, value, bytes) bind(C, name="cohort_task_result") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(c_ptr), value :: value
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_fail(ctx, text) bind(C, name="cohort_task_fail") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      character(kind=c_char), intent(in) :: text(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_region(ctx, requirement, region) bind(C, name="cohort_task_region") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), value :: requirement
      type(cohort_region), intent(out) :: region
      integer(c_int32_t) :: status
    end function
    function cohort_c_must_epoch(ctx, members, launches, points) bind(C, name="cohort_must_epoch") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), value :: members
      type(cohort_launch_c), intent(in) :: launches(*)
      type(c_ptr), value :: points
      integer(c_int32_t) :: status
    end function
    function cohort_c_must_epoch_wait(ctx) bind(C, name="cohort_must_epoch_wait") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t) :: status
    end function
    function cohort_c_index_launch_map(ctx, launch, points, map) &
      bind(C, name="cohort_index_launch_map") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_launch_c), intent(in) :: launch
      integer(c_int32_t), value :: points
      type(cohort_future_map), intent(out) :: map
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_map_count(map, points) &
      bind(C, name="cohort_future_map_count") result(status)
      import
      implicit none
      type(cohort_future_map), value :: map
      integer(c_int32_t), intent(out) :: points
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_map_get(map, point, value, bytes) &
      bind(C, name="cohort_future_map_get") result(status)
      import
      implicit none
      type(cohort_future_map), value :: map
      integer(c_int32_t), value :: point
      type(c_ptr), value :: value
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_map_future(map, point, future) &
      bind(C, name="cohort_future_map_future") result(status)
      import
      implicit none
      type(cohort_future_map), value :: map
      integer(c_int32_t), value :: point
      type(cohort_future), intent(out) :: future
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_map_wait(map) &
      bind(C, name="cohort_future_map_wait") result(status)
      import
      implicit none
      type(cohort_future_map), value :: map
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_map_reduce(ctx, map, reduction, element, result) &
      bind(C, name="cohort_future_map_reduce") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_future_map), value :: map
      integer(c_int32_t), value :: reduction
      integer(c_int32_t), value :: element
      type(cohort_future), intent(out) :: result
      integer(c_int32_t) :: status
    end function
    function cohort_c_future_map_destroy(map) &
      bind(C, name="cohort_future_map_destroy") result(status)
      import
      implicit none
      type(cohort_future_map), intent(inout) :: map
      integer(c_int32_t) :: status
    end function
    function cohort_c_predicate_constant(rt, value, predicate) &
      bind(C, name="cohort_predicate_constant") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      logical(c_bool), value :: value
      type(cohort_predicate), intent(out) :: predicate
      integer(c_int32_t) :: status
    end function
    function cohort_c_predicate_from_future(future, predicate) &
      bind(C, name="cohort_predicate_from_future") result(status)
      import
      implicit none
      type(cohort_future), value :: future
      type(cohort_predicate), intent(out) :: predicate
      integer(c_int32_t) :: status
    end function
    function cohort_c_predicate_not(of, predicate) &
      bind(C, name="cohort_predicate_not") result(status)
      import
      implicit none
      type(cohort_predicate), value :: of
      type(cohort_predicate), intent(out) :: predicate
      integer(c_int32_t) :: status
    end function
    function cohort_c_predicate_and(ctx, count, predicates, predicate) &
      bind(C, name="cohort_predicate_and") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), value :: count
      type(cohort_predicate), intent(in) :: predicates(*)
      type(cohort_predicate), intent(out) :: predicate
      integer(c_int32_t) :: status
    end function
    function cohort_c_predicate_or(ctx, count, predicates, predicate) &
      bind(C, name="cohort_predicate_or") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), value :: count
      type(cohort_predicate), intent(in) :: predicates(*)
      type(cohort_predicate), intent(out) :: predicate
      integer(c_int32_t) :: status
    end function
    function cohort_c_predicate_destroy(predicate) &
      bind(C, name="cohort_predicate_destroy") result(status)
      import
      implicit none
      type(cohort_predicate), intent(inout) :: predicate
      integer(c_int32_t) :: status
    end function
  end interface
end module cohort_c_tasks
