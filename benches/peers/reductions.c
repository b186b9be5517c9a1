/* Many tasks add to one array of doubles, each to all of it or to a window of its own, which overlaps those of others: by OpenMP's
 * reduction of an array, and by tasks whose contributions are folded in in the order of the launches or in any order. */
#include "timing.h"
#include <cohort.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 256, SIZES = 3, THREADS = 2 };
static const int64_t sizes[SIZES] = {1000, 30000, 1000000};

static void must(cohort_status_t status)
{
    if (status != COHORT_OK) {
        fprintf(stderr, "%s\n", cohort_last_error());
        exit(1);
    }
}

static void add(double *sums, int64_t from, int64_t to, int64_t task)
{
    for (int64_t i = from; i <= to; i++)
        sums[i] += (double)(task ^ i);
}

/* The points that a task adds to: all, or a quarter. Windows lie evenly from one end of the array to the other. */
static void window(int64_t n, int windows, int64_t task, int64_t *from, int64_t *to)
{
    const int64_t length = windows ? n / 4 : n;
    *from = (n - length) * task / (TASKS - 1);
    *to = *from + length - 1;
}

static int32_t add_task(cohort_context_t task, void *user)
{
    cohort_view_t view;
    uint32_t point;
    (void)user;
    must(cohort_task_point(task, &point));
    must(cohort_view(task, 0, 0, COHORT_REDUCE, &view));
    add((double *)view.base - view.lo[0], view.lo[0], view.hi[0], point);
    return 0;
}

static void add_by_openmp(double *sums, int64_t n, int windows)
{
#pragma omp parallel for num_threads(THREADS) reduction(+ : sums[:n])
    for (int64_t task = 0; task < TASKS; task++) {
        int64_t from, to;
        window(n, windows, task, &from, &to);
        add(sums, from, to, task);
    }
}

struct bench {
    cohort_context_t context;
    cohort_launch_t launch;
    double *sums;
    int64_t n;
    int windows;
};

/* Whole numbers, so that every way comes to the same sum. */
static double checked(const struct bench *b, double start)
{
    const double ns = now_ns() - start;
    const int64_t middle = b->n / 2;
    double expected = 0;
    for (int64_t t = 0; t < TASKS; t++) {
        int64_t from, to;
        window(b->n, b->windows, t, &from, &to);
        expected += from <= middle && middle <= to ? (double)(t ^ middle) : 0.0;
    }
    if (b->sums[middle] != expected) {
        fprintf(stderr, "%g instead of %g\n", b->sums[middle], expected);
        exit(1);
    }
    return ns;
}

static double by_openmp(void *arg)
{
    struct bench *b = arg;
    memset(b->sums, 0, (size_t)b->n * sizeof *b->sums);
    const double start = now_ns();
    add_by_openmp(b->sums, b->n, b->windows);
    return checked(b, start);
}

static double by_tasks(void *arg)
{
    struct bench *b = arg;
    memset(b->sums, 0, (size_t)b->n * sizeof *b->sums);
    const double start = now_ns();
    must(cohort_index_launch(b->context, &b->launch, TASKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    must(cohort_wait_all(b->context));
    return checked(b, start);
}

static void compare(cohort_runtime_t rt, cohort_task_t task, int64_t n, int windows)
{
    const int64_t lo = 0, hi = n - 1, stride = sizeof(double);
    const cohort_field_t field = 0;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t added;
    cohort_region_t region;
    cohort_partition_t partition;
    int64_t from[TASKS], to[TASKS];
    cohort_requirement_t need = {.fields = &field, .field_count = 1, .privilege = COHORT_REDUCE, .reduction = COHORT_SUM, .reduction_type = COHORT_DOUBLE};
    struct bench b = {.launch = COHORT_LAUNCH_INIT, .n = n, .windows = windows, .sums = calloc((size_t)n, sizeof(double))};
    must(cohort_root_context(rt, &b.context));
    must(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    must(cohort_field_space_create(rt, &fields));
    must(cohort_field_allocate(fields, sizeof(double), "sums", &added));
    must(cohort_region_create(rt, points, fields, &region));
    must(cohort_attach(b.context, region, 1, &field, b.sums, &stride, 0));
    if (windows) {
        for (int t = 0; t < TASKS; t++)
            window(n, windows, t, &from[t], &to[t]);
        must(cohort_partition_rects(region, TASKS, from, to, &partition));
        need.partition = partition;
    } else {
        need.region = region;
    }
    b.launch.task = task, b.launch.requirements = &need, b.launch.requirement_count = 1;
    printf("%d tasks that add to %s of %lld doubles, %d threads\n", TASKS, windows ? "windows" : "all", (long long)n, THREADS);
    const double peer = measure("  OpenMP's reduction of an array", by_openmp, &b);
    const double ordered = measure("  tasks, folded in order", by_tasks, &b);
    need.flags = COHORT_FOLD_ANY_ORDER;
    const double any = measure("  tasks, folded in any order", by_tasks, &b);
    printf("  in order %.2f, in any order %.2f of OpenMP's time\n", ordered / peer, any / peer);
    must(cohort_detach(b.context, region, 1, &field));
    if (windows)
        must(cohort_partition_destroy(&partition));
    must(cohort_region_destroy(&region));
    free(b.sums);
}

int main(void)
{
    cohort_config_t config = COHORT_CONFIG_INIT;
    cohort_runtime_t rt;
    cohort_task_t task;
    config.workers = THREADS;
    must(cohort_init(&config, &rt));
    must(cohort_task_register(rt, "add", add_task, NULL, COHORT_TASK_LEAF, &task));
    for (int windows = 0; windows <= 1; windows++)
        for (int i = 0; i < SIZES; i++)
            compare(rt, task, sizes[i], windows);
    print_load();
    must(cohort_finalize(&rt));
    return 0;
}
