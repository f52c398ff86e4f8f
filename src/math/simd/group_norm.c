/* Group normalisation; see fedmpi/math/group_norm.h.
 *
 * Sums run over pixels with a lane a channel, then over the channels of a group one
 * by one: their order does not depend on the width of vectors.
 */
#include "kernels.h"
#include "vector.h"

#include <math.h>
#include <string.h>

#define EPSILON 1e-5

/* What the passes over a sample need of each channel. */
typedef struct {
    double *mean, *scale;           /* of its group: mean and 1 / sqrt(variance + epsilon) */
    double *first, *second;         /* sums over pixels */
    double *sum_first, *sum_second; /* over the batch */
} channels_t;

static channels_t channels_in(double *memory, size_t channels) {
    return (channels_t){memory,
                        memory + channels,
                        memory + 2 * channels,
                        memory + 3 * channels,
                        memory + 4 * channels,
                        memory + 5 * channels};
}

/* value[c] = the sum of value over c's group */
static void sum_groups(const fed_group_norm_t *norm, double *value) {
    size_t members = norm->channels / norm->groups;
    for (size_t first = 0; first < norm->channels; first += members) {
        double sum = 0;
        for (size_t c = first; c < first + members; c++)
            sum += value[c];
        for (size_t c = first; c < first + members; c++)
            value[c] = sum;
    }
}

static double group_size(const fed_group_norm_t *norm) {
    size_t members = norm->channels / norm->groups;
    return (double)(norm->pixels * members);
}

/* Mean and scale of one sample. Variance from the differences: x may be far from 0. */
static void measure(const fed_group_norm_t *norm, const float *restrict x, channels_t at) {
    size_t channels = norm->channels;
    double *restrict mean = at.mean, *restrict scale = at.scale;
    memset(mean, 0, channels * sizeof *mean);
    memset(scale, 0, channels * sizeof *scale);
    for (size_t p = 0; p < norm->pixels; p++)
        for (size_t c = 0; c < channels; c++)
            mean[c] += (double)x[p * channels + c];
    sum_groups(norm, mean);
    for (size_t c = 0; c < channels; c++)
        mean[c] /= group_size(norm);
    for (size_t p = 0; p < norm->pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            double difference = (double)x[p * channels + c] - mean[c];
            scale[c] += difference * difference;
        }
    sum_groups(norm, scale);
    for (size_t c = 0; c < channels; c++)
        scale[c] = 1 / sqrt(scale[c] / group_size(norm) + EPSILON);
}

void FED_SIMD_NAME(group_norm_forward)(const fed_group_norm_t *norm, size_t batch,
                                       const float *restrict x, const float *weight,
                                       const float *bias, float *restrict y, double *memory) {
    size_t channels = norm->channels, sample = norm->pixels * channels;
    channels_t at = channels_in(memory, channels);
    double *restrict mean = at.mean, *restrict factor = at.first, *restrict shift = at.second;
    for (size_t s = 0; s < batch; s++, x += sample, y += sample) {
        measure(norm, x, at);
        for (size_t c = 0; c < channels; c++) {
            factor[c] = at.scale[c] * (double)weight[c];
            shift[c] = (double)bias[c];
        }
        for (size_t p = 0; p < norm->pixels; p++)
            for (size_t c = 0; c < channels; c++)
                y[p * channels + c] =
                    (float)(((double)x[p * channels + c] - mean[c]) * factor[c] + shift[c]);
    }
}

/* Of each channel, the sums over pixels of dy (first) and of dy times normalised x. */
static void collect(const fed_group_norm_t *norm, const float *restrict x, const float *restrict dy,
                    channels_t at) {
    size_t channels = norm->channels;
    double *restrict first = at.first, *restrict second = at.second;
    const double *restrict mean = at.mean, *restrict scale = at.scale;
    memset(first, 0, channels * sizeof *first);
    memset(second, 0, channels * sizeof *second);
    for (size_t p = 0; p < norm->pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            double derivative = (double)dy[p * channels + c];
            first[c] += derivative;
            second[c] += derivative * ((double)x[p * channels + c] - mean[c]);
        }
    for (size_t c = 0; c < channels; c++) {
        second[c] *= scale[c];
        at.sum_first[c] += first[c];
        at.sum_second[c] += second[c];
    }
}

/* dx = scale (weight dy - mean over the group of weight dy
 *             - normalised x * mean over the group of weight dy normalised x) */
static void spread(const fed_group_norm_t *norm, const float *restrict x, const float *restrict dy,
                   const float *restrict weight, channels_t at, float *restrict dx) {
    size_t channels = norm->channels;
    double *restrict first = at.first, *restrict second = at.second;
    const double *restrict mean = at.mean, *restrict scale = at.scale;
    for (size_t c = 0; c < channels; c++) {
        first[c] *= (double)weight[c];
        second[c] *= (double)weight[c];
    }
    sum_groups(norm, first);
    sum_groups(norm, second);
    for (size_t c = 0; c < channels; c++) {
        first[c] *= scale[c] / group_size(norm);
        second[c] *= scale[c] * scale[c] / group_size(norm);
    }
    for (size_t p = 0; p < norm->pixels; p++)
        for (size_t c = 0; c < channels; c++) {
            size_t i = p * channels + c;
            dx[i] = (float)((double)dy[i] * (double)weight[c] * scale[c] - first[c] -
                            ((double)x[i] - mean[c]) * second[c]);
        }
}

void FED_SIMD_NAME(group_norm_backward)(const fed_group_norm_t *norm, size_t batch, const float *x,
                                        const float *dy, const float *weight, const float *gate,
                                        float *dx, float *dweight, float *dbias, double *memory) {
    size_t channels = norm->channels, sample = norm->pixels * channels;
    channels_t at = channels_in(memory, channels);
    memset(at.sum_first, 0, 2 * channels * sizeof *at.sum_first);
    for (size_t s = 0; s < batch; s++) {
        measure(norm, x + s * sample, at);
        collect(norm, x + s * sample, dy + s * sample, at);
        if (dx)
            spread(norm, x + s * sample, dy + s * sample, weight, at, dx + s * sample);
    }
    for (size_t j = 0; dx && gate && j < batch * sample; j++)
        dx[j] = gate[j] <= 0.0f ? 0.0f : dx[j];
    for (size_t c = 0; c < channels; c++) {
        dbias[c] = (float)at.sum_first[c];
        dweight[c] = (float)at.sum_second[c];
    }
}
