/* Exchange of faces between 2 ranks, 4 points deep, 8 fields of doubles, blocks of N^3 that lie next to each other in x (short
 * runs in memory) or z (whole planes), periodic, so that each rank sends two faces and receives two: the halo helper next to
 * MPI_Isend and MPI_Irecv with faces packed into buffers and received into ghost arrays. */
#include "timing.h"

#include <cohort_mpi.h>
#include <string.h>

enum { FIELDS = 8, DEPTH = 4 };

#define CHECK(call)                                                   \
    do {                                                              \
        if ((call) != COHORT_OK) {                                    \
            fprintf(stderr, "%s: %s\n", #call, cohort_last_error());  \
            MPI_Abort(MPI_COMM_WORLD, 1);                             \
        }                                                             \
    } while (0)

struct exchange {
    int n, d, steps, other;
    double *q, *out[2], *in[2];
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_halo_t halo;
    cohort_region_t block;
    cohort_field_t names[FIELDS];
};

/* The points of a face, gathered as a Fortran code does it: one loop nest a field. */
static void pack(const struct exchange *e, int side, double *restrict to)
{
    const int n = e->n;
    int lo[3] = {0, 0, 0}, hi[3] = {n, n, n};
    if (side == 0)
        hi[e->d] = DEPTH;
    else
        lo[e->d] = n - DEPTH;
    for (int f = 0; f < FIELDS; ++f) {
        const double *restrict q = e->q + (size_t)f * n * n * n;
        for (int k = lo[2]; k < hi[2]; ++k)
            for (int j = lo[1]; j < hi[1]; ++j) {
                const double *restrict row = q + (size_t)(k * n + j) * n;
                for (int i = lo[0]; i < hi[0]; ++i)
                    *to++ = row[i];
            }
    }
}

static double by_mpi(void *arg)
{
    const struct exchange *e = arg;
    const int count = FIELDS * DEPTH * e->n * e->n;
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now_ns();
    for (int step = 0; step < e->steps; ++step) {
        MPI_Request requests[4];
        for (int side = 0; side < 2; ++side)
            MPI_Irecv(e->in[side], count, MPI_DOUBLE, e->other, side, MPI_COMM_WORLD, &requests[side]);
        for (int side = 0; side < 2; ++side) {
            pack(e, side, e->out[side]);
            /* What leaves at one side comes in at the other. */
            MPI_Isend(e->out[side], count, MPI_DOUBLE, e->other, 1 - side, MPI_COMM_WORLD, &requests[2 + side]);
        }
        MPI_Waitall(4, requests, MPI_STATUSES_IGNORE);
    }
    return (now_ns() - start) / e->steps;
}

static double by_halo(void *arg)
{
    const struct exchange *e = arg;
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = now_ns();
    for (int step = 0; step < e->steps; ++step) {
        CHECK(cohort_halo_exchange(e->ctx, e->halo, e->block, FIELDS, e->names, e->names));
        CHECK(cohort_halo_release(e->ctx, e->halo, FIELDS, e->names));
        CHECK(cohort_wait_all(e->ctx));
    }
    return (now_ns() - start) / e->steps;
}

static void run(struct exchange *e, int n, int d, int me)
{
    const size_t points = (size_t)n * n * n;
    const int64_t lo[3] = {0, 0, 0}, hi[3] = {n - 1, n - 1, n - 1};
    const int64_t strides[3] = {8, 8 * n, (int64_t)8 * n * n};
    cohort_halo_options_t options = COHORT_HALO_OPTIONS_INIT;
    cohort_index_space_t space;
    cohort_field_space_t fields;
    cohort_field_t first;
    e->n = n;
    e->d = d;
    e->steps = n > 64 ? 200 : 1000;
    e->q = malloc(FIELDS * points * sizeof(double));
    for (size_t i = 0; i < FIELDS * points; ++i)
        e->q[i] = (double)i;
    for (int side = 0; side < 2; ++side) {
        e->out[side] = malloc(sizeof(double) * FIELDS * DEPTH * n * n);
        e->in[side] = malloc(sizeof(double) * FIELDS * DEPTH * n * n);
        memset(e->in[side], 0, sizeof(double) * FIELDS * DEPTH * n * n);
    }
    options.dim = 3;
    memcpy(options.lo, lo, sizeof lo);
    memcpy(options.hi, hi, sizeof hi);
    options.depth[d] = DEPTH;
    options.neighbours[2 * d] = options.neighbours[2 * d + 1] = e->other;
    options.field_count = FIELDS;
    options.field_bytes = sizeof(double);
    CHECK(cohort_halo_create(e->rt, &options, &e->halo));
    CHECK(cohort_index_space_create(e->rt, 3, lo, hi, &space));
    CHECK(cohort_field_space_create(e->rt, &fields));
    CHECK(cohort_fields_allocate(fields, sizeof(double), FIELDS, &first));
    CHECK(cohort_region_create(e->rt, space, fields, &e->block));
    for (uint32_t f = 0; f < FIELDS; ++f)
        e->names[f] = f;
    CHECK(cohort_attach(e->ctx, e->block, FIELDS, e->names, e->q, strides, (int64_t)(8 * points)));

    char name[2][80];
    snprintf(name[0], sizeof name[0], "%d^3, faces in %c: MPI_Isend/Irecv with packing", n, "xyz"[d]);
    snprintf(name[1], sizeof name[1], "%d^3, faces in %c: halo exchange and release", n, "xyz"[d]);
    const double mpi = measure_on(me == 0, name[0], by_mpi, e);
    const double halo = measure_on(me == 0, name[1], by_halo, e);
    if (me == 0)
        printf("%-64s %9.2f times as fast\n", "", mpi / halo);

    CHECK(cohort_detach(e->ctx, e->block, FIELDS, e->names));
    CHECK(cohort_region_destroy(&e->block));
    CHECK(cohort_field_space_destroy(&fields));
    CHECK(cohort_index_space_destroy(&space));
    CHECK(cohort_halo_destroy(&e->halo));
    for (int side = 0; side < 2; ++side) {
        free(e->out[side]);
        free(e->in[side]);
    }
    free(e->q);
}

int main(int argc, char **argv)
{
    int provided, me, ranks;
    struct exchange e;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (ranks != 2) {
        fprintf(stderr, "run on 2 ranks\n");
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    e.other = 1 - me;
    CHECK(cohort_init_mpi(MPI_COMM_WORLD, NULL, &e.rt));
    CHECK(cohort_root_context(e.rt, &e.ctx));
    for (int n = 48; n <= 96; n += 48)
        for (int d = 0; d < 3; d += 2)
            run(&e, n, d, me);
    CHECK(cohort_finalize(&e.rt));
    MPI_Finalize();
    return 0;
}
