/* What the C tests share. TRY, CHECK and EXPECT end the program, on all its ranks, with file, line and what was wrong. Those of
 * several ranks include mpi.h or cohort_mpi.h before. */
#ifndef COHORT_TESTING_H
#define COHORT_TESTING_H

#include <cohort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void end_all(void)
{
#ifdef MPI_VERSION
  MPI_Abort(MPI_COMM_WORLD, 1);
#endif
  exit(1);
}

static inline int my_rank(void)
{
  int rank = 0;
#ifdef MPI_VERSION
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
#endif
  return rank;
}

#define FAIL_HERE(...) \
  do { \
    fprintf(stderr, "%s:%d: rank %d: ", __FILE__, __LINE__, my_rank()); \
    fprintf(stderr, __VA_ARGS__); \
    fputc('\n', stderr); \
    end_all(); \
  } while (0)

/* The call succeeds. */
#define TRY(call) \
  do { \
    if ((call) != COHORT_OK) \
      FAIL_HERE("%s: %s", #call, cohort_last_error()); \
  } while (0)

#define CHECK(condition) \
  do { \
    if (!(condition)) \
      FAIL_HERE("not so: %s (the last error was \"%s\")", #condition, cohort_last_error()); \
  } while (0)

/* The call fails with this status, and its text contains `part`. */
#define EXPECT(call, status, part) \
  do { \
    int32_t got_ = (call); \
    if (got_ != (status) || !strstr(cohort_last_error(), part)) \
      FAIL_HERE("%s: %d \"%s\"; expected %d \"%s\"", #call, (int)got_, cohort_last_error(), (int)(status), part); \
  } while (0)

#endif
