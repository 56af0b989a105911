/* The innermost loops of a convolution. */
#ifndef CONV_TILE_H
#define CONV_TILE_H

#include "conv.h"

/* Tiles for 1, 2 and 4 registers of outputs; the last only where the processor has 32 registers. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define WIDEST 4
#define PIXELS_2 12
#else
#define WIDEST 2
#define PIXELS_2 6
#endif

/* What is done with a block of outputs before they are written; what is NULL is left out. */
typedef struct {
    const REAL *scale, *shift;  /* what they are multiplied with, and what is then added */
    const REAL *const *plus;    /* added as well: where it lies for each pixel, from output 0 on */
    int relu;                   /* then comes: 1 ReLU, 6 ReLU6 */
    unsigned char *const *kept; /* where the mask of that lies for each pixel likewise */
} finish;

/* Finish `sum`, which belongs to the outputs from `o` on; their numbers lie from FIRST on. */
#define FINISH(FIRST)                                                                              \
    if (f->scale) EACH_Q {                                                                         \
        vector scale = load(f->scale + FIRST + q * LANES);                                         \
        vector shift = load(f->shift + FIRST + q * LANES);                                         \
        EACH_P sum[p][q] = sum[p][q] * scale + shift;                                              \
    }                                                                                              \
    if (f->plus) EACH_P EACH_Q sum[p][q] += load(f->plus[p] + o + q * LANES);                      \
    if (f->kept && f->relu == 6) EACH_P EACH_Q                                                     \
        store_flags(f->kept[p] + o + q * LANES, (sum[p][q] > 0) & (sum[p][q] < all(6)));           \
    else if (f->kept) EACH_P EACH_Q                                                                \
        store_flags(f->kept[p] + o + q * LANES, ~(sum[p][q] <= 0));                                \
    if (f->relu == 6) EACH_P EACH_Q {                                                              \
        mask above = sum[p][q] >= all(6);                                                          \
        sum[p][q] = (vector)(((mask)sum[p][q] & ~above) | ((mask)all(6) & above));                 \
    }                                                                                              \
    if (f->relu) EACH_P EACH_Q sum[p][q] = positive(sum[p][q]);

/* The same, and write it to the places of the P pixels. */
#define STORE(FIRST)                                                                               \
    FINISH(FIRST)                                                                                  \
    EACH_P EACH_Q store(to[p] + o + q * LANES, sum[p][q]);

#define TILE(NAME, PIXELS, REGISTERS)                                                              \
    static void NAME(const REAL *const *source, ptrdiff_t runs, ptrdiff_t length,                  \
                     const REAL *weight, const REAL *bias, const finish *f, REAL *const *to,       \
                     ptrdiff_t o) {                                                                \
        enum { P = PIXELS, Q = REGISTERS };                                                        \
        vector sum[P][Q];                                                                          \
        EACH_P EACH_Q sum[p][q] = load(bias + q * LANES);                                          \
        for (; runs; runs--, source += SIDE_BY_SIDE) {                                             \
            const REAL *x[P];                                                                      \
            EACH_P x[p] = source[p];                                                               \
            for (ptrdiff_t k = 0; k < length; k++, weight += Q * LANES) {                          \
                vector w[Q];                                                                       \
                EACH_Q w[q] = load(weight + q * LANES);                                            \
                EACH_P {                                                                           \
                    vector v = all(x[p][k]);                                                       \
                    EACH_Q sum[p][q] += v * w[q];                                                  \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        STORE(0)                                                                                   \
    }

typedef void tile(const REAL *const *, ptrdiff_t, ptrdiff_t, const REAL *, const REAL *,
                  const finish *, REAL *const *, ptrdiff_t);

TILE(tile_1, 12, 1)
TILE(tile_2, PIXELS_2, 2)
#if WIDEST == 4
TILE(tile_4, 6, 4)
#else
#define tile_4 tile_2
#endif

/* Registers in the block of outputs that begins with this one. */
static inline ptrdiff_t block_at(const job *j, ptrdiff_t vector) {
    ptrdiff_t left = j->vectors - vector;
    return left >= 4 && !j->by_outputs ? WIDEST : left >= 2 ? 2 : 1;
}

/* Its tile, and how many pixels that has. */
static inline tile *tile_for(ptrdiff_t block, ptrdiff_t *P) {
    *P = block == 4 ? 6 : block == 2 ? PIXELS_2 : 12;
    return block == 4 ? tile_4 : block == 2 ? tile_2 : tile_1;
}

/* The same for pixels from this one on, and for outputs whose numbers begin here. */
static inline finish from(finish f, ptrdiff_t pixel, ptrdiff_t number) {
    if (f.scale) f.scale += number, f.shift += number;
    if (f.plus) f.plus += pixel;
    if (f.kept) f.kept += pixel;
    return f;
}

#endif
