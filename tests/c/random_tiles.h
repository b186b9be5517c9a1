/* Random programs over one region in tiles, tiles with halos, halves and the whole: the parts, and how tasks are launched on them. */
#ifndef COHORT_RANDOM_TILES_H
#define COHORT_RANDOM_TILES_H

#include "kernel_task.h"
#include "random_programs.h"

enum { TILES_X = 4, TILES_Y = 2, TILES = TILES_X * TILES_Y, HALO = 2 };

typedef struct {
  int64_t lo[2], hi[2];
} box;

#define EACH_POINT(b, i, j) \
  for (int64_t j = (b)->lo[1]; j <= (b)->hi[1]; j++) \
    for (int64_t i = (b)->lo[0]; i <= (b)->hi[0]; i++)

/* The sub-regions by size: the part of all with a number, and it with its halo. */
typedef struct {
  uint32_t count;
  box own[TILES], around[TILES];
  cohort_region_t region[TILES], wide[TILES];
} parts;

static inline parts make_parts(cohort_region_t all, int64_t x, int64_t y)
{
  const int64_t counts[2] = {x, y}, depth[2] = {HALO, HALO};
  int32_t dim;
  cohort_partition_t blocks, halos;
  parts made = {.count = (uint32_t)(x * y)};
  TRY(cohort_partition_blocks(all, counts, &blocks));
  TRY(cohort_partition_tiles_halo(blocks, depth, &halos));
  for (uint32_t n = 0; n < made.count; n++) {
    TRY(cohort_subregion(blocks, n, &made.region[n]));
    TRY(cohort_subregion(halos, n, &made.wide[n]));
    TRY(cohort_region_bounds(made.region[n], &dim, made.own[n].lo, made.own[n].hi));
    TRY(cohort_region_bounds(made.wide[n], &dim, made.around[n].lo, made.around[n].hi));
  }
  return made;
}

static inline cohort_requirement_t need(cohort_region_t region, uint32_t count, const cohort_field_t *fields, int32_t right)
{
  return (cohort_requirement_t){.region = region, .fields = fields, .field_count = count, .privilege = right};
}

#endif
