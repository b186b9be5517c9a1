/* Launch, analysis and run of an empty task with two requirements, against the fields declared and against the sub-regions that
 * are there and not touched: neither should cost anything. Each task reads two fields of one of 8 sub-regions and writes the next two, as
 * the stages of a right-hand side do. One worker. */
#include "timing.h"

#include <cohort.h>

enum { TASKS = 50000, TOUCHED = 8, STAGE = 2 };

#define CHECK(call)                                                  \
    do {                                                             \
        if ((call) != COHORT_OK) {                                   \
            fprintf(stderr, "%s: %s\n", #call, cohort_last_error()); \
            exit(1);                                                 \
        }                                                            \
    } while (0)

struct bench {
    cohort_context_t ctx;
    cohort_task_t task;
    cohort_region_t parts[TOUCHED];
    cohort_field_t *fields;
    int stages;
};

static int32_t nothing(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    return 0;
}

static double tasks(void *arg)
{
    const struct bench *b = arg;
    cohort_requirement_t needs[2] = {{.field_count = STAGE, .privilege = COHORT_READ_ONLY},
                                     {.field_count = STAGE, .privilege = COHORT_READ_WRITE}};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = b->task;
    launch.requirements = needs;
    launch.requirement_count = 2;
    const double start = now_ns();
    for (int i = 0; i < TASKS; ++i) {
        const int stage = i / TOUCHED % b->stages;
        needs[0].region = needs[1].region = b->parts[i % TOUCHED];
        needs[0].fields = &b->fields[STAGE * stage];
        needs[1].fields = &b->fields[STAGE * ((stage + 1) % b->stages)];
        CHECK(cohort_launch(b->ctx, &launch, NULL));
    }
    CHECK(cohort_wait_all(b->ctx));
    return (now_ns() - start) / TASKS;
}

static double cost(cohort_runtime_t rt, cohort_task_t task, uint32_t fields, int64_t regions)
{
    const int64_t lo = 0, hi = 10 * regions - 1;
    struct bench b = {.task = task, .fields = malloc(fields * sizeof *b.fields), .stages = (int)fields / STAGE};
    char name[80];
    cohort_index_space_t space;
    cohort_field_space_t declared;
    cohort_field_t first;
    cohort_region_t region;
    cohort_partition_t partition;
    CHECK(cohort_root_context(rt, &b.ctx));
    CHECK(cohort_index_space_create(rt, 1, &lo, &hi, &space));
    CHECK(cohort_field_space_create(rt, &declared));
    CHECK(cohort_fields_allocate(declared, sizeof(double), fields, &first));
    for (uint32_t i = 0; i < fields; ++i)
        b.fields[i] = first + i;
    CHECK(cohort_region_create(rt, space, declared, &region));
    CHECK(cohort_partition_blocks(region, &regions, &partition));
    for (int i = 0; i < TOUCHED; ++i)
        CHECK(cohort_subregion(partition, (uint32_t)(i * regions / TOUCHED), &b.parts[i]));
    snprintf(name, sizeof name, "%u fields declared, %lld sub-regions, %d touched", fields, (long long)regions, TOUCHED);
    const double ns = measure(name, tasks, &b);
    CHECK(cohort_partition_destroy(&partition));
    CHECK(cohort_region_destroy(&region));
    free(b.fields);
    return ns;
}

int main(void)
{
    cohort_config_t config = COHORT_CONFIG_INIT;
    cohort_runtime_t rt;
    cohort_task_t task;
    print_load();
    config.workers = 1;
    CHECK(cohort_init(&config, &rt));
    CHECK(cohort_task_register(rt, "nothing", nothing, NULL, COHORT_TASK_LEAF, &task));
    const double few_fields = cost(rt, task, 64, 64);
    for (uint32_t fields = 256; fields <= 4096; fields *= 4)
        printf("%64s %9.2f x\n", "to 64 fields", cost(rt, task, fields, 64) / few_fields);
    const double few_regions = cost(rt, task, 64, 10);
    for (int64_t regions = 100; regions <= 100000; regions *= 10)
        printf("%64s %9.2f x\n", "to 10 sub-regions", cost(rt, task, 64, regions) / few_regions);
    CHECK(cohort_finalize(&rt));
    return 0;
}
