/* A mapper for a set of tasks: the short ones run inside their launch, on the thread that launches, which waits until they are ready. The
 * long one beside them is not its business: that goes on elsewhere, as the default has it. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 1000, STEPS = 25 };
static cohort_field_t f[2]; /* what the short tasks work on, and what the long one does */
static int short_runs;      /* counted and looked at by the launching thread alone */

/* Whoever waits for a barrier or a handshake may not keep the thread that has to reach it. */
static int32_t run_inline(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
    ++*(int *)user;
    options->run_inline = task->may_run_inline;
    return 0;
}

static int32_t change(cohort_context_t task, cohort_field_t field, double factor, double more)
{
    cohort_view_t v;
    TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &v));
    for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++)
        ((double *)v.base)[i] = factor * ((double *)v.base)[i] + more;
    return 0;
}

static int32_t halve(cohort_context_t task, void *user)
{
    (void)user;
    short_runs++;
    return change(task, f[0], 0.5, 0);
}

static int32_t shift(cohort_context_t task, void *user)
{
    (void)user;
    short_runs++;
    return change(task, f[0], 1, 1);
}

static int32_t count(cohort_context_t task, void *user)
{
    (void)user;
    return change(task, f[1], 1, 1);
}

int main(void)
{
    static double x[2][N];
    const int64_t lo = 1, hi = N, stride = sizeof(double);
    int asked = 0;
    uint64_t refused;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_task_t halving, shifting, counting;
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    cohort_mapper_handle_t handle;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), 2, f));
    f[1] = f[0] + 1;
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_attach(ctx, region, 2, f, x, &stride, sizeof x[0]));
    TRY(cohort_task_register(rt, "halve", halve, NULL, COHORT_TASK_LEAF, &halving));
    TRY(cohort_task_register(rt, "shift", shift, NULL, COHORT_TASK_LEAF, &shifting));
    TRY(cohort_task_register(rt, "count", count, NULL, COHORT_TASK_LEAF, &counting));
    mapper.select_task_options = run_inline;
    mapper.user = &asked;
    mapper.flags = COHORT_MAPPER_SERIALISED;
    TRY(cohort_mapper_register(rt, &mapper, "inline", &handle));
    TRY(cohort_mapper_use(handle, (cohort_task_t[]){halving, shifting}, 2));

    cohort_requirement_t own = {.region = region, .fields = &f[0], .field_count = 1, .privilege = COHORT_READ_WRITE};
    cohort_requirement_t other = {.region = region, .fields = &f[1], .field_count = 1, .privilege = COHORT_READ_WRITE};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.requirement_count = 1;
    for (int step = 0; step < STEPS; step++) {
        launch.task = counting;
        launch.requirements = &other;
        TRY(cohort_launch(ctx, &launch, NULL));
        launch.requirements = &own;
        launch.task = halving;
        TRY(cohort_launch(ctx, &launch, NULL));
        launch.task = shifting;
        TRY(cohort_launch(ctx, &launch, NULL));
        if (short_runs != 2 * (step + 1)) {
            puts("FAILED: a short task did not run inside its launch");
            return 1;
        }
    }
    TRY(cohort_detach(ctx, region, 2, f));
    TRY(cohort_mapper_refusals(handle, &refused, NULL, 0));
    TRY(cohort_finalize(&rt));
    double expected = 0;
    for (int step = 0; step < STEPS; step++)
        expected = 0.5 * expected + 1;
    for (int i = 0; i < N; i++)
        if (x[0][i] != expected || x[1][i] != STEPS) {
            printf("FAILED: %g and %g at %d\n", x[0][i], x[1][i], i);
            return 1;
        }
    if (asked != 2 * STEPS || refused) {
        printf("FAILED: asked %d times, refused %d\n", asked, (int)refused);
        return 1;
    }
    return puts("PASSED") < 0;
}
