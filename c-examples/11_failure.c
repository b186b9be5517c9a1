/* A task fails on one rank. What depends on it does not run; every rank's wait says which task failed, where and why; and the program
 * goes on, here with another attempt. */
#include <cohort_mpi.h>
#include <stdio.h>
#include <string.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); MPI_Abort(MPI_COMM_WORLD, 1); } } while (0)
static int32_t rank, size;

/* The last rank's first attempt fails. */
static int32_t propose(cohort_context_t task, void *user)
{
    int attempt;
    const double mine = 1e-3 * (rank + 1);
    (void)user;
    TRY(cohort_task_args_get(task, &attempt, sizeof attempt));
    if (attempt == 1 && rank == size - 1)
        return cohort_task_fail(task, "the temperature at point 7 is -20 K");
    return cohort_task_result(task, &mine, sizeof mine);
}

int main(int argc, char **argv)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_collective_t least;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_rank(rt, &rank));
    TRY(cohort_size(rt, &size));
    TRY(cohort_task_register(rt, "propose", propose, NULL, COHORT_TASK_LEAF, &launch.task));
    if (rank == 0)
        TRY(cohort_collective_create(rt, (uint32_t)size, COHORT_MIN, COHORT_DOUBLE, &least));
    MPI_Bcast(&least, sizeof least, MPI_BYTE, 0, MPI_COMM_WORLD);
    for (int attempt = 1; attempt <= 2; attempt++) {
        cohort_future_t mine, future;
        double dt = 0;
        launch.args = &attempt;
        launch.args_size = sizeof attempt;
        TRY(cohort_launch(ctx, &launch, &mine));
        TRY(cohort_collective_arrive_future(ctx, least, mine));
        TRY(cohort_collective_advance(least, &least));
        TRY(cohort_collective_future(ctx, least, &future));
        const cohort_status_t status = cohort_future_get(future, &dt, sizeof dt);
        if (status == COHORT_ERROR_TASK_FAILED) {
            const char *text = cohort_last_error();
            if (rank == 0)
                puts(text);
            if (attempt != 1 || !strstr(text, "propose") || !strstr(text, "-20 K"))
                MPI_Abort(MPI_COMM_WORLD, 1);
            (void)cohort_wait_all(ctx); /* what is left of the attempt; may tell again */
        } else if (status != COHORT_OK || attempt != 2 || dt != 1e-3) {
            printf("FAILED on rank %d: attempt %d gave %g\n", (int)rank, attempt, dt);
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
        TRY(cohort_future_destroy(&mine));
        TRY(cohort_future_destroy(&future));
    }
    TRY(cohort_finalize(&rt));
    if (rank == 0)
        puts("PASSED");
    MPI_Finalize();
    return 0;
}
