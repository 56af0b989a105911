/* The sums of P pixels side by side, Q registers of outputs each, stay in registers together. */
#include "conv.h"

#ifndef CHANNELS /* or a number, which the compiler then knows */
#define CHANNELS C
#endif

/* Loops over a tile are written out, so that each sum has a register of its own. */
#define EACH(p, count) _Pragma("GCC unroll 32") for (size p = 0; p < (count); p++)

CONV {
    for (size n = 0; n < N; n++)
        for (size i = 0; i < OH; i++)
            for (size j = 0; j < OW; j += P) {
                if (j > OW - P) j = OW - P; /* the last tile lies over the one before */
                for (size o = 0; o < O; o += Q * LANES) {
                    vector sum[P][Q];
                    EACH(p, P) EACH(q, Q) sum[p][q] = load(&bias[o + q * LANES]);
                    for (size u = 0; u < KH; u++) {
                        const REAL *pixel = &X(n, i + u, j, 0);
                        const REAL *w = &WEIGHT(u, 0, 0, o);
                        for (size k = 0; k < KW * CHANNELS; k++, w += O) {
                            vector weights[Q];
                            EACH(q, Q) weights[q] = load(w + q * LANES);
                            EACH(p, P) {
                                vector value = all(pixel[p * CHANNELS + k]);
                                EACH(q, Q) sum[p][q] += value * weights[q];
                            }
                        }
                    }
                    EACH(p, P) EACH(q, Q) store(&Y(n, i, j + p, o + q * LANES), sum[p][q]);
                }
            }
}
