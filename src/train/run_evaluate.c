/* train/run_evaluate.c: an evaluation: loss, sample, best model, chart.
 *
 * With a moving average of the weights it is the average that is measured, that writes the sample and that is saved.
 */
#include <math.h>
#include <string.h>

#include "train/run.h"
#include "train/task.h"

static ig_status format_metrics(const train_task *task, const train_state *s, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    ig_json_open(&j, '{');
    ig_json_key(&j, "step");
    ig_json_int(&j, s->step);
    ig_json_key(&j, "tokens");
    ig_json_int(&j, (int64_t)s->tokens);
    ig_json_key(&j, "loss");
    ig_json_real(&j, s->loss);
    if (isfinite(s->eval_loss)) {
        ig_json_key(&j, "eval_loss");
        ig_json_real(&j, s->eval_loss);
        if (task->needs & IG_CAN_GENERATE) ig_json_key(&j, "perplexity"), ig_json_real(&j, exp(s->eval_loss));
    }
    for (int k = 0; task->figures && task->figures[k].name; k++) {
        if (!isfinite(s->figure[k])) continue;
        ig_json_key(&j, task->figures[k].name);
        ig_json_real(&j, s->figure[k]);
    }
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

static ig_status save(run *r, ig_error *err) {
    ig_buf metrics = {.max = 4096}, recipe = {.max = 4 * IG_RECIPE_BYTES_MAX};
    ig_status status = format_metrics(r->t.r->data.task, &r->t.at, &metrics, err);
    if (status == IG_OK) status = run_format_recipe(r->t.r, &recipe, err);
    if (status == IG_OK) {
        ig_model_card card = {.recipe = recipe.data, .data_sha256 = r->t.corpus.sha256, .parent = r->t.r->model.from, .metrics_json = metrics.data};
        bool adapter = r->t.r->lora.given && !r->t.r->lora.merge;
        status = adapter ? ig_model_save_adapter(r->t.model, r->at.out, r->t.r->model.from, &card, err) : ig_model_save(r->t.model, r->at.out, &card, err);
    }
    ig_buf_fini(&metrics);
    ig_buf_fini(&recipe);
    if (status == IG_OK && r->t.r->data.task->save) status = r->t.r->data.task->save(&r->t, r->at.out, err);
    if (status == IG_OK) run_tell(r, IG_TRAIN_BEST, r->at.out);
    return status;
}

ig_status run_save_model(run *r, ig_error *err) {
    ig_optim_ema_swap(r->t.optim);
    ig_status status = save(r, err);
    ig_optim_ema_swap(r->t.optim);
    return status;
}

static ig_status measure(run *r, ig_buf *sample, ig_error *err) {
    train_state *s = &r->t.at;
    double begin = ig_clock(), loss = NAN;
    IG_TRY(validate(&r->t, &loss, err));
    r->evaluation_seconds = ig_clock() - begin;
    if (!isfinite(loss)) return ig_error_set(err, IG_E_NUMERIC, "step %lld: the loss of what is held out is not finite", (long long)s->step);
    s->eval_loss = loss;
    return r->t.r->evaluate.prompt ? write_sample(&r->t, sample, err) : IG_OK;
}

/* What evaluate.metric says, lower is better. */
static double score(const run *r) {
    int k = r->t.r->evaluate.metric;
    if (k < 0) return r->t.at.eval_loss;
    return r->t.r->data.task->figures[k].higher ? -r->t.at.figure[k] : r->t.at.figure[k];
}

/* The events of a better model come after those of its evaluation. */
static ig_status report(run *r, const ig_buf *sample, ig_error *err) {
    train_state *s = &r->t.at;
    const char *text = sample->len ? sample->data : NULL;
    ig_train_progress p = run_progress(r, IG_TRAIN_EVALUATED, text);
    bool better = !(score(r) >= s->best_score); /* true for the first, whose best is NAN */
    IG_TRY(run_log_write(&r->log, &p, err));
    if (better) {
        s->best_eval_loss = s->eval_loss;
        s->best_score = score(r);
        memcpy(s->best_figure, s->figure, sizeof s->best_figure);
        s->best_step = s->step;
    }
    run_tell(r, IG_TRAIN_EVALUATED, text);
    return better ? save(r, err) : IG_OK;
}

static ig_status evaluate(run *r, ig_buf *sample, ig_error *err) {
    IG_TRY(measure(r, sample, err));
    return report(r, sample, err);
}

ig_status run_evaluate(run *r, ig_error *err) {
    ig_buf sample = {.max = (size_t)1 << 20};
    train_state *s = &r->t.at;
    ig_optim_ema_swap(r->t.optim);
    ig_status status = evaluate(r, &sample, err);
    ig_optim_ema_swap(r->t.optim);
    ig_buf_fini(&sample);
    IG_TRY(status);
    ig_schedule_evaluated(&s->schedule, score(r));
    s->stopped = ig_early_stop_evaluated(&s->early, score(r));
    return run_chart_write(&r->log, r->t.r->name, r->t.steps, r->at.chart, err);
}
