#include "fedmpi/nn/workspace.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/softmax.h"

#include <assert.h>

struct fed_workspace {
    const fed_model_t *model; /* borrowed */
    size_t max_batch;
    float **outputs; /* [layer][max_batch][outputs of the layer] */
    void **scratch;  /* [layer], NULL where the kind needs none or it has another's */
    float *delta[2]; /* [max_batch][widest layer]: derivatives, in turns */
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
    return max_batch * floats * sizeof(float) + scratch;
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

void fed_model_step(const fed_model_t *model, fed_workspace_t *workspace, const fed_sink_t *sink,
                    size_t batch, const float *x, const int32_t *labels, const float *w,
                    double *loss_sum, int64_t *correct) {
    assert(sink->kind != FED_SINK_SGD || (sink->w == w && !model->tied));
    size_t layers = model->layer_count;
    forward(model, workspace, batch, x, w);
    float *dy = workspace->delta[0], *dx = workspace->delta[1];
    fed_softmax_cross_entropy(batch, model->classes, workspace->outputs[layers - 1], labels, dy,
                              loss_sum, correct);
    for (size_t l = layers, first = first_with_parameters(model); l-- > first;) {
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
