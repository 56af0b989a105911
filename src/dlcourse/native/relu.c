/* ReLU and its relatives. */
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
FOR_EACH(relu6, a <= 0 ? 0 : a >= 6 ? 6 : a)
FOR_EACH(relu6_grad, ((b > 0) & (b < 6)) ? a : 0)
FOR_EACH(leaky_relu, a > 0 ? a : a * slope)
FOR_EACH(leaky_relu_grad, b > 0 ? a : a * slope)

typedef struct {
    const REAL *a, *b;
    REAL *to;
    unsigned char *passes; /* a byte for each place: whether the gradient passes there */
} masked;

/* What of a FORMULA of the values `a` and `b` is not below or at zero. */
#define RELU(NAME, FORMULA)                                                           \
    static void NAME##_range(void *with, ptrdiff_t start, ptrdiff_t end) {            \
        const masked *given = with;                                                   \
        const REAL *as = given->a, *bs = given->b;                                    \
        REAL *to = given->to;                                                         \
        unsigned char *passes = given->passes;                                        \
        EACH(ptrdiff_t i = start; i < end; i++) {                                     \
            REAL a = as[i], b = bs[i], value = FORMULA;                               \
            (void)b;                                                                  \
            to[i] = value <= 0 ? 0 : value;                                           \
            passes[i] = !(value <= 0);                                                \
        }                                                                             \
    }                                                                                 \
    API void NAME(const REAL *a, const REAL *b, REAL *to, unsigned char *passes,      \
                  ptrdiff_t count, int threads) {                                     \
        masked given = {a, b ? b : a, to, passes};                                    \
        share_range(NAME##_range, &given, count, PIECE, threads);                     \
    }

RELU(relu, a)
RELU(add_relu, a + b)

static void relu_grad_range(void *with, ptrdiff_t start, ptrdiff_t end) {
    const masked *given = with;
    const REAL *dy = given->a;
    const unsigned char *passes = given->passes;
    REAL *to = given->to;
    EACH(ptrdiff_t i = start; i < end; i++) to[i] = passes[i] ? dy[i] : 0;
}

API void relu_grad(const REAL *dy, unsigned char *passes, REAL *to, ptrdiff_t count, int threads) {
    masked given = {dy, dy, to, passes};
    share_range(relu_grad_range, &given, count, PIECE, threads);
}
