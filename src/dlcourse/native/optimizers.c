/* One step of an optimizer in one pass over the weights, which changes them in place. */
#include "flat.h"
#include "vector.h"

#include <tgmath.h>

typedef struct {
    REAL *weight, *velocity, *square;
    const REAL *grad;
    REAL rate, decay, keep, keep_square, add, add_square, eps, shrink;
    int nesterov;
} step;

/* The gradient of the penalty comes to that of the loss. */
static inline REAL decayed(const step *s, ptrdiff_t i) {
    return s->decay != 0 ? s->grad[i] + s->decay * s->weight[i] : s->grad[i];
}

static void sgd_range(void *with, ptrdiff_t start, ptrdiff_t end) {
    const step s = *(step *)with;
    EACH(ptrdiff_t i = start; i < end; i++) s.weight[i] -= s.rate * decayed(&s, i);
}

API void sgd(REAL *weight, const REAL *grad, double rate, double decay, ptrdiff_t count,
             int threads) {
    step s = {.weight = weight, .grad = grad, .rate = (REAL)rate, .decay = (REAL)decay};
    share_range(sgd_range, &s, count, PIECE, threads);
}

static void momentum_range(void *with, ptrdiff_t start, ptrdiff_t end) {
    const step s = *(step *)with;
    EACH(ptrdiff_t i = start; i < end; i++) {
        REAL g = decayed(&s, i);
        REAL v = s.keep * s.velocity[i] + g;
        s.velocity[i] = v;
        s.weight[i] -= s.rate * (s.nesterov ? g + s.keep * v : v);
    }
}

API void momentum(REAL *weight, REAL *velocity, const REAL *grad, double rate, double keep,
                  double decay, int nesterov, ptrdiff_t count, int threads) {
    step s = {.weight = weight, .velocity = velocity, .grad = grad, .rate = (REAL)rate,
              .keep = (REAL)keep, .decay = (REAL)decay, .nesterov = nesterov};
    share_range(momentum_range, &s, count, PIECE, threads);
}

static void adam_range(void *with, ptrdiff_t start, ptrdiff_t end) {
    const step s = *(step *)with;
    EACH(ptrdiff_t i = start; i < end; i++) {
        REAL g = decayed(&s, i);
        REAL m = s.keep * s.velocity[i] + s.add * g;
        REAL v = s.keep_square * s.square[i] + s.add_square * (g * g);
        s.velocity[i] = m;
        s.square[i] = v;
        s.weight[i] = s.shrink * s.weight[i] - s.rate * m / (sqrt(v) + s.eps);
    }
}

/* The betas are what is kept of both means; rate and eps include the corrections. */
API void adam(REAL *weight, REAL *mean, REAL *square, const REAL *grad, double beta1,
              double beta2, double rate, double eps, double decay, double shrink,
              ptrdiff_t count, int threads) {
    step s = {.weight = weight, .velocity = mean, .square = square, .grad = grad,
              .rate = (REAL)rate, .decay = (REAL)decay, .keep = (REAL)beta1,
              .keep_square = (REAL)beta2, .add = (REAL)(1 - beta1),
              .add_square = (REAL)(1 - beta2), .eps = (REAL)eps, .shrink = (REAL)shrink};
    share_range(adam_range, &s, count, PIECE, threads);
}
