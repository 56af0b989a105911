#include "pool.h"

#include "threads.h"

/* What one calling thread has to share, as long as it waits for it. */
typedef struct job {
    work *f;
    void *with;
    ptrdiff_t units, next; /* how many, and the first that nobody has begun */
    int wanted, active;    /* helpers that may still come, and those that are at work */
    struct job *after;
} job;

/* What follows is read and changed under the lock, as are `wanted` and `active`. */
static mutex pool = NEW_MUTEX;
static condition more = NEW_CONDITION, done = NEW_CONDITION;
static job *jobs;
static int helpers;

/* A child has the thread that forked and no other. What the others held stays held for ever, and
   what they were sharing is not shared any more. */
static void forget(void) {
    pool = (mutex)NEW_MUTEX;
    more = done = (condition)NEW_CONDITION;
    jobs = NULL;
    helpers = 0;
}

static void work_on(job *j) {
    for (;;) {
        ptrdiff_t unit = __atomic_fetch_add(&j->next, 1, __ATOMIC_RELAXED);
        if (unit >= j->units) return;
        j->f(j->with, unit);
    }
}

static ROUTINE help(void *nothing) {
    (void)nothing;
    lock(&pool);
    for (;;) {
        job *j = jobs;
        while (j && !j->wanted) j = j->after;
        if (!j) {
            sleep_until(&more, &pool);
            continue;
        }
        j->wanted--;
        j->active++;
        unlock(&pool);
        work_on(j);
        lock(&pool);
        if (!--j->active) wake_all(&done); /* `j` may be gone from here on */
    }
    return 0;
}

/* Where no thread can be made there are fewer of them: the calling one does all that is left. */
static void have_helpers(int number) {
    static int watched;
    if (!watched) after_fork(forget);
    watched = 1;
    while (helpers < number && start(help)) helpers++;
}

void share(work *f, void *with, ptrdiff_t units, int threads) {
    if (threads > units) threads = (int)units;
    if (threads <= 1) {
        for (ptrdiff_t unit = 0; unit < units; unit++) f(with, unit);
        return;
    }
    job mine = {f, with, units, 0, threads - 1, 0, NULL};
    lock(&pool);
    have_helpers(threads - 1);
    mine.after = jobs;
    jobs = &mine;
    for (int i = 1; i < threads; i++) wake_one(&more);
    unlock(&pool);
    work_on(&mine);
    lock(&pool);
    job **place = &jobs;
    while (*place != &mine) place = &(*place)->after;
    *place = mine.after; /* nobody begins any more */
    while (mine.active) sleep_until(&done, &pool);
    unlock(&pool);
}
