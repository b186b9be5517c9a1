/* A mapper that has a say in everything but the slices of index launches (22_mapper has those): it keeps a table of what it was asked
 * and of how long tasks ran. Its answers change where, in which order and in which layout things happen, and no result. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 1200, STEPS = 10, MOST = 16 };
static cohort_field_t f[2]; /* position and speed */

/* What the callbacks get as `user`. The mapper is serialised: no two of its callbacks run at once, so that they may simply count. */
typedef struct {
    int options, tasks, copies, inlines, epochs, tunables, contexts, reports;
    double seconds;
    int32_t roomy; /* the memory of the host with the most room, and that room */
    uint64_t room;
} asked_t;

/* Tasks that are launched again and again look the same to this mapper: `replay` says that it need not be asked again. */
static int32_t select_task_options(const cohort_task_info_t *task, cohort_task_options_t *options, void *user)
{
    ((asked_t *)user)->options++;
    options->priority = task->point == 0 ? 1 : 0;
    options->replay = 1;
    return 0;
}

/* Where the data lies, and how: position and speed of a point side by side, where the task leaves that open. What lies otherwise is
 * worked on in a copy. */
static int32_t map_task(const cohort_task_info_t *task, cohort_task_mapping_t *mapping, void *user)
{
    static const cohort_layout_t side_by_side = {.size = sizeof side_by_side, .grouping = COHORT_AOS};
    ((asked_t *)user)->tasks++;
    for (uint32_t i = 0; i < task->requirement_count; i++) {
        mapping->requirements[i].memory = ((asked_t *)user)->roomy;
        if (task->requirements[i].layout_is_open && task->requirements[i].field_count == 2)
            mapping->requirements[i].layout = &side_by_side;
    }
    return 0;
}

/* An explicit copy: before tasks that are ready as well. */
static int32_t map_copy(const cohort_copy_info_t *copy, cohort_copy_mapping_t *mapping, void *user)
{
    ((asked_t *)user)->copies++;
    mapping->priority = copy->source.bytes < 1 << 20 ? 2 : 0;
    return 0;
}

/* Data that the program looks at between launches: where and as it is. */
static int32_t map_inline(const cohort_context_info_t *context, const cohort_requirement_info_t *requirement,
                          cohort_requirement_mapping_t *mapping, void *user)
{
    (void)context; (void)requirement;
    ((asked_t *)user)->inlines++;
    mapping->memory = -1;
    return 0;
}

/* Members of a must epoch: each on the rank that launched it. */
static int32_t map_must_epoch(const cohort_task_info_t *members, uint32_t count, cohort_member_mapping_t *mapping, void *user)
{
    (void)members; (void)mapping;
    ((asked_t *)user)->epochs += (int)count;
    return 0;
}

/* Numbers that the program leaves open, such as how many blocks it makes of its data. */
static int32_t select_tunable(const cohort_context_info_t *context, const char *name, int64_t *value, void *user)
{
    (void)context; (void)name;
    ((asked_t *)user)->tunables++;
    *value = 6;
    return 0;
}

/* How far a context may launch ahead. */
static int32_t configure_context(const cohort_context_info_t *context, int64_t *window, void *user)
{
    (void)context;
    ((asked_t *)user)->contexts++;
    *window = 64;
    return 0;
}

/* What was measured of a task that has run. */
static void report(const cohort_report_t *report, void *user)
{
    ((asked_t *)user)->reports++;
    ((asked_t *)user)->seconds += 1e-9 * (double)(report->stop - report->start);
}

static int32_t move(cohort_context_t task, void *user)
{
    cohort_view_t position, speed;
    (void)user;
    TRY(cohort_view(task, 0, f[0], COHORT_READ_WRITE, &position));
    TRY(cohort_view(task, 0, f[1], COHORT_READ_ONLY, &speed));
    for (int64_t i = 0; i <= position.hi[0] - position.lo[0]; i++)
        *(double *)((char *)position.base + i * position.stride[0]) += *(double *)((char *)speed.base + i * speed.stride[0]);
    return 0;
}

static int32_t look(cohort_context_t task, void *user)
{
    (void)task; (void)user;
    return 0;
}

/* One memory for each NUMA node; of most machines one or two. */
static int32_t find_room(cohort_runtime_t rt, asked_t *asked)
{
    cohort_memory_info_t memories[MOST] = {COHORT_MEMORY_INFO_INIT};
    uint32_t count;
    TRY(cohort_machine_memories(rt, COHORT_MEMORY_SYSTEM, MOST, memories, &count));
    for (uint32_t m = 0; m < count && m < MOST; m++)
        if (memories[m].available >= asked->room) {
            asked->roomy = memories[m].number;
            asked->room = memories[m].available;
        }
    return 0;
}

/* A region with both fields, all points at 0 with the speed 1. */
static int32_t make_region(cohort_runtime_t rt, cohort_context_t ctx, cohort_region_t *region)
{
    const int64_t lo = 1, hi = N;
    const double at = 0, speed = 1;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "position", &f[0]));
    TRY(cohort_field_allocate(fields, sizeof(double), "speed", &f[1]));
    TRY(cohort_region_create(rt, points, fields, region));
    TRY(cohort_fill(ctx, *region, 1, &f[0], &at, sizeof at));
    TRY(cohort_fill(ctx, *region, 1, &f[1], &speed, sizeof speed));
    return 0;
}

int main(void)
{
    asked_t asked = {0};
    cohort_mapper_t mapper = COHORT_MAPPER_INIT;
    cohort_mapper_handle_t handle;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_region_t region, saved;
    cohort_partition_t parts;
    cohort_mapping_t mapping;
    cohort_view_t view;
    cohort_launch_t launch = COHORT_LAUNCH_INIT, member = COHORT_LAUNCH_INIT;
    cohort_copy_t copy = COHORT_COPY_INIT;
    int64_t blocks;
    uint64_t refused;
    char said[200];
    mapper.user = &asked;
    mapper.flags = COHORT_MAPPER_SERIALISED;
    mapper.select_task_options = select_task_options;
    mapper.map_task = map_task;
    mapper.map_copy = map_copy;
    mapper.map_inline = map_inline;
    mapper.map_must_epoch = map_must_epoch;
    mapper.select_tunable = select_tunable;
    mapper.configure_context = configure_context;
    mapper.report = report;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    if (find_room(rt, &asked))
        return 1;
    TRY(cohort_mapper_register(rt, &mapper, "says everything", &handle));
    TRY(cohort_mapper_use(handle, NULL, 0));

    if (make_region(rt, ctx, &region) || make_region(rt, ctx, &saved))
        return 1;
    TRY(cohort_tunable(ctx, "blocks", 1, &blocks));
    TRY(cohort_partition_blocks(region, &blocks, &parts));
    TRY(cohort_task_register(rt, "move", move, NULL, COHORT_TASK_LEAF, &launch.task));
    TRY(cohort_task_register(rt, "look", look, NULL, COHORT_TASK_LEAF, &member.task));
    cohort_requirement_t needs = {.partition = parts, .fields = f, .field_count = 2, .privilege = COHORT_READ_WRITE};
    launch.requirements = &needs;
    launch.requirement_count = 1;
    for (int step = 0; step < STEPS; step++)
        TRY(cohort_index_launch(ctx, &launch, (uint32_t)blocks, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    copy.source = region;
    copy.destination = saved;
    copy.source_fields = copy.destination_fields = f;
    copy.field_count = 2;
    TRY(cohort_copy(ctx, &copy));
    TRY(cohort_must_epoch(ctx, 1, &member, NULL));
    TRY(cohort_must_epoch_wait(ctx));
    cohort_requirement_t all = {.region = saved, .fields = f, .field_count = 2, .privilege = COHORT_READ_ONLY};
    TRY(cohort_inline_map(ctx, &all, &mapping));
    TRY(cohort_inline_view(mapping, f[0], COHORT_READ_ONLY, &view));
    for (int64_t i = 0; i < N; i++)
        if (*(double *)((char *)view.base + i * view.stride[0]) != STEPS) {
            printf("FAILED: point %lld is not at %d\n", (long long)i, STEPS);
            return 1;
        }
    TRY(cohort_inline_unmap(&mapping));
    TRY(cohort_wait_all(ctx));
    TRY(cohort_mapper_refusals(handle, &refused, said, sizeof said));
    TRY(cohort_finalize(&rt));
    printf("asked for options %d times, to map tasks %d, copies %d, inline %d, epochs %d, for tunables %d, contexts %d\n", asked.options,
           asked.tasks, asked.copies, asked.inlines, asked.epochs, asked.tunables, asked.contexts);
    printf("%d tasks ran, %g seconds together\n", asked.reports, asked.seconds);
    /* Asked about the tasks of the first step and not about those of later steps. */
    if (refused || asked.options != blocks || asked.tasks != blocks || asked.copies != 1 || asked.inlines != 1 ||
        asked.epochs != 1 || asked.tunables != 1 || asked.contexts != 1 || asked.reports != STEPS * blocks + 1)
        return printf("FAILED: refused %d choices: %s\n", (int)refused, said) > 0;
    return puts("PASSED") < 0;
}
