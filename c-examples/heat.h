/* The physics of examples 06 and 07: heat spreads in a periodic box, of which each rank has a block of N^3 points. A cosine in
 * each direction decays by the same factor in every step, which the check knows. */
#ifndef HEAT_H
#define HEAT_H
#include <cohort_mpi.h>
#include <math.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); MPI_Abort(MPI_COMM_WORLD, 1); } } while (0)
enum { N = 16, STEPS = 50, FACES = 6 };
static const double rate = 0.1, turn = 6.283185307179586;
static const int64_t heat_lo[3] = {1, 1, 1}, heat_hi[3] = {N, N, N};

/* How many blocks there are in each direction, and which is this rank's. */
static int blocks[3], place[3];
/* The temperature before and after a step, in turns. */
static double temperature[2][N][N][N];

static double *at(const cohort_view_t *v, int64_t i, int64_t j, int64_t k)
{
    return (double *)((char *)v->base + (i - v->lo[0]) * v->stride[0] + (j - v->lo[1]) * v->stride[1] + (k - v->lo[2]) * v->stride[2]);
}

/* One step. Requirements: the block before (the field that the argument names), the block after (the other field), then the six ghost regions in the
 * order of the faces, field 0 of each. */
static int32_t heat_step(cohort_context_t task, void *user)
{
    static const uint32_t sources[] = {0, 2, 3, 4, 5, 6, 7};
    double q[N + 2][N + 2][N + 2];
    cohort_field_t before;
    cohort_view_t v;
    (void)user;
    TRY(cohort_task_args_get(task, &before, sizeof before));
    for (int s = 0; s < 1 + FACES; s++) {
        TRY(cohort_view(task, sources[s], s == 0 ? before : 0, COHORT_READ_ONLY, &v));
        for (int64_t k = v.lo[2]; k <= v.hi[2]; k++)
            for (int64_t j = v.lo[1]; j <= v.hi[1]; j++)
                for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
                    q[k][j][i] = *at(&v, i, j, k);
    }
    TRY(cohort_view(task, 1, 1 - before, COHORT_WRITE_DISCARD, &v));
    for (int64_t k = 1; k <= N; k++)
        for (int64_t j = 1; j <= N; j++)
            for (int64_t i = 1; i <= N; i++)
                *at(&v, i, j, k) = q[k][j][i] + rate * (q[k][j][i - 1] + q[k][j][i + 1] + q[k][j - 1][i] + q[k][j + 1][i] +
                                                        q[k - 1][j][i] + q[k + 1][j][i] - 6 * q[k][j][i]);
    return 0;
}

static double cosine(int d, int i)
{
    return cos(turn * (place[d] * N + i) / (blocks[d] * N));
}

/* Splits the box over the ranks and sets the temperature at the beginning. */
static MPI_Comm heat_begin(void)
{
    const int periods[3] = {1, 1, 1};
    int ranks, rank;
    MPI_Comm cart;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Dims_create(ranks, 3, blocks);
    MPI_Cart_create(MPI_COMM_WORLD, 3, blocks, periods, 0, &cart);
    MPI_Comm_rank(cart, &rank);
    MPI_Cart_coords(cart, rank, 3, place);
    for (int k = 0; k < N; k++)
        for (int j = 0; j < N; j++)
            for (int i = 0; i < N; i++)
                temperature[0][k][j][i] = cosine(0, i) * cosine(1, j) * cosine(2, k);
    return cart;
}

/* The block's region with the fields 0 and 1, whose storage is `temperature`. */
static cohort_region_t heat_block(cohort_runtime_t rt, cohort_context_t ctx)
{
    const int64_t strides[3] = {8, 8 * N, 8 * N * N};
    const cohort_field_t both[2] = {0, 1};
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t first;
    cohort_region_t block;
    TRY(cohort_index_space_create(rt, 3, heat_lo, heat_hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), 2, &first));
    TRY(cohort_region_create(rt, points, fields, &block));
    TRY(cohort_attach(ctx, block, 2, both, temperature, strides, sizeof temperature[0]));
    return block;
}

/* Launches a step, which reads the field `before` of the block. */
static void heat_launch(cohort_context_t ctx, cohort_task_t step_task, cohort_region_t block, const cohort_region_t *ghost,
                        cohort_field_t before)
{
    const cohort_field_t zero = 0, after = 1 - before;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_requirement_t needs[2 + FACES] = {
        {.region = block, .fields = &before, .field_count = 1, .privilege = COHORT_READ_ONLY},
        {.region = block, .fields = &after, .field_count = 1, .privilege = COHORT_WRITE_DISCARD}};
    for (int face = 0; face < FACES; face++)
        needs[2 + face] = (cohort_requirement_t){.region = ghost[face], .fields = &zero, .field_count = 1,
                                                 .privilege = COHORT_READ_ONLY, .coherence = COHORT_SIMULTANEOUS};
    launch.task = step_task;
    launch.args = &before;
    launch.args_size = sizeof before;
    launch.requirements = needs;
    launch.requirement_count = 2 + FACES;
    TRY(cohort_launch(ctx, &launch, NULL));
}

/* Compares the temperature, of which field 0 is the last, with the decayed cosines. */
static void heat_check(void)
{
    double factor = 1, worst = 0;
    for (int d = 0; d < 3; d++)
        factor += 2 * rate * (cos(turn / (blocks[d] * N)) - 1);
    for (int k = 0; k < N; k++)
        for (int j = 0; j < N; j++)
            for (int i = 0; i < N; i++) {
                const double expected = pow(factor, STEPS) * cosine(0, i) * cosine(1, j) * cosine(2, k);
                worst = fmax(worst, fabs(temperature[STEPS % 2][k][j][i] - expected));
            }
    if (worst > 1e-12) {
        printf("FAILED: the temperature is off by %g\n", worst);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}
#endif
