/* Softmax with cross-entropy: rows of scores, one for each class, and a label for each row. */
#include "flat.h"
#include "vector.h"

#include <stdint.h>
#include <stdlib.h>
#include <tgmath.h>

typedef struct {
    const REAL *scores;
    const int64_t *labels;
    REAL *largest, *total; /* of each row: the largest score, the sum of exp(score - largest) */
    REAL *grad;
    double *sums; /* of each piece */
    ptrdiff_t classes, piece;
    ptrdiff_t ignored;
    double smoothing, count;
} entropy;

/* exp(x) for x up to 0, or NaN, to the last bit or so. As a polynomial, since compilers make
   vectors of that; doubles, which no network is trained in, are left to the library. */
static inline REAL exp_of(REAL x) {
    if (sizeof(REAL) == 8) return exp(x);
    /* x = n log(2) + r with a whole number n, which adding 1.5 * 2^23 moves into the last bits. */
    float shifted = (float)x * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
    float r = (float)x - n * 0.693359375f + n * 2.12194440e-4f; /* log(2) in two parts */
    float p = 1.9875691500e-4f; /* Cephes' polynomial for exp(r) */
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1;
    uint32_t bits;
    memcpy(&bits, &shifted, 4);
    bits = (bits + 127) << 23; /* n becomes the exponent */
    float power;
    memcpy(&power, &bits, 4);
    return (REAL)(x < -87 ? 0 : p * power);
}

/* Neighbouring values that are dealt with at once, in a fixed order. */
#define TOGETHER 16

static REAL largest_of(const REAL *x, ptrdiff_t n) {
    REAL found[TOGETHER];
    ptrdiff_t i = 0;
    for (int j = 0; j < TOGETHER; j++) found[j] = x[0];
    for (; i + TOGETHER <= n; i += TOGETHER)
        for (int j = 0; j < TOGETHER; j++) found[j] = x[i + j] > found[j] ? x[i + j] : found[j];
    for (; i < n; i++) found[0] = x[i] > found[0] ? x[i] : found[0];
    for (int j = 1; j < TOGETHER; j++) found[0] = found[j] > found[0] ? found[j] : found[0];
    return found[0];
}

static REAL sum_of_exp(const REAL *x, ptrdiff_t n, REAL largest) {
    REAL sums[TOGETHER] = {0};
    ptrdiff_t i = 0;
    for (; i + TOGETHER <= n; i += TOGETHER)
        for (int j = 0; j < TOGETHER; j++) sums[j] += exp_of(x[i + j] - largest);
    for (int j = 0; i < n; i++, j++) sums[j] += exp_of(x[i] - largest);
    for (int j = 1; j < TOGETHER; j++) sums[0] += sums[j];
    return sums[0];
}

static void loss_of(void *with, ptrdiff_t start, ptrdiff_t end) {
    const entropy *e = with;
    double right = 0, others = 0;
    for (ptrdiff_t row = start; row < end; row++) {
        if (e->labels[row] == e->ignored) continue;
        const REAL *x = e->scores + row * e->classes;
        REAL largest = largest_of(x, e->classes), total = sum_of_exp(x, e->classes, largest);
        e->largest[row] = largest;
        e->total[row] = total;
        REAL logarithm = log(total);
        right += x[e->labels[row]] - largest - logarithm;
        if (e->smoothing == 0) continue;
        for (ptrdiff_t c = 0; c < e->classes; c++) others += x[c] - largest - logarithm;
    }
    e->sums[start / e->piece] = (1 - e->smoothing) * right + e->smoothing * others / e->classes;
}

static entropy of(const REAL *scores, const int64_t *labels, REAL *largest, REAL *total,
                  ptrdiff_t classes, ptrdiff_t ignored, double smoothing) {
    return (entropy){.scores = scores, .labels = labels, .largest = largest, .total = total,
                     .classes = classes, .piece = 1 + PIECE / 4 / classes, .ignored = ignored,
                     .smoothing = smoothing};
}

/* The loss of all rows together; what `cross_entropy_grad` needs besides. */
API int cross_entropy(const REAL *scores, const int64_t *labels, REAL *largest, REAL *total,
                      double *loss, ptrdiff_t rows, ptrdiff_t classes, ptrdiff_t ignored,
                      double smoothing, int threads) {
    entropy e = of(scores, labels, largest, total, classes, ignored, smoothing);
    ptrdiff_t pieces = (rows + e.piece - 1) / e.piece;
    e.sums = malloc((pieces + 1) * sizeof(double));
    if (!e.sums) return 1;
    share_range(loss_of, &e, rows, e.piece, threads);
    *loss = 0;
    for (ptrdiff_t i = 0; i < pieces; i++) *loss -= e.sums[i];
    free(e.sums);
    return 0;
}

static void grad_of(void *with, ptrdiff_t start, ptrdiff_t end) {
    const entropy *e = with;
    REAL spread = (REAL)(e->smoothing / e->classes), count = (REAL)e->count;
    for (ptrdiff_t row = start; row < end; row++) {
        const REAL *x = e->scores + row * e->classes;
        REAL *grad = e->grad + row * e->classes;
        if (e->labels[row] == e->ignored) {
            memset(grad, 0, e->classes * sizeof(REAL));
            continue;
        }
        REAL largest = e->largest[row], total = e->total[row];
        EACH(ptrdiff_t c = 0; c < e->classes; c++)
            grad[c] = (exp_of(x[c] - largest) / total - spread) / count;
        ptrdiff_t label = (ptrdiff_t)e->labels[row];
        REAL share = exp_of(x[label] - largest) / total;
        grad[label] = (share - spread - (REAL)(1 - e->smoothing)) / count;
    }
}

/* The gradient of the loss divided by `count`; 0 where the label is ignored. */
API void cross_entropy_grad(const REAL *scores, const int64_t *labels, REAL *largest, REAL *total,
                            REAL *grad, ptrdiff_t rows, ptrdiff_t classes, ptrdiff_t ignored,
                            double smoothing, double count, int threads) {
    entropy e = of(scores, labels, largest, total, classes, ignored, smoothing);
    e.grad = grad;
    e.count = count;
    share_range(grad_of, &e, rows, e.piece, threads);
}
