/* One kernel wants each field in an array of C, q[i][j] with padded rows, another the five fields of a point side by side, a third
 * blocks of eight points for vector units. Each says so once; the library copies where the data lies otherwise, and says what it
 * copied and why. */
#include <cohort.h>
#include <stdio.h>
#include <string.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 32, M = 24, TILES = 4, STEPS = 5, FIELDS = 5, LANES = 8 };
static const cohort_field_t q[FIELDS] = {0, 1, 2, 3, 4};
typedef struct { double v[FIELDS]; } state;

/* Arrays of C: neighbours in j lie side by side. */
static int32_t by_field(cohort_context_t task, void *user)
{
    (void)user;
    for (int f = 0; f < FIELDS; f++) {
        cohort_view_t v;
        TRY(cohort_view(task, 0, q[f], COHORT_READ_WRITE, &v));
        for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++) {
            double *row = (double *)((char *)v.base + i * v.stride[0]);
            for (int64_t j = 0; j <= v.hi[1] - v.lo[1]; j++)
                row[j] += 1;
        }
    }
    return 0;
}

/* Structures: the fields of a point change places, as a kernel that couples them all would read and write them. */
static int32_t by_point(cohort_context_t task, void *user)
{
    cohort_view_t v;
    (void)user;
    TRY(cohort_view(task, 0, q[0], COHORT_READ_WRITE, &v));
    for (int64_t j = 0; j <= v.hi[1] - v.lo[1]; j++) {
        state *row = (state *)((char *)v.base + j * v.stride[1]);
        for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++) {
            const state old = row[i];
            for (int f = 0; f < FIELDS; f++)
                row[i].v[f] = old.v[(f + 1) % FIELDS];
        }
    }
    return 0;
}

/* Blocks: block b of a row holds FIELDS times LANES numbers; the tile's rows are whole blocks. */
static int32_t by_block(cohort_context_t task, void *user)
{
    cohort_view_t v;
    (void)user;
    TRY(cohort_view(task, 0, q[0], COHORT_READ_WRITE, &v));
    for (int64_t j = 0; j <= v.hi[1] - v.lo[1]; j++)
        for (int64_t b = 0; b < (v.hi[0] - v.lo[0] + 1) / v.block; b++) {
            double(*block)[LANES] = (double(*)[LANES])((char *)v.base + b * v.block_stride + j * v.stride[1]);
            for (int lane = 0; lane < LANES; lane++)
                block[0][lane] += block[1][lane] - block[4][lane];
        }
    return 0;
}

int main(void)
{
    const int64_t lo[2] = {1, 1}, hi[2] = {N, M}, counts[2] = {2, 2};
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t first;
    cohort_region_t region;
    cohort_partition_t tiles;
    cohort_task_t kernel[3];
    cohort_copied_t copied;
    cohort_layout_t soa = COHORT_LAYOUT_INIT, aos = COHORT_LAYOUT_INIT, blocked = COHORT_LAYOUT_INIT;
    soa.order = COHORT_ORDER_C;
    soa.padding[1] = 4; /* rows of M / 2 + 4 numbers */
    aos.grouping = COHORT_AOS;
    blocked.grouping = COHORT_BLOCKED;
    blocked.block = LANES;
    blocked.alignment = 64;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 2, lo, hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), FIELDS, &first));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_region_layout(region, FIELDS, q, &aos)); /* before the first use; without this call: SOA */
    TRY(cohort_partition_blocks(region, counts, &tiles));

    TRY(cohort_task_register(rt, "by field", by_field, NULL, COHORT_TASK_LEAF, &kernel[0]));
    TRY(cohort_task_register(rt, "by point", by_point, NULL, COHORT_TASK_LEAF, &kernel[1]));
    TRY(cohort_task_register(rt, "by block", by_block, NULL, COHORT_TASK_LEAF, &kernel[2]));
    TRY(cohort_task_layout(kernel[0], COHORT_PROC_ANY, 0, &soa));
    TRY(cohort_task_layout(kernel[1], COHORT_PROC_ANY, 0, &aos));
    TRY(cohort_task_layout(kernel[2], COHORT_PROC_ANY, 0, &blocked));

    for (int f = 0; f < FIELDS; f++) {
        const double start = 10 * f;
        TRY(cohort_fill(ctx, region, 1, &q[f], &start, sizeof start));
    }
    const cohort_requirement_t needs = {.partition = tiles, .fields = q, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.requirements = &needs;
    launch.requirement_count = 1;
    double expected[FIELDS] = {0, 10, 20, 30, 40};
    for (int step = 0; step < STEPS; step++) {
        for (int k = 0; k < 3; k++) {
            launch.task = kernel[k];
            TRY(cohort_index_launch(ctx, &launch, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
        }
        const double before = expected[0];
        memmove(expected, expected + 1, (FIELDS - 1) * sizeof before);
        expected[FIELDS - 1] = before;
        for (int f = 0; f < FIELDS; f++)
            expected[f] += 1;
        expected[0] += expected[1] - expected[4];
    }
    TRY(cohort_wait_all(ctx));

    for (int k = 0; k < 3; k++) {
        TRY(cohort_task_copied_total(kernel[k], &copied));
        printf("kernel %d: %d copies, %d bytes in and %d out; %s\n", k, (int)copied.copies, (int)copied.bytes_in, (int)copied.bytes_out, copied.why);
        if (copied.copies != (k == 1 ? 0 : STEPS * TILES))
            return puts("FAILED: the data lies as the kernel by point asks, and as no other does");
    }
    cohort_mapping_t mapping;
    const cohort_requirement_t look = {.region = region, .fields = q, .field_count = FIELDS, .privilege = COHORT_READ_ONLY};
    TRY(cohort_inline_map(ctx, &look, &mapping));
    cohort_view_t v;
    TRY(cohort_inline_view(mapping, q[0], COHORT_READ_ONLY, &v)); /* the region's own layout: structures */
    for (int i = 0; i < N * M; i++)
        if (memcmp(((state *)v.base)[i].v, expected, sizeof expected))
            return puts("FAILED: another result");
    TRY(cohort_inline_unmap(&mapping));
    TRY(cohort_finalize(&rt));
    return puts("PASSED") < 0;
}
