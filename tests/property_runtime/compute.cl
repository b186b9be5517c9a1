/* What the tasks of the random programs compute, as `compute` in kernel.rs does: a hash of all they may read, spread over all they may
 * write. One work item does it all, since what is read must be so before anything is written. */

typedef struct {
  unsigned long task, path, seed, needs;
  /* Right, whether it takes turns, operator, fields. */
  unsigned char need[5][8];
  /* Number, kind, bytes. */
  unsigned short field[24][4];
} description;

enum { READ, WRITE, DISCARD, REDUCE };
enum { SUM, PRODUCT, MIN, MAX };
enum { RAW, INT32, INT64, FLOAT, DOUBLE, FLOAT_COMPLEX, DOUBLE_COMPLEX };

typedef union {
  unsigned char bytes[24];
  unsigned long words[3];
  int i[6];
  float f[6];
  double d[3];
} element;

COHORT_FUNCTION unsigned long mix(unsigned long a, unsigned long b)
{
  const unsigned long z = ((a << 23 | a >> 41) ^ b) * 0x9e3779b97f4a7c15UL;
  return z ^ z >> 29;
}

COHORT_FUNCTION element of_bits(unsigned long hash)
{
  element e;
  e.words[0] = hash, e.words[1] = mix(hash, 1), e.words[2] = 0;
  return e;
}

COHORT_FUNCTION element of_numbers(int kind, double a, double b)
{
  element e;
  e.words[0] = e.words[1] = e.words[2] = 0;
  switch (kind) {
  case FLOAT: e.f[0] = (float)a; break;
  case DOUBLE: e.d[0] = a; break;
  case FLOAT_COMPLEX: e.f[0] = (float)a, e.f[1] = (float)b; break;
  default: e.d[0] = a, e.d[1] = b;
  }
  return e;
}

COHORT_FUNCTION element value(int kind, unsigned long hash)
{
  return kind <= INT64 ? of_bits(hash) : of_numbers(kind, (double)(1 + hash % 1000), (double)(1 + hash / 1000 % 1000));
}

COHORT_FUNCTION element contribution(int kind, int how, unsigned long hash)
{
  if (kind <= INT64) return of_bits(hash);
  if (how == SUM) return of_numbers(kind, (double)(hash % 16), (double)(hash / 16 % 16));
  if (kind >= FLOAT_COMPLEX || how == PRODUCT) return of_numbers(kind, (hash >> 1 & 1) == 0 ? 1.0 : -1.0, 0.0);
  return of_numbers(kind, (double)(hash % 2000) - 999.5, 0.0);
}

#define FOLDED(a, b) (how == SUM ? (a) + (b) : how == PRODUCT ? (a) * (b) : how == MIN ? ((b) < (a) ? (b) : (a)) : (b) > (a) ? (b) : (a))

/* Signed numbers wrap around: as unsigned ones, where they are not compared. */
#define FOLDED_WHOLE(a, b, unsigned_type) \
  (how == SUM ? (unsigned_type)(a) + (unsigned_type)(b) : how == PRODUCT ? (unsigned_type)(a) * (unsigned_type)(b) : \
   (unsigned_type)(how == MIN ? ((b) < (a) ? (b) : (a)) : (b) > (a) ? (b) : (a)))

#define FOLD_COMPLEX(part, type) \
  { \
    const type a = into->part[0], ai = into->part[1], b = with.part[0], bi = with.part[1]; \
    into->part[0] = how == PRODUCT ? a * b - ai * bi : a + b; \
    into->part[1] = how == PRODUCT ? a * bi + ai * b : ai + bi; \
  }

COHORT_FUNCTION void fold(int kind, int how, element *into, element with)
{
  switch (kind) {
  case INT32: into->i[0] = (int)FOLDED_WHOLE(into->i[0], with.i[0], unsigned int); break;
  case INT64: into->words[0] = FOLDED_WHOLE((long)into->words[0], (long)with.words[0], unsigned long); break;
  case FLOAT: into->f[0] = FOLDED(into->f[0], with.f[0]); break;
  case DOUBLE: into->d[0] = FOLDED(into->d[0], with.d[0]); break;
  case FLOAT_COMPLEX: FOLD_COMPLEX(f, float) break;
  default: FOLD_COMPLEX(d, double)
  }
}

COHORT_FUNCTION element load(COHORT_GLOBAL const unsigned char *from, int bytes)
{
  element e;
  e.words[0] = e.words[1] = e.words[2] = 0;
  for (int b = 0; b < bytes; b++) e.bytes[b] = from[b];
  return e;
}

COHORT_FUNCTION void store(COHORT_GLOBAL unsigned char *into, element e, int bytes)
{
  for (int b = 0; b < bytes; b++) into[b] = e.bytes[b];
}

/* Without the sign of a zero. */
COHORT_FUNCTION element plain(int kind, element e)
{
  if (kind == FLOAT || kind == FLOAT_COMPLEX) {
    for (int n = 0; n < 2; n++) e.f[n] += 0.0f;
  } else if (kind >= DOUBLE) {
    for (int n = 0; n < 2; n++) e.d[n] += 0.0;
  }
  return e;
}

COHORT_FUNCTION unsigned long hash_of(unsigned long hash, element e, int bytes)
{
  for (int first = 0; first < bytes; first += 8) {
    unsigned long word = 0;
    for (int b = first; b < bytes && b < first + 8; b++) word = word << 8 | e.bytes[b];
    hash = mix(hash, word);
  }
  return hash;
}

/* Adds to what is there, in whatever order tasks come. */
COHORT_FUNCTION element with_own(int kind, element e, unsigned long own)
{
  if (kind != RAW) {
    fold(kind, SUM, &e, contribution(kind, SUM, own));
    return e;
  }
  for (int b = 0; b < 8; b++) e.bytes[b] += (unsigned char)(own >> 8 * b);
  return e;
}

#define EACH_POINT(e) \
  for (long k = (e).lo[2]; k <= (e).hi[2]; k++) \
    for (long j = (e).lo[1]; j <= (e).hi[1]; j++) \
      for (long i = (e).lo[0]; i <= (e).hi[0]; i++)

COHORT_FUNCTION void compute(COHORT_GLOBAL unsigned char **bases, const cohort_extent *extents, const description *task)
{
  unsigned long hash = task->seed;
  int first = 0;
  for (int n = 0; n < (int)task->needs; n++) {
    const int right = task->need[n][0], fields = task->need[n][3];
    const int reads = (right == READ || right == WRITE) && !task->need[n][1];
    for (int f = 0; f < fields && reads; f++) {
      const int number = task->field[first + f][0], kind = task->field[first + f][1], bytes = task->field[first + f][2];
      EACH_POINT(extents[n]) {
        const element e = load(bases[n] + bytes * (COHORT_ELEMENT(extents[n], i, j, k) + task->field[first + f][3] * extents[n].field), bytes);
        hash = hash_of(mix(hash, (unsigned long)number), plain(kind, e), bytes);
      }
    }
    first += fields;
  }
  first = 0;
  for (int n = 0; n < (int)task->needs; n++) {
    const int right = task->need[n][0], turns = task->need[n][1], how = task->need[n][2], fields = task->need[n][3];
    unsigned long at = 0;
    for (int f = 0; f < fields && right != READ; f++) {
      const int number = task->field[first + f][0], kind = task->field[first + f][1], bytes = task->field[first + f][2];
      /* Who takes turns counts on from field to field. */
      const unsigned long of_field = turns && right != REDUCE ? mix(hash, (unsigned long)f) : mix(hash, (unsigned long)number);
      if (!turns || right == REDUCE) at = 0;
      EACH_POINT(extents[n]) {
        COHORT_GLOBAL unsigned char *place = bases[n] + bytes * (COHORT_ELEMENT(extents[n], i, j, k) + task->field[first + f][3] * extents[n].field);
        const unsigned long own = mix(of_field, at++);
        element e = load(place, bytes);
        if (right == REDUCE) fold(kind, how, &e, contribution(kind, how, own));
        else if (turns) e = with_own(kind, e, own);
        else e = value(kind, own);
        store(place, e, bytes);
      }
    }
    first += fields;
  }
}

#define FIRST_ITEM (COHORT_INDEX(0) == 0 && COHORT_INDEX(1) == 0 && COHORT_INDEX(2) == 0)
#define NEED(n) COHORT_GLOBAL unsigned char *base##n, cohort_extent extent##n

COHORT_KERNEL void compute_1(NEED(0), description task)
{
  COHORT_GLOBAL unsigned char *bases[] = {base0};
  const cohort_extent extents[] = {extent0};
  if (FIRST_ITEM) compute(bases, extents, &task);
}

COHORT_KERNEL void compute_2(NEED(0), NEED(1), description task)
{
  COHORT_GLOBAL unsigned char *bases[] = {base0, base1};
  const cohort_extent extents[] = {extent0, extent1};
  if (FIRST_ITEM) compute(bases, extents, &task);
}

COHORT_KERNEL void compute_3(NEED(0), NEED(1), NEED(2), description task)
{
  COHORT_GLOBAL unsigned char *bases[] = {base0, base1, base2};
  const cohort_extent extents[] = {extent0, extent1, extent2};
  if (FIRST_ITEM) compute(bases, extents, &task);
}

COHORT_KERNEL void compute_4(NEED(0), NEED(1), NEED(2), NEED(3), description task)
{
  COHORT_GLOBAL unsigned char *bases[] = {base0, base1, base2, base3};
  const cohort_extent extents[] = {extent0, extent1, extent2, extent3};
  if (FIRST_ITEM) compute(bases, extents, &task);
}

COHORT_KERNEL void compute_5(NEED(0), NEED(1), NEED(2), NEED(3), NEED(4), description task)
{
  COHORT_GLOBAL unsigned char *bases[] = {base0, base1, base2, base3, base4};
  const cohort_extent extents[] = {extent0, extent1, extent2, extent3, extent4};
  if (FIRST_ITEM) compute(bases, extents, &task);
}
