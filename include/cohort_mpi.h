/* Cohort with MPI: the functions that take a communicator. Inline, because the type of a communicator is the MPI's own: what
 * crosses the library's border is its Fortran handle, the same for every MPI, and which MPI this is. */
#ifndef COHORT_MPI_H
#define COHORT_MPI_H

#include <cohort.h>
#include <mpi.h>

/** Family of the MPI that this program is compiled for, told to the library so that a mixture is an error and no crash. */
#if defined(OPEN_MPI)
#define COHORT_CALLER_MPI 1
#elif defined(MPICH_VERSION)
#define COHORT_CALLER_MPI 2
#else
#define COHORT_CALLER_MPI 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Starts the runtime on every rank of `comm`. Collective; after MPI_Init, before MPI_Finalize. `comm` is duplicated and stays the
 * caller's. The calling thread becomes the MPI thread; any thread level will do. `config` may be NULL. */
static inline cohort_status_t cohort_init_mpi(MPI_Comm comm, const cohort_config_t *config, cohort_runtime_t *runtime)
{
  return cohort_init_communicator(COHORT_ABI, COHORT_CALLER_MPI, (int32_t)MPI_Comm_c2f(comm), config, runtime);
}

/** The ghost regions around this rank's block, with the neighbours of a Cartesian communicator: dimension d of the block is
 * dimension d of `comm`, periodic or not. Otherwise as cohort_halo_create. */
static inline cohort_status_t cohort_halo_create_cart(cohort_runtime_t runtime, MPI_Comm comm, const cohort_halo_options_t *options,
                                                      cohort_halo_t *halo)
{
  return cohort_halo_create_fortran(runtime, (int32_t)MPI_Comm_c2f(comm), options, halo);
}

#ifdef __cplusplus
}
#endif

#endif
