/** The BLAS library under the kernels. */
#ifndef FEDMPI_MATH_BLAS_H
#define FEDMPI_MATH_BLAS_H

/** One thread a rank: parallelism is over clients. */
void fed_blas_use_one_thread(void);

/** Name, version and the kernel it chose for this CPU; static memory. */
const char *fed_blas_description(void);

#endif
