/* Source terms minus the divergence of the fluxes, each differentiated once. The ghost regions hold the fluxes of their direction. */
COHORT_KERNEL void divergence(COHORT_GLOBAL double *rhs, cohort_extent rhs_at,
                              COHORT_GLOBAL const double *flux_x, cohort_extent flux_x_at,
                              COHORT_GLOBAL const double *below_x, cohort_extent below_x_at,
                              COHORT_GLOBAL const double *above_x, cohort_extent above_x_at,
                              COHORT_GLOBAL const double *flux_y, cohort_extent flux_y_at,
                              COHORT_GLOBAL const double *below_y, cohort_extent below_y_at,
                              COHORT_GLOBAL const double *above_y, cohort_extent above_y_at,
                              COHORT_GLOBAL const double *flux_z, cohort_extent flux_z_at,
                              COHORT_GLOBAL const double *below_z, cohort_extent below_z_at,
                              COHORT_GLOBAL const double *above_z, cohort_extent above_z_at, tile_arguments tile) {
  COHORT_POINT(rhs_at, i, j, k)
  const long point[3] = {i, j, k};
  const line_around x = line_through(&tile, 0, point, flux_x_at, below_x_at, above_x_at);
  const line_around y = line_through(&tile, 1, point, flux_y_at, below_y_at, above_y_at);
  const line_around z = line_through(&tile, 2, point, flux_z_at, below_z_at, above_z_at);
  rhs += COHORT_ELEMENT(rhs_at, i, j, k);
  COHORT_NO_UNROLL
  for (int m = 0; m < STATE_FIELDS; ++m) {
    rhs[m * rhs_at.field] = rhs[m * rhs_at.field] - slope(x, m, flux_x, below_x, above_x) - slope(y, m, flux_y, below_y, above_y) -
                            slope(z, m, flux_z, below_z, above_z);
  }
}
