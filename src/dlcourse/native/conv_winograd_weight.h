/* The weight gradient by fewer products. */
#ifndef CONV_WINOGRAD_WEIGHT_H
#define CONV_WINOGRAD_WEIGHT_H

#include "sliding.h"

/* Whether it is possible, and pays. */
int weight_by_tiles(const convolution *c);

/* The sums of all, in the order of `conv_weight.c`: for each block of outputs (positions, channels,
   outputs). Returns 1 if memory is short. */
int weight_tiles(const convolution *c, const REAL *x, const REAL *dy, REAL *totals, int threads);

#endif
