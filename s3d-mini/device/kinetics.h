/* Fall-off: Gilbert, Luther & Troe, Ber. Bunsenges. Phys. Chem. 87 (1983). The high-pressure constant becomes the effective one.
 * `reduced` is the low-pressure constant times the collision partners over the high one. */
#define LOG_10 2.302585092994045684

COHORT_FUNCTION double lindemann(double high, double reduced) {
  reduced = fmax(reduced, 1e-300);
  return high * reduced / (1 + reduced);
}

COHORT_FUNCTION double troe(double high, double reduced, double centre) {
  reduced = fmax(reduced, 1e-300);
  const double log_centre = log10(fmax(centre, 1e-300));
  const double x = log10(reduced) - 0.4 - 0.67 * log_centre, f = x / (0.75 - 1.27 * log_centre - 0.14 * x);
  return high * reduced / (1 + reduced) * exp(log_centre / (1 + f * f) * LOG_10);
}

COHORT_FUNCTION double gibbs_over_RT(int k, double T, double log_T, double inverse_T) {
  COHORT_CONSTANT const double *a = T <= nasa_middle[k] ? gibbs_low[k] : gibbs_high[k];
  return a[0] * (1 - log_T) + a[1] * inverse_T + a[2] + T * (a[3] + T * (a[4] + T * (a[5] + T * a[6])));
}
