/* What the default mapper's refinements are worth, each against the library without it, in programs made for them. Tiles: every
 * step works on each tile and the program waits, so that any worker may take any tile. Path: in every step a chain of tasks that each
 * wait for two others, beside tasks for which nothing waits. */
#include "timing.h"

#include <cohort.h>
#include <stdlib.h>

enum { TILES = 8, BESIDE = 12, STEPS = 60 };

struct bench {
    cohort_context_t ctx;
    cohort_task_t work, link, side;
    cohort_region_t region;
    cohort_partition_t tiles;
    cohort_field_t field;
};

static int32_t add_one(cohort_context_t task, void *user)
{
    cohort_view_t view;
    (void)user;
    if (cohort_view(task, 0, *(cohort_field_t *)user, COHORT_READ_WRITE, &view))
        return 1;
    double *x = view.base;
    for (int pass = 0; pass < 2; ++pass)
        for (int64_t i = 0; i <= view.hi[0] - view.lo[0]; ++i)
            x[i] = 0.5 * x[i] + 1;
    return 0;
}

static void busy(double microseconds)
{
    const double end = now_ns() + 1000 * microseconds;
    while (now_ns() < end) {
    }
}

static int32_t link_task(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    busy(100);
    return 0;
}

static int32_t side_task(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    busy(50);
    return 0;
}

static double tiles(void *arg)
{
    struct bench *b = arg;
    cohort_requirement_t need = {.partition = b->tiles, .fields = &b->field, .field_count = 1, .privilege = COHORT_READ_WRITE};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = b->work;
    launch.requirements = &need;
    launch.requirement_count = 1;
    const double start = now_ns();
    for (int step = 0; step < STEPS; ++step) {
        cohort_index_launch(b->ctx, &launch, TILES, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL);
        cohort_wait_all(b->ctx);
    }
    return (now_ns() - start) / STEPS;
}

static double path(void *arg)
{
    struct bench *b = arg;
    cohort_region_t first, second, part;
    cohort_launch_t side = COHORT_LAUNCH_INIT, chain = COHORT_LAUNCH_INIT;
    cohort_requirement_t needs[2] = {{.fields = &b->field, .field_count = 1, .privilege = COHORT_READ_WRITE},
                                     {.fields = &b->field, .field_count = 1, .privilege = COHORT_READ_WRITE}};
    cohort_requirement_t own = needs[0];
    cohort_subregion(b->tiles, 0, &first);
    cohort_subregion(b->tiles, 1, &second);
    const double start = now_ns();
    for (int step = 0; step < STEPS; ++step) {
        /* Beside first, so that in order of launches the path comes last. */
        side.task = b->side;
        side.requirements = &own;
        side.requirement_count = 1;
        for (int i = 0; i < BESIDE; ++i) {
            cohort_subregion(b->tiles, (uint32_t)(2 + i % (TILES - 2)), &part);
            own.region = part;
            cohort_launch(b->ctx, &side, NULL);
        }
        /* Two links that a third one joins, twice. */
        for (int join = 0; join < 2; ++join) {
            chain.task = b->link;
            chain.requirements = needs;
            chain.requirement_count = 1;
            needs[0].region = first;
            cohort_launch(b->ctx, &chain, NULL);
            needs[0].region = second;
            cohort_launch(b->ctx, &chain, NULL);
            chain.requirement_count = 2;
            needs[1].region = first;
            cohort_launch(b->ctx, &chain, NULL);
        }
        cohort_wait_all(b->ctx);
    }
    return (now_ns() - start) / STEPS;
}

static double once(const char *variable, const char *value, double (*run)(void *), const char *name, int64_t points)
{
    cohort_runtime_t rt;
    cohort_index_space_t space;
    cohort_field_space_t fields;
    struct bench b;
    cohort_config_t config = COHORT_CONFIG_INIT;
    int64_t lo = 0, hi = points - 1, count = TILES;
    char label[80];
    setenv(variable, value, 1);
    config.workers = 2;
    if (cohort_init(&config, &rt)) {
        fprintf(stderr, "%s\n", cohort_last_error());
        exit(1);
    }
    cohort_root_context(rt, &b.ctx);
    cohort_index_space_create(rt, 1, &lo, &hi, &space);
    cohort_field_space_create(rt, &fields);
    cohort_field_allocate(fields, sizeof(double), "x", &b.field);
    cohort_region_create(rt, space, fields, &b.region);
    cohort_partition_blocks(b.region, &count, &b.tiles);
    double zero = 0;
    cohort_fill(b.ctx, b.region, 1, &b.field, &zero, sizeof zero);
    cohort_task_register(rt, "work", add_one, &b.field, COHORT_TASK_LEAF, &b.work);
    cohort_task_register(rt, "link", link_task, NULL, COHORT_TASK_LEAF, &b.link);
    cohort_task_register(rt, "side", side_task, NULL, COHORT_TASK_LEAF, &b.side);
    snprintf(label, sizeof label, "%s, %s=%s", name, variable, value);
    const double ns = measure(label, run, &b);
    cohort_finalize(&rt);
    setenv(variable, "0", 1);
    return ns;
}

int main(void)
{
    for (int64_t kilobytes = 16; kilobytes <= 1024; kilobytes *= 4) {
        char name[40];
        snprintf(name, sizeof name, "%d tiles of %d KB", TILES, (int)kilobytes);
        const double without = once("COHORT_AFFINITY", "0", tiles, name, TILES * kilobytes * 128);
        const double with = once("COHORT_AFFINITY", "1", tiles, name, TILES * kilobytes * 128);
        printf("%s: with affinity %.2f of the time without\n", name, with / without);
    }
    const double without = once("COHORT_PRIORITIES", "0", path, "path", TILES);
    const double with = once("COHORT_PRIORITIES", "1", path, "path", TILES);
    printf("path: with priorities %.2f of the time without\n", with / without);
    return 0;
}
