/* SAXPY on a device, with no compiler of its maker's: the kernel is a text that is CUDA C and OpenCL C at once, compiled when the task
 * first runs there. The data stays on the device from step to step and comes back when the program waits for all. Where there
 * is no device, the task's function runs. COHORT_DEVICES=opencl takes OpenCL's CPUs as well. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 1000, BLOCKS = 4, STEPS = 5 };
static cohort_field_t f[2]; /* of x and of y */
static int on_host[BLOCKS]; /* tasks of each block that ran there; they come one after another */

/* A pointer and an extent for each requirement, then the launch's argument; a work item for each point of y's block. */
static const char *const text =
    "COHORT_KERNEL void saxpy(COHORT_GLOBAL const double *x, cohort_extent of_x,\n"
    "                         COHORT_GLOBAL double *y, cohort_extent of_y, double a)\n"
    "{\n"
    "    COHORT_POINT(of_y, i, j, k)\n"
    "    COHORT_AT(y, of_y, i, j, k) += a * COHORT_AT(x, of_x, i, j, k);\n"
    "}\n";

static int32_t saxpy(cohort_context_t task, void *user)
{
    double a;
    uint32_t block;
    cohort_view_t x, y;
    (void)user;
    TRY(cohort_task_args_get(task, &a, sizeof a));
    TRY(cohort_view(task, 0, f[0], COHORT_READ_ONLY, &x));
    TRY(cohort_view(task, 1, f[1], COHORT_READ_WRITE, &y));
    for (int64_t i = 0; i <= x.hi[0] - x.lo[0]; i++)
        ((double *)y.base)[i] += a * ((double *)x.base)[i];
    TRY(cohort_task_point(task, &block));
    on_host[block]++;
    return 0;
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t parts;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_kernel_t kernel = COHORT_KERNEL_INIT;
    int64_t lo = 1, hi = N, stride = sizeof(double), blocks = BLOCKS;
    double a = 2, x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = i;
        y[i] = 1;
    }
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "x", &f[0]));
    TRY(cohort_field_allocate(fields, sizeof(double), "y", &f[1]));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_partition_blocks(region, &blocks, &parts));
    TRY(cohort_attach(ctx, region, 1, &f[0], x, &stride, 0));
    TRY(cohort_attach(ctx, region, 1, &f[1], y, &stride, 0));
    TRY(cohort_task_register(rt, "saxpy", saxpy, NULL, COHORT_TASK_LEAF, &launch.task));
    kernel.source = text;
    kernel.name = "saxpy";
    kernel.grid_requirement = 1;
    TRY(cohort_task_kernel(launch.task, &kernel));
    cohort_requirement_t needs[] = {{.partition = parts, .fields = &f[0], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                    {.partition = parts, .fields = &f[1], .field_count = 1, .privilege = COHORT_READ_WRITE}};
    launch.args = &a;
    launch.args_size = sizeof a;
    launch.requirements = needs;
    launch.requirement_count = 2;
    for (int step = 0; step < STEPS; step++)
        TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_wait_all(ctx)); /* from here on y is what the tasks left in it */
    for (int i = 0; i < N; i++)
        if (y[i] != 1 + STEPS * a * i) {
            printf("FAILED: y[%d] = %g\n", i, y[i]);
            return 1;
        }
    TRY(cohort_finalize(&rt));
    int on_device = STEPS * BLOCKS;
    for (int block = 0; block < BLOCKS; block++)
        on_device -= on_host[block];
    printf("PASSED, %d of %d tasks on a device\n", on_device, STEPS * BLOCKS);
    return 0;
}
