/* Convolution and its input gradient. P pixels times Q registers of outputs stay in registers while
   the values under their windows are read where they lie: each load serves several products. */
#include "conv.h"

#include <stdlib.h>

#include "conv_tile.h"
#include "pool.h"

/* Pixels whose windows are found at a time. */
#define STRIP (8 * SIDE_BY_SIDE)
#define MOST_PIECES 64

/* A block of outputs for the pixels of a strip; their numbers per output begin at `first`. */
static void tiles(const job *j, const windows *w, ptrdiff_t vector, ptrdiff_t block,
                  const REAL *weight, ptrdiff_t first, ptrdiff_t pixels,
                  const REAL *const *source, REAL *const *to, const finish *f) {
    ptrdiff_t P, width = block * LANES;
    tile *compute = tile_for(block, &P);
    ptrdiff_t runs = runs_of(w), length = run_length(w, j->channels), o = vector * LANES;
    ptrdiff_t some = at_most(width, j->outputs - o);
    REAL spare[24 * LANES], more[24 * LANES], *aside[SIDE_BY_SIDE];
    unsigned char spare_kept[24 * LANES], *kept_aside[SIDE_BY_SIDE];
    const REAL *plus_aside[SIDE_BY_SIDE];
    for (ptrdiff_t p = 0; p < P; p++) {
        aside[p] = spare + p * width;
        kept_aside[p] = spare_kept + p * width;
        plus_aside[p] = more + p * width;
    }
    for (ptrdiff_t p = 0; p < pixels; p += P) {
        const REAL *const *s = source + p / SIDE_BY_SIDE * runs * SIDE_BY_SIDE + p % SIDE_BY_SIDE;
        finish here = from(*f, p, first);
        if (p + P <= pixels && some == width) {
            compute(s, runs, length, weight, j->bias + first, &here, to + p, o);
            continue;
        }
        if (f->plus) {
            memset(more, 0, sizeof more);
            for (ptrdiff_t i = 0; i < at_most(P, pixels - p); i++)
                memcpy(more + i * width, f->plus[p + i] + o, some * sizeof(REAL));
            here.plus = plus_aside;
        }
        if (f->kept) here.kept = kept_aside;
        compute(s, runs, length, weight, j->bias + first, &here, aside, 0);
        for (ptrdiff_t i = 0; i < at_most(P, pixels - p); i++) {
            memcpy(to[p + i] + o, aside[i], some * sizeof(REAL));
            if (f->kept) memcpy(f->kept[p + i] + o, kept_aside[i], some);
        }
    }
}

/* Depthwise: each channel by itself. `weight` is (taps, channels), `o` the first channel. */
#define DEPTH(NAME, REGISTERS)                                                                     \
    static void NAME(const REAL *const *source, ptrdiff_t runs, ptrdiff_t channels,                \
                     const REAL *weight, const REAL *bias, const finish *f, REAL *const *to,       \
                     ptrdiff_t o) {                                                                \
        enum { P = 6, Q = REGISTERS };                                                             \
        vector sum[P][Q];                                                                          \
        EACH_P EACH_Q sum[p][q] = load(bias + o + q * LANES);                                      \
        for (; runs; runs--, source += SIDE_BY_SIDE, weight += channels) {                         \
            vector w[Q];                                                                           \
            EACH_Q w[q] = load(weight + o + q * LANES);                                            \
            EACH_P EACH_Q sum[p][q] += load(source[p] + o + q * LANES) * w[q];                     \
        }                                                                                          \
        STORE(o)                                                                                   \
    }

DEPTH(depth_1, 1)
DEPTH(depth_2, 2)

/* What STORE does, for one output of a pixel. */
static void finish_one(const finish *f, REAL value, REAL *const *to, ptrdiff_t pixel, ptrdiff_t c) {
    if (f->scale) value = value * f->scale[c] + f->shift[c];
    if (f->plus) value += f->plus[pixel][c];
    if (f->kept) f->kept[pixel][c] = f->relu == 6 ? (value > 0) & (value < 6) : !(value <= 0);
    if (f->relu == 6 && value >= 6) value = 6;
    to[pixel][c] = f->relu && value <= 0 ? 0 : value;
}

/* All channels of a depthwise convolution for the pixels of a strip, a multiple of 6. */
static void depthwise_tiles(const job *j, const windows *w, const REAL *weight,
                            ptrdiff_t pixels, const REAL *const *source, REAL *const *to,
                            const finish *f) {
    ptrdiff_t runs = runs_of(w), channels = j->channels;
    for (ptrdiff_t p = 0; p < pixels; p += 6) {
        const REAL *const *s = source + p / SIDE_BY_SIDE * runs * SIDE_BY_SIDE + p % SIDE_BY_SIDE;
        finish here = from(*f, p, 0);
        ptrdiff_t c = 0;
        for (; c + 2 * LANES <= channels; c += 2 * LANES)
            depth_2(s, runs, channels, weight, j->bias, &here, to + p, c);
        for (; c < channels && channels >= LANES; c += LANES) /* the last may repeat a few */
            depth_1(s, runs, channels, weight, j->bias, &here, to + p,
                    at_most(c, channels - LANES));
        for (; c < channels; c++)
            for (ptrdiff_t i = 0; i < 6; i++) {
                REAL sum = j->bias[c];
                for (ptrdiff_t run = 0; run < runs; run++)
                    sum += s[run * SIDE_BY_SIDE + i][c] * weight[run * channels + c];
                finish_one(&here, sum, to + p, i, c);
            }
    }
}

/* The pixels of a phase from `first` to `end`, for the outputs in the registers from `low` to
   `high`. `packed` has their weights, all taps of them. */
static void do_pixels(job *j, const phase *f, ptrdiff_t group, ptrdiff_t low, ptrdiff_t high,
                      const REAL *packed, ptrdiff_t first, ptrdiff_t end) {
    windows w = f->w;
    w.x += group * j->channels;
    w.y += group * j->outputs;
    ptrdiff_t runs = runs_of(&w), length = whole(run_length(&w, w.channels), 16);
    ptrdiff_t edges = w.whole_rows ? STRIP * runs * length : 0, spare = whole(w.channels, 16);
    ptrdiff_t values = length + spare + edges, channels = j->depthwise ? j->channels : j->inputs;
    void *memory = malloc(64 + values * sizeof(REAL) + STRIP * (runs + 3) * sizeof(REAL *) + spare);
    if (!memory) {
        j->failed = 1;
        return;
    }
    REAL *zeros = aligned(memory), *unused = zeros + length, *edge = unused + spare;
    const REAL **source = (const REAL **)(zeros + values);
    REAL **to = (REAL **)(source + STRIP * runs);
    const REAL **plus = (const REAL **)(to + STRIP);
    unsigned char **kept = (unsigned char **)(plus + STRIP);
    finish after = {.scale = j->scale, .shift = j->shift, .plus = j->plus ? plus : NULL,
                    .kept = j->kept ? kept : NULL, .relu = j->relu};
    memset(zeros, 0, (length + spare) * sizeof(REAL));
    for (; first < end; first += STRIP) {
        ptrdiff_t pixels = at_most(STRIP, end - first);
        find_runs(&w, first, pixels, SIDE_BY_SIDE, source, to, zeros, edge);
        for (ptrdiff_t p = 0; j->plus && p < pixels; p++) plus[p] = j->plus + (to[p] - j->y);
        for (ptrdiff_t p = 0; j->kept && p < pixels; p++) kept[p] = j->kept + (to[p] - j->y);
        if (j->depthwise) {
            for (ptrdiff_t p = pixels; p % 6; p++) {
                plus[p] = to[p] = unused;
                kept[p] = (unsigned char *)(kept + STRIP);
            }
            depthwise_tiles(j, &w, packed + f->tap * channels, whole(pixels, 6), source, to,
                            &after);
            continue;
        }
        for (ptrdiff_t at = low, block; at < high; at += block) {
            block = block_at(j, at);
            const REAL *weight = packed + (at - low) * LANES * j->taps * channels;
            tiles(j, &w, at, block, weight + f->tap * channels * block * LANES,
                  (group * j->vectors + at) * LANES, pixels, source, to, &after);
        }
    }
    free(memory);
}

static void do_unit(void *with, ptrdiff_t unit) {
    job *j = with;
    ptrdiff_t K = j->taps * j->inputs;
    if (j->by_outputs) {
        ptrdiff_t pairs = pieces_of(j->vectors, 2), group = unit / pairs, low = unit % pairs * 2;
        ptrdiff_t high = at_most(low + 2, j->vectors);
        void *memory = malloc(64 + (high - low) * LANES * K * sizeof(REAL));
        if (!memory) {
            j->failed = 1;
            return;
        }
        conv_pack(j, group, low, high - low, aligned(memory));
        for (const phase *f = j->phases; f < j->phases + j->count; f++)
            do_pixels(j, f, group, low, high, aligned(memory), 0, pixels_of(&f->w));
        free(memory);
    } else {
        const phase *f = j->phases;
        while (f + 1 < j->phases + j->count && unit >= f[1].unit) f++;
        ptrdiff_t group = (unit - f->unit) / f->pieces, piece = (unit - f->unit) % f->pieces;
        ptrdiff_t all = pixels_of(&f->w), size = whole(pieces_of(all, f->pieces), SIDE_BY_SIDE);
        do_pixels(j, f, group, 0, j->vectors, j->packed + group * j->vectors * LANES * K,
                  piece * size, at_most((piece + 1) * size, all));
    }
}

/* Lay out the weights of all groups. */
static void pack_all(const job *j) {
    REAL *to = j->packed;
    for (ptrdiff_t t = 0; j->depthwise && t < j->positions; t++)
        for (ptrdiff_t c = 0; j->place[t] >= 0 && c < j->channels; c++)
            to[j->place[t] * j->channels + c] = j->weight[c * j->positions + t];
    for (ptrdiff_t g = 0; !j->depthwise && g < j->groups; g++)
        for (ptrdiff_t at = 0, block; at < j->vectors; at += block) {
            block = block_at(j, at);
            conv_pack(j, g, at, block, to);
            to += block * LANES * j->taps * j->inputs;
        }
}

/* Copy a number of each output, or 0, so that every group fills whole registers. */
static void by_registers(const job *j, const REAL *numbers, REAL *to) {
    for (ptrdiff_t g = 0; g < j->groups; g++)
        for (ptrdiff_t o = 0; o < j->vectors * LANES; o++)
            *to++ = numbers && o < j->outputs ? numbers[g * j->outputs + o] : 0;
}

/* Do the images once more whose outputs are not all finite numbers. Returns 2 if they would have to
   be pooled. */
static int do_infinite(job *j) {
    phase all = *j->phases, one = all;
    one.w.images = 1;
    for (ptrdiff_t n = 0, packed = 0; n < all.w.images; n++) {
        if (!j->infinite[n]) continue;
        if (j->pooled) return 2;
        if (!packed++) pack_all(j);
        one.w.x = all.w.x + n * all.w.height * all.w.width * all.w.channels;
        one.w.y = all.w.y + n * all.w.image_step;
        do_pixels(j, &one, 0, 0, j->vectors, j->packed, 0, pixels_of(&one.w));
    }
    return 0;
}

int conv_run(job *j, const REAL *bias, const REAL *scale, const REAL *shift, int threads) {
    ptrdiff_t work = 0, units = 0, lanes = j->vectors * LANES;
    for (phase *f = j->phases; f < j->phases + j->count; f++) {
        ptrdiff_t pixels = pixels_of(&f->w);
        ptrdiff_t each = pixels * lanes * (f->taps * j->inputs + 32); /* 32: to find and to write */
        f->pieces = at_least(1, at_most(at_most(each / WORTH, MOST_PIECES), pixels / STRIP));
        f->unit = units;
        units += f->pieces * j->groups;
        work += each * j->groups;
    }
    const windows *w = &j->phases->w;
    int by_tiles = conv_by_tiles(j), failed = 0;
    if (j->pooled && !by_tiles) return 2;
    j->by_outputs = !by_tiles && !j->depthwise && j->vectors >= 3 &&
                    j->taps * j->outputs > w->images * w->height * w->width;
    if (j->by_outputs) units = j->groups * pieces_of(j->vectors, 2);
    ptrdiff_t all = j->groups * lanes, places = by_tiles ? 16 : j->taps;
    ptrdiff_t packed = j->by_outputs ? 0 : places * j->inputs * all;
    void *memory = malloc(64 + (3 * all + packed) * sizeof(REAL) + w->images);
    if (!memory) return 1;
    j->packed = aligned(memory);
    j->bias = j->packed + packed;
    by_registers(j, bias, j->bias);
    if (scale) {
        j->scale = j->bias + all;
        j->shift = j->scale + all;
        by_registers(j, scale, j->scale);
        by_registers(j, shift, j->shift);
    }
    if (by_tiles) {
        j->infinite = (unsigned char *)(j->bias + 3 * all);
        memset(j->infinite, 0, w->images);
        conv_tiles(j, threads);
        failed = do_infinite(j);
    } else {
        if (packed) pack_all(j);
        share(do_unit, j, units, work < 3 * WORTH ? 1 : threads);
    }
    free(memory);
    return j->failed ? 1 : failed;
}
