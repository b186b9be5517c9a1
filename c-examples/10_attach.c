/* Arrays of the program as storage of regions, in place: the inside of arrays with halos, arrays of structs, a stretch of a work array.
 * Nothing is copied: what a task writes is in the array. */
#include <cohort.h>
#include <math.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 20, M = 12, ROWS = 4 };
enum { U, V, W, LIGHT, HEAVY, SPEED, FIELDS };

static double at(const cohort_view_t *v, int64_t i, int64_t j)
{
    return *(double *)((char *)v->base + i * v->stride[0] + j * v->stride[1]);
}

static int32_t find_speed(cohort_context_t task, void *user)
{
    cohort_view_t v[SPEED], s;
    (void)user;
    for (cohort_field_t f = 0; f < SPEED; f++)
        TRY(cohort_view(task, 0, f, COHORT_READ_ONLY, &v[f]));
    TRY(cohort_view(task, 1, SPEED, COHORT_WRITE_DISCARD, &s));
    for (int64_t j = 0; j <= s.hi[1] - s.lo[1]; j++)
        for (int64_t i = 0; i <= s.hi[0] - s.lo[0]; i++)
            *(double *)((char *)s.base + i * s.stride[0] + j * s.stride[1]) =
                sqrt(pow(at(&v[U], i, j), 2) + pow(at(&v[V], i, j), 2) + pow(at(&v[W], i, j), 2)) / (at(&v[LIGHT], i, j) + at(&v[HEAVY], i, j));
    return 0;
}

int main(void)
{
    static struct { double u, v, w; } velocity[M][N];
    static double rho[2][M + 2][N + 2], work[1000];
    double (*speed)[N] = (double (*)[N])&work[100];
    const cohort_field_t all[FIELDS] = {U, V, W, LIGHT, HEAVY, SPEED};
    const int64_t lo[2] = {1, 1}, hi[2] = {N, M}, counts[2] = {1, ROWS};
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t first;
    cohort_region_t region;
    cohort_partition_t rows;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    for (int j = 0; j < M; j++)
        for (int i = 0; i < N; i++) {
            velocity[j][i].u = i;
            velocity[j][i].v = j;
            velocity[j][i].w = 1;
            rho[0][j + 1][i + 1] = rho[1][j + 1][i + 1] = 1;
        }
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 2, lo, hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), FIELDS, &first));
    TRY(cohort_region_create(rt, points, fields, &region));

    /* The base is the first field's element at the region's lo; strides are in bytes, x first. */
    const int64_t structs[2] = {sizeof velocity[0][0], sizeof velocity[0]};
    const int64_t inside[2] = {sizeof(double), sizeof rho[0][0]}, dense[2] = {sizeof(double), sizeof speed[0]};
    TRY(cohort_attach(ctx, region, 3, &all[U], velocity, structs, sizeof(double)));
    TRY(cohort_attach(ctx, region, 2, &all[LIGHT], &rho[0][1][1], inside, sizeof rho[0]));
    TRY(cohort_attach(ctx, region, 1, &all[SPEED], speed, dense, 0));

    TRY(cohort_partition_blocks(region, counts, &rows));
    TRY(cohort_task_register(rt, "speed", find_speed, NULL, COHORT_TASK_LEAF, &launch.task));
    const cohort_requirement_t needs[2] = {
        {.partition = rows, .fields = all, .field_count = SPEED, .privilege = COHORT_READ_ONLY},
        {.partition = rows, .fields = &all[SPEED], .field_count = 1, .privilege = COHORT_WRITE_DISCARD}};
    launch.requirements = needs;
    launch.requirement_count = 2;
    TRY(cohort_index_launch(ctx, &launch, ROWS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_detach(ctx, region, FIELDS, all)); /* waits; the arrays are the program's again */
    TRY(cohort_finalize(&rt));
    for (int j = 0; j < M; j++)
        for (int i = 0; i < N; i++)
            if (fabs(speed[j][i] - sqrt(i * i + j * j + 1.0) / 2) > 1e-13) {
                printf("FAILED: speed %g at %d %d\n", speed[j][i], i, j);
                return 1;
            }
    return puts("PASSED") < 0;
}
