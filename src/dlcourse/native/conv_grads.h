/* The gradients of a convolution: each is in a file of its own, which says what it does. */
#ifndef CONV_GRADS_H
#define CONV_GRADS_H

#include "sliding.h"

API int channel_sum(const REAL *x, ptrdiff_t rows, ptrdiff_t channels, REAL *sum, int threads);
API int conv_weight_grad(const REAL *x, const convolution *c, const REAL *dy, REAL *dw,
                         int threads);
API int conv_depthwise_grad(const REAL *x, const convolution *c, const REAL *dy, REAL *dw,
                            int threads);
API int conv_input_grad(const REAL *dy, const convolution *c, const REAL *weight, const REAL *bias,
                        const REAL *plus, REAL *dx, int threads);

#endif
