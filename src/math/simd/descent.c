/* Gradients of a dense layer's weights, handed over row by row as they are summed.
 *
 * dy of a group of samples is the panel, in aligned memory; each row of weights walks through the
 * samples in which its input is not zero.
 */
#include "mask.h"
#include "panel.h"
#include "sink_inline.h"

enum { STRIP = 4 }; /* rows of w whose sums may share loads */
_Static_assert(2 * FED_NARROW <= FED_TILE_MAX, "two strips of a narrow tile fit one of a wide one");

static void descend_bias(const fed_descent_t *d) {
    float sums[FED_TILE_MAX * LANES];
    for (size_t first = 0; first < d->outputs; first += FED_TILE_MAX * LANES) {
        size_t count = min(FED_TILE_MAX * LANES, d->outputs - first);
        memset(sums, 0, sizeof sums);
        for (size_t s = 0; s < d->batch; s++)
            for (size_t j = 0; j < count; j++)
                sums[j] += d->dy[s * d->outputs + first + j];
        fed_sink_put(d->bias, first, count, sums);
    }
}

/* The masks of the columns [row, row + rows) of a group of samples. */
static void group_columns(uint64_t masks[GROUP], const fed_descent_t *d, size_t first,
                          size_t samples, size_t row, size_t rows) {
    uint32_t found[GROUP];
    const uint32_t *columns = found;
    if (d->columns && samples > 0)
        columns = d->columns + first / GROUP * d->inputs + row;
    else
        fed_mask_columns(samples, rows, d->x + first * d->inputs + row, d->inputs, found);
    for (size_t i = 0; i < rows; i++)
        masks[i] = columns[i];
}

/* Hand over rows whose gradient is known. */
static void descend_rows(const fed_descent_t *d, tile_t tile, size_t row, uint32_t which,
                         const fed_vec_t *sums) {
    for (; which; which &= which - 1) {
        size_t i = (size_t)__builtin_ctz(which);
        size_t at = (row + i) * d->outputs + tile.first;
        fed_sink_put(d->weights, at, tile.count, (const float *)(sums + i * tile.vectors));
    }
}

/* What the samples of a group, first .. first+samples-1, add to the gradient of a tile. */
typedef struct {
    tile_t tile;
    size_t first, samples;
    const block_t *panel; /* dy */
} share_t;

static share_t share_of(const fed_descent_t *d, tile_t tile, size_t first, const block_t *panel) {
    return (share_t){
        .tile = tile, .first = first, .samples = min(GROUP, d->batch - first), .panel = panel};
}

static void pack_share(block_t *panel, const share_t *share, const fed_descent_t *d) {
    pack(panel, share->tile, fed_mask_full(share->samples), d->dy + share->first * d->outputs,
         d->outputs, d->dy + d->batch * d->outputs);
}

/* For rows [row, row + count) of w. */
static fed_tile_t job_of(const share_t *share, const fed_descent_t *d, size_t row, size_t count,
                         const uint64_t *masks, fed_vec_t *sums) {
    return (fed_tile_t){.count = count,
                        .masks = masks,
                        .full = fed_mask_full(share->samples),
                        .x = d->x + share->first * d->inputs + row,
                        .stride_i = 1,
                        .stride_k = d->inputs,
                        .panel = share->panel->floats,
                        .panel_stride = share->tile.vectors * LANES,
                        .sums = sums,
                        .fresh = share->first == 0};
}

/* The gradient of `rows` <= 32 rows of w in a tile, where sums[i][:] is the sum over the
 * samples s of x[s][row + i] dy[s][tile]. Applying the gradient is bound by memory and
 * summing it by arithmetic, so they alternate at short distance. */
static void descend_block(const fed_descent_t *d, tile_t tile, size_t row, size_t rows,
                          block_t *panel) {
    _Alignas(64) block_t sums;
    uint32_t used = 0;
    bool last = false;
    for (size_t first = 0; !last; first += GROUP) {
        share_t share = share_of(d, tile, first, panel);
        last = first + share.samples == d->batch;
        uint64_t masks[GROUP];
        group_columns(masks, d, first, share.samples, row, rows);
        for (size_t i = 0; i < rows; i++)
            used |= (uint32_t)(masks[i] != 0) << i;
        if (d->batch > GROUP || row == 0)
            pack_share(panel, &share, d);
        for (size_t i = 0; i < rows; i += STRIP) {
            size_t count = min(STRIP, rows - i);
            uint32_t which = fed_mask_full(count) << i;
            /* The sums of a single group are used up at once: the cache is the panel's. */
            fed_vec_t *strip = sums.vectors + (d->batch > GROUP ? i * tile.vectors : 0);
            if (d->skip_rows && last && !(which &= used))
                continue;
            fed_tile_t job = job_of(&share, d, row + i, count, masks + i, strip);
            fed_tile_multiply(tile.vectors, &job);
            if (last)
                descend_rows(d, tile, row + i, which >> i, strip);
        }
    }
}

/* A single group whose rows make steps of plain momentum: sums need no memory then. */
static bool is_short(const fed_descent_t *d) {
    const fed_sink_t *sink = d->weights;
    return d->batch <= GROUP && sink->kind == FED_SINK_SGD && sink->sgd.weight_decay == 0.0f &&
           !sink->sgd.nesterov;
}

/* Rows of w whose sums are taken together. */
static size_t strip_rows(tile_t tile) {
    return tile.vectors <= FED_NARROW ? 2 * STRIP : STRIP;
}

/* Do rows share loads of dy? */
static bool is_shared(const share_t *share, size_t count, const uint64_t *masks) {
    if (share->tile.vectors <= FED_NARROW)
        return true;
    return count == STRIP &&
           (masks[0] & masks[1] & masks[2] & masks[3]) == fed_mask_full(share->samples);
}

/* Rows of less than a tile that lie one after another make their steps together: each by itself
 * would read what the one before it has just written. */
static void descend_narrow(const fed_descent_t *d, tile_t tile, size_t row, size_t count,
                           const fed_vec_t *sums) {
    float gradient[2 * STRIP * FED_NARROW * LANES];
    for (size_t i = 0; i < count; i++) /* the end of each is written over by the next */
        memcpy(gradient + i * tile.count, sums + i * tile.vectors, tile.vectors * sizeof *sums);
    fed_sink_put(d->weights, row * d->outputs, count * tile.count, gradient);
}

/* Rows whose sums have to be in memory. */
static void descend_shared(const fed_descent_t *d, tile_t tile, size_t row, uint32_t which,
                           const fed_tile_t *job) {
    fed_tile_multiply(tile.vectors, job);
    if (tile.vectors <= FED_NARROW && tile.count == d->outputs && !d->skip_rows)
        descend_narrow(d, tile, row, job->count, job->sums);
    else
        descend_rows(d, tile, row, which, job->sums);
}

static void descend_strip(const share_t *share, const fed_descent_t *d, size_t row, size_t count,
                          const uint64_t *masks) {
    _Alignas(64) fed_vec_t sums[STRIP * FED_TILE_MAX];
    fed_tile_t job = job_of(share, d, row, count, masks, sums);
    uint32_t which = 0;
    for (size_t i = 0; i < count; i++)
        which |= (uint32_t)(masks[i] != 0 || !d->skip_rows) << i;
    if (is_shared(share, count, masks)) {
        descend_shared(d, share->tile, row, which, &job);
        return;
    }
    size_t at = row * d->outputs + share->tile.first;
    fed_tile_descend(share->tile.vectors, &job, which,
                     &(fed_tile_sgd_t){.learning_rate = d->weights->sgd.learning_rate,
                                       .momentum = d->weights->sgd.momentum,
                                       .v = d->weights->v + at,
                                       .w = d->weights->w + at,
                                       .stride = d->outputs,
                                       .count = share->tile.count});
}

static void descend_short(const fed_descent_t *d, tile_t tile, block_t *panel) {
    share_t share = share_of(d, tile, 0, panel);
    size_t strip = strip_rows(tile);
    pack_share(panel, &share, d);
    for (size_t row = 0; row < d->inputs; row += GROUP) {
        size_t rows = min(GROUP, d->inputs - row);
        uint64_t masks[GROUP];
        group_columns(masks, d, 0, share.samples, row, rows);
        for (size_t i = 0; i < rows; i += strip)
            descend_strip(&share, d, row + i, min(strip, rows - i), masks + i);
    }
}

static void descend_tile(const fed_descent_t *d, tile_t tile, block_t *panel) {
    if (is_short(d)) {
        descend_short(d, tile, panel);
        return;
    }
    for (size_t row = 0; row < d->inputs; row += GROUP)
        descend_block(d, tile, row, min(GROUP, d->inputs - row), panel);
}

void FED_SIMD_NAME(descent)(const fed_descent_t *d) {
    _Alignas(64) block_t panel;
    tile_t tile;
    for (size_t column = 0; column < d->outputs; column += tile.count) {
        tile = tile_at(column, d->outputs);
        descend_tile(d, tile, &panel);
    }
    descend_bias(d);
}

void FED_SIMD_NAME(scan)(size_t batch, size_t inputs, const float *x, uint32_t *columns) {
    for (size_t first = 0; first < batch; first += GROUP) {
        size_t samples = min(GROUP, batch - first);
        for (size_t i = 0; i < inputs; i += GROUP) {
            size_t count = min(GROUP, inputs - i);
            uint32_t masks[GROUP];
            fed_mask_columns(samples, count, x + first * inputs + i, inputs, masks);
            memcpy(columns + first / GROUP * inputs + i, masks, count * sizeof masks[0]);
        }
    }
}
