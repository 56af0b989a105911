/* The weight gradient of a convolution. T values of a run times Q registers of output gradients
   stay in registers while their products are added up over the pixels of an image. */
#include <stdlib.h>

#include "conv_grads.h"
#include "conv_weight_tile.h"
#include "conv_winograd_weight.h"
#include "pool.h"
#include "transpose.h"

/* Multiply-adds that are worth a unit of work: about 20 microseconds. */
#define WORTH ((ptrdiff_t)1 << 20)
#define MOST_PIECES 16
/* Pixels whose products are added up before they are added to the sum of all. */
#define PIXELS 256

typedef struct {
    const convolution *c;
    const REAL *x, *dy;
    REAL *dw;
    ptrdiff_t channels, outputs, vectors; /* of a group: channels, outputs, registers */
    ptrdiff_t together, parts;            /* lines added up at a time, and how many such parts */
    ptrdiff_t pieces;                     /* of the parts, each with a sum of its own */
    ptrdiff_t blocks;                     /* of outputs in a group */
    ptrdiff_t size;                       /* values of one sum */
    REAL *totals;
    int whole_rows; /* whether a row of the window is one run, with copies at the edges */
    int outside;    /* whether zeros around the image count, which they do for infinite gradients */
    int by_parts;   /* whether a unit has some of the parts, or else some of the weights */
    int infinite, failed;
} job;

typedef struct {
    void *memory;
    line *lines;
    REAL *zeros, *edges, *padded;
} scratch;

/* The registers of outputs in a block, of which the first is `*vector`: two, one, or one that is
   not full. There are two in each but for the last ones. */
static ptrdiff_t block_at(const job *j, ptrdiff_t block, ptrdiff_t *vector) {
    ptrdiff_t pairs = j->outputs / LANES / 2;
    *vector = block < pairs ? 2 * block : pairs + block;
    return block < pairs ? 2 : 1;
}

static ptrdiff_t add_line(scratch *s, ptrdiff_t n, const REAL *x, ptrdiff_t step, ptrdiff_t pixel,
                          ptrdiff_t count) {
    if (count) s->lines[n++] = (line){x, step, pixel, 1, count};
    return n;
}

/* Copy what those pixels see that have the same number `k` in their rows; return the next place. */
static REAL *copy_edges(const job *j, const REAL *x, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t u,
                        ptrdiff_t k, REAL *edge) {
    const convolution *c = j->c;
    windows w = {.columns = c->columns, .width = c->width, .channels = c->channels};
    ptrdiff_t length = c->columns * c->channels;
    for (ptrdiff_t i = first; i < first + rows; i++, edge += length) {
        ptrdiff_t y = i % c->out_height * c->stride_y + u * c->dilation_y - c->padding_y;
        if (y < 0 || y >= c->height)
            memset(edge, 0, length * sizeof(REAL));
        else
            copy_row(&w, x + (i / c->out_height * c->height + y) * c->width * c->channels,
                     k * c->stride_x - c->padding_x, edge);
    }
    return edge;
}

/* What `rows` lines of windows from the `first` of all images on see through one row of the kernel,
   or one position of it. */
static ptrdiff_t find_lines(const job *j, scratch *s, const REAL *x, ptrdiff_t first,
                            ptrdiff_t rows, ptrdiff_t u, ptrdiff_t v) {
    const convolution *c = j->c;
    ptrdiff_t left = v * c->dilation_x - c->padding_x, extent = j->whole_rows ? c->columns : 1;
    ptrdiff_t from, to, count = 0, step = c->stride_x * c->channels, width = c->out_width;
    inside(left, extent, c->stride_x, c->width, width, &from, &to);
    for (ptrdiff_t i = first; i < first + rows; i++) {
        ptrdiff_t y = i % c->out_height * c->stride_y + u * c->dilation_y - c->padding_y;
        ptrdiff_t pixel = (i - first) * width;
        if (y < 0 || y >= c->height) {
            if (j->outside) count = add_line(s, count, s->zeros, 0, pixel, width);
            continue;
        }
        const REAL *row = x + (i / c->out_height * c->height + y) * c->width * c->channels;
        if (to > from) {
            const REAL *at = row + (from * c->stride_x + left) * c->channels;
            count = add_line(s, count, at, step, pixel + from, to - from);
        }
        if (!j->whole_rows && j->outside) {
            count = add_line(s, count, s->zeros, 0, pixel, from);
            count = add_line(s, count, s->zeros, 0, pixel + to, width - to);
        }
    }
    REAL *edge = s->edges;
    for (ptrdiff_t k = 0; j->whole_rows && k < width; k++) {
        if (k >= from && k < to) continue;
        s->lines[count++] = (line){edge, c->columns * c->channels, k, width, rows};
        edge = copy_edges(j, x, first, rows, u, k, edge);
    }
    return count;
}

/* Add what some lines give for one kernel row and a block of outputs to the sum. */
static void add_row(const job *j, scratch *s, ptrdiff_t first, ptrdiff_t rows, ptrdiff_t group,
                    ptrdiff_t block, ptrdiff_t u, REAL *totals) {
    const convolution *c = j->c;
    ptrdiff_t vector, Q = block_at(j, block, &vector), width = Q * LANES;
    ptrdiff_t dy_step = c->outputs, across = j->whole_rows ? 1 : c->columns;
    ptrdiff_t length = j->whole_rows ? c->columns * j->channels : j->channels;
    sum *const *table = Q == 2 ? sums_2 : sums_1;
    ptrdiff_t most = Q == 2 ? COUNT(sums_2) : COUNT(sums_1), cuts = pieces_of(length, most);
    const REAL *x = j->x + group * j->channels;
    const REAL *dy = j->dy + first * c->out_width * dy_step + group * j->outputs + vector * LANES;
    if ((vector + Q) * LANES > j->outputs) { /* copied, so as not to read beyond the end */
        ptrdiff_t some = j->outputs - vector * LANES;
        for (ptrdiff_t p = 0; p < rows * c->out_width; p++)
            for (ptrdiff_t i = 0; i < some; i++) s->padded[p * LANES + i] = dy[p * dy_step + i];
        dy = s->padded;
        dy_step = LANES;
    }
    REAL *total = totals + (group * j->vectors + vector) * (j->size / (c->groups * j->vectors));
    total += u * across * length * width;
    for (ptrdiff_t v = 0; v < across; v++, total += length * width) {
        ptrdiff_t lines = find_lines(j, s, x, first, rows, u, v);
        for (ptrdiff_t i = 0; i < cuts; i++) {
            ptrdiff_t k = length * i / cuts, end = length * (i + 1) / cuts;
            table[end - k - 1](s->lines, lines, k, dy, dy_step, total + k * width);
        }
    }
}

/* Write the sum for a block of outputs to where the weights have it. */
static void write_block(void *with, ptrdiff_t unit) {
    job *j = with;
    ptrdiff_t group = unit / j->blocks, first;
    ptrdiff_t width = block_at(j, unit % j->blocks, &first) * LANES;
    ptrdiff_t T = j->c->rows * j->c->columns, step = j->channels * T, end = first * LANES + width;
    const REAL *total = j->totals + (group * j->vectors + first) * step * LANES;
    REAL *dw = j->dw + (group * j->outputs + first * LANES) * step;
    REAL check = 0;
    for (ptrdiff_t o = first * LANES; o < end; o += LANES, total += LANES, dw += LANES * step) {
        ptrdiff_t some = at_most(LANES, j->outputs - o), e = 0, k = 0, t = 0;
        vector row[LANES], checks = {0};
        for (; some == LANES && e + LANES <= step; e += LANES) {
            for (ptrdiff_t i = 0; i < LANES; i++) {
                row[i] = load(total + (t * j->channels + k) * width);
                checks += row[i] - row[i];
                if (++t == T) t = 0, k++;
            }
            transpose(row);
            for (ptrdiff_t i = 0; i < LANES; i++) store(dw + i * step + e, row[i]);
        }
        for (ptrdiff_t i = 0; i < LANES; i++) check += checks[i];
        for (; e < step; e++) {
            const REAL *from = total + (t * j->channels + k) * width;
            for (ptrdiff_t i = 0; i < some; i++) {
                dw[i * step + e] = from[i];
                check += from[i] - from[i];
            }
            if (++t == T) t = 0, k++;
        }
    }
    if (check != 0) __atomic_store_n(&j->infinite, 1, __ATOMIC_RELAXED); /* it is NaN then */
}

static int make_scratch(const job *j, scratch *s) {
    const convolution *c = j->c;
    ptrdiff_t rows = j->together, pixels = rows * c->out_width, from, to;
    inside(-c->padding_x, c->columns, c->stride_x, c->width, c->out_width, &from, &to);
    ptrdiff_t lines = j->whole_rows ? rows * (1 + c->out_width - (to - from)) : 3 * rows;
    ptrdiff_t length = c->columns * c->channels, padded = j->outputs % LANES ? pixels * LANES : 0;
    ptrdiff_t edges = j->whole_rows ? lines * length : 0;
    s->memory = malloc(64 + lines * sizeof(line) + (padded + length + edges) * sizeof(REAL));
    if (!s->memory) return 0;
    s->padded = aligned(s->memory);
    memset(s->padded, 0, (padded + length) * sizeof(REAL));
    s->zeros = s->padded + padded;
    s->lines = (line *)(((size_t)(s->zeros + length) + 7) / 8 * 8);
    s->edges = (REAL *)(s->lines + lines);
    return 1;
}

static void do_unit(void *with, ptrdiff_t unit) {
    job *j = with;
    const convolution *c = j->c;
    scratch s;
    if (!make_scratch(j, &s)) {
        j->failed = 1;
        return;
    }
    ptrdiff_t from = 0, to = j->parts;
    ptrdiff_t u = unit % c->rows, block = unit / c->rows % j->blocks;
    ptrdiff_t group = unit / c->rows / j->blocks;
    if (j->by_parts) {
        from = j->parts * unit / j->pieces;
        to = j->parts * (unit + 1) / j->pieces;
        memset(j->totals + unit * j->size, 0, j->size * sizeof(REAL));
    } else {
        ptrdiff_t vector, panel = j->size / (c->groups * j->vectors) / c->rows;
        ptrdiff_t width = block_at(j, block, &vector);
        REAL *mine = j->totals + (group * j->vectors + vector) * panel * c->rows;
        memset(mine + u * width * panel, 0, width * panel * sizeof(REAL));
    }
    for (ptrdiff_t part = from; part < to; part++) {
        ptrdiff_t first = part * j->together;
        ptrdiff_t rows = at_most(j->together, c->images * c->out_height - first);
        if (!j->by_parts) {
            add_row(j, &s, first, rows, group, block, u, j->totals);
            continue;
        }
        REAL *total = j->totals + unit * j->size;
        for (group = 0; group < c->groups; group++)
            for (u = 0; u < c->rows; u++)
                for (block = 0; block < j->blocks; block++)
                    add_row(j, &s, first, rows, group, block, u, total);
    }
    free(s.memory);
}

/* Whether some window has no position inside the image along one side of it. */
static int sees_nothing(ptrdiff_t windows, ptrdiff_t stride, ptrdiff_t padding, ptrdiff_t size,
                        ptrdiff_t dilation, ptrdiff_t length) {
    for (ptrdiff_t i = 0; i < windows; i++) {
        ptrdiff_t at = i * stride - padding, u = at < 0 ? pieces_of(-at, dilation) : 0;
        if (u >= size || at + u * dilation >= length) return 1;
    }
    return 0;
}

/* dw (O, C / groups, KH, KW) of x (N, H, W, C) and dy (N, OH, OW, O).
   Returns 1 if memory is short. */
API int conv_weight_grad(const REAL *x, const convolution *c, const REAL *dy, REAL *dw,
                         int threads) {
    ptrdiff_t pixels = c->out_height * c->out_width, positions = c->rows * c->columns;
    job j = {.c = c, .x = x, .dy = dy, .dw = dw};
    j.channels = c->channels / c->groups;
    j.outputs = c->outputs / c->groups;
    j.vectors = pieces_of(j.outputs, LANES);
    j.blocks = j.outputs / LANES / 2 + j.outputs / LANES % 2 + (j.outputs % LANES > 0);
    j.size = c->groups * j.vectors * LANES * positions * j.channels;
    j.together = at_least(1, PIXELS / c->out_width);
    j.parts = pieces_of(c->images * c->out_height, j.together);
    j.whole_rows = c->groups == 1 && c->columns > 1 && c->dilation_x == 1 &&
                   c->channels <= FEW_CHANNELS;
    j.outside = sees_nothing(c->out_height, c->stride_y, c->padding_y, c->rows, c->dilation_y,
                             c->height) ||
                sees_nothing(c->out_width, c->stride_x, c->padding_x, c->columns, c->dilation_x,
                             c->width);
    ptrdiff_t work = c->images * pixels * (j.size + 16 * positions), units;
    ptrdiff_t values = c->images * (c->height * c->width * c->channels + pixels * c->outputs);
    /* The sums of all pieces are to be small beside the images. */
    j.pieces = at_most(at_most(j.parts, work / WORTH), at_most(MOST_PIECES, values / j.size / 2));
    j.pieces = at_least(1, j.pieces);
    units = c->groups * j.blocks * c->rows;
    j.by_parts = j.pieces >= 4 || j.pieces > units;
    if (j.by_parts) units = j.pieces;
    void *memory = malloc(64 + (j.by_parts ? j.pieces : 1) * j.size * sizeof(REAL));
    if (!memory) return 1;
    j.totals = aligned(memory);
    if (weight_by_tiles(c)) {
        j.failed = weight_tiles(c, x, dy, j.totals, threads);
        if (!j.failed) share(write_block, &j, j.blocks, j.size < WORTH / 8 ? 1 : threads);
        if (j.failed || !j.infinite) {
            free(memory);
            return j.failed;
        }
    }
    do {
        j.infinite = 0;
        share(do_unit, &j, units, work < 2 * WORTH ? 1 : threads);
        if (j.failed) break;
        for (ptrdiff_t p = 1; j.by_parts && p < j.pieces; p++)
            for (ptrdiff_t i = 0; i < j.size; i++) j.totals[i] += j.totals[p * j.size + i];
        share(write_block, &j, c->groups * j.blocks, j.size < WORTH / 8 ? 1 : threads);
    } while (j.infinite && !j.outside++);
    free(memory);
    return j.failed;
}
