/* An MPI code keeps its time loop; one array update in it runs as tasks over blocks. The waiting MPI thread runs them. */
#include <cohort_mpi.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); MPI_Abort(MPI_COMM_WORLD, 1); } } while (0)
enum { N = 64, HALO = 4, TILES = 4, STEPS = 100 };
enum { Q, RHS };

static cohort_field_t field[2];

static int32_t rhs_cpu(cohort_context_t task, void *user)
{
    cohort_view_t q, f;
    (void)user;
    TRY(cohort_view(task, 0, field[Q], COHORT_READ_ONLY, &q));
    TRY(cohort_view(task, 1, field[RHS], COHORT_WRITE_DISCARD, &f));
    for (int64_t k = 0; k <= q.hi[2] - q.lo[2]; k++)
        for (int64_t j = 0; j <= q.hi[1] - q.lo[1]; j++) {
            const double *from = (const double *)((char *)q.base + k * q.stride[2] + j * q.stride[1]);
            double *to = (double *)((char *)f.base + k * f.stride[2] + j * f.stride[1]);
            for (int64_t i = 0; i <= q.hi[0] - q.lo[0]; i++)
                to[i] = -from[i];
        }
    return 0;
}

/* Await and handoff only order: the arrays are used in place. */
static int32_t nothing(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    return 0;
}

int main(int argc, char **argv)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t tiles;
    cohort_handshake_t hs;
    cohort_launch_t await = COHORT_LAUNCH_INIT, rhs = COHORT_LAUNCH_INIT, handoff = COHORT_LAUNCH_INIT;
    int rank, provided;
    const double dt = 1e-3;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);

    /* The code's own arrays: q with halos in the first dimension, f without. */
    const int64_t nx = N + 2 * HALO, q_stride[] = {8, 8 * nx, 8 * nx * N}, f_stride[] = {8, 8 * N, 8 * N * N};
    double *q = malloc((size_t)nx * N * N * sizeof *q), *f = malloc((size_t)N * N * N * sizeof *f);
    for (int64_t i = 0; i < nx * N * N; i++)
        q[i] = rank + 1;

    const int64_t lo[] = {1, 1, 1}, hi[] = {N, N, N}, counts[] = {1, TILES, TILES};
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 3, lo, hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "q", &field[Q]));
    TRY(cohort_field_allocate(fields, sizeof(double), "rhs", &field[RHS]));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_partition_blocks(region, counts, &tiles));
    TRY(cohort_attach(ctx, region, 1, &field[Q], q + HALO, q_stride, 0));
    TRY(cohort_attach(ctx, region, 1, &field[RHS], f, f_stride, 0));
    TRY(cohort_task_register(rt, "await", nothing, NULL, COHORT_TASK_LEAF, &await.task));
    TRY(cohort_task_register(rt, "rhs", rhs_cpu, NULL, COHORT_TASK_LEAF, &rhs.task));
    TRY(cohort_task_register(rt, "handoff", nothing, NULL, COHORT_TASK_LEAF, &handoff.task));
    TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &hs));

    const cohort_requirement_t both = {.region = region, .fields = field, .field_count = 2, .privilege = COHORT_READ_WRITE};
    const cohort_requirement_t tile[] = {
        {.partition = tiles, .fields = &field[Q], .field_count = 1, .privilege = COHORT_READ_ONLY},
        {.partition = tiles, .fields = &field[RHS], .field_count = 1, .privilege = COHORT_WRITE_DISCARD}};
    await.requirements = handoff.requirements = &both;
    await.requirement_count = handoff.requirement_count = 1;
    await.wait_handshakes = handoff.arrive_handshakes = &hs;
    await.wait_handshake_count = handoff.arrive_handshake_count = 1;
    rhs.requirements = tile;
    rhs.requirement_count = 2;

    for (int step = 0; step < STEPS; step++) {
        TRY(cohort_launch(ctx, &await, NULL));
        TRY(cohort_index_launch(ctx, &rhs, TILES * TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
        TRY(cohort_launch(ctx, &handoff, NULL));
        TRY(cohort_handshake_advance(ctx, hs));
        TRY(cohort_handoff_to_tasks(hs)); /* q is ready; returns at once */
        TRY(cohort_wait_on_tasks(hs));    /* f is ready; meanwhile this thread runs tasks */
        for (int64_t row = 0; row < N * N; row++)
            for (int64_t i = 0; i < N; i++)
                q[row * nx + HALO + i] += dt * f[row * N + i];
    }
    TRY(cohort_detach(ctx, region, 2, field));
    TRY(cohort_finalize(&rt));

    const double expected = (rank + 1) * pow(1 - dt, STEPS);
    for (int64_t row = 0; row < N * N; row++)
        for (int64_t i = 0; i < N; i++)
            if (fabs(q[row * nx + HALO + i] - expected) > 1e-12) {
                printf("FAILED on rank %d: %g is not %g\n", rank, q[row * nx + HALO + i], expected);
                MPI_Abort(MPI_COMM_WORLD, 1);
            }
    free(q);
    free(f);
    if (rank == 0)
        puts("PASSED");
    MPI_Finalize();
    return 0;
}
