/* Max and average pooling on images (N, H, W, C), and their gradients.

   Images are read in place. There is no border: a window is cut off at the edge. The backward pass
   collects for each pixel of the image from the windows that see it, so every value is written
   once, and nothing is added up in an order that depends on threads. */
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

/* Do `WORK` for all channels of a pixel: `c` is the first and `n` how many, LANES but at the end. */
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

static inline window at(const geometry *g, ptrdiff_t line, ptrdiff_t column) {
    ptrdiff_t y = line % g->out_height * g->step_y - g->top, x = column * g->step_x - g->left;
    ptrdiff_t row = line / g->out_height * g->height + y;
    return (window){(row * g->width + x) * g->channels, most(0, -y), most(0, -x),
                    least(g->rows, g->height - y), least(g->columns, g->width - x)};
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
    const pooling *p = with;
    ptrdiff_t to = start * p->g.out_width * p->g.channels;
    for (ptrdiff_t line = start; line < end; line++) {
        for (ptrdiff_t column = 0; column < p->g.out_width; column++, to += p->g.channels) {
            const window w = at(&p->g, line, column);
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
    const pooling *p = with;
    ptrdiff_t to = start * p->g.out_width * p->g.channels;
    for (ptrdiff_t line = start; line < end; line++) {
        for (ptrdiff_t column = 0; column < p->g.out_width; column++, to += p->g.channels) {
            const window w = at(&p->g, line, column);
#define WORK(c, n) avg_window(p, &w, to, c, n)
            FOR_CHANNELS(p->g.channels, WORK);
#undef WORK
        }
    }
}

/* The windows that see a pixel: rows and columns of them from the first up to before the last. */
typedef struct {
    ptrdiff_t image, y, x; /* the pixel, counted from the corner of the border */
    ptrdiff_t row, last_row, column, last_column;
} seen;

/* What the windows hand to a pixel: all of them, or those whose largest value it was. */
static inline void collect(const pooling *p, const seen *s, ptrdiff_t to, ptrdiff_t c, ptrdiff_t n,
                           int largest) {
    vector sum = {0};
    for (ptrdiff_t row = s->row; row < s->last_row; row++) {
        ptrdiff_t line = s->image * p->g.out_height + row;
        for (ptrdiff_t column = s->column; column < s->last_column; column++) {
            ptrdiff_t from = (line * p->g.out_width + column) * p->g.channels + c;
            vector dy = load_some(p->from + from, n);
            if (largest) {
                bytes narrow = {0};
                memcpy(&narrow, p->places + from, n);
                ptrdiff_t u = s->y - row * p->g.step_y, v = s->x - column * p->g.step_x;
                wholes where = __builtin_convertvector(narrow, wholes);
                wholes hit = (wholes)(where == everywhere(u * p->g.columns + v));
                dy = (vector)(hit & (wholes)dy);
            }
            sum += dy;
        }
    }
    if (!largest) sum /= all((REAL)(p->g.rows * p->g.columns));
    store_some(p->to + to + c, sum, n);
}

static inline void collect_lines(const pooling *p, ptrdiff_t start, ptrdiff_t end, int largest) {
    const geometry *g = &p->g;
    ptrdiff_t to = start * g->width * g->channels;
    for (ptrdiff_t line = start; line < end; line++) {
        seen s = {.image = line / g->height, .y = line % g->height + g->top};
        s.row = most(0, (s.y - g->rows + g->step_y) / g->step_y);
        s.last_row = least(g->out_height, s.y / g->step_y + 1);
        for (ptrdiff_t column = 0; column < g->width; column++, to += g->channels) {
            s.x = column + g->left;
            while (s.column < g->out_width && s.column * g->step_x + g->columns <= s.x) s.column++;
            while (s.last_column < g->out_width && s.last_column * g->step_x <= s.x)
                s.last_column++;
#define WORK(c, n) collect(p, &s, to, c, n, largest)
            FOR_CHANNELS(g->channels, WORK);
#undef WORK
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
