/* A graph: edges hold the numbers of the nodes that they join. Partitions computed from these numbers tell which nodes each part
 * of the edges touches; tasks, one for each part, count the edges of these nodes at the same time, shared nodes included. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { NODES = 500, EDGES = 2000, PARTS = 6 };
enum { FROM, TO };       /* fields of the edges */
enum { DEGREE, OWNER };  /* fields of the nodes */

static int32_t count_edges(cohort_context_t task, void *user)
{
    cohort_view_t from, to, degree;
    (void)user;
    TRY(cohort_view(task, 0, FROM, COHORT_READ_ONLY, &from));
    TRY(cohort_view(task, 0, TO, COHORT_READ_ONLY, &to));
    TRY(cohort_view(task, 1, DEGREE, COHORT_REDUCE, &degree));
    int32_t *of = (int32_t *)degree.base - degree.lo[0];
    for (int64_t e = 0; e <= from.hi[0] - from.lo[0]; e++) {
        of[((int32_t *)from.base)[e]]++;
        of[((int32_t *)to.base)[e]]++;
    }
    return 0;
}

/* A region of points 0 to n-1 with two fields of integers, which lie in two arrays. */
static int32_t make_region(cohort_runtime_t rt, cohort_context_t ctx, int64_t n, int32_t *first, int32_t *second, cohort_region_t *region)
{
    const int64_t lo = 0, hi = n - 1, stride = sizeof(int32_t);
    const cohort_field_t all[] = {0, 1};
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t field;
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(int32_t), 2, &field));
    TRY(cohort_region_create(rt, points, fields, region));
    TRY(cohort_attach(ctx, *region, 1, &all[0], first, &stride, 0));
    TRY(cohort_attach(ctx, *region, 1, &all[1], second, &stride, 0));
    return 0;
}

int main(void)
{
    static int32_t from[EDGES], to[EDGES], degree[NODES], owner[NODES], expected[NODES];
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_region_t edges, nodes;
    cohort_partition_t parts, from_nodes, to_nodes, touched, owned, ghosts;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    bool disjoint, complete;
    int64_t shared = 0;
    for (int n = 0; n < NODES; n++)
        owner[n] = n * PARTS / NODES;
    for (int e = 0; e < EDGES; e++) {
        from[e] = e * NODES / EDGES;
        to[e] = e % 7 ? (from[e] + e % 5) % NODES : e * 131 % NODES;
        expected[from[e]]++;
        expected[to[e]]++;
    }
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    if (make_region(rt, ctx, EDGES, from, to, &edges) || make_region(rt, ctx, NODES, degree, owner, &nodes))
        return 1;

    /* The nodes that a part of the edges touches; those that it owns; those that it touches and others own. */
    TRY(cohort_partition_equal(edges, PARTS, &parts));
    TRY(cohort_partition_image(ctx, nodes, parts, FROM, &from_nodes));
    TRY(cohort_partition_image(ctx, nodes, parts, TO, &to_nodes));
    TRY(cohort_partition_union(nodes, from_nodes, to_nodes, &touched));
    TRY(cohort_partition_by_field(ctx, nodes, OWNER, PARTS, &owned));
    TRY(cohort_partition_difference(nodes, touched, owned, &ghosts));
    TRY(cohort_partition_kind(owned, &disjoint, &complete));
    for (uint32_t part = 0; part < PARTS; part++) {
        cohort_region_t ghost;
        int64_t points;
        uint32_t rects;
        TRY(cohort_subregion(ghosts, part, &ghost));
        TRY(cohort_region_points(ghost, &points, &rects));
        shared += points;
    }
    printf("nodes that parts touch and others own: %lld\n", (long long)shared);

    const cohort_field_t edge_fields[] = {FROM, TO}, node_field = DEGREE;
    cohort_requirement_t needs[] = {
        {.partition = parts, .fields = edge_fields, .field_count = 2, .privilege = COHORT_READ_ONLY},
        {.partition = touched, .fields = &node_field, .field_count = 1, .privilege = COHORT_REDUCE,
         .reduction = COHORT_SUM, .reduction_type = COHORT_INT32}};
    TRY(cohort_task_register(rt, "count edges", count_edges, NULL, COHORT_TASK_LEAF, &launch.task));
    launch.requirements = needs;
    launch.requirement_count = 2;
    TRY(cohort_index_launch(ctx, &launch, PARTS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_detach(ctx, nodes, 1, &node_field));
    TRY(cohort_finalize(&rt));
    for (int n = 0; n < NODES; n++)
        if (degree[n] != expected[n]) {
            printf("FAILED: node %d has %d edges, not %d\n", n, degree[n], expected[n]);
            return 1;
        }
    return puts(disjoint && complete && shared > 0 ? "PASSED" : "FAILED: partitions") < 0;
}
