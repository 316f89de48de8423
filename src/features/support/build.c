/* features/support/build.c: a version of a desk from items and cases.
 *
 *     items ─► units ─────────────────────────────┐
 *     cases ─► labels ─► matchers of three folds ─┴─► ranker, whose weights are learned on what each fold has not seen
 *                    └─► one matcher of all, which answers
 *
 * New content keeps the matcher and the ranker's weights and makes the index anew.  The forms that the index holds are those of
 * the cases, so that a question that is held out is not found word for word.
 */
#include <string.h>

#include "features/support/desk.h"

#define FOLDS 3
#define FORMS_PER_LABEL_MIN 2   /* below, the ranker's nearest form says the same */
#define LABELS_MIN 2
#define THRESHOLD 0.4           /* of a calibrated probability; docs/support.md tells where it comes from */

/* A case of content or feedback, read. */
typedef struct lesson {
    char *question;
    int64_t unit;               /* -1: not known */
    uint32_t *not_units;
    size_t not_count;
    double weight;
    ig_case_origin origin;
} lesson;

typedef struct building {
    const ig_build *b;
    support_units units;
    lesson *lesson;
    size_t count;
    support_exact exact;
    ig_matcher *matcher[FOLDS + 1]; /* the last is that of all */
    int32_t labels;
    bool matched;
    float *row;
} building;

static void building_fini(building *g) {
    for (size_t i = 0; i < g->count; i++) ig_free(g->lesson[i].question), ig_free(g->lesson[i].not_units);
    for (size_t i = 0; i <= FOLDS; i++) ig_matcher_free(g->matcher[i]);
    ig_free(g->lesson);
    ig_free(g->row);
    support_exact_fini(&g->exact);
    support_units_fini(&g->units);
}

/* ---- cases ------------------------------------------------------------------------------------------------------------ */

static ig_status read_not(const building *g, const ig_tree *list, lesson *x, ig_error *err) {
    x->not_units = ig_calloc(list->count + 1, sizeof *x->not_units);
    if (!x->not_units) return ig_error_nomem(err, list->count);
    for (const ig_tree *t = list->child; t; t = t->next) {
        int64_t unit = t->type == IG_TREE_TEXT ? support_units_find(&g->units, t->text) : -1;
        if (unit >= 0) x->not_units[x->not_count++] = (uint32_t)unit;
    }
    return IG_OK;
}

/* A case whose item is gone teaches nothing but its question. */
static ig_status read_case(const building *g, const ig_case *c, lesson *x, ig_error *err) {
    ig_doc *request = NULL, *expected = NULL;
    *x = (lesson){.unit = -1, .weight = c->weight, .origin = c->origin};
    ig_status s = ig_json_parse(c->id, c->request, strlen(c->request), &request, err);
    if (s == IG_OK && c->expected) s = ig_json_parse(c->id, c->expected, strlen(c->expected), &expected, err);
    if (s == IG_OK) {
        const ig_tree *e = expected ? ig_doc_root(expected) : NULL;
        const char *item = ig_tree_text(e, "item", NULL);
        const ig_tree *wrong = e ? ig_tree_get(e, "not") : NULL;
        x->question = ig_strdup(ig_tree_text(ig_doc_root(request), "question", ""));
        if (!x->question) s = ig_error_nomem(err, 1);
        if (item) x->unit = support_units_find(&g->units, item);
        if (s == IG_OK && wrong && wrong->type == IG_TREE_LIST) s = read_not(g, wrong, x, err);
    }
    ig_doc_free(request), ig_doc_free(expected);
    return s;
}

static ig_status read_cases(building *g, ig_error *err) {
    g->lesson = ig_calloc(g->b->case_count + 1, sizeof *g->lesson);
    if (!g->lesson) return ig_error_nomem(err, g->b->case_count * sizeof *g->lesson);
    for (; g->count < g->b->case_count; g->count++) {
        ig_status s = read_case(g, &g->b->cases[g->count], &g->lesson[g->count], err);
        if (s != IG_OK) {
            ig_free(g->lesson[g->count].question), ig_free(g->lesson[g->count].not_units);
            return s;
        }
    }
    return IG_OK;
}

static bool is_written(const lesson *x) { return x->origin == IG_CASE_CONTENT || x->origin == IG_CASE_STAFF; }

static ig_status note_exact(building *g, ig_error *err) {
    for (size_t i = 0; i < g->count; i++)
        if (g->lesson[i].unit >= 0 && is_written(&g->lesson[i]))
            IG_TRY(support_exact_add(&g->exact, g->lesson[i].question, (uint64_t)g->lesson[i].unit, err));
    return IG_OK;
}

/* ---- the matcher ------------------------------------------------------------------------------------------------------- */

static bool told(void *arg, const char *stage, size_t done, size_t total) {
    const ig_build *b = arg;
    return b->progress(b->arg, stage, (double)done, (double)total, NULL);
}

/* Units that some question asks for get a label.  True when there is enough to learn. */
static bool give_labels(building *g) {
    size_t positive = 0, said = 0;
    for (size_t i = 0; i < g->count; i++) {
        lesson *x = &g->lesson[i];
        if (x->unit < 0) continue;
        positive++;
        said += x->origin != IG_CASE_CONTENT;
        if (g->units.at[x->unit].label < 0) g->units.at[x->unit].label = g->labels++;
    }
    return g->labels >= LABELS_MIN && g->labels <= IG_MATCH_LEARNED_MAX &&
           (positive >= (size_t)g->labels * FORMS_PER_LABEL_MIN || said * 10 >= positive);
}

static ig_match_effort effort_of(const ig_build *b, bool fold) {
    const char *effort = ig_tree_text(b->settings, "effort", "normal");
    if (fold || !strcmp(effort, "quick")) return IG_MATCH_QUICK;
    return strcmp(effort, "thorough") ? IG_MATCH_NORMAL : IG_MATCH_THOROUGH;
}

size_t desk_fold(const char *question, size_t len, size_t folds) { return ig_hash64(question, len, 17) % folds; }

/* Cases for the matcher; those of a fold are left out of it.  labels_of: room for what `not` names. */
static size_t gather(const building *g, size_t fold, ig_match_case *out, int32_t *not_labels) {
    size_t n = 0;
    for (size_t i = 0; i < g->count; i++) {
        const lesson *x = &g->lesson[i];
        if (fold < FOLDS && desk_fold(x->question, strlen(x->question), FOLDS) == fold) continue;
        ig_match_case *c = &out[n++];
        *c = (ig_match_case){.text = x->question, .len = strlen(x->question), .label = x->unit >= 0 ? g->units.at[x->unit].label : -1,
                             .weight = is_written(x) ? 1.0f : (float)(0.9 * x->weight), .not_labels = not_labels};
        for (size_t k = 0; k < x->not_count; k++)
            if (g->units.at[x->not_units[k]].label >= 0) not_labels[c->not_count++] = g->units.at[x->not_units[k]].label;
        not_labels += c->not_count;
    }
    return n;
}

static ig_status train_matcher(building *g, size_t fold, ig_error *err) {
    size_t nots = 1;
    for (size_t i = 0; i < g->count; i++) nots += g->lesson[i].not_count;
    ig_match_case *cases = ig_calloc(g->count + 1, sizeof *cases);
    int32_t *not_labels = ig_calloc(nots, sizeof *not_labels);
    ig_status s = cases && not_labels ? IG_OK : ig_error_nomem(err, g->count * sizeof *cases);
    if (s == IG_OK) {
        size_t n = gather(g, fold, cases, not_labels);
        s = ig_matcher_train(g->b->ctx, cases, n, (size_t)g->labels,
                             &(ig_match_opts){.seed = g->b->seed + fold, .effort = effort_of(g->b, fold < FOLDS), .progress = told,
                                              .arg = (void *)g->b}, &g->matcher[fold], err);
    }
    ig_free(cases), ig_free(not_labels);
    return s;
}

static ig_status learn_matchers(building *g, ig_error *err) {
    g->matched = give_labels(g);
    if (!g->matched) {
        for (size_t i = 0; i < g->units.count; i++) g->units.at[i].label = -1;
        return IG_OK;
    }
    for (size_t fold = 0; fold <= FOLDS; fold++) IG_TRY(train_matcher(g, fold, err));
    return ig_matcher_save(g->matcher[FOLDS], g->b->folder, err);
}

/* The earlier matcher, and the labels of units that are still there. */
static ig_status keep_matcher(building *g, ig_error *err) {
    char path[IG_PATH_MAX];
    support_units before = {0};
    IG_TRY(ig_path_join(path, sizeof path, g->b->previous, "matcher.bin", err));
    if (!ig_path_exists(path)) return IG_OK;
    g->matched = true;
    IG_TRY(ig_matcher_open(g->b->ctx, g->b->previous, &g->matcher[FOLDS], err));
    g->labels = (int32_t)ig_matcher_labels(g->matcher[FOLDS]);
    IG_TRY(ig_path_join(path, sizeof path, g->b->previous, "units.jsonl", err));
    ig_status s = support_units_load(path, &before, err);
    for (size_t i = 0; i < before.count && s == IG_OK; i++) {
        int64_t unit = before.at[i].label < 0 ? -1 : support_units_find(&g->units, before.at[i].id);
        if (unit >= 0 && before.at[i].label < g->labels) g->units.at[unit].label = before.at[i].label;
    }
    support_units_fini(&before);
    return s == IG_OK ? ig_matcher_save(g->matcher[FOLDS], g->b->folder, err) : s;
}

/* What the matcher says of each passage: its log-probability; of one that it does not know, that of chance. */
ig_status desk_extra_fn(void *arg, const char *question, size_t len, const uint32_t *passages, size_t n, float *out, ig_error *err) {
    desk_extra *x = arg;
    uint64_t hash = ig_hash64(question, len, 3);
    const ig_matcher *m = x->matchers[x->folds > 1 ? desk_fold(question, len, x->folds) : 0];
    if (!x->has_row || x->row_of != hash) {
        IG_TRY(ig_matcher_score(m, question, len, x->row, &x->in_scope, err));
        x->has_row = true, x->row_of = hash;
    }
    float chance = 0;
    for (size_t labels = ig_matcher_labels(m); labels > 1; labels >>= 1) chance -= 0.6931472f;
    for (size_t i = 0; i < n; i++) {
        int32_t label = x->units->at[passages[i]].label;
        float v = label < 0 ? chance : x->row[label];
        out[i] = v > DESK_EXTRA_FLOOR ? v : DESK_EXTRA_FLOOR;
    }
    return IG_OK;
}

/* ---- the ranker ---------------------------------------------------------------------------------------------------------- */

typedef struct ranking {
    ig_rank_passage *passage;
    ig_rank_case *cases;
    size_t count;
    const char **form;      /* of all passages, one after the other */
} ranking;

static ig_status fill_ranking(const building *g, ranking *r, ig_error *err) {
    size_t *at = ig_calloc(g->units.count + 1, sizeof *at);
    r->passage = ig_calloc(g->units.count + 1, sizeof *r->passage);
    r->cases = ig_calloc(g->count + 1, sizeof *r->cases);
    r->form = ig_calloc(g->count + 1, sizeof *r->form);
    if (!at || !r->passage || !r->cases || !r->form) {
        ig_free(at);
        return ig_error_nomem(err, g->count * sizeof *r->cases);
    }
    for (size_t i = 0; i < g->count; i++)
        if (g->lesson[i].unit >= 0 && is_written(&g->lesson[i])) at[g->lesson[i].unit + 1]++;
    for (size_t u = 0; u < g->units.count; u++) {
        const support_unit *x = &g->units.at[u];
        r->passage[u] = (ig_rank_passage){.id = x->id, .title = x->passage ? x->title : NULL, .text = x->answer,
                                          .questions = r->form + at[u], .question_count = at[u + 1]};
        at[u + 1] += at[u];
    }
    for (size_t i = 0; i < g->count; i++) {
        const lesson *x = &g->lesson[i];
        if (x->unit >= 0 && is_written(x)) r->form[at[x->unit]++] = x->question;
        else if (x->unit >= 0 || x->not_count)
            r->cases[r->count++] = (ig_rank_case){.question = x->question, .passage = x->unit, .weight = x->weight, .not_passages = x->not_units,
                                                  .not_count = x->not_count};
    }
    ig_free(at);
    return IG_OK;
}

static ig_status build_ranker(building *g, ig_error *err) {
    ranking r = {0};
    char folder[IG_PATH_MAX], before[IG_PATH_MAX] = "";
    bool keep = g->b->mode == IG_BUILD_CONTENT && g->b->previous;
    const ig_matcher *folds[FOLDS];
    for (size_t i = 0; i < FOLDS; i++) folds[i] = g->matcher[keep ? FOLDS : i];
    desk_extra extra = {.matchers = folds, .folds = FOLDS, .units = &g->units, .row = g->row};
    ig_ranker_opts o = {.seed = g->b->seed, .previous = keep ? before : NULL, .progress = told, .progress_arg = (void *)g->b};
    if (g->matched) o.extra = (ig_rank_extra){.fn = desk_extra_fn, .arg = &extra, .count = 1};
    ig_status s = ig_path_join(folder, sizeof folder, g->b->folder, "rank", err);
    if (s == IG_OK && keep) s = ig_path_join(before, sizeof before, g->b->previous, "rank", err);
    if (s == IG_OK) s = fill_ranking(g, &r, err);
    if (s == IG_OK) s = ig_ranker_train(r.passage, g->units.count, r.cases, r.count, &o, folder, err);
    ig_free(r.passage), ig_free(r.cases), ig_free(r.form);
    return s;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------------ */

static ig_status save_lists(building *g, ig_error *err) {
    char path[IG_PATH_MAX], text[256];
    IG_TRY(ig_path_join(path, sizeof path, g->b->folder, "units.jsonl", err));
    IG_TRY(support_units_save(&g->units, path, err));
    IG_TRY(ig_path_join(path, sizeof path, g->b->folder, "exact.bin", err));
    IG_TRY(support_exact_save(&g->exact, path, err));
    IG_TRY(ig_path_join(path, sizeof path, g->b->folder, "desk.json", err));
    int n = snprintf(text, sizeof text, "{\"units\": %zu, \"labels\": %d, \"matcher\": %s, \"threshold\": %g}\n", g->units.count, (int)g->labels,
                     g->matched ? "true" : "false", THRESHOLD);
    return ig_file_write(path, text, (size_t)n, err);
}

static ig_status build_all(building *g, ig_error *err) {
    const ig_build *b = g->b;
    if (!b->item_count)
        return ig_error_set(err, IG_E_ARG, "there is no content: give questions and answers (--faq FILE) or help pages (--docs FOLDER)");
    IG_TRY(support_units_from_items(b->items, b->item_count, &g->units, err));
    IG_TRY(read_cases(g, err));
    IG_TRY(note_exact(g, err));
    if (b->mode == IG_BUILD_CONTENT && b->previous) IG_TRY(keep_matcher(g, err));
    else IG_TRY(learn_matchers(g, err));
    g->row = ig_calloc((size_t)g->labels + 1, sizeof *g->row);
    if (!g->row) return ig_error_nomem(err, (size_t)g->labels * sizeof *g->row);
    IG_TRY(build_ranker(g, err));
    return save_lists(g, err);
}

ig_status desk_build(const ig_build *b, ig_error *err) {
    building g = {.b = b};
    ig_status s = build_all(&g, err);
    building_fini(&g);
    return s;
}
