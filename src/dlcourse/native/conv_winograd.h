/* What both directions of `conv_winograd.c` share. */
#ifndef CONV_WINOGRAD_H
#define CONV_WINOGRAD_H

#include "sliding.h"

/* Pixels that a tile sees, and products for each pair of an input and an output channel. */
#define PLACES 16

/* Whether these windows can be cut into tiles, and fill whole registers. */
static inline int in_tiles(const windows *w, ptrdiff_t outputs) {
    return w->rows == 3 && w->columns == 3 && w->stride_y == 1 && w->stride_x == 1 &&
           w->dilation_y == 1 && w->dilation_x == 1 && w->channels % LANES == 0 &&
           outputs % LANES == 0;
}

/* Go on from the tile at (image, row, column). */
static inline void next_tile(const windows *w, ptrdiff_t *n, ptrdiff_t *i, ptrdiff_t *k) {
    if ((*k += 2) < w->out_width) return;
    *k = 0;
    if ((*i += 2) >= w->out_height) *i = 0, ++*n;
}

/* Where the 4x4 pixels of a tile lie. */
static inline void find_pixels(const windows *w, ptrdiff_t n, ptrdiff_t i, ptrdiff_t k,
                               const REAL *zeros, const REAL **pixel) {
    ptrdiff_t y = i + w->top, x = k + w->left, c = w->channels;
    const REAL *at = w->x + ((n * w->height + y) * w->width + x) * c;
    int clear = y >= 0 && y + 4 <= w->height && x >= 0 && x + 4 <= w->width;
    for (ptrdiff_t u = 0; u < 4; u++, at += w->width * c) {
        int row = y + u >= 0 && y + u < w->height;
        for (ptrdiff_t v = 0; clear && v < 4; v++) pixel[4 * u + v] = at + v * c;
        for (ptrdiff_t v = 0; !clear && v < 4; v++)
            pixel[4 * u + v] = row && x + v >= 0 && x + v < w->width ? at + v * c : zeros;
    }
}

/* Where the 2x2 outputs of a tile lie. */
static inline void find_outputs(const windows *w, ptrdiff_t n, ptrdiff_t i, ptrdiff_t k,
                                REAL *unused, REAL **to) {
    REAL *out = w->y + n * w->image_step + i * w->row_step + k * w->pixel_step;
    for (ptrdiff_t u = 0; u < 2; u++)
        for (ptrdiff_t v = 0; v < 2; v++)
            to[2 * u + v] = i + u < w->out_height && k + v < w->out_width
                                ? out + u * w->row_step + v * w->pixel_step : unused;
}

/* Sums over k of P values X times Q registers of `y`, whose rows are `y_step` values apart. What is
   in `to` is added unless `add` is 0; there are `to_step` values between the sums of two p. */
#define PRODUCT(NAME, VALUES, REGISTERS, X)                                                        \
    static void NAME(const REAL *x, ptrdiff_t x_step, ptrdiff_t count, const REAL *y,              \
                     ptrdiff_t y_step, REAL *to, ptrdiff_t to_step, int add) {                     \
        enum { P = VALUES, Q = REGISTERS };                                                        \
        vector sum[P][Q];                                                                          \
        EACH_P EACH_Q sum[p][q] = (vector){0};                                                     \
        for (ptrdiff_t k = 0; k < count; k++, y += y_step) {                                       \
            vector w[Q];                                                                           \
            EACH_Q w[q] = load(y + q * LANES);                                                     \
            EACH_P {                                                                               \
                vector v = all(X);                                                                 \
                EACH_Q sum[p][q] += v * w[q];                                                      \
            }                                                                                      \
        }                                                                                          \
        if (add) EACH_P EACH_Q sum[p][q] += load(to + p * to_step + q * LANES);                    \
        EACH_P EACH_Q store(to + p * to_step + q * LANES, sum[p][q]);                              \
    }

typedef void product(const REAL *, ptrdiff_t, ptrdiff_t, const REAL *, ptrdiff_t, REAL *,
                     ptrdiff_t, int);

/* a - c, b + c, c - b, b - d: what the sums and differences are along either side. */
#define LINE(to, at, step)                                                                         \
    {                                                                                              \
        vector a = (at)[0], b = (at)[step], c = (at)[2 * (step)], d = (at)[3 * (step)];            \
        (to)[0] = a - c;                                                                           \
        (to)[step] = b + c;                                                                        \
        (to)[2 * (step)] = c - b;                                                                  \
        (to)[3 * (step)] = b - d;                                                                  \
    }

/* The sums and differences of 4x4 pixels, written `step` values apart. */
static inline void transform_pixels(const REAL *const *pixel, ptrdiff_t channels,
                                    REAL *to, ptrdiff_t step) {
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
        vector v[PLACES];
#pragma GCC unroll 16
        for (int i = 0; i < PLACES; i++) v[i] = load(pixel[i] + c);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) LINE(v + i, v + i, 4)
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) LINE(v + 4 * i, v + 4 * i, 1)
#pragma GCC unroll 16
        for (int i = 0; i < PLACES; i++) store(to + i * step + c, v[i]);
    }
}

#endif
