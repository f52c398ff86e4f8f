/* Monotonic and calendar time. */
#include "fedmpi/core/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

double fed_clock_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void fed_clock_iso8601(char text[32]) {
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    char zone[8]; /* +hhmm */
    strftime(text, 32, "%Y-%m-%dT%H:%M:%S", &local);
    strftime(zone, sizeof zone, "%z", &local);
    size_t length = strlen(text);
    snprintf(text + length, 32 - length, "%.3s:%.2s", zone, zone + 3);
}

void fed_clock_sleep(double seconds) {
    struct timespec duration = {.tv_nsec = (long)(seconds * 1e9)};
    nanosleep(&duration, NULL);
}
