/* The thinnest whole program: on every rank a time loop that hands its array to a task and takes it back. */
#include <cohort_mpi.h>
#include <stdio.h>

#define TRY(call) \
  do { \
    if ((call) != COHORT_OK) { \
      fprintf(stderr, "%s\n", cohort_last_error()); \
      MPI_Abort(MPI_COMM_WORLD, 1); \
    } \
  } while (0)

enum { N = 100, STEPS = 50 };

static int32_t right_hand_side(cohort_context_t task, void *user)
{
  cohort_view_t q, rhs;
  (void)user;
  if (cohort_view(task, 0, 0, COHORT_READ_ONLY, &q) || cohort_view(task, 1, 1, COHORT_WRITE_DISCARD, &rhs))
    return 1;
  for (int i = 0; i < N; i++)
    ((double *)rhs.base)[i] = -((const double *)q.base)[i];
  return 0;
}

int main(int argc, char **argv)
{
  static double q[N], rhs[N];
  const double dt = 0.125;
  int level, rank, size;
  int32_t seen_rank, seen_size;
  cohort_runtime_t rt;
  cohort_context_t ctx;
  cohort_index_space_t space;
  cohort_field_space_t fields;
  cohort_region_t region;
  cohort_task_t task;
  cohort_handshake_t turn;
  cohort_field_t field[2];
  cohort_requirement_t needs[2] = {{.fields = &field[0], .field_count = 1, .privilege = COHORT_READ_ONLY},
                                   {.fields = &field[1], .field_count = 1, .privilege = COHORT_WRITE_DISCARD}};
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  int64_t lo = 1, hi = N, stride = sizeof(double);

  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
  TRY(cohort_rank(rt, &seen_rank));
  TRY(cohort_size(rt, &seen_size));
  TRY(cohort_root_context(rt, &ctx));
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &space));
  TRY(cohort_field_space_create(rt, &fields));
  TRY(cohort_fields_allocate(fields, sizeof(double), 2, field));
  field[1] = field[0] + 1;
  TRY(cohort_region_create(rt, space, fields, &region));
  TRY(cohort_attach(ctx, region, 1, &field[0], q, &stride, 0));
  TRY(cohort_attach(ctx, region, 1, &field[1], rhs, &stride, 0));
  TRY(cohort_task_register(rt, "right-hand side", right_hand_side, NULL, COHORT_TASK_LEAF, &task));
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &turn));
  needs[0].region = needs[1].region = region;
  launch.task = task;
  launch.requirements = needs;
  launch.requirement_count = 2;
  launch.wait_handshakes = launch.arrive_handshakes = &turn;
  launch.wait_handshake_count = launch.arrive_handshake_count = 1;

  for (int i = 0; i < N; i++)
    q[i] = rank + 1;
  for (int step = 0; step < STEPS; step++) {
    TRY(cohort_launch(ctx, &launch, NULL));
    TRY(cohort_handshake_advance(ctx, turn));
    TRY(cohort_handoff_to_tasks(turn));
    TRY(cohort_wait_on_tasks(turn));
    for (int i = 0; i < N; i++)
      q[i] += dt * rhs[i];
  }
  TRY(cohort_detach(ctx, region, 2, field));
  TRY(cohort_finalize(&rt));

  double expected = rank + 1;
  for (int step = 0; step < STEPS; step++)
    expected += dt * -expected;
  int right = seen_rank == rank && seen_size == size && rt.id == 0, all = 0;
  for (int i = 0; i < N; i++)
    right = right && q[i] == expected;
  MPI_Allreduce(&right, &all, 1, MPI_INT, MPI_LAND, MPI_COMM_WORLD);
  MPI_Finalize();
  if (rank == 0)
    printf("%s on %d ranks\n", all ? "PASSED" : "FAILED", size);
  return !all;
}
