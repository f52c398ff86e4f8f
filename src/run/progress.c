/* Progress lines. */
#include "fedmpi/run/progress.h"

#include "fedmpi/core/clock.h"
#include "fedmpi/core/log.h"
#include "fedmpi/core/text.h"

#include <math.h>
#include <stdio.h>

#define MOST_LINES 200
#define LIVE_SECONDS 0.2

void fed_progress_init(fed_progress_t *progress, int64_t first_round, int64_t rounds) {
    *progress = (fed_progress_t){
        .rounds = rounds,
        .first_round = first_round,
        .lines_every = 1 + (rounds - 1) / MOST_LINES,
        .started = fed_clock_seconds(),
        .latest = {NAN, NAN},
    };
}

/* "1:02:03", "2:03" or "3 s". */
static void format_duration(char text[16], double seconds) {
    unsigned total = seconds < 1e8 ? (unsigned)lround(seconds) : 100000000;
    if (total >= 3600)
        snprintf(text, 16, "%u:%02u:%02u", total / 3600, total / 60 % 60, total % 60);
    else if (total >= 60)
        snprintf(text, 16, "%u:%02u", total / 60, total % 60);
    else
        snprintf(text, 16, "%u s", total);
}

/* What the rounds still to come will take, at the pace so far. */
static void format_eta(char text[16], const fed_progress_t *progress, int64_t rounds_done) {
    int64_t done_here = rounds_done - progress->first_round + 1;
    if (done_here <= 0) {
        snprintf(text, 16, "?");
        return;
    }
    double pace = (fed_clock_seconds() - progress->started) / (double)done_here;
    format_duration(text, pace * (double)(progress->rounds - rounds_done));
}

static int digits(int64_t number) {
    return snprintf(NULL, 0, "%lld", (long long)number);
}

/* A line of its own, so that the one of every run stays what scripts know. */
static void detail(const fed_round_row_t *row) {
    char bytes_down[16], bytes_up[16];
    fed_text_bytes(bytes_down, (double)row->bytes_down);
    fed_text_bytes(bytes_up, (double)row->bytes_up);
    fed_detail(
        "  round %lld: %lld of %lld drawn clients, %lld diverged, |update| %.3g; seconds: "
        "train %.4f (workers end within %.4f), gather %.4f, aggregate %.4f, send %.4f, "
        "evaluate %.4f; down %s, up %s",
        (long long)row->round, (long long)row->participants, (long long)row->drawn,
        (long long)row->diverged, row->update_norm, row->train_seconds, row->finish_spread_seconds,
        row->gather_seconds, row->aggregate_seconds, row->bcast_seconds, row->evaluate_seconds,
        bytes_down, bytes_up);
}

static void report(fed_progress_t *progress, const fed_round_row_t *row) {
    char eta[16], test[48] = "";
    format_eta(eta, progress, row->round);
    if (!isnan(row->test.accuracy))
        snprintf(test, sizeof test, "  test %.4f loss %.4f", row->test.accuracy, row->test.loss);
    fed_info("round %*lld/%lld%s  train %.4f loss %.4f  %.2f s  ETA %s", digits(progress->rounds),
             (long long)row->round, (long long)progress->rounds, test, row->train.accuracy,
             row->train.loss, row->wall_seconds, eta);
}

void fed_progress_round(fed_progress_t *progress, const fed_round_row_t *row) {
    if (!isnan(row->test.accuracy))
        progress->latest = row->test;
    bool last = row->round == progress->rounds;
    if (fed_log_on_terminal() || row->round % progress->lines_every == 0 || last)
        report(progress, row);
    detail(row);
}

void fed_progress_tick(fed_progress_t *progress, int64_t round,
                       const fed_centralized_t *centralized) {
    double now = fed_clock_seconds();
    if (now - progress->last_live < LIVE_SECONDS)
        return;
    progress->last_live = now;
    char elapsed[16], eta[16], accuracy[32] = "", epoch[48] = "";
    format_duration(elapsed, now - progress->started);
    format_eta(eta, progress, round - 1);
    if (!isnan(progress->latest.accuracy))
        snprintf(accuracy, sizeof accuracy, "  test %.4f", progress->latest.accuracy);
    if (centralized && centralized->epoch <= centralized->epochs)
        snprintf(epoch, sizeof epoch, "  centralized epoch %lld/%lld",
                 (long long)centralized->epoch, (long long)centralized->epochs);
    if (round <= progress->rounds)
        fed_live("round %lld/%lld%s%s  elapsed %s  ETA %s", (long long)round,
                 (long long)progress->rounds, accuracy, epoch, elapsed, eta);
    else
        fed_live("federated done%s%s  elapsed %s", accuracy, epoch, elapsed);
}
