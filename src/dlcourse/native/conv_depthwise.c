/* The weight gradient of a depthwise convolution: several positions of the kernel at a time, for a
   register of channels, are added up over the pixels of a strip. */
#include <stdlib.h>

#include "conv_grads.h"
#include "pool.h"

/* Pixels whose products are added up before they are added to the sum of all. */
#define STRIP 128
/* Multiply-adds that are worth a unit of work. */
#define WORTH ((ptrdiff_t)1 << 19)
#define MOST_PIECES 16

#define EACH_T _Pragma("GCC unroll 9") for (int t = 0; t < T; t++)

/* Write to `total` the sums for T positions and a register of channels from `c` on. */
#define SUM(VALUES)                                                                                \
    static void sum_##VALUES(const REAL *const *source, ptrdiff_t runs, REAL *const *dy,           \
                             ptrdiff_t pixels, ptrdiff_t c, REAL *total, ptrdiff_t step) {         \
        enum { T = VALUES };                                                                       \
        vector sum[T];                                                                             \
        EACH_T sum[t] = (vector){0};                                                               \
        for (; pixels; pixels--, source += runs, dy++) {                                           \
            vector d = load(*dy + c);                                                              \
            EACH_T sum[t] += load(source[t] + c) * d;                                              \
        }                                                                                          \
        EACH_T store(total + t * step + c, sum[t]);                                                \
    }

SUM(1) SUM(2) SUM(3) SUM(4) SUM(5) SUM(6) SUM(7) SUM(8) SUM(9)

typedef void sum(const REAL *const *, ptrdiff_t, REAL *const *, ptrdiff_t, ptrdiff_t, REAL *,
                 ptrdiff_t);
static sum *const sums[] = {sum_1, sum_2, sum_3, sum_4, sum_5, sum_6, sum_7, sum_8, sum_9};

typedef struct {
    windows w; /* its `y` is the gradient, which is only read */
    ptrdiff_t pieces, size;
    REAL *totals;
    int failed;
} job;

/* The sums of a strip: (positions, channels). */
static void add_up(const job *j, const REAL *const *source, REAL *const *dy, ptrdiff_t pixels,
                   REAL *part) {
    ptrdiff_t runs = runs_of(&j->w), channels = j->w.channels, cuts = pieces_of(runs, 9);
    for (ptrdiff_t i = 0; i < cuts; i++) {
        ptrdiff_t t = runs * i / cuts, end = runs * (i + 1) / cuts, c = 0;
        for (; c < channels && channels >= LANES; c += LANES) /* the last may repeat a few */
            sums[end - t - 1](source + t, runs, dy, pixels, at_most(c, channels - LANES),
                              part + t * channels, channels);
        for (; c < channels; c++)
            for (ptrdiff_t k = t; k < end; k++) {
                REAL total = 0;
                for (ptrdiff_t p = 0; p < pixels; p++) total += source[p * runs + k][c] * dy[p][c];
                part[k * channels + c] = total;
            }
    }
}

static void do_unit(void *with, ptrdiff_t unit) {
    job *j = with;
    const windows *w = &j->w;
    ptrdiff_t runs = runs_of(w), all = pixels_of(w), strips = pieces_of(all, STRIP);
    ptrdiff_t first = strips * unit / j->pieces * STRIP;
    ptrdiff_t end = at_most(strips * (unit + 1) / j->pieces * STRIP, all);
    void *memory = malloc(STRIP * (runs + 1) * sizeof(REAL *) +
                          (w->channels + j->size) * sizeof(REAL));
    if (!memory) {
        j->failed = 1;
        return;
    }
    const REAL **source = memory;
    REAL **dy = (REAL **)(source + STRIP * runs), *zeros = (REAL *)(dy + STRIP);
    REAL *part = zeros + w->channels, *total = j->totals + unit * j->size;
    memset(zeros, 0, w->channels * sizeof(REAL));
    memset(total, 0, j->size * sizeof(REAL));
    for (; first < end; first += STRIP) {
        ptrdiff_t pixels = at_most(STRIP, end - first);
        find_runs(w, first, pixels, 1, source, dy, zeros, NULL);
        add_up(j, source, dy, pixels, part);
        for (ptrdiff_t i = 0; i < j->size; i++) total[i] += part[i];
    }
    free(memory);
}

/* dw (C, 1, KH, KW) of x (N, H, W, C) and dy (N, OH, OW, C). Returns 1 if memory is short. */
API int conv_depthwise_grad(const REAL *x, const convolution *c, const REAL *dy, REAL *dw,
                            int threads) {
    ptrdiff_t positions = c->rows * c->columns, pixels = c->images * c->out_height * c->out_width;
    job j = {.w = layer_windows(c, x, (REAL *)dy), .size = positions * c->channels};
    ptrdiff_t work = pixels * j.size;
    j.pieces = at_least(1, at_most(at_most(MOST_PIECES, work / WORTH), pixels / STRIP));
    void *memory = malloc(64 + j.pieces * j.size * sizeof(REAL));
    if (!memory) return 1;
    j.totals = aligned(memory);
    share(do_unit, &j, j.pieces, threads);
    for (ptrdiff_t p = 1; p < j.pieces; p++)
        for (ptrdiff_t i = 0; i < j.size; i++) j.totals[i] += j.totals[p * j.size + i];
    for (ptrdiff_t k = 0; k < c->channels; k++)
        for (ptrdiff_t t = 0; t < positions; t++)
            dw[k * positions + t] = j.totals[t * c->channels + k];
    free(memory);
    return j.failed;
}
