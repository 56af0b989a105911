/* All gradients of a convolution, in one call. */
#include "conv_grads.h"

/* dw, db, and dx of x (N, H, W, C) and dy (N, OH, OW, O), each as by itself; the last two are left
   out where they are NULL. Returns 1 if memory is short. */
API int conv_grads(const REAL *x, const convolution *c, const REAL *dy, const REAL *weight,
                   const REAL *plus, REAL *dw, REAL *db, REAL *dx, int threads) {
    ptrdiff_t pixels = c->images * c->out_height * c->out_width;
    int depthwise = c->groups > 1 && c->channels == c->groups && c->outputs == c->groups;
    if (db && channel_sum(dy, pixels, c->outputs, db, threads)) return 1;
    if (depthwise ? conv_depthwise_grad(x, c, dy, dw, threads)
                  : conv_weight_grad(x, c, dy, dw, threads)) return 1;
    return dx && conv_input_grad(dy, c, weight, NULL, plus, dx, threads);
}
