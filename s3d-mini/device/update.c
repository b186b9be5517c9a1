/* One stage of Runge and Kutta with two registers, as runge_kutta.f90: state = second + alpha dt rhs; second = state + beta dt rhs.
 * Before the first stage the second register is nothing and stands for the state. After the last beta is zero, and nobody reads it. */
typedef struct {
  int tile, first;
  double alpha_dt, beta_dt;
} update_arguments;

COHORT_KERNEL void update(COHORT_GLOBAL double *state, cohort_extent state_at, COHORT_GLOBAL const double *rhs, cohort_extent rhs_at,
                          COHORT_GLOBAL double *second, cohort_extent second_at, update_arguments stage) {
  COHORT_POINT(state_at, i, j, k)
  state += COHORT_ELEMENT(state_at, i, j, k);
  rhs += COHORT_ELEMENT(rhs_at, i, j, k);
  second += COHORT_ELEMENT(second_at, i, j, k);
  COHORT_UNROLL_2
  for (int m = 0; m < STATE_FIELDS; ++m) {
    const double rate = rhs[m * rhs_at.field];
    const double reached = (stage.first ? state[m * state_at.field] : second[m * second_at.field]) + stage.alpha_dt * rate;
    state[m * state_at.field] = reached;
    if (stage.beta_dt != 0) second[m * second_at.field] = reached + stage.beta_dt * rate;
  }
}
