/* A sparse matrix times a vector. Rows say by a range which entries are theirs, entries by a pointer which column they are of: from
 * these follow the entries and the part of x that a block of rows needs, and the rows that have to be computed again when a block of
 * x changes. */
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
enum { N = 60, ENTRIES = 3 * N - 2, PARTS = 4, BLOCK = N / PARTS };
enum { RANGE, Y };      /* fields of the rows: the first and last entry, and the result */
enum { COLUMN, VALUE }; /* fields of the entries */
enum { X };             /* field of the columns */

/* The rows' part of y = A x. */
static int32_t multiply(cohort_context_t task, void *user)
{
    cohort_view_t range, y, column, value, x;
    (void)user;
    TRY(cohort_view(task, 0, RANGE, COHORT_READ_ONLY, &range));
    TRY(cohort_view(task, 1, Y, COHORT_WRITE_DISCARD, &y));
    TRY(cohort_view(task, 2, COLUMN, COHORT_READ_ONLY, &column));
    TRY(cohort_view(task, 2, VALUE, COHORT_READ_ONLY, &value));
    TRY(cohort_view(task, 3, X, COHORT_READ_ONLY, &x));
    for (int64_t row = 0; row <= range.hi[0] - range.lo[0]; row++) {
        const int64_t *ends = (int64_t *)range.base + 2 * row;
        double sum = 0;
        for (int64_t e = ends[0] - column.lo[0]; e <= ends[1] - column.lo[0]; e++)
            sum += ((double *)value.base)[e] * ((double *)x.base)[((int64_t *)column.base)[e] - x.lo[0]];
        ((double *)y.base)[row] = sum;
    }
    return 0;
}

/* A region of points 0 to n-1 whose fields, of these sizes, lie in these arrays. */
static int32_t make_region(cohort_runtime_t rt, cohort_context_t ctx, int64_t n, uint32_t count, const size_t *sizes, void **arrays,
                           cohort_region_t *region)
{
    const int64_t lo = 0, hi = n - 1;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    for (uint32_t i = 0; i < count; i++) {
        cohort_field_t field;
        TRY(cohort_field_allocate(fields, sizes[i], NULL, &field));
    }
    TRY(cohort_region_create(rt, points, fields, region));
    for (uint32_t i = 0; i < count; i++) {
        const int64_t stride = (int64_t)sizes[i];
        const cohort_field_t field = i;
        TRY(cohort_attach(ctx, *region, 1, &field, arrays[i], &stride, 0));
    }
    return 0;
}

/* Computes the rows that the sub-regions of a partition hold, a task for each. */
static int32_t compute(cohort_context_t ctx, cohort_task_t task, cohort_partition_t of_rows, cohort_region_t entries, cohort_region_t x)
{
    const cohort_field_t range = RANGE, y = Y, both[] = {COLUMN, VALUE}, of_x = X;
    cohort_partition_t of_entries, of_columns;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    TRY(cohort_partition_image_range(ctx, entries, of_rows, RANGE, &of_entries));
    TRY(cohort_partition_image(ctx, x, of_entries, COLUMN, &of_columns));
    cohort_requirement_t needs[] = {
        {.partition = of_rows, .fields = &range, .field_count = 1, .privilege = COHORT_READ_ONLY},
        {.partition = of_rows, .fields = &y, .field_count = 1, .privilege = COHORT_WRITE_DISCARD},
        {.partition = of_entries, .fields = both, .field_count = 2, .privilege = COHORT_READ_ONLY},
        {.partition = of_columns, .fields = &of_x, .field_count = 1, .privilege = COHORT_READ_ONLY}};
    launch.task = task;
    launch.requirements = needs;
    launch.requirement_count = 4;
    TRY(cohort_index_launch(ctx, &launch, PARTS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    return 0;
}

/* How many points each sub-region has is to be known. */
static int32_t has(cohort_partition_t partition, const int64_t expected[PARTS])
{
    for (uint32_t part = 0; part < PARTS; part++) {
        cohort_region_t region;
        int64_t points;
        uint32_t rects;
        TRY(cohort_subregion(partition, part, &region));
        TRY(cohort_region_points(region, &points, &rects));
        if (points != expected[part]) {
            printf("FAILED: sub-region %u has %lld points, not %lld\n", part, (long long)points, (long long)expected[part]);
            return 1;
        }
    }
    return 0;
}

int main(void)
{
    static int64_t range[N][2], column[ENTRIES];
    static double y[N], value[ENTRIES], x[N];
    const size_t row_sizes[] = {sizeof range[0], sizeof y[0]}, entry_sizes[] = {sizeof column[0], sizeof value[0]}, x_size = sizeof x[0];
    void *row_arrays[] = {range, y}, *entry_arrays[] = {column, value}, *x_array = x;
    const int64_t first = 0, last = PARTS - 1, from_block_to_block = BLOCK, band_lo = -1, band_hi = BLOCK;
    const cohort_field_t of_x = X;
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_task_t task;
    cohort_region_t rows, entries, columns;
    cohort_partition_t row_blocks, column_blocks, of_rows, needed, band, beyond, readers, changed, own, crossed[PARTS];
    bool disjoint, complete;
    int64_t entry = 0;
    for (int64_t row = 0; row < N; row++) {
        x[row] = (double)(row * row);
        range[row][0] = entry;
        for (int64_t of = row ? row - 1 : 0; of <= row + 1 && of < N; of++) {
            column[entry] = of;
            value[entry++] = of == row ? 2 : -1;
        }
        range[row][1] = entry - 1;
    }
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    if (make_region(rt, ctx, N, 2, row_sizes, row_arrays, &rows) ||
        make_region(rt, ctx, ENTRIES, 2, entry_sizes, entry_arrays, &entries) ||
        make_region(rt, ctx, N, 1, &x_size, &x_array, &columns))
        return 1;
    TRY(cohort_task_register(rt, "multiply", multiply, NULL, COHORT_TASK_LEAF, &task));
    TRY(cohort_partition_equal(rows, PARTS, &row_blocks));
    TRY(cohort_partition_equal(columns, PARTS, &column_blocks));

    /* What a block of rows needs of x: found by the pointers, it is the block and a neighbour on either side, which for a matrix
     * with three diagonals can also be said at once. Blocks with their neighbours overlap; blocks do not. */
    TRY(cohort_partition_image_range(ctx, entries, row_blocks, RANGE, &of_rows));
    TRY(cohort_partition_image(ctx, columns, of_rows, COLUMN, &needed));
    TRY(cohort_partition_restriction(columns, 1, &first, &last, &from_block_to_block, &band_lo, &band_hi, &band));
    TRY(cohort_partition_difference(columns, needed, band, &beyond));
    if (has(of_rows, (int64_t[]){44, 45, 45, 44}) || has(needed, (int64_t[]){16, 17, 17, 16}) || has(beyond, (int64_t[]){0, 0, 0, 0}))
        return 1;
    TRY(cohort_partition_kind(needed, &disjoint, &complete));
    if (disjoint || !complete)
        return puts("FAILED: what blocks need overlaps, and is all of x") >= 0;
    TRY(cohort_partition_kind(of_rows, &disjoint, &complete));
    if (!disjoint || !complete)
        return puts("FAILED: each entry is of one row") >= 0;

    /* The rows that read a block of x; those of them that are of the block's own rows; and, for each block of x, the rows that read it,
     * by the block that they are of. */
    TRY(cohort_partition_preimage(ctx, entries, column_blocks, COLUMN, &readers));
    TRY(cohort_partition_preimage_range(ctx, rows, readers, RANGE, &changed));
    TRY(cohort_partition_intersection(rows, changed, row_blocks, &own));
    TRY(cohort_partition_cross_product(changed, row_blocks, crossed));
    if (has(changed, (int64_t[]){16, 17, 17, 16}) || has(own, (int64_t[]){15, 15, 15, 15}) || has(crossed[1], (int64_t[]){1, 15, 1, 0}))
        return 1;

    /* All rows; then the second block of x changes, and only the rows that read it are computed again. */
    if (compute(ctx, task, row_blocks, entries, columns))
        return 1;
    TRY(cohort_detach(ctx, columns, 1, &of_x));
    for (int i = BLOCK; i < 2 * BLOCK; i++)
        x[i] = 1;
    const int64_t stride = sizeof x[0];
    TRY(cohort_attach(ctx, columns, 1, &of_x, x, &stride, 0));
    if (compute(ctx, task, crossed[1], entries, columns))
        return 1;
    TRY(cohort_wait_all(ctx));
    TRY(cohort_finalize(&rt));
    for (int i = 0; i < N; i++) {
        double expected = 2 * x[i] - (i ? x[i - 1] : 0) - (i + 1 < N ? x[i + 1] : 0);
        if (y[i] != expected) {
            printf("FAILED: y[%d] is %g, not %g\n", i, y[i], expected);
            return 1;
        }
    }
    return puts("PASSED") < 0;
}
