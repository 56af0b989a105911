/* The weight gradient of a convolution of 3x3 by fewer products, see `conv_winograd.c`: what was
   multiplied there comes by the chain rule from the same pixels and from the gradients of a tile's
   outputs, which go back through the sums and differences. */
#include "conv_winograd_weight.h"

#include <stdlib.h>

#include "conv_winograd.h"
#include "pool.h"

/* Tiles whose products are added up before they are added to the sum of all. */
#define STRIP 64
/* Pieces of the work, each with a sum of its own. */
#define MOST_PIECES 8
/* Most weights for which the sums stay in the second cache. */
#define MOST_WEIGHTS (128 * 128)

#if BYTES == 64 || defined(__aarch64__)
#define CHANNELS 8
#else
#define CHANNELS 4
#endif
PRODUCT(product_1, CHANNELS, 1, x[k * x_step + p])
PRODUCT(product_2, CHANNELS, 2, x[k * x_step + p])

typedef struct {
    windows w; /* of the layer; its outputs are gradients here, which are only read */
    ptrdiff_t outputs, across, down, all, pieces;
    REAL *sums, *totals;
    int failed;
} job;

/* The gradients of 2x2 outputs on their way back to 4x4 products, written `step` values apart. */
static void transform_gradients(REAL *const *from, ptrdiff_t outputs, REAL *to, ptrdiff_t step) {
    for (ptrdiff_t o = 0; o < outputs; o += LANES) {
        vector d[4][2];
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            vector upper = load(from[k] + o), lower = load(from[2 + k] + o);
            d[0][k] = upper;
            d[1][k] = upper + lower;
            d[2][k] = upper - lower;
            d[3][k] = -lower;
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            store(to + (4 * i) * step + o, d[i][0]);
            store(to + (4 * i + 1) * step + o, d[i][0] + d[i][1]);
            store(to + (4 * i + 2) * step + o, d[i][0] - d[i][1]);
            store(to + (4 * i + 3) * step + o, -d[i][1]);
        }
    }
}

static void do_piece(void *with, ptrdiff_t piece) {
    job *j = with;
    const windows *w = &j->w;
    ptrdiff_t C = w->channels, O = j->outputs, spare = at_least(C, O);
    ptrdiff_t x_step = STRIP * C + LANES, y_step = STRIP * O + LANES;
    void *memory = malloc(64 + (PLACES * (x_step + y_step) + spare) * sizeof(REAL));
    if (!memory) {
        j->failed = 1;
        return;
    }
    REAL *x = aligned(memory), *y = x + PLACES * x_step, *zeros = y + PLACES * y_step;
    REAL *sums = j->sums + piece * PLACES * C * O;
    memset(zeros, 0, spare * sizeof(REAL));
    ptrdiff_t tile = j->all * piece / j->pieces, end = j->all * (piece + 1) / j->pieces;
    ptrdiff_t n = tile / (j->down * j->across), i = tile / j->across % j->down * 2;
    ptrdiff_t k = tile % j->across * 2;
    for (int more = 0; tile < end; more = 1) {
        ptrdiff_t some = at_most(STRIP, end - tile);
        tile += some;
        for (ptrdiff_t t = 0; t < some; t++, next_tile(w, &n, &i, &k)) {
            const REAL *pixel[PLACES];
            REAL *gradient[4];
            find_pixels(w, n, i, k, zeros, pixel);
            find_outputs(w, n, i, k, zeros, gradient);
            transform_pixels(pixel, C, x + t * C, x_step);
            transform_gradients(gradient, O, y + t * O, y_step);
        }
        for (ptrdiff_t at = 0; at < PLACES; at++)
            for (ptrdiff_t o = 0, width; o < O; o += width) {
                width = O - o >= 2 * LANES ? 2 * LANES : LANES;
                product *compute = width == LANES ? product_1 : product_2;
                for (ptrdiff_t c = 0; c < C; c += CHANNELS)
                    compute(x + at * x_step + c, C, some, y + at * y_step + o, O,
                            sums + (at * C + c) * O + o, O, more);
            }
    }
    free(memory);
}

/* From the sums for a register of outputs to the weights: back through sums and differences. */
static void finish(void *with, ptrdiff_t unit) {
    const job *j = with;
    ptrdiff_t C = j->w.channels, O = j->outputs, o = unit * LANES;
    int pair = O - o / LANES / 2 * 2 * LANES >= 2 * LANES;
    ptrdiff_t width = pair ? 2 * LANES : LANES, first = pair ? o / width * width : o;
    REAL *to = j->totals + first * C * 9 + (o - first);
    for (ptrdiff_t c = 0; c < C; c++) {
        vector u[4][4], s[3][4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                const REAL *from = j->sums + ((4 * i + k) * C + c) * O + o;
                u[i][k] = load(from);
                for (ptrdiff_t p = 1; p < j->pieces; p++)
                    u[i][k] += load(from + p * PLACES * C * O);
            }
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            s[0][k] = u[0][k] + (u[1][k] + u[2][k]) * (REAL)0.5;
            s[1][k] = (u[1][k] - u[2][k]) * (REAL)0.5;
            s[2][k] = (u[1][k] + u[2][k]) * (REAL)0.5 + u[3][k];
        }
#pragma GCC unroll 3
        for (int i = 0; i < 3; i++) {
            vector half = (s[i][1] + s[i][2]) * (REAL)0.5;
            store(to + (3 * i * C + c) * width, s[i][0] + half);
            store(to + ((3 * i + 1) * C + c) * width, (s[i][1] - s[i][2]) * (REAL)0.5);
            store(to + ((3 * i + 2) * C + c) * width, half + s[i][3]);
        }
    }
}

int weight_by_tiles(const convolution *c) {
    windows w = layer_windows(c, NULL, NULL);
    return c->groups == 1 && in_tiles(&w, c->outputs) && c->channels % CHANNELS == 0 &&
           c->channels * c->outputs <= MOST_WEIGHTS && pixels_of(&w) > 128;
}

int weight_tiles(const convolution *c, const REAL *x, const REAL *dy, REAL *totals, int threads) {
    job j = {.w = layer_windows(c, x, (REAL *)dy), .outputs = c->outputs, .totals = totals};
    j.down = pieces_of(c->out_height, 2);
    j.across = pieces_of(c->out_width, 2);
    j.all = c->images * j.down * j.across;
    j.pieces = at_least(1, at_most(MOST_PIECES, j.all / STRIP));
    ptrdiff_t size = PLACES * c->channels * c->outputs;
    void *memory = malloc(64 + j.pieces * size * sizeof(REAL));
    if (!memory) return 1;
    j.sums = aligned(memory);
    if (j.all * size < (ptrdiff_t)3 << 20) threads = 1;
    share(do_piece, &j, j.pieces, threads);
    if (!j.failed) share(finish, &j, c->outputs / LANES, threads);
    free(memory);
    return j.failed;
}
