#include "fedmpi/nn/workspace.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/softmax.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct fed_workspace {
    const fed_model_t *model; /* borrowed */
    size_t max_batch;
    float **outputs; /* [layer][max_batch][outputs of the layer] */
    void **scratch;  /* [layer], NULL where the kind needs none or it has another's */
    float *delta[2]; /* [max_batch][widest layer]: derivatives, in turns */
    double *squared; /* [max_batch]: norms of samples' gradients */
};

static size_t widest_layer(const fed_model_t *model) {
    size_t widest = 0;
    for (size_t l = 0; l < model->layer_count; l++)
        widest = model->layers[l].outputs > widest ? model->layers[l].outputs : widest;
    return widest;
}

fed_workspace_t *fed_workspace_create(const fed_model_t *model, size_t max_batch) {
    fed_workspace_t *workspace = FED_NEW(fed_workspace_t);
    *workspace = (fed_workspace_t){
        .model = model,
        .max_batch = max_batch,
        .outputs = FED_NEW_ARRAY(float *, model->layer_count),
        .scratch = FED_NEW_ARRAY(void *, model->layer_count),
    };
    for (size_t l = 0; l < model->layer_count; l++) {
        const fed_layer_t *layer = &model->layers[l];
        workspace->outputs[l] = FED_NEW_ARRAY(float, max_batch * layer->outputs);
        if (layer->kind->scratch_create)
            workspace->scratch[l] = layer->kind->scratch_create(layer, max_batch);
    }
    for (size_t i = 0; i < 2; i++)
        workspace->delta[i] = FED_NEW_ARRAY(float, max_batch *widest_layer(model));
    workspace->squared = FED_NEW_ARRAY(double, max_batch);
    return workspace;
}

void fed_workspace_destroy(fed_workspace_t *workspace) {
    if (!workspace)
        return;
    for (size_t l = 0; l < workspace->model->layer_count; l++) {
        fed_free(workspace->outputs[l]);
        if (workspace->scratch[l])
            workspace->model->layers[l].kind->scratch_destroy(workspace->scratch[l]);
    }
    fed_free(workspace->outputs);
    fed_free(workspace->scratch);
    fed_free(workspace->delta[0]);
    fed_free(workspace->delta[1]);
    fed_free(workspace->squared);
    fed_free(workspace);
}

size_t fed_workspace_bytes(const fed_model_t *model, size_t max_batch) {
    size_t floats = 2 * widest_layer(model);
    size_t scratch = 0;
    for (size_t l = 0; l < model->layer_count; l++) {
        const fed_layer_t *layer = &model->layers[l];
        floats += layer->outputs;
        scratch += layer->kind->scratch_bytes ? layer->kind->scratch_bytes(layer, max_batch) : 0;
    }
    return max_batch * (floats * sizeof(float) + sizeof(double)) + scratch;
}

static void *scratch_of(const fed_workspace_t *workspace, const fed_layer_t *layer) {
    return workspace->scratch[layer->scratch];
}

/* What layer l reads: the batch or the outputs of the layer before. */
static const float *inputs_of(const fed_workspace_t *workspace, size_t layer, const float *x) {
    return layer == 0 ? x : workspace->outputs[layer - 1];
}

/* What lies before it needs no derivatives. */
static size_t first_with_parameters(const fed_model_t *model) {
    size_t l = 0;
    while (model->layers[l].bias == model->layers[l].weight)
        l++;
    return l;
}

void fed_model_draw(const fed_model_t *model, fed_workspace_t *workspace,
                    const fed_stream_t *stream, size_t position, size_t batch) {
    for (size_t l = 0; l < model->layer_count; l++) {
        const fed_layer_t *layer = &model->layers[l];
        if (layer->kind->draw)
            layer->kind->draw(layer, scratch_of(workspace, layer), stream, (uint32_t)l, position,
                              batch);
    }
}

static void forward(const fed_model_t *model, fed_workspace_t *workspace, size_t batch,
                    const float *x, const float *w) {
    for (size_t l = 0; l < model->layer_count; l++) {
        const fed_layer_t *layer = &model->layers[l];
        const fed_layer_kind_t *kind = layer->kind;
        (kind->forward ? kind->forward : kind->infer)(layer, scratch_of(workspace, layer), batch,
                                                      inputs_of(workspace, l, x), w,
                                                      workspace->outputs[l]);
    }
}

/* From the derivatives by the logits in delta[0], which they do not outlive. */
static void backward(const fed_model_t *model, fed_workspace_t *workspace, const fed_sink_t *sink,
                     size_t batch, const float *x, const float *w) {
    assert(sink->kind == FED_SINK_STORE || !model->tied);
    assert(sink->kind != FED_SINK_SGD || sink->w == w);
    float *dy = workspace->delta[0], *dx = workspace->delta[1];
    for (size_t l = model->layer_count, first = first_with_parameters(model); l-- > first;) {
        const fed_layer_t *layer = &model->layers[l];
        fed_sink_t own = *sink;
        if (layer->tied_ahead)
            own.keep = 1;
        layer->kind->backward(layer, scratch_of(workspace, layer), batch,
                              inputs_of(workspace, l, x), dy, w, &own, l > first ? dx : NULL);
        float *derivative_by_inputs = dx;
        dx = dy;
        dy = derivative_by_inputs;
    }
}

/* Derivatives of the mean loss by the logits of the last forward, in delta[0]. */
static void start_backward(const fed_model_t *model, fed_workspace_t *workspace, size_t batch,
                           const int32_t *labels, double *loss_sum, int64_t *correct) {
    fed_softmax_cross_entropy(batch, model->classes, workspace->outputs[model->layer_count - 1],
                              labels, workspace->delta[0], loss_sum, correct);
}

void fed_model_step(const fed_model_t *model, fed_workspace_t *workspace, const fed_sink_t *sink,
                    size_t batch, const float *x, const int32_t *labels, const float *w,
                    double *loss_sum, int64_t *correct) {
    forward(model, workspace, batch, x, w);
    start_backward(model, workspace, batch, labels, loss_sum, correct);
    backward(model, workspace, sink, batch, x, w);
}

/* Scale the derivatives of samples whose gradient is longer than the bound; `squared` are the
 * norms of their shares in the mean of the batch. */
static void clip_samples(size_t batch, size_t classes, double bound, const double *squared,
                         float *dy) {
    for (size_t s = 0; s < batch; s++) {
        double length = (double)batch * sqrt(squared[s]);
        for (size_t c = 0; length > bound && c < classes; c++)
            dy[s * classes + c] *= (float)(bound / length);
    }
}

void fed_model_clipped_step(const fed_model_t *model, fed_workspace_t *workspace,
                            const fed_sink_t *sink, double bound, size_t batch, const float *x,
                            const int32_t *labels, const float *w, double *loss_sum,
                            int64_t *correct) {
    const fed_sink_t norms = fed_sink_norms(workspace->squared);
    double counted_loss = 0;
    int64_t counted = 0;
    memset(workspace->squared, 0, batch * sizeof *workspace->squared);
    fed_model_step(model, workspace, &norms, batch, x, labels, w, loss_sum, correct);
    start_backward(model, workspace, batch, labels, &counted_loss, &counted);
    clip_samples(batch, model->classes, bound, workspace->squared, workspace->delta[0]);
    backward(model, workspace, sink, batch, x, w);
}

void fed_model_settle(const fed_model_t *model, fed_workspace_t *workspace) {
    for (size_t l = 0; l < model->layer_count; l++) {
        const fed_layer_t *layer = &model->layers[l];
        if (layer->kind->settle)
            layer->kind->settle(workspace->scratch[l]);
    }
}

const float *fed_model_infer(const fed_model_t *model, fed_workspace_t *workspace, size_t batch,
                             const float *x, const float *w) {
    for (size_t l = 0; l < model->layer_count; l++) {
        const fed_layer_t *layer = &model->layers[l];
        layer->kind->infer(layer, scratch_of(workspace, layer), batch, inputs_of(workspace, l, x),
                           w, workspace->outputs[l]);
    }
    return workspace->outputs[model->layer_count - 1];
}
