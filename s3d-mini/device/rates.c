/* What limits an explicit time step, as time_step.f90: sound and flow, diffusion, chemistry. Work items fold into the three elements
 * of `largest`; a rate that is not a number is none. */

COHORT_FUNCTION void fold(COHORT_GLOBAL double *largest, double rate) {
  /* Most items find a larger one, and need not take turns. */
  if (rate > *largest) cohort_atomic_max_double(largest, rate);
}

#if REACTING
/* A species that is not there would be used up as fast as a trace of it. */
#define TRACE 1e-15

COHORT_FUNCTION double chemical_rate(double rho, double T, COHORT_GLOBAL const double *Y, long field) {
  const double log_T = log(T), inverse_T = 1 / T, log_c0 = log(101325 / GAS_CONSTANT) - log_T;
  double g[SPECIES], c[SPECIES], loss[SPECIES], total = 0, largest = 0;
  COHORT_UNROLL
  for (int s = 0; s < SPECIES; ++s) {
    g[s] = gibbs_over_RT(s, T, log_T, inverse_T);
    c[s] = rho * fmax(Y[s * field], TRACE) * inverse_weight[s];
    total += c[s];
    loss[s] = 0;
  }
  loss_rates(T, log_T, inverse_T, log_c0, g, c, total, loss);
  COHORT_UNROLL
  for (int s = 0; s < SPECIES; ++s) largest = fmax(largest, loss[s] / c[s]);
  return largest;
}
#endif

COHORT_KERNEL void rates(COHORT_GLOBAL const double *density, cohort_extent density_at, COHORT_GLOBAL const double *kept,
                         cohort_extent kept_at, COHORT_GLOBAL const double *pair_fits, cohort_extent pair_fits_at,
                         COHORT_GLOBAL double *largest, cohort_extent largest_at, tile_arguments tile) {
  COHORT_POINT(density_at, i, j, k)
  const long field = kept_at.field;
  kept += COHORT_ELEMENT(kept_at, i, j, k);
  largest += largest_at.offset;
  const double rho = density[COHORT_ELEMENT(density_at, i, j, k)], T = kept[PRIMITIVE_T * field], W = kept[PRIMITIVE_W * field];
  COHORT_GLOBAL const double *const Y = kept + PRIMITIVE_SPECIES * field;

  double cp = 0;
  OVER_SPECIES
  for (int s = 0; s < SPECIES; ++s)
    cp += Y[s * field] * specific_gas_constant[s] * heat_capacity(enthalpy_coefficients(s, T), T);
  const double R = GAS_CONSTANT / W, sound = sqrt(cp / (cp - R) * R * T);
  double crossing = 0, spreading = 0;
  COHORT_UNROLL
  for (int d = 0; d < 3; ++d) {
    if (!tile.active[d]) continue;
    crossing += (fabs(kept[(PRIMITIVE_U + d) * field]) + sound) * tile.inverse_spacing[d];
    spreading += tile.inverse_spacing[d] * tile.inverse_spacing[d];
  }
  fold(&largest[0], crossing);

#if VISCOUS
  mixture gas;
  double viscosity = 0, conductivity;
  mixture_at(&gas, rho, T, kept[PRESSURE * field], W, Y, field, pair_fits + pair_fits_at.offset, &conductivity);
  double diffusivity = conductivity / cp; /* times the density */
  COHORT_NO_UNROLL
  for (int s = 0; s < SPECIES; ++s) diffusivity = fmax(diffusivity, diffusion_of(&gas, s, &viscosity));
  diffusivity = fmax(diffusivity, viscosity * (4.0 / 3));
  fold(&largest[largest_at.stride[0]], spreading * diffusivity / rho);
#else
  (void)pair_fits;
  (void)spreading;
  (void)rho;
#endif
#if REACTING
  fold(&largest[2 * largest_at.stride[0]], chemical_rate(rho, T, Y, field));
#endif
}
