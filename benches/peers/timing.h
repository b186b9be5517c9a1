/* Repeats a measurement and prints minimum, median and maximum, in ns for one of what is counted. */
#ifndef COHORT_BENCH_TIMING_H
#define COHORT_BENCH_TIMING_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REPEATS = 7 };

static inline double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median of REPEATS runs of `run(arg)`, which returns ns for one. The first run is not counted: it warms up. Of
 * several processes that measure together one prints. */
static inline double measure_on(int here, const char *name, double (*run)(void *), void *arg)
{
    double ns[REPEATS];
    run(arg);
    for (int i = 0; i < REPEATS; ++i)
        ns[i] = run(arg);
    qsort(ns, REPEATS, sizeof ns[0], by_value);
    if (here)
        printf("%-64s %9.0f ns  (%.0f .. %.0f)\n", name, ns[REPEATS / 2], ns[0], ns[REPEATS - 1]);
    return ns[REPEATS / 2];
}

/* What else runs on the machine: figures with a load above the number of cores say little. */
static inline void print_load(void)
{
    double load[1] = {0};
    if (getloadavg(load, 1) == 1)
        printf("load of the machine %.1f\n", load[0]);
}

static inline double measure(const char *name, double (*run)(void *), void *arg)
{
    return measure_on(1, name, run, arg);
}

#endif
