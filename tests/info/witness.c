/* What MPI, hwloc and the kernel say, in the words of cohort-info: the ranks of this rank's node, the memories, the processors. */
#define _GNU_SOURCE
#include <hwloc.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>

static void neighbours(int rank, int length, char *text)
{
  MPI_Comm node;
  int ranks[64], size, at = 0;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &size);
  MPI_Allgather(&rank, 1, MPI_INT, ranks, 1, MPI_INT, node);
  MPI_Comm_free(&node);
  for (int i = 0; i < size; i++)
    at += snprintf(text + at, (size_t)(length - at), " %d", ranks[i]);
}

int main(int argc, char **argv)
{
  hwloc_topology_t topology;
  hwloc_obj_t memory = NULL;
  char near[512] = "";
  cpu_set_t mask;
  int rank, size;

  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  neighbours(rank, sizeof near, near);
  hwloc_topology_init(&topology);
  hwloc_topology_load(topology);
  sched_getaffinity(0, sizeof mask, &mask);
  for (int turn = 0; turn < size; turn++) {
    MPI_Barrier(MPI_COMM_WORLD);
    if (turn != rank)
      continue;
    printf("rank %d: on its node with ranks%s;\n", rank, near);
    for (int number = 0; (memory = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, memory)) != NULL; number++)
      printf("rank %d memory %d: system, NUMA node %u, %.0f MiB,\n", rank, number, memory->os_index,
             (double)memory->attr->numanode.local_memory / (1024 * 1024));
    for (int cpu = 0; CPU_COUNT(&mask) == 1 && cpu < CPU_SETSIZE; cpu++)
      if (CPU_ISSET(cpu, &mask))
        printf("rank %d processor 0: MPI thread, runs tasks while it waits, on processor %d alone, NUMA node\n", rank, cpu);
    fflush(stdout);
  }
  hwloc_topology_destroy(topology);
  MPI_Finalize();
  return 0;
}
