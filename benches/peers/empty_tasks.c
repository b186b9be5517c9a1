/* Launch, analysis and run of empty tasks with two read-write requirements, next to libgomp's tasks with two inout dependences and
 * StarPU's with two handles on as many objects, in one run. Independent: 64 objects round robin. Chain: one object. */
#include "timing.h"

#include <cohort.h>
#include <omp.h>
#include <starpu.h>

enum { TASKS = 100000, OBJECTS = 64 };

struct bench {
    cohort_context_t ctx;
    cohort_region_t parts[OBJECTS];
    cohort_task_t task;
    cohort_field_t fields[2];
    int objects;
};

static int32_t nothing(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    return 0;
}

static double cohort_tasks(void *arg)
{
    struct bench *b = arg;
    cohort_requirement_t needs[2] = {{.field_count = 1, .privilege = COHORT_READ_WRITE}, {.field_count = 1, .privilege = COHORT_READ_WRITE}};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = b->task;
    launch.requirements = needs;
    launch.requirement_count = 2;
    needs[0].fields = &b->fields[0];
    needs[1].fields = &b->fields[1];
    const double start = now_ns();
    for (int i = 0; i < TASKS; ++i) {
        needs[0].region = needs[1].region = b->parts[i % b->objects];
        cohort_launch(b->ctx, &launch, NULL);
    }
    cohort_wait_all(b->ctx);
    return (now_ns() - start) / TASKS;
}

static double gomp_tasks(void *arg)
{
    static char first[OBJECTS * 64], second[OBJECTS * 64];
    const int objects = ((struct bench *)arg)->objects;
    const double start = now_ns();
#pragma omp parallel
#pragma omp single
    for (int i = 0; i < TASKS; ++i) {
        char *a = &first[64 * (i % objects)], *b = &second[64 * (i % objects)];
#pragma omp task depend(inout : a[0], b[0])
        {
            (void)a;
            (void)b;
        }
    }
    return (now_ns() - start) / TASKS;
}

static void starpu_nothing(void *buffers[], void *arg)
{
    (void)buffers;
    (void)arg;
}

static struct starpu_codelet codelet = {
    .cpu_funcs = {starpu_nothing},
    .nbuffers = 2,
    .modes = {STARPU_RW, STARPU_RW},
    .name = "nothing",
};

struct starpu_bench {
    starpu_data_handle_t first[OBJECTS], second[OBJECTS];
    int objects;
};

static double starpu_tasks(void *arg)
{
    struct starpu_bench *b = arg;
    const double start = now_ns();
    for (int i = 0; i < TASKS; ++i) {
        const int at = i % b->objects;
        starpu_task_insert(&codelet, STARPU_RW, b->first[at], STARPU_RW, b->second[at], 0);
    }
    starpu_task_wait_for_all();
    return (now_ns() - start) / TASKS;
}

/* Both shapes; ns a task. StarPU's threads spin, so it runs while no other runtime does. */
static void with_starpu(int workers, double ns[2])
{
    static double data[2 * OBJECTS];
    struct starpu_bench b;
    struct starpu_conf conf;
    starpu_conf_init(&conf);
    conf.ncpus = workers;
    conf.ncuda = conf.nopencl = 0;
    if (starpu_init(&conf) != 0) {
        fprintf(stderr, "StarPU does not start with %d worker(s)\n", workers);
        exit(1);
    }
    for (int i = 0; i < OBJECTS; ++i) {
        starpu_vector_data_register(&b.first[i], STARPU_MAIN_RAM, (uintptr_t)&data[2 * i], 1, sizeof(double));
        starpu_vector_data_register(&b.second[i], STARPU_MAIN_RAM, (uintptr_t)&data[2 * i + 1], 1, sizeof(double));
    }
    for (int chain = 0; chain < 2; ++chain) {
        char name[64];
        b.objects = chain ? 1 : OBJECTS;
        snprintf(name, sizeof name, "StarPU, %s, %d worker(s)", chain ? "chain" : "independent", workers);
        ns[chain] = measure(name, starpu_tasks, &b);
    }
    for (int i = 0; i < OBJECTS; ++i) {
        starpu_data_unregister(b.first[i]);
        starpu_data_unregister(b.second[i]);
    }
    starpu_shutdown();
}

int main(void)
{
    print_load();
    for (int workers = 1; workers <= 2; ++workers) {
        double starpu[2];
        struct bench b;
        cohort_config_t config = COHORT_CONFIG_INIT;
        cohort_runtime_t rt;
        cohort_index_space_t space;
        cohort_field_space_t fields;
        cohort_region_t region;
        cohort_partition_t partition;
        const int64_t lo = 0, hi = OBJECTS - 1, count = OBJECTS;
        with_starpu(workers, starpu);
        config.workers = workers;
        config.on_error = 2;
        cohort_init(&config, &rt);
        cohort_root_context(rt, &b.ctx);
        cohort_index_space_create(rt, 1, &lo, &hi, &space);
        cohort_field_space_create(rt, &fields);
        cohort_fields_allocate(fields, 8, 2, &b.fields[0]);
        b.fields[1] = b.fields[0] + 1;
        cohort_region_create(rt, space, fields, &region);
        cohort_partition_blocks(region, &count, &partition);
        for (uint32_t i = 0; i < OBJECTS; ++i)
            cohort_subregion(partition, i, &b.parts[i]);
        cohort_task_register(rt, "nothing", nothing, NULL, COHORT_TASK_LEAF, &b.task);
        omp_set_num_threads(workers);
        for (b.objects = OBJECTS; b.objects >= 1; b.objects -= OBJECTS - 1) {
            char name[64], peer_name[64];
            const char *shape = b.objects == 1 ? "chain" : "independent";
            snprintf(name, sizeof name, "cohort, %s, %d worker(s)", shape, workers);
            snprintf(peer_name, sizeof peer_name, "libgomp, %s, %d thread(s)", shape, workers);
            const double own = measure(name, cohort_tasks, &b), peer = measure(peer_name, gomp_tasks, &b);
            printf("  ratio to libgomp %.2f, to StarPU %.3f\n", own / peer, own / starpu[b.objects == 1]);
        }
        cohort_finalize(&rt);
    }
    return 0;
}
