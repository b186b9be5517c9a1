/* A kernel in a file of its own, with an option for its compiler and groups of a size that suits it: heat spreads over a plate cut into
 * tiles, and each tile's kernel reads one point beyond it. Where there is no device, the task's function runs. COHORT_DEVICES=opencl
 * takes OpenCL's CPUs as well. The file is 35_kernel_file.cl, or the one that is named: on CUDA's devices it may have PTX in it. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { NX = 60, NY = 40, TILES = 4, STEPS = 6 };
static cohort_field_t temperature;
static int on_host[TILES]; /* tasks of each tile that ran there; they come one after another */

static int64_t within(int64_t index, int64_t lo, int64_t hi)
{
    return index < lo ? lo : index > hi ? hi : index;
}

/* Of the plate before the step the tile with a point around it, as far as there is one; of the plate after it the tile. */
static int32_t spread(cohort_context_t task, void *user)
{
    cohort_view_t t, next;
    uint32_t tile;
    (void)user;
    TRY(cohort_view(task, 0, temperature, COHORT_READ_ONLY, &t));
    TRY(cohort_view(task, 1, temperature, COHORT_WRITE_DISCARD, &next));
#define AT(v, i, j) (*(double *)((char *)(v).base + ((i) - (v).lo[0]) * (v).stride[0] + ((j) - (v).lo[1]) * (v).stride[1]))
#define NEAR(i, j) AT(t, within(i, t.lo[0], t.hi[0]), within(j, t.lo[1], t.hi[1]))
    for (int64_t j = next.lo[1]; j <= next.hi[1]; j++)
        for (int64_t i = next.lo[0]; i <= next.hi[0]; i++)
            AT(next, i, j) = (NEAR(i - 1, j) + NEAR(i + 1, j) + NEAR(i, j - 1) + NEAR(i, j + 1)) / 4;
    TRY(cohort_task_point(task, &tile));
    on_host[tile]++;
    return 0;
}

int main(int argc, char **argv)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t plate[2]; /* before and after a step, in turns */
    cohort_partition_t tiles[2], around[2];
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_kernel_t kernel = COHORT_KERNEL_INIT;
    static double array[2][NY][NX], expected[2][NY][NX];
    const int64_t lo[2] = {1, 1}, hi[2] = {NX, NY}, counts[2] = {2, 2}, depth[2] = {1, 1};
    const int64_t strides[2] = {sizeof(double), NX * sizeof(double)};
    for (int j = 0; j < NY; j++)
        for (int i = 0; i < NX; i++)
            array[0][j][i] = expected[0][j][i] = i * j % 7;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 2, lo, hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "temperature", &temperature));
    for (int p = 0; p < 2; p++) {
        TRY(cohort_region_create(rt, points, fields, &plate[p]));
        TRY(cohort_partition_blocks(plate[p], counts, &tiles[p]));
        TRY(cohort_partition_tiles_halo(tiles[p], depth, &around[p]));
        TRY(cohort_attach(ctx, plate[p], 1, &temperature, array[p], strides, 0));
    }
    TRY(cohort_task_register(rt, "spread", spread, NULL, COHORT_TASK_LEAF, &launch.task));
    kernel.file = argc > 1 ? argv[1] : "35_kernel_file.cl";
    kernel.name = "spread";
    kernel.options = "-DSHARE=0.25";
    kernel.block[0] = 16;
    kernel.block[1] = 4;
    kernel.block[2] = 1;
    kernel.grid_requirement = 1; /* a work item for each point of the tile */
    TRY(cohort_task_kernel(launch.task, &kernel));
    for (int step = 0; step < STEPS; step++) {
        const int before = step % 2;
        cohort_requirement_t needs[] = {
            {.partition = around[before], .fields = &temperature, .field_count = 1, .privilege = COHORT_READ_ONLY},
            {.partition = tiles[1 - before], .fields = &temperature, .field_count = 1, .privilege = COHORT_WRITE_DISCARD}};
        launch.requirements = needs;
        launch.requirement_count = 2;
        TRY(cohort_index_launch(ctx, &launch, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    }
    TRY(cohort_wait_all(ctx)); /* from here on the arrays are what the tasks left in them */
    for (int step = 0; step < STEPS; step++) {
        double(*t)[NX] = expected[step % 2], (*next)[NX] = expected[1 - step % 2];
        for (int j = 0; j < NY; j++)
            for (int i = 0; i < NX; i++) /* quarters of quarters: nothing is rounded */
                next[j][i] = (t[j][within(i - 1, 0, NX - 1)] + t[j][within(i + 1, 0, NX - 1)] +
                              t[within(j - 1, 0, NY - 1)][i] + t[within(j + 1, 0, NY - 1)][i]) / 4;
    }
    for (int j = 0; j < NY; j++)
        for (int i = 0; i < NX; i++)
            if (array[STEPS % 2][j][i] != expected[STEPS % 2][j][i]) {
                printf("FAILED: %g instead of %g at %d, %d\n", array[STEPS % 2][j][i], expected[STEPS % 2][j][i], i + 1, j + 1);
                return 1;
            }
    TRY(cohort_finalize(&rt));
    int on_device = STEPS * TILES;
    for (int tile = 0; tile < TILES; tile++)
        on_device -= on_host[tile];
    printf("PASSED, %d of %d tasks on a device\n", on_device, STEPS * TILES);
    return 0;
}
