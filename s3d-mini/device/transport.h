/* Mixture-averaged transport, the formulas of transport.f90 for one point. */

/* Keeps the diffusion coefficient of a species that is alone defined. */
#define LEAST_FRACTION 1e-20

/* Loops over pairs take two of them at a time. */
#if SPECIES <= 16
#define OVER_PAIRS COHORT_UNROLL
#else
#define OVER_PAIRS COHORT_UNROLL_2
#endif

COHORT_FUNCTION double fit(COHORT_CONSTANT const double *c, double x) {
  return c[0] + x * (c[1] + x * (c[2] + x * (c[3] + x * c[4])));
}

/* Of a pair: from the table, or from what a requirement brings where all tables together are more than constant memory holds. */
COHORT_FUNCTION double pair_fit(COHORT_GLOBAL const double *pair_fits, int pair, double x) {
#if PAIRS_APART
  COHORT_GLOBAL const double *c = pair_fits + 5 * pair;
  return c[0] + x * (c[1] + x * (c[2] + x * (c[3] + x * c[4])));
#else
  (void)pair_fits;
  return fit(diffusion_fit[pair], x);
#endif
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

COHORT_FUNCTION double mole_fraction(int s, double Y, double W) {
  return fmax(Y * W * inverse_weight[s], LEAST_FRACTION);
}

/* X_1/D_1 + X_2/D_2 by the fits of two pairs, with one division for both; in Cantera's form without its T^(3/2). */
COHORT_FUNCTION double friction_of_two(double X_1, double X_2, double fit_1, double fit_2) {
#if CANTERA_FITS
  return (X_1 * fit_2 + X_2 * fit_1) / (fit_1 * fit_2);
#else
  return X_1 * exp(-fit_1) + X_2 * exp(-fit_2);
#endif
}

/* What all species meet at a point. Mass fractions stand `field` elements apart. */
typedef struct {
  double log_T, quarter_T, W, mass, of_pairs; /* of_pairs: rho D_k is this, times the other species' mass, over their friction */
  double X[SPECIES], b[SPECIES];              /* mole fractions, W^(1/4) over the square root of the viscosity */
  COHORT_GLOBAL const double *Y, *pair_fits;
  long field;
} mixture;

COHORT_FUNCTION void mixture_at(mixture *m, double rho, double T, double p, double W, COHORT_GLOBAL const double *Y, long field,
                                COHORT_GLOBAL const double *pair_fits, double *conductivity) {
  const double half_T = sqrt(T);
  double direct = 0, harmonic = 0;
  m->log_T = log(T);
  m->quarter_T = sqrt(half_T);
  m->W = W;
  m->mass = 0;
  m->Y = Y;
  m->field = field;
  m->pair_fits = pair_fits;
  OVER_SPECIES
  for (int s = 0; s < SPECIES; ++s) {
    const double lambda = pure_conductivity(s, m->log_T, m->quarter_T);
    m->X[s] = mole_fraction(s, Y[s * field], W);
    m->b[s] = fourth_root_weight[s] / root_viscosity(s, m->log_T, m->quarter_T);
    m->mass += m->X[s] * molecular_weight[s];
    direct += m->X[s] * lambda;
    harmonic += m->X[s] / lambda;
  }
  *conductivity = 0.5 * (direct + 1 / harmonic);
  m->of_pairs = rho * (CANTERA_FITS ? T * half_T : 1) / (m->mass * p);
}

/* rho D of species k, whose part of the viscosity is added. It meets all others in one loop that reads two numbers of each: every pair is
 * visited twice, which costs less than partial sums of all species, kept in memory. What k itself needs is computed again, so that the
 * arrays are indexed by j alone and stay in registers if they are small. Species are asked for one by one, so that their diffusion coefficients
 * need no array: what a thread keeps in memory has to fit the first-level cache with that of all others. */
COHORT_FUNCTION double diffusion_of(const mixture *m, int k, double *viscosity) {
  const double X_k = mole_fraction(k, m->Y[k * m->field], m->W), root = root_viscosity(k, m->log_T, m->quarter_T), a = root / fourth_root_weight[k];
  const int row = k * SPECIES - k * (k + 1) / 2 - k - 1;
  double wilke = X_k, friction = 0, others = 0;
  OVER_PAIRS
  for (int j = 0; j < SPECIES; j += 2) {
    double X_j[2], D[2];
    COHORT_UNROLL
    for (int n = 0; n < 2; ++n) {
      const int to = j + n < SPECIES ? j + n : 0;
      const int pair = to < k ? to * SPECIES - to * (to + 1) / 2 + k - to - 1 : to > k ? row + to : 0;
      const double one_and_ratio = 1 + a * m->b[to];
      X_j[n] = to == k || j + n == SPECIES ? 0 : m->X[to];
      D[n] = pair_fit(m->pair_fits, pair, m->log_T);
      wilke += X_j[n] * wilke_weight[to] * wilke_pair[pair] * one_and_ratio * one_and_ratio;
      others += X_j[n] * molecular_weight[to];
    }
    friction += friction_of_two(X_j[0], X_j[1], D[0], D[1]);
  }
  *viscosity += X_k * root * root / wilke;
  /* 1 - Y_k as a sum over the others: the difference is noise where a species is nearly alone. */
  return others * m->of_pairs / friction;
}
