/* nn/schedule.c: the learning rate of a step, a pure function of the step number (PLATEAU: and of the evaluations), so
 * that a resumed run needs nothing but the step.
 *
 * The warm-up is common to all: at step k < warmup the rate is lr·(k+1)/warmup, as torch's LinearLR from 1/warmup gives it
 * in front of another schedule (SequentialLR).  The first step moves already; a rate of 0 would waste it.
 */
#include "nn/schedule.h"

#include <math.h>
#include <string.h>

#define ROW_DECLARE(upper, lower) extern const schedule_row ig_schedule_##lower;
IG_SCHEDULES(ROW_DECLARE)
#define ROW_ADDRESS(upper, lower) &ig_schedule_##lower,
static const schedule_row *const rows[] = {IG_SCHEDULES(ROW_ADDRESS)};
#define ROW_NAME(upper, lower) #lower,
static const char *const names[] = {IG_SCHEDULES(ROW_NAME)};

const char *ig_schedule_name(ig_schedule_kind kind) { return (unsigned)kind < IG_SCHEDULE_COUNT ? names[kind] : "?"; }

bool ig_schedule_parse(const char *name, ig_schedule_kind *out) {
    for (int i = 0; i < IG_SCHEDULE_COUNT; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *out = (ig_schedule_kind)i;
        return true;
    }
    return false;
}

ig_status ig_schedule_check(const ig_schedule *s, ig_error *err) {
    if ((unsigned)s->kind >= IG_SCHEDULE_COUNT)
        return ig_error_set(err, IG_E_ARG, "no schedule has the number %d", (int)s->kind);
    const schedule_row *row = rows[s->kind];
    const char *name = names[s->kind];
    if (!(s->lr > 0) || isinf(s->lr)) return ig_error_set(err, IG_E_ARG, "%s: lr must be above 0", name);
    if (!(s->min_lr >= 0 && s->min_lr <= s->lr))
        return ig_error_set(err, IG_E_ARG, "%s: min_lr must be between 0 and lr", name);
    if (!(s->gamma >= 0 && s->gamma <= 1)) return ig_error_set(err, IG_E_ARG, "%s: gamma must be between 0 and 1", name);
    if (s->warmup < 0) return ig_error_set(err, IG_E_ARG, "%s: warmup is negative", name);
    if (s->patience < 0) return ig_error_set(err, IG_E_ARG, "%s: patience is negative", name);
    if (row->needs_total && s->total <= s->warmup) return ig_error_set(err, IG_E_ARG, "%s: total must be above warmup", name);
    if (row->needs_step_size && s->step_size <= 0) return ig_error_set(err, IG_E_ARG, "%s: step_size must be above 0", name);
    return IG_OK;
}

double ig_schedule_lr(const ig_schedule *s, int64_t step) {
    if ((unsigned)s->kind >= IG_SCHEDULE_COUNT) return s->lr;
    const schedule_row *row = rows[s->kind];
    if (row->own_warmup) return row->lr(s, step, s->total);
    if (step < s->warmup) return s->lr * (double)(step + 1) / (double)s->warmup;
    return row->lr(s, step - s->warmup, s->total > s->warmup ? s->total - s->warmup : 0);
}

void ig_schedule_evaluated(ig_schedule *s, double loss) {
    if ((unsigned)s->kind < IG_SCHEDULE_COUNT && rows[s->kind]->evaluated) rows[s->kind]->evaluated(s, loss);
}
