#include "fedmpi/math/softmax.h"

#include "simd/kernels.h"

void fed_softmax_cross_entropy(size_t batch, size_t classes, const float *logits,
                               const int32_t *labels, float *dlogits, double *loss_sum,
                               int64_t *correct) {
    fed_simd_kernels()->softmax_cross_entropy(batch, classes, logits, labels, dlogits, loss_sum,
                                              correct);
}
