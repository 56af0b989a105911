/* What every rung in C is given: one convolution with stride 1, and names for its values.

   x      (N, OH + KH - 1, OW + KW - 1, C), the images with their border of zeros
   weight (KH, KW, C, O)
   bias   (O)
   y      (N, OH, OW, O)

   None overlaps another, which `restrict` tells the compiler. */
#ifndef CONV_H
#define CONV_H

#include "vector.h"

typedef ptrdiff_t size;

#define CONV                                                                                       \
    API void conv(const REAL *restrict x, const REAL *restrict weight, const REAL *restrict bias,  \
                  REAL *restrict y, size N, size OH, size OW, size C, size KH, size KW, size O)

#define X(n, i, j, c) x[(((n) * (OH + KH - 1) + (i)) * (OW + KW - 1) + (j)) * C + (c)]
#define WEIGHT(u, v, c, o) weight[(((u) * KW + (v)) * C + (c)) * O + (o)]
#define Y(n, i, j, o) y[(((n) * OH + (i)) * OW + (j)) * O + (o)]

#endif
