/* ReLU and its relatives. The backward pass sees from the output where the gradient passes. */
#include "flat.h"
#include "vector.h"

typedef struct {
    const REAL *a, *b;
    REAL *to;
    REAL slope;
} arrays;

/* A function of the values `a` and `b` at each place; where `b` is not used, it may be NULL. */
#define FOR_EACH(NAME, FORMULA)                                                       \
    static void NAME##_range(void *with, ptrdiff_t start, ptrdiff_t end) {            \
        const arrays *given = with;                                                   \
        const REAL *as = given->a, *bs = given->b, slope = given->slope;              \
        REAL *to = given->to;                                                         \
        EACH(ptrdiff_t i = start; i < end; i++) {                                     \
            REAL a = as[i], b = bs[i];                                                \
            (void)b, (void)slope;                                                     \
            to[i] = FORMULA;                                                          \
        }                                                                             \
    }                                                                                 \
    API void NAME(const REAL *a, const REAL *b, REAL *to, double slope,               \
                  ptrdiff_t count, int threads) {                                     \
        arrays given = {a, b ? b : a, to, (REAL)slope};                               \
        share_range(NAME##_range, &given, count, PIECE, threads);                     \
    }

/* Comparisons are written so that what is no number passes, as with NumPy. */
FOR_EACH(relu, a <= 0 ? 0 : a)
FOR_EACH(add_relu, a + b <= 0 ? 0 : a + b)
FOR_EACH(relu_grad, b <= 0 ? 0 : a)
FOR_EACH(relu6, a <= 0 ? 0 : a >= 6 ? 6 : a)
FOR_EACH(relu6_grad, (b > 0) & (b < 6) ? a : 0)
FOR_EACH(leaky_relu, a > 0 ? a : a * slope)
FOR_EACH(leaky_relu_grad, b > 0 ? a : a * slope)
