/* A mapper for several devices: it finds them in the machine's list of processors, deals the blocks out anew in every step, so that
 * data has to move, and says from where: what lies on the host and on another device comes from the memory that the one it goes to
 * reads fastest, as measured at the start. With no device, or one, nothing is asked and the answer is the same. COHORT_DEVICES=opencl takes
 * OpenCL's CPUs as well; POCL_DEVICES="pthread pthread" has PoCL make two of one. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 1000, BLOCKS = 4, STEPS = 6, MOST = 16 };
static cohort_field_t f[2]; /* of x and of y */

/* What tasks are given: the step is for the mapper. */
typedef struct {
    double a;
    int64_t step;
} args_t;

static const char *const text =
    "typedef struct { double a; long step; } args_t;\n"
    "COHORT_KERNEL void saxpy(COHORT_GLOBAL const double *x, cohort_extent of_x,\n"
    "                         COHORT_GLOBAL double *y, cohort_extent of_y, args_t args)\n"
    "{\n"
    "    COHORT_POINT(of_y, i, j, k)\n"
    "    COHORT_AT(y, of_y, i, j, k) += args.a * COHORT_AT(x, of_x, i, j, k);\n"
    "}\n";

/* Bytes a second, of each memory (by its number) that is read by the processor whose own memory is another. Filled before the mapper is
 * put to use, so that its callbacks, which run at the same time, only read it. */
typedef struct {
    double read[MOST][MOST];
    int asked;
} speeds_t;

static int32_t measure(cohort_runtime_t rt, speeds_t *speeds)
{
    cohort_processor_info_t processors[MOST] = {COHORT_PROCESSOR_INFO_INIT};
    uint32_t processor_count, memory_count;
    TRY(cohort_machine_processors(rt, COHORT_PROC_DEVICE, MOST, processors, &processor_count));
    TRY(cohort_machine_memories(rt, COHORT_MEMORY_ANY, 0, NULL, &memory_count));
    for (uint32_t p = 0; p < processor_count && p < MOST; p++)
        for (int32_t memory = 0; memory < (int32_t)memory_count && memory < MOST; memory++) {
            cohort_affinity_t affinity = COHORT_AFFINITY_INIT;
            /* A device that does not reach another's memory gets its data by way of the host: speed 0. */
            if (processors[p].memory < MOST && cohort_machine_affinity(rt, processors[p].number, memory, &affinity) == COHORT_OK)
                speeds->read[processors[p].memory][memory] = affinity.bandwidth;
        }
    return 0;
}

static int32_t deal_out(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
    const args_t *args = task->args;
    (void)user;
    if (task->device_count > 0) {
        options->processor = COHORT_PROC_DEVICE;
        options->device = task->devices[(task->point + args->step) % task->device_count];
    }
    return 0;
}

/* By insertion, fastest first. */
static int32_t fastest_first(const cohort_sources_info_t *copy, cohort_source_order_t *order, void *user)
{
    speeds_t *speeds = user;
    speeds->asked++; /* the mapper is serialised */
    if (copy->destination >= MOST)
        return 0;
    const double *read = speeds->read[copy->destination];
    for (uint32_t i = 1; i < order->count; i++)
        for (uint32_t j = i; j > 0 && order->memories[j] < MOST && order->memories[j - 1] < MOST &&
                             read[order->memories[j]] > read[order->memories[j - 1]]; j--) {
            int32_t faster = order->memories[j];
            order->memories[j] = order->memories[j - 1];
            order->memories[j - 1] = faster;
        }
    return 0;
}

static int32_t saxpy(cohort_context_t task, void *user)
{
    args_t args;
    cohort_view_t x, y;
    (void)user;
    TRY(cohort_task_args_get(task, &args, sizeof args));
    TRY(cohort_view(task, 0, f[0], COHORT_READ_ONLY, &x));
    TRY(cohort_view(task, 1, f[1], COHORT_READ_WRITE, &y));
    for (int64_t i = 0; i <= x.hi[0] - x.lo[0]; i++)
        ((double *)y.base)[i] += args.a * ((double *)x.base)[i];
    return 0;
}

int main(void)
{
    static speeds_t speeds;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t parts;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_kernel_t kernel = COHORT_KERNEL_INIT;
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    cohort_mapper_handle_t handle;
    int64_t lo = 1, hi = N, stride = sizeof(double), blocks = BLOCKS;
    uint32_t devices;
    uint64_t refused;
    double x[N], y[N];
    args_t args = {2, 0};
    for (int i = 0; i < N; i++) {
        x[i] = i;
        y[i] = 1;
    }
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_machine_processors(rt, COHORT_PROC_DEVICE, 0, NULL, &devices));
    if (measure(rt, &speeds))
        return 1;
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
    mapper.select_task_options = deal_out;
    mapper.rank_copy_sources = fastest_first;
    mapper.flags = COHORT_MAPPER_SERIALISED;
    mapper.user = &speeds;
    TRY(cohort_mapper_register(rt, &mapper, "deals out", &handle));
    TRY(cohort_mapper_use(handle, &launch.task, 1));

    cohort_requirement_t needs[] = {{.partition = parts, .fields = &f[0], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                    {.partition = parts, .fields = &f[1], .field_count = 1, .privilege = COHORT_READ_WRITE}};
    launch.args = &args;
    launch.args_size = sizeof args;
    launch.requirements = needs;
    launch.requirement_count = 2;
    for (args.step = 0; args.step < STEPS; args.step++)
        TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_wait_all(ctx));
    TRY(cohort_mapper_refusals(handle, &refused, NULL, 0));
    TRY(cohort_finalize(&rt));
    for (int i = 0; i < N; i++)
        if (y[i] != 1 + STEPS * args.a * i) {
            printf("FAILED: y[%d] = %g\n", i, y[i]);
            return 1;
        }
    /* Each block of x comes to each device but the first from the host or from a device that has it. */
    if (refused || (devices > 1) != (speeds.asked > 0)) {
        printf("FAILED: %d devices, asked %d times, refused %d\n", (int)devices, speeds.asked, (int)refused);
        return 1;
    }
    printf("PASSED, %d devices, asked %d times where data comes from\n", (int)devices, speeds.asked);
    return 0;
}
