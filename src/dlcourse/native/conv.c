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

/* The pixels of a phase from `first` to `end`, for the outputs in the registers from `low` to `high`.
   `packed` has their weights, all taps of them. */
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
            depthwise_tiles(j, &w, packed + f->tap * channels, whole(pixels, 6), source, to, &after);
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

/* Cut the work by its size into units, and do them. Returns 1 if memory is short. */
static int run(job *j, const REAL *bias, const REAL *scale, const REAL *shift, int threads) {
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
    j->by_outputs = !j->depthwise && j->vectors >= 3 &&
                    j->taps * j->outputs > w->images * w->height * w->width;
    if (j->by_outputs) units = j->groups * pieces_of(j->vectors, 2);
    int by_tiles = conv_by_tiles(j);
    if (j->pooled && !by_tiles) return 2;
    ptrdiff_t all = j->groups * lanes, places = by_tiles ? 16 : j->taps;
    ptrdiff_t packed = j->by_outputs && !by_tiles ? 0 : places * j->inputs * all;
    void *memory = malloc(64 + (3 * all + packed) * sizeof(REAL));
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
        j->by_outputs = 0;
        conv_tiles(j, threads);
        if (!j->infinite || j->failed || j->pooled) {
            free(memory);
            return j->failed ? 1 : 2 * j->infinite;
        }
    }
    if (packed) pack_all(j);
    share(do_unit, j, units, work < 3 * WORTH ? 1 : threads);
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

/* y (N, OH, OW, O) of x (N, H, W, C), weight (O, C / groups, KH, KW), and bias (O) or NULL. What
   follows is left out where it is NULL: each value times `scale` (O) plus `shift` (O); plus `plus`;
   ReLU where `relu` is 1, or ReLU6 where it is 6, whose mask is `kept`; all (N, OH, OW, O). With
   `pooled`, the largest of 2x2 of these, y (N, OH / 2, OW / 2, O), without `plus` and `kept`. Returns
   1 if memory is short, as all here do; and 2 if it cannot do that, or not with such numbers. */
API int conv(const REAL *x, const convolution *c, const REAL *weight, const REAL *bias,
             const REAL *scale, const REAL *shift, const REAL *plus, ptrdiff_t relu, ptrdiff_t pooled,
             REAL *y, unsigned char *kept, int threads) {
    job j = job_for(c, c->channels, c->outputs);
    j.weight = weight;
    j.y = y;
    j.kept = kept;
    j.plus = plus;
    j.relu = (int)relu;
    j.pooled = (int)pooled;
    j.channel_step = j.positions;
    j.output_step = j.inputs * j.positions;
    j.group_step = j.outputs * j.output_step;
    j.taps = j.positions;
    j.place = malloc(j.positions * sizeof(ptrdiff_t));
    if (!j.place) return 1;
    for (ptrdiff_t t = 0; t < j.positions; t++) j.place[t] = t;
    phase f = {.w = layer_windows(c, x, y), .taps = j.taps};
    f.w.whole_rows = !j.depthwise && as_runs(&f.w, j.groups);
    j.phases = &f;
    j.count = 1;
    int failed = run(&j, bias, scale, shift, threads);
    free(j.place);
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

/* dx (N, H, W, C) of dy (N, OH, OW, O), and `plus` of that shape if it is not NULL; with a bias (C),
   the transposed convolution. Every pixel
   (a + i stride_y, b + j stride_x) is seen by the same positions of the kernel: so dx is as many
   convolutions of stride 1 as there are a and b, each with some of the positions, in reverse. */
API int conv_input_grad(const REAL *dy, const convolution *c, const REAL *weight, const REAL *bias,
                        const REAL *plus, REAL *dx, int threads) {
    job j = job_for(c, c->outputs, c->channels);
    j.weight = weight;
    j.plus = plus;
    j.y = dx;
    j.output_step = j.positions;
    j.channel_step = j.outputs * j.positions;
    j.group_step = j.channels * j.channel_step;
    ptrdiff_t most = c->stride_y * c->stride_x;
    j.phases = malloc(most * sizeof(phase));
    j.place = malloc((j.positions + c->rows + c->columns) * sizeof(ptrdiff_t));
    ptrdiff_t *place_y = j.place + j.positions, *place_x = place_y + c->rows;
    for (ptrdiff_t t = 0; j.place && t < j.positions; t++) j.place[t] = -1;
    for (ptrdiff_t i = 0; i < most && j.phases && j.place; i++) {
        ptrdiff_t a = i / c->stride_x, b = i % c->stride_x;
        if (a >= c->height || b >= c->width) continue;
        phase *f = j.phases + j.count++;
        *f = (phase){.tap = j.taps};
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
                if (place_y[u] >= 0 && place_x[v] >= 0)
                    j.place[u * c->columns + v] = f->tap + place_y[u] * w->columns + place_x[v];
        j.taps += f->taps;
    }
    int failed = !j.phases || !j.place || run(&j, bias, NULL, NULL, threads);
    free(j.place);
    free(j.phases);
    return failed;
}
