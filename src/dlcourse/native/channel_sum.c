/* The sum of the rows of a matrix: the gradient of a bias. */
#include <stdlib.h>

#include "conv_grads.h"
#include "pool.h"

/* Values that are worth a unit of work. */
#define WORTH ((ptrdiff_t)1 << 17)
#define MOST_PIECES 16
/* Values that are added up before they are added to the sum of all. */
#define BLOCK ((ptrdiff_t)1 << 13)
/* Narrow rows are read several at a time, so that a loop has at least so many values. */
#define WIDE 64

typedef struct {
    const REAL *x;
    ptrdiff_t rows, width; /* of the matrix, in which several narrow rows may be one */
    ptrdiff_t pieces;
    REAL *sums; /* two for each piece: of all, of a block */
} job;

static void do_unit(void *with, ptrdiff_t unit) {
    const job *j = with;
    ptrdiff_t width = j->width, row = j->rows * unit / j->pieces;
    ptrdiff_t end = j->rows * (unit + 1) / j->pieces, height = BLOCK / width + 1;
    REAL *total = j->sums + 2 * unit * width, *part = total + width;
    memset(total, 0, width * sizeof(REAL));
    while (row < end) {
        memcpy(part, j->x + row * width, width * sizeof(REAL));
        ptrdiff_t stop = row + height < end ? row + height : end;
        for (row++; row < stop; row++)
            for (ptrdiff_t i = 0; i < width; i++) part[i] += j->x[row * width + i];
        for (ptrdiff_t i = 0; i < width; i++) total[i] += part[i];
    }
}

/* sum (channels) of x (rows, channels). Returns 1 if memory is short. */
API int channel_sum(const REAL *x, ptrdiff_t rows, ptrdiff_t channels, REAL *sum, int threads) {
    ptrdiff_t fold = channels < WIDE ? WIDE / channels : 1, left = rows % fold;
    job j = {.x = x, .rows = rows / fold, .width = channels * fold};
    j.pieces = rows * channels / WORTH;
    if (j.pieces > MOST_PIECES) j.pieces = MOST_PIECES;
    if (j.pieces > j.rows) j.pieces = j.rows;
    if (j.pieces < 1) j.pieces = 1;
    j.sums = malloc(2 * j.pieces * j.width * sizeof(REAL));
    if (!j.sums) return 1;
    share(do_unit, &j, j.pieces, threads);
    memset(sum, 0, channels * sizeof(REAL));
    for (ptrdiff_t p = 0; p < j.pieces; p++)
        for (ptrdiff_t i = 0; i < j.width; i++) sum[i % channels] += j.sums[2 * p * j.width + i];
    for (ptrdiff_t row = rows - left; row < rows; row++)
        for (ptrdiff_t i = 0; i < channels; i++) sum[i] += x[row * channels + i];
    free(j.sums);
    return 0;
}
