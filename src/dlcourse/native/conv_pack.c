/* Weights laid out in the order in which the tiles of a convolution use them. */
#include "conv.h"
#include "transpose.h"

/* Where the weights of a position and a channel are laid out; null for one that is not in use. */
static REAL *place_of(const job *j, ptrdiff_t c, ptrdiff_t t, ptrdiff_t width,
                      REAL *to) {
    return j->place[t] < 0 ? NULL : to + (j->place[t] * j->channels + c) * width;
}

/* Lay out `count` weights that are neighbours in memory, from position `t` of channel `c` on, for
   a full register of outputs. `from` is that of the first output; LANES can be read. */
static void pack_neighbours(const job *j, const REAL *from, ptrdiff_t c,
                            ptrdiff_t t, ptrdiff_t count, ptrdiff_t width, REAL *to) {
    vector row[LANES];
    for (ptrdiff_t i = 0; i < LANES; i++) row[i] = load(from + i * j->output_step);
    transpose(row);
    for (ptrdiff_t i = 0; i < count; i++) {
        REAL *out = place_of(j, c, t, width, to);
        if (out) store(out, row[i]);
        if (++t == j->positions) t = 0, c++;
    }
}

/* Lay out the weights of a channel and a register of outputs, of which `some` are there. */
static void pack_channel(const job *j, const REAL *from, ptrdiff_t c, ptrdiff_t t,
                         ptrdiff_t some, ptrdiff_t width, REAL *to) {
    for (; t < j->positions; t++) {
        REAL *out = place_of(j, c, t, width, to);
        if (!out) continue;
        if (some == LANES && j->output_step == 1) {
            store(out, load(from + t));
            continue;
        }
        for (ptrdiff_t i = 0; i < some; i++) out[i] = from[t + i * j->output_step];
        for (ptrdiff_t i = some; i < LANES; i++) out[i] = 0;
    }
}

void conv_pack(const job *j, ptrdiff_t group, ptrdiff_t vector, ptrdiff_t block, REAL *to) {
    ptrdiff_t width = block * LANES, T = j->positions, first = vector * LANES, done = 0;
    ptrdiff_t step = j->output_step, left = j->outputs - first;
    const REAL *from = j->weight + group * j->group_step + first * step;
    if (j->channel_step == T && left >= width) /* all weights of an output are neighbours */
        for (; done + LANES <= j->channels * T; done += LANES)
            for (ptrdiff_t o = 0; o < width; o += LANES)
                pack_neighbours(j, from + o * step + done, done / T, done % T, LANES, width,
                                to + o);
    for (ptrdiff_t c = done / T, t = done % T; c < j->channels; c++, t = 0)
        for (ptrdiff_t o = 0; o < width; o += LANES) {
            const REAL *w = from + o * step + c * j->channel_step;
            /* Those of a channel are; what is read beyond them belongs to the next channel. */
            if (step == T && T >= LANES / 4 && left >= o + LANES && c < j->channels - 1)
                for (ptrdiff_t i = 0; i < T; i += LANES)
                    pack_neighbours(j, w + i, c, i, at_most(LANES, T - i), width, to + o);
            else
                pack_channel(j, w, c, t, at_most(LANES, left - o), width, to + o);
        }
}
