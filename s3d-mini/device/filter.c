/* Tenth-order filter along one direction, as filter10 of stencil.f90, from one array to another: neighbours need what was. The five points next
 * to an end without neighbour are copied. */
enum { FILTER_REACH = 5 };

typedef struct {
  tile_arguments tile;
  long direction;
} filter_arguments;

COHORT_KERNEL void filter(COHORT_GLOBAL double *filtered, cohort_extent filtered_at, COHORT_GLOBAL const double *field,
                          cohort_extent field_at, COHORT_GLOBAL const double *below, cohort_extent below_at,
                          COHORT_GLOBAL const double *above, cohort_extent above_at, filter_arguments launch) {
  COHORT_POINT(filtered_at, i, j, k)
  const long point[3] = {i, j, k};
  /* By cases: arrays that are indexed by a variable would be put into memory. */
#define ALONG(of_direction) (launch.direction == 0 ? of_direction(0) : launch.direction == 1 ? of_direction(1) : of_direction(2))
#define LINE(d) line_through(&launch.tile, d, point, field_at, below_at, above_at)
#define OPEN_LOW(d) launch.tile.open_low[d]
#define OPEN_HIGH(d) launch.tile.open_high[d]
  const line_around line = ALONG(LINE);
  const int keep = (ALONG(OPEN_LOW) && line.at <= FILTER_REACH) || (ALONG(OPEN_HIGH) && line.last - line.at < FILTER_REACH);
  filtered += COHORT_ELEMENT(filtered_at, i, j, k);
  field += line.here;
  below += line.below;
  above += line.above;
  COHORT_NO_UNROLL
  for (int m = 0; m < STATE_FIELDS; ++m) {
    const double here = *field;
    double taken = 252 * here;
    if (!keep) {
      const double weight[FILTER_REACH] = {-210, 120, -45, 10, -1};
      COHORT_UNROLL
      for (int away = 1; away <= FILTER_REACH; ++away)
        taken += weight[away - 1] * (value_away(line, -away, field, below, above) + value_away(line, away, field, below, above));
    }
    *filtered = keep ? here : here - taken * (1.0 / 1024);
    filtered += filtered_at.field;
    field += line.field;
    below += line.below_field;
    above += line.above_field;
  }
}
