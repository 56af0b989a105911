/* Convolution with kernels of 3x3 by fewer products: F(2x2, 3x3) of Lavin and Gray (2016), "Fast
   Algorithms for Convolutional Neural Networks", section 4.1; Winograd (1980) showed that it takes
   no fewer. A tile of 2x2 outputs sees 4x4 pixels, and the seven loops take 36 products for each
   pair of an input and an output channel. Here sums and differences of the pixels and of the
   weights come first, then 16 products, then sums and differences of these. No output depends on a
   pixel outside its window, not even in its last bit: such pixels appear in products that are not
   added to it. */
#include "conv.h"

#include <stdlib.h>

#include "conv_tile.h"
#include "conv_winograd.h"
#include "pool.h"

/* Values of a unit's transformed pixels and products: they are to stay in the second cache. */
#define CACHED ((ptrdiff_t)1 << 19)
/* Tiles done at a time are a multiple of this, as large as any tile of registers. */
#define ROUND 12
/* Units at most. */
#define MOST 64

PRODUCT(product_1, 12, 1, x[p * x_step + k])
PRODUCT(product_2, PIXELS_2, 2, x[p * x_step + k])
#if WIDEST == 4
PRODUCT(product_4, 6, 4, x[p * x_step + k])
#else
#define product_4 product_2
#endif

typedef struct {
    job *j;
    ptrdiff_t across, down, all; /* tiles: in a row and a column of an image, and in all images */
    ptrdiff_t units, strip;      /* of work, and the tiles done at a time in each */
    ptrdiff_t width;             /* most outputs of a block */
} plan;

static inline vector larger(vector a, vector b) {
    mask first = a > b;
    return (vector)(((mask)a & first) | ((mask)b & ~first));
}

/* The 2x2 outputs of a tile, of which the products lie `step` values apart; or the largest. */
static vector write_outputs(const REAL *from, ptrdiff_t step, const REAL *bias, const finish *f,
                            REAL *const *to, ptrdiff_t o, int pooled) {
    enum { P = 4, Q = 1 };
    vector s[2][4], sum[P][Q], b = load(bias);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        vector m0 = load(from + i * step), m1 = load(from + (4 + i) * step);
        vector m2 = load(from + (8 + i) * step), m3 = load(from + (12 + i) * step);
        s[0][i] = m0 + m1 + m2;
        s[1][i] = m1 - m2 - m3;
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        sum[2 * i][0] = s[i][0] + s[i][1] + s[i][2] + b;
        sum[2 * i + 1][0] = s[i][1] - s[i][2] - s[i][3] + b;
    }
    vector check = (vector){0};
    EACH_P check += sum[p][0] - sum[p][0];
    FINISH(0)
    if (pooled)
        store(to[0] + o, larger(larger(sum[0][0], sum[1][0]), larger(sum[2][0], sum[3][0])));
    else
        EACH_P store(to[p] + o, sum[p][0]);
    return check;
}

/* The sums and differences of the weights of a block of outputs. */
static void transform_weights(void *with, ptrdiff_t unit) {
    const plan *l = with;
    job *j = l->j;
    ptrdiff_t at = 0;
    while (unit--) at += block_at(j, at);
    ptrdiff_t block = block_at(j, at), width = block * LANES;
    void *memory = malloc(64 + 9 * j->channels * width * sizeof(REAL));
    if (!memory) {
        j->failed = 1;
        return;
    }
    REAL *from = aligned(memory), *to = j->packed + at * LANES * j->channels * PLACES;
    conv_pack(j, 0, at, block, from);
    ptrdiff_t step = j->channels * width;
    for (ptrdiff_t i = 0; i < step; i += LANES) {
        vector g[9], s[4][3];
#pragma GCC unroll 9
        for (int t = 0; t < 9; t++) g[t] = load(from + t * step + i);
#pragma GCC unroll 3
        for (int v = 0; v < 3; v++) {
            vector ends = g[v] + g[6 + v];
            s[0][v] = g[v];
            s[1][v] = (ends + g[3 + v]) * (REAL)0.5;
            s[2][v] = (ends - g[3 + v]) * (REAL)0.5;
            s[3][v] = g[6 + v];
        }
#pragma GCC unroll 4
        for (int u = 0; u < 4; u++) {
            vector ends = s[u][0] + s[u][2];
            store(to + (4 * u) * step + i, s[u][0]);
            store(to + (4 * u + 1) * step + i, (ends + s[u][1]) * (REAL)0.5);
            store(to + (4 * u + 2) * step + i, (ends - s[u][1]) * (REAL)0.5);
            store(to + (4 * u + 3) * step + i, s[u][2]);
        }
    }
    free(memory);
}

/* Multiply the transformed pixels of some tiles, rounded up, with a block of weights. */
static void multiply(const REAL *pixels, ptrdiff_t tiles, ptrdiff_t channels, const REAL *weight,
                     ptrdiff_t block, REAL *to) {
    ptrdiff_t P = block == 4 ? 6 : block == 2 ? PIXELS_2 : 12;
    product *compute = block == 4 ? product_4 : block == 2 ? product_2 : product_1;
    for (ptrdiff_t t = 0; t < tiles; t += P)
        compute(pixels + t * channels, channels, channels, weight, block * LANES,
                to + t * block * LANES, block * LANES, 0);
}

/* Where the largest output of a tile lies among those of the others; `unused` if it has not four. */
static REAL *pooled_place(const windows *w, ptrdiff_t n, ptrdiff_t i, ptrdiff_t k, REAL *unused) {
    ptrdiff_t down = w->out_height / 2, across = w->out_width / 2;
    if (i / 2 >= down || k / 2 >= across) return unused;
    return w->y + ((n * down + i / 2) * across + k / 2) * w->pixel_step;
}

/* Note what a sum of differences of an image's outputs with themselves is: zero, or no number. */
static void note(job *j, ptrdiff_t image, vector differences) {
    REAL sum = 0;
    for (ptrdiff_t i = 0; i < LANES; i++) sum += differences[i];
    if (sum != 0) j->infinite[image] = 1;
}

static void do_tiles(void *with, ptrdiff_t unit) {
    const plan *l = with;
    job *j = l->j;
    const windows *w = &j->phases->w;
    ptrdiff_t C = j->channels, S = l->strip, width = l->width;
    ptrdiff_t v_step = S * C + LANES, m_step = S * width + LANES;
    ptrdiff_t spare = at_least(C, j->vectors * LANES);
    ptrdiff_t values = PLACES * (v_step + m_step) + 2 * spare;
    void *memory = malloc(64 + values * sizeof(REAL) + 12 * S * sizeof(REAL *) + spare);
    if (!memory) {
        j->failed = 1;
        return;
    }
    REAL *v = aligned(memory), *m = v + PLACES * v_step, *zeros = m + PLACES * m_step;
    REAL *unused = zeros + spare, **to = (REAL **)(unused + spare);
    const REAL **plus = (const REAL **)(to + 4 * S);
    unsigned char **kept = (unsigned char **)(plus + 4 * S);
    unsigned char *never = (unsigned char *)(kept + 4 * S);
    finish after = {.plus = j->plus ? plus : NULL, .kept = j->kept ? kept : NULL, .relu = j->relu};
    memset(zeros, 0, spare * sizeof(REAL));
    ptrdiff_t tile = l->all * unit / l->units, end = l->all * (unit + 1) / l->units;
    ptrdiff_t each = l->down * l->across; /* tiles of an image */
    ptrdiff_t n = tile / each, i = tile / l->across % l->down * 2, k = tile % l->across * 2;
    ptrdiff_t some = at_most(S, end - tile); /* what is multiplied beyond them is thrown away */
    for (ptrdiff_t at = 0; at < PLACES; at++)
        memset(v + at * v_step + some * C, 0, (S - some) * C * sizeof(REAL));
    for (ptrdiff_t T; tile < end; tile += T) {
        T = at_most(S, end - tile);
        for (ptrdiff_t t = 0; t < T; t++) {
            const REAL *pixel[PLACES];
            find_pixels(w, n, i, k, zeros, pixel);
            if (j->pooled) to[4 * t] = pooled_place(w, n, i, k, unused);
            else find_outputs(w, n, i, k, unused, to + 4 * t);
            transform_pixels(pixel, C, v + t * C, v_step);
            next_tile(w, &n, &i, &k);
        }
        for (ptrdiff_t p = 0; j->plus && p < 4 * T; p++)
            plus[p] = to[p] == unused ? zeros : j->plus + (to[p] - j->y);
        for (ptrdiff_t p = 0; j->kept && p < 4 * T; p++)
            kept[p] = to[p] == unused ? never : j->kept + (to[p] - j->y);
        for (ptrdiff_t first = 0, block; first < j->vectors; first += block) {
            block = block_at(j, first);
            const REAL *weight = j->packed + first * LANES * C * PLACES;
            for (ptrdiff_t at = 0; at < PLACES; at++)
                multiply(v + at * v_step, T, C, weight + at * C * block * LANES, block,
                         m + at * m_step);
            vector check = (vector){0};
            for (ptrdiff_t t = 0; t < T; t++) {
                for (ptrdiff_t q = 0; q < block; q++) {
                    ptrdiff_t o = (first + q) * LANES;
                    finish here = from(after, 4 * t, 0);
                    if (j->scale) here.scale = j->scale + o, here.shift = j->shift + o;
                    check += write_outputs(m + (t * block + q) * LANES, m_step, j->bias + o, &here,
                                           to + 4 * t, o, j->pooled);
                }
                if (t + 1 < T && (tile + t + 1) % each) continue;
                note(j, (tile + t) / each, check);
                check = (vector){0};
            }
        }
    }
    free(memory);
}

int conv_by_tiles(const job *j) {
    const windows *w = &j->phases->w;
    /* The weights are transformed anew each time. Whether that pays is asked of a single image, so
       that it has the same bits alone and among others. */
    return j->count == 1 && j->groups == 1 && !j->depthwise && in_tiles(w, j->outputs) &&
           w->out_height * w->out_width >= j->channels * j->outputs / 512;
}

void conv_tiles(job *j, int threads) {
    const windows *w = &j->phases->w;
    plan l = {.j = j, .down = pieces_of(w->out_height, 2), .across = pieces_of(w->out_width, 2)};
    l.all = w->images * l.down * l.across;
    l.width = at_most(WIDEST, j->vectors) * LANES;
    /* No more than the weights take, which are read once for each strip. */
    ptrdiff_t strip = at_most(CACHED / PLACES, j->channels * j->vectors * LANES);
    strip = whole(at_least(1, strip / (j->channels + l.width)), ROUND);
    ptrdiff_t least = WORTH / PLACES / j->channels / j->outputs;
    least = at_least(least, at_most(strip, l.all / 4));
    l.units = at_least(1, at_most(MOST, l.all / at_least(least, 1)));
    l.strip = at_most(strip, whole(pieces_of(l.all, l.units), ROUND));
    ptrdiff_t blocks = 0, work = l.all * PLACES * j->channels * j->outputs;
    for (ptrdiff_t at = 0; at < j->vectors; at += block_at(j, at)) blocks++;
    if (work < 3 * WORTH) threads = 1;
    share(transform_weights, &l, blocks, threads);
    if (!j->failed) share(do_tiles, &l, l.units, threads);
}
