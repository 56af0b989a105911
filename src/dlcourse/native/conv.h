/* What is to be done for a convolution, in either direction. */
#ifndef CONV_H
#define CONV_H

#include "sliding.h"

/* Windows on the source: all of a convolution, or a part of its way back with some of the taps. */
typedef struct {
    windows w;
    ptrdiff_t tap, taps;    /* the first of its taps, in the order of use, and how many it has */
    ptrdiff_t unit, pieces; /* the first of its units of work, and how many each group has */
} phase;

typedef struct {
    phase *phases;
    ptrdiff_t count;
    ptrdiff_t groups, channels, outputs, vectors; /* of a group: channels, outputs, registers */
    ptrdiff_t inputs;                             /* channels that an output sees */
    const REAL *weight;
    ptrdiff_t positions, output_step, channel_step, group_step; /* of the weights */
    ptrdiff_t *place; /* of each position in the order of use, or -1 */
    ptrdiff_t taps;   /* positions in use */
    REAL *packed;     /* weights in the order of use, one group after another */
    REAL *bias;       /* likewise, each group padded to whole registers */
    REAL *scale, *shift; /* likewise; or NULL: what follows the sums, see `conv` */
    const REAL *y;       /* where the outputs begin; */
    const REAL *plus;    /* what is added to them, or NULL; */
    unsigned char *kept; /* and ReLU's mask, or NULL */
    int relu, depthwise;
    int pooled; /* whether of 2x2 outputs only the largest is written, as `y` says where */
    int by_outputs; /* whether a unit has all pixels, and lays out the weights of its outputs */
    unsigned char *infinite; /* whether each image has an output that is no finite number */
    int failed;
} job;

/* Multiply-adds that are worth a unit of work: about 20 microseconds. */
#define WORTH ((ptrdiff_t)1 << 20)

/* Lay out the weights of `block` registers of outputs, from this one on, in the order of use:
   (taps, channels, outputs). */
void conv_pack(const job *j, ptrdiff_t group, ptrdiff_t vector, ptrdiff_t block, REAL *to);

/* Cut the work by its size into units, and do them. What follows the sums may be NULL. Returns 1 if
   memory is short, and 2 if it cannot pool. */
int conv_run(job *j, const REAL *bias, const REAL *scale, const REAL *shift, int threads);

/* Whether fewer products will do, see `conv_winograd.c`; and the convolution done that way. Weights
   need 16 places in `packed` in place of 9. Images that are then `infinite` have to be done the
   plain way, which tells infinity from what is no number. */
int conv_by_tiles(const job *j);
void conv_tiles(job *j, int threads);

#endif
