/* Ghost exchange by hand, the way S3D does it: every rank owns six ghost regions, one beyond each face of its block, and names its
 * neighbours' six. A long-running task copies faces there and launches the steps that read the ghosts. Two phase barriers a ghost
 * region order all that between ranks: `full`, the data has come, and `empty`, it has been read. Nothing blocks. */
#include "heat.h"

/* What a neighbour needs to fill a ghost region. Plain bytes. */
typedef struct {
    cohort_ghost_t ghost;
    cohort_phase_barrier_t full, empty;
} door_t;

static cohort_region_t block, ghost[FACES], theirs[FACES];
static door_t my_door[FACES], their_door[FACES]; /* at the face */
static cohort_task_t step_task;

static void advance(cohort_phase_barrier_t *barrier)
{
    TRY(cohort_phase_barrier_advance(*barrier, barrier));
}

/* In the neighbours' numbering, which is the same as this rank's, a face's points lie beyond the opposite face. */
static void copy_face(cohort_context_t task, int face, cohort_field_t field)
{
    const cohort_field_t zero = 0;
    cohort_copy_t copy = COHORT_COPY_INIT;
    copy.source = block;
    copy.source_fields = &field;
    copy.destination = theirs[face];
    copy.destination_fields = &zero;
    copy.field_count = 1;
    copy.shift[face / 2] = face % 2 == 0 ? N : -N;
    copy.wait_barriers = &their_door[face].empty;
    copy.arrive_barriers = &their_door[face].full;
    copy.wait_barrier_count = copy.arrive_barrier_count = 1;
    TRY(cohort_copy(task, &copy));
}

static int32_t rank_main(cohort_context_t task, void *user)
{
    const cohort_field_t zero = 0;
    (void)user;
    for (int step = 0; step < STEPS; step++) {
        const cohort_field_t before = (cohort_field_t)(step % 2);
        for (int face = 0; face < FACES; face++) {
            copy_face(task, face, before);
            advance(&their_door[face].empty);
            advance(&their_door[face].full);
        }
        for (int face = 0; face < FACES; face++) {
            /* A wait is for the phase before the handle's. */
            advance(&my_door[face].full);
            cohort_sync_t came = COHORT_SYNC_INIT;
            came.region = ghost[face];
            came.fields = &zero;
            came.field_count = 1;
            came.wait_barriers = &my_door[face].full;
            came.wait_barrier_count = 1;
            TRY(cohort_acquire(task, &came));
        }
        heat_launch(task, step_task, block, ghost, before);
        for (int face = 0; face < FACES; face++) {
            cohort_sync_t used = COHORT_SYNC_INIT;
            used.region = ghost[face];
            used.fields = &zero;
            used.field_count = 1;
            used.arrive_barriers = &my_door[face].empty;
            used.arrive_barrier_count = 1;
            TRY(cohort_release(task, &used));
            advance(&my_door[face].empty);
        }
    }
    return 0;
}

/* Makes this rank's ghost regions, tells the neighbours of them, and names theirs. */
static void open_doors(cohort_runtime_t rt, MPI_Comm cart)
{
    int neighbour[FACES];
    cohort_field_space_t fields;
    cohort_field_t first;
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), 1, &first));
    for (int face = 0; face < FACES; face++) {
        const int d = face / 2;
        int64_t lo[3] = {1, 1, 1}, hi[3] = {N, N, N};
        cohort_index_space_t beyond;
        lo[d] = hi[d] = face % 2 == 0 ? 0 : N + 1;
        TRY(cohort_index_space_create(rt, 3, lo, hi, &beyond));
        TRY(cohort_ghost_create(rt, beyond, fields, &ghost[face]));
        TRY(cohort_ghost_export(ghost[face], &my_door[face].ghost));
        TRY(cohort_phase_barrier_create(rt, 1, &my_door[face].full));
        TRY(cohort_phase_barrier_create(rt, 1, &my_door[face].empty));
        MPI_Cart_shift(cart, d, 1, face % 2 == 0 ? &neighbour[face] : &neighbour[face - 1], face % 2 == 0 ? &neighbour[face + 1] : &neighbour[face]);
    }
    for (int face = 0; face < FACES; face++) {
        MPI_Sendrecv(&my_door[face], sizeof(door_t), MPI_BYTE, neighbour[face], face, &their_door[face ^ 1], sizeof(door_t),
                     MPI_BYTE, neighbour[face ^ 1], face, cart, MPI_STATUS_IGNORE);
        TRY(cohort_ghost_import(rt, &their_door[face ^ 1].ghost, &theirs[face ^ 1]));
    }
}

int main(int argc, char **argv)
{
    const cohort_field_t fields[2] = {0, 1};
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_launch_t member = COHORT_LAUNCH_INIT;
    cohort_requirement_t needs[1 + 2 * FACES];
    int provided, rank;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_rank(rt, &rank));
    MPI_Comm cart = heat_begin();
    block = heat_block(rt, ctx);
    open_doors(rt, cart);

    /* Neighbours write this rank's ghost regions while its task reads them, in turns that barriers keep: SIMULTANEOUS. */
    needs[0] = (cohort_requirement_t){.region = block, .fields = fields, .field_count = 2, .privilege = COHORT_READ_WRITE};
    for (int i = 0; i < 2 * FACES; i++)
        needs[1 + i] = (cohort_requirement_t){.region = i < FACES ? ghost[i] : theirs[i - FACES], .fields = fields, .field_count = 1,
                                              .privilege = COHORT_READ_WRITE, .coherence = COHORT_SIMULTANEOUS};
    TRY(cohort_task_register(rt, "step", heat_step, NULL, COHORT_TASK_LEAF, &step_task));
    TRY(cohort_task_register(rt, "rank_main", rank_main, NULL, 0, &member.task));
    member.requirements = needs;
    member.requirement_count = 1 + 2 * FACES;
    TRY(cohort_must_epoch(ctx, 1, &member, NULL));
    TRY(cohort_must_epoch_wait(ctx));
    TRY(cohort_detach(ctx, block, 2, fields));
    heat_check();
    TRY(cohort_finalize(&rt));
    MPI_Comm_free(&cart);
    if (rank == 0)
        puts("PASSED");
    MPI_Finalize();
    return 0;
}
