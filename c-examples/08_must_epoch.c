/* The S3D way: one long-running task on every rank launches the work of every time step ahead, between an operation that awaits
 * the MPI code and one that hands off to it; the MPI code keeps its time loop. Nothing on the task side blocks. */
#include <cohort_mpi.h>
#include <math.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); MPI_Abort(MPI_COMM_WORLD, 1); } } while (0)
enum { N = 10000, TILES = 12, STEPS = 200 };
enum { Q, RHS };

static cohort_runtime_t rt;
static cohort_handshake_t hs;
static cohort_task_t await_task, rhs_task, handoff_task;
static cohort_field_t field[2];
static double q[N], rhs[N];

static int32_t rhs_cpu(cohort_context_t task, void *user)
{
    cohort_view_t from, to;
    (void)user;
    TRY(cohort_view(task, 0, field[Q], COHORT_READ_ONLY, &from));
    TRY(cohort_view(task, 1, field[RHS], COHORT_WRITE_DISCARD, &to));
    for (int64_t i = 0; i <= from.hi[0] - from.lo[0]; i++)
        ((double *)to.base)[i] = -((const double *)from.base)[i];
    return 0;
}

/* Await and handoff only order: the arrays are used in place. */
static int32_t order_only(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    return 0;
}

static int32_t rank_main(cohort_context_t task, void *user)
{
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t tiles;
    cohort_launch_t await = COHORT_LAUNCH_INIT, work = COHORT_LAUNCH_INIT, handoff = COHORT_LAUNCH_INIT;
    const int64_t lo = 1, hi = N, stride = sizeof(double), counts = TILES;
    (void)user;
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "q", &field[Q]));
    TRY(cohort_field_allocate(fields, sizeof(double), "rhs", &field[RHS]));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_partition_blocks(region, &counts, &tiles));
    TRY(cohort_attach(task, region, 1, &field[Q], q, &stride, 0));
    TRY(cohort_attach(task, region, 1, &field[RHS], rhs, &stride, 0));

    const cohort_requirement_t both = {.region = region, .fields = field, .field_count = 2, .privilege = COHORT_READ_WRITE};
    const cohort_requirement_t tile[] = {
        {.partition = tiles, .fields = &field[Q], .field_count = 1, .privilege = COHORT_READ_ONLY},
        {.partition = tiles, .fields = &field[RHS], .field_count = 1, .privilege = COHORT_WRITE_DISCARD}};
    await.task = await_task;
    work.task = rhs_task;
    handoff.task = handoff_task;
    await.requirements = handoff.requirements = &both;
    await.requirement_count = handoff.requirement_count = 1;
    await.wait_handshakes = handoff.arrive_handshakes = &hs;
    await.wait_handshake_count = handoff.arrive_handshake_count = 1;
    work.requirements = tile;
    work.requirement_count = 2;
    for (int step = 0; step < STEPS; step++) {
        TRY(cohort_launch(task, &await, NULL));
        TRY(cohort_index_launch(task, &work, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
        TRY(cohort_launch(task, &handoff, NULL));
        TRY(cohort_handshake_advance(task, hs));
    }
    return cohort_detach(task, region, 2, field);
}

int main(int argc, char **argv)
{
    cohort_context_t ctx;
    cohort_launch_t member = COHORT_LAUNCH_INIT;
    int rank, provided;
    const double dt = 1e-3;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; i < N; i++)
        q[i] = rank + 1;
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_task_register(rt, "await", order_only, NULL, COHORT_TASK_LEAF, &await_task));
    TRY(cohort_task_register(rt, "rhs", rhs_cpu, NULL, COHORT_TASK_LEAF, &rhs_task));
    TRY(cohort_task_register(rt, "handoff", order_only, NULL, COHORT_TASK_LEAF, &handoff_task));
    TRY(cohort_task_register(rt, "rank_main", rank_main, NULL, 0, &member.task));
    TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));
    TRY(cohort_must_epoch(ctx, 1, &member, NULL)); /* one rank_main on every MPI rank, all running at once */
    for (int step = 0; step < STEPS; step++) {
        TRY(cohort_handoff_to_tasks(hs));
        TRY(cohort_wait_on_tasks(hs));
        for (int i = 0; i < N; i++)
            q[i] += dt * rhs[i];
    }
    TRY(cohort_finalize(&rt));

    const double expected = (rank + 1) * pow(1 - dt, STEPS);
    for (int i = 0; i < N; i++)
        if (fabs(q[i] - expected) > 1e-12) {
            printf("FAILED on rank %d: q[%d] = %g is not %g\n", rank, i, q[i], expected);
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    if (rank == 0)
        puts("PASSED");
    MPI_Finalize();
    return 0;
}
