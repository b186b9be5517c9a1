/* What all kernels of the right-hand side share. SPECIES is defined before. */

/* Fields of the state: rho u, rho v, rho w, rho, rho e0, rho Y_1 .. rho Y_(SPECIES-1). */
#define STATE_U 0
#define STATE_RHO 3
#define STATE_ENERGY 4
#define STATE_SPECIES 5
#define STATE_FIELDS (SPECIES + 4)
/* Primitive fields: u, v, w, T, Y_1 .. Y_SPECIES, W; then the pressure. */
#define PRIMITIVE_U 0
#define PRIMITIVE_T 3
#define PRIMITIVE_SPECIES 4
#define PRIMITIVE_W (SPECIES + 4)
#define PRIMITIVE_FIELDS (SPECIES + 5)
#define PRESSURE PRIMITIVE_FIELDS

/* Arguments of a launch: the variant for CPUs reads the number of the tile alone. Directions 0, 1, 2; points count from 1. */
typedef struct {
  int tile;
  int active[3];
  int open_low[3], open_high[3]; /* ends without neighbour: one-sided stencils */
  long points[3];                /* of the block */
  double inverse_spacing[3];
} tile_arguments;

/* Loops over species run unrolled where that keeps small arrays in registers, and rolled where it would only be long. */
#if SPECIES <= 16
#define OVER_SPECIES COHORT_UNROLL
#else
#define OVER_SPECIES COHORT_NO_UNROLL
#endif
