/* Ending by the clock. */
#include "fedmpi/run/limit.h"

#include "fedmpi/comm/watchdog.h"
#include "fedmpi/core/clock.h"
#include "fedmpi/core/environment.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/run/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static const fed_key_t keys[] = {
    FED_DURATION(
        fed_limit_options_t, time_limit, "0",
        "checkpoint and stop in time to end after this long; 0: no limit but the Slurm job's own",
        .resumable = true),
    FED_DURATION(fed_limit_options_t, give_up_after, "0",
                 "end with exit code 75, for --resume, where a rank has not been heard of for so "
                 "long; 0: 20 times what the step is expected to take, at least 10 min",
                 .resumable = true),
};

const fed_key_group_t fed_limit_keys = FED_KEY_GROUP("checkpoint", fed_limit_options_t, keys);

#define ENDING_SECONDS 1 /* to give back memory, end MPI and the processes */

/* The job's end on our clock, or 0 outside Slurm. */
static double end_of_job(void) {
    const char *text = fed_environment_get("SLURM_JOB_END_TIME");
    double end = text ? strtod(text, NULL) : 0;
    return end > 0 ? fed_clock_seconds() + end - (double)time(NULL) : 0;
}

void fed_limit_silence(const fed_config_t *config, fed_comm_t *comm) {
    fed_comm_give_up_after(comm, fed_limit_options(config)->give_up_after);
}

/* A stop in the middle of a round waits for a mini-batch, then saves; and disks are not
 * always as fast as they were. */
static void set_alarm(const fed_limit_t *limit) {
    if (limit->ends > 0)
        fed_stop_at(limit->ends - ENDING_SECONDS - 2 * limit->save_seconds);
}

void fed_limit_init(fed_limit_t *limit, const fed_config_t *config, double started) {
    *limit = (fed_limit_t){0};
    if (fed_limit_options(config)->time_limit > 0)
        limit->ends = started + fed_limit_options(config)->time_limit;
    double job = fed_checkpoint_options(config)->every > 0 ? end_of_job() : 0;
    if (job > 0 && (limit->ends == 0 || job < limit->ends))
        limit->ends = job;
    set_alarm(limit);
}

void fed_limit_before_round(const fed_limit_t *limit) {
    double needed = limit->round_seconds + 2 * limit->save_seconds + ENDING_SECONDS;
    if (limit->ends > 0 && limit->round_seconds > 0 && fed_clock_seconds() + needed > limit->ends)
        fed_stop_ask(FED_STOP_BY_CLOCK);
}

void fed_limit_after_round(fed_limit_t *limit, double round_seconds, double save_seconds) {
    limit->round_seconds = fmax(limit->round_seconds, round_seconds);
    limit->save_seconds = fmax(limit->save_seconds, save_seconds);
    set_alarm(limit);
}
