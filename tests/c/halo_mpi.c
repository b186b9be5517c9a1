/* Halos: every rank exchanges faces with its neighbours of a Cartesian communicator for many steps, running ahead, and tasks
 * check every ghost point; periodic and with open ends, in 1 to 3 dimensions, from the MPI thread and from a long-running
 * task. Then wrong calls. */
#include <cohort_mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "testing.h"


enum { FIELDS = 3, STEPS = 40, DEPTH = 2 };

static cohort_runtime_t rt;
static int dim, sizes[3], periodic;
static int64_t n[3], global[3], origin[3];

typedef struct {
    int step;
    int face;
    int late;
} args_t;

/* What field f holds at a global point in a step. */
static double value(int step, int f, const int64_t p[3])
{
    return step * 1e6 + f * 1e5 + p[0] + 37.0 * p[1] + 1009.0 * p[2];
}

static int32_t write_block(cohort_context_t task, void *user)
{
    const void *args;
    (void)user;
    TRY(cohort_task_args(task, &args, NULL));
    if (((const args_t *)args)->late)
        nanosleep(&(struct timespec){0, 500000}, NULL);
    for (int f = 0; f < FIELDS; f++) {
        cohort_view_t v;
        TRY(cohort_view(task, 0, (cohort_field_t)f, COHORT_WRITE_DISCARD, &v));
        for (int64_t k = v.lo[2]; k <= v.hi[2]; k++)
            for (int64_t j = v.lo[1]; j <= v.hi[1]; j++)
                for (int64_t i = v.lo[0]; i <= v.hi[0]; i++) {
                    int64_t p[3] = {i + origin[0], j + origin[1], k + origin[2]};
                    char *at = (char *)v.base + (i - v.lo[0]) * v.stride[0] + (j - v.lo[1]) * v.stride[1] + (k - v.lo[2]) * v.stride[2];
                    *(double *)at = value(((const args_t *)args)->step, f, p);
                }
    }
    return 0;
}

static int32_t check_ghost(cohort_context_t task, void *user)
{
    const void *args;
    (void)user;
    TRY(cohort_task_args(task, &args, NULL));
    int step = ((const args_t *)args)->step;
    for (int f = 0; f < FIELDS; f++) {
        cohort_view_t v;
        TRY(cohort_view(task, 0, (cohort_field_t)f, COHORT_READ_ONLY, &v));
        for (int64_t k = v.lo[2]; k <= v.hi[2]; k++)
            for (int64_t j = v.lo[1]; j <= v.hi[1]; j++)
                for (int64_t i = v.lo[0]; i <= v.hi[0]; i++) {
                    int64_t own[3] = {i, j, k}, p[3];
                    for (int d = 0; d < 3; d++)
                        p[d] = ((own[d] + origin[d]) % global[d] + global[d]) % global[d];
                    char *at = (char *)v.base + (i - v.lo[0]) * v.stride[0] + (j - v.lo[1]) * v.stride[1] + (k - v.lo[2]) * v.stride[2];
                    /* Slot f holds field FIELDS - 1 - f. */
                    double wanted = value(step, FIELDS - 1 - f, p);
                    if (*(double *)at != wanted) {
                        char text[160];
                        snprintf(text, sizeof text, "step %d face %d slot %d point %d %d %d: %.1f instead of %.1f", step,
                                 ((const args_t *)args)->face, f, (int)i, (int)j, (int)k, *(double *)at, wanted);
                        cohort_task_fail(task, text);
                        return 1;
                    }
                }
    }
    return 0;
}

/* What the steps of one block need. */
typedef struct {
    cohort_task_t writer, checker;
    cohort_halo_t halo;
    cohort_region_t block, ghosts[6];
    cohort_field_t names[FIELDS], slots[FIELDS], from[FIELDS];
} exchange_t;

/* With a communicator the ranks meet in MPI after every step, and those of odd number send last of all: no rank may leave
 * the library with something unsent, for at this thread level nobody else could send it. */
static void take_steps(cohort_context_t ctx, const exchange_t *x, MPI_Comm meet)
{
    int rank = 0;
    if (meet != MPI_COMM_NULL)
        MPI_Comm_rank(meet, &rank);
    for (int step = 0; step < STEPS; step++) {
        args_t args = {step, 0, rank % 2};
        cohort_requirement_t need = {.region = x->block, .fields = x->names, .field_count = FIELDS, .privilege = COHORT_WRITE_DISCARD};
        cohort_launch_t launch = COHORT_LAUNCH_INIT;
        launch.task = x->writer;
        launch.args = &args;
        launch.args_size = sizeof args;
        launch.requirements = &need;
        launch.requirement_count = 1;
        TRY(cohort_launch(ctx, &launch, NULL));
        TRY(cohort_halo_exchange(ctx, x->halo, x->block, FIELDS, x->from, x->slots));
        for (int face = 0; face < 6; face++) {
            if (x->ghosts[face].id == 0)
                continue;
            args.face = face;
            cohort_requirement_t ghost = {.region = x->ghosts[face], .fields = x->slots, .field_count = FIELDS, .privilege = COHORT_READ_ONLY};
            launch.task = x->checker;
            launch.requirements = &ghost;
            TRY(cohort_launch(ctx, &launch, NULL));
        }
        TRY(cohort_halo_release(ctx, x->halo, FIELDS, x->slots));
        if (meet != MPI_COMM_NULL) {
            TRY(cohort_wait_all(ctx));
            MPI_Barrier(meet);
        }
    }
    TRY(cohort_wait_all(ctx));
}

static int32_t rank_main(cohort_context_t task, void *user)
{
    const void *args;
    (void)user;
    TRY(cohort_task_args(task, &args, NULL));
    take_steps(task, *(exchange_t *const *)args, MPI_COMM_NULL);
    return 0;
}

static void run(cohort_task_t writer, cohort_task_t checker, cohort_task_t stepper)
{
    int ranks, me, periods[3] = {periodic, periodic, periodic}, coords[3] = {0, 0, 0};
    MPI_Comm cart;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    memset(sizes, 0, sizeof sizes);
    MPI_Dims_create(ranks, dim, sizes);
    MPI_Cart_create(MPI_COMM_WORLD, dim, sizes, periods, 1, &cart);
    MPI_Comm_rank(cart, &me);
    MPI_Cart_coords(cart, me, dim, coords);
    int64_t lo[3] = {0, 0, 0}, hi[3] = {0, 0, 0};
    for (int d = 0; d < 3; d++) {
        n[d] = d < dim ? 5 + d : 1;
        hi[d] = n[d] - 1;
        global[d] = d < dim ? n[d] * sizes[d] : 1;
        origin[d] = n[d] * coords[d];
    }
    cohort_halo_options_t options = COHORT_HALO_OPTIONS_INIT;
    options.dim = dim;
    for (int d = 0; d < dim; d++) {
        options.lo[d] = lo[d];
        options.hi[d] = hi[d];
        options.depth[d] = DEPTH;
    }
    options.field_count = FIELDS;
    options.field_bytes = sizeof(double);
    exchange_t x = {.writer = writer, .checker = checker};
    TRY(cohort_halo_create_cart(rt, cart, &options, &x.halo));

    cohort_context_t root;
    TRY(cohort_root_context(rt, &root));
    cohort_index_space_t space;
    cohort_field_space_t fields;
    cohort_field_t first;
    TRY(cohort_index_space_create(rt, dim, lo, hi, &space));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_fields_allocate(fields, sizeof(double), FIELDS, &first));
    TRY(cohort_region_create(rt, space, fields, &x.block));
    for (uint32_t f = 0; f < FIELDS; f++) {
        x.names[f] = f;
        x.slots[f] = f;
        x.from[f] = FIELDS - 1 - f;
    }
    for (uint32_t face = 0; face < 6; face++)
        TRY(cohort_halo_region(x.halo, face, &x.ghosts[face]));
    if (periodic)
        for (int face = 0; face < 2 * dim; face++)
            if (x.ghosts[face].id == 0) {
                fprintf(stderr, "no ghost region at face %d of a periodic block\n", face);
                MPI_Abort(MPI_COMM_WORLD, 1);
            }

    take_steps(root, &x, MPI_COMM_NULL);
    take_steps(root, &x, cart);
    /* The task holds the block; the halo's regions need no requirement. */
    const exchange_t *args = &x;
    cohort_requirement_t need = {.region = x.block, .fields = x.names, .field_count = FIELDS, .privilege = COHORT_READ_WRITE};
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    launch.task = stepper;
    launch.args = &args;
    launch.args_size = sizeof args;
    launch.requirements = &need;
    launch.requirement_count = 1;
    TRY(cohort_must_epoch(root, 1, &launch, NULL));
    TRY(cohort_must_epoch_wait(root));

    uint32_t twice[2] = {0, 0}, beyond = FIELDS;
    EXPECT(cohort_halo_release(root, x.halo, 1, x.slots), COHORT_ERROR_WRONG_ORDER, "was not exchanged");
    EXPECT(cohort_halo_exchange(root, x.halo, x.block, 2, x.from, twice), COHORT_ERROR_INVALID_ARGUMENT, "named twice");
    EXPECT(cohort_halo_exchange(root, x.halo, x.block, 1, x.from, &beyond), COHORT_ERROR_INVALID_ARGUMENT, "slot 3");
    EXPECT(cohort_halo_exchange(root, x.halo, x.block, 0, x.from, x.slots), COHORT_ERROR_INVALID_ARGUMENT, "0 slots");
    EXPECT(cohort_halo_region(x.halo, 6, &x.ghosts[0]), COHORT_ERROR_INVALID_ARGUMENT, "face 6");

    for (int face = 0; face < 6; face++)
        TRY(cohort_region_destroy(&x.ghosts[face]));
    TRY(cohort_region_destroy(&x.block));
    TRY(cohort_field_space_destroy(&fields));
    TRY(cohort_index_space_destroy(&space));
    TRY(cohort_halo_destroy(&x.halo));
    MPI_Comm_free(&cart);
}

static void wrong_halos(void)
{
    int me, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    cohort_halo_options_t good = COHORT_HALO_OPTIONS_INIT, options;
    good.dim = 1;
    good.hi[0] = 9;
    good.depth[0] = 2;
    good.neighbours[0] = (me + ranks - 1) % ranks;
    good.neighbours[1] = (me + 1) % ranks;
    good.field_count = 1;
    good.field_bytes = 8;
    cohort_halo_t halo = {0};
    /* Wrong on rank 0 alone: the others learn that it was, and none hangs. */
    const char *elsewhere = "rank 0 could not";
#define WRONG(change, status, text)                                                                             \
    do {                                                                                                        \
        options = good;                                                                                         \
        if (me == 0) {                                                                                          \
            change;                                                                                             \
        }                                                                                                       \
        EXPECT(cohort_halo_create(rt, &options, &halo), me == 0 ? (status) : COHORT_ERROR_INVALID_ARGUMENT,    \
                me == 0 ? (text) : elsewhere);                                                                  \
    } while (0)
    WRONG(options.size = 1, COHORT_ERROR_VERSION, "options.size");
    WRONG(options.dim = 4, COHORT_ERROR_INVALID_ARGUMENT, "dimension is 4");
    WRONG(options.hi[0] = -1, COHORT_ERROR_BOUNDS, "lo must not exceed hi");
    WRONG(options.depth[0] = -1, COHORT_ERROR_INVALID_ARGUMENT, "depth[0]");
    WRONG(options.field_count = 0, COHORT_ERROR_INVALID_ARGUMENT, "0 slots");
    WRONG(options.neighbours[1] = ranks, COHORT_ERROR_WRONG_RANK, "neighbours[1]");
    WRONG(options.field_bytes = (size_t)1 << 40, COHORT_ERROR_OUT_OF_MEMORY, "node-shared memory");
    options = good;
    options.hi[0] = 0;
    EXPECT(cohort_halo_create(rt, &options, &halo), COHORT_ERROR_BOUNDS, "at least as thick");
    EXPECT(cohort_halo_create_cart(rt, MPI_COMM_WORLD, &good, &halo), COHORT_ERROR_MPI, "no Cartesian topology");
    if (ranks == 2) {
        options = good;
        if (me == 0)
            options.neighbours[0] = -1;
        EXPECT(cohort_halo_create(rt, &options, &halo), COHORT_ERROR_INVALID_ARGUMENT,
                me == 0 ? "rank 1 could not connect" : "whose neighbour at -x is none");
    }
    TRY(cohort_halo_create(rt, &good, &halo));
    TRY(cohort_halo_destroy(&halo));
}

int main(int argc, char **argv)
{
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    cohort_task_t writer, checker, stepper;
    TRY(cohort_task_register(rt, "write block", write_block, NULL, COHORT_TASK_LEAF, &writer));
    TRY(cohort_task_register(rt, "check ghost", check_ghost, NULL, COHORT_TASK_LEAF, &checker));
    TRY(cohort_task_register(rt, "rank_main", rank_main, NULL, 0, &stepper));
    for (dim = 1; dim <= 3; dim++)
        for (periodic = 0; periodic < 2; periodic++)
            run(writer, checker, stepper);
    wrong_halos();
    TRY(cohort_finalize(&rt));
    MPI_Finalize();
    return 0;
}
