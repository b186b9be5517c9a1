/* NASA 7-coefficient polynomials (McBride, Gordon & Reno, NASA TM 4513, 1993), with their divisions done in the tables: on a GPU
 * one costs as much as ten multiplications. */

/* h/R = a0 + T (a1 + T (a2 + ...)). */
COHORT_FUNCTION double enthalpy(COHORT_CONSTANT const double *a, double T) {
  return a[0] + T * (a[1] + T * (a[2] + T * (a[3] + T * (a[4] + T * a[5]))));
}

/* cp/R, from the coefficients of the enthalpy. */
COHORT_FUNCTION double heat_capacity(COHORT_CONSTANT const double *a, double T) {
  return a[1] + T * (2 * a[2] + T * (3 * a[3] + T * (4 * a[4] + T * (5 * a[5]))));
}

COHORT_FUNCTION COHORT_CONSTANT const double *enthalpy_coefficients(int k, double T) {
  return T <= nasa_middle[k] ? enthalpy_low[k] : enthalpy_high[k];
}

/* J/kg, with the heat of formation. */
COHORT_FUNCTION double specific_enthalpy(int k, double T) {
  return specific_gas_constant[k] * enthalpy(enthalpy_coefficients(k, T), T);
}
