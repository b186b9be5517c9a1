/* For blocks that are larger than the memory of the devices: as many tiles there as fit with all of their data, which then stays, and
 * the others on CPUs. The thesis's mapper kept whole kernels on CPUs for want of memory (Bauer, Stanford thesis 2014). */
#include "mappers.h"
#include <string.h>

enum { MEMORIES = 64, MOST_TILES = 1 << 16 };
/* What a tile's kernels hold, over its state: that, kept fields, right-hand side, second register and three fluxes, each with what
 * stencils reach around the tile, and ghost regions. */
enum { TIMES_THE_STATE = 17 };

static struct {
  uint64_t left; /* bytes of the devices */
  enum { UNDECIDED, DEVICE, HOST } place[MOST_TILES];
} overflow;

/* Decided at a tile's first task, of which the state is the first requirement. */
static bool fits(int32_t tile, const cohort_task_info_t *task) {
  if (tile < 0 || tile >= MOST_TILES) return false;
  if (overflow.place[tile] == UNDECIDED) {
    const uint64_t needed = TIMES_THE_STATE * task->requirements[0].bytes;
    overflow.place[tile] = needed <= overflow.left ? DEVICE : HOST;
    if (overflow.place[tile] == DEVICE) overflow.left -= needed;
  }
  return overflow.place[tile] == DEVICE;
}

static int32_t what_fits(const cohort_task_info_t *task, cohort_task_options_t *options, void *user) {
  int32_t tile;
  (void)user;
  if (!runs_on_devices(task) || task->args_size < sizeof tile) return 0;
  memcpy(&tile, task->args, sizeof tile);
  options->processor = fits(tile, task) ? COHORT_PROC_DEVICE : COHORT_PROC_CPU;
  return 0;
}

cohort_status_t overflow_mapper(const mapper_setting_t *setting, cohort_mapper_t *mapper) {
  cohort_memory_info_t memories[MEMORIES] = {COHORT_MEMORY_INFO_INIT};
  uint32_t count;
  cohort_status_t status = cohort_machine_memories(setting->rt, COHORT_MEMORY_DEVICE, MEMORIES, memories, &count);
  if (status) return status;
  memset(&overflow, 0, sizeof overflow);
  for (uint32_t i = 0; i < count && i < MEMORIES; i++) overflow.left += memories[i].bytes;
  mapper->flags = COHORT_MAPPER_SERIALISED;
  mapper->select_task_options = what_fits;
  return COHORT_OK;
}
