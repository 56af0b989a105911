/* Convolution and its input gradient. P pixels times Q registers of outputs stay in registers while
   the values under their windows are read where they lie: each load serves several products. */
#include <stdlib.h>

#include "pool.h"
#include "transpose.h"
#include "windows.h"

/* Tiles whose windows are found at a time. */
#define STRIP (8 * SIDE_BY_SIDE)
/* Multiply-adds that are worth a unit of work: about 20 microseconds. */
#define WORTH ((ptrdiff_t)1 << 20)
#define MOST_PIECES 64

/* Tiles for 1, 2 and 4 registers of outputs; the last only where the processor has 32 registers. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define WIDEST 4
#define PIXELS_2 12
#else
#define WIDEST 2
#define PIXELS_2 6
#endif

#define EACH_P _Pragma("GCC unroll 16") for (int p = 0; p < P; p++)
#define EACH_Q _Pragma("GCC unroll 4") for (int q = 0; q < Q; q++)

/* `sum` to the places of the P pixels, from output `o` on. */
#define STORE                                                                                      \
    EACH_P EACH_Q store(to[p] + o + q * LANES, relu ? positive(sum[p][q]) : sum[p][q]);

#define TILE(NAME, PIXELS, REGISTERS)                                                              \
    static void NAME(const REAL *const *source, ptrdiff_t runs, ptrdiff_t length,                  \
                     const REAL *weight, const REAL *bias, int relu, REAL *const *to,              \
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
        STORE                                                                                      \
    }

typedef void tile(const REAL *const *, ptrdiff_t, ptrdiff_t, const REAL *, const REAL *, int,
                  REAL *const *, ptrdiff_t);

TILE(tile_1, 12, 1)
TILE(tile_2, PIXELS_2, 2)
#if WIDEST == 4
TILE(tile_4, 6, 4)
#else
#define tile_4 tile_2
#endif

/* Depthwise: each channel by itself. `weight` is (taps, channels), `o` the first of the channels. */
#define DEPTH(NAME, REGISTERS)                                                                     \
    static void NAME(const REAL *const *source, ptrdiff_t runs, ptrdiff_t channels,                \
                     const REAL *weight, const REAL *bias, int relu, REAL *const *to,              \
                     ptrdiff_t o) {                                                                \
        enum { P = 6, Q = REGISTERS };                                                             \
        vector sum[P][Q];                                                                          \
        EACH_P EACH_Q sum[p][q] = load(bias + o + q * LANES);                                      \
        for (; runs; runs--, source += SIDE_BY_SIDE, weight += channels) {                         \
            vector w[Q];                                                                           \
            EACH_Q w[q] = load(weight + o + q * LANES);                                            \
            EACH_P EACH_Q sum[p][q] += load(source[p] + o + q * LANES) * w[q];                     \
        }                                                                                          \
        STORE                                                                                      \
    }

DEPTH(depth_1, 1)
DEPTH(depth_2, 2)

/* Windows with weights of their own: all of a convolution, or a part of its way back. */
typedef struct {
    windows w;
    ptrdiff_t *place;       /* of each position in the kernel among those in use, or -1 */
    ptrdiff_t taps;         /* how many are in use */
    ptrdiff_t unit, pieces; /* the first of its units of work, and how many each group has */
    REAL *packed;           /* weights in the order of use, one group after another */
} phase;

typedef struct {
    phase *phases;
    ptrdiff_t count;
    ptrdiff_t groups, channels, outputs, vectors; /* of a group: channels, outputs, registers */
    ptrdiff_t inputs;                             /* channels that an output sees */
    ptrdiff_t positions, output_step, channel_step, group_step; /* of the weights */
    const REAL *weight;
    REAL *bias;     /* one group after another, each padded to whole registers */
    int relu, depthwise;
    int by_outputs; /* whether a unit has all pixels, and lays out the weights of its outputs */
    int failed;
} job;

/* Registers in the block of outputs that begins with this one. */
static ptrdiff_t block_at(const job *j, ptrdiff_t vector) {
    ptrdiff_t left = j->vectors - vector;
    return left >= 4 && !j->by_outputs ? WIDEST : left >= 2 ? 2 : 1;
}

/* Where the weights of a position and a channel are laid out; null for one that is not in use. */
static REAL *place_of(const job *j, const phase *f, ptrdiff_t c, ptrdiff_t t, ptrdiff_t width,
                      REAL *to) {
    return f->place[t] < 0 ? NULL : to + (f->place[t] * j->channels + c) * width;
}

/* Lay out `count` weights that are neighbours in memory, from position `t` of channel `c` on, for
   a full register of outputs. `from` is that of the first output; LANES can be read. */
static void pack_neighbours(const job *j, const phase *f, const REAL *from, ptrdiff_t c,
                            ptrdiff_t t, ptrdiff_t count, ptrdiff_t width, REAL *to) {
    vector row[LANES];
    for (ptrdiff_t i = 0; i < LANES; i++) row[i] = load(from + i * j->output_step);
    transpose(row);
    for (ptrdiff_t i = 0; i < count; i++) {
        REAL *out = place_of(j, f, c, t, width, to);
        if (out) store(out, row[i]);
        if (++t == j->positions) t = 0, c++;
    }
}

/* Lay out the weights of a channel and a register of outputs, of which `some` are there. */
static void pack_channel(const job *j, const phase *f, const REAL *from, ptrdiff_t c, ptrdiff_t t,
                         ptrdiff_t some, ptrdiff_t width, REAL *to) {
    for (; t < j->positions; t++) {
        REAL *out = place_of(j, f, c, t, width, to);
        if (!out) continue;
        if (some == LANES && j->output_step == 1) {
            store(out, load(from + t));
            continue;
        }
        for (ptrdiff_t i = 0; i < some; i++) out[i] = from[t + i * j->output_step];
        for (ptrdiff_t i = some; i < LANES; i++) out[i] = 0;
    }
}

/* Lay out the weights of a block of outputs as (taps, channels, outputs). */
static void pack(const job *j, const phase *f, ptrdiff_t group, ptrdiff_t vector, ptrdiff_t block,
                 REAL *to) {
    ptrdiff_t width = block * LANES, T = j->positions, first = vector * LANES, done = 0;
    ptrdiff_t step = j->output_step, left = j->outputs - first;
    const REAL *from = j->weight + group * j->group_step + first * step;
    if (j->channel_step == T && left >= width) /* all weights of an output are neighbours */
        for (; done + LANES <= j->channels * T; done += LANES)
            for (ptrdiff_t o = 0; o < width; o += LANES)
                pack_neighbours(j, f, from + o * step + done, done / T, done % T, LANES, width,
                                to + o);
    for (ptrdiff_t c = done / T, t = done % T; c < j->channels; c++, t = 0)
        for (ptrdiff_t o = 0; o < width; o += LANES) {
            const REAL *w = from + o * step + c * j->channel_step;
            /* Those of a channel are; what is read beyond them belongs to the next channel. */
            if (step == T && T >= LANES / 4 && left >= o + LANES && c < j->channels - 1)
                for (ptrdiff_t i = 0; i < T; i += LANES)
                    pack_neighbours(j, f, w + i, c, i, at_most(LANES, T - i), width, to + o);
            else
                pack_channel(j, f, w, c, t, at_most(LANES, left - o), width, to + o);
        }
}

/* A block of outputs for the pixels of a strip. */
static void tiles(const job *j, const windows *w, ptrdiff_t vector, ptrdiff_t block,
                  const REAL *weight, const REAL *bias, ptrdiff_t pixels,
                  const REAL *const *source, REAL *const *to) {
    ptrdiff_t P = block == 4 ? 6 : block == 2 ? PIXELS_2 : 12, width = block * LANES;
    ptrdiff_t runs = runs_of(w), length = run_length(w, j->channels), o = vector * LANES;
    ptrdiff_t some = at_most(width, j->outputs - o);
    tile *compute = block == 4 ? tile_4 : block == 2 ? tile_2 : tile_1;
    REAL spare[24 * LANES], *aside[SIDE_BY_SIDE];
    for (ptrdiff_t p = 0; p < P; p++) aside[p] = spare + p * width;
    for (ptrdiff_t p = 0; p < pixels; p += P) {
        const REAL *const *s = source + p / SIDE_BY_SIDE * runs * SIDE_BY_SIDE + p % SIDE_BY_SIDE;
        if (p + P <= pixels && some == width) {
            compute(s, runs, length, weight, bias, j->relu, to + p, o);
        } else {
            compute(s, runs, length, weight, bias, j->relu, aside, 0);
            for (ptrdiff_t i = 0; i < at_most(P, pixels - p); i++)
                memcpy(to[p + i] + o, aside[i], some * sizeof(REAL));
        }
    }
}

/* All channels of a depthwise convolution for the pixels of a strip, a multiple of 6. */
static void depthwise_tiles(const job *j, const phase *f, ptrdiff_t pixels,
                            const REAL *const *source, REAL *const *to) {
    ptrdiff_t runs = runs_of(&f->w), channels = j->channels;
    for (ptrdiff_t p = 0; p < pixels; p += 6) {
        const REAL *const *s = source + p / SIDE_BY_SIDE * runs * SIDE_BY_SIDE + p % SIDE_BY_SIDE;
        ptrdiff_t c = 0;
        for (; c + 2 * LANES <= channels; c += 2 * LANES)
            depth_2(s, runs, channels, f->packed, j->bias, j->relu, to + p, c);
        for (; c < channels && channels >= LANES; c += LANES) /* the last may repeat a few */
            depth_1(s, runs, channels, f->packed, j->bias, j->relu, to + p,
                    at_most(c, channels - LANES));
        for (; c < channels; c++)
            for (ptrdiff_t i = 0; i < 6; i++) {
                REAL sum = j->bias[c];
                for (ptrdiff_t run = 0; run < runs; run++)
                    sum += s[run * SIDE_BY_SIDE + i][c] * f->packed[run * channels + c];
                to[p + i][c] = j->relu && sum <= 0 ? 0 : sum;
            }
    }
}

static void do_unit(void *with, ptrdiff_t unit) {
    job *j = with;
    const phase *f = j->phases;
    while (f + 1 < j->phases + j->count && unit >= f[1].unit) f++;
    ptrdiff_t group = (unit - f->unit) / f->pieces, piece = (unit - f->unit) % f->pieces;
    windows w = f->w;
    ptrdiff_t first = 0, end = w.images * w.out_height * w.out_width;
    ptrdiff_t low = 0, high = j->vectors; /* registers of outputs */
    if (j->by_outputs) {
        low = 2 * piece;
        high = at_most(low + 2, high);
    } else {
        ptrdiff_t size = whole(pieces_of(end, f->pieces), SIDE_BY_SIDE);
        first = piece * size;
        end = at_most(first + size, end);
    }
    w.x += group * j->channels;
    w.y += group * j->outputs;
    ptrdiff_t runs = runs_of(&w), length = run_length(&w, w.channels), K = f->taps * j->inputs;
    ptrdiff_t edges = w.whole_rows ? whole(STRIP * runs * length, 16) : 0;
    ptrdiff_t panel = j->by_outputs ? (high - low) * LANES * K : 0;
    ptrdiff_t values = whole(panel, 16) + whole(length, 16) + whole(w.channels, 16) + edges;
    void *memory = malloc(64 + values * sizeof(REAL) + STRIP * (runs + 1) * sizeof(REAL *));
    if (!memory) {
        j->failed = 1;
        return;
    }
    REAL *own = aligned(memory), *zeros = own + whole(panel, 16);
    REAL *spare = zeros + whole(length, 16), *edge = spare + whole(w.channels, 16);
    const REAL **source = (const REAL **)(own + values);
    REAL **to = (REAL **)(source + STRIP * runs);
    memset(zeros, 0, length * sizeof(REAL));
    if (j->by_outputs) pack(j, f, group, low, high - low, own);
    for (; first < end; first += STRIP) {
        ptrdiff_t pixels = at_most(STRIP, end - first);
        find_runs(&w, first, pixels, SIDE_BY_SIDE, source, to, zeros, edge);
        if (j->depthwise) {
            for (ptrdiff_t p = pixels; p % 6; p++) to[p] = spare;
            depthwise_tiles(j, f, whole(pixels, 6), source, to);
            continue;
        }
        for (ptrdiff_t at = low, block; at < high; at += block) {
            block = block_at(j, at);
            const REAL *weight = own, *bias = j->bias + (group * j->vectors + at) * LANES;
            if (!j->by_outputs) weight = f->packed + (group * j->vectors + at) * LANES * K;
            tiles(j, &w, at, block, weight, bias, pixels, source, to);
        }
    }
    free(memory);
}

/* Lay out weights and bias, cut the work by its size into units, and do them; 1 if memory is short. */
static int run(job *j, const REAL *bias, int threads) {
    ptrdiff_t taps = 0, work = 0, units = 0, lanes = j->vectors * LANES;
    for (phase *f = j->phases; f < j->phases + j->count; f++) {
        const windows *w = &f->w;
        ptrdiff_t pixels = w->images * w->out_height * w->out_width;
        ptrdiff_t each = pixels * lanes * (f->taps * j->inputs + 8); /* 8: to find and to write */
        work += each * j->groups;
        taps += f->taps;
        f->pieces = at_least(1, at_most(at_most(each / WORTH, MOST_PIECES), pixels / STRIP));
    }
    const windows *w = &j->phases->w;
    j->by_outputs = !j->depthwise && j->vectors >= 3 &&
                    taps * j->outputs > w->images * w->height * w->width;
    for (phase *f = j->phases; f < j->phases + j->count; f++) {
        if (j->by_outputs) f->pieces = pieces_of(j->vectors, 2);
        f->unit = units;
        units += f->pieces * j->groups;
    }
    ptrdiff_t all = j->groups * lanes, packed = j->by_outputs ? 0 : taps * j->inputs * all;
    void *memory = malloc(64 + (all + packed) * sizeof(REAL));
    if (!memory) return 1;
    j->bias = aligned(memory);
    REAL *to = j->bias + all;
    for (ptrdiff_t g = 0; g < j->groups; g++)
        for (ptrdiff_t o = 0; o < lanes; o++)
            j->bias[g * lanes + o] = bias && o < j->outputs ? bias[g * j->outputs + o] : 0;
    for (phase *f = j->phases; packed && f < j->phases + j->count; f++) {
        f->packed = to;
        if (j->depthwise) {
            for (ptrdiff_t t = 0; t < j->positions; t++)
                for (ptrdiff_t c = 0; f->place[t] >= 0 && c < j->channels; c++)
                    to[f->place[t] * j->channels + c] = j->weight[c * j->positions + t];
            to += f->taps * j->channels;
            continue;
        }
        for (ptrdiff_t g = 0; g < j->groups; g++)
            for (ptrdiff_t at = 0, block; at < j->vectors; at += block) {
                block = block_at(j, at);
                pack(j, f, g, at, block, to);
                to += block * LANES * f->taps * j->inputs;
            }
    }
    share(do_unit, j, units, work < 2 * WORTH ? 1 : threads);
    free(memory);
    return j->failed;
}

static int as_runs(const windows *w, ptrdiff_t groups) {
    return groups == 1 && w->columns > 1 && w->dilation_x == 1 && w->channels <= FEW_CHANNELS;
}

/* What both directions have in common; `channels` are read and `outputs` written. */
static job job_for(const convolution *c, ptrdiff_t channels, ptrdiff_t outputs) {
    job j = {.groups = c->groups, .positions = c->rows * c->columns};
    j.depthwise = c->groups > 1 && channels == c->groups && outputs == c->groups;
    if (j.depthwise) j.groups = 1;
    j.channels = channels / j.groups;
    j.outputs = outputs / j.groups;
    j.inputs = j.depthwise ? 1 : j.channels;
    j.vectors = pieces_of(j.outputs, LANES);
    return j;
}

/* y (N, OH, OW, O) of x (N, H, W, C), weight (O, C / groups, KH, KW), and bias (O) or null.
   Returns 1 if memory is short, as all here do. */
API int conv(const REAL *x, const convolution *c, const REAL *weight, const REAL *bias, int relu,
             REAL *y, int threads) {
    job j = job_for(c, c->channels, c->outputs);
    j.weight = weight;
    j.relu = relu;
    j.channel_step = j.positions;
    j.output_step = j.inputs * j.positions;
    j.group_step = j.outputs * j.output_step;
    phase f = {.taps = j.positions, .place = malloc(j.positions * sizeof(ptrdiff_t))};
    if (!f.place) return 1;
    for (ptrdiff_t t = 0; t < j.positions; t++) f.place[t] = t;
    f.w = layer_windows(c, x, y);
    f.w.whole_rows = !j.depthwise && as_runs(&f.w, j.groups);
    j.phases = &f;
    j.count = 1;
    int failed = run(&j, bias, threads);
    free(f.place);
    return failed;
}

/* The positions that see every `stride`-th pixel from the one at `start` on, last position first:
   how many, where the first of them lies in the gradient, and how far apart they are. */
static ptrdiff_t positions_at(ptrdiff_t start, ptrdiff_t size, ptrdiff_t stride, ptrdiff_t padding,
                              ptrdiff_t dilation, ptrdiff_t *place, ptrdiff_t *first,
                              ptrdiff_t *apart) {
    ptrdiff_t count = 0;
    *first = 0;
    *apart = 1;
    for (ptrdiff_t u = size - 1; u >= 0; u--) {
        ptrdiff_t at = start + padding - u * dilation;
        place[u] = -1;
        if (at % stride) continue;
        if (count == 0) *first = at / stride;
        if (count == 1) *apart = at / stride - *first;
        place[u] = count++;
    }
    return count;
}

/* dx (N, H, W, C) of dy (N, OH, OW, O); with a bias (C), the transposed convolution. Every pixel
   (a + i stride_y, b + j stride_x) is seen by the same positions of the kernel: so dx is as many
   convolutions of stride 1 as there are a and b, each with some of the positions, in reverse. */
API int conv_input_grad(const REAL *dy, const convolution *c, const REAL *weight, const REAL *bias,
                        REAL *dx, int threads) {
    job j = job_for(c, c->outputs, c->channels);
    j.weight = weight;
    j.output_step = j.positions;
    j.channel_step = j.outputs * j.positions;
    j.group_step = j.channels * j.channel_step;
    ptrdiff_t most = c->stride_y * c->stride_x;
    j.phases = malloc(most * sizeof(phase));
    ptrdiff_t *places = malloc((most * j.positions + c->rows + c->columns) * sizeof(ptrdiff_t));
    ptrdiff_t *place_y = places + most * j.positions, *place_x = place_y + c->rows;
    for (ptrdiff_t i = 0; i < most && j.phases && places; i++) {
        ptrdiff_t a = i / c->stride_x, b = i % c->stride_x;
        if (a >= c->height || b >= c->width) continue;
        phase *f = j.phases + j.count++;
        *f = (phase){.place = places + i * j.positions};
        windows *w = &f->w;
        *w = (windows){
            .x = dy, .images = c->images, .height = c->out_height, .width = c->out_width,
            .channels = c->outputs, .stride_y = 1, .stride_x = 1,
            .out_height = pieces_of(c->height - a, c->stride_y),
            .out_width = pieces_of(c->width - b, c->stride_x),
            .y = dx + (a * c->width + b) * c->channels,
            .image_step = c->height * c->width * c->channels,
            .row_step = c->stride_y * c->width * c->channels,
            .pixel_step = c->stride_x * c->channels,
        };
        w->rows = positions_at(a, c->rows, c->stride_y, c->padding_y, c->dilation_y, place_y,
                               &w->top, &w->dilation_y);
        w->columns = positions_at(b, c->columns, c->stride_x, c->padding_x, c->dilation_x, place_x,
                                  &w->left, &w->dilation_x);
        f->taps = w->rows * w->columns;
        w->whole_rows = !j.depthwise && as_runs(w, j.groups);
        for (ptrdiff_t u = 0; u < c->rows; u++)
            for (ptrdiff_t v = 0; v < c->columns; v++)
                f->place[u * c->columns + v] =
                    place_y[u] < 0 || place_x[v] < 0 ? -1 : place_y[u] * w->columns + place_x[v];
    }
    int failed = !j.phases || !places || run(&j, bias, threads);
    free(places);
    free(j.phases);
    return failed;
}
