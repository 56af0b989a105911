/* Windows that slide over images which lie in memory as (N, H, W, C), read in place. */
#ifndef SLIDING_H
#define SLIDING_H

#include "vector.h"

/* A convolution as Python describes it: that of the layer, for every pass. */
typedef struct {
    ptrdiff_t images, channels, height, width;
    ptrdiff_t outputs, out_height, out_width;
    ptrdiff_t rows, columns, stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
    ptrdiff_t groups;
} convolution;

/* Windows on images, and where what comes of each is written. */
typedef struct {
    const REAL *x;
    ptrdiff_t images, height, width, channels; /* channels: values between two pixels */
    ptrdiff_t rows, columns, stride_y, stride_x, dilation_y, dilation_x;
    ptrdiff_t top, left; /* of the first window; below zero, it begins outside */
    ptrdiff_t out_height, out_width;
    REAL *y;
    ptrdiff_t image_step, row_step, pixel_step; /* values of `y` between its images, ... */
    int whole_rows; /* whether a row of the window is read as one run; else each tap is a run */
} windows;

/* Up to so many channels, a row of a window is one run, copied at the edges of the image. */
#define FEW_CHANNELS 16

/* Pixels whose pointers lie side by side: as many as the largest tile has. */
#define SIDE_BY_SIDE 12

static inline ptrdiff_t at_most(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t at_least(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }
static inline ptrdiff_t pieces_of(ptrdiff_t n, ptrdiff_t size) { return (n + size - 1) / size; }
/* `n`, rounded up to a multiple of `size`. */
static inline ptrdiff_t whole(ptrdiff_t n, ptrdiff_t size) { return pieces_of(n, size) * size; }

/* The first place in some memory that begins a line of the cache; 64 bytes are lost at most. */
static inline REAL *aligned(void *memory) { return (REAL *)(((size_t)memory + 63) / 64 * 64); }

/* The first and the end of the windows in a line that lie between both sides of an image. */
static inline void inside(ptrdiff_t first, ptrdiff_t extent, ptrdiff_t stride, ptrdiff_t width,
                          ptrdiff_t count, ptrdiff_t *from, ptrdiff_t *to) {
    *from = first < 0 ? at_most(count, pieces_of(-first, stride)) : 0;
    *to = width >= first + extent ? at_most(count, (width - extent - first) / stride + 1) : 0;
    *to = at_least(*to, *from);
}

/* The windows of a layer on its input `x`; `y` is its output. */
static inline windows layer_windows(const convolution *c, const REAL *x, REAL *y) {
    return (windows){
        .x = x, .images = c->images, .height = c->height, .width = c->width,
        .channels = c->channels, .rows = c->rows, .columns = c->columns,
        .stride_y = c->stride_y, .stride_x = c->stride_x,
        .dilation_y = c->dilation_y, .dilation_x = c->dilation_x,
        .top = -c->padding_y, .left = -c->padding_x,
        .out_height = c->out_height, .out_width = c->out_width,
        .y = y, .image_step = c->out_height * c->out_width * c->outputs,
        .row_step = c->out_width * c->outputs, .pixel_step = c->outputs,
    };
}

static inline ptrdiff_t pixels_of(const windows *w) {
    return w->images * w->out_height * w->out_width;
}

/* Runs that a window is made of, and values in one of them, where `channels` are read. */
static inline ptrdiff_t runs_of(const windows *w) {
    return w->whole_rows ? w->rows : w->rows * w->columns;
}
static inline ptrdiff_t run_length(const windows *w, ptrdiff_t channels) {
    return w->whole_rows ? w->columns * channels : channels;
}

/* Copy a row of a window to `edge`, with zeros for what lies outside. */
static inline void copy_row(const windows *w, const REAL *row, ptrdiff_t x, REAL *edge) {
    ptrdiff_t c = w->channels, from = at_most(at_least(0, -x), w->columns);
    ptrdiff_t to = at_least(from, at_most(w->columns, w->width - x));
    for (ptrdiff_t i = 0; i < from * c; i++) edge[i] = 0;
    for (ptrdiff_t i = from * c; i < to * c; i++) edge[i] = row[x * c + i];
    for (ptrdiff_t i = to * c; i < w->columns * c; i++) edge[i] = 0;
}

/* Find the runs of `count` windows from number `first` on. In `source` there is a pointer for each
   run of each pixel, `side` pixels side by side: source[(tile * runs + run) * side + pixel]. `to`
   gets where each pixel is written. Runs outside are `zeros`; `edges` has room for copies of those
   that are partly outside, `length` values each. */
static inline void find_runs(const windows *w, ptrdiff_t first, ptrdiff_t count, ptrdiff_t side,
                             const REAL **source, REAL **to, const REAL *zeros, REAL *edges) {
    ptrdiff_t across = w->whole_rows ? 1 : w->columns, runs = w->rows * across, c = w->channels;
    ptrdiff_t pixels = w->out_height * w->out_width, n = first / pixels;
    ptrdiff_t i = first % pixels / w->out_width, j = first % w->out_width, from, end;
    inside(w->left, (w->columns - 1) * w->dilation_x + 1, w->stride_x, w->width, w->out_width,
           &from, &end);
    for (ptrdiff_t p = 0, some; p < count; p += some) {
        int clear = j >= from && j < end;
        some = clear ? at_most(at_most(end - j, count - p), side - p % side) : 1;
        const REAL *image = w->x + n * w->height * w->width * c, **s;
        ptrdiff_t y = i * w->stride_y + w->top, x = j * w->stride_x + w->left;
        s = source + p / side * runs * side + p % side;
        for (ptrdiff_t u = 0; u < w->rows; u++, y += w->dilation_y, s += across * side) {
            if (y < 0 || y >= w->height) {
                for (ptrdiff_t v = 0; v < across; v++)
                    for (ptrdiff_t q = 0; q < some; q++) s[v * side + q] = zeros;
                continue;
            }
            const REAL *row = image + y * w->width * c;
            if (clear) {
                for (ptrdiff_t v = 0; v < across; v++) {
                    const REAL *at = row + (x + v * w->dilation_x) * c;
                    for (ptrdiff_t q = 0; q < some; q++) s[v * side + q] = at + q * w->stride_x * c;
                }
            } else if (w->whole_rows) {
                copy_row(w, row, x, edges);
                *s = edges;
                edges += w->columns * c;
            } else {
                for (ptrdiff_t v = 0; v < across; v++) {
                    ptrdiff_t at = x + v * w->dilation_x;
                    s[v * side] = at < 0 || at >= w->width ? zeros : row + at * c;
                }
            }
        }
        REAL *out = w->y + n * w->image_step + i * w->row_step + j * w->pixel_step;
        for (ptrdiff_t q = 0; q < some; q++) to[p + q] = out + q * w->pixel_step;
        j += some;
        if (j == w->out_width) {
            j = 0;
            if (++i == w->out_height) i = 0, n++;
        }
    }
    for (ptrdiff_t p = count; p % side; p++)
        for (ptrdiff_t run = 0; run < runs; run++)
            source[(p / side * runs + run) * side + p % side] = zeros;
}

#endif
