/* Convective plus diffusive fluxes of the state in the three directions (Chen et al., Comput. Sci. Disc. 2, 015001, 2009, section
 * 2). Species follow species: of each only its diffusion coefficient, enthalpy and three slopes are alive. */

#if VISCOUS
typedef struct {
  line_around line[3];
  COHORT_GLOBAL const double *region[3], *below[3], *above[3];
} neighbourhood;

COHORT_FUNCTION double slope_of(const neighbourhood *around, int d, int m) {
  return slope(around->line[d], m, around->region[d], around->below[d], around->above[d]);
}

/* Slopes that are needed together, in the three directions. */
enum { T_SLOPE = 3, W_SLOPE = 4, SLOPES = 5 };

/* Rolled: the stencils of a field are much code. */
COHORT_FUNCTION void shared_slopes(const neighbourhood *around, double slopes[SLOPES][3]) {
  COHORT_NO_UNROLL
  for (int m = 0; m < SLOPES; ++m) {
    COHORT_UNROLL
    for (int d = 0; d < 3; ++d) slopes[m][d] = slope_of(around, d, m == W_SLOPE ? PRIMITIVE_W : PRIMITIVE_U + m);
  }
}

/* Adds -tau and -u tau (Newton's stress, no bulk viscosity) to the fluxes of momentum and energy. */
COHORT_FUNCTION void subtract_stress(double slopes[SLOPES][3], double viscosity, const double *u, double momentum[3][3],
                                     double *energy) {
  const double dilatation = (slopes[0][0] + slopes[1][1] + slopes[2][2]) * (2.0 / 3);
  COHORT_UNROLL
  for (int d = 0; d < 3; ++d) {
    COHORT_UNROLL
    for (int m = 0; m < 3; ++m) {
      const double tau = viscosity * (m == d ? 2 * slopes[d][d] - dilatation : slopes[m][d] + slopes[d][m]);
      momentum[d][m] -= tau;
      energy[d] -= u[m] * tau;
    }
  }
}
#endif

COHORT_KERNEL void fluxes(COHORT_GLOBAL const double *state, cohort_extent state_at,
                          COHORT_GLOBAL const double *pressure, cohort_extent pressure_at,
                          COHORT_GLOBAL const double *along_y, cohort_extent along_y_at,
                          COHORT_GLOBAL const double *along_z, cohort_extent along_z_at,
                          COHORT_GLOBAL const double *below_x, cohort_extent below_x_at,
                          COHORT_GLOBAL const double *above_x, cohort_extent above_x_at,
                          COHORT_GLOBAL const double *below_y, cohort_extent below_y_at,
                          COHORT_GLOBAL const double *above_y, cohort_extent above_y_at,
                          COHORT_GLOBAL const double *below_z, cohort_extent below_z_at,
                          COHORT_GLOBAL const double *above_z, cohort_extent above_z_at,
                          COHORT_GLOBAL double *flux_x, cohort_extent flux_x_at,
                          COHORT_GLOBAL double *flux_y, cohort_extent flux_y_at,
                          COHORT_GLOBAL double *flux_z, cohort_extent flux_z_at,
                          COHORT_GLOBAL const double *pair_fits, cohort_extent pair_fits_at, tile_arguments tile) {
  COHORT_POINT(state_at, i, j, k)
  state += COHORT_ELEMENT(state_at, i, j, k);
  COHORT_GLOBAL const double *const here = along_y + COHORT_ELEMENT(along_y_at, i, j, k);
  COHORT_GLOBAL double *const flux[3] = {flux_x + COHORT_ELEMENT(flux_x_at, i, j, k), flux_y + COHORT_ELEMENT(flux_y_at, i, j, k),
                                         flux_z + COHORT_ELEMENT(flux_z_at, i, j, k)};
  const long flux_field[3] = {flux_x_at.field, flux_y_at.field, flux_z_at.field}, field = along_y_at.field;

  const double p = pressure[COHORT_ELEMENT(pressure_at, i, j, k)], rho_energy = state[STATE_ENERGY * state_at.field];
  const double u[3] = {here[0], here[field], here[2 * field]};
  double momentum[3][3], energy[3]; /* [direction][component] */
  COHORT_UNROLL
  for (int d = 0; d < 3; ++d) {
    COHORT_UNROLL
    for (int m = 0; m < 3; ++m) momentum[d][m] = state[(STATE_U + m) * state_at.field] * u[d] + (m == d ? p : 0);
    energy[d] = (rho_energy + p) * u[d];
  }
  const double rho = state[STATE_RHO * state_at.field];

#if VISCOUS
  const long point[3] = {i, j, k};
  const double T = here[PRIMITIVE_T * field], W = here[PRIMITIVE_W * field];
  COHORT_GLOBAL const double *const Y = here + PRIMITIVE_SPECIES * field;
  neighbourhood around;
  around.line[0] = line_through(&tile, 0, point, along_y_at, below_x_at, above_x_at);
  around.line[1] = line_through(&tile, 1, point, along_y_at, below_y_at, above_y_at);
  around.line[2] = line_through(&tile, 2, point, along_z_at, below_z_at, above_z_at);
  around.region[0] = along_y;
  around.region[1] = along_y;
  around.region[2] = along_z;
  around.below[0] = below_x;
  around.below[1] = below_y;
  around.below[2] = below_z;
  around.above[0] = above_x;
  around.above[1] = above_y;
  around.above[2] = above_z;

  mixture gas;
  double viscosity = 0, conductivity;
  mixture_at(&gas, rho, T, p, W, Y, field, pair_fits + pair_fits_at.offset, &conductivity);
#if SPECIES <= 16
  /* The gas is in registers, which slopes can have afterwards. */
  double known[SPECIES];
  COHORT_NO_UNROLL
  for (int s = 0; s < SPECIES; ++s) known[s] = diffusion_of(&gas, s, &viscosity);
#define DIFFUSION_OF(s) known[s]
#else
#define DIFFUSION_OF(s) diffusion_of(&gas, s, &viscosity)
#endif
  double slopes[SLOPES][3];
  shared_slopes(&around, slopes);

  double total[3], log_W[3]; /* diffusion of all species, slope of ln W */
  COHORT_UNROLL
  for (int d = 0; d < 3; ++d) {
    total[d] = 0;
    log_W[d] = slopes[W_SLOPE][d] / W;
    energy[d] -= conductivity * slopes[T_SLOPE][d];
  }
  COHORT_NO_UNROLL
  for (int s = 0; s < SPECIES; ++s) {
    const double diffusion = DIFFUSION_OF(s);
    if (s == SPECIES - 1 + CORRECTION_VELOCITY) break;
    const double h = specific_enthalpy(s, T), rho_Y = s < SPECIES - 1 ? state[(STATE_SPECIES + s) * state_at.field] : 0;
    COHORT_UNROLL
    for (int d = 0; d < 3; ++d) {
      const double J = -diffusion * (slope_of(&around, d, PRIMITIVE_SPECIES + s) + Y[s * field] * log_W[d]);
      total[d] += J;
      energy[d] += h * J;
      if (s < SPECIES - 1 && tile.active[d]) flux[d][(STATE_SPECIES + s) * flux_field[d]] = rho_Y * u[d] + J;
    }
  }
  subtract_stress(slopes, viscosity, u, momentum, energy);
#if CORRECTION_VELOCITY
  COHORT_NO_UNROLL
  for (int s = 0; s < SPECIES; ++s) {
    const double h = specific_enthalpy(s, T);
    COHORT_UNROLL
    for (int d = 0; d < 3; ++d) {
      const double J = Y[s * field] * total[d];
      energy[d] -= h * J;
      if (s < SPECIES - 1 && tile.active[d]) flux[d][(STATE_SPECIES + s) * flux_field[d]] -= J;
    }
  }
#else
  const double last_enthalpy = specific_enthalpy(SPECIES - 1, T);
  COHORT_UNROLL
  for (int d = 0; d < 3; ++d) energy[d] -= last_enthalpy * total[d];
#endif
#else
  COHORT_NO_UNROLL
  for (int s = 0; s < SPECIES - 1; ++s) {
    const double rho_Y = state[(STATE_SPECIES + s) * state_at.field];
    COHORT_UNROLL
    for (int d = 0; d < 3; ++d) {
      if (tile.active[d]) flux[d][(STATE_SPECIES + s) * flux_field[d]] = rho_Y * u[d];
    }
  }
#endif

  COHORT_UNROLL
  for (int d = 0; d < 3; ++d) {
    if (!tile.active[d]) continue;
    COHORT_UNROLL
    for (int m = 0; m < 3; ++m) flux[d][(STATE_U + m) * flux_field[d]] = momentum[d][m];
    flux[d][STATE_RHO * flux_field[d]] = rho * u[d];
    flux[d][STATE_ENERGY * flux_field[d]] = energy[d];
  }
}
