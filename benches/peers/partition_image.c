/* Image and preimage of pointers between two sets of points in blocks, next to the loops that a Fortran code writes for itself; ns
 * a pointer. Pointers stay near, as those of a mesh do, or go anywhere. */
#include "timing.h"

#include <cohort.h>

enum { BLOCKS = 8, MOST = 10000000 };

#define CHECK(call)                                                   \
    do {                                                              \
        if ((call) != COHORT_OK) {                                    \
            fprintf(stderr, "%s: %s\n", #call, cohort_last_error());  \
            exit(1);                                                  \
        }                                                             \
    } while (0)

void image_loop(int64_t n, int64_t m, const int32_t *pointers, int64_t first, int64_t last, int8_t *named, int64_t *count);
void preimage_loop(int64_t n, int64_t m, int64_t blocks, const int32_t *pointers, const int32_t *owner, int64_t *starts, int32_t *list);

struct work {
    int64_t n;
    int32_t *pointers, *owner, *list;
    int8_t *named;
    int64_t counts[BLOCKS];
    cohort_context_t ctx;
    cohort_region_t from, to;
    cohort_partition_t from_blocks, to_blocks;
};

static double loop_image(void *arg)
{
    struct work *w = arg;
    const double start = now_ns();
    for (int b = 0; b < BLOCKS; ++b)
        image_loop(w->n, w->n, w->pointers, b * w->n / BLOCKS + 1, (b + 1) * w->n / BLOCKS, w->named, &w->counts[b]);
    return (now_ns() - start) / (double)w->n;
}

static double cohort_image(void *arg)
{
    struct work *w = arg;
    cohort_partition_t image;
    const double start = now_ns();
    CHECK(cohort_partition_image(w->ctx, w->to, w->from_blocks, 0, &image));
    const double ns = (now_ns() - start) / (double)w->n;
    CHECK(cohort_partition_destroy(&image));
    return ns;
}

static double loop_preimage(void *arg)
{
    struct work *w = arg;
    int64_t starts[BLOCKS + 1];
    const double start = now_ns();
    preimage_loop(w->n, w->n, BLOCKS, w->pointers, w->owner, starts, w->list);
    return (now_ns() - start) / (double)w->n;
}

static double cohort_preimage(void *arg)
{
    struct work *w = arg;
    cohort_partition_t preimage;
    const double start = now_ns();
    CHECK(cohort_partition_preimage(w->ctx, w->from, w->to_blocks, 0, &preimage));
    const double ns = (now_ns() - start) / (double)w->n;
    CHECK(cohort_partition_destroy(&preimage));
    return ns;
}

static void make_region(cohort_runtime_t rt, int64_t n, cohort_region_t *region, cohort_partition_t *blocks)
{
    const int64_t lo = 1, count = BLOCKS;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_field_t field;
    CHECK(cohort_index_space_create(rt, 1, &lo, &n, &points));
    CHECK(cohort_field_space_create(rt, &fields));
    CHECK(cohort_field_allocate(fields, sizeof(int32_t), "pointer", &field));
    CHECK(cohort_region_create(rt, points, fields, region));
    CHECK(cohort_partition_blocks(*region, &count, blocks));
}

static void compare(cohort_runtime_t rt, int64_t n, int64_t reach, const char *kind)
{
    struct work w = {.n = n};
    const int64_t stride = sizeof(int32_t);
    const cohort_field_t field = 0;
    char name[80];
    uint64_t random = 88172645463325252u;
    w.pointers = malloc(4 * (size_t)n);
    w.owner = malloc(4 * (size_t)n);
    w.list = malloc(4 * (size_t)n);
    w.named = malloc((size_t)n);
    CHECK(cohort_root_context(rt, &w.ctx));
    make_region(rt, n, &w.from, &w.from_blocks);
    make_region(rt, n, &w.to, &w.to_blocks);
    for (int64_t i = 0; i < n; ++i) {
        /* xorshift64 (Marsaglia, 2003). */
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        w.pointers[i] = (int32_t)((i + (int64_t)(random % (uint64_t)reach)) % n + 1);
        w.owner[i] = (int32_t)(i * BLOCKS / n);
    }
    CHECK(cohort_attach(w.ctx, w.from, 1, &field, w.pointers, &stride, 0));
    for (int pre = 0; pre < 2; ++pre) {
        const char *what = pre ? "preimage" : "image";
        snprintf(name, sizeof name, "%s of %.0e pointers, %s, Fortran loop", what, (double)n, kind);
        const double loop = measure(name, pre ? loop_preimage : loop_image, &w);
        snprintf(name, sizeof name, "%s of %.0e pointers, %s, Cohort", what, (double)n, kind);
        const double ours = measure(name, pre ? cohort_preimage : cohort_image, &w);
        printf("%64s %9.2f x\n", "Cohort to loop", ours / loop);
    }
    CHECK(cohort_detach(w.ctx, w.from, 1, &field));
    CHECK(cohort_region_destroy(&w.from));
    CHECK(cohort_region_destroy(&w.to));
    free(w.pointers);
    free(w.owner);
    free(w.list);
    free(w.named);
}

int main(void)
{
    cohort_runtime_t rt;
    CHECK(cohort_init(NULL, &rt));
    for (int64_t n = MOST / 100; n <= MOST; n *= 10) {
        compare(rt, n, 50, "near");
        compare(rt, n, n, "anywhere");
    }
    CHECK(cohort_finalize(&rt));
    return 0;
}
