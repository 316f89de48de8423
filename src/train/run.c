/* train/run.c: the loop.
 *
 *     step → line in the log → (evaluation → best model) → (checkpoint) → next step
 *
 * The order is what makes a resumed run end with the same bits: a checkpoint is written after everything that its step
 * does, so that going on from it does nothing twice; whatever a killed process did after its last checkpoint is done
 * again, with the same numbers.
 */
#include <math.h>
#include <string.h>

#include "train/run.h"
#include "train/task.h"

/* ---- when ---- */

static bool is_last(const run *r) {
    return r->t.at.step == r->t.steps || r->t.at.stopped;
}

static bool evaluation_is_due(const run *r) {
    return r->t.validates && (is_last(r) || r->t.at.step % r->t.r->evaluate.every == 0);
}

static bool checkpoint_is_due(const run *r) {
    return is_last(r) || r->t.at.step % r->t.r->checkpoint.every == 0;
}

/* At most about 2,000 lines, however long the run is. */
static bool line_is_due(const run *r) {
    return r->t.at.step == 1 || is_last(r) || r->t.at.step % (r->t.steps / 2000 + 1) == 0 || evaluation_is_due(r);
}

static bool is_cancelled(const run *r) {
    return r->opts.cancel && *r->opts.cancel;
}

/* ---- the parts of a step ---- */

static ig_status save_checkpoint(run *r, ig_error *err) {
    char path[IG_PATH_MAX];
    r->t.at.elapsed = r->before + ig_clock() - r->started;
    IG_TRY(checkpoint_save(&r->t, r->at.checkpoints, r->t.r->checkpoint.keep, path, err));
    memcpy(r->checkpoint, path, sizeof path);
    run_tell(r, IG_TRAIN_CHECKPOINT, r->checkpoint);
    return IG_OK;
}

/* Without validation text there is no better or worse: the newest is the model. */
static ig_status save_all(run *r, ig_error *err) {
    if (!r->t.validates) {
        IG_TRY(run_save_model(r, err));
        IG_TRY(run_chart_write(&r->log, r->t.r->name, r->t.steps, r->at.chart, err));
    }
    return save_checkpoint(r, err);
}

static ig_status one_step(run *r, ig_error *err) {
    double begin = ig_clock();
    IG_TRY(train_step(&r->t, err));
    run_clock_step(r, ig_clock() - begin);
    if (line_is_due(r)) {
        ig_train_progress p = run_progress(r, IG_TRAIN_STEP, NULL);
        IG_TRY(run_log_write(&r->log, &p, err));
    }
    run_tell(r, IG_TRAIN_STEP, NULL);
    if (evaluation_is_due(r)) IG_TRY(run_evaluate(r, err));
    return checkpoint_is_due(r) ? save_all(r, err) : IG_OK;
}

static ig_status cancelled(run *r, ig_error *err) {
    IG_TRY(save_checkpoint(r, err));
    return ig_error_set(err, IG_E_CANCELLED, "stopped at step %lld of %lld; the run can be resumed", (long long)r->t.at.step, (long long)r->t.steps);
}

static ig_status loop(run *r, ig_error *err) {
    while (!is_last(r)) {
        if (is_cancelled(r)) return cancelled(r, err);
        IG_TRY(one_step(r, err));
    }
    run_tell(r, IG_TRAIN_FINISHED, r->t.at.stopped ? "the evaluation no longer improved" : NULL);
    return IG_OK;
}

/* ---- before and after ---- */

/* A prompt that the tokenizer cannot encode should fail now and not at the first evaluation. */
static ig_status check_prompt(const run *r, ig_error *err) {
    const char *prompt = r->t.r->evaluate.prompt;
    ig_ids ids = {0};
    ig_error why = {0};
    if (!prompt) return IG_OK;
    ig_status status = ig_tokenizer_encode(r->t.model->tokenizer, prompt, strlen(prompt), 0, &ids, &why);
    ig_ids_fini(&ids);
    return status == IG_OK ? IG_OK : ig_error_at(err, status, r->t.r->file, 0, "evaluate.sample.prompt: %.500s", why.message);
}

static ig_status resume(run *r, ig_error *err) {
    IG_TRY(checkpoint_resume(&r->t, r->at.checkpoints, run_warn, r, r->checkpoint, err));
    r->first_step = r->t.at.step;
    r->before = r->t.at.elapsed;
    if (!*r->checkpoint) run_warn(r, "there is no checkpoint to go on from; the run starts from the beginning");
    return IG_OK;
}

static ig_status start(run *r, ig_context *ctx, const ig_recipe *recipe, const char *out_dir, ig_error *err) {
    IG_TRY(run_folder_check(r, out_dir, err));
    IG_TRY(trainer_init(&r->t, ctx, recipe, r->opts.has_seed ? &r->opts.seed : NULL, err));
    IG_TRY(check_prompt(r, err));
    IG_TRY(run_folder_open(r, err)); /* only now: a mistake in the recipe leaves no folder behind */
    if (r->opts.resume) IG_TRY(resume(r, err));
    IG_TRY(run_log_open(&r->log, r->at.log, *r->checkpoint ? r->first_step : -1, err));
    IG_TRY(run_write_recipe(r, err));
    run_tell(r, IG_TRAIN_STARTED, NULL);
    if (*r->t.corpus.note) run_warn(r, r->t.corpus.note);
    return loop(r, err);
}

static void conclude(const run *r, ig_train_result *out) {
    const train_state *s = &r->t.at;
    ig_train_progress p = run_progress(r, IG_TRAIN_FINISHED, NULL);
    *out = (ig_train_result){
        .steps = s->step, .first_step = r->first_step, .loss = s->loss, .eval_loss = s->eval_loss, .best_eval_loss = s->best_eval_loss,
        .best_step = s->best_step, .stopped_early = s->stopped, .tokens = s->tokens, .seconds = ig_clock() - r->started,
        .tokens_per_second = p.tokens_per_second, .memory_bytes = p.memory_bytes,
    };
    const train_task *task = r->t.r->data.task;
    out->unit = task->unit;
    out->generates = (task->needs & IG_CAN_GENERATE) != 0;
    for (int k = 0; task->figures && task->figures[k].name; k++) out->figure[out->figures++] = (ig_train_figure){task->figures[k].name, s->best_figure[k]};
    memcpy(out->checkpoint, r->checkpoint, sizeof out->checkpoint);
}

ig_status ig_train_run(ig_context *ctx, const ig_recipe *recipe, const char *out_dir, const ig_train_opts *opts, ig_train_result *out,
                       ig_error *err) {
    ig_error local = {0};
    run *r = ig_calloc(1, sizeof *r);
    if (!r) return ig_error_nomem(err, sizeof *r);
    *out = (ig_train_result){.loss = NAN, .eval_loss = NAN, .best_eval_loss = NAN};
    if (!err) err = &local;
    if (opts) r->opts = *opts;
    r->lock = -1;
    r->started = ig_clock();
    ig_status status = start(r, ctx, recipe, out_dir, err);
    if (r->log.file) {
        if (status != IG_OK) run_explain(r, err);
        conclude(r, out);
    }
    run_log_close(&r->log);
    if (r->t.model) trainer_fini(&r->t);
    run_folder_close(r);
    ig_free(r);
    return status;
}
