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

/* How often a thread looks for what it waits for before it sleeps: for about 100 microseconds. The
   next layer of a network mostly follows sooner, and to wake a thread takes some 40. Between two
   looks it lets others have its core. */
#define LOOKS 400

/* What follows is changed under the lock, as are `wanted` and `active`. Only `places` and `active`
   are also read without it, by those who look. */
static mutex pool = NEW_MUTEX;
static condition more = NEW_CONDITION, done = NEW_CONDITION;
static job *jobs;
static int helpers, places, looking; /* places: all that is wanted; looking: helpers that do */

/* Whether a number becomes zero soon, or something else than zero. */
static int soon(const int *number, int zero) {
    for (int i = 0; i < LOOKS; i++, let_others())
        if ((__atomic_load_n(number, __ATOMIC_ACQUIRE) == 0) == zero) return 1;
    return 0;
}

/* A child has the thread that forked and no other. What the others held stays held for ever, and
   what they were sharing is not shared any more. */
static void forget(void) {
    pool = (mutex)NEW_MUTEX;
    more = done = (condition)NEW_CONDITION;
    jobs = NULL;
    helpers = places = looking = 0;
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
    for (int tired = 0;;) {
        job *j = jobs;
        while (j && !j->wanted) j = j->after;
        if (!j && tired) {
            sleep_until(&more, &pool);
            continue;
        }
        if (!j) {
            looking++;
            unlock(&pool);
            tired = !soon(&places, 0);
            lock(&pool);
            looking--;
            continue;
        }
        tired = 0;
        j->wanted--;
        __atomic_sub_fetch(&places, 1, __ATOMIC_RELAXED);
        j->active++;
        unlock(&pool);
        work_on(j);
        lock(&pool);
        if (!__atomic_sub_fetch(&j->active, 1, __ATOMIC_RELEASE)) wake_all(&done);
        /* `j` may be gone from here on */
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
    __atomic_add_fetch(&places, threads - 1, __ATOMIC_RELAXED);
    for (int i = 1; i < threads && i <= places - looking; i++) wake_one(&more);
    unlock(&pool);
    work_on(&mine);
    lock(&pool);
    job **place = &jobs;
    while (*place != &mine) place = &(*place)->after;
    *place = mine.after; /* nobody begins any more */
    __atomic_sub_fetch(&places, mine.wanted, __ATOMIC_RELAXED);
    unlock(&pool);
    soon(&mine.active, 1);
    lock(&pool);
    while (mine.active) sleep_until(&done, &pool);
    unlock(&pool);
}
