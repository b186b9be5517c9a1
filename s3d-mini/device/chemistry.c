/* Source terms: W_s w_s of the transported species, zero for the other fields of the state. */
#if REACTING
COHORT_FUNCTION void source_terms(double T, double *c, double *w) {
  const double log_T = log(T), inverse_T = 1 / T, log_c0 = log(101325 / GAS_CONSTANT) - log_T;
  double g[SPECIES], total = 0;
  COHORT_UNROLL
  for (int s = 0; s < SPECIES; ++s) {
    g[s] = gibbs_over_RT(s, T, log_T, inverse_T);
    total += c[s];
    w[s] = 0;
  }
  net_rates(T, log_T, inverse_T, log_c0, g, c, total, w);
}
#endif

COHORT_KERNEL void chemistry(COHORT_GLOBAL const double *density, cohort_extent density_at,
                             COHORT_GLOBAL const double *kept, /* from the temperature to the last species */
                             cohort_extent kept_at, COHORT_GLOBAL double *rhs, cohort_extent rhs_at, tile_arguments tile) {
  COHORT_POINT(density_at, i, j, k)
  rhs += COHORT_ELEMENT(rhs_at, i, j, k);
  for (int m = 0; m < STATE_SPECIES; ++m) rhs[m * rhs_at.field] = 0;
#if REACTING
  double c[SPECIES], w[SPECIES];
  kept += COHORT_ELEMENT(kept_at, i, j, k);
  const double rho = density[COHORT_ELEMENT(density_at, i, j, k)];
  COHORT_UNROLL
  for (int s = 0; s < SPECIES; ++s)
    c[s] = rho * kept[(PRIMITIVE_SPECIES - PRIMITIVE_T + s) * kept_at.field] * inverse_weight[s];
  source_terms(kept[0], c, w);
  COHORT_UNROLL
  for (int s = 0; s < SPECIES - 1; ++s) rhs[(STATE_SPECIES + s) * rhs_at.field] = molecular_weight[s] * w[s];
#else
  for (int m = STATE_SPECIES; m < STATE_FIELDS; ++m) rhs[m * rhs_at.field] = 0;
#endif
}
