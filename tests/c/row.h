/* Of what tests make regions whose shape does not matter: a row of points, and one field of doubles. */
#ifndef ROW_H
#define ROW_H

#include "testing.h"

static const cohort_field_t row_field = 0;

static inline void make_row(cohort_runtime_t rt, int64_t lo, int64_t hi, cohort_index_space_t *points, cohort_field_space_t *fields)
{
  cohort_field_t first;
  TRY(cohort_index_space_create(rt, 1, &lo, &hi, points));
  TRY(cohort_field_space_create(rt, fields));
  TRY(cohort_fields_allocate(*fields, sizeof(double), 1, &first));
  CHECK(first == row_field);
}

#endif
