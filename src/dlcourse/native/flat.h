/* Long arrays in pieces, for work on one value after another. */
#ifndef FLAT_H
#define FLAT_H

#include "pool.h"

/* Values that are worth a thread where each is read once: about 20 microseconds. */
#define PIECE ((ptrdiff_t)1 << 15)

/* In front of a loop over values: no iteration reads what another one writes. An output may be one
   of the inputs. */
#if defined(__clang__)
#define EACH _Pragma("clang loop vectorize(assume_safety)") for
#else
#define EACH _Pragma("GCC ivdep") for
#endif

typedef void on_range(void *with, ptrdiff_t start, ptrdiff_t end);

typedef struct {
    on_range *f;
    void *with;
    ptrdiff_t count, step;
} range;

static void on_unit(void *with, ptrdiff_t unit) {
    const range *r = with;
    ptrdiff_t start = unit * r->step, end = start + r->step;
    r->f(r->with, start, end < r->count ? end : r->count);
}

/* Call `f` on pieces of the range from 0 to `count`, each of `step` but for the last. */
static inline void share_range(on_range *f, void *with, ptrdiff_t count, ptrdiff_t step,
                               int threads) {
    range r = {f, with, count, step};
    share(on_unit, &r, (count + step - 1) / step, threads);
}

#endif
