/* features/support/desk.c: opening a version, and finding what answers a question.
 *
 * The ranker's probability that the first is right is made smaller where the matcher has never seen anything like the question:
 * a question about something else may look like one answer more than like all others.
 */
#include <string.h>

#include "features/support/desk.h"

#define SCOPE_FULL 0.05     /* from this share on, a question is as familiar as the team's own */
#define LANGUAGE_SHARE 0.5  /* an answer in the asker's language wins over one in another that is at most twice as likely */
#define EXACT_CONFIDENCE 0.99

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

static ig_status open_files(desk *d, ig_context *ctx, const char *folder, ig_error *err) {
    char path[IG_PATH_MAX];
    ig_doc *about = NULL;
    IG_TRY(ig_path_join(path, sizeof path, folder, "desk.json", err));
    IG_TRY(ig_doc_load(path, 4096, &about, err));
    bool matched = ig_tree_bool(ig_doc_root(about), "matcher", false);
    d->threshold = ig_tree_real(ig_doc_root(about), "threshold", 0.5);
    ig_doc_free(about);
    IG_TRY(ig_path_join(path, sizeof path, folder, "units.jsonl", err));
    IG_TRY(support_units_load(path, &d->units, err));
    IG_TRY(ig_path_join(path, sizeof path, folder, "exact.bin", err));
    IG_TRY(support_exact_load(path, d->units.count, &d->exact, err));
    if (matched) IG_TRY(ig_matcher_open(ctx, folder, &d->matcher, err));
    IG_TRY(ig_path_join(path, sizeof path, folder, "rank", err));
    IG_TRY(ig_ranker_open(path, &d->ranker, err));
    if (ig_ranker_passages(d->ranker) != d->units.count)
        return ig_error_at(err, IG_E_FORMAT, path, 0, "the index has %zu answers, the list of them %zu", ig_ranker_passages(d->ranker), d->units.count);
    for (size_t i = 0; i < d->units.count; i++)
        if (d->units.at[i].label >= (d->matcher ? (int64_t)ig_matcher_labels(d->matcher) : 0))
            return ig_error_at(err, IG_E_FORMAT, folder, 0, "an answer has a label that the matcher does not know");
    return IG_OK;
}

ig_status desk_open(ig_context *ctx, const char *folder, const ig_tree *settings, void **out, ig_error *err) {
    desk *d = ig_calloc(1, sizeof *d);
    ig_buf text = {.max = IG_STORE_TEXT_MAX};
    ig_json j = {.out = &text};
    *out = NULL;
    if (!d) return ig_error_nomem(err, sizeof *d);
    d->set_threshold = ig_tree_real(settings, "threshold", 0);
    ig_json_tree(&j, settings);
    ig_status s = ig_buf_status(&text, err);
    if (s == IG_OK) s = ig_json_parse("settings", text.data, text.len, &d->settings, err); /* they must live as long as the version */
    if (s == IG_OK) s = open_files(d, ctx, folder, err);
    ig_buf_fini(&text);
    if (s != IG_OK) desk_close(d);
    else *out = d;
    return s;
}

void desk_close(void *version) {
    desk *d = version;
    if (!d) return;
    ig_ranker_close(d->ranker);
    ig_matcher_free(d->matcher);
    support_units_fini(&d->units);
    support_exact_fini(&d->exact);
    ig_doc_free(d->settings);
    ig_free(d);
}

double desk_threshold(const desk *d) { return d->set_threshold > 0 ? d->set_threshold : d->threshold; }

/* ---- finding ------------------------------------------------------------------------------------------------------------- */

typedef struct filter {
    const desk *d;
    const desk_query *q;
} filter;

/* A unit is gone when all its items are. */
static bool keep(void *arg, uint32_t passage) {
    const filter *f = arg;
    const support_unit *x = &f->d->units.at[passage];
    if (!f->q->withdrawn) return true;
    for (uint32_t i = 0; i < x->items; i++)
        if (!f->q->withdrawn(f->q->withdrawn_arg, f->d->units.item_ids[x->first + i])) return true;
    return false;
}

static void to_front(desk_finding *out, size_t i) {
    ig_rank_result r = out->result[i];
    memmove(&out->result[1], &out->result[0], i * sizeof r);
    out->result[0] = r;
}

static void put_exact(const desk *d, const desk_query *q, desk_finding *out) {
    int64_t unit = support_exact_find(&d->exact, q->question);
    filter f = {d, q};
    if (unit < 0 || !keep(&f, (uint32_t)unit)) return;
    size_t i = 0;
    while (i < out->count && out->result[i].passage != (uint32_t)unit) i++;
    if (i == out->count) {
        if (out->count < DESK_RESULTS) out->count++;
        else i--;
        out->result[i] = (ig_rank_result){.passage = (uint32_t)unit};
    }
    to_front(out, i);
    out->exact = true;
    out->result[0].probability = EXACT_CONFIDENCE;
    out->confidence = EXACT_CONFIDENCE;
}

static void prefer_language(const desk *d, const char *language, desk_finding *out) {
    if (!out->count || !strcmp(d->units.at[out->result[0].passage].language, language)) return;
    for (size_t i = 1; i < out->count; i++) {
        if (out->result[i].probability < LANGUAGE_SHARE * out->result[0].probability) return;
        if (strcmp(d->units.at[out->result[i].passage].language, language)) continue;
        out->result[i].probability = out->result[0].probability;
        to_front(out, i);
        return;
    }
}

ig_status desk_find(const desk *d, const desk_query *q, desk_finding *out, ig_error *err) {
    filter f = {d, q};
    const ig_matcher *one = d->matcher;
    desk_extra extra = {.matchers = &one, .folds = 1, .units = &d->units, .in_scope = 1};
    ig_rank_query o = {.keep = keep, .keep_arg = &f};
    memset(out, 0, sizeof *out);
    if (d->matcher) {
        extra.row = ig_malloc(ig_matcher_labels(d->matcher) * sizeof *extra.row);
        if (!extra.row) return ig_error_nomem(err, ig_matcher_labels(d->matcher) * sizeof *extra.row);
        o.extra = (ig_rank_extra){.fn = desk_extra_fn, .arg = &extra, .count = 1};
    }
    ig_status s = ig_ranker_query(d->ranker, q->question, strlen(q->question), DESK_RESULTS, &o, out->result, &out->count, err);
    ig_free(extra.row);
    if (s != IG_OK) return s;
    out->in_scope = extra.in_scope;
    if (q->language) prefer_language(d, q->language, out);
    out->confidence = out->count ? out->result[0].probability : 0;
    if (out->in_scope < SCOPE_FULL) out->confidence *= out->in_scope / SCOPE_FULL;
    if (!q->without_exact) put_exact(d, q, out);
    return IG_OK;
}
