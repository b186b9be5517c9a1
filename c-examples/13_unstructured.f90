! A graph: edges hold the numbers of the nodes that they join. Partitions computed from these numbers tell which nodes each part
! of the edges touches; tasks, one for each part, count the edges of these nodes at the same time, shared nodes included.
module graph
  use cohort
  implicit none
  integer, parameter :: nodes = 500, edges = 2000, parts = 6
  integer(4) :: ends(2), degree(1), owner(1)   ! fields
contains
  recursive subroutine count_edges(task)
    type(cohort_context), intent(in) :: task
    integer(4), pointer :: from(:), to(:), count(:)
    integer :: e
    call cohort_view(task, 1, ends(1), COHORT_READ_ONLY, from)
    call cohort_view(task, 1, ends(2), COHORT_READ_ONLY, to)
    call cohort_view(task, 2, degree(1), COHORT_REDUCE, count)
    do e = lbound(from, 1), ubound(from, 1)
      count(from(e)) = count(from(e)) + 1
      count(to(e)) = count(to(e)) + 1
    end do
  end subroutine
end module

program main
  use graph
  implicit none
  type(cohort_runtime) :: rt
  type(cohort_context) :: ctx
  type(cohort_index_space) :: space
  type(cohort_field_space) :: fields
  type(cohort_region) :: edge_region, node_region, ghost
  type(cohort_partition) :: pieces, from_nodes, to_nodes, touched, owned, ghosts
  type(cohort_task) :: task
  integer(4), target :: from(edges), to(edges), edge_count(nodes) = 0, node_owner(nodes)
  integer(4) :: expected(nodes) = 0
  integer(8) :: shared = 0, points
  logical :: disjoint, complete
  integer :: e, n, part
  node_owner = [((n - 1)*parts/nodes, n=1, nodes)]
  do e = 1, edges
    from(e) = 1 + (e - 1)*nodes/edges
    to(e) = 1 + merge(mod(from(e) + mod(e, 5), nodes), mod(e*131, nodes), mod(e, 7) /= 0)
    expected(from(e)) = expected(from(e)) + 1
    expected(to(e)) = expected(to(e)) + 1
  end do
  call cohort_init(rt)
  call cohort_root_context(rt, ctx)
  call cohort_index_space_create(rt, [1], [edges], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 4, ends)
  call cohort_region_create(rt, space, fields, edge_region)
  call cohort_attach(ctx, edge_region, ends(1:1), from)
  call cohort_attach(ctx, edge_region, ends(2:2), to)
  call cohort_index_space_create(rt, [1], [nodes], space)
  call cohort_field_space_create(rt, fields)
  call cohort_fields_allocate(fields, 4, degree)
  call cohort_fields_allocate(fields, 4, owner)
  call cohort_region_create(rt, space, fields, node_region)
  call cohort_attach(ctx, node_region, degree, edge_count)
  call cohort_attach(ctx, node_region, owner, node_owner)

  ! The nodes that a part of the edges touches; those that it owns; those that it touches and others own.
  call cohort_partition_equal(edge_region, parts, pieces)
  call cohort_partition_image(ctx, node_region, pieces, ends(1), from_nodes)
  call cohort_partition_image(ctx, node_region, pieces, ends(2), to_nodes)
  call cohort_partition_union(node_region, from_nodes, to_nodes, touched)
  call cohort_partition_by_field(ctx, node_region, owner(1), parts, owned)
  call cohort_partition_difference(node_region, touched, owned, ghosts)
  call cohort_partition_kind(owned, disjoint, complete)
  do part = 0, parts - 1
    call cohort_subregion(ghosts, part, ghost)
    call cohort_region_points(ghost, points)
    shared = shared + points
  end do
  print '(a,i0)', 'nodes that parts touch and others own: ', shared

  call cohort_task_register(rt, 'count edges', task, count_edges, leaf=.true.)
  call cohort_index_launch(ctx, task, parts, [cohort_needs(pieces, ends, COHORT_READ_ONLY), &
    cohort_needs(touched, degree, COHORT_REDUCE, reduction=COHORT_SUM, reduction_type=COHORT_INT32)])
  call cohort_detach(ctx, node_region, degree)
  call cohort_finalize(rt)
  if (any(edge_count /= expected) .or. .not. (disjoint .and. complete) .or. shared == 0) error stop 'FAILED'
  print '(a)', 'PASSED'
end program
