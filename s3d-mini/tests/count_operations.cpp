// Compiled after a kernel's text as C++ (g++ -include counted.h -include KERNEL.c -DCOUNT_KERNEL): runs it for one point of the interior,
// uniform all around, and prints what was computed. Of the temperature's iterations there are three.

namespace {

enum { SIDE = 11, POINTS = SIDE * SIDE * SIDE, MIDDLE = 6 };
const cohort_extent at = {{1, 1, 1}, {SIDE, SIDE, SIDE}, {1, SIDE, SIDE * SIDE}, 0, POINTS};
const cohort_extent none = {{0, 0, 0}, {-1, -1, -1}, {0, 0, 0}, 0, 0};

// As many fields as any requirement has, each with its own value.
struct fields {
  std::vector<counted> values;
  explicit fields(int count) : values(size_t(count) * POINTS) {}
  void set(int field, counted value) {
    for (int p = 0; p < POINTS; ++p) values[size_t(field) * POINTS + p] = value;
  }
  counted *data() { return values.data(); }
};

tile_arguments everywhere() {
  tile_arguments tile = {};
  for (int d = 0; d < 3; ++d) {
    tile.active[d] = 1;
    tile.points[d] = SIDE;
    tile.inverse_spacing[d] = 1e4;
  }
  return tile;
}

const counted rho = 0.3, T = 1200, p = 1e5, u = 10;

fields primitive_fields() {
  fields kept(PRIMITIVE_FIELDS + 1);
  for (int d = 0; d < 3; ++d) kept.set(PRIMITIVE_U + d, u);
  kept.set(PRIMITIVE_T, T);
  for (int s = 0; s < SPECIES; ++s) kept.set(PRIMITIVE_SPECIES + s, 1.0 / SPECIES);
  kept.set(PRIMITIVE_W, 20);
  kept.set(PRESSURE, p);
  return kept;
}

fields state_fields() {
  fields state(STATE_FIELDS);
  for (int d = 0; d < 3; ++d) state.set(STATE_U + d, rho * u);
  state.set(STATE_RHO, rho);
  state.set(STATE_ENERGY, rho * 1e6);
  for (int s = 0; s < SPECIES - 1; ++s) state.set(STATE_SPECIES + s, rho / SPECIES);
  return state;
}

#if defined(COUNT_primitives)
void run() {
  fields state = state_fields(), kept = primitive_fields();
  counted energy = 1.5 * u * u;
  for (int s = 0; s < SPECIES; ++s)
    energy += specific_gas_constant[s] / SPECIES * (enthalpy(enthalpy_coefficients(s, T), T) - T);
  state.set(STATE_ENERGY, rho * energy);
  // From here Newton's iteration takes three steps, of which the last finds no change.
  kept.set(PRIMITIVE_T, T + 10);
  counted::operations = 0;
  primitives(state.data(), at, kept.data(), at, everywhere());
}
#elif defined(COUNT_chemistry)
void run() {
  fields state = state_fields(), kept = primitive_fields(), rhs(STATE_FIELDS);
  counted::operations = 0;
  chemistry(state.data() + STATE_RHO * POINTS, at, kept.data() + PRIMITIVE_T * POINTS, at, rhs.data(), at, everywhere());
}
#elif defined(COUNT_fluxes)
void run() {
  fields state = state_fields(), kept = primitive_fields(), x(STATE_FIELDS), y(STATE_FIELDS), z(STATE_FIELDS);
  std::vector<counted> pair_fits(5 * SPECIES * SPECIES, 1);
  counted::operations = 0;
  fluxes(state.data(), at, kept.data() + PRESSURE * POINTS, at, kept.data(), at, kept.data(), at, nullptr, none, nullptr, none, nullptr, none,
         nullptr, none, nullptr, none, nullptr, none, x.data(), at, y.data(), at, z.data(), at, pair_fits.data(), none, everywhere());
}
#elif defined(COUNT_divergence)
void run() {
  fields rhs(STATE_FIELDS), x(STATE_FIELDS), y(STATE_FIELDS), z(STATE_FIELDS);
  counted::operations = 0;
  divergence(rhs.data(), at, x.data(), at, nullptr, none, nullptr, none, y.data(), at, nullptr, none, nullptr, none, z.data(), at, nullptr, none,
             nullptr, none, everywhere());
}
#elif defined(COUNT_update)
void run() {
  fields state = state_fields(), rhs(STATE_FIELDS), second(STATE_FIELDS);
  counted::operations = 0;
  update(state.data(), at, rhs.data(), at, second.data(), at, {1, 0, 0.1, 0.1});
}
#elif defined(COUNT_rates)
void run() {
  fields state = state_fields(), kept = primitive_fields();
  std::vector<counted> pair_fits(5 * SPECIES * SPECIES, 1), largest(3);
  const cohort_extent of_largest = {{1, 0, 0}, {3, 0, 0}, {1, 3, 3}, 0, 3};
  counted::operations = 0;
  rates(state.data() + STATE_RHO * POINTS, at, kept.data(), at, pair_fits.data(), none, largest.data(), of_largest, everywhere());
}
#elif defined(COUNT_filter)
void run() {
  fields state = state_fields(), filtered(STATE_FIELDS);
  counted::operations = 0;
  filter(filtered.data(), at, state.data(), at, nullptr, none, nullptr, none, {everywhere(), 1});
}
#endif

} // namespace

int main() {
  for (long &index : cohort_index) index = MIDDLE - 1;
  run();
  std::printf("%ld\n", counted::operations);
}
