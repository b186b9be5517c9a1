/* MPI work and tasks at the same time: between the hand-over and the wait the program does its own MPI work while workers run
 * tasks. A task that calls MPI itself is mapped to the MPI thread, which runs it while it waits; so MPI_THREAD_FUNNELED is enough. */
#include <cohort_mpi.h>
#include <math.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); MPI_Abort(MPI_COMM_WORLD, 1); } } while (0)
enum { N = 100000, PARTS = 8, STEPS = 20 };
static int rank, size;
static const cohort_field_t fields[2] = {0, 1};
static double q[N], f[N];

static int32_t smooth(cohort_context_t task, void *user)
{
    cohort_view_t from, to;
    (void)user;
    TRY(cohort_view(task, 0, fields[0], COHORT_READ_ONLY, &from));
    TRY(cohort_view(task, 1, fields[1], COHORT_WRITE_DISCARD, &to));
    for (int64_t i = 0; i <= from.hi[0] - from.lo[0]; i++)
        ((double *)to.base)[i] = sqrt(((double *)from.base)[i]);
    return 0;
}

/* Calls MPI, so it runs where the program calls MPI. */
static int32_t subtract_mean(cohort_context_t task, void *user)
{
    cohort_view_t v;
    double sum = 0;
    (void)user;
    TRY(cohort_view(task, 0, fields[1], COHORT_READ_WRITE, &v));
    double *values = v.base;
    for (int i = 0; i < N; i++)
        sum += values[i];
    MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    for (int i = 0; i < N; i++)
        values[i] -= sum / N / size;
    return 0;
}

static int32_t order_only(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    return 0;
}

static double expected(int step)
{
    double mean = 0;
    for (int r = 0; r < size; r++)
        mean += sqrt(step + r) / size;
    return sqrt(step + rank) - mean;
}

int main(int argc, char **argv)
{
    const int64_t lo = 1, hi = N, stride = sizeof(double), counts = PARTS;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_config_t config = COHORT_CONFIG_INIT;
    cohort_index_space_t points;
    cohort_field_space_t field_space;
    cohort_field_t first;
    cohort_region_t region;
    cohort_partition_t parts;
    cohort_handshake_t hs;
    cohort_launch_t await = COHORT_LAUNCH_INIT, work = COHORT_LAUNCH_INIT, mean = COHORT_LAUNCH_INIT, handoff = COHORT_LAUNCH_INIT;
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    config.workers = 2; /* the MPI thread, while it waits, and one more */
    config.spin_microseconds = 50;
    TRY(cohort_init_mpi(MPI_COMM_WORLD, &config, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &field_space));
    TRY(cohort_fields_allocate(field_space, sizeof(double), 2, &first));
    TRY(cohort_region_create(rt, points, field_space, &region));
    TRY(cohort_partition_blocks(region, &counts, &parts));
    TRY(cohort_attach(ctx, region, 1, &fields[0], q, &stride, 0));
    TRY(cohort_attach(ctx, region, 1, &fields[1], f, &stride, 0));
    TRY(cohort_task_register(rt, "await", order_only, NULL, COHORT_TASK_LEAF, &await.task));
    TRY(cohort_task_register(rt, "smooth", smooth, NULL, COHORT_TASK_LEAF, &work.task));
    TRY(cohort_task_register(rt, "mean", subtract_mean, NULL, COHORT_TASK_LEAF, &mean.task));
    TRY(cohort_task_register(rt, "handoff", order_only, NULL, COHORT_TASK_LEAF, &handoff.task));
    TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));

    const cohort_requirement_t both = {.region = region, .fields = fields, .field_count = 2, .privilege = COHORT_READ_WRITE};
    const cohort_requirement_t result = {.region = region, .fields = &fields[1], .field_count = 1, .privilege = COHORT_READ_WRITE};
    const cohort_requirement_t part[2] = {
        {.partition = parts, .fields = &fields[0], .field_count = 1, .privilege = COHORT_READ_ONLY},
        {.partition = parts, .fields = &fields[1], .field_count = 1, .privilege = COHORT_WRITE_DISCARD}};
    await.requirements = handoff.requirements = &both;
    mean.requirements = &result;
    await.requirement_count = handoff.requirement_count = mean.requirement_count = 1;
    work.requirements = part;
    work.requirement_count = 2;
    await.wait_handshakes = handoff.arrive_handshakes = &hs;
    await.wait_handshake_count = handoff.arrive_handshake_count = 1;
    mean.processor = COHORT_PROC_MPI;

    for (int step = 1; step <= STEPS; step++) {
        const double mine = rank;
        double largest;
        bool done = false;
        for (int i = 0; i < N; i++)
            q[i] = step + rank;
        TRY(cohort_launch(ctx, &await, NULL));
        TRY(cohort_index_launch(ctx, &work, PARTS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
        TRY(cohort_launch(ctx, &mean, NULL));
        TRY(cohort_launch(ctx, &handoff, NULL));
        TRY(cohort_handshake_advance(ctx, hs));
        TRY(cohort_handoff_to_tasks(hs));
        MPI_Allreduce(&mine, &largest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD); /* tasks run meanwhile */
        for (int looks = 0; looks < 10 && !done; looks++)
            TRY(cohort_test_on_tasks(hs, &done));
        TRY(cohort_wait_on_tasks(hs)); /* due even if the test said that it is done */
        for (int i = 0; i < N; i++)
            if (fabs(f[i] - expected(step)) > 1e-9) {
                printf("FAILED on rank %d: step %d, f[%d] = %g is not %g\n", rank, step, i, f[i], expected(step));
                MPI_Abort(MPI_COMM_WORLD, 1);
            }
    }
    TRY(cohort_finalize(&rt));
    if (rank == 0)
        puts("PASSED");
    MPI_Finalize();
    return 0;
}
