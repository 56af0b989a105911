/* As many vectors as each has values, transposed within registers. */
#ifndef TRANSPOSE_H
#define TRANSPOSE_H

#include "vector.h"

#define SIZE_float 4
#define SIZE_double 8
#define SIZE_OF_(type) SIZE_##type
#define SIZE_OF(type) SIZE_OF_(type)

/* The values of the lower or the upper halves of `a` and `b`, in turn. */
#define TURN(...) __builtin_shufflevector(a, b, __VA_ARGS__)
#if BYTES / SIZE_OF(REAL) == 16
#define LOWER TURN(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define UPPER TURN(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif BYTES / SIZE_OF(REAL) == 8
#define LOWER TURN(0, 8, 1, 9, 2, 10, 3, 11)
#define UPPER TURN(4, 12, 5, 13, 6, 14, 7, 15)
#elif BYTES / SIZE_OF(REAL) == 4
#define LOWER TURN(0, 4, 1, 5)
#define UPPER TURN(2, 6, 3, 7)
#else
#define LOWER TURN(0, 2)
#define UPPER TURN(1, 3)
#endif

static inline void transpose(vector row[LANES]) {
    _Pragma("GCC unroll 4") for (int n = 1; n < LANES; n *= 2) {
        vector next[LANES];
        _Pragma("GCC unroll 8") for (int i = 0; i < LANES / 2; i++) {
            vector a = row[i], b = row[i + LANES / 2];
            next[2 * i] = LOWER;
            next[2 * i + 1] = UPPER;
        }
        _Pragma("GCC unroll 16") for (int i = 0; i < LANES; i++) row[i] = next[i];
    }
}

#endif
