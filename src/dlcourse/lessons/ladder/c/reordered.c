/* The loop over outputs innermost: its turns need nothing of each other, and lie side by side. */
#include "conv.h"

CONV {
    for (size n = 0; n < N; n++)
        for (size i = 0; i < OH; i++)
            for (size j = 0; j < OW; j++) {
                for (size o = 0; o < O; o++) Y(n, i, j, o) = bias[o];
                for (size u = 0; u < KH; u++)
                    for (size v = 0; v < KW; v++)
                        for (size c = 0; c < C; c++)
                            for (size o = 0; o < O; o++)
                                Y(n, i, j, o) += X(n, i + u, j + v, c) * WEIGHT(u, v, c, o);
            }
}
