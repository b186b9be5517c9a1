/* cohort-info: what the library finds where it is started, alone or by an MPI launcher: versions, settings, ranks, and on each rank
 * the binding in force, processors, memories and how fast one reaches the other.
 * usage: cohort-info [--quick]   (--quick: nothing is measured) */
#define _POSIX_C_SOURCE 200809L
#ifdef COHORT_INFO_WITH_MPI
#include <cohort_mpi.h>
#else
#include <cohort.h>
#endif
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

/* What this rank says, printed by rank 0 when its turn comes. */
static FILE *said;

static void stop(const char *why)
{
  fprintf(stderr, "cohort-info: %s\n", why);
#ifdef COHORT_INFO_WITH_MPI
  MPI_Abort(MPI_COMM_WORLD, 1);
#endif
  exit(1);
}

static void try(cohort_status_t status)
{
  if (status != COHORT_OK)
    stop(cohort_last_error());
}

static void *array(size_t count, size_t bytes)
{
  void *entries = calloc(count ? count : 1, bytes);
  if (entries == NULL)
    stop("no memory");
  return entries;
}

static int32_t start(int *argc, char ***argv, cohort_runtime_t *rt)
{
  int32_t rank;
#ifdef COHORT_INFO_WITH_MPI
  int level;
  MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &level);
  try(cohort_init_mpi(MPI_COMM_WORLD, NULL, rt));
#else
  (void)argc;
  (void)argv;
  try(cohort_init(NULL, rt));
#endif
  try(cohort_rank(*rt, &rank));
  return rank;
}

static void versions(void)
{
  unsigned library = cohort_version(), header = COHORT_VERSION;
  printf("cohort %u.%u.%u, header %u.%u.%u\n", library / 10000, library / 100 % 100, library % 100, header / 10000,
         header / 100 % 100, header % 100);
#ifdef COHORT_INFO_WITH_MPI
  {
    static const struct {
      int number;
      const char *name;
    } levels[] = {{MPI_THREAD_SINGLE, "MPI_THREAD_SINGLE"},
                  {MPI_THREAD_FUNNELED, "MPI_THREAD_FUNNELED"},
                  {MPI_THREAD_SERIALIZED, "MPI_THREAD_SERIALIZED"},
                  {MPI_THREAD_MULTIPLE, "MPI_THREAD_MULTIPLE"}};
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length, level;
    MPI_Get_library_version(text, &length);
    MPI_Query_thread(&level);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
      if (levels[i].number == level)
        printf("MPI: %.*s; asked for MPI_THREAD_FUNNELED, got %s\n", (int)strcspn(text, ",\n"), text, levels[i].name);
  }
#else
  printf("MPI: none, built without\n");
#endif
  for (char **entry = environ; *entry; entry++)
    if (strncmp(*entry, "COHORT_", 7) == 0)
      printf("setting: %s\n", *entry);
}

static cohort_rank_info_t *ranks_of(cohort_runtime_t rt, uint32_t *count)
{
  cohort_rank_info_t *ranks;
  try(cohort_machine_ranks(rt, 0, NULL, count));
  ranks = array(*count, sizeof *ranks);
  ranks[0].size = sizeof *ranks;
  try(cohort_machine_ranks(rt, *count, ranks, count));
  return ranks;
}

static void where_ranks_are(cohort_runtime_t rt)
{
  uint32_t count;
  cohort_rank_info_t *ranks = ranks_of(rt, &count);
  int32_t nodes = 0;
  for (uint32_t i = 0; i < count; i++)
    if (ranks[i].node >= nodes)
      nodes = ranks[i].node + 1;
  printf("ranks: %" PRIu32 ", nodes: %" PRId32 "\n", count, nodes);
  for (int32_t node = 0; node < nodes; node++) {
    printf("node %" PRId32 ": ranks", node);
    for (uint32_t i = 0; i < count; i++)
      if (ranks[i].node == node)
        printf(" %" PRId32, ranks[i].rank);
    printf("\n");
  }
  free(ranks);
}

static void about_rank(cohort_runtime_t rt, int32_t rank)
{
  const char *binding;
  uint32_t count;
  cohort_rank_info_t *ranks = ranks_of(rt, &count);
  try(cohort_machine_binding(rt, &binding));
  fprintf(said, "rank %" PRId32 ": node %" PRId32 ", ", rank, ranks[rank].node);
  if (ranks[rank].numa_node >= 0)
    fprintf(said, "NUMA node %" PRId32, ranks[rank].numa_node);
  else
    fprintf(said, "several NUMA nodes");
  fprintf(said, "; %s\n", binding);
  fprintf(said, "rank %" PRId32 ": on its node with ranks", rank);
  for (uint32_t i = 0; i < count; i++)
    if (ranks[i].same_node)
      fprintf(said, " %" PRIu32, i);
  fprintf(said, "; shares memory with ranks");
  for (uint32_t i = 0; i < count; i++)
    if (ranks[i].shares_memory)
      fprintf(said, " %" PRIu32, i);
  fprintf(said, "\n");
  free(ranks);
}

static void about_processor(int32_t rank, const cohort_processor_info_t *processor)
{
  fprintf(said, "rank %" PRId32 " processor %" PRId32 ": ", rank, processor->number);
  if (processor->kind == COHORT_PROC_DEVICE)
    fprintf(said, "%s device \"%s\", memory %" PRId32, processor->api == COHORT_DEVICE_CUDA ? "CUDA" : "OpenCL", processor->name,
            processor->memory);
  else
    fputs(processor->kind == COHORT_PROC_CPU ? "worker" : processor->helps ? "MPI thread, runs tasks while it waits" : "MPI thread", said);
  if (processor->cpu >= 0)
    fprintf(said, ", on processor %" PRId32 " alone", processor->cpu);
  if (processor->numa_node >= 0)
    fprintf(said, ", NUMA node %" PRId32, processor->numa_node);
  fprintf(said, "\n");
}

static void about_memory(int32_t rank, const cohort_memory_info_t *memory)
{
  const double mebi = 1024 * 1024;
  fprintf(said, "rank %" PRId32 " memory %" PRId32 ": ", rank, memory->number);
  if (memory->kind == COHORT_MEMORY_SYSTEM)
    fprintf(said, "system, NUMA node %" PRId32, memory->numa_node);
  else if (memory->kind == COHORT_MEMORY_DEVICE)
    fprintf(said, "device");
  else if (memory->kind == COHORT_MEMORY_ZERO_COPY)
    fprintf(said, "zero copy");
  else
    fprintf(said, "node-shared");
  fprintf(said, ", %.0f MiB, %.0f MiB free\n", (double)memory->bytes / mebi, (double)memory->available / mebi);
}

/* Why there are no more devices: a line each. */
static void about_absent(cohort_runtime_t rt, int32_t rank)
{
  const char *line;
  try(cohort_machine_absent_devices(rt, &line));
  while (*line) {
    size_t length = strcspn(line, "\n");
    fprintf(said, "rank %" PRId32 " no device: %.*s\n", rank, (int)length, line);
    line += length + (line[length] == '\n');
  }
}

/* Alone at it: ranks that measure at the same time share what they measure. */
static void measure(cohort_runtime_t rt, int32_t rank, int32_t processors, int32_t memories)
{
  for (int32_t from = 0; from < processors; from++)
    for (int32_t to = 0; to < memories; to++) {
      cohort_affinity_t affinity = COHORT_AFFINITY_INIT;
      if (cohort_machine_affinity(rt, from, to, &affinity) != COHORT_OK) {
        fprintf(said, "rank %" PRId32 " processor %" PRId32 " to memory %" PRId32 ": %s\n", rank, from, to, cohort_last_error());
        continue;
      }
      fprintf(said, "rank %" PRId32 " processor %" PRId32 " to memory %" PRId32 ": %.1f GB/s, %.0f ns\n", rank, from, to,
              affinity.bandwidth / 1e9, affinity.latency * 1e9);
    }
}

static void in_turn(cohort_runtime_t rt, int32_t rank, int32_t processors, int32_t memories)
{
  int32_t size;
  try(cohort_size(rt, &size));
  for (int32_t turn = 0; turn < size; turn++) {
    if (turn == rank)
      measure(rt, rank, processors, memories);
#ifdef COHORT_INFO_WITH_MPI
    MPI_Barrier(MPI_COMM_WORLD);
#endif
  }
}

static void about_machine(cohort_runtime_t rt, int32_t rank, int quick)
{
  cohort_processor_info_t *processors;
  cohort_memory_info_t *memories;
  uint32_t processor_count, memory_count;
  try(cohort_machine_processors(rt, COHORT_PROC_ANY, 0, NULL, &processor_count));
  processors = array(processor_count, sizeof *processors);
  processors[0].size = sizeof *processors;
  try(cohort_machine_processors(rt, COHORT_PROC_ANY, processor_count, processors, &processor_count));
  for (uint32_t i = 0; i < processor_count; i++)
    about_processor(rank, &processors[i]);
  about_absent(rt, rank);
  try(cohort_machine_memories(rt, COHORT_MEMORY_ANY, 0, NULL, &memory_count));
  memories = array(memory_count, sizeof *memories);
  memories[0].size = sizeof *memories;
  try(cohort_machine_memories(rt, COHORT_MEMORY_ANY, memory_count, memories, &memory_count));
  for (uint32_t i = 0; i < memory_count; i++)
    about_memory(rank, &memories[i]);
  if (!quick)
    in_turn(rt, rank, (int32_t)processor_count, (int32_t)memory_count);
  free(memories);
  free(processors);
}

/* What all ranks said, in order of rank. */
static void print(cohort_runtime_t rt, int32_t rank, char *text)
{
  if (rank == 0)
    fputs(text, stdout);
#ifdef COHORT_INFO_WITH_MPI
  {
    int32_t size;
    try(cohort_size(rt, &size));
    if (rank > 0)
      MPI_Send(text, (int)strlen(text), MPI_CHAR, 0, 0, MPI_COMM_WORLD);
    for (int32_t other = 1; rank == 0 && other < size; other++) {
      MPI_Status status;
      int length;
      char *theirs;
      MPI_Probe(other, 0, MPI_COMM_WORLD, &status);
      MPI_Get_count(&status, MPI_CHAR, &length);
      theirs = array((size_t)length + 1, 1);
      MPI_Recv(theirs, length, MPI_CHAR, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      fputs(theirs, stdout);
      free(theirs);
    }
  }
#else
  (void)rt;
#endif
}

int main(int argc, char **argv)
{
  cohort_runtime_t rt;
  char *text = NULL;
  size_t length;
  int quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
  int32_t rank;

  if (argc > 1 && !quick) {
    fprintf(stderr, "usage: cohort-info [--quick]\nPrints what the library finds here, alone or under an MPI launcher; "
                    "--quick leaves out what has to be measured.\n");
    return 2;
  }
  rank = start(&argc, &argv, &rt);
  said = open_memstream(&text, &length);
  if (said == NULL)
    stop("no memory");
  if (rank == 0) {
    versions();
    where_ranks_are(rt);
  }
  about_rank(rt, rank);
  about_machine(rt, rank, quick);
  fclose(said);
  print(rt, rank, text);
  free(text);
  try(cohort_finalize(&rt));
#ifdef COHORT_INFO_WITH_MPI
  MPI_Finalize();
#endif
  return 0;
}
