/* Batch normalization on matrices (rows, channels).

   A register holds the channels of one pixel or several, and numbers per channel are wanted in the
   same order. So both are dealt with in lines: a few pixels that together fill whole registers,
   however many channels there are, and numbers per channel repeated for each pixel of a line. */
#include "flat.h"
#include "vector.h"

#include <math.h>
#include <stdlib.h>

/* Values of a line at least: below that, loops along it would not be worth their beginning. */
#define LINE 256

typedef struct {
    const REAL *a, *b;
    REAL *to;
    unsigned char *kept;      /* ReLU's mask of `to`; or NULL */
    ptrdiff_t rows, channels;
    ptrdiff_t line;           /* values in a line */
    ptrdiff_t block;          /* rows in a piece of work, whole lines */
    REAL *numbers[4];         /* lines of numbers per channel */
    REAL *sums;               /* two lines for each block */
} matrix;

/* Pixels that make a line. It fills whole registers of up to 16 values, so that sums do not depend
   on how wide registers are. */
static ptrdiff_t pixels(ptrdiff_t channels) {
    ptrdiff_t least = 1;
    while (least * channels % 16) least *= 2;
    return least * (1 + (LINE - 1) / (least * channels));
}

/* The matrix, cut into blocks; `lines` numbers per channel, of which those that are NULL are 0.
   What it allocates is for `free(m.numbers[0])`: NULL if there is no memory. */
static matrix cut(const REAL *a, const REAL *b, REAL *to, ptrdiff_t rows, ptrdiff_t channels,
                  int lines, const REAL *const *numbers, int sums) {
    matrix m = {.a = a, .b = b, .to = to, .rows = rows, .channels = channels};
    ptrdiff_t per_line = pixels(channels);
    m.line = per_line * channels;
    m.block = per_line * (1 + PIECE / m.line);
    if (m.block < 16 * per_line) m.block = 16 * per_line;
    ptrdiff_t blocks = (rows + m.block - 1) / m.block;
    size_t size = (size_t)(lines + (sums ? 2 * blocks : 0)) * m.line;
    REAL *memory = malloc((size ? size : 1) * sizeof(REAL));
    m.numbers[0] = memory;
    if (!memory) return m;
    for (int k = 0; k < lines; k++) {
        m.numbers[k] = memory + k * m.line;
        for (ptrdiff_t i = 0; i < m.line; i += channels)
            for (ptrdiff_t c = 0; c < channels; c++)
                m.numbers[k][i + c] = numbers[k] ? numbers[k][c] : 0;
    }
    m.sums = memory + lines * m.line;
    return m;
}

/* From sums along a line to those of the channels, at its beginning. */
static void fold(REAL *sums, const matrix *m) {
    for (ptrdiff_t i = m->channels; i < m->line; i += m->channels)
        for (ptrdiff_t c = 0; c < m->channels; c++) sums[c] += sums[i + c];
}

/* For each line of the rows from `start` to `end`: `i` is where it begins, `n` how long it is. */
#define FOR_LINES(m, start, end)                                                            \
    for (ptrdiff_t i = (start) * (m)->channels, n, last = (end) * (m)->channels;            \
         n = last - i < (m)->line ? last - i : (m)->line, i < last; i += n)

static inline void add(REAL *restrict sums, const REAL *restrict x, ptrdiff_t n) {
    for (ptrdiff_t j = 0; j < n; j++) sums[j] += x[j];
}

static inline void add_squares(REAL *restrict sums, const REAL *restrict x,
                               const REAL *restrict mean, ptrdiff_t n) {
    for (ptrdiff_t j = 0; j < n; j++) sums[j] += (x[j] - mean[j]) * (x[j] - mean[j]);
}

static inline void add_products(REAL *restrict sums, const REAL *restrict dy,
                                const REAL *restrict x, const REAL *restrict mean, ptrdiff_t n) {
    for (ptrdiff_t j = 0; j < n; j++) sums[j] += dy[j] * (x[j] - mean[j]);
}

/* Mean and sum of squared distances from it, of one block. Its values are read twice, the second
   time from the cache. */
static void moments_of(void *with, ptrdiff_t start, ptrdiff_t end) {
    const matrix *m = with;
    REAL *sums = m->sums + start / m->block * 2 * m->line, *squares = sums + m->line;
    for (ptrdiff_t j = 0; j < 2 * m->line; j++) sums[j] = 0;
    FOR_LINES(m, start, end) add(sums, m->a + i, n);
    fold(sums, m);
    for (ptrdiff_t c = 0; c < m->channels; c++) sums[c] /= end - start;
    for (ptrdiff_t j = m->channels; j < m->line; j++) sums[j] = sums[j - m->channels];
    FOR_LINES(m, start, end) add_squares(squares, m->a + i, sums, n);
    fold(squares, m);
}

/* Mean and variance of each channel. The blocks' are combined in order (Chan, Golub and LeVeque
   1979), so that nothing cancels out where a mean is far from zero. */
API int channel_moments(const REAL *x, REAL *mean, REAL *var, ptrdiff_t rows, ptrdiff_t channels,
                        int threads) {
    matrix m = cut(x, NULL, NULL, rows, channels, 0, NULL, 1);
    if (!m.numbers[0]) return 1;
    share_range(moments_of, &m, rows, m.block, threads);
    for (ptrdiff_t c = 0; c < channels; c++) {
        double center = 0, squares = 0;
        for (ptrdiff_t start = 0; start < rows; start += m.block) {
            const REAL *found = m.sums + start / m.block * 2 * m.line + c;
            double here = rows - start < m.block ? rows - start : m.block, all = start + here;
            double apart = found[0] - center;
            center += apart * (here / all);
            squares += found[m.line] + apart * apart * (start * (here / all));
        }
        mean[c] = (REAL)center;
        var[c] = (REAL)(squares / rows);
    }
    free(m.numbers[0]);
    return 0;
}

static void sums_of(void *with, ptrdiff_t start, ptrdiff_t end) {
    const matrix *m = with;
    REAL *sums = m->sums + start / m->block * 2 * m->line, *dots = sums + m->line;
    for (ptrdiff_t j = 0; j < 2 * m->line; j++) sums[j] = 0;
    FOR_LINES(m, start, end) {
        add(sums, m->a + i, n);
        add_products(dots, m->a + i, m->b + i, m->numbers[0], n);
    }
    fold(sums, m);
    fold(dots, m);
}

/* The sums over the rows of dy, and of dy * (x - mean). */
API int channel_sums(const REAL *dy, const REAL *x, const REAL *mean, REAL *sum, REAL *dot,
                     ptrdiff_t rows, ptrdiff_t channels, int threads) {
    matrix m = cut(dy, x, NULL, rows, channels, 1, &mean, 1);
    if (!m.numbers[0]) return 1;
    share_range(sums_of, &m, rows, m.block, threads);
    for (ptrdiff_t c = 0; c < channels; c++) {
        double total = 0, product = 0;
        for (ptrdiff_t start = 0; start < rows; start += m.block) {
            const REAL *found = m.sums + start / m.block * 2 * m.line + c;
            total += found[0];
            product += found[m.line];
        }
        sum[c] = (REAL)total;
        dot[c] = (REAL)product;
    }
    free(m.numbers[0]);
    return 0;
}

static void scale_range(void *with, ptrdiff_t start, ptrdiff_t end) {
    const matrix *m = with;
    const REAL *mean = m->numbers[0], *scale = m->numbers[1], *shift = m->numbers[2];
    FOR_LINES(m, start, end) {
        const REAL *x = m->a + i;
        REAL *y = m->to + i;
        EACH(ptrdiff_t j = 0; j < n; j++) y[j] = (x[j] - mean[j]) * scale[j] + shift[j];
    }
}

static void scale_relu_range(void *with, ptrdiff_t start, ptrdiff_t end) {
    const matrix *m = with;
    const REAL *mean = m->numbers[0], *scale = m->numbers[1], *shift = m->numbers[2];
    FOR_LINES(m, start, end) {
        const REAL *x = m->a + i;
        REAL *y = m->to + i;
        unsigned char *kept = m->kept + i;
        EACH(ptrdiff_t j = 0; j < n; j++) {
            REAL value = (x[j] - mean[j]) * scale[j] + shift[j];
            y[j] = value <= 0 ? 0 : value;
            kept[j] = !(value <= 0);
        }
    }
}

/* y = (x - mean) * scale + shift; `mean` may be NULL. Unless `kept` is, what of that is not below
   or at zero, and in `kept` where. */
API int scale_shift(const REAL *x, const REAL *mean, const REAL *scale, const REAL *shift, REAL *y,
                    unsigned char *kept, ptrdiff_t rows, ptrdiff_t channels, int threads) {
    matrix m = cut(x, NULL, y, rows, channels, 3, (const REAL *const[]){mean, scale, shift}, 0);
    if (!m.numbers[0]) return 1;
    m.kept = kept;
    share_range(kept ? scale_relu_range : scale_range, &m, rows, m.block, threads);
    free(m.numbers[0]);
    return 0;
}

static void grad_range(void *with, ptrdiff_t start, ptrdiff_t end) {
    const matrix *m = with;
    const REAL *mean = m->numbers[0], *slope = m->numbers[1], *offset = m->numbers[2],
               *scale = m->numbers[3];
    FOR_LINES(m, start, end) {
        const REAL *dy = m->a + i, *x = m->b + i;
        REAL *dx = m->to + i;
        EACH(ptrdiff_t j = 0; j < n; j++)
            dx[j] = (dy[j] + (x[j] - mean[j]) * slope[j] + offset[j]) * scale[j];
    }
}

/* dx = (dy + (x - mean) * slope + offset) * scale. */
API int batch_norm_grad(const REAL *dy, const REAL *x, const REAL *mean, const REAL *slope,
                        const REAL *offset, const REAL *scale, REAL *dx, ptrdiff_t rows,
                        ptrdiff_t channels, int threads) {
    matrix m = cut(dy, x, dx, rows, channels, 4,
                   (const REAL *const[]){mean, slope, offset, scale}, 0);
    if (!m.numbers[0]) return 1;
    share_range(grad_range, &m, rows, m.block, threads);
    free(m.numbers[0]);
    return 0;
}

/* A layer in training. Its outputs are `y`, with `kept` as above, and for the way back the mean and
   1 / sqrt(var + eps); the running numbers come nearer to those of the batch. There are two rows or
   more. `numbers` is scratch for two per channel. */
API int batch_norm(const REAL *x, const REAL *weight, const REAL *bias, REAL *running_mean,
                   REAL *running_var, double eps, double momentum, REAL *mean, REAL *inverse,
                   REAL *numbers, REAL *y, unsigned char *kept, ptrdiff_t rows,
                   ptrdiff_t channels, int threads) {
    REAL *var = numbers, *scale = numbers + channels;
    if (channel_moments(x, mean, var, rows, channels, threads)) return 1;
    for (ptrdiff_t c = 0; c < channels; c++) {
        double unbiased = var[c] * ((double)rows / (rows - 1));
        running_mean[c] = (REAL)((1 - momentum) * running_mean[c] + momentum * mean[c]);
        running_var[c] = (REAL)((1 - momentum) * running_var[c] + momentum * unbiased);
        inverse[c] = (REAL)(1 / sqrt(var[c] + eps));
        scale[c] = weight[c] * inverse[c];
    }
    return scale_shift(x, mean, scale, bias, y, kept, rows, channels, threads);
}

/* Its gradients. Mean and variance depend on every value, and undo a part of what each one changes:
   dx = scale * (dy - mean(dy) - x_normalized * mean(dy * x_normalized)). `numbers` is scratch for
   three per channel. */
API int batch_norm_grads(const REAL *dy, const REAL *x, const REAL *weight, const REAL *mean,
                         const REAL *inverse, REAL *numbers, REAL *dweight, REAL *dbias, REAL *dx,
                         ptrdiff_t rows, ptrdiff_t channels, int threads) {
    REAL *slope = numbers, *offset = slope + channels, *scale = offset + channels;
    if (channel_sums(dy, x, mean, dbias, dweight, rows, channels, threads)) return 1;
    for (ptrdiff_t c = 0; c < channels; c++) {
        dweight[c] *= inverse[c];
        slope[c] = -dweight[c] * inverse[c] / rows;
        offset[c] = -dbias[c] / rows;
        scale[c] = weight[c] * inverse[c];
    }
    return batch_norm_grad(dy, x, mean, slope, offset, scale, dx, rows, channels, threads);
}
