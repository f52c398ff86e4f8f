/* Evaluating blocks of samples, with exact sums. */
#include "fedmpi/fl/evaluation.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/math/softmax.h"

#include <math.h>

#define LOSS_ONE 0x1p24
#define LOSS_LARGEST 0x1p52 /* fixed-point; a thousand such sums still fit */

void fed_evaluator_init(fed_evaluator_t *evaluator, const fed_model_t *model) {
    *evaluator = (fed_evaluator_t){
        .model = model,
        .workspace = fed_workspace_create(model, FED_EVALUATION_BLOCK),
        .x = FED_NEW_ARRAY(float, FED_EVALUATION_BLOCK * model->inputs),
        .labels = FED_NEW_ARRAY(int32_t, FED_EVALUATION_BLOCK),
    };
}

void fed_evaluator_fini(fed_evaluator_t *evaluator) {
    fed_workspace_destroy(evaluator->workspace);
    fed_free(evaluator->x);
    fed_free(evaluator->labels);
    *evaluator = (fed_evaluator_t){0};
}

size_t fed_evaluation_blocks(const fed_samples_t *samples) {
    return (samples->count + FED_EVALUATION_BLOCK - 1) / FED_EVALUATION_BLOCK;
}

static size_t first_largest(const float *values, size_t count) {
    size_t largest = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[largest])
            largest = i;
    return largest;
}

static void count_confusion(const float *logits, const int32_t *labels, size_t batch,
                            size_t classes, int64_t *confusion) {
    for (size_t b = 0; b < batch; b++)
        confusion[(size_t)labels[b] * classes + first_largest(logits + b * classes, classes)]++;
}

int64_t fed_score_fixed_loss(double loss_sum) {
    double fixed = rint(loss_sum * LOSS_ONE);
    return fixed < LOSS_LARGEST ? (int64_t)fixed : (int64_t)LOSS_LARGEST; /* NaN is not smaller */
}

/* Add the score of the batch that the evaluator holds. */
static void evaluate_batch(fed_evaluator_t *evaluator, size_t batch, const float *w,
                           fed_score_t *score, int64_t *confusion) {
    size_t classes = evaluator->model->classes;
    const float *logits =
        fed_model_infer(evaluator->model, evaluator->workspace, batch, evaluator->x, w);
    double loss_sum = 0;
    fed_softmax_cross_entropy(batch, classes, logits, evaluator->labels, NULL, &loss_sum,
                              &score->correct);
    score->loss += fed_score_fixed_loss(loss_sum);
    score->samples += (int64_t)batch;
    if (confusion)
        count_confusion(logits, evaluator->labels, batch, classes, confusion);
}

void fed_evaluate(fed_evaluator_t *evaluator, const fed_samples_t *samples, const float *w,
                  size_t block, fed_score_t *score, int64_t *confusion) {
    size_t start = block * FED_EVALUATION_BLOCK, left = samples->count - start;
    size_t batch = left < FED_EVALUATION_BLOCK ? left : FED_EVALUATION_BLOCK;
    fed_samples_slice(samples, start, batch, evaluator->x, evaluator->labels);
    evaluate_batch(evaluator, batch, w, score, confusion);
}

void fed_evaluate_chosen(fed_evaluator_t *evaluator, const fed_samples_t *samples,
                         const uint32_t *index, size_t count, const float *w, fed_score_t *score) {
    for (size_t start = 0; start < count; start += FED_EVALUATION_BLOCK) {
        size_t left = count - start;
        size_t batch = left < FED_EVALUATION_BLOCK ? left : FED_EVALUATION_BLOCK;
        fed_samples_gather(samples, index + start, batch, evaluator->x, evaluator->labels);
        evaluate_batch(evaluator, batch, w, score, NULL);
    }
}

fed_measure_t fed_score_measure(const fed_score_t *score) {
    if (score->samples == 0)
        return (fed_measure_t){NAN, NAN};
    double samples = (double)score->samples;
    return (fed_measure_t){(double)score->loss / LOSS_ONE / samples,
                           (double)score->correct / samples};
}
