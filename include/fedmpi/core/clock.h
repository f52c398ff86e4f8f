/** Clocks: seconds for durations, ISO 8601 for people. */
#ifndef FEDMPI_CORE_CLOCK_H
#define FEDMPI_CORE_CLOCK_H

/** Seconds on a clock that never goes back; only differences mean anything. */
double fed_clock_seconds(void);

/** Now, as "2026-01-31T23:59:59+01:00", into text[32]. */
void fed_clock_iso8601(char text[32]);

/** Sleep for about this many seconds (below 1); a signal ends it early. */
void fed_clock_sleep(double seconds);

#endif
