/* What the machine is asked: lists agree with each other and with the rest of the interface, a capacity is kept to, what was measured
 * stays, and wrong calls say what is wrong. */
#include "testing.h"

enum { MOST = 256 };

static const cohort_runtime_t null_runtime;

static void processors(cohort_runtime_t rt)
{
  cohort_processor_info_t all[MOST] = {COHORT_PROCESSOR_INFO_INIT}, some[2] = {COHORT_PROCESSOR_INFO_INIT};
  uint32_t count, cpus, hosts, none = 77;
  int32_t workers;
  TRY(cohort_workers(rt, &workers));
  TRY(cohort_machine_processors(rt, COHORT_PROC_ANY, MOST, all, &count));
  CHECK(count >= 1 && count <= MOST);
  CHECK(all[0].kind == COHORT_PROC_MPI);
  CHECK((int32_t)count == workers + !all[0].helps);
  for (uint32_t i = 0; i < count; i++) {
    CHECK(all[i].size == sizeof all[i] && all[i].number == (int32_t)i);
    CHECK((all[i].kind == COHORT_PROC_MPI) == (i == 0));
  }
  TRY(cohort_machine_processors(rt, COHORT_PROC_CPU, 0, NULL, &cpus));
  CHECK(cpus == count - 1);
  some[1].number = 88;
  TRY(cohort_machine_processors(rt, COHORT_PROC_ANY, 1, some, &hosts));
  CHECK(hosts == count && some[0].number == 0 && some[1].number == 88);
  TRY(cohort_machine_processors(rt, COHORT_PROC_MPI, 2, some, &hosts));
  CHECK(hosts == 1 && some[0].number == 0 && some[1].number == 88);

  EXPECT(cohort_machine_processors(null_runtime, 0, 0, NULL, &none), COHORT_ERROR_INVALID_HANDLE, "null handle");
  EXPECT(cohort_machine_processors(rt, 9, 0, NULL, &none), COHORT_ERROR_INVALID_ARGUMENT, "kind is 9");
  EXPECT(cohort_machine_processors(rt, 0, 0, NULL, NULL), COHORT_ERROR_INVALID_ARGUMENT, "null");
  EXPECT(cohort_machine_processors(rt, 0, 1, NULL, &none), COHORT_ERROR_INVALID_ARGUMENT, "null");
  all[0].size = 3;
  EXPECT(cohort_machine_processors(rt, 0, 1, all, &none), COHORT_ERROR_VERSION, "COHORT_PROCESSOR_INFO_INIT");
  CHECK(none == 77);
}

static void memories(cohort_runtime_t rt)
{
  cohort_memory_info_t all[MOST] = {COHORT_MEMORY_INFO_INIT};
  cohort_affinity_t first = COHORT_AFFINITY_INIT, again = COHORT_AFFINITY_INIT;
  uint32_t count, shared;
  TRY(cohort_machine_memories(rt, COHORT_MEMORY_SHARED, 0, NULL, &shared));
  CHECK(shared == 0); /* one rank shares with nobody */
  TRY(cohort_machine_memories(rt, COHORT_MEMORY_SYSTEM, MOST, all, &count));
  CHECK(count >= 1);
  for (uint32_t i = 0; i < count; i++) {
    CHECK(all[i].number == (int32_t)i && all[i].kind == COHORT_MEMORY_SYSTEM && all[i].numa_node >= 0);
    CHECK(all[i].available > 0 && all[i].available <= all[i].bytes);
  }
  TRY(cohort_machine_affinity(rt, 0, 0, &first));
  CHECK(first.bandwidth > 1e6 && first.latency > 0 && first.latency < 1e-3);
  TRY(cohort_machine_affinity(rt, 0, 0, &again));
  CHECK(memcmp(&first, &again, sizeof first) == 0);

  EXPECT(cohort_machine_memories(rt, 7, 0, NULL, &count), COHORT_ERROR_INVALID_ARGUMENT, "kind is 7");
  all[0].size = 0;
  EXPECT(cohort_machine_memories(rt, 0, 1, all, &count), COHORT_ERROR_VERSION, "COHORT_MEMORY_INFO_INIT");
  EXPECT(cohort_machine_affinity(rt, -1, 0, &again), COHORT_ERROR_BOUNDS, "processor -1");
  EXPECT(cohort_machine_affinity(rt, 0, 99, &again), COHORT_ERROR_BOUNDS, "memory 99");
  EXPECT(cohort_machine_affinity(rt, 0, 0, NULL), COHORT_ERROR_INVALID_ARGUMENT, "null");
  again.size = 1;
  EXPECT(cohort_machine_affinity(rt, 0, 0, &again), COHORT_ERROR_VERSION, "COHORT_AFFINITY_INIT");
}

static void ranks(cohort_runtime_t rt)
{
  cohort_rank_info_t all[2] = {COHORT_RANK_INFO_INIT};
  uint32_t count;
  int32_t workers;
  const char *binding;
  TRY(cohort_workers(rt, &workers));
  TRY(cohort_machine_ranks(rt, 2, all, &count));
  CHECK(count == 1 && all[0].rank == 0 && all[0].node == 0 && all[0].same_node == 1 && all[0].shares_memory == 0);
  CHECK(all[0].workers == workers);
  TRY(cohort_machine_binding(rt, &binding));
  CHECK(atoi(binding) == workers && strstr(binding, "processors"));
  EXPECT(cohort_machine_binding(rt, NULL), COHORT_ERROR_INVALID_ARGUMENT, "null");
  all[0].size = 0;
  EXPECT(cohort_machine_ranks(rt, 1, all, &count), COHORT_ERROR_VERSION, "COHORT_RANK_INFO_INIT");
}

int main(void)
{
  for (int helps = 0; helps <= 1; helps++) {
    cohort_config_t config = COHORT_CONFIG_INIT;
    cohort_runtime_t rt;
    config.host_helps = helps;
    TRY(cohort_init(&config, &rt));
    processors(rt);
    memories(rt);
    ranks(rt);
    TRY(cohort_finalize(&rt));
  }
  puts("PASSED");
  return 0;
}
