/* Softmax and cross-entropy; see fedmpi/math/softmax.h. */
#include "kernels.h"
#include "vector.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef int32_t ivec_t __attribute__((vector_size(4 * FED_LANES)));

/* e^x for x <= 0, to 2 ulp; 0 below -87 instead of subnormal numbers.
 *
 * e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2. ln 2 is taken in two
 * parts so that r is exact, the polynomial is that of Cephes' expf. Adding
 * 1.5 * 2^23 rounds to an integer and leaves it in the low bits. */
FED_INLINE fed_vec_t exp_negative(fed_vec_t x) {
    const float round = 0x1.8p23f;
    fed_vec_t shifted = x * 0x1.715476p+0f + round;
    fed_vec_t n = shifted - round;
    fed_vec_t r = x - n * 0.693359375f;
    r = r - n * -2.12194440e-4f;
    fed_vec_t p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    fed_vec_t power = (fed_vec_t)(((fed_uvec_t)shifted + 127) << 23); /* 2^n */
    return (fed_vec_t)((ivec_t)(p * power) & ~(x < -87.0f));
}

/* logits[j] - largest for j < count <= FED_LANES, and 0 behind. */
FED_INLINE fed_vec_t below(const float *logits, float largest, size_t count) {
#ifdef __AVX512F__
    __mmask16 mask = (__mmask16)((1u << count) - 1);
    return _mm512_maskz_sub_ps(mask, _mm512_maskz_loadu_ps(mask, logits), _mm512_set1_ps(largest));
#else
    float differences[FED_LANES] = {0};
    for (size_t j = 0; j < count; j++)
        differences[j] = logits[j] - largest;
    return *(const fed_vec_unaligned_t *)differences;
#endif
}

/* exps[j] = e^(logits[j] - largest); returns their sum. `exps` may be `logits`, or
 * NULL if only the sum is wanted. */
static double sum_exps(size_t classes, const float *logits, float largest, float *exps) {
    double sum = 0.0;
    for (size_t first = 0; first < classes; first += FED_LANES) {
        size_t count = classes - first < FED_LANES ? classes - first : FED_LANES;
        union {
            fed_vec_t vector;
            float floats[FED_LANES];
        } piece = {exp_negative(below(logits + first, largest, count))};
        for (size_t j = 0; j < count; j++)
            sum += (double)piece.floats[j];
        if (exps)
            memcpy(exps + first, piece.floats, count * sizeof exps[0]);
    }
    return sum;
}

void FED_SIMD_NAME(softmax_cross_entropy)(size_t batch, size_t classes, const float *logits,
                                          const int32_t *labels, float *dlogits, double *loss_sum,
                                          int64_t *correct) {
    float mean = 1.0f / (float)batch;
    double loss = 0.0;
    int64_t right = 0;
    for (size_t s = 0; s < batch; s++, logits += classes) {
        size_t label = (size_t)labels[s], best = 0;
        float largest = logits[0];
        for (size_t j = 1; j < classes; j++) {
            bool is_larger = logits[j] > largest;
            largest = is_larger ? logits[j] : largest;
            best = is_larger ? j : best;
        }
        double above = (double)largest - (double)logits[label];
        double sum = sum_exps(classes, logits, largest, dlogits);
        loss += above + log(sum);
        right += best == label && sum == sum;
        if (dlogits) {
            float scale = mean / (float)sum;
            for (size_t j = 0; j < classes; j++)
                dlogits[j] *= scale;
            dlogits[label] -= mean;
            dlogits += classes;
        }
    }
    *loss_sum += loss;
    *correct += right;
}
