#include "fedmpi/math/sparse.h"

#include "simd/kernels.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct fed_sparse {
    size_t batch, inputs, outputs;
    fed_sink_t sink;   /* of the steps that rows are behind */
    uint64_t steps;    /* steps since the last flush */
    uint64_t *current; /* [inputs] of them, how many each row has made */
    uint32_t *columns; /* [batch / 32 rounded up][inputs] non-zeros of the last forward's x */
    uint32_t *used; /* [inputs] is not 0 where any of them is: columns, where they are one group */
};

static size_t groups(size_t batch) {
    return (batch + FED_GROUP - 1) / FED_GROUP;
}

fed_sparse_t *fed_sparse_create(size_t batch, size_t inputs, size_t outputs) {
    fed_sparse_t *sparse = calloc(1, sizeof *sparse);
    if (!sparse)
        return NULL;
    *sparse = (fed_sparse_t){.batch = batch, .inputs = inputs, .outputs = outputs};
    /* One more, so that no size is zero. */
    sparse->current = calloc(inputs + 1, sizeof sparse->current[0]);
    sparse->columns = calloc(groups(batch) * inputs + 1, sizeof sparse->columns[0]);
    if (sparse->columns)
        sparse->used =
            groups(batch) == 1 ? sparse->columns : calloc(inputs + 1, sizeof sparse->used[0]);
    if (sparse->current && sparse->used)
        return sparse;
    fed_sparse_destroy(sparse);
    return NULL;
}

size_t fed_sparse_bytes(size_t batch, size_t inputs) {
    size_t own = groups(batch) == 1 ? 0 : inputs + 1;
    return sizeof(fed_sparse_t) + (inputs + 1) * sizeof(uint64_t) +
           (groups(batch) * inputs + 1 + own) * sizeof(uint32_t);
}

void fed_sparse_destroy(fed_sparse_t *sparse) {
    if (!sparse)
        return;
    if (sparse->used != sparse->columns)
        free(sparse->used);
    free(sparse->current);
    free(sparse->columns);
    free(sparse);
}

/* Make the steps that row i has missed. */
static void catch_up(fed_sparse_t *sparse, size_t i) {
    uint64_t missed = sparse->steps - sparse->current[i];
    if (missed > 0) {
        fed_sink_t row = fed_sink_at(&sparse->sink, i * sparse->outputs);
        fed_simd_kernels()->sink_coast(&row, sparse->outputs, missed);
    }
    sparse->current[i] = sparse->steps;
}

/* Which rows does any sample use? */
static void find_used(fed_sparse_t *sparse, size_t batch) {
    if (batch > 0 && sparse->used == sparse->columns)
        return;
    memset(sparse->used, 0, sparse->inputs * sizeof sparse->used[0]);
    for (size_t g = 0; g < groups(batch); g++)
        for (size_t i = 0; i < sparse->inputs; i++)
            sparse->used[i] |= sparse->columns[g * sparse->inputs + i];
}

void fed_sparse_forward(fed_sparse_t *sparse, size_t batch, const float *x, const float *w,
                        const float *bias, bool relu, float *y) {
    assert(batch <= sparse->batch);
    fed_simd_kernels()->scan(batch, sparse->inputs, x, sparse->columns);
    find_used(sparse, batch);
    for (size_t i = 0; i < sparse->inputs; i++)
        if ((sparse->used[i] != 0) & (sparse->current[i] != sparse->steps)) /* one rare branch */
            catch_up(sparse, i);
    fed_simd_kernels()->product(&(fed_product_t){.batch = batch,
                                                 .inner = sparse->inputs,
                                                 .outer = sparse->outputs,
                                                 .x = x,
                                                 .columns = sparse->columns,
                                                 .w = w,
                                                 .bias = bias,
                                                 .relu = relu,
                                                 .y = y});
}

static bool same_sgd(const fed_sgd_t *a, const fed_sgd_t *b) {
    return a->learning_rate == b->learning_rate && a->momentum == b->momentum &&
           a->weight_decay == b->weight_decay && a->nesterov == b->nesterov;
}

static bool same_sink(const fed_sink_t *a, const fed_sink_t *b) {
    if (a->kind != b->kind)
        return false;
    if (a->kind == FED_SINK_STORE)
        return a->keep == b->keep && a->g == b->g;
    return same_sgd(&a->sgd, &b->sgd) && a->w == b->w && a->v == b->v;
}

void fed_sparse_backward_weights(fed_sparse_t *sparse, size_t batch, const float *x,
                                 const float *dy, const fed_sink_t *weights,
                                 const fed_sink_t *bias) {
    if (!same_sink(weights, &sparse->sink)) {
        fed_sparse_flush(sparse);
        sparse->sink = *weights;
    }
    fed_simd_kernels()->descent(&(fed_descent_t){.batch = batch,
                                                 .inputs = sparse->inputs,
                                                 .outputs = sparse->outputs,
                                                 .x = x,
                                                 .dy = dy,
                                                 .columns = sparse->columns,
                                                 .skip_rows = true,
                                                 .weights = weights,
                                                 .bias = bias});
    sparse->steps++;
    for (size_t i = 0; i < sparse->inputs; i++)
        sparse->current[i] = sparse->used[i] ? sparse->steps : sparse->current[i];
}

void fed_sparse_flush(fed_sparse_t *sparse) {
    for (size_t i = 0; i < sparse->inputs; i++) {
        catch_up(sparse, i);
        sparse->current[i] = 0;
    }
    sparse->steps = 0;
}
