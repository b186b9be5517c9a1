/* Launches empty tasks with two read-write requirements, for instructions.sh, which counts what the processor executes:
 * launch_instructions TASKS REGIONS RESULTS DEVICES [MAPPER]. The tasks use REGIONS sub-regions in turn. RESULTS: each gives a result, of which the
 * future is destroyed at once. DEVICES: devices are there, which a task that is never launched has a kernel for. MAPPER: a mapper is in
 * force, which answers `options` when a task is launched, or also `map` where it runs when it is ready, or `replay`: both, for good; `report`
 * is told of each that has run, `other` answers what no launch asks. */
#include <cohort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_REGIONS = 64 };

static void check(cohort_status_t status)
{
    if (status != COHORT_OK) {
        fprintf(stderr, "%s\n", cohort_last_error());
        exit(1);
    }
}

static int32_t nothing(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    return 0;
}

static int32_t one(cohort_context_t task, void *user)
{
    const double value = 1.0;
    (void)user;
    return cohort_task_result(task, &value, sizeof value) != COHORT_OK;
}

static int32_t options(const cohort_task_info_t *task, cohort_task_options_t *options, void *replay)
{
    (void)task;
    options->replay = replay != NULL;
    return 0;
}

static int32_t map_task(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
    (void)task;
    (void)mapping;
    (void)user;
    return 0;
}

static void report(const cohort_report_t *times, void *user)
{
    (void)times;
    (void)user;
}

static int32_t tunable(const cohort_context_info_t *context, const char *name, int64_t *value, void *user)
{
    (void)context;
    (void)name;
    (void)value;
    (void)user;
    return 0;
}

static void use_mapper(cohort_runtime_t rt, const char *name)
{
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    cohort_mapper_handle_t handle;
    if (strcmp(name, "other") == 0)
        mapper.select_tunable = tunable;
    else if (strcmp(name, "report") == 0)
        mapper.report = report;
    else if (strcmp(name, "options") == 0 || strcmp(name, "map") == 0 || strcmp(name, "replay") == 0)
        mapper.select_task_options = options;
    if (strcmp(name, "map") == 0 || strcmp(name, "replay") == 0)
        mapper.map_task = map_task;
    if (strcmp(name, "replay") == 0)
        mapper.user = &mapper; /* not null */
    check(cohort_mapper_register(rt, &mapper, name, &handle));
    check(cohort_mapper_use(handle, NULL, 0));
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: %s TASKS REGIONS RESULTS DEVICES [other|report|options|map|replay]\n", argv[0]);
        return 2;
    }
    const int tasks = atoi(argv[1]), regions = atoi(argv[2]), results = atoi(argv[3]), devices = atoi(argv[4]);
    if (regions < 1 || regions > MOST_REGIONS) {
        fprintf(stderr, "%d regions; give 1 to %d\n", regions, MOST_REGIONS);
        return 2;
    }
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t space;
    cohort_field_space_t fields;
    cohort_region_t region, parts[MOST_REGIONS];
    cohort_partition_t partition;
    cohort_task_t task;
    cohort_field_t field[2];
    cohort_config_t config = COHORT_CONFIG_INIT;
    const int64_t lo = 0, hi = 6399, count = MOST_REGIONS;
    config.workers = 1;
    check(cohort_init(&config, &rt));
    check(cohort_root_context(rt, &ctx));
    check(cohort_index_space_create(rt, 1, &lo, &hi, &space));
    check(cohort_field_space_create(rt, &fields));
    check(cohort_fields_allocate(fields, 8, 2, &field[0]));
    field[1] = field[0] + 1;
    check(cohort_region_create(rt, space, fields, &region));
    check(cohort_partition_blocks(region, &count, &partition));
    for (uint32_t i = 0; i < MOST_REGIONS; ++i)
        check(cohort_subregion(partition, i, &parts[i]));
    check(cohort_task_register(rt, "empty", results ? one : nothing, NULL, COHORT_TASK_LEAF, &task));
    if (devices) {
        cohort_task_t other;
        cohort_kernel_t kernel = COHORT_KERNEL_INIT;
        kernel.source = "COHORT_KERNEL(unused)(void) {}";
        kernel.name = "unused";
        check(cohort_task_register(rt, "on devices", nothing, NULL, COHORT_TASK_LEAF, &other));
        check(cohort_task_kernel(other, &kernel));
    }
    if (argc == 6)
        use_mapper(rt, argv[5]);
    cohort_requirement_t needs[2] = {{.fields = &field[0], .field_count = 1, .privilege = COHORT_READ_WRITE},
                                     {.fields = &field[1], .field_count = 1, .privilege = COHORT_READ_WRITE}};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = task;
    launch.requirements = needs;
    launch.requirement_count = 2;
    for (int i = 0; i < tasks; ++i) {
        cohort_future_t result;
        needs[0].region = needs[1].region = parts[i % regions];
        check(cohort_launch(ctx, &launch, results ? &result : NULL));
        if (results)
            check(cohort_future_destroy(&result));
    }
    check(cohort_wait_all(ctx));
    check(cohort_finalize(&rt));
    return 0;
}
