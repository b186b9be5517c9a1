/* Velocity, temperature, mass fractions, molecular weight and pressure from the state. The temperature is read first: the guess
 * for Newton's iteration, which ends as in point_physics.f90. */
COHORT_KERNEL void primitives(COHORT_GLOBAL const double *state, cohort_extent state_at, COHORT_GLOBAL double *kept,
                              cohort_extent kept_at, tile_arguments tile) {
  COHORT_POINT(state_at, i, j, k)
  const double small_change = 1e-7;
  double Y[SPECIES];
  state += COHORT_ELEMENT(state_at, i, j, k);
  kept += COHORT_ELEMENT(kept_at, i, j, k);

  const double rho = state[STATE_RHO * state_at.field], inverse_rho = 1 / rho;
  double energy = state[STATE_ENERGY * state_at.field] * inverse_rho;
  COHORT_UNROLL
  for (int d = 0; d < 3; ++d) {
    const double u = state[(STATE_U + d) * state_at.field] * inverse_rho;
    kept[(PRIMITIVE_U + d) * kept_at.field] = u;
    energy -= 0.5 * u * u;
  }

  double last = 1, moles = 0;
  OVER_SPECIES
  for (int s = 0; s < SPECIES - 1; ++s) {
    Y[s] = state[(STATE_SPECIES + s) * state_at.field] * inverse_rho;
    kept[(PRIMITIVE_SPECIES + s) * kept_at.field] = Y[s];
    last -= Y[s];
    moles += Y[s] * inverse_weight[s];
  }
  Y[SPECIES - 1] = last;
  moles += last * inverse_weight[SPECIES - 1];
  kept[(PRIMITIVE_SPECIES + SPECIES - 1) * kept_at.field] = last;
  kept[PRIMITIVE_W * kept_at.field] = 1 / moles;

  const double R = GAS_CONSTANT * moles;
  double T = kept[PRIMITIVE_T * kept_at.field];
  for (int iteration = 0; iteration < 50; ++iteration) {
    double cp = 0, h = 0;
    OVER_SPECIES
    for (int s = 0; s < SPECIES; ++s) {
      COHORT_CONSTANT const double *a = enthalpy_coefficients(s, T);
      const double part = specific_gas_constant[s] * Y[s];
      cp += part * heat_capacity(a, T);
      h += part * enthalpy(a, T);
    }
    const double change = (energy - h + R * T) / (cp - R);
    T += change;
    if (!(fabs(change) > small_change * T)) break;
  }
  kept[PRIMITIVE_T * kept_at.field] = T;
  kept[PRESSURE * kept_at.field] = rho * R * T;
}
