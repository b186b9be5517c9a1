!> Interfaces of the C entry points that the module `cohort` calls; see cohort.h for what each does.
module cohort_c
  use, intrinsic :: iso_c_binding, only: c_int32_t, c_int64_t, c_size_t, c_double, c_ptr, c_funptr, c_char, c_bool
  use cohort_types
  use cohort_c_tasks
  implicit none
  public

  interface
    function cohort_c_init_version(abi, config, rt) bind(C, name="cohort_init_version") result(status)
      import
      implicit none
      integer(c_int32_t), value :: abi
      type(cohort_config), intent(in) :: config
      type(cohort_runtime), intent(out) :: rt
      integer(c_int32_t) :: status
    end function
    function cohort_c_init_fortran(abi, comm, config, rt) bind(C, name="cohort_init_fortran") result(status)
      import
      implicit none
      integer(c_int32_t), value :: abi, comm
      type(cohort_config), intent(in) :: config
      type(cohort_runtime), intent(out) :: rt
      integer(c_int32_t) :: status
    end function
    function cohort_c_finalize(rt) bind(C, name="cohort_finalize") result(status)
      import
      implicit none
      type(cohort_runtime), intent(inout) :: rt
      integer(c_int32_t) :: status
    end function
    function cohort_c_release_at_end(user, release) bind(C, name="cohort_release_at_end") result(status)
      import
      implicit none
      type(c_ptr), value :: user
      type(c_funptr), value :: release
      integer(c_int32_t) :: status
    end function
    function cohort_c_rank(rt, rank) bind(C, name="cohort_rank") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), intent(out) :: rank
      integer(c_int32_t) :: status
    end function
    function cohort_c_size(rt, size) bind(C, name="cohort_size") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), intent(out) :: size
      integer(c_int32_t) :: status
    end function
    function cohort_c_workers(rt, workers) bind(C, name="cohort_workers") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), intent(out) :: workers
      integer(c_int32_t) :: status
    end function
    function cohort_c_current(rt) bind(C, name="cohort_current") result(status)
      import
      implicit none
      type(cohort_runtime), intent(out) :: rt
      integer(c_int32_t) :: status
    end function
    function cohort_c_machine_processors(rt, kind, capacity, processors, count) &
      bind(C, name="cohort_machine_processors") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: kind, capacity
      type(cohort_processor_info), intent(inout) :: processors(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function
    function cohort_c_machine_memories(rt, kind, capacity, memories, count) &
      bind(C, name="cohort_machine_memories") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: kind, capacity
      type(cohort_memory_info), intent(inout) :: memories(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function
    function cohort_c_machine_affinity(rt, processor, memory, affinity) &
      bind(C, name="cohort_machine_affinity") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: processor, memory
      type(cohort_affinity), intent(inout) :: affinity
      integer(c_int32_t) :: status
    end function
    function cohort_c_machine_ranks(rt, capacity, ranks, count) &
      bind(C, name="cohort_machine_ranks") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: capacity
      type(cohort_rank_info), intent(inout) :: ranks(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function
    function cohort_c_machine_binding(rt, text) bind(C, name="cohort_machine_binding") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(c_ptr), intent(out) :: text
      integer(c_int32_t) :: status
    end function
    function cohort_c_machine_absent_devices(rt, text) bind(C, name="cohort_machine_absent_devices") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(c_ptr), intent(out) :: text
      integer(c_int32_t) :: status
    end function
    function cohort_c_index_space_create(rt, dim, lo, hi, space) &
      bind(C, name="cohort_index_space_create") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: dim
      integer(c_int64_t), intent(in) :: lo(*)
      integer(c_int64_t), intent(in) :: hi(*)
      type(cohort_index_space), intent(out) :: space
      integer(c_int32_t) :: status
    end function
    function cohort_c_index_space_destroy(space) bind(C, name="cohort_index_space_destroy") result(status)
      import
      implicit none
      type(cohort_index_space), intent(inout) :: space
      integer(c_int32_t) :: status
    end function
    function cohort_c_field_space_create(rt, space) bind(C, name="cohort_field_space_create") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(cohort_field_space), intent(out) :: space
      integer(c_int32_t) :: status
    end function
    function cohort_c_field_space_destroy(space) bind(C, name="cohort_field_space_destroy") result(status)
      import
      implicit none
      type(cohort_field_space), intent(inout) :: space
      integer(c_int32_t) :: status
    end function
    function cohort_c_field_allocate(space, bytes, name, field) bind(C, name="cohort_field_allocate") result(status)
      import
      implicit none
      type(cohort_field_space), value :: space
      integer(c_size_t), value :: bytes
      type(c_ptr), value :: name
      integer(c_int32_t), intent(out) :: field
      integer(c_int32_t) :: status
    end function
    function cohort_c_fields_allocate(space, bytes, count, first) bind(C, name="cohort_fields_allocate") result(status)
      import
      implicit none
      type(cohort_field_space), value :: space
      integer(c_size_t), value :: bytes
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(out) :: first
      integer(c_int32_t) :: status
    end function
    function cohort_c_region_create(rt, space, fields, region) bind(C, name="cohort_region_create") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(cohort_index_space), value :: space
      type(cohort_field_space), value :: fields
      type(cohort_region), intent(out) :: region
      integer(c_int32_t) :: status
    end function
    function cohort_c_region_destroy(region) bind(C, name="cohort_region_destroy") result(status)
      import
      implicit none
      type(cohort_region), intent(inout) :: region
      integer(c_int32_t) :: status
    end function
    function cohort_c_region_bounds(region, dim, lo, hi) bind(C, name="cohort_region_bounds") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int32_t), intent(out) :: dim
      integer(c_int64_t), intent(out) :: lo(*)
      integer(c_int64_t), intent(out) :: hi(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_blocks(region, counts, partition) bind(C, name="cohort_partition_blocks") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int64_t), intent(in) :: counts(*)
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_rects(region, count, lo, hi, partition) &
      bind(C, name="cohort_partition_rects") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int32_t), value :: count
      integer(c_int64_t), intent(in) :: lo(*)
      integer(c_int64_t), intent(in) :: hi(*)
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_tiles_halo(blocks, depth, partition) &
      bind(C, name="cohort_partition_tiles_halo") result(status)
      import
      implicit none
      type(cohort_partition), value :: blocks
      integer(c_int64_t), intent(in) :: depth(*)
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_index_space_create_rects(rt, dim, count, lo, hi, space) &
      bind(C, name="cohort_index_space_create_rects") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: dim
      integer(c_int32_t), value :: count
      integer(c_int64_t), intent(in) :: lo(*)
      integer(c_int64_t), intent(in) :: hi(*)
      type(cohort_index_space), intent(out) :: space
      integer(c_int32_t) :: status
    end function
    function cohort_c_region_points(region, points, rects) &
      bind(C, name="cohort_region_points") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int64_t), intent(out) :: points
      integer(c_int32_t), intent(out) :: rects
      integer(c_int32_t) :: status
    end function
    function cohort_c_region_rects(region, capacity, lo, hi) &
      bind(C, name="cohort_region_rects") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int32_t), value :: capacity
      integer(c_int64_t), intent(out) :: lo(*)
      integer(c_int64_t), intent(out) :: hi(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_equal(region, colours, partition) &
      bind(C, name="cohort_partition_equal") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int32_t), value :: colours
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_restriction(region, colour_dim, colour_lo, colour_hi, transform, extent_lo, extent_hi, partition) &
      bind(C, name="cohort_partition_restriction") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int32_t), value :: colour_dim
      integer(c_int64_t), intent(in) :: colour_lo(*)
      integer(c_int64_t), intent(in) :: colour_hi(*)
      integer(c_int64_t), intent(in) :: transform(*)
      integer(c_int64_t), intent(in) :: extent_lo(*)
      integer(c_int64_t), intent(in) :: extent_hi(*)
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_by_field(ctx, region, field, colours, partition) &
      bind(C, name="cohort_partition_by_field") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_region), value :: region
      integer(c_int32_t), value :: field
      integer(c_int32_t), value :: colours
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_image(ctx, target, sources, field, partition) &
      bind(C, name="cohort_partition_image") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_region), value :: target
      type(cohort_partition), value :: sources
      integer(c_int32_t), value :: field
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_image_range(ctx, target, sources, field, partition) &
      bind(C, name="cohort_partition_image_range") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_region), value :: target
      type(cohort_partition), value :: sources
      integer(c_int32_t), value :: field
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_preimage(ctx, source, targets, field, partition) &
      bind(C, name="cohort_partition_preimage") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_region), value :: source
      type(cohort_partition), value :: targets
      integer(c_int32_t), value :: field
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_preimage_range(ctx, source, targets, field, partition) &
      bind(C, name="cohort_partition_preimage_range") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_region), value :: source
      type(cohort_partition), value :: targets
      integer(c_int32_t), value :: field
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_union(region, a, b, partition) &
      bind(C, name="cohort_partition_union") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      type(cohort_partition), value :: a
      type(cohort_partition), value :: b
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_intersection(region, a, b, partition) &
      bind(C, name="cohort_partition_intersection") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      type(cohort_partition), value :: a
      type(cohort_partition), value :: b
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_difference(region, a, b, partition) &
      bind(C, name="cohort_partition_difference") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      type(cohort_partition), value :: a
      type(cohort_partition), value :: b
      type(cohort_partition), intent(out) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_cross_product(a, b, partitions) &
      bind(C, name="cohort_partition_cross_product") result(status)
      import
      implicit none
      type(cohort_partition), value :: a
      type(cohort_partition), value :: b
      type(cohort_partition), intent(inout) :: partitions(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_kind(partition, disjoint, complete) &
      bind(C, name="cohort_partition_kind") result(status)
      import
      implicit none
      type(cohort_partition), value :: partition
      logical(c_bool), intent(out) :: disjoint
      logical(c_bool), intent(out) :: complete
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_count(partition, count) bind(C, name="cohort_partition_count") result(status)
      import
      implicit none
      type(cohort_partition), value :: partition
      integer(c_int32_t), intent(out) :: count
      integer(c_int32_t) :: status
    end function
    function cohort_c_subregion(partition, colour, region) bind(C, name="cohort_subregion") result(status)
      import
      implicit none
      type(cohort_partition), value :: partition
      integer(c_int32_t), value :: colour
      type(cohort_region), intent(out) :: region
      integer(c_int32_t) :: status
    end function
    function cohort_c_partition_destroy(partition) bind(C, name="cohort_partition_destroy") result(status)
      import
      implicit none
      type(cohort_partition), intent(inout) :: partition
      integer(c_int32_t) :: status
    end function
    function cohort_c_detach(ctx, region, count, fields) bind(C, name="cohort_detach") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_region), value :: region
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(in) :: fields(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_fill(ctx, region, count, fields, value, bytes) bind(C, name="cohort_fill") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_region), value :: region
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(in) :: fields(*)
      type(c_ptr), value :: value
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: status
    end function
    function cohort_c_reduction_register(rt, name, element_bytes, identity, fold, user, reduction) &
      bind(C, name="cohort_reduction_register") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      character(kind=c_char), intent(in) :: name(*)
      integer(c_size_t), value :: element_bytes
      type(c_ptr), value :: identity
      type(c_funptr), value :: fold
      type(c_ptr), value :: user
      integer(c_int32_t), intent(out) :: reduction
      integer(c_int32_t) :: status
    end function
    function cohort_c_view(ctx, requirement, field, privilege, view) bind(C, name="cohort_view") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), value :: requirement
      integer(c_int32_t), value :: field
      integer(c_int32_t), value :: privilege
      type(cohort_view_layout), intent(out) :: view
      integer(c_int32_t) :: status
    end function
    function cohort_c_view_array(ctx, requirement, field, privilege, rank, bytes, view) &
      bind(C, name="cohort_view_array") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), value :: requirement
      integer(c_int32_t), value :: field
      integer(c_int32_t), value :: privilege
      integer(c_int32_t), value :: rank
      integer(c_size_t), value :: bytes
      type(cohort_view_layout), intent(out) :: view
      integer(c_int32_t) :: status
    end function
    function cohort_c_region_layout(region, count, fields, layout) bind(C, name="cohort_region_layout") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(in) :: fields(*)
      type(cohort_layout), intent(in) :: layout
      integer(c_int32_t) :: status
    end function
    function cohort_c_region_zero_copy(region, count, fields) bind(C, name="cohort_region_zero_copy") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(in) :: fields(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_layout(task, kind, requirement, layout) bind(C, name="cohort_task_layout") result(status)
      import
      implicit none
      type(cohort_task), value :: task
      integer(c_int32_t), value :: kind, requirement
      type(cohort_layout), intent(in) :: layout
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_copied(ctx, requirement, copied) bind(C, name="cohort_task_copied") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      integer(c_int32_t), value :: requirement
      type(cohort_copied_c), intent(out) :: copied
      integer(c_int32_t) :: status
    end function
    function cohort_c_task_copied_total(task, copied) bind(C, name="cohort_task_copied_total") result(status)
      import
      implicit none
      type(cohort_task), value :: task
      type(cohort_copied_c), intent(out) :: copied
      integer(c_int32_t) :: status
    end function
    function cohort_c_inline_map(ctx, requirement, mapping) bind(C, name="cohort_inline_map") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_requirement_c), intent(in) :: requirement
      type(cohort_mapping), intent(out) :: mapping
      integer(c_int32_t) :: status
    end function
    function cohort_c_inline_view(mapping, field, privilege, view) bind(C, name="cohort_inline_view") result(status)
      import
      implicit none
      type(cohort_mapping), value :: mapping
      integer(c_int32_t), value :: field
      integer(c_int32_t), value :: privilege
      type(cohort_view_layout), intent(out) :: view
      integer(c_int32_t) :: status
    end function
    function cohort_c_inline_view_array(mapping, field, privilege, rank, bytes, view) &
      bind(C, name="cohort_inline_view_array") result(status)
      import
      implicit none
      type(cohort_mapping), value :: mapping
      integer(c_int32_t), value :: field
      integer(c_int32_t), value :: privilege
      integer(c_int32_t), value :: rank
      integer(c_size_t), value :: bytes
      type(cohort_view_layout), intent(out) :: view
      integer(c_int32_t) :: status
    end function
    function cohort_c_inline_unmap(mapping) bind(C, name="cohort_inline_unmap") result(status)
      import
      implicit none
      type(cohort_mapping), intent(inout) :: mapping
      integer(c_int32_t) :: status
    end function
    function cohort_c_mapper_register(rt, mapper, name, handle) bind(C, name="cohort_mapper_register") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(cohort_mapper_c), intent(in) :: mapper
      character(kind=c_char), intent(in) :: name(*)
      type(cohort_mapper_handle), intent(out) :: handle
      integer(c_int32_t) :: status
    end function
    function cohort_c_mapper_use(handle, tasks, count) bind(C, name="cohort_mapper_use") result(status)
      import
      implicit none
      type(cohort_mapper_handle), value :: handle
      type(cohort_task), intent(in) :: tasks(*)
      integer(c_int32_t), value :: count
      integer(c_int32_t) :: status
    end function
    function cohort_c_mapper_refusals(handle, count, text, bytes) bind(C, name="cohort_mapper_refusals") result(status)
      import
      implicit none
      type(cohort_mapper_handle), value :: handle
      integer(c_int64_t), intent(out) :: count
      character(kind=c_char), intent(out) :: text(*)
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: status
    end function
    function cohort_c_tunable(ctx, name, otherwise, value) bind(C, name="cohort_tunable") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      character(kind=c_char), intent(in) :: name(*)
      integer(c_int64_t), value :: otherwise
      integer(c_int64_t), intent(out) :: value
      integer(c_int32_t) :: status
    end function
    pure function cohort_c_fields_kept(count, fields) bind(C, name="cohort_fields_kept") result(kept)
      import
      implicit none
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(in) :: fields(*)
      type(c_ptr) :: kept
    end function
    function cohort_c_argument_error(procedure, problem) bind(C, name="cohort_argument_error") result(status)
      import
      implicit none
      character(kind=c_char), intent(in) :: procedure(*), problem(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_handshake_create(rt, host_participants, task_participants, first, hs) &
      bind(C, name="cohort_handshake_create") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: host_participants
      integer(c_int32_t), value :: task_participants
      integer(c_int32_t), value :: first
      type(cohort_handshake), intent(out) :: hs
      integer(c_int32_t) :: status
    end function
    function cohort_c_handshake_destroy(hs) bind(C, name="cohort_handshake_destroy") result(status)
      import
      implicit none
      type(cohort_handshake), intent(inout) :: hs
      integer(c_int32_t) :: status
    end function
    function cohort_c_handoff_to_tasks(hs) bind(C, name="cohort_handoff_to_tasks") result(status)
      import
      implicit none
      type(cohort_handshake), value :: hs
      integer(c_int32_t) :: status
    end function
    function cohort_c_wait_on_tasks(hs) bind(C, name="cohort_wait_on_tasks") result(status)
      import
      implicit none
      type(cohort_handshake), value :: hs
      integer(c_int32_t) :: status
    end function
    function cohort_c_test_on_tasks(hs, done) bind(C, name="cohort_test_on_tasks") result(status)
      import
      implicit none
      type(cohort_handshake), value :: hs
      logical(c_bool), intent(out) :: done
      integer(c_int32_t) :: status
    end function
    function cohort_c_wait_on_tasks_for(hs, seconds) bind(C, name="cohort_wait_on_tasks_for") result(status)
      import
      implicit none
      type(cohort_handshake), value :: hs
      real(c_double), value :: seconds
      integer(c_int32_t) :: status
    end function
    function cohort_c_handoff_to_host(ctx, hs) bind(C, name="cohort_handoff_to_host") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_handshake), value :: hs
      integer(c_int32_t) :: status
    end function
    function cohort_c_wait_on_host(ctx, hs) bind(C, name="cohort_wait_on_host") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_handshake), value :: hs
      integer(c_int32_t) :: status
    end function
    function cohort_c_test_on_host(ctx, hs, done) bind(C, name="cohort_test_on_host") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_handshake), value :: hs
      logical(c_bool), intent(out) :: done
      integer(c_int32_t) :: status
    end function
    function cohort_c_wait_on_host_for(ctx, hs, seconds) bind(C, name="cohort_wait_on_host_for") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_handshake), value :: hs
      real(c_double), value :: seconds
      integer(c_int32_t) :: status
    end function
    function cohort_c_handshake_advance(ctx, hs) bind(C, name="cohort_handshake_advance") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_handshake), value :: hs
      integer(c_int32_t) :: status
    end function
    function cohort_c_phase_barrier_create(rt, arrivals, barrier) &
      bind(C, name="cohort_phase_barrier_create") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: arrivals
      type(cohort_phase_barrier), intent(out) :: barrier
      integer(c_int32_t) :: status
    end function
    function cohort_c_phase_barrier_destroy(barrier) bind(C, name="cohort_phase_barrier_destroy") result(status)
      import
      implicit none
      type(cohort_phase_barrier), intent(inout) :: barrier
      integer(c_int32_t) :: status
    end function
    function cohort_c_phase_barrier_advance(barrier, next) bind(C, name="cohort_phase_barrier_advance") result(status)
      import
      implicit none
      type(cohort_phase_barrier), value :: barrier
      type(cohort_phase_barrier), intent(out) :: next
      integer(c_int32_t) :: status
    end function
    function cohort_c_phase_barrier_arrive(barrier, count) bind(C, name="cohort_phase_barrier_arrive") result(status)
      import
      implicit none
      type(cohort_phase_barrier), value :: barrier
      integer(c_int32_t), value :: count
      integer(c_int32_t) :: status
    end function
    function cohort_c_phase_barrier_wait(ctx, barrier) bind(C, name="cohort_phase_barrier_wait") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_phase_barrier), value :: barrier
      integer(c_int32_t) :: status
    end function
    function cohort_c_phase_barrier_test(barrier, done) bind(C, name="cohort_phase_barrier_test") result(status)
      import
      implicit none
      type(cohort_phase_barrier), value :: barrier
      logical(c_bool), intent(out) :: done
      integer(c_int32_t) :: status
    end function
    function cohort_c_phase_barrier_alter_arrivals(barrier, delta) &
      bind(C, name="cohort_phase_barrier_alter_arrivals") result(status)
      import
      implicit none
      type(cohort_phase_barrier), value :: barrier
      integer(c_int32_t), value :: delta
      integer(c_int32_t) :: status
    end function
    function cohort_c_collective_create(rt, arrivals, reduction, element, collective) &
      bind(C, name="cohort_collective_create") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: arrivals
      integer(c_int32_t), value :: reduction
      integer(c_int32_t), value :: element
      type(cohort_collective), intent(out) :: collective
      integer(c_int32_t) :: status
    end function
    function cohort_c_collective_destroy(collective) bind(C, name="cohort_collective_destroy") result(status)
      import
      implicit none
      type(cohort_collective), intent(inout) :: collective
      integer(c_int32_t) :: status
    end function
    function cohort_c_collective_advance(collective, next) bind(C, name="cohort_collective_advance") result(status)
      import
      implicit none
      type(cohort_collective), value :: collective
      type(cohort_collective), intent(out) :: next
      integer(c_int32_t) :: status
    end function
    function cohort_c_collective_arrive_bytes(collective, value, bytes) &
      bind(C, name="cohort_collective_arrive_bytes") result(status)
      import
      implicit none
      type(cohort_collective), value :: collective
      type(c_ptr), value :: value
      integer(c_size_t), value :: bytes
      integer(c_int32_t) :: status
    end function
    function cohort_c_collective_arrive_future(ctx, collective, future) &
      bind(C, name="cohort_collective_arrive_future") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_collective), value :: collective
      type(cohort_future), value :: future
      integer(c_int32_t) :: status
    end function
    function cohort_c_collective_future(ctx, collective, future) bind(C, name="cohort_collective_future") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_collective), value :: collective
      type(cohort_future), intent(out) :: future
      integer(c_int32_t) :: status
    end function
    function cohort_c_ghost_create(rt, space, fields, region) bind(C, name="cohort_ghost_create") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(cohort_index_space), value :: space
      type(cohort_field_space), value :: fields
      type(cohort_region), intent(out) :: region
      integer(c_int32_t) :: status
    end function
    function cohort_c_ghost_export(region, ghost) bind(C, name="cohort_ghost_export") result(status)
      import
      implicit none
      type(cohort_region), value :: region
      type(cohort_ghost), intent(out) :: ghost
      integer(c_int32_t) :: status
    end function
    function cohort_c_ghost_import(rt, ghost, region) bind(C, name="cohort_ghost_import") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(cohort_ghost), intent(in) :: ghost
      type(cohort_region), intent(out) :: region
      integer(c_int32_t) :: status
    end function
    function cohort_c_copy(ctx, copy) bind(C, name="cohort_copy") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_copy_c), intent(in) :: copy
      integer(c_int32_t) :: status
    end function
    function cohort_c_acquire(ctx, sync) bind(C, name="cohort_acquire") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_sync_c), intent(in) :: sync
      integer(c_int32_t) :: status
    end function
    function cohort_c_release(ctx, sync) bind(C, name="cohort_release") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_sync_c), intent(in) :: sync
      integer(c_int32_t) :: status
    end function
    function cohort_c_halo_create(rt, options, halo) bind(C, name="cohort_halo_create") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      type(cohort_halo_options_c), intent(in) :: options
      type(cohort_halo), intent(out) :: halo
      integer(c_int32_t) :: status
    end function
    function cohort_c_halo_create_fortran(rt, comm, options, halo) &
      bind(C, name="cohort_halo_create_fortran") result(status)
      import
      implicit none
      type(cohort_runtime), value :: rt
      integer(c_int32_t), value :: comm
      type(cohort_halo_options_c), intent(in) :: options
      type(cohort_halo), intent(out) :: halo
      integer(c_int32_t) :: status
    end function
    function cohort_c_halo_exchange(ctx, halo, source, count, fields, slots) &
      bind(C, name="cohort_halo_exchange") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_halo), value :: halo
      type(cohort_region), value :: source
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(in) :: fields(*)
      integer(c_int32_t), intent(in) :: slots(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_halo_release(ctx, halo, count, slots) bind(C, name="cohort_halo_release") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_halo), value :: halo
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(in) :: slots(*)
      integer(c_int32_t) :: status
    end function
    function cohort_c_halo_region(halo, face, region) bind(C, name="cohort_halo_region") result(status)
      import
      implicit none
      type(cohort_halo), value :: halo
      integer(c_int32_t), value :: face
      type(cohort_region), intent(out) :: region
      integer(c_int32_t) :: status
    end function
    function cohort_c_halo_destroy(halo) bind(C, name="cohort_halo_destroy") result(status)
      import
      implicit none
      type(cohort_halo), intent(inout) :: halo
      integer(c_int32_t) :: status
    end function
    pure function cohort_c_last_error() bind(C, name="cohort_last_error") result(text)
      import
      implicit none
      type(c_ptr) :: text
    end function
    pure function cohort_c_status_name(status) bind(C, name="cohort_status_name") result(text)
      import
      implicit none
      integer(c_int32_t), value :: status
      type(c_ptr) :: text
    end function
    function cohort_c_set_on_error(policy) bind(C, name="cohort_set_on_error") result(status)
      import
      implicit none
      integer(c_int32_t), value :: policy
      integer(c_int32_t) :: status
    end function
    function cohort_c_version() bind(C, name="cohort_version") result(version)
      import
      implicit none
      integer(c_int32_t) :: version
    end function
    !> In cohort_descriptor.c, compiled with the module: they need the compiler's own array descriptors. The address and length
    !> of a scalar or of an array without gaps.
    subroutine cohort_c_span(value, address, bytes) bind(C, name="cohort_fortran_span")
      import
      implicit none
      type(*), dimension(..), intent(in) :: value
      type(c_ptr), intent(out) :: address
      integer(c_size_t), intent(out) :: bytes
    end subroutine
    function cohort_c_attach_array(ctx, region, count, fields, array, field_dimension) &
      bind(C, name="cohort_fortran_attach_array") result(status)
      import
      implicit none
      type(cohort_context), value :: ctx
      type(cohort_region), value :: region
      integer(c_int32_t), value :: count
      integer(c_int32_t), intent(in) :: fields(*)
      type(*), dimension(..), intent(in) :: array
      integer(c_int32_t), value :: field_dimension
      integer(c_int32_t) :: status
    end function
  end interface
end module cohort_c
