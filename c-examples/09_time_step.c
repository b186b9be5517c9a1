/* The time step of a CFD code: each rank proposes the step that its own points allow, a dynamic collective takes the least of all
 * ranks, and the update uses it as a future. All of it is launched ahead; no rank waits for another. A plain MPI loop checks it. */
#include <cohort_mpi.h>
#include <math.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); MPI_Abort(MPI_COMM_WORLD, 1); } } while (0)
enum { N = 1000, STEPS = 300 };
static const double courant = 0.5, dx = 1e-3;
static cohort_field_t field;
static double elapsed;

/* What both loops compute. The fastest point decides how far a step may go. */
static double allowed(const double *u)
{
    double fastest = 1e-30;
    for (int i = 0; i < N; i++)
        fastest = fmax(fastest, fabs(u[i]));
    return courant * dx / fastest;
}

static void slow_down(double *u, double dt)
{
    for (int i = 0; i < N; i++)
        u[i] -= dt * u[i] * fabs(u[i]);
}

static void begin(double *u, int rank)
{
    for (int i = 0; i < N; i++)
        u[i] = 1 + rank + sin(0.01 * i * (rank + 1));
}

static int32_t propose(cohort_context_t task, void *user)
{
    cohort_view_t u;
    (void)user;
    TRY(cohort_view(task, 0, field, COHORT_READ_ONLY, &u));
    const double mine = allowed(u.base);
    return cohort_task_result(task, &mine, sizeof mine);
}

static int32_t update(cohort_context_t task, void *user)
{
    cohort_view_t u;
    double dt;
    (void)user;
    TRY(cohort_task_future_get(task, 0, &dt, sizeof dt));
    TRY(cohort_view(task, 0, field, COHORT_READ_WRITE, &u));
    slow_down(u.base, dt);
    elapsed += dt;
    return 0;
}

int main(int argc, char **argv)
{
    const int64_t lo = 1, hi = N, stride = sizeof(double);
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_collective_t least;
    cohort_launch_t proposal = COHORT_LAUNCH_INIT, use = COHORT_LAUNCH_INIT;
    int32_t rank, size;
    double u[N], v[N];
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_rank(rt, &rank));
    TRY(cohort_size(rt, &size));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "u", &field));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_attach(ctx, region, 1, &field, u, &stride, 0));
    TRY(cohort_task_register(rt, "propose", propose, NULL, COHORT_TASK_LEAF, &proposal.task));
    TRY(cohort_task_register(rt, "update", update, NULL, COHORT_TASK_LEAF, &use.task));

    /* One rank makes the collective; its handle is plain bytes. Each rank arrives once in every phase. */
    if (rank == 0)
        TRY(cohort_collective_create(rt, (uint32_t)size, COHORT_MIN, COHORT_DOUBLE, &least));
    MPI_Bcast(&least, sizeof least, MPI_BYTE, 0, MPI_COMM_WORLD);

    const cohort_requirement_t read = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_ONLY};
    const cohort_requirement_t write = {.region = region, .fields = &field, .field_count = 1, .privilege = COHORT_READ_WRITE};
    proposal.requirements = &read;
    use.requirements = &write;
    proposal.requirement_count = use.requirement_count = use.future_count = 1;
    begin(u, rank);
    for (int step = 0; step < STEPS; step++) {
        cohort_future_t mine, dt;
        TRY(cohort_launch(ctx, &proposal, &mine));
        TRY(cohort_collective_arrive_future(ctx, least, mine));
        TRY(cohort_collective_advance(least, &least));
        TRY(cohort_collective_future(ctx, least, &dt)); /* of the phase before the handle's */
        use.futures = &dt;
        TRY(cohort_launch(ctx, &use, NULL));
        TRY(cohort_future_destroy(&mine));
        TRY(cohort_future_destroy(&dt));
    }
    TRY(cohort_detach(ctx, region, 1, &field));
    TRY(cohort_finalize(&rt));

    double time = 0;
    begin(v, rank);
    for (int step = 0; step < STEPS; step++) {
        double dt = allowed(v);
        MPI_Allreduce(MPI_IN_PLACE, &dt, 1, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
        slow_down(v, dt);
        time += dt;
    }
    int wrong = elapsed != time;
    for (int i = 0; i < N; i++)
        wrong += u[i] != v[i];
    if (wrong) {
        printf("FAILED on rank %d: %d differences; time %.17g, not %.17g\n", rank, wrong, elapsed, time);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    if (rank == 0)
        puts("PASSED");
    MPI_Finalize();
    return 0;
}
