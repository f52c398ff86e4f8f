/* L2 norms. */
#include "fedmpi/math/norm.h"

#include <math.h>

double fed_squared_norm(size_t n, const float *x) {
    enum { PARTS = 16 };
    double parts[PARTS] = {0}, sum = 0;
    for (size_t j = 0; j < n; j++)
        parts[j % PARTS] += (double)x[j] * (double)x[j];
    for (size_t part = 0; part < PARTS; part++)
        sum += parts[part];
    return sum;
}

double fed_norm(size_t n, const float *x) {
    return sqrt(fed_squared_norm(n, x));
}

double fed_norm_double(size_t n, const double *x) {
    double sum = 0;
    for (size_t j = 0; j < n; j++)
        sum += x[j] * x[j];
    return sqrt(sum);
}

double fed_norm_difference(size_t n, const float *to, const float *from) {
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        double difference = (double)to[j] - (double)from[j];
        sum += difference * difference;
    }
    return sqrt(sum);
}
