/* Seven loops, as the definition has them. */
#include "conv.h"

CONV {
    for (size n = 0; n < N; n++)
        for (size o = 0; o < O; o++)
            for (size i = 0; i < OH; i++)
                for (size j = 0; j < OW; j++) {
                    REAL sum = bias[o];
                    for (size c = 0; c < C; c++)
                        for (size u = 0; u < KH; u++)
                            for (size v = 0; v < KW; v++)
                                sum += X(n, i + u, j + v, c) * WEIGHT(u, v, c, o);
                    Y(n, i, j, o) = sum;
                }
}
