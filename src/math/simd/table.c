/* The table of this copy of the kernels. */
#include "kernels.h"

#define FED_SIMD_STRING_(simd) #simd
#define FED_SIMD_STRING(simd) FED_SIMD_STRING_(simd)
#define FED_KERNEL_ENTRY(kernel) .kernel = FED_SIMD_NAME(kernel),

/* Not every compiler says so by the first name. */
#if defined(__FP_FAST_FMAF) || defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define FUSED true
#else
#define FUSED false
#endif

const fed_kernels_t FED_SIMD_NAME(kernels) = {
    .name = FED_SIMD_STRING(FED_SIMD), .fused = FUSED, FED_KERNELS(FED_KERNEL_ENTRY)};
