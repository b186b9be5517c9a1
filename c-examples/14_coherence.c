/* Coherence. Particles in cells: batches of particles are prepared by tasks that run at the same time, and each is counted into a
 * grid that all share. Counts do not depend on the order, so the tasks that count hold the grid with COHORT_ATOMIC: they take
 * turns, and whichever batch is ready first comes first. Then a mailbox that two tasks share with COHORT_RELAXED: both run all
 * along and take turns by phase barriers. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { BATCHES = 16, PARTICLES = 5000, CELLS = 64, LETTERS = 100 };

static cohort_field_t field;
static cohort_phase_barrier_t full, empty;

/* In which cell a particle is: anywhere, but always the same. */
static int cell_of(int64_t particle)
{
    return (int)((uint64_t)particle * 0x9e3779b97f4a7c15u >> 40) % CELLS;
}

static int32_t prepare(cohort_context_t task, void *user)
{
    cohort_view_t cell;
    (void)user;
    TRY(cohort_view(task, 0, field, COHORT_WRITE_DISCARD, &cell));
    for (int64_t p = cell.lo[0]; p <= cell.hi[0]; p++)
        ((double *)cell.base)[p - cell.lo[0]] = cell_of(p);
    return 0;
}

/* A plain update: while this task runs, no other one is at the grid. */
static int32_t deposit(cohort_context_t task, void *user)
{
    cohort_view_t cell, grid;
    (void)user;
    TRY(cohort_view(task, 0, field, COHORT_READ_ONLY, &cell));
    TRY(cohort_view(task, 1, field, COHORT_READ_WRITE, &grid));
    for (int64_t p = 0; p <= cell.hi[0] - cell.lo[0]; p++)
        ((double *)grid.base)[(int)((double *)cell.base)[p]] += 1;
    return 0;
}

/* The first wait is for nothing: a handle of phase 0 has no phase before it. */
static int32_t send(cohort_context_t task, void *user)
{
    cohort_view_t box;
    (void)user;
    cohort_phase_barrier_t emptied = empty, filled = full;
    TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &box));
    for (int letter = 0; letter < LETTERS; letter++) {
        TRY(cohort_phase_barrier_wait(task, emptied));
        *(double *)box.base = letter;
        TRY(cohort_phase_barrier_arrive(filled, 1));
        TRY(cohort_phase_barrier_advance(emptied, &emptied));
        TRY(cohort_phase_barrier_advance(filled, &filled));
    }
    return 0;
}

static int32_t receive(cohort_context_t task, void *user)
{
    cohort_view_t box;
    double sum = 0;
    (void)user;
    cohort_phase_barrier_t emptied = empty, filled = full;
    TRY(cohort_view(task, 0, field, COHORT_READ_ONLY, &box));
    for (int letter = 0; letter < LETTERS; letter++) {
        TRY(cohort_phase_barrier_advance(filled, &filled));
        TRY(cohort_phase_barrier_wait(task, filled));
        sum += *(double *)box.base;
        TRY(cohort_phase_barrier_arrive(emptied, 1));
        TRY(cohort_phase_barrier_advance(emptied, &emptied));
    }
    return cohort_task_result(task, &sum, sizeof sum);
}

static int region_of(cohort_runtime_t rt, cohort_field_space_t fields, int64_t points, cohort_region_t *region)
{
    const int64_t lo = 0, hi = points - 1;
    cohort_index_space_t space;
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
    TRY(cohort_region_create(rt, space, fields, region));
    return cohort_index_space_destroy(&space);
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_field_space_t fields;
    cohort_region_t particles, grid, box;
    cohort_partition_t batches;
    cohort_task_t prepare_task, deposit_task;
    cohort_future_t received;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    const int64_t count = BATCHES, stride = sizeof(double);
    double found[CELLS] = {0}, sum;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "value", &field));
    if (region_of(rt, fields, BATCHES * PARTICLES, &particles) || region_of(rt, fields, CELLS, &grid) || region_of(rt, fields, 1, &box))
        return 1;
    TRY(cohort_partition_blocks(particles, &count, &batches));
    TRY(cohort_attach(ctx, grid, 1, &field, found, &stride, 0));

    /* One launch for all batches: its points may share the grid, since they hold it with COHORT_ATOMIC. */
    cohort_requirement_t needs[2] = {
        {.partition = batches, .fields = &field, .field_count = 1, .privilege = COHORT_WRITE_DISCARD},
        {.region = grid, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE, .coherence = COHORT_ATOMIC}};
    launch.requirements = needs;
    TRY(cohort_task_register(rt, "prepare", prepare, NULL, COHORT_TASK_LEAF, &prepare_task));
    TRY(cohort_task_register(rt, "deposit", deposit, NULL, COHORT_TASK_LEAF, &deposit_task));
    launch.task = prepare_task;
    launch.requirement_count = 1;
    TRY(cohort_index_launch(ctx, &launch, BATCHES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    needs[0].privilege = COHORT_READ_ONLY;
    launch.task = deposit_task;
    launch.requirement_count = 2;
    TRY(cohort_index_launch(ctx, &launch, BATCHES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));

    /* The mailbox: neither task waits for the other's end. */
    cohort_requirement_t letter = {.region = box, .fields = &field, .field_count = 1, .coherence = COHORT_RELAXED};
    TRY(cohort_phase_barrier_create(rt, 1, &full));
    TRY(cohort_phase_barrier_create(rt, 1, &empty));
    launch.requirements = &letter;
    launch.requirement_count = 1;
    letter.privilege = COHORT_READ_WRITE;
    TRY(cohort_task_register(rt, "send", send, NULL, 0, &launch.task)); /* no leaf: it waits */
    TRY(cohort_launch(ctx, &launch, NULL));
    letter.privilege = COHORT_READ_ONLY;
    TRY(cohort_task_register(rt, "receive", receive, NULL, 0, &launch.task));
    TRY(cohort_launch(ctx, &launch, &received));
    TRY(cohort_future_get(received, &sum, sizeof sum));

    TRY(cohort_detach(ctx, grid, 1, &field));
    TRY(cohort_finalize(&rt));
    for (int64_t p = 0; p < BATCHES * PARTICLES; p++)
        found[cell_of(p)] -= 1;
    for (int cell = 0; cell < CELLS; cell++)
        if (found[cell] != 0) {
            printf("FAILED: cell %d is off by %g\n", cell, found[cell]);
            return 1;
        }
    if (sum != 0.5 * LETTERS * (LETTERS - 1)) {
        printf("FAILED: the letters add up to %g\n", sum);
        return 1;
    }
    return puts("PASSED") < 0;
}
