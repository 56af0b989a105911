#include "pool.h"

#include <pthread.h>

/* What one calling thread has to share, as long as it waits for it. */
typedef struct job {
    work *f;
    void *with;
    ptrdiff_t units, next; /* how many, and the first that nobody has begun */
    int wanted, active;    /* threads that may still come, and those that are at work */
    struct job *after;
} job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER, done = PTHREAD_COND_INITIALIZER;
static job *jobs;
static int helpers;

static void work_on(job *j) {
    for (;;) {
        ptrdiff_t unit = __atomic_fetch_add(&j->next, 1, __ATOMIC_RELAXED);
        if (unit >= j->units) return;
        j->f(j->with, unit);
    }
}

static void *help(void *nothing) {
    pthread_mutex_lock(&lock);
    for (;;) {
        job *j = jobs;
        while (j && !j->wanted) j = j->after;
        if (!j) {
            pthread_cond_wait(&more, &lock);
            continue;
        }
        j->wanted--;
        j->active++;
        pthread_mutex_unlock(&lock);
        work_on(j);
        pthread_mutex_lock(&lock);
        if (!--j->active) pthread_cond_broadcast(&done);
    }
    return nothing;
}

void share(work *f, void *with, ptrdiff_t units, int threads) {
    if (threads > units) threads = (int)units;
    if (threads <= 1) {
        for (ptrdiff_t unit = 0; unit < units; unit++) f(with, unit);
        return;
    }
    job mine = {f, with, units, 0, threads - 1, 0, NULL};
    pthread_mutex_lock(&lock);
    for (pthread_t made; helpers < threads - 1; helpers++) {
        if (pthread_create(&made, NULL, help, NULL)) break;
        pthread_detach(made);
    }
    mine.after = jobs;
    jobs = &mine;
    for (int i = 1; i < threads; i++) pthread_cond_signal(&more);
    pthread_mutex_unlock(&lock);
    work_on(&mine);
    pthread_mutex_lock(&lock);
    mine.wanted = 0;
    job **place = &jobs;
    while (*place != &mine) place = &(*place)->after;
    *place = mine.after;
    while (mine.active) pthread_cond_wait(&done, &lock);
    pthread_mutex_unlock(&lock);
}
