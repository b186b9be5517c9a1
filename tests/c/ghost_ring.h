/* What tests on a ring of ranks share, each of which copies a line of doubles into a ghost region of the next: the regions and barriers, the
 * tasks, their launches, the copy and what comes before and after a use of the ghost region. Who includes this includes cohort_mpi.h
 * before. */
#ifndef GHOST_RING_H
#define GHOST_RING_H

#include "kernel_task.h"
#include "row.h"
#include <unistd.h>

/* What the rank before is told: where to copy to, and the barriers by which it says that it has, and hears that it may again. */
typedef struct {
  cohort_ghost_t ghost;
  cohort_phase_barrier_t full, empty;
} door_t;

/* What a rank computes, what it adds up, the ghost region into which the rank before it copies, and that of the next rank. */
typedef struct {
  cohort_region_t tile, sum, ghost, next;
  door_t mine, theirs;
} ring_t;

static inline ring_t make_ring(cohort_runtime_t rt, int count, int me, int ranks)
{
  const int left = (me + ranks - 1) % ranks, right = (me + 1) % ranks;
  ring_t ring;
  cohort_index_space_t points;
  cohort_field_space_t fields;
  make_row(rt, 0, count - 1, &points, &fields);
  TRY(cohort_region_create(rt, points, fields, &ring.tile));
  TRY(cohort_region_create(rt, points, fields, &ring.sum));
  TRY(cohort_ghost_create(rt, points, fields, &ring.ghost));
  TRY(cohort_ghost_export(ring.ghost, &ring.mine.ghost));
  TRY(cohort_phase_barrier_create(rt, 1, &ring.mine.full));
  TRY(cohort_phase_barrier_create(rt, 1, &ring.mine.empty));
  MPI_Sendrecv(&ring.mine, (int)sizeof ring.mine, MPI_BYTE, left, 0, &ring.theirs, (int)sizeof ring.theirs, MPI_BYTE, right, 0, MPI_COMM_WORLD,
               MPI_STATUS_IGNORE);
  TRY(cohort_ghost_import(rt, &ring.theirs.ghost, &ring.next));
  return ring;
}

static inline double *values(cohort_context_t task, uint32_t requirement, int32_t privilege)
{
  cohort_view_t v;
  TRY(cohort_view(task, requirement, row_field, privilege, &v));
  CHECK(v.stride[0] == sizeof(double));
  return v.base;
}

/* The task "add" adds its first region to its second. */
static const char *const add_text =
  "COHORT_KERNEL void add(COHORT_GLOBAL const double *x, cohort_extent e, COHORT_GLOBAL double *sum, cohort_extent es)\n"
  "{\n"
  "  COHORT_POINT(es, i, j, k)\n"
  "  COHORT_AT(sum, es, i, j, k) += COHORT_AT(x, e, i, j, k);\n"
  "}\n";

static inline int32_t add_on_host(cohort_context_t task, void *user)
{
  cohort_view_t x;
  double *sum = values(task, 1, COHORT_READ_WRITE);
  (void)user;
  TRY(cohort_view(task, 0, row_field, COHORT_READ_ONLY, &x));
  for (int64_t i = 0; i <= x.hi[0] - x.lo[0]; i++)
    sum[i] += ((const double *)x.base)[i];
  return 0;
}

static inline cohort_requirement_t need(cohort_region_t region, int32_t privilege)
{
  return (cohort_requirement_t){.region = region, .fields = &row_field, .field_count = 1, .privilege = privilege};
}

static inline void launch(cohort_context_t ctx, int32_t processor, cohort_task_t task, const cohort_requirement_t *needs, uint32_t count,
                          const int64_t *step)
{
  cohort_launch_t l = COHORT_LAUNCH_INIT;
  l.task = task;
  l.requirements = needs;
  l.requirement_count = count;
  l.args = step;
  l.args_size = step ? sizeof *step : 0;
  l.processor = processor;
  TRY(cohort_launch(ctx, &l, NULL));
}

/* When the owner has read what was there, and so that it knows. */
static inline void send(cohort_context_t ctx, cohort_region_t from, cohort_region_t to, cohort_phase_barrier_t *full, cohort_phase_barrier_t *empty,
                        int round)
{
  cohort_copy_t copy = COHORT_COPY_INIT;
  copy.source = from;
  copy.destination = to;
  copy.source_fields = copy.destination_fields = &row_field;
  copy.field_count = 1;
  copy.arrive_barriers = full;
  copy.arrive_barrier_count = 1;
  copy.wait_barriers = empty;
  copy.wait_barrier_count = round > 0;
  TRY(cohort_copy(ctx, &copy));
  TRY(cohort_phase_barrier_advance(*full, full));
  TRY(cohort_phase_barrier_advance(*empty, empty));
}

/* Adds the ghost region to the sum so often, between the neighbour's copy and the next. */
static inline void receive(cohort_context_t ctx, int32_t processor, cohort_task_t add, cohort_region_t ghost, cohort_region_t sum, int times,
                           cohort_phase_barrier_t *full, cohort_phase_barrier_t *empty)
{
  const cohort_requirement_t needs[2] = {need(ghost, COHORT_READ_ONLY), need(sum, COHORT_READ_WRITE)};
  cohort_sync_t sync = COHORT_SYNC_INIT;
  TRY(cohort_phase_barrier_advance(*full, full));
  sync.region = ghost;
  sync.fields = &row_field;
  sync.field_count = 1;
  sync.wait_barriers = full;
  sync.wait_barrier_count = 1;
  TRY(cohort_acquire(ctx, &sync));
  for (int i = 0; i < times; i++)
    launch(ctx, processor, add, needs, 2, NULL);
  sync.wait_barrier_count = 0;
  sync.arrive_barriers = empty;
  sync.arrive_barrier_count = 1;
  TRY(cohort_release(ctx, &sync));
  TRY(cohort_phase_barrier_advance(*empty, empty));
}

/* Each point i of the region is factor * i. */
static inline void check_line(cohort_context_t ctx, cohort_region_t region, int points, double factor)
{
  const cohort_requirement_t asked = need(region, COHORT_READ_ONLY);
  cohort_mapping_t mapping;
  cohort_view_t v;
  TRY(cohort_inline_map(ctx, &asked, &mapping));
  TRY(cohort_inline_view(mapping, row_field, COHORT_READ_ONLY, &v));
  for (int i = 0; i < points; i++)
    if (((double *)v.base)[i] != factor * i)
      FAIL_HERE("point %d is %.0f instead of %.0f", i, ((double *)v.base)[i], factor * i);
  TRY(cohort_inline_unmap(&mapping));
}

/* What the runtime says on standard error goes to the file that is returned; this program still says there what is wrong. */
static inline int listen_to_the_runtime(void)
{
  FILE *const file = tmpfile();
  CHECK(file);
  stderr = fdopen(dup(2), "w");
  CHECK(stderr && setvbuf(stderr, NULL, _IONBF, 0) == 0 && dup2(fileno(file), 2) == 2);
  return fileno(file);
}

#endif
