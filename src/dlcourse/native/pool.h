/* Work shared among threads, below Python. */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

typedef void work(void *with, ptrdiff_t unit);

/* Call `f` once for each unit from 0 on, on at most so many threads, the calling one among them;
   return when all is done. Which thread does a unit is chance: it must not change the result. */
void share(work *f, void *with, ptrdiff_t units, int threads);

#endif
