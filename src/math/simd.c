#include "fedmpi/math/simd.h"

#include "simd/kernels.h"

#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
static bool cpu_has_avx2(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

static bool cpu_has_avx512(void) {
    return cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd");
}
#endif

static bool cpu_has_any(void) {
    return true;
}

/* The best first. */
static const struct {
    const fed_kernels_t *kernels;
    bool (*supported)(void);
} choices[] = {
#ifdef __x86_64__
    {&fed_kernels_avx512, cpu_has_avx512},
    {&fed_kernels_avx2, cpu_has_avx2},
#endif
    {&fed_kernels_plain, cpu_has_any},
};

static const fed_kernels_t *chosen;

/* The best supported kernels of this name, or of any name if NULL. */
static const fed_kernels_t *find(const char *name) {
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        if ((!name || strcmp(name, choices[i].kernels->name) == 0) && choices[i].supported())
            return choices[i].kernels;
    return NULL;
}

const fed_kernels_t *fed_simd_kernels(void) {
    if (!chosen) {
        const char *wish = getenv("FEDMPI_SIMD");
        if (wish)
            chosen = find(wish);
        if (!chosen)
            chosen = find(NULL);
    }
    return chosen;
}

const char *fed_simd_name(void) {
    return fed_simd_kernels()->name;
}

bool fed_simd_select(const char *name) {
    const fed_kernels_t *kernels = find(name);
    if (kernels)
        chosen = kernels;
    return kernels != NULL;
}
