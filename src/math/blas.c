/* OpenBLAS's own functions beside the BLAS interface. */
#include "fedmpi/math/blas.h"

#include <cblas.h>
#include <stdio.h>

void fed_blas_use_one_thread(void) {
    openblas_set_num_threads(1);
}

const char *fed_blas_description(void) {
    static char description[256];
    snprintf(description, sizeof description, "%.200s, kernel %s", openblas_get_config(),
             openblas_get_corename());
    return description;
}
