/* Ghost regions by hand: every rank owns a ring buffer of two ghost fields that its left neighbour fills; phase barriers order the
 * copies and the tasks that read, a must-epoch member runs ahead on each rank. Then wrong calls. */
#include <cohort_mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "testing.h"


enum { POINTS = 1000, STEPS = 300 };

static cohort_runtime_t rt;
static int me, ranks;
static cohort_region_t source, ghost, next;
static cohort_task_t write_task, read_task;
/* Full: the neighbour's data came. Empty: the neighbour may write again. */
static cohort_phase_barrier_t my_full, next_full, my_empty, next_empty;

static double value(int rank, int step, int64_t point)
{
    return rank * 1e7 + step * 1e4 + (double)point;
}

static int32_t write_source(cohort_context_t task, void *user)
{
    const void *args;
    cohort_view_t v;
    (void)user;
    TRY(cohort_task_args(task, &args, NULL));
    int step = *(const int *)args;
    TRY(cohort_view(task, 0, 0, COHORT_WRITE_DISCARD, &v));
    for (int64_t i = v.lo[0]; i <= v.hi[0]; i++)
        ((double *)v.base)[i - v.lo[0]] = value(me, step, i);
    return 0;
}

static int32_t read_ghost(cohort_context_t task, void *user)
{
    const void *args;
    cohort_view_t v;
    (void)user;
    TRY(cohort_task_args(task, &args, NULL));
    int step = *(const int *)args;
    TRY(cohort_view(task, 0, (cohort_field_t)(step % 2), COHORT_READ_ONLY, &v));
    for (int64_t i = v.lo[0]; i <= v.hi[0]; i++) {
        /* Ghost points -100..-1 are the neighbour's 900..999. */
        double wanted = value((me + ranks - 1) % ranks, step, i + POINTS);
        if (((double *)v.base)[i - v.lo[0]] != wanted) {
            char text[128];
            snprintf(text, sizeof text, "step %d point %d: %.1f instead of %.1f", step, (int)i, ((double *)v.base)[i - v.lo[0]], wanted);
            cohort_task_fail(task, text);
            return 1;
        }
    }
    return 0;
}

/* Waits for none of its launches: barriers order everything. */
static int32_t member(cohort_context_t task, void *user)
{
    (void)user;
    cohort_phase_barrier_t full_in = my_full, full_out = next_full, empty_in = my_empty, empty_out = next_empty;
    for (int step = 0; step < STEPS; step++) {
        cohort_field_t slot = (cohort_field_t)(step % 2), zero = 0;
        cohort_requirement_t need = {.region = source, .fields = &zero, .field_count = 1, .privilege = COHORT_WRITE_DISCARD};
        cohort_launch_t launch = COHORT_LAUNCH_INIT;
        cohort_phase_barrier_t came;
        launch.task = write_task;
        launch.args = &step;
        launch.args_size = sizeof step;
        launch.requirements = &need;
        launch.requirement_count = 1;
        TRY(cohort_launch(task, &launch, NULL));

        /* Two slots: the copy of step s needs the reader of step s - 2, whose release completed phase s - 2. */
        cohort_copy_t copy = COHORT_COPY_INIT;
        copy.source = source;
        copy.destination = next;
        copy.source_fields = &zero;
        copy.destination_fields = &slot;
        copy.field_count = 1;
        copy.shift[0] = -POINTS;
        copy.arrive_barriers = &full_out;
        copy.arrive_barrier_count = 1;
        if (step >= 2) {
            copy.wait_barriers = &empty_in;
            copy.wait_barrier_count = 1;
        }
        if (step >= 1)
            TRY(cohort_phase_barrier_advance(empty_in, &empty_in));
        TRY(cohort_copy(task, &copy));
        TRY(cohort_phase_barrier_advance(full_out, &full_out));

        cohort_sync_t sync = COHORT_SYNC_INIT;
        TRY(cohort_phase_barrier_advance(full_in, &came));
        sync.region = ghost;
        sync.fields = &slot;
        sync.field_count = 1;
        sync.wait_barriers = &came;
        sync.wait_barrier_count = 1;
        TRY(cohort_acquire(task, &sync));
        full_in = came;

        cohort_requirement_t read = {.region = ghost, .fields = &slot, .field_count = 1, .privilege = COHORT_READ_ONLY, .coherence = COHORT_SIMULTANEOUS};
        launch.task = read_task;
        launch.requirements = &read;
        TRY(cohort_launch(task, &launch, NULL));

        sync.wait_barrier_count = 0;
        sync.arrive_barriers = &empty_out;
        sync.arrive_barrier_count = 1;
        TRY(cohort_release(task, &sync));
        TRY(cohort_phase_barrier_advance(empty_out, &empty_out));
    }
    return 0;
}

static int32_t view_foreign(cohort_context_t task, void *user)
{
    cohort_view_t v;
    (void)user;
    EXPECT(cohort_view(task, 0, 0, COHORT_READ_ONLY, &v), COHORT_ERROR_PRIVILEGE, "ghost region of rank");
    return 0;
}

static void wrong_calls(cohort_context_t root, cohort_field_space_t fields, const cohort_ghost_t *theirs)
{
    cohort_task_t foreign;
    TRY(cohort_task_register(rt, "view foreign", view_foreign, NULL, COHORT_TASK_LEAF, &foreign));
    cohort_field_t zero = 0, beyond = 9, pair[2] = {0, 0};
    cohort_ghost_t words = *theirs;
    cohort_region_t region = {0}, wide, flat;
    cohort_index_space_t space, square;
    const int64_t lo[2] = {0, 0}, far[2] = {100000, 0}, hi[2] = {100009, 9};
    cohort_copy_t copy = COHORT_COPY_INIT;
    cohort_sync_t sync = COHORT_SYNC_INIT;

    words.words[0] = 1;
    EXPECT(cohort_ghost_import(rt, &words, &region), COHORT_ERROR_INVALID_ARGUMENT, "do not describe a ghost region");
    words = *theirs;
    words.words[0] = (words.words[0] & ~(uint64_t)0xffffffff) | 77;
    EXPECT(cohort_ghost_import(rt, &words, &region), COHORT_ERROR_WRONG_RANK, "rank 77");
    EXPECT(cohort_ghost_import(rt, NULL, &region), COHORT_ERROR_INVALID_ARGUMENT, "ghost is null");
    EXPECT(cohort_ghost_export(source, &words), COHORT_ERROR_INVALID_ARGUMENT, "not a ghost region");

    TRY(cohort_index_space_create(rt, 1, far, hi, &space));
    TRY(cohort_index_space_create(rt, 2, lo, hi, &square));
    TRY(cohort_region_create(rt, space, fields, &wide));
    TRY(cohort_region_create(rt, square, fields, &flat));
    copy.source = source;
    copy.destination = next;
    copy.source_fields = copy.destination_fields = &zero;
    copy.shift[0] = -POINTS;
    EXPECT(cohort_copy(root, &copy), COHORT_ERROR_INVALID_ARGUMENT, "field_count is 0");
    copy.field_count = 1;
    copy.size = 3;
    EXPECT(cohort_copy(root, &copy), COHORT_ERROR_VERSION, "copy.size is 3");
    copy.size = sizeof copy;
    copy.shift[0] = 0;
    EXPECT(cohort_copy(root, &copy), COHORT_ERROR_BOUNDS, "no point of the source");
    copy.shift[0] = -POINTS;
    copy.destination_fields = &beyond;
    EXPECT(cohort_copy(root, &copy), COHORT_ERROR_INVALID_ARGUMENT, "field 9");
    copy.destination_fields = NULL;
    EXPECT(cohort_copy(root, &copy), COHORT_ERROR_INVALID_ARGUMENT, "destination_fields is null");
    copy.source_fields = copy.destination_fields = pair;
    copy.field_count = 2;
    EXPECT(cohort_copy(root, &copy), COHORT_ERROR_INVALID_ARGUMENT, "two fields are copied to field");
    copy.field_count = 1;
    copy.source = flat;
    EXPECT(cohort_copy(root, &copy), COHORT_ERROR_INVALID_ARGUMENT, "2 dimensions and the destination 1");
    copy.source = copy.destination = source;
    copy.shift[0] = 0;
    EXPECT(cohort_copy(root, &copy), COHORT_ERROR_INTERFERENCE, "share points");
    if (ranks > 1) {
        cohort_requirement_t need = {.region = next, .fields = &zero, .field_count = 1, .privilege = COHORT_READ_ONLY};
        cohort_launch_t launch = COHORT_LAUNCH_INIT;
        const double one = 1;
        const int64_t stride = 8;
        copy.source = next;
        copy.destination = source;
        copy.shift[0] = POINTS;
        EXPECT(cohort_copy(root, &copy), COHORT_ERROR_PRIVILEGE, "the destination of a copy and nothing else");
        EXPECT(cohort_fill(root, next, 1, &zero, &one, sizeof one), COHORT_ERROR_PRIVILEGE, "ghost region of rank");
        EXPECT(cohort_attach(root, next, 1, &zero, &copy, &stride, 0), COHORT_ERROR_PRIVILEGE, "ghost region of rank");
        sync.region = next;
        sync.fields = &zero;
        sync.field_count = 1;
        EXPECT(cohort_acquire(root, &sync), COHORT_ERROR_PRIVILEGE, "ghost region of rank");
        /* A task may hold it, to copy into it, but not look at it. */
        launch.task = foreign;
        launch.requirements = &need;
        launch.requirement_count = 1;
        TRY(cohort_launch(root, &launch, NULL));
        TRY(cohort_wait_all(root));
    }
    sync.region = ghost;
    sync.fields = &zero;
    sync.field_count = 0;
    EXPECT(cohort_release(root, &sync), COHORT_ERROR_INVALID_ARGUMENT, "0 fields");
    sync.size = 0;
    EXPECT(cohort_release(root, &sync), COHORT_ERROR_VERSION, "sync.size");
    TRY(cohort_region_destroy(&wide));
    TRY(cohort_region_destroy(&flat));
    TRY(cohort_index_space_destroy(&space));
    TRY(cohort_index_space_destroy(&square));
}

int main(int argc, char **argv)
{
    int provided;
    struct {
        cohort_ghost_t ghost;
        cohort_phase_barrier_t full, empty;
    } mine, left, right;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    cohort_context_t root;
    TRY(cohort_root_context(rt, &root));

    const int64_t lo = 0, hi = POINTS - 1, ghost_lo = -100, ghost_hi = -1;
    cohort_index_space_t whole, edge;
    cohort_field_space_t fields;
    cohort_field_t first, both[2] = {0, 1};
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &whole));
    TRY(cohort_index_space_create(rt, 1, &ghost_lo, &ghost_hi, &edge));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), 2, &first));
    TRY(cohort_region_create(rt, whole, fields, &source));
    TRY(cohort_ghost_create(rt, edge, fields, &ghost));
    TRY(cohort_ghost_export(ghost, &mine.ghost));
    TRY(cohort_phase_barrier_create(rt, 1, &mine.full));
    TRY(cohort_phase_barrier_create(rt, 1, &mine.empty));
    const int to = (me + 1) % ranks, from = (me + ranks - 1) % ranks, bytes = (int)sizeof mine;
    MPI_Sendrecv(&mine, bytes, MPI_BYTE, to, 0, &left, bytes, MPI_BYTE, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Sendrecv(&mine, bytes, MPI_BYTE, from, 1, &right, bytes, MPI_BYTE, to, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    TRY(cohort_ghost_import(rt, &right.ghost, &next));
    my_full = mine.full;
    next_full = right.full;
    my_empty = mine.empty;
    next_empty = left.empty;

    cohort_task_t member_task;
    TRY(cohort_task_register(rt, "write source", write_source, NULL, COHORT_TASK_LEAF, &write_task));
    TRY(cohort_task_register(rt, "read ghost", read_ghost, NULL, COHORT_TASK_LEAF, &read_task));
    TRY(cohort_task_register(rt, "member", member, NULL, 0, &member_task));
    cohort_requirement_t needs[3] = {
        {.region = source, .fields = both, .field_count = 2, .privilege = COHORT_READ_WRITE, .coherence = COHORT_SIMULTANEOUS},
        {.region = ghost, .fields = both, .field_count = 2, .privilege = COHORT_READ_WRITE, .coherence = COHORT_SIMULTANEOUS},
        {.region = next, .fields = both, .field_count = 2, .privilege = COHORT_READ_WRITE, .coherence = COHORT_SIMULTANEOUS},
    };
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = member_task;
    launch.requirements = needs;
    launch.requirement_count = 3;
    TRY(cohort_must_epoch(root, 1, &launch, NULL));
    TRY(cohort_must_epoch_wait(root));

    wrong_calls(root, fields, &right.ghost);

    /* Nobody gives a ghost region back while another rank still uses it. */
    MPI_Barrier(MPI_COMM_WORLD);
    TRY(cohort_region_destroy(&next));
    MPI_Barrier(MPI_COMM_WORLD);
    TRY(cohort_region_destroy(&ghost));
    MPI_Barrier(MPI_COMM_WORLD);
    if (ranks > 1 && getenv("COHORT_FORCE_MESSAGES") == NULL)
        EXPECT(cohort_ghost_import(rt, &right.ghost, &next), COHORT_ERROR_INVALID_HANDLE, "was destroyed by rank");
    TRY(cohort_finalize(&rt));
    MPI_Finalize();
    return 0;
}
