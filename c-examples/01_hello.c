/* A program hands one task to the runtime and waits for it. */
#include <cohort.h>
#include <stdio.h>

static int32_t hello(cohort_context_t task, void *user)
{
    (void)task;
    printf("hello from a task: %s\n", (const char *)user);
    return 0;
}

int main(void)
{
    cohort_config_t config = COHORT_CONFIG_INIT;
    config.on_error = 2; /* print and abort: no checks below */
    cohort_runtime_t rt;
    cohort_context_t ctx;
    cohort_task_t task;
    cohort_launch_t launch = COHORT_LAUNCH_INIT;
    cohort_init(&config, &rt);
    cohort_root_context(rt, &ctx);
    cohort_task_register(rt, "hello", hello, "PASSED", COHORT_TASK_LEAF, &task);
    launch.task = task;
    cohort_launch(ctx, &launch, NULL);
    return cohort_finalize(&rt);
}
