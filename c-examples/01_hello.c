/* A program hands one task to the runtime and waits for it. */
#include <cohort.h>
#include <stdio.h>

static int32_t hello(cohort_context_t task, void *user)
{
    (void)task;
    return printf("hello from a task: %s\n", (const char *)user) < 0;
}

int main(void)
{
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    if (cohort_init(NULL, &rt) || cohort_root_context(rt, &ctx) ||
        cohort_task_register(rt, "hello", hello, "PASSED", COHORT_TASK_LEAF, &launch.task) ||
        cohort_launch(ctx, &launch, NULL) || cohort_finalize(&rt))
        return fprintf(stderr, "FAILED: %s\n", cohort_last_error());
    return 0;
}
