/* Particles in a field: each gathers the force of the cell that it is in, moves, and scatters its mass to the cell that it is in then.
 * Copies with indirection do both; tasks move the particles in between, a block at a time. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { CELLS = 100, PARTICLES = 3000, BLOCKS = 5, STEPS = 20 };
enum { FORCE, DENSITY };      /* fields of the cells */
enum { CELL, FELT, MASS };    /* fields of the particles */
static double force[CELLS], density[CELLS], felt[PARTICLES], mass[PARTICLES];
static int32_t cell[PARTICLES];

static int32_t next_cell(int32_t now, double pushed)
{
    return (now - 1 + (int32_t)pushed + CELLS) % CELLS + 1;
}

static int32_t move(cohort_context_t task, void *user)
{
    cohort_view_t c, f;
    (void)user;
    TRY(cohort_view(task, 0, CELL, COHORT_READ_WRITE, &c));
    TRY(cohort_view(task, 1, FELT, COHORT_READ_ONLY, &f));
    for (int64_t i = 0; i <= c.hi[0] - c.lo[0]; i++)
        ((int32_t *)c.base)[i] = next_cell(((int32_t *)c.base)[i], ((double *)f.base)[i]);
    return 0;
}

/* A region of points 1 to n with fields of 8 bytes, but the first with so many. */
static int32_t make_region(cohort_runtime_t rt, int64_t n, uint32_t fields, size_t first_bytes, cohort_region_t *region)
{
    const int64_t lo = 1;
    cohort_index_space_t points;
    cohort_field_space_t space;
    cohort_field_t field;
    TRY(cohort_index_space_create(rt, 1, &lo, &n, &points));
    TRY(cohort_field_space_create(rt, &space));
    for (uint32_t i = 0; i < fields; i++)
        TRY(cohort_field_allocate(space, i ? 8 : first_bytes, NULL, &field));
    TRY(cohort_region_create(rt, points, space, region));
    return 0;
}

int main(void)
{
    static const cohort_field_t id[] = {0, 1, 2};
    const int64_t four = 4, eight = 8, blocks = BLOCKS;
    const double zero = 0;
    static int32_t expected_cell[PARTICLES];
    double expected[CELLS] = {0};
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_region_t cells, particles;
    cohort_partition_t parts;
    cohort_copy_t gather = COHORT_COPY_INIT, scatter = COHORT_COPY_INIT;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    for (int c = 0; c < CELLS; c++)
        force[c] = c % 7 - 3;
    for (int p = 0; p < PARTICLES; p++) {
        expected_cell[p] = cell[p] = p * 37 % CELLS + 1;
        mass[p] = 1 + p % 3;
    }
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(make_region(rt, CELLS, 2, 8, &cells));
    TRY(make_region(rt, PARTICLES, 3, 4, &particles));
    TRY(cohort_attach(ctx, cells, 1, &id[FORCE], force, &eight, 0));
    TRY(cohort_attach(ctx, cells, 1, &id[DENSITY], density, &eight, 0));
    TRY(cohort_attach(ctx, particles, 1, &id[CELL], cell, &four, 0));
    TRY(cohort_attach(ctx, particles, 1, &id[FELT], felt, &eight, 0));
    TRY(cohort_attach(ctx, particles, 1, &id[MASS], mass, &eight, 0));
    TRY(cohort_partition_blocks(particles, &blocks, &parts));
    TRY(cohort_task_register(rt, "move", move, NULL, COHORT_TASK_LEAF, &launch.task));
    cohort_requirement_t needs[] = {{.partition = parts, .fields = &id[CELL], .field_count = 1, .privilege = COHORT_READ_WRITE},
                                    {.partition = parts, .fields = &id[FELT], .field_count = 1, .privilege = COHORT_READ_ONLY}};
    launch.requirements = needs;
    launch.requirement_count = 2;

    /* felt(p) = force(cell(p)) */
    gather.source = cells;
    gather.source_fields = &id[FORCE];
    gather.destination = particles;
    gather.destination_fields = &id[FELT];
    gather.gather = particles;
    gather.gather_field = CELL;
    /* density(cell(p)) += mass(p) */
    scatter.source = particles;
    scatter.source_fields = &id[MASS];
    scatter.destination = cells;
    scatter.destination_fields = &id[DENSITY];
    scatter.scatter = particles;
    scatter.scatter_field = CELL;
    scatter.reduction = COHORT_SUM;
    scatter.reduction_type = COHORT_DOUBLE;
    gather.field_count = scatter.field_count = 1;
    for (int step = 0; step < STEPS; step++) {
        TRY(cohort_copy(ctx, &gather));
        TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
        TRY(cohort_fill(ctx, cells, 1, &id[DENSITY], &zero, sizeof zero));
        TRY(cohort_copy(ctx, &scatter));
    }
    TRY(cohort_finalize(&rt));

    for (int p = 0; p < PARTICLES; p++) {
        for (int step = 0; step < STEPS; step++)
            expected_cell[p] = next_cell(expected_cell[p], force[expected_cell[p] - 1]);
        expected[expected_cell[p] - 1] += mass[p];
    }
    for (int c = 0; c < CELLS; c++)
        if (density[c] != expected[c]) {
            printf("FAILED: density[%d] is %g and should be %g\n", c, density[c], expected[c]);
            return 1;
        }
    return puts("PASSED") < 0;
}
