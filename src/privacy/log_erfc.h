/* The logarithm of erfc, also where that is too small for a double. */
#ifndef FEDMPI_PRIVACY_LOG_ERFC_H
#define FEDMPI_PRIVACY_LOG_ERFC_H

#include <math.h>

static inline double fed_log_erfc(double x) {
    if (x < 25)
        return log(erfc(x));
    double x2 = x * x; /* the asymptotic series */
    return -x2 - log(x) - 0.5 * log(M_PI) - 0.5 / x2 + 0.625 / (x2 * x2);
}

#endif
