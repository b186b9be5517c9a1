/* Handshake round trip (handoff, one task that waits for it and arrives back, wait) next to a pthread condition variable between two
 * threads, in one run. */
#include "timing.h"

#include <cohort.h>
#include <pthread.h>

enum { ROUNDS = 20000, CONDITION_ROUNDS = 2000 };

struct side {
    cohort_context_t ctx;
    cohort_handshake_t hs;
    cohort_launch_t launch;
};

static int32_t nothing(cohort_context_t task, void *user)
{
    (void)task;
    (void)user;
    return 0;
}

/* Launch included: the whole cost of handing one task over and getting it back. */
static double handshakes(void *arg)
{
    struct side *s = arg;
    const double start = now_ns();
    for (int i = 0; i < ROUNDS; ++i) {
        cohort_launch(s->ctx, &s->launch, NULL);
        cohort_handshake_advance(s->ctx, s->hs);
        cohort_handoff_to_tasks(s->hs);
        cohort_wait_on_tasks(s->hs);
    }
    return (now_ns() - start) / ROUNDS;
}

/* What the host pays when the launches were made ahead, as a long-running task does. */
static double handshakes_ahead(void *arg)
{
    enum { AHEAD = 500 };
    struct side *s = arg;
    double spent = 0;
    for (int round = 0; round < ROUNDS / AHEAD; ++round) {
        for (int i = 0; i < AHEAD; ++i) {
            cohort_launch(s->ctx, &s->launch, NULL);
            cohort_handshake_advance(s->ctx, s->hs);
        }
        const double start = now_ns();
        for (int i = 0; i < AHEAD; ++i) {
            cohort_handoff_to_tasks(s->hs);
            cohort_wait_on_tasks(s->hs);
        }
        spent += now_ns() - start;
    }
    return spent / (ROUNDS / AHEAD * AHEAD);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static int turn;

static void play(int me, int rounds)
{
    for (int i = 0; i < rounds; ++i) {
        pthread_mutex_lock(&lock);
        while (turn != me)
            pthread_cond_wait(&turned, &lock);
        turn = !me;
        pthread_cond_signal(&turned);
        pthread_mutex_unlock(&lock);
    }
}

static void *other_side(void *arg)
{
    (void)arg;
    play(1, CONDITION_ROUNDS);
    return NULL;
}

static double condition_variable(void *arg)
{
    pthread_t thread;
    (void)arg;
    turn = 0;
    pthread_create(&thread, NULL, other_side, NULL);
    const double start = now_ns();
    play(0, CONDITION_ROUNDS);
    const double spent = now_ns() - start;
    pthread_join(thread, NULL);
    return spent / CONDITION_ROUNDS;
}

static double with_runtime(const char *name, const char *ahead, int workers, int host_helps)
{
    cohort_config_t config = COHORT_CONFIG_INIT;
    cohort_runtime_t rt;
    cohort_task_t task;
    struct side s = {.launch = COHORT_LAUNCH_INIT};
    config.workers = workers;
    config.host_helps = host_helps;
    config.on_error = 2;
    cohort_init(&config, &rt);
    cohort_root_context(rt, &s.ctx);
    cohort_task_register(rt, "nothing", nothing, NULL, COHORT_TASK_LEAF, &task);
    cohort_handshake_create(rt, 1, 1, COHORT_SIDE_HOST, &s.hs);
    s.launch.task = task;
    s.launch.wait_handshakes = s.launch.arrive_handshakes = &s.hs;
    s.launch.wait_handshake_count = s.launch.arrive_handshake_count = 1;
    const double whole = measure(name, handshakes, &s);
    measure(ahead, handshakes_ahead, &s);
    cohort_finalize(&rt);
    return whole;
}

int main(void)
{
    print_load();
    const double helps = with_runtime("handshake, waiting thread helps, launch included", "  launched ahead", 1, 1);
    const double worker = with_runtime("handshake, separate worker, launch included", "  launched ahead", 1, 0);
    const double peer = measure("pthread condition variable, round trip", condition_variable, NULL);
    printf("ratios to the condition variable: waiting thread helps %.4f, separate worker %.4f\n", helps / peer, worker / peer);
    return 0;
}
