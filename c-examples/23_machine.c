/* A program asks the machine what it runs on: processors, memories, how fast one reaches the other, and where the ranks are. */
#include <cohort_mpi.h>
#include <stdio.h>

enum { MOST = 256 };

int main(int argc, char **argv)
{
    cohort_runtime_t rt;
    cohort_processor_info_t processors[MOST] = {COHORT_PROCESSOR_INFO_INIT};
    cohort_memory_info_t memories[MOST] = {COHORT_MEMORY_INFO_INIT};
    cohort_rank_info_t ranks[MOST] = {COHORT_RANK_INFO_INIT};
    uint32_t processor_count, memory_count, rank_count, neighbours = 0;
    int32_t best = 0, rank;
    double most = 0;
    const char *binding;
    int level;

    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    if (cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt) || cohort_rank(rt, &rank) || cohort_machine_binding(rt, &binding) ||
        cohort_machine_processors(rt, COHORT_PROC_ANY, MOST, processors, &processor_count) ||
        cohort_machine_memories(rt, COHORT_MEMORY_SYSTEM, MOST, memories, &memory_count) ||
        cohort_machine_ranks(rt, MOST, ranks, &rank_count)) {
        fprintf(stderr, "FAILED: %s\n", cohort_last_error());
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    for (uint32_t i = 0; i < rank_count && i < MOST; i++)
        neighbours += ranks[i].same_node && ranks[i].rank != rank;
    /* The memory that the last processor reads fastest and that has room for a gigabyte. */
    for (uint32_t i = 0; i < memory_count && i < MOST; i++) {
        cohort_affinity_t affinity = COHORT_AFFINITY_INIT;
        if (memories[i].available < 1u << 30)
            continue;
        if (cohort_machine_affinity(rt, (int32_t)processor_count - 1, memories[i].number, &affinity)) {
            fprintf(stderr, "FAILED: %s\n", cohort_last_error());
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
        if (affinity.bandwidth > most) {
            most = affinity.bandwidth;
            best = memories[i].number;
        }
    }
    printf("rank %d: %u processors, %u ranks beside it on its node; memory %d gives %.1f GB/s; %s: %s\n", (int)rank,
           (unsigned)processor_count, (unsigned)neighbours, (int)best, most / 1e9, binding,
           processors[0].kind == COHORT_PROC_MPI && most > 0 ? "PASSED" : "FAILED");
    cohort_finalize(&rt);
    MPI_Finalize();
    return 0;
}
