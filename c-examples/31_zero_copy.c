/* A field that host and device work on in turns, in memory of the host that the device's kernels reach: nothing is copied from one
 * to the other. Where no device has such memory the field has storage as any other. COHORT_DEVICES=opencl takes OpenCL's CPUs as well. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 5000, BLOCKS = 5, STEPS = 8 };
static cohort_field_t f[2]; /* old and new values */

static const char *const text =
    "COHORT_KERNEL void advance(COHORT_GLOBAL double *u, cohort_extent of_u)\n"
    "{\n"
    "    COHORT_POINT(of_u, i, j, k)\n"
    "    COHORT_FIELD(u, of_u, 1, i, j, k) = 2 * COHORT_FIELD(u, of_u, 0, i, j, k) + i;\n"
    "}\n";

/* Where there is no device. */
static int32_t advance(cohort_context_t task, void *user)
{
    cohort_view_t old, new;
    (void)user;
    TRY(cohort_view(task, 0, f[0], COHORT_READ_WRITE, &old));
    TRY(cohort_view(task, 0, f[1], COHORT_READ_WRITE, &new));
    for (int64_t i = old.lo[0]; i <= old.hi[0]; i++)
        ((double *)new.base)[i - old.lo[0]] = 2 * ((double *)old.base)[i - old.lo[0]] + (double)i;
    return 0;
}

/* Runs on the host, and has no kernel. */
static int32_t take_over(cohort_context_t task, void *user)
{
    cohort_view_t old, new;
    (void)user;
    TRY(cohort_view(task, 0, f[0], COHORT_READ_WRITE, &old));
    TRY(cohort_view(task, 0, f[1], COHORT_READ_WRITE, &new));
    for (int64_t i = 0; i <= old.hi[0] - old.lo[0]; i++)
        ((double *)old.base)[i] = ((double *)new.base)[i] + 1;
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
    cohort_launch_t kernel_step = COHORT_LAUNCH_INIT, host_step = COHORT_LAUNCH_INIT;
    cohort_kernel_t kernel = COHORT_KERNEL_INIT;
    cohort_mapping_t mapping;
    cohort_view_t found;
    uint32_t memories;
    int64_t lo = 1, hi = N, blocks = BLOCKS;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), 2, f));
    f[1] = f[0] + 1;
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_partition_blocks(region, &blocks, &parts));
    TRY(cohort_machine_memories(rt, COHORT_MEMORY_ZERO_COPY, 0, NULL, &memories));
    if (memories > 0)
        TRY(cohort_region_zero_copy(region, 2, f)); /* before the first use, both fields in one call */
    TRY(cohort_task_register(rt, "advance", advance, NULL, COHORT_TASK_LEAF, &kernel_step.task));
    TRY(cohort_task_register(rt, "take over", take_over, NULL, COHORT_TASK_LEAF, &host_step.task));
    kernel.source = text;
    kernel.name = "advance";
    TRY(cohort_task_kernel(kernel_step.task, &kernel));
    cohort_requirement_t need = {.partition = parts, .fields = f, .field_count = 2, .privilege = COHORT_READ_WRITE};
    kernel_step.requirements = host_step.requirements = &need;
    kernel_step.requirement_count = host_step.requirement_count = 1;
    for (int turn = 0; turn < STEPS; turn++) {
        TRY(cohort_index_launch(ctx, &kernel_step, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
        TRY(cohort_index_launch(ctx, &host_step, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    }
    cohort_requirement_t all = {.region = region, .fields = f, .field_count = 1, .privilege = COHORT_READ_ONLY};
    TRY(cohort_inline_map(ctx, &all, &mapping));
    TRY(cohort_inline_view(mapping, f[0], COHORT_READ_ONLY, &found));
    for (int i = 1; i <= N; i++) {
        double expected = 0;
        for (int turn = 0; turn < STEPS; turn++)
            expected = 2 * expected + i + 1;
        if (((double *)found.base)[i - 1] != expected) {
            printf("FAILED: %g at %d\n", ((double *)found.base)[i - 1], i);
            return 1;
        }
    }
    TRY(cohort_inline_unmap(&mapping));
    TRY(cohort_finalize(&rt));
    printf("PASSED, %s\n", memories > 0 ? "in place" : "no device uses the host's memory");
    return 0;
}
