/* What `share` must do, tried: `pool_driver TEST` ends with status 0 if it does. */
#include "../../src/dlcourse/native/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPECT(what)                                                                               \
    if (!(what)) {                                                                                 \
        fprintf(stderr, "line %d: not %s\n", __LINE__, #what);                                     \
        exit(1);                                                                                   \
    }

#define MOST 1000

/* In place of pthread_create, where the driver is compiled so. */
int no_thread(pthread_t *made, const pthread_attr_t *how, void *(*f)(void *), void *with) {
    (void)made, (void)how, (void)f, (void)with;
    return EAGAIN;
}

static void count(void *with, ptrdiff_t unit) { ((int *)with)[unit]++; }

/* Every unit is done once. */
static void once_each(ptrdiff_t units, int threads) {
    int done[MOST] = {0};
    share(count, done, units, threads);
    for (ptrdiff_t unit = 0; unit < MOST; unit++) EXPECT(done[unit] == (unit < units));
}

static void sizes(void) {
    const ptrdiff_t units[] = {0, 1, 2, 3, 7, 100, MOST};
    for (int threads = -1; threads < 9; threads++)
        for (int i = 0; i < 7; i++) once_each(units[i], threads);
}

/* Two units that wait for each other need two threads. */
static pthread_barrier_t meeting;
static void meet(void *with, ptrdiff_t unit) {
    (void)with, (void)unit;
    pthread_barrier_wait(&meeting);
}

static void side_by_side(int threads) {
    pthread_barrier_init(&meeting, NULL, (unsigned)threads);
    share(meet, NULL, threads, threads);
    pthread_barrier_destroy(&meeting);
}

static void growing(void) {
    side_by_side(2);
    side_by_side(5);
    side_by_side(3);
    side_by_side(9);
}

static void nested_unit(void *with, ptrdiff_t unit) {
    (void)with, (void)unit;
    once_each(20, 3);
}

static void *call(void *with) {
    (void)with;
    for (int i = 0; i < 200; i++) once_each(1 + i % 50, 1 + i % 4);
    share(nested_unit, NULL, 10, 3);
    return NULL;
}

static void callers(void) {
    pthread_t made[8];
    for (int i = 0; i < 8; i++) EXPECT(!pthread_create(&made[i], NULL, call, NULL));
    for (int i = 0; i < 8; i++) EXPECT(!pthread_join(made[i], NULL));
}

static void wait_for(pid_t child) {
    int status;
    EXPECT(child > 0);
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void *keep_sharing(void *stop) {
    while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) once_each(50, 4);
    return NULL;
}

/* A child shares its own work, whatever its parent's threads were at. */
static void forks(void) {
    int stop = 0;
    pthread_t made[2];
    side_by_side(4);
    for (int i = 0; i < 2; i++) EXPECT(!pthread_create(&made[i], NULL, keep_sharing, &stop));
    for (int i = 0; i < 50; i++) {
        pid_t child = fork();
        if (!child) {
            alarm(60);
            side_by_side(3);
            pid_t grandchild = fork();
            if (!grandchild) {
                side_by_side(2);
                _exit(0);
            }
            wait_for(grandchild);
            _exit(0);
        }
        wait_for(child);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) EXPECT(!pthread_join(made[i], NULL));
}

int main(int count_of_words, char **words) {
    EXPECT(count_of_words == 2);
    alarm(120); /* what hangs ends */
    if (!strcmp(words[1], "sizes")) sizes();
    else if (!strcmp(words[1], "growing")) growing();
    else if (!strcmp(words[1], "callers")) callers();
    else if (!strcmp(words[1], "forks")) forks();
    else return 2;
    return 0; /* helpers are asleep */
}
