/* As many outputs of a pixel as a register holds stay in it until their sums are finished. */
#include "conv.h"

CONV {
    for (size n = 0; n < N; n++)
        for (size i = 0; i < OH; i++)
            for (size j = 0; j < OW; j++)
                for (size o = 0; o < O; o += LANES) {
                    vector sum = load(&bias[o]);
                    for (size u = 0; u < KH; u++)
                        for (size v = 0; v < KW; v++)
                            for (size c = 0; c < C; c++)
                                sum += all(X(n, i + u, j + v, c)) * load(&WEIGHT(u, v, c, o));
                    store(&Y(n, i, j, o), sum);
                }
}
