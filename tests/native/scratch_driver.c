/* Convolution and pooling in one pass, wherever its scratch memory lies behind the result: ends with
   status 0 if every place gives the same. `malloc` is `hand_out` here, and `free` does nothing. */
#include "../../src/dlcourse/native/sliding.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../src/dlcourse/native/conv.h"

API int conv(const REAL *x, const convolution *c, const REAL *weight, const REAL *bias,
             const REAL *scale, const REAL *shift, const REAL *plus, ptrdiff_t relu,
             ptrdiff_t pooled, REAL *y, unsigned char *kept, int threads);

#define SIZE 48
#define INPUTS 16
#define OUTPUTS 32
/* A register apart: two rows of the image before they are pooled. */
#define PLACES (2 * SIZE * OUTPUTS / LANES)
#define POOLED (SIZE / 2 * SIZE / 2 * OUTPUTS)

static REAL x[SIZE * SIZE * INPUTS], weight[OUTPUTS * INPUTS * 9], expected[POOLED];
static _Alignas(64) char memory[1 << 23];
static char *next;

void *hand_out(size_t size) {
    char *found = next;
    next += (size + 63) / 64 * 64;
    if (next > memory + sizeof memory) exit(2);
    return found;
}

void ignore(void *nothing) { (void)nothing; }

int main(void) {
    const convolution c = {1, INPUTS, SIZE, SIZE, OUTPUTS, SIZE, SIZE, 3, 3, 1, 1, 1, 1, 1, 1, 1};
    for (int i = 0; i < SIZE * SIZE * INPUTS; i++) x[i] = (REAL)(i * 7919 % 1000) / 1000;
    for (int i = 0; i < OUTPUTS * INPUTS * 9; i++) weight[i] = (REAL)(i * 104729 % 1000) / 1000;
    for (int place = 0; place < PLACES; place++) {
        REAL *y = (REAL *)memory + place * LANES;
        for (int i = 0; i < POOLED; i++) y[i] = -1;
        next = memory + (PLACES * LANES + POOLED) * sizeof(REAL);
        if (conv(x, &c, weight, NULL, NULL, NULL, NULL, 1, 1, y, NULL, 1)) return 2;
        for (int i = 0; i < POOLED; i++) {
            if (place == 0) expected[i] = y[i];
            if (y[i] > 0 && y[i] == expected[i]) continue;
            fprintf(stderr, "at place %d, value %d is %g, not %g\n", place, i, y[i], expected[i]);
            return 1;
        }
    }
    return 0;
}
