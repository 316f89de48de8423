/* infer/classify.c: texts to probabilities of labels, and pairs of texts to scores.
 *
 * A cross-encoder is a classifier with one label that reads question and document as one sequence: slower than comparing
 * two vectors, and better, so it orders the few that a search has found (Nogueira & Cho 2019).
 */
#include <math.h>
#include <string.h>

#include "infer/encoder.h"

typedef enum meaning { MEANS_ONE_OF, MEANS_EACH, MEANS_VALUE } meaning;

struct ig_classifier {
    encoder encoder;
    meaning meaning;
};

/* ---- opening and closing ---- */

static meaning meaning_of(const ig_model *m) {
    const char *type = ig_tree_text(ig_doc_root(m->config), "problem_type", "");
    if (strcmp(type, "regression") == 0) return MEANS_VALUE;
    if (strcmp(type, "multi_label_classification") == 0 || m->family->label_count(m) == 1) return MEANS_EACH;
    return MEANS_ONE_OF;
}

ig_status ig_classifier_open(ig_model *m, const ig_batch_opts *opts, ig_classifier **out, ig_error *err) {
    *out = NULL;
    if (!ig_model_can(m, IG_CAN_CLASSIFY))
        return ig_error_set(err, IG_E_UNSUPPORTED, "this model of family %s has no head that classifies texts",
                            m->family->name);
    ig_classifier *c = ig_calloc(1, sizeof *c);
    if (!c) return ig_error_nomem(err, sizeof *c);
    c->meaning = meaning_of(m);
    ig_status status = encoder_init(&c->encoder, m, ENCODER_CLASSES, opts, err);
    if (status == IG_OK) *out = c;
    else ig_classifier_close(c);
    return status;
}

void ig_classifier_close(ig_classifier *c) {
    if (!c) return;
    encoder_fini(&c->encoder);
    ig_free(c);
}

int64_t ig_classifier_count(const ig_classifier *c) { return c->encoder.width; }

const char *ig_classifier_label(const ig_classifier *c, int64_t i) {
    const ig_model *m = c->encoder.m;
    return i < 0 || i >= c->encoder.width ? NULL : m->family->label(m, i);
}

/* ---- answers ---- */

static void softmax(float *x, int64_t n) {
    double max = x[0], sum = 0;
    for (int64_t i = 1; i < n; i++) max = (double)x[i] > max ? (double)x[i] : max;
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - max);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(exp((double)x[i] - max) / sum);
}

static void to_probabilities(const ig_classifier *c, float *row) {
    if (c->meaning == MEANS_ONE_OF) softmax(row, c->encoder.width);
    if (c->meaning != MEANS_EACH) return;
    for (int64_t i = 0; i < c->encoder.width; i++) row[i] = (float)(1 / (1 + exp(-(double)row[i])));
}

static ig_status check_finite(const float *row, int64_t n, size_t text, ig_error *err) {
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(row[i]))
            return ig_error_set(err, IG_E_NUMERIC, "the answer for text %zu is not finite: the weights may be damaged", text);
    return IG_OK;
}

/* second NULL: no pairs */
static ig_status logits(ig_classifier *c, const char *const *texts, const char *const *second, size_t n, float *out,
                        ig_text_use *uses, ig_error *err) {
    sequences s;
    size_t width = (size_t)c->encoder.width;
    ig_status status = sequences_init(&s, c->encoder.m, c->encoder.opts.max_tokens, n, err);
    for (size_t i = 0; i < n && status == IG_OK; i++) status = sequences_add_text(&s, texts[i], second ? second[i] : NULL, err);
    if (status == IG_OK) status = encoder_run(&c->encoder, &s, out, err);
    for (size_t i = 0; i < n && status == IG_OK; i++) status = check_finite(out + i * width, c->encoder.width, i, err);
    if (status == IG_OK) sequences_tell(&s, uses);
    sequences_fini(&s);
    return status;
}

ig_status ig_classify_pairs(ig_classifier *c, const char *const *texts, const char *const *second, size_t n, float *out,
                            ig_text_use *uses,
                            ig_error *err) {
    IG_TRY(logits(c, texts, second, n, out, uses, err));
    for (size_t i = 0; i < n; i++) to_probabilities(c, out + i * (size_t)c->encoder.width);
    return IG_OK;
}

ig_status ig_classify_texts(ig_classifier *c, const char *const *texts, size_t n, float *out, ig_text_use *uses,
                            ig_error *err) {
    return ig_classify_pairs(c, texts, NULL, n, out, uses, err);
}

ig_status ig_score_pairs(ig_classifier *c, const char *const *queries, const char *const *documents, size_t n, float *out,
                         ig_text_use *uses, ig_error *err) {
    if (!ig_model_can(c->encoder.m, IG_CAN_SCORE))
        return ig_error_set(err, IG_E_UNSUPPORTED, "a model that scores pairs has one label; this one has %lld",
                            (long long)c->encoder.width);
    return logits(c, queries, documents, n, out, uses, err);
}
