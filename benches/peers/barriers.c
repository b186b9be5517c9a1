/* Rounds between 2 ranks: all arrive at a phase barrier and wait for it, next to MPI_Barrier; all bring a number to a dynamic
 * collective and take the least, next to MPI_Allreduce. By calls from the MPI thread, in memory that the ranks share and by
 * messages; and by launches that wait for one phase and arrive at the next, without a thread that waits. */
#include "timing.h"

#include <cohort_mpi.h>

#define CHECK(call)                                                   \
    do {                                                              \
        if ((call) != COHORT_OK) {                                    \
            fprintf(stderr, "%s: %s\n", #call, cohort_last_error());  \
            MPI_Abort(MPI_COMM_WORLD, 1);                             \
        }                                                             \
    } while (0)

enum { ROUNDS = 2000, AHEAD = 50 };

struct ranks {
    int me, count;
    cohort_context_t ctx;
    cohort_phase_barrier_t barrier;
    cohort_collective_t least;
    cohort_task_t nothing;
};

static double by_mpi_barrier(void *arg)
{
    (void)arg;
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now_ns();
    for (int i = 0; i < ROUNDS; ++i)
        MPI_Barrier(MPI_COMM_WORLD);
    return (now_ns() - start) / ROUNDS;
}

static double by_phase_barrier(void *arg)
{
    struct ranks *r = arg;
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now_ns();
    for (int i = 0; i < ROUNDS; ++i) {
        CHECK(cohort_phase_barrier_arrive(r->barrier, 1));
        CHECK(cohort_phase_barrier_advance(r->barrier, &r->barrier));
        CHECK(cohort_phase_barrier_wait(r->ctx, r->barrier));
    }
    return (now_ns() - start) / ROUNDS;
}

static int32_t do_nothing(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    return 0;
}

static double by_launches(void *arg)
{
    struct ranks *r = arg;
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now_ns();
    for (int i = 0; i < ROUNDS; ++i) {
        cohort_launch_t launch = COHORT_LAUNCH_INIT;
        launch.task = r->nothing;
        launch.wait_barriers = launch.arrive_barriers = &r->barrier;
        launch.arrive_barrier_count = 1;
        launch.wait_barrier_count = r->barrier.phase > 0;
        CHECK(cohort_launch(r->ctx, &launch, NULL));
        CHECK(cohort_phase_barrier_advance(r->barrier, &r->barrier));
        if (i % AHEAD == AHEAD - 1)
            CHECK(cohort_wait_all(r->ctx));
    }
    CHECK(cohort_phase_barrier_wait(r->ctx, r->barrier));
    return (now_ns() - start) / ROUNDS;
}

static double by_mpi_allreduce(void *arg)
{
    const struct ranks *r = arg;
    double mine = r->me, least;
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now_ns();
    for (int i = 0; i < ROUNDS; ++i)
        MPI_Allreduce(&mine, &least, 1, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
    return (now_ns() - start) / ROUNDS;
}

static double by_collective(void *arg)
{
    struct ranks *r = arg;
    double mine = r->me, least;
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now_ns();
    for (int i = 0; i < ROUNDS; ++i) {
        cohort_future_t result;
        CHECK(cohort_collective_arrive(r->least, &mine));
        CHECK(cohort_collective_advance(r->least, &r->least));
        CHECK(cohort_collective_future(r->ctx, r->least, &result));
        CHECK(cohort_future_get(result, &least, sizeof least));
        CHECK(cohort_future_destroy(&result));
    }
    return (now_ns() - start) / ROUNDS;
}

static void compare(struct ranks *r, const char *how, double barrier, double allreduce)
{
    const int here = r->me == 0;
    char name[3][80];
    snprintf(name[0], sizeof name[0], "phase barrier, arrive and wait, %s", how);
    snprintf(name[1], sizeof name[1], "phase barrier, launches that wait and arrive, %s", how);
    snprintf(name[2], sizeof name[2], "dynamic collective, arrive and take the result, %s", how);
    const double calls = measure_on(here, name[0], by_phase_barrier, r);
    const double launches = measure_on(here, name[1], by_launches, r);
    const double collective = measure_on(here, name[2], by_collective, r);
    if (here)
        printf("%-64s %9.2f, %.2f and %.2f times as fast as MPI\n", "", barrier / calls, barrier / launches, allreduce / collective);
}

int main(int argc, char **argv)
{
    int provided;
    struct ranks r;
    cohort_runtime_t rt;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &r.me);
    MPI_Comm_size(MPI_COMM_WORLD, &r.count);
    const double barrier = measure_on(r.me == 0, "MPI_Barrier", by_mpi_barrier, &r);
    const double allreduce = measure_on(r.me == 0, "MPI_Allreduce of a number", by_mpi_allreduce, &r);
    for (int messages = 0; messages < 2; ++messages) {
        cohort_config_t config = COHORT_CONFIG_INIT;
        config.force_messages = messages;
        CHECK(cohort_init_mpi(MPI_COMM_WORLD, &config, &rt));
        CHECK(cohort_root_context(rt, &r.ctx));
        CHECK(cohort_task_register(rt, "nothing", do_nothing, NULL, COHORT_TASK_LEAF, &r.nothing));
        if (r.me == 0) {
            CHECK(cohort_phase_barrier_create(rt, (uint32_t)r.count, &r.barrier));
            CHECK(cohort_collective_create(rt, (uint32_t)r.count, COHORT_MIN, COHORT_DOUBLE, &r.least));
        }
        MPI_Bcast(&r.barrier, sizeof r.barrier, MPI_BYTE, 0, MPI_COMM_WORLD);
        MPI_Bcast(&r.least, sizeof r.least, MPI_BYTE, 0, MPI_COMM_WORLD);
        compare(&r, messages ? "by messages" : "shared memory", barrier, allreduce);
        CHECK(cohort_finalize(&rt));
    }
    MPI_Finalize();
    return 0;
}
