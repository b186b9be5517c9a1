/* Work that is done only if a value says so, decided by the runtime and not by the launching thread: Newton's iteration for square
 * roots, launched far ahead; steps after convergence do nothing and hand the result on. */
#include <cohort.h>
#include <math.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 8, MOST_STEPS = 60 };

static cohort_field_t field; /* a root, its square, and how many steps it took */

static int32_t improve(cohort_context_t task, void *user)
{
    cohort_view_t v;
    int32_t far_off = 0;
    (void)user;
    TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &v));
    double(*q)[3] = v.base;
    for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++) {
        const double better = 0.5 * (q[i][0] + q[i][1] / q[i][0]);
        far_off |= fabs(better - q[i][0]) > 1e-12 * better;
        q[i][0] = better;
        q[i][2] += 1;
    }
    return cohort_task_result(task, &far_off, sizeof far_off);
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_task_t task;
    cohort_predicate_t allowed, go_on, both;
    cohort_future_t far_off;
    const int64_t lo = 1, hi = N, stride = 3 * sizeof(double);
    const int32_t no = 0;
    int32_t last;
    double q[N][3];
    for (int i = 0; i < N; i++)
        q[i][0] = 1, q[i][1] = (i + 1) * 1e4, q[i][2] = 0;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof q[0], "q", &field));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_attach(ctx, region, 1, &field, q, &stride, 0));
    TRY(cohort_task_register(rt, "improve", improve, NULL, COHORT_TASK_LEAF, &task));

    cohort_requirement_t need = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = task;
    launch.requirements = &need;
    launch.requirement_count = 1;
    TRY(cohort_predicate_constant(rt, true, &allowed)); /* a switch that the program may turn, say */
    TRY(cohort_predicate_constant(rt, true, &go_on));
    for (int step = 0; step < MOST_STEPS; step++) {
        const cohort_predicate_t all[2] = {allowed, go_on};
        TRY(cohort_predicate_and(ctx, 2, all, &both));
        launch.predicate = both;
        launch.false_result = &no; /* what does not run was not far off either */
        launch.false_result_size = sizeof no;
        TRY(cohort_launch(ctx, &launch, &far_off));
        TRY(cohort_predicate_destroy(&both));
        TRY(cohort_predicate_destroy(&go_on));
        TRY(cohort_predicate_from_future(far_off, &go_on));
        if (step + 1 < MOST_STEPS)
            TRY(cohort_future_destroy(&far_off));
    }
    TRY(cohort_future_get(far_off, &last, sizeof last));
    TRY(cohort_predicate_destroy(&go_on));
    TRY(cohort_predicate_destroy(&allowed));
    TRY(cohort_detach(ctx, region, 1, &field));
    TRY(cohort_finalize(&rt));
    printf("%g of %d steps were needed\n", q[0][2], MOST_STEPS);
    for (int i = 0; i < N; i++)
        if (last || fabs(q[i][0] - sqrt(q[i][1])) > 1e-12 * q[i][0] || q[i][2] != q[0][2] || q[i][2] < 5 || q[i][2] > 20) {
            printf("FAILED: the root of %g is %g after %g steps\n", q[i][1], q[i][0], q[i][2]);
            return 1;
        }
    return puts("PASSED") < 0;
}
