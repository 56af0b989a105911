/* Convolution and its input gradient, described as one and the same work. */
#include "conv.h"
#include "conv_grads.h"

#include <stdlib.h>

static int as_runs(const windows *w, ptrdiff_t groups) {
    return groups == 1 && w->columns > 1 && w->dilation_x == 1 && w->channels <= FEW_CHANNELS;
}

/* What both directions have in common; `channels` are read and `outputs` written. */
static job job_for(const convolution *c, ptrdiff_t channels, ptrdiff_t outputs) {
    job j = {.groups = c->groups, .positions = c->rows * c->columns};
    j.depthwise = c->groups > 1 && channels == c->groups && outputs == c->groups;
    if (j.depthwise) j.groups = 1;
    j.channels = channels / j.groups;
    j.outputs = outputs / j.groups;
    j.inputs = j.depthwise ? 1 : j.channels;
    j.vectors = pieces_of(j.outputs, LANES);
    return j;
}

/* y (N, OH, OW, O) of x (N, H, W, C), weight (O, C / groups, KH, KW), and bias (O) or NULL. What
   follows is left out where it is NULL: each value times `scale` (O) plus `shift` (O); plus `plus`;
   ReLU where `relu` is 1, or ReLU6 where it is 6, whose mask is `kept`; all (N, OH, OW, O). With
   `pooled`, the largest of 2x2 of these, y (N, OH / 2, OW / 2, O), without `plus` and `kept`.
   Returns 1 if memory is short, as all here do; and 2 if it cannot do that, or not with such
   numbers. */
API int conv(const REAL *x, const convolution *c, const REAL *weight, const REAL *bias,
             const REAL *scale, const REAL *shift, const REAL *plus, ptrdiff_t relu,
             ptrdiff_t pooled, REAL *y, unsigned char *kept, int threads) {
    job j = job_for(c, c->channels, c->outputs);
    j.weight = weight;
    j.y = y;
    j.kept = kept;
    j.plus = plus;
    j.relu = (int)relu;
    j.pooled = (int)pooled;
    j.channel_step = j.positions;
    j.output_step = j.inputs * j.positions;
    j.group_step = j.outputs * j.output_step;
    j.taps = j.positions;
    j.place = malloc(j.positions * sizeof(ptrdiff_t));
    if (!j.place) return 1;
    for (ptrdiff_t t = 0; t < j.positions; t++) j.place[t] = t;
    phase f = {.w = layer_windows(c, x, y), .taps = j.taps};
    f.w.whole_rows = !j.depthwise && as_runs(&f.w, j.groups);
    j.phases = &f;
    j.count = 1;
    int failed = conv_run(&j, bias, scale, shift, threads);
    free(j.place);
    return failed;
}

/* The positions that see every `stride`-th pixel from the one at `start` on, last position first:
   how many, where the first of them lies in the gradient, and how far apart they are. */
static ptrdiff_t positions_at(ptrdiff_t start, ptrdiff_t size, ptrdiff_t stride, ptrdiff_t padding,
                              ptrdiff_t dilation, ptrdiff_t *place, ptrdiff_t *first,
                              ptrdiff_t *apart) {
    ptrdiff_t count = 0;
    *first = 0;
    *apart = 1;
    for (ptrdiff_t u = size - 1; u >= 0; u--) {
        ptrdiff_t at = start + padding - u * dilation;
        place[u] = -1;
        if (at % stride) continue;
        if (count == 0) *first = at / stride;
        if (count == 1) *apart = at / stride - *first;
        place[u] = count++;
    }
    return count;
}

/* dx (N, H, W, C) of dy (N, OH, OW, O), and `plus` of that shape if it is not NULL; with a bias
   (C), the transposed convolution. Every pixel
   (a + i stride_y, b + j stride_x) is seen by the same positions of the kernel: so dx is as many
   convolutions of stride 1 as there are a and b, each with some of the positions, in reverse. */
API int conv_input_grad(const REAL *dy, const convolution *c, const REAL *weight, const REAL *bias,
                        const REAL *plus, REAL *dx, int threads) {
    job j = job_for(c, c->outputs, c->channels);
    j.weight = weight;
    j.plus = plus;
    j.y = dx;
    j.output_step = j.positions;
    j.channel_step = j.outputs * j.positions;
    j.group_step = j.channels * j.channel_step;
    ptrdiff_t most = c->stride_y * c->stride_x;
    j.phases = malloc(most * sizeof(phase));
    j.place = malloc((j.positions + c->rows + c->columns) * sizeof(ptrdiff_t));
    ptrdiff_t *place_y = j.place + j.positions, *place_x = place_y + c->rows;
    for (ptrdiff_t t = 0; j.place && t < j.positions; t++) j.place[t] = -1;
    for (ptrdiff_t i = 0; i < most && j.phases && j.place; i++) {
        ptrdiff_t a = i / c->stride_x, b = i % c->stride_x;
        if (a >= c->height || b >= c->width) continue;
        phase *f = j.phases + j.count++;
        *f = (phase){.tap = j.taps};
        windows *w = &f->w;
        *w = (windows){
            .x = dy, .images = c->images, .height = c->out_height, .width = c->out_width,
            .channels = c->outputs, .stride_y = 1, .stride_x = 1,
            .out_height = pieces_of(c->height - a, c->stride_y),
            .out_width = pieces_of(c->width - b, c->stride_x),
            .y = dx + (a * c->width + b) * c->channels,
            .image_step = c->height * c->width * c->channels,
            .row_step = c->stride_y * c->width * c->channels,
            .pixel_step = c->stride_x * c->channels,
        };
        w->rows = positions_at(a, c->rows, c->stride_y, c->padding_y, c->dilation_y, place_y,
                               &w->top, &w->dilation_y);
        w->columns = positions_at(b, c->columns, c->stride_x, c->padding_x, c->dilation_x, place_x,
                                  &w->left, &w->dilation_x);
        f->taps = w->rows * w->columns;
        w->whole_rows = !j.depthwise && as_runs(w, j.groups);
        for (ptrdiff_t u = 0; u < c->rows; u++)
            for (ptrdiff_t v = 0; v < c->columns; v++)
                if (place_y[u] >= 0 && place_x[v] >= 0)
                    j.place[u * c->columns + v] = f->tap + place_y[u] * w->columns + place_x[v];
        j.taps += f->taps;
    }
    int failed = !j.phases || !j.place || conv_run(&j, bias, NULL, NULL, threads);
    free(j.place);
    free(j.phases);
    return failed;
}
