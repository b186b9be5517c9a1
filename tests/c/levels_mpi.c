/* Every thread level of MPI (COHORT_TEST_LEVEL: single, funneled, serialized, multiple): while the tasks of a rank copy into its
 * neighbour's ghost region, arrive at its barriers and agree with all on a number, the program moves messages of its own, on
 * whatever threads the level allows. Then calls that need MPI from threads that are not MPI's. */
#include <cohort_mpi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "hearing.h"
enum { POINTS = 500, GHOSTS = 50, STEPS = 100, WORDS = 10000 };

static int rank, size, level;
static cohort_runtime_t rt;
static cohort_handshake_t turn;
static cohort_region_t source, ghost, next;
static cohort_task_t write_task, read_task, member_task, sum_task;
static cohort_collective_t most;
static struct state { cohort_ghost_t ghost; cohort_phase_barrier_t full, empty; } mine, left, right;

static double value(int of, int step, int64_t point) { return of * 1e7 + step * 1e4 + (double)point; }

static int step_of(cohort_context_t task) {
  const void *args;
  TRY(cohort_task_args(task, &args, NULL));
  return *(const int *)args;
}

static int32_t write_source(cohort_context_t task, void *user) {
  cohort_view_t v;
  int step = step_of(task);
  (void)user;
  TRY(cohort_view(task, 0, 0, COHORT_WRITE_DISCARD, &v));
  for (int64_t i = 0; i < POINTS; i++) ((double *)v.base)[i] = value(rank, step, i);
  return 0;
}

static int32_t read_ghost(cohort_context_t task, void *user) {
  cohort_view_t v;
  int step = step_of(task);
  (void)user;
  TRY(cohort_view(task, 0, 0, COHORT_READ_ONLY, &v));
  for (int64_t i = 0; i < GHOSTS; i++)
    CHECK(((double *)v.base)[i] == value((rank + size - 1) % size, step, POINTS - GHOSTS + i));
  return 0;
}

/* A task that calls MPI: it runs on the thread that initialised the runtime. */
static int32_t sum_ranks(cohort_context_t task, void *user) {
  int sum = 0;
  (void)user;
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  TRY(cohort_task_result(task, &sum, sizeof sum));
  return 0;
}

static int32_t member(cohort_context_t task, void *user) {
  cohort_phase_barrier_t full_in = mine.full, full_out = right.full, empty_in = mine.empty, empty_out = left.empty;
  cohort_field_t zero = 0;
  (void)user;
  for (int step = 0; step < STEPS; step++) {
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_copy_t copy = COHORT_COPY_INIT;
    cohort_sync_t sync = COHORT_SYNC_INIT;
    cohort_requirement_t write = {.region = source, .fields = &zero, .field_count = 1, .privilege = COHORT_WRITE_DISCARD};
    cohort_requirement_t read = {.region = ghost, .fields = &zero, .field_count = 1, .privilege = COHORT_READ_ONLY, .coherence = COHORT_SIMULTANEOUS};
    TRY(cohort_wait_on_host(task, turn));
    launch.task = write_task; launch.args = &step; launch.args_size = sizeof step;
    launch.requirements = &write; launch.requirement_count = 1;
    TRY(cohort_launch(task, &launch, NULL));
    copy.source = source; copy.destination = next; copy.source_fields = copy.destination_fields = &zero; copy.field_count = 1;
    copy.shift[0] = -POINTS;
    copy.arrive_barriers = &full_out; copy.arrive_barrier_count = 1;
    copy.wait_barriers = &empty_in; copy.wait_barrier_count = step > 0;
    TRY(cohort_copy(task, &copy));
    TRY(cohort_phase_barrier_advance(full_in, &full_in)); TRY(cohort_phase_barrier_advance(full_out, &full_out));
    TRY(cohort_phase_barrier_advance(empty_in, &empty_in));
    sync.region = ghost; sync.fields = &zero; sync.field_count = 1;
    sync.wait_barriers = &full_in; sync.wait_barrier_count = 1;
    TRY(cohort_acquire(task, &sync));
    launch.task = read_task; launch.requirements = &read;
    TRY(cohort_launch(task, &launch, NULL));
    sync.wait_barrier_count = 0; sync.arrive_barriers = &empty_out; sync.arrive_barrier_count = 1;
    TRY(cohort_release(task, &sync));
    TRY(cohort_phase_barrier_advance(empty_out, &empty_out));
    double number = value(rank, step, 0);
    cohort_future_t greatest;
    TRY(cohort_collective_arrive(most, &number)); TRY(cohort_collective_advance(most, &most));
    TRY(cohort_collective_future(task, most, &greatest));
    TRY(cohort_future_get(greatest, &number, sizeof number)); TRY(cohort_future_destroy(&greatest));
    CHECK(number == value(size - 1, step, 0));
    TRY(cohort_wait_all(task));
    TRY(cohort_handoff_to_host(task, turn));
  }
  return 0;
}

/* A ring of large messages on a communicator of the program's own. */
static void ring(MPI_Comm comm, int step) {
  static __thread double out[WORDS], in[WORDS];
  for (int i = 0; i < WORDS; i++) out[i] = value(rank, step, i);
  MPI_Sendrecv(out, WORDS, MPI_DOUBLE, (rank + 1) % size, 3, in, WORDS, MPI_DOUBLE, (rank + size - 1) % size, 3, comm, MPI_STATUS_IGNORE);
  for (int i = 0; i < WORDS; i++) CHECK(in[i] == value((rank + size - 1) % size, step, i));
}

static void *ring_once(void *step) { ring(MPI_COMM_WORLD, *(int *)step); return NULL; }

static void *ring_all_along(void *comm) {
  for (int step = 0; step < STEPS; step++) ring(*(MPI_Comm *)comm, step);
  return NULL;
}

/* Starts the runtime; what it prints at that. */
static const char *init(void) {
  listen();
  cohort_status_t status = cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt);
  const char *said = heard();
  TRY(status);
  return said;
}

static void set_up(void) {
  const int64_t lo = 0, hi = POINTS - 1, ghost_lo = -GHOSTS, ghost_hi = -1;
  cohort_index_space_t whole, edge;
  cohort_field_space_t fields;
  cohort_field_t first;
  const int to = (rank + 1) % size, from = (rank + size - 1) % size, bytes = (int)sizeof mine;
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, &whole)); TRY(cohort_index_space_create(rt, 1, &ghost_lo, &ghost_hi, &edge));
  TRY(cohort_field_space_create(rt, &fields)); TRY(cohort_fields_allocate(fields, sizeof(double), 1, &first));
  TRY(cohort_region_create(rt, whole, fields, &source));
  TRY(cohort_ghost_create(rt, edge, fields, &ghost)); TRY(cohort_ghost_export(ghost, &mine.ghost));
  TRY(cohort_phase_barrier_create(rt, 1, &mine.full)); TRY(cohort_phase_barrier_create(rt, 1, &mine.empty));
  MPI_Sendrecv(&mine, bytes, MPI_BYTE, to, 0, &left, bytes, MPI_BYTE, from, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Sendrecv(&mine, bytes, MPI_BYTE, from, 1, &right, bytes, MPI_BYTE, to, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  TRY(cohort_ghost_import(rt, &right.ghost, &next));
  if (rank == 0) TRY(cohort_collective_create(rt, (uint32_t)size, COHORT_MAX, COHORT_DOUBLE, &most));
  MPI_Bcast(&most, sizeof most, MPI_BYTE, 0, MPI_COMM_WORLD);
  TRY(cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &turn));
  TRY(cohort_task_register(rt, "write source", write_source, NULL, COHORT_TASK_LEAF, &write_task));
  TRY(cohort_task_register(rt, "read ghost", read_ghost, NULL, COHORT_TASK_LEAF, &read_task));
  TRY(cohort_task_register(rt, "member", member, NULL, 0, &member_task));
  TRY(cohort_task_register(rt, "sum ranks", sum_ranks, NULL, COHORT_TASK_LEAF, &sum_task));
}

/* MPI of the host and tasks at the same time, as much as the level allows. */
static void steps(cohort_context_t root) {
  cohort_field_t zero = 0;
  cohort_requirement_t needs[3] = {
    {.region = source, .fields = &zero, .field_count = 1, .privilege = COHORT_READ_WRITE, .coherence = COHORT_SIMULTANEOUS}, {.region = ghost, .fields = &zero, .field_count = 1, .privilege = COHORT_READ_WRITE, .coherence = COHORT_SIMULTANEOUS},
    {.region = next, .fields = &zero, .field_count = 1, .privilege = COHORT_READ_WRITE, .coherence = COHORT_SIMULTANEOUS}};
  cohort_launch_t launch = COHORT_LAUNCH_INIT, sum = COHORT_LAUNCH_INIT;
  cohort_future_t summed;
  int total;
  MPI_Comm apart;
  pthread_t along, once;
  MPI_Comm_dup(MPI_COMM_WORLD, &apart);
  launch.task = member_task; launch.requirements = needs; launch.requirement_count = 3;
  TRY(cohort_must_epoch(root, 1, &launch, NULL));
  if (level == MPI_THREAD_MULTIPLE) pthread_create(&along, NULL, ring_all_along, &apart);
  sum.task = sum_task; sum.processor = COHORT_PROC_MPI;
  for (int step = 0; step < STEPS; step++) {
    TRY(cohort_handoff_to_tasks(turn));
    if (level >= MPI_THREAD_SERIALIZED) { pthread_create(&once, NULL, ring_once, &step); pthread_join(once, NULL); }
    else ring(MPI_COMM_WORLD, step);
    if (step % 10 == 0) TRY(cohort_launch(root, &sum, &summed));
    TRY(cohort_wait_on_tasks(turn));
    if (step % 10 == 0) { TRY(cohort_future_get(summed, &total, sizeof total)); CHECK(total == size * (size - 1) / 2); TRY(cohort_future_destroy(&summed)); }
  }
  if (level == MPI_THREAD_MULTIPLE) pthread_join(along, NULL);
  TRY(cohort_must_epoch_wait(root));
  MPI_Comm_free(&apart);
}

static void *init_elsewhere(void *unused) {
  cohort_runtime_t made;
  EXPECT(cohort_init_mpi(MPI_COMM_WORLD, NULL, &made), COHORT_ERROR_WRONG_THREAD, "level is below MPI_THREAD_SERIALIZED");
  return unused;
}

static void *wrong_thread(void *root) {
  const char *text = "not the thread that called cohort_init";
  cohort_context_t context = *(cohort_context_t *)root;
  cohort_launch_t launch = COHORT_LAUNCH_INIT;
  cohort_halo_options_t options = COHORT_HALO_OPTIONS_INIT;
  cohort_runtime_t same = rt;
  cohort_halo_t halo;
  launch.task = member_task;
  options.dim = 1; options.hi[0] = POINTS - 1; options.depth[0] = 1; options.field_count = 1; options.field_bytes = 8;
  EXPECT(cohort_must_epoch(context, 1, &launch, NULL), COHORT_ERROR_WRONG_THREAD, text);
  EXPECT(cohort_must_epoch_wait(context), COHORT_ERROR_WRONG_THREAD, "in the thread that called cohort_init");
  EXPECT(cohort_halo_create(rt, &options, &halo), COHORT_ERROR_WRONG_THREAD, text);
  /* Not even looked at: that would call MPI. */
  EXPECT(cohort_halo_create_cart(rt, MPI_COMM_NULL, &options, &halo), COHORT_ERROR_WRONG_THREAD, text);
  EXPECT(cohort_finalize(&same), COHORT_ERROR_WRONG_THREAD, text);
  return root;
}

static void *run(void *unused) {
  cohort_context_t root;
  pthread_t other;
  const char *said = init();
  if (level == MPI_THREAD_SINGLE && rank == 0) CHECK(strstr(said, "MPI_THREAD_SINGLE") && strstr(said, "Ask MPI_Init_thread for MPI_THREAD_FUNNELED"));
  else if (*said) { fprintf(stderr, "rank %d said: %s\n", rank, said); MPI_Abort(MPI_COMM_WORLD, 1); }
  TRY(cohort_root_context(rt, &root));
  set_up();
  steps(root);
  pthread_create(&other, NULL, wrong_thread, &root);
  pthread_join(other, NULL);
  TRY(cohort_handshake_destroy(&turn));
  TRY(cohort_finalize(&rt));
  return unused;
}

int main(int argc, char **argv) {
  const char *const names[4] = {"single", "funneled", "serialized", "multiple"};
  const int levels[4] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED, MPI_THREAD_MULTIPLE};
  const char *asked = getenv("COHORT_TEST_LEVEL");
  pthread_t other;
  int at = 0, given;
  if (!asked) asked = "funneled";
  while (at < 4 && strcmp(asked, names[at])) at++;
  if (at == 4) { fprintf(stderr, "COHORT_TEST_LEVEL is \"%s\"\n", asked); return 2; }
  level = levels[at];
  MPI_Init_thread(&argc, &argv, level, &given);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank); MPI_Comm_size(MPI_COMM_WORLD, &size);
  CHECK(given == level);
  if (level < MPI_THREAD_SERIALIZED) {
    pthread_create(&other, NULL, init_elsewhere, NULL);
    pthread_join(other, NULL);
  }
  run(NULL);
  if (level >= MPI_THREAD_SERIALIZED) {
    /* Another thread of the program may be the runtime's MPI thread. */
    pthread_create(&other, NULL, run, NULL);
    pthread_join(other, NULL);
  }
  if (rank == 0) printf("PASSED at %s on %d ranks\n", asked, size);
  MPI_Finalize();
  return 0;
}
