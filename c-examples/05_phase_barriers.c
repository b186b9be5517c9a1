/* Tasks of different ranks take turns through phase barriers: each rank owns one at which its left neighbour arrives, and each
 * adds to a number that the ranks of a node share, one after the other. All turns are launched ahead; no rank blocks. */
#include <cohort_mpi.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); MPI_Abort(MPI_COMM_WORLD, 1); } } while (0)
enum { TURNS = 200 };

static int32_t rank, size;
static int64_t *number;

/* Whose turn it is, the number tells. */
static int32_t add(cohort_context_t task, void *user)
{
    (void)user;
    if (*number % size != rank)
        return cohort_task_fail(task, "it is another rank's turn");
    *number += 1;
    return 0;
}

int main(int argc, char **argv)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_phase_barrier_t mine, awaited, next;
    MPI_Win window;
    MPI_Aint bytes;
    int unit, provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_rank(rt, &rank));
    TRY(cohort_size(rt, &size));
    MPI_Win_allocate_shared(rank == 0 ? sizeof *number : 0, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &number, &window);
    MPI_Win_shared_query(window, 0, &bytes, &unit, &number);
    if (rank == 0)
        *number = 0;

    /* A barrier's handle is plain bytes: each rank sends its own to the left. */
    TRY(cohort_phase_barrier_create(rt, 1, &mine));
    MPI_Sendrecv(&mine, sizeof mine, MPI_BYTE, (rank + size - 1) % size, 0, &next, sizeof next, MPI_BYTE, (rank + 1) % size, 0,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);

    /* A wait is for the phase before the handle's. Rank 0 opens, so it waits for the turn before. */
    awaited = mine;
    if (rank != 0)
        TRY(cohort_phase_barrier_advance(awaited, &awaited));
    TRY(cohort_task_register(rt, "add", add, NULL, COHORT_TASK_LEAF, &launch.task));
    launch.wait_barriers = &awaited;
    launch.arrive_barriers = &next;
    launch.wait_barrier_count = launch.arrive_barrier_count = 1;
    for (int turn = 0; turn < TURNS; turn++) {
        TRY(cohort_launch(ctx, &launch, NULL));
        TRY(cohort_phase_barrier_advance(awaited, &awaited));
        TRY(cohort_phase_barrier_advance(next, &next));
    }
    TRY(cohort_wait_all(ctx));
    /* Nobody's turn waits for the last arrival at rank 0's barrier, which must have come before the barrier goes. */
    if (rank == 0)
        TRY(cohort_phase_barrier_wait(ctx, awaited));
    MPI_Barrier(MPI_COMM_WORLD);
    if (*number != (int64_t)TURNS * size) {
        printf("FAILED on rank %d: %lld additions\n", rank, (long long)*number);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    TRY(cohort_phase_barrier_destroy(&mine));
    TRY(cohort_finalize(&rt));
    MPI_Win_free(&window);
    if (rank == 0)
        puts("PASSED");
    MPI_Finalize();
    return 0;
}
