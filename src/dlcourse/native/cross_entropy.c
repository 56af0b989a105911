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

static void loss_of(void *with, ptrdiff_t start, ptrdiff_t end) {
    const entropy *e = with;
    double right = 0, others = 0;
    for (ptrdiff_t row = start; row < end; row++) {
        if (e->labels[row] == e->ignored) continue;
        const REAL *x = e->scores + row * e->classes;
        REAL largest = x[0], total = 0, sum = 0;
        for (ptrdiff_t c = 1; c < e->classes; c++) largest = x[c] > largest ? x[c] : largest;
        for (ptrdiff_t c = 0; c < e->classes; c++) total += exp(x[c] - largest);
        e->largest[row] = largest;
        e->total[row] = total;
        REAL logarithm = log(total);
        right += x[e->labels[row]] - largest - logarithm;
        if (e->smoothing == 0) continue;
        for (ptrdiff_t c = 0; c < e->classes; c++) sum += x[c] - largest - logarithm;
        others += sum;
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
        for (ptrdiff_t c = 0; c < e->classes; c++)
            grad[c] = (exp(x[c] - largest) / total - spread) / count;
        ptrdiff_t label = (ptrdiff_t)e->labels[row];
        REAL share = exp(x[label] - largest) / total;
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
