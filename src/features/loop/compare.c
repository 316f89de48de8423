/* features/loop/compare.c: one version beside another, and the gate.
 *
 *     held-out           both versions answer the confirmed cases of held-out groups that neither learned from
 *     cross-validation   when those are too few: for each of five folds of groups, both are built again from their own lessons
 *                        (cases.jsonl) without that fold, from today's content, and answer the fold.  What is compared is
 *                        "with what this one learned" and "with what that one learned".
 *
 * The difference is paired by case and drawn by group (stats/paired.c).  The verdicts are those of docs/LOOP.md.
 */
#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "features/loop/loop.h"

#define REPLICATES 2000
#define CASES_MIN 30
#define CHANGED_MIN 20
#define LISTS_BYTES_MAX (IG_STORE_TEXT_MAX / 4) /* a comparison goes into a row */

/* The same cases, judged for both. */
typedef struct judged {
    ig_case *cases;          /* borrowed texts */
    ig_judgement *from, *to;
    size_t *group;
    size_t count, groups;
    bool folds;
    loop_cases from_learned, to_learned;
} judged;

typedef struct tally {
    size_t fixed, broken, changed, same, confirmed;
} tally;

static void judged_fini(judged *d) {
    loop_judgements_free(d->from, d->count);
    loop_judgements_free(d->to, d->count);
    loop_cases_fini(&d->from_learned);
    loop_cases_fini(&d->to_learned);
    ig_free(d->cases);
    ig_free(d->group);
}

static ig_status index_of(const loop_cases *x, loop_index *out, ig_error *err) {
    for (size_t i = 0; i < x->count; i++) IG_TRY(loop_index_put(out, x->at[i].group, i, err));
    return IG_OK;
}

/* Cases of held-out groups that neither learned from; how many of them are confirmed. */
static ig_status choose_held_out(judged *d, const char *feature, const loop_cases *all, size_t *confirmed, ig_error *err) {
    loop_index a = {0}, b = {0};
    ig_status s = index_of(&d->from_learned, &a, err);
    if (s == IG_OK) s = index_of(&d->to_learned, &b, err);
    for (size_t i = 0; i < all->count && s == IG_OK; i++) {
        const ig_case *c = &all->at[i];
        if (!loop_judged(c) || !loop_held_back(feature, c)) continue;
        if (loop_index_get(&a, c->group) != SIZE_MAX || loop_index_get(&b, c->group) != SIZE_MAX) continue;
        d->cases[d->count++] = *c;
        *confirmed += !loop_case_is_not(c);
    }
    loop_index_fini(&a);
    loop_index_fini(&b);
    return s;
}

static ig_status choose(judged *d, const char *feature, const loop_cases *all, ig_error *err) {
    size_t confirmed = 0;
    d->cases = ig_calloc(all->count + 1, sizeof *d->cases);
    d->group = ig_calloc(all->count + 1, sizeof *d->group);
    if (!d->cases || !d->group) return ig_error_nomem(err, all->count * sizeof *d->cases);
    IG_TRY(choose_held_out(d, feature, all, &confirmed, err));
    if (confirmed >= LOOP_HELD_OUT_MIN) return IG_OK;
    d->folds = true;
    d->count = 0;
    for (int fold = 0; fold < LOOP_FOLDS; fold++)
        for (size_t i = 0; i < all->count; i++)
            if (loop_judged(&all->at[i]) && loop_fold(feature, all->at[i].group) == fold) d->cases[d->count++] = all->at[i];
    return IG_OK;
}

static ig_status number_groups(judged *d, ig_error *err) {
    loop_index x = {0};
    ig_status s = IG_OK;
    for (size_t i = 0; i < d->count && s == IG_OK; i++) {
        d->group[i] = loop_index_get(&x, d->cases[i].group);
        if (d->group[i] != SIZE_MAX) continue;
        d->group[i] = d->groups++;
        s = loop_index_put(&x, d->cases[i].group, d->group[i], err);
    }
    loop_index_fini(&x);
    return s;
}

/* ---- judging by folds ---------------------------------------------------------------------------------------------- */

static ig_status without_fold(const char *feature, const loop_cases *all, int fold, ig_case **out, size_t *n, bool *learned,
                              ig_error *err) {
    *n = 0;
    *learned = false;
    *out = ig_malloc((all->count + 1) * sizeof **out);
    if (!*out) return ig_error_nomem(err, all->count * sizeof **out);
    for (size_t i = 0; i < all->count; i++) {
        if (loop_fold(feature, all->at[i].group) == fold) continue;
        (*out)[(*n)++] = all->at[i];
        *learned = *learned || all->at[i].origin != IG_CASE_CONTENT;
    }
    return IG_OK;
}

static ig_status judge_fold(ig_loop *l, const loop_feature *f, const loop_pair *p, const loop_cases *learned, int fold,
                            const ig_case *cases, size_t count, ig_judgement *to, ig_error *err) {
    char folder[IG_PATH_MAX];
    ig_case *lessons = NULL;
    ig_judgement *j = NULL;
    size_t n;
    bool any;
    const ig_tree *settings = ig_doc_root(f->settings);
    IG_TRY(loop_path(l, f->row.name, "folds", folder, err));
    snprintf(folder + strlen(folder), 64, "/%ld-%" PRId64 "-%" PRId64, (long)getpid(), p->from, p->to);
    ig_status s = without_fold(f->row.id, learned, fold, &lessons, &n, &any, err);
    if (s == IG_OK) s = ig_dir_remove(folder, err);
    if (s == IG_OK) s = ig_dir_make(folder, err);
    if (s == IG_OK)
        s = loop_build_in(l, f, settings, any ? IG_BUILD_LEARN : IG_BUILD_FIRST, folder, NULL, p->items, lessons, n, p->doing,
                          err);
    if (s == IG_OK) s = loop_judge_folder(l, f->kind, settings, folder, cases, count, &j, err);
    if (s == IG_OK) memcpy(to, j, count * sizeof *j);
    ig_free(j);
    ig_free(lessons);
    ig_dir_remove(folder, NULL);
    return s;
}

static ig_status judge_folds(ig_loop *l, const loop_feature *f, const loop_pair *p, judged *d, ig_error *err) {
    for (size_t at = 0, n; at < d->count; at += n) {
        int fold = loop_fold(f->row.id, d->cases[at].group);
        for (n = 0; at + n < d->count && loop_fold(f->row.id, d->cases[at + n].group) == fold; n++) continue;
        IG_TRY(loop_tell(p->doing, "compare", fold, LOOP_FOLDS, err));
        IG_TRY(judge_fold(l, f, p, &d->from_learned, fold, d->cases + at, n, d->from + at, err));
        IG_TRY(judge_fold(l, f, p, &d->to_learned, fold, d->cases + at, n, d->to + at, err));
    }
    return IG_OK;
}

static ig_status settings_in(const char *folder, ig_doc **out, ig_error *err) {
    char path[IG_PATH_MAX];
    IG_TRY(ig_path_join(path, sizeof path, folder, "version.json", err));
    *out = NULL;
    return ig_path_exists(path) ? ig_doc_load(path, LOOP_ANSWER_BYTES_MAX, out, err) : IG_OK;
}

/* A version that is still in staging has no card yet: it is of the feature's settings. */
static ig_status judge_version(ig_loop *l, const loop_feature *f, const char *folder, const judged *d, ig_judgement **out,
                               ig_error *err) {
    ig_doc *card = NULL;
    IG_TRY(settings_in(folder, &card, err));
    const ig_tree *settings = card ? ig_tree_get(ig_doc_root(card), "settings") : ig_doc_root(f->settings);
    ig_status s = loop_judge_folder(l, f->kind, settings, folder, d->cases, d->count, out, err);
    ig_doc_free(card);
    return s;
}

static ig_status judge_all(ig_loop *l, const loop_feature *f, const loop_pair *p, judged *d, ig_error *err) {
    IG_TRY(loop_cases_read(p->from_folder, IG_CASE_CONTENT, &d->from_learned, err));
    IG_TRY(loop_cases_read(p->to_folder, IG_CASE_CONTENT, &d->to_learned, err));
    IG_TRY(choose(d, f->row.id, p->cases, err));
    IG_TRY(number_groups(d, err));
    if (!d->folds) {
        IG_TRY(judge_version(l, f, p->from_folder, d, &d->from, err));
        return judge_version(l, f, p->to_folder, d, &d->to, err);
    }
    d->from = ig_calloc(d->count + 1, sizeof *d->from);
    d->to = ig_calloc(d->count + 1, sizeof *d->to);
    if (!d->from || !d->to) return ig_error_nomem(err, d->count * sizeof *d->from);
    return judge_folds(l, f, p, d, err);
}

/* ---- what changed --------------------------------------------------------------------------------------------------- */

typedef enum change_of { SAME, FIXED, BROKEN, CHANGED } change_of;

static bool same_answer(const ig_judgement *a, const ig_judgement *b) {
    return strcmp(a->answer ? a->answer : "", b->answer ? b->answer : "") == 0;
}

static change_of what_changed(const judged *d, size_t i) {
    if (loop_case_is_not(&d->cases[i])) return same_answer(&d->from[i], &d->to[i]) ? SAME : CHANGED;
    if (d->from[i].right == d->to[i].right) return SAME;
    return d->to[i].right ? FIXED : BROKEN;
}

static tally count(const judged *d) {
    tally t = {0};
    for (size_t i = 0; i < d->count; i++) {
        change_of what = what_changed(d, i);
        t.same += what == SAME;
        t.fixed += what == FIXED;
        t.broken += what == BROKEN;
        t.changed += what == CHANGED;
        t.confirmed += !loop_case_is_not(&d->cases[i]);
    }
    return t;
}

/* Lessons of the newer version that speak of the same thing: why it is answered otherwise now. */
static void put_because(ig_json *j, const judged *d, const ig_case *c, const loop_index *old) {
    int listed = 0;
    ig_json_key(j, "because");
    ig_json_open(j, '[');
    for (size_t i = 0; i < d->to_learned.count && listed < 5; i++) {
        const ig_case *t = &d->to_learned.at[i];
        bool about = strcmp(t->group, c->group) == 0 || (t->expected && strcmp(t->expected, c->expected) == 0);
        if (t->origin == IG_CASE_CONTENT || !about || loop_index_get(old, t->id) != SIZE_MAX) continue;
        ig_json_text(j, t->id);
        listed++;
    }
    ig_json_close(j, ']');
}

static void put_list(ig_json *j, const char *key, const judged *d, change_of which, const loop_index *old) {
    int listed = 0;
    ig_json_key(j, key);
    ig_json_open(j, '[');
    for (size_t i = 0; i < d->count && listed < LOOP_LISTED_MAX && j->out->len < LISTS_BYTES_MAX; i++) {
        if (what_changed(d, i) != which) continue;
        ig_json_open(j, '{');
        loop_json_key_raw(j, "request", d->cases[i].request);
        loop_json_key_raw(j, "expected", d->cases[i].expected);
        loop_json_key_raw(j, "from", d->from[i].answer);
        loop_json_key_raw(j, "to", d->to[i].answer);
        put_because(j, d, &d->cases[i], old);
        ig_json_close(j, '}');
        listed++;
    }
    ig_json_close(j, ']');
}

/* ---- the gate ---------------------------------------------------------------------------------------------------------- */

static ig_status metric_of(const judged *d, int metric, ig_paired *out, size_t *n, ig_error *err) {
    double *a = ig_calloc(d->count + 1, sizeof *a), *b = ig_calloc(d->count + 1, sizeof *b);
    size_t *group = ig_calloc(d->count + 1, sizeof *group);
    ig_status s = a && b && group ? IG_OK : ig_error_nomem(err, d->count * sizeof *a);
    *out = (ig_paired){0};
    *n = 0;
    for (size_t i = 0; i < d->count && s == IG_OK; i++) {
        double x = d->from[i].value[metric], y = d->to[i].value[metric];
        if (!isfinite(x) || !isfinite(y)) continue;
        a[*n] = x, b[*n] = y, group[*n] = d->group[i];
        ++*n;
    }
    if (s == IG_OK && *n) s = ig_stats_paired_bootstrap(a, b, group, *n, d->groups, 0.95, REPLICATES, 1, out, err);
    ig_free(a);
    ig_free(b);
    ig_free(group);
    return s;
}

/* The interval of the first metric, turned so that more is better. */
static const char *judge_gate(const ig_metric *m, const ig_paired *p, tally t) {
    double lo = m->lower_is_better ? -p->difference.hi : p->difference.lo;
    double hi = m->lower_is_better ? -p->difference.lo : p->difference.hi;
    bool few = t.confirmed < CASES_MIN || t.fixed + t.broken + t.changed < CHANGED_MIN;
    if (few) return "too_little";
    if (lo > 0) return "better";
    if (hi < 0 || t.broken > t.fixed) return "worse";
    return "no_worse";
}

/* As many more as would give 30 cases and, at the rate of change seen so far, 20 that change. */
static size_t needed_of(tally t) {
    size_t changed = t.fixed + t.broken + t.changed, all = t.confirmed ? t.confirmed : 1;
    size_t cases = t.confirmed < CASES_MIN ? CASES_MIN - t.confirmed : 0;
    if (changed >= CHANGED_MIN) return cases;
    size_t more = (CHANGED_MIN - changed) * all / (changed ? changed : 1);
    if (more > 1000) more = 1000;
    return more > cases ? more : cases;
}

static void put_why(ig_json *j, const char *verdict, tally t, const ig_paired *p, size_t needed) {
    char en[300], zh[400];
    double d = p->difference.mean, lo = p->difference.lo, hi = p->difference.hi;
    if (strcmp(verdict, "too_little") == 0) {
        snprintf(en, sizeof en,
                 "%zu judged questions, %zu answers changed: too little to tell; about %zu more confirmed questions are needed",
                 t.confirmed, t.fixed + t.broken + t.changed, needed);
        snprintf(zh, sizeof zh, "共评判 %zu 个问题，%zu 个答案有变化：数据太少，无法判断；大约还需要 %zu 个已确认的问题", t.confirmed,
                 t.fixed + t.broken + t.changed, needed);
    } else {
        snprintf(en, sizeof en, "difference %+.3f (95 %% interval %+.3f … %+.3f); %zu fixed, %zu broken", d, lo, hi, t.fixed,
                 t.broken);
        snprintf(zh, sizeof zh, "差值 %+.3f（95%% 区间 %+.3f … %+.3f）；修正 %zu 个，变错 %zu 个", d, lo, hi, t.fixed, t.broken);
    }
    loop_json_words(j, "why", en, zh);
}

static void put_counts(ig_json *j, tally t) {
    ig_json_key(j, "counts");
    ig_json_open(j, '{');
    loop_json_key_int(j, "fixed", (int64_t)t.fixed);
    loop_json_key_int(j, "broken", (int64_t)t.broken);
    loop_json_key_int(j, "changed", (int64_t)t.changed);
    loop_json_key_int(j, "same", (int64_t)t.same);
    ig_json_close(j, '}');
    loop_json_key_real(j, "mcnemar_p", ig_stats_mcnemar(t.broken, t.fixed));
}

static ig_status put_metrics(ig_json *j, const ig_kind *k, const judged *d, ig_error *err) {
    ig_json_key(j, "metrics");
    ig_json_open(j, '[');
    for (int m = 0; k->metrics && k->metrics[m].name && m < 8; m++) {
        ig_paired p;
        size_t n;
        IG_TRY(metric_of(d, m, &p, &n, err));
        ig_json_open(j, '{');
        loop_json_key_text(j, "name", k->metrics[m].name);
        loop_json_key_int(j, "n", (int64_t)n);
        loop_json_key_interval(j, "from", p.a);
        loop_json_key_interval(j, "to", p.b);
        loop_json_key_interval(j, "difference", p.difference);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    return IG_OK;
}

static ig_status put_lists(ig_json *j, const judged *d, ig_error *err) {
    loop_index old = {0};
    ig_status s = IG_OK;
    for (size_t i = 0; i < d->from_learned.count && s == IG_OK; i++) s = loop_index_put(&old, d->from_learned.at[i].id, i, err);
    if (s == IG_OK) {
        put_list(j, "fixed", d, FIXED, &old);
        put_list(j, "broken", d, BROKEN, &old);
        put_list(j, "changed", d, CHANGED, &old);
    }
    loop_index_fini(&old);
    return s;
}

static ig_status put_comparison(const loop_feature *f, const loop_pair *p, const judged *d, ig_buf *out, ig_error *err) {
    ig_json j = {.out = out};
    ig_paired first;
    size_t n;
    tally t = count(d);
    IG_TRY(metric_of(d, 0, &first, &n, err));
    const char *verdict = judge_gate(&f->kind->metrics[0], &first, t);
    size_t needed = strcmp(verdict, "too_little") == 0 ? needed_of(t) : 0;
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "feature", f->row.name);
    loop_json_key_int(&j, "from", p->from);
    loop_json_key_int(&j, "to", p->to);
    loop_json_key_text(&j, "verdict", verdict);
    put_why(&j, verdict, t, &first, needed);
    loop_json_key_int(&j, "held_out", (int64_t)t.confirmed);
    loop_json_key_text(&j, "protocol", d->folds ? "cross-validation" : "held-out");
    loop_json_key_int(&j, "needed", (int64_t)needed);
    IG_TRY(put_metrics(&j, f->kind, d, err));
    IG_TRY(put_lists(&j, d, err));
    put_counts(&j, t);
    ig_json_close(&j, '}');
    return ig_buf_status(out, err);
}

ig_status loop_compare_pair(ig_loop *l, const loop_feature *f, const loop_pair *p, ig_buf *out, ig_error *err) {
    judged d = {0};
    if (!f->kind->metrics || !f->kind->metrics[0].name)
        return ig_error_set(err, IG_E_UNSUPPORTED, "the kind \"%s\" has no metric to compare by", f->kind->name);
    ig_status s = judge_all(l, f, p, &d, err);
    if (s == IG_OK) s = put_comparison(f, p, &d, out, err);
    judged_fini(&d);
    return s;
}
