#include "fedmpi/math/simd.h"

#include "fedmpi/core/environment.h"
#include "simd/kernels.h"

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
#define CHOICES (sizeof choices / sizeof *choices)

static const fed_kernels_t *chosen;

/* The best supported kernels of this name, or of any name if NULL. */
static const fed_kernels_t *find(const char *name) {
    for (size_t i = 0; i < CHOICES; i++)
        if ((!name || strcmp(name, choices[i].kernels->name) == 0) && choices[i].supported())
            return choices[i].kernels;
    return NULL;
}

static bool is_name(const char *word) {
    for (size_t i = 0; i < CHOICES; i++)
        if (strcmp(word, choices[i].kernels->name) == 0)
            return true;
    return false;
}

fed_status_t fed_simd_choose(void) {
    const char *wish = fed_environment_get("FEDMPI_SIMD");
    chosen = find(wish);
    if (chosen)
        return FED_OK;
    chosen = find(NULL);
    return fed_environment_fail("FEDMPI_SIMD",
                                is_name(wish) ? "this processor does not have it" : NULL);
}

const fed_kernels_t *fed_simd_kernels(void) {
    if (!chosen && fed_simd_choose() != FED_OK)
        fed_die("%s", fed_error_message());
    return chosen;
}

size_t fed_simd_place(void) {
    size_t place = 0;
    while (choices[place].kernels != fed_simd_kernels())
        place++;
    return place;
}

void fed_simd_step_down(size_t place) {
    chosen = choices[place].kernels;
}

const char *fed_simd_name(void) {
    return fed_simd_kernels()->name;
}

bool fed_simd_is_plain(void) {
    return fed_simd_kernels() == &fed_kernels_plain;
}

bool fed_simd_is_fused(void) {
    return fed_simd_kernels()->fused;
}

bool fed_simd_is_avx512(void) {
#ifdef __x86_64__
    return fed_simd_kernels() == &fed_kernels_avx512;
#else
    return false;
#endif
}

bool fed_simd_select(const char *name) {
    const fed_kernels_t *kernels = find(name);
    if (kernels)
        chosen = kernels;
    return kernels != NULL;
}
