/* First derivatives of eighth order (Kennedy & Carpenter, Appl. Numer. Math. 14, 1994) along the three directions, with what lies
 * beyond the block read from the ghost regions of its faces, and one-sided closures at ends without neighbour. */

/* The points around one point along a direction, in elements of the fields' arrays, the same for all fields of a region. */
typedef struct {
  long here, step;         /* the point, and from one to the next */
  long below, below_step;  /* point 0 of the direction, in the ghost region of the lower face */
  long above, above_step;  /* the last point of the block, as the ghost region of the upper face would have it */
  long field, below_field, above_field; /* from one field to the next */
  int at, last;            /* where the point stands among 1 .. last */
  int from_low, from_high; /* 1 to 4 next to an end without neighbour, else 0 */
  double scale;            /* 0 where there is nothing to differentiate along */
} line_around;

COHORT_FUNCTION line_around line_through(const tile_arguments *tile, int d, const long *point, cohort_extent at,
                                         cohort_extent below, cohort_extent above) {
  line_around line;
  long first[3] = {point[0], point[1], point[2]};
  line.here = COHORT_ELEMENT(at, point[0], point[1], point[2]);
  line.step = at.stride[d];
  line.field = at.field;
  line.at = (int)point[d];
  line.last = (int)tile->points[d];
  first[d] = 0;
  line.below = COHORT_ELEMENT(below, first[0], first[1], first[2]);
  line.below_step = below.stride[d];
  line.below_field = below.field;
  first[d] = tile->points[d];
  line.above = COHORT_ELEMENT(above, first[0], first[1], first[2]);
  line.above_step = above.stride[d];
  line.above_field = above.field;
  line.from_low = tile->open_low[d] && line.at <= 4 ? line.at : 0;
  line.from_high = tile->open_high[d] && line.last - line.at < 4 ? line.last + 1 - line.at : 0;
  line.scale = tile->active[d] ? tile->inverse_spacing[d] : 0;
  return line;
}

COHORT_FUNCTION double central_difference(double m4, double m3, double m2, double m1, double p1, double p2, double p3, double p4) {
  return 0.8 * (p1 - m1) - 0.2 * (p2 - m2) + (4.0 / 105) * (p3 - m3) - (1.0 / 280) * (p4 - m4);
}

/* At the `at`-th point (1 to 4) from an end; f points to the first, `step` leads inwards. */
COHORT_FUNCTION double one_sided_difference(int at, COHORT_GLOBAL const double *f, long step) {
  if (at == 1) return (-11 * f[0] + 18 * f[step] - 9 * f[2 * step] + 2 * f[3 * step]) * (1.0 / 6);
  if (at == 2) return (-2 * f[0] - 3 * f[step] + 6 * f[2 * step] - f[3 * step]) * (1.0 / 6);
  if (at == 3) return (f[0] - 8 * f[step] + 8 * f[3 * step] - f[4 * step]) * (1.0 / 12);
  return (-f[0] + 9 * f[step] - 45 * f[2 * step] + 45 * f[4 * step] - 9 * f[5 * step] + f[6 * step]) * (1.0 / 60);
}

/* The value `away` points from the point of the line; `below` and `above` are at the points 0 and last. */
COHORT_FUNCTION double value_away(line_around line, int away, COHORT_GLOBAL const double *f, COHORT_GLOBAL const double *below,
                                  COHORT_GLOBAL const double *above) {
  const int at = line.at + away;
  if (at < 1) return below[at * line.below_step];
  if (at > line.last) return above[(at - line.last) * line.above_step];
  return f[away * line.step];
}

/* Derivative of the m-th field of a region and of the ghost regions below and above. */
COHORT_FUNCTION double slope(line_around line, int m, COHORT_GLOBAL const double *region, COHORT_GLOBAL const double *below,
                             COHORT_GLOBAL const double *above) {
  COHORT_GLOBAL const double *f = region + line.here + m * line.field;
  const long s = line.step;
  if (line.scale == 0) return 0;
  if (line.from_low) return line.scale * one_sided_difference(line.from_low, f - (line.from_low - 1) * s, s);
  if (line.from_high) return -line.scale * one_sided_difference(line.from_high, f + (line.from_high - 1) * s, -s);
  if (line.at > 4 && line.at <= line.last - 4)
    return line.scale * central_difference(f[-4 * s], f[-3 * s], f[-2 * s], f[-s], f[s], f[2 * s], f[3 * s], f[4 * s]);
  below += line.below + m * line.below_field;
  above += line.above + m * line.above_field;
  return line.scale * central_difference(
    value_away(line, -4, f, below, above), value_away(line, -3, f, below, above), value_away(line, -2, f, below, above),
    value_away(line, -1, f, below, above), value_away(line, 1, f, below, above), value_away(line, 2, f, below, above),
    value_away(line, 3, f, below, above), value_away(line, 4, f, below, above));
}
