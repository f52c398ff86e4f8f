/* The table of this copy of the kernels. */
#include "kernels.h"

#define FED_SIMD_STRING_(simd) #simd
#define FED_SIMD_STRING(simd) FED_SIMD_STRING_(simd)
#define FED_KERNEL_ENTRY(kernel) .kernel = FED_SIMD_NAME(kernel),

const fed_kernels_t FED_SIMD_NAME(kernels) = {.name = FED_SIMD_STRING(FED_SIMD),
                                              FED_KERNELS(FED_KERNEL_ENTRY)};
