/* Elements of a chain pull at the nodes between them. For every node the strongest pull and whose it is: a reduction of the
 * program's own, to which tasks contribute at the same time, each on the nodes of its elements; those at the ends are shared. */
#include <cohort.h>
#include <stdio.h>
#include <math.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { PARTS = 20, SIZE = 50, NODES = PARTS * SIZE + 1, STEPS = 10 };

typedef struct {
    double strength;
    int64_t element;
} pull_t;

/* Associative and commutative, or the result would depend on who comes first: of pulls alike the first element's counts. */
static void stronger(void *into, const void *from, size_t count, void *user)
{
    pull_t *a = into;
    const pull_t *b = from;
    (void)user;
    for (size_t i = 0; i < count; i++)
        if (b[i].strength > a[i].strength || (b[i].strength == a[i].strength && b[i].element < a[i].element))
            a[i] = b[i];
}

static pull_t pull(int64_t element, int64_t step)
{
    return (pull_t){fabs(sin((double)(element * 37 + step * 11))), element};
}

static int32_t load(cohort_context_t task, void *user)
{
    cohort_view_t nodes;
    int64_t step;
    (void)user;
    TRY(cohort_task_args_get(task, &step, sizeof step));
    TRY(cohort_view(task, 0, 0, COHORT_REDUCE, &nodes));
    pull_t *strongest = (pull_t *)nodes.base - nodes.lo[0];
    for (int64_t e = nodes.lo[0]; e < nodes.hi[0]; e++) {
        const pull_t here = pull(e, step);
        stronger(&strongest[e], &here, 1, NULL);
        stronger(&strongest[e + 1], &here, 1, NULL);
    }
    return 0;
}

int main(void)
{
    static pull_t strongest[NODES], expected[NODES];
    const pull_t none = {-1, INT64_MAX};
    const int64_t zero = 0, last = NODES - 1, stride = sizeof(pull_t);
    int64_t lo[PARTS], hi[PARTS];
    const cohort_field_t field = 0;
    cohort_field_t added;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t nodes;
    cohort_partition_t parts;
    cohort_reduction_t strongest_pull;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    for (int n = 0; n < NODES; n++)
        strongest[n] = expected[n] = none;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_reduction_register(rt, "strongest pull", sizeof none, &none, stronger, NULL, &strongest_pull));
    TRY(cohort_index_space_create(rt, 1, &zero, &last, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(pull_t), "strongest", &added));
    TRY(cohort_region_create(rt, points, fields, &nodes));
    TRY(cohort_attach(ctx, nodes, 1, &field, strongest, &stride, 0));
    for (int part = 0; part < PARTS; part++)
        lo[part] = part * SIZE, hi[part] = (part + 1) * SIZE;
    TRY(cohort_partition_rects(nodes, PARTS, lo, hi, &parts));

    /* The order in which tasks contribute does not matter here: whoever ends first may come first. */
    const cohort_requirement_t need = {.partition = parts, .fields = &field, .field_count = 1, .privilege = COHORT_REDUCE,
                                       .reduction = strongest_pull, .flags = COHORT_FOLD_ANY_ORDER};
    TRY(cohort_task_register(rt, "load", load, NULL, COHORT_TASK_LEAF, &launch.task));
    launch.requirements = &need;
    launch.requirement_count = 1;
    for (int64_t step = 0; step < STEPS; step++) {
        launch.args = &step;
        launch.args_size = sizeof step;
        TRY(cohort_index_launch(ctx, &launch, PARTS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    }
    TRY(cohort_detach(ctx, nodes, 1, &field));
    TRY(cohort_finalize(&rt));
    for (int64_t step = 0; step < STEPS; step++)
        for (int64_t e = 0; e < NODES - 1; e++) {
            const pull_t here = pull(e, step);
            stronger(&expected[e], &here, 1, NULL);
            stronger(&expected[e + 1], &here, 1, NULL);
        }
    for (int n = 0; n < NODES; n++)
        if (strongest[n].element != expected[n].element) {
            printf("FAILED: element %lld pulls most at node %d, not %lld\n", (long long)expected[n].element, n, (long long)strongest[n].element);
            return 1;
        }
    return puts("PASSED") < 0;
}
