/* A code that has OpenCL kernels of its own: the task's function for devices gets the queue and the buffers, enqueues its work and
 * returns without waiting; what follows is ordered after the queue. With CUDA the same: device->stream is a CUstream, view.base a
 * CUdeviceptr. Where there is no OpenCL device, the function for the host runs. COHORT_DEVICES=opencl takes OpenCL's CPUs as well. */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <cohort.h>
#include <stdio.h>
#define TRY(call) do { if (call) { fprintf(stderr, "FAILED: %s\n", cohort_last_error()); return 1; } } while (0)
/* A result other than 0 is the task's failure. */
#define CL(call) do { cl_int code_ = (call); if (code_) { fprintf(stderr, "%s: %d\n", #call, code_); return code_; } } while (0)
enum { N = 1000, BLOCKS = 4, STEPS = 5 };
static cohort_field_t u; /* what cools down */
static int on_host[BLOCKS]; /* tasks of each block that ran there; they come one after another */

static const char *text = "__kernel void cool(__global double *u, ulong first) { u[first + get_global_id(0)] *= 0.5; }";

/* Built when the first task comes; the functions for one device run one after another. */
static cl_kernel kernel;

static int32_t build(const cohort_device_t *device)
{
    cl_int code;
    cl_device_id id = device->device;
    cl_program program = clCreateProgramWithSource(device->context, 1, &text, NULL, &code);
    CL(code);
    CL(clBuildProgram(program, 1, &id, "", NULL, NULL));
    kernel = clCreateKernel(program, "cool", &code);
    CL(code);
    return clReleaseProgram(program); /* the kernel keeps it */
}

static int32_t cool_on_device(cohort_context_t task, const cohort_device_t *device, void *user)
{
    cohort_device_view_t v;
    (void)user;
    if (!kernel && build(device))
        return 1;
    TRY(cohort_view_device(task, 0, u, COHORT_READ_WRITE, &v));
    cl_mem buffer = v.base;
    cl_ulong first = v.offset / sizeof(double);
    size_t count = (size_t)(v.hi[0] - v.lo[0] + 1);
    CL(clSetKernelArg(kernel, 0, sizeof buffer, &buffer));
    CL(clSetKernelArg(kernel, 1, sizeof first, &first));
    CL(clEnqueueNDRangeKernel(device->stream, kernel, 1, NULL, &count, NULL, 0, NULL, NULL));
    return 0;
}

static int32_t cool(cohort_context_t task, void *user)
{
    uint32_t block;
    cohort_view_t v;
    (void)user;
    TRY(cohort_view(task, 0, u, COHORT_READ_WRITE, &v));
    for (int64_t i = 0; i <= v.hi[0] - v.lo[0]; i++)
        ((double *)v.base)[i] *= 0.5;
    TRY(cohort_task_point(task, &block));
    on_host[block]++;
    return 0;
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_index_space_t points;
    cohort_field_space_t fields;
    cohort_region_t region;
    cohort_partition_t parts;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    int64_t lo = 1, hi = N, stride = sizeof(double), blocks = BLOCKS;
    double array[N];
    for (int i = 0; i < N; i++)
        array[i] = 32 * i;
    TRY(cohort_init(NULL, &rt));
    TRY(cohort_root_context(rt, &ctx));
    TRY(cohort_index_space_create(rt, 1, &lo, &hi, &points));
    TRY(cohort_field_space_create(rt, &fields));
    TRY(cohort_field_allocate(fields, sizeof(double), "u", &u));
    TRY(cohort_region_create(rt, points, fields, &region));
    TRY(cohort_partition_blocks(region, &blocks, &parts));
    TRY(cohort_attach(ctx, region, 1, &u, array, &stride, 0));
    TRY(cohort_task_register(rt, "cool", cool, NULL, COHORT_TASK_LEAF, &launch.task));
    TRY(cohort_task_device_callback(launch.task, COHORT_DEVICE_OPENCL, cool_on_device, NULL));
    cohort_requirement_t all = {.partition = parts, .fields = &u, .field_count = 1, .privilege = COHORT_READ_WRITE};
    launch.requirements = &all;
    launch.requirement_count = 1;
    for (int step = 0; step < STEPS; step++)
        TRY(cohort_index_launch(ctx, &launch, BLOCKS, COHORT_REDUCTION_NONE, COHORT_TYPE_NONE, NULL));
    TRY(cohort_wait_all(ctx)); /* from here on the array is what the tasks left in it */
    for (int i = 0; i < N; i++)
        if (array[i] != i) {
            printf("FAILED: %g at %d\n", array[i], i);
            return 1;
        }
    if (kernel)
        CL(clReleaseKernel(kernel));
    TRY(cohort_finalize(&rt));
    int on_device = STEPS * BLOCKS;
    for (int block = 0; block < BLOCKS; block++)
        on_device -= on_host[block];
    printf("PASSED, %d of %d tasks on a device\n", on_device, STEPS * BLOCKS);
    return 0;
}
