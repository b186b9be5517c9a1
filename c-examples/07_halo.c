/* The exchange of example 06 with the halo helper: three calls and no index arithmetic. The MPI thread launches all steps ahead. */
#include "heat.h"

int main(int argc, char **argv)
{
    const cohort_field_t fields[2] = {0, 1};
    const uint32_t slot = 0;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_task_t step_task;
    cohort_halo_t halo;
    cohort_halo_options_t options = COHORT_HALO_OPTIONS_INIT;
    cohort_region_t ghost[FACES];
    int provided, rank;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    TRY(cohort_init_mpi(MPI_COMM_WORLD, NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_rank(rt, &rank));
    MPI_Comm cart = heat_begin();
    const cohort_region_t block = heat_block(rt, ctx);
    TRY(cohort_task_register(rt, "step", heat_step, NULL, COHORT_TASK_LEAF, &step_task));

    options.dim = 3;
    for (int d = 0; d < 3; d++) {
        options.lo[d] = heat_lo[d];
        options.hi[d] = heat_hi[d];
        options.depth[d] = 1;
    }
    options.field_count = 1;
    options.field_bytes = sizeof(double);
    TRY(cohort_halo_create_cart(rt, cart, &options, &halo));
    for (uint32_t face = 0; face < FACES; face++)
        TRY(cohort_halo_region(halo, face, &ghost[face]));
    for (int step = 0; step < STEPS; step++) {
        const cohort_field_t before = fields[step % 2];
        TRY(cohort_halo_exchange(ctx, halo, block, 1, &before, &slot));
        heat_launch(ctx, step_task, block, ghost, before);
        TRY(cohort_halo_release(ctx, halo, 1, &slot));
    }
    TRY(cohort_detach(ctx, block, 2, fields));
    heat_check();
    TRY(cohort_halo_destroy(&halo));
    TRY(cohort_finalize(&rt));
    MPI_Comm_free(&cart);
    if (rank == 0)
        puts("PASSED");
    MPI_Finalize();
    return 0;
}
