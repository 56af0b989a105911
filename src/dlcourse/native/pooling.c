/* Max and average pooling on images (N, H, W, C), and their gradients. Images are read in place.
   There is no border: a window is cut off at the edge. */
#include "flat.h"
#include "vector.h"

#include <stdint.h>

/* Whole numbers as wide as REAL, and as many bytes as there are values in a register. */
typedef __typeof__(__builtin_choose_expr(sizeof(REAL) == 4, (int32_t)0, (int64_t)0)) whole;
typedef whole wholes __attribute__((vector_size(BYTES)));
typedef unsigned char bytes __attribute__((vector_size(BYTES / sizeof(REAL))));

typedef struct {
    ptrdiff_t images, height, width, channels;
    ptrdiff_t rows, columns, step_y, step_x, top, left; /* of the window */
    ptrdiff_t out_height, out_width;
} geometry;

typedef struct {
    geometry g;
    const REAL *from;
    REAL *to;
    unsigned char *places; /* where in its window each largest value was, row by row */
} pooling;

static inline ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static inline ptrdiff_t most(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* The first `n` values of a register; a whole one where the compiler knows that n is LANES. */
static inline vector load_some(const REAL *from, ptrdiff_t n) {
    if (n == LANES) return load(from);
    vector v = {0};
    memcpy(&v, from, n * sizeof(REAL));
    return v;
}

static inline void store_some(REAL *to, vector v, ptrdiff_t n) {
    memcpy(to, &v, n * sizeof(REAL));
}

static inline wholes everywhere(ptrdiff_t value) { return (wholes){0} + (whole)value; }

/* Do `WORK` for all channels of a pixel: `c` is the first, `n` how many, LANES but at the end. */
#define FOR_CHANNELS(CHANNELS, WORK)                                                          \
    do {                                                                                      \
        ptrdiff_t c = 0;                                                                      \
        for (; c + LANES <= (CHANNELS); c += LANES) WORK(c, LANES);                           \
        if (c < (CHANNELS)) WORK(c, (CHANNELS)-c);                                            \
    } while (0)

/* The part of a window that lies on the image: positions from u and v on, up to the last ones. */
typedef struct {
    ptrdiff_t corner; /* where position (0, 0) is, or would be, in the image's memory */
    ptrdiff_t u, v, last_u, last_v;
} window;

/* The windows of a line of outputs begin here; `along` moves one to its column. */
static inline window first(const geometry *g, ptrdiff_t line) {
    ptrdiff_t y = line % g->out_height * g->step_y - g->top;
    return (window){.corner = (line / g->out_height * g->height + y) * g->width,
                    .u = most(0, -y), .last_u = least(g->rows, g->height - y)};
}

static inline window along(const geometry *g, window w, ptrdiff_t column) {
    ptrdiff_t x = column * g->step_x - g->left;
    w.corner = (w.corner + x) * g->channels;
    w.v = most(0, -x);
    w.last_v = least(g->columns, g->width - x);
    return w;
}

/* The largest values of a window. Of equal ones the first counts; what is no number is larger than
   all, and the last of these counts. */
static inline void max_window(const pooling *p, const window *w, ptrdiff_t to, ptrdiff_t c,
                              ptrdiff_t n) {
    vector best = all(-(REAL)__builtin_inf());
    wholes where = everywhere(w->u * p->g.columns + w->v);
    for (ptrdiff_t u = w->u; u < w->last_u; u++) {
        ptrdiff_t row = w->corner + u * p->g.width * p->g.channels + c;
        for (ptrdiff_t v = w->v; v < w->last_v; v++) {
            vector x = load_some(p->from + row + v * p->g.channels, n);
            wholes better = (wholes)(x > best) | (wholes)(x != x);
            best = (vector)((better & (wholes)x) | (~better & (wholes)best));
            where = (better & everywhere(u * p->g.columns + v)) | (~better & where);
        }
    }
    store_some(p->to + to + c, best, n);
    bytes narrow = __builtin_convertvector(where, bytes);
    memcpy(p->places + to + c, &narrow, n);
}

static void max_lines(void *with, ptrdiff_t start, ptrdiff_t end) {
    const pooling copy = *(const pooling *)with, *p = &copy;
    ptrdiff_t to = start * p->g.out_width * p->g.channels;
    for (ptrdiff_t line = start; line < end; line++) {
        const window begin = first(&p->g, line);
        for (ptrdiff_t column = 0; column < p->g.out_width; column++, to += p->g.channels) {
            const window w = along(&p->g, begin, column);
#define WORK(c, n) max_window(p, &w, to, c, n)
            FOR_CHANNELS(p->g.channels, WORK);
#undef WORK
        }
    }
}

/* The mean of a window, which counts the zeros of the border. A row is added up by itself, so that
   large windows lose nothing. */
static inline void avg_window(const pooling *p, const window *w, ptrdiff_t to, ptrdiff_t c,
                              ptrdiff_t n) {
    vector sum = {0};
    for (ptrdiff_t u = w->u; u < w->last_u; u++) {
        ptrdiff_t row = w->corner + u * p->g.width * p->g.channels + c;
        vector part = {0};
        for (ptrdiff_t v = w->v; v < w->last_v; v++)
            part += load_some(p->from + row + v * p->g.channels, n);
        sum += part;
    }
    store_some(p->to + to + c, sum / all((REAL)(p->g.rows * p->g.columns)), n);
}

static void avg_lines(void *with, ptrdiff_t start, ptrdiff_t end) {
    const pooling copy = *(const pooling *)with, *p = &copy;
    ptrdiff_t to = start * p->g.out_width * p->g.channels;
    for (ptrdiff_t line = start; line < end; line++) {
        const window begin = first(&p->g, line);
        for (ptrdiff_t column = 0; column < p->g.out_width; column++, to += p->g.channels) {
            const window w = along(&p->g, begin, column);
#define WORK(c, n) avg_window(p, &w, to, c, n)
            FOR_CHANNELS(p->g.channels, WORK);
#undef WORK
        }
    }
}

/* Add a window's gradient to a line of the image, from column `x` up to before `last`: to all of
   these pixels, or to the largest alone. `place` is where in the window column 0 would be. */
static inline void hand_back(const REAL *from, const unsigned char *places, REAL *to,
                             ptrdiff_t channels, ptrdiff_t place, ptrdiff_t x, ptrdiff_t last,
                             ptrdiff_t n, vector share) {
    vector dy = load_some(from, n) * share;
    wholes where = {0};
    if (places) {
        bytes narrow = {0};
        memcpy(&narrow, places, n);
        where = __builtin_convertvector(narrow, wholes);
    }
    for (; x < last; x++) {
        vector part = dy;
        if (places) part = (vector)((wholes)(where == everywhere(place + x)) & (wholes)dy);
        store_some(to + x * channels, load_some(to + x * channels, n) + part, n);
    }
}

/* Lines of the image, which collect from the windows that see them in the order of these. So it
   depends neither on threads nor on where the work is cut. */
static inline void collect_lines(const pooling *with, ptrdiff_t start, ptrdiff_t end, int largest) {
    const pooling p = *with;
    const geometry g = p.g;
    const vector share = all(largest ? 1 : 1 / (REAL)(g.rows * g.columns));
    for (ptrdiff_t line = start; line < end; line++) {
        ptrdiff_t y = line % g.height + g.top, image = line / g.height * g.out_height;
        ptrdiff_t row = most(0, (y - g.rows + g.step_y) / g.step_y);
        REAL *to = p.to + line * g.width * g.channels;
        memset(to, 0, g.width * g.channels * sizeof(REAL));
        for (; row < g.out_height && row * g.step_y <= y; row++) {
            ptrdiff_t place = (y - row * g.step_y) * g.columns;
            ptrdiff_t from = (image + row) * g.out_width * g.channels, x = -g.left;
            for (ptrdiff_t i = 0; i < g.out_width; i++, x += g.step_x, from += g.channels) {
                ptrdiff_t begin = most(0, x), last = least(g.width, x + g.columns);
#define WORK(c, n)                                                                            \
    hand_back(p.from + from + c, largest ? p.places + from + c : NULL, to + c, g.channels,    \
              place - x, begin, last, n, share)
                FOR_CHANNELS(g.channels, WORK);
#undef WORK
            }
        }
    }
}

static void max_grad_lines(void *with, ptrdiff_t start, ptrdiff_t end) {
    collect_lines(with, start, end, 1);
}

static void avg_grad_lines(void *with, ptrdiff_t start, ptrdiff_t end) {
    collect_lines(with, start, end, 0);
}

/* Share lines of outputs, or for a gradient those of the image, in pieces of equal work. */
static void pool(on_range *f, const geometry *g, const REAL *from, REAL *to, unsigned char *places,
                 int back, int threads) {
    pooling p = {*g, from, to, places};
    ptrdiff_t lines = g->images * (back ? g->height : g->out_height);
    ptrdiff_t values = back ? g->width * g->channels
                            : g->out_width * g->rows * g->columns * g->channels;
    share_range(f, &p, lines, 1 + PIECE / (1 + values), threads);
}

API void max_pool(const REAL *x, const geometry *g, REAL *y, unsigned char *places, int threads) {
    pool(max_lines, g, x, y, places, 0, threads);
}

API void max_pool_grad(const REAL *dy, unsigned char *places, const geometry *g, REAL *dx,
                       int threads) {
    pool(max_grad_lines, g, dy, dx, places, 1, threads);
}

API void avg_pool(const REAL *x, const geometry *g, REAL *y, int threads) {
    pool(avg_lines, g, x, y, NULL, 0, threads);
}

API void avg_pool_grad(const REAL *dy, const geometry *g, REAL *dx, int threads) {
    pool(avg_grad_lines, g, dy, dx, NULL, 1, threads);
}
