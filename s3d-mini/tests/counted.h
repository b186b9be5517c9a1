// A number that counts what is done to it, in the place of double in what is compiled after this. A division is counted as 4 operations, a
// square root as 8, an exponential or logarithm as 20; comparisons, signs and what only moves numbers as none.
#include <cmath>
#include <cstdio>
#include <math.h>
#include <vector>

#define restrict __restrict
#define _Thread_local thread_local
#include <cohort_kernel.h>

struct counted {
  double value;
  static inline long operations = 0;
  constexpr counted(double value = 0) : value(value) {}
};

inline counted count(double value, long operations) {
  counted::operations += operations;
  return value;
}

inline counted operator+(counted a, counted b) { return count(a.value + b.value, 1); }
inline counted operator-(counted a, counted b) { return count(a.value - b.value, 1); }
inline counted operator*(counted a, counted b) { return count(a.value * b.value, 1); }
inline counted operator/(counted a, counted b) { return count(a.value / b.value, 4); }
inline counted operator-(counted a) { return -a.value; }
inline counted &operator+=(counted &a, counted b) { return a = a + b; }
inline counted &operator-=(counted &a, counted b) { return a = a - b; }
inline counted &operator*=(counted &a, counted b) { return a = a * b; }
inline bool operator==(counted a, counted b) { return a.value == b.value; }
inline bool operator<=(counted a, counted b) { return a.value <= b.value; }
inline bool operator>(counted a, counted b) { return a.value > b.value; }
inline bool operator!=(counted a, counted b) { return a.value != b.value; }
inline counted fabs(counted a) { return std::fabs(a.value); }
inline counted fmax(counted a, counted b) { return std::fmax(a.value, b.value); }
inline counted sqrt(counted a) { return count(std::sqrt(a.value), 8); }
inline counted exp(counted a) { return count(std::exp(a.value), 20); }
inline counted log(counted a) { return count(std::log(a.value), 20); }
inline counted log10(counted a) { return count(std::log10(a.value), 20); }
inline void cohort_atomic_max_double(counted *at, counted value) { *at = std::fmax(at->value, value.value); }

#define double counted
