/* Mixture-averaged transport as in transport.f90, arranged for one point: species k meets all others in one loop that reads two
 * numbers of each, so that nothing is accumulated in memory. Each pair is so visited twice, which costs less than three arrays
 * of partial sums would. */

/* Keeps the diffusion coefficient of a species that is alone defined. */
#define LEAST_FRACTION 1e-20

COHORT_FUNCTION double fit(COHORT_CONSTANT const double *c, double x) {
  return c[0] + x * (c[1] + x * (c[2] + x * (c[3] + x * c[4])));
}

/* Square root of the viscosity of a pure species. */
COHORT_FUNCTION double root_viscosity(int s, double log_T, double quarter_T) {
#if CANTERA_FITS
  return quarter_T * fit(viscosity_fit[s], log_T);
#else
  return exp(0.5 * fit(viscosity_fit[s], log_T));
#endif
}

COHORT_FUNCTION double pure_conductivity(int s, double log_T, double quarter_T) {
#if CANTERA_FITS
  return quarter_T * quarter_T * fit(conductivity_fit[s], log_T);
#else
  return exp(fit(conductivity_fit[s], log_T));
#endif
}

/* 1/(p D) of a pair; in Cantera's form without its T^(3/2), which all pairs share. */
COHORT_FUNCTION double pair_friction(int pair, double log_T) {
#if CANTERA_FITS
  return 1 / fit(diffusion_fit[pair], log_T);
#else
  return exp(-fit(diffusion_fit[pair], log_T));
#endif
}

/* Place of two species in the tables of pairs. */
COHORT_FUNCTION int pair_of(int k, int j) {
  const int low = k < j ? k : j, high = k < j ? j : k;
  return low * SPECIES - low * (low + 1) / 2 + high - low - 1;
}

/* Viscosity, conductivity and rho D of each species. Mass fractions stand `field` elements apart. */
COHORT_FUNCTION void mixture_transport(double rho, double T, double p, double W, COHORT_GLOBAL const double *Y, long field,
                                       double *viscosity, double *conductivity, double *diffusion) {
  const double log_T = log(T), half_T = sqrt(T), quarter_T = sqrt(half_T);
  const double pair_factor = CANTERA_FITS ? T * half_T : 1;
  double X[SPECIES], b[SPECIES]; /* mole fractions, W^(1/4) over the square root of the viscosity */
  double direct = 0, harmonic = 0, mass = 0;
  OVER_SPECIES
  for (int s = 0; s < SPECIES; ++s) {
    const double lambda = pure_conductivity(s, log_T, quarter_T);
    X[s] = fmax(Y[s * field] * W * inverse_weight[s], LEAST_FRACTION);
    b[s] = fourth_root_weight[s] / root_viscosity(s, log_T, quarter_T);
    mass += X[s] * molecular_weight[s];
    direct += X[s] * lambda;
    harmonic += X[s] / lambda;
  }
  *conductivity = 0.5 * (direct + 1 / harmonic);

  *viscosity = 0;
  OVER_SPECIES
  for (int k = 0; k < SPECIES; ++k) {
    const double a = 1 / b[k], root = fourth_root_weight[k] * a;
    double wilke = X[k], friction = 0, others = 0;
    OVER_SPECIES
    for (int j = 0; j < SPECIES; ++j) {
      if (j == k) continue;
      const int pair = pair_of(k, j);
      const double one_and_ratio = 1 + a * b[j];
      wilke += X[j] * wilke_weight[j] * wilke_pair[pair] * one_and_ratio * one_and_ratio;
      friction += X[j] * pair_friction(pair, log_T);
      others += X[j] * molecular_weight[j];
    }
    *viscosity += X[k] * root * root / wilke;
    /* 1 - Y_k as a sum over the others: the difference is noise where a species is nearly alone. */
    diffusion[k] = rho * others * pair_factor / (mass * p * friction);
  }
}
