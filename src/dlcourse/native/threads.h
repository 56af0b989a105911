/* Threads of Windows and of POSIX under one set of names. */
#ifndef THREADS_H
#define THREADS_H

#if defined(_WIN32)

#include <windows.h>

typedef SRWLOCK mutex;
typedef CONDITION_VARIABLE condition;
#define NEW_MUTEX SRWLOCK_INIT
#define NEW_CONDITION CONDITION_VARIABLE_INIT
#define ROUTINE DWORD WINAPI

static inline void lock(mutex *m) { AcquireSRWLockExclusive(m); }
static inline void unlock(mutex *m) { ReleaseSRWLockExclusive(m); }
static inline void sleep_until(condition *c, mutex *m) {
    SleepConditionVariableSRW(c, m, INFINITE, 0);
}
static inline void wake_one(condition *c) { WakeConditionVariable(c); }
static inline void wake_all(condition *c) { WakeAllConditionVariable(c); }
static inline void let_others(void) { SwitchToThread(); }

/* Start a thread that nobody waits for; tell whether there is one. */
static inline int start(DWORD(WINAPI *routine)(void *)) {
    HANDLE made = CreateThread(NULL, 0, routine, NULL, 0, NULL);
    return made && CloseHandle(made);
}

/* There is no fork. */
static inline void after_fork(void (*f)(void)) { (void)f; }

#else

#include <pthread.h>
#include <sched.h>
#include <signal.h>

typedef pthread_mutex_t mutex;
typedef pthread_cond_t condition;
#define NEW_MUTEX PTHREAD_MUTEX_INITIALIZER
#define NEW_CONDITION PTHREAD_COND_INITIALIZER
#define ROUTINE void *

static inline void lock(mutex *m) { pthread_mutex_lock(m); }
static inline void unlock(mutex *m) { pthread_mutex_unlock(m); }
static inline void sleep_until(condition *c, mutex *m) { pthread_cond_wait(c, m); }
static inline void wake_one(condition *c) { pthread_cond_signal(c); }
static inline void wake_all(condition *c) { pthread_cond_broadcast(c); }
static inline void let_others(void) { sched_yield(); }

/* Start a thread that nobody waits for, and that leaves signals to the others: a Ctrl-C has to
   wake the one that Python runs in. Tell whether there is one. */
static inline int start(void *(*routine)(void *)) {
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    pthread_t made;
    int failed = pthread_create(&made, NULL, routine, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed && !pthread_detach(made);
}

/* Call `f` in every child of this process from now on. */
static inline void after_fork(void (*f)(void)) { pthread_atfork(NULL, NULL, f); }

#endif

#endif
