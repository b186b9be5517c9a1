/* Compiled after a kernel's text: runs KERNEL for every work item of a grid. ARGUMENTS names one of the lists below, and LAUNCH the type
 * of what follows the requirements. */
#define REQUIREMENT(n) argument[2 * (n)], *(const cohort_extent *)argument[2 * (n) + 1]
#define AFTER(n) *(const LAUNCH *)argument[2 * (n)]
#define REQUIREMENTS_2 REQUIREMENT(0), REQUIREMENT(1)
#define REQUIREMENTS_3 REQUIREMENTS_2, REQUIREMENT(2)
#define REQUIREMENTS_4 REQUIREMENTS_3, REQUIREMENT(3)
#define REQUIREMENTS_10                                                                                      \
  REQUIREMENTS_4, REQUIREMENT(4), REQUIREMENT(5), REQUIREMENT(6), REQUIREMENT(7), REQUIREMENT(8), \
    REQUIREMENT(9)
#define REQUIREMENTS_14 REQUIREMENTS_10, REQUIREMENT(10), REQUIREMENT(11), REQUIREMENT(12), REQUIREMENT(13)

void run_over_grid(const long *grid, void *const *argument);
void run_over_grid(const long *grid, void *const *argument) {
  for (cohort_index[2] = 0; cohort_index[2] < grid[2]; ++cohort_index[2])
    for (cohort_index[1] = 0; cohort_index[1] < grid[1]; ++cohort_index[1])
      for (cohort_index[0] = 0; cohort_index[0] < grid[0]; ++cohort_index[0]) KERNEL(ARGUMENTS);
}
