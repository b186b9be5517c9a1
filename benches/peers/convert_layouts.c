/* What a task's copy in another layout costs, in and out, next to the loops that a Fortran code writes for itself; ns for a point and
 * field in one direction. One worker. */
#include "timing.h"

#include <cohort.h>

#define CHECK(call)                                                   \
    do {                                                              \
        if ((call) != COHORT_OK) {                                    \
            fprintf(stderr, "%s: %s\n", #call, cohort_last_error());  \
            exit(1);                                                  \
        }                                                             \
    } while (0)

enum { FIELDS = 5 };

void soa_to_aos(int64_t n, int64_t fields, const double *soa, double *aos);
void aos_to_soa(int64_t n, int64_t fields, const double *aos, double *soa);
void transpose_tiles(int64_t n, int64_t m, const double *a, double *b);
void transpose_whole(int64_t n, int64_t m, const double *a, double *b);

struct work {
    int64_t n, m;
    double *from, *to;
    cohort_context_t ctx;
    cohort_launch_t launch;
    void (*transposition)(int64_t, int64_t, const double *, double *);
};

static int32_t nothing(cohort_context_t task, void *user)
{
    (void)task, (void)user;
    return 0;
}

static double cohort_copies(void *arg)
{
    struct work *w = arg;
    const double start = now_ns();
    CHECK(cohort_launch(w->ctx, &w->launch, NULL));
    CHECK(cohort_wait_all(w->ctx));
    return (now_ns() - start) / 2 / (double)(w->n * w->m);
}

static double structures(void *arg)
{
    struct work *w = arg;
    const double start = now_ns();
    soa_to_aos(w->n, w->m, w->from, w->to);
    aos_to_soa(w->n, w->m, w->to, w->from);
    return (now_ns() - start) / 2 / (double)(w->n * w->m);
}

static double transposition(void *arg)
{
    struct work *w = arg;
    const double start = now_ns();
    w->transposition(w->n, w->m, w->from, w->to);
    w->transposition(w->m, w->n, w->to, w->from);
    return (now_ns() - start) / 2 / (double)(w->n * w->m);
}

static void measure_both_ways(const char *name, const char *what, double (*run)(void *), struct work *w)
{
    double all[REPEATS];
    run(w);
    for (int i = 0; i < REPEATS; ++i)
        all[i] = run(w);
    qsort(all, REPEATS, sizeof all[0], by_value);
    printf("%-34s %-30s %6.2f ns  (%.2f .. %.2f)  %5.1f GB/s\n", name, what, all[REPEATS / 2], all[0], all[REPEATS - 1], 16 / all[REPEATS / 2]);
}

static void prepare(struct work *w, cohort_runtime_t rt, int dim, int64_t n, int64_t m, int fields, const cohort_layout_t *asked)
{
    static cohort_field_t all[FIELDS] = {0, 1, 2, 3, 4};
    static cohort_requirement_t need;
    const int64_t lo[2] = {0, 0}, hi[2] = {n - 1, m - 1};
    const double one = 1;
    cohort_index_space_t space;
    cohort_field_space_t names;
    cohort_field_t first;
    w->n = n;
    w->m = dim == 1 ? fields : m;
    w->from = calloc((size_t)(w->n * w->m), sizeof *w->from);
    w->to = calloc((size_t)(w->n * w->m), sizeof *w->to);
    CHECK(cohort_index_space_create(rt, dim, lo, hi, &space));
    CHECK(cohort_field_space_create(rt, &names));
    CHECK(cohort_fields_allocate(names, sizeof(double), (uint32_t)fields, &first));
    need = (cohort_requirement_t){.fields = all, .field_count = (uint32_t)fields, .privilege = COHORT_READ_WRITE};
    CHECK(cohort_region_create(rt, space, names, &need.region));
    CHECK(cohort_fill(w->ctx, need.region, (uint32_t)fields, all, &one, sizeof one));
    w->launch = (cohort_launch_t)COHORT_LAUNCH_INIT;
    w->launch.requirements = &need;
    w->launch.requirement_count = 1;
    CHECK(cohort_task_register(rt, "nothing", nothing, NULL, COHORT_TASK_LEAF, &w->launch.task));
    if (asked)
        CHECK(cohort_task_layout(w->launch.task, COHORT_PROC_ANY, 0, asked));
}

static void finish(struct work *w)
{
    free(w->from);
    free(w->to);
    cohort_region_t region = w->launch.requirements->region;
    CHECK(cohort_region_destroy(&region));
}

int main(void)
{
    cohort_config_t config = COHORT_CONFIG_INIT;
    cohort_runtime_t rt;
    cohort_layout_t aos = COHORT_LAYOUT_INIT, blocked = COHORT_LAYOUT_INIT, c_order = COHORT_LAYOUT_INIT;
    aos.grouping = COHORT_AOS;
    blocked.grouping = COHORT_BLOCKED;
    blocked.block = 8;
    c_order.order = COHORT_ORDER_C;
    config.workers = 1;
    CHECK(cohort_init(&config, &rt));
    struct work w;
    CHECK(cohort_root_context(rt, &w.ctx));
    const int64_t points[] = {4096, 110592, 2097152};
    for (int i = 0; i < 3; ++i) {
        char name[64];
        snprintf(name, sizeof name, "5 fields of %d points, SOA to", (int)points[i]);
        prepare(&w, rt, 1, points[i], 0, FIELDS, &aos);
        measure_both_ways(name, "AOS, Fortran loops", structures, &w);
        measure_both_ways(name, "AOS, Cohort", cohort_copies, &w);
        finish(&w);
        prepare(&w, rt, 1, points[i], 0, FIELDS, &blocked);
        measure_both_ways(name, "blocks of 8, Cohort", cohort_copies, &w);
        finish(&w);
    }
    const int64_t sides[] = {64, 512, 2048, 2000};
    for (int i = 0; i < 4; ++i) {
        char name[64];
        snprintf(name, sizeof name, "%d x %d, Fortran order to C order", (int)sides[i], (int)sides[i]);
        prepare(&w, rt, 2, sides[i], sides[i], 1, &c_order);
        w.transposition = transpose_whole;
        measure_both_ways(name, "transpose() of Fortran", transposition, &w);
        w.transposition = transpose_tiles;
        measure_both_ways(name, "Fortran, in tiles", transposition, &w);
        measure_both_ways(name, "Cohort", cohort_copies, &w);
        finish(&w);
    }
    CHECK(cohort_finalize(&rt));
    print_load();
    return 0;
}
