/* features/loop/questions.c: similar questions in groups.
 *
 * A question is the set of its pairs of neighbouring characters, letters of ASCII made small, spaces and signs left out; so it
 * works for words and for Chinese alike.  Two questions are alike when Dice's coefficient of their sets is 0.6 or more.  Each
 * question joins the first group whose first question it is like, else it begins one: linear in groups, stable, no centres.
 */
#include <stdlib.h>

#include "features/loop/questions.h"

#define PAIRS_MAX 128
#define ALIKE 0.6
#define SHOWN 5

typedef struct question_group {
    uint32_t pairs[PAIRS_MAX]; /* sorted */
    size_t pair_count, count, shown;
    char *example[SHOWN]; /* the first is the title */
    char interaction[SHOWN][IG_STORE_ID_SIZE];
} question_group;

typedef struct grouping {
    const ig_kind *kind;
    question_group **group;
    size_t count;
    char last[IG_STORE_ID_SIZE]; /* an interaction comes once per feedback */
} grouping;

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool is_letter(uint32_t cp) {
    if (cp < 128) return (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z');
    return cp != 0x3000 && !(cp >= 0x2000 && cp <= 0x206F) && !(cp >= 0x3001 && cp <= 0x3011) &&
           !(cp >= 0xFF01 && cp <= 0xFF0F) && cp != 0xFF1A && cp != 0xFF1B && cp != 0xFF1F;
}

static size_t pairs_of(const char *text, uint32_t out[PAIRS_MAX]) {
    size_t n = 0, len = strlen(text), kept = 0;
    uint32_t before = 0, cp;
    for (size_t i = 0, step; i < len && n < PAIRS_MAX; i += step) {
        step = ig_utf8_decode(text + i, len - i, &cp);
        if (step == 0) break;
        if (cp >= 'A' && cp <= 'Z') cp += 'a' - 'A';
        if (!is_letter(cp)) continue;
        out[n++] = before * 2654435761u ^ cp;
        before = cp;
    }
    qsort(out, n, sizeof *out, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || out[i] != out[i - 1]) out[kept++] = out[i];
    return kept;
}

static double alike(const uint32_t *a, size_t n, const uint32_t *b, size_t m) {
    size_t i = 0, k = 0, both = 0;
    while (i < n && k < m) {
        both += a[i] == b[k];
        uint32_t x = a[i], y = b[k];
        i += x <= y;
        k += y <= x;
    }
    return n + m ? 2.0 * (double)both / (double)(n + m) : 1;
}

static ig_status join(question_group *g, const char *text, const char *interaction, ig_error *err) {
    g->count++;
    if (g->shown == SHOWN) return IG_OK;
    g->example[g->shown] = ig_strdup(text);
    if (!g->example[g->shown]) return ig_error_nomem(err, strlen(text));
    snprintf(g->interaction[g->shown], IG_STORE_ID_SIZE, "%s", interaction);
    g->shown++;
    return IG_OK;
}

static ig_status add_question(grouping *x, const char *text, const char *interaction, ig_error *err) {
    uint32_t pairs[PAIRS_MAX];
    size_t n = pairs_of(text, pairs);
    for (size_t i = 0; i < x->count; i++)
        if (alike(pairs, n, x->group[i]->pairs, x->group[i]->pair_count) >= ALIKE)
            return join(x->group[i], text, interaction, err);
    if (x->count == QUESTIONS_MAX) return IG_OK;
    question_group *g = ig_calloc(1, sizeof *g);
    if (!g) return ig_error_nomem(err, sizeof *g);
    x->group[x->count++] = g;
    memcpy(g->pairs, pairs, n * sizeof *pairs);
    g->pair_count = n;
    return join(g, text, interaction, err);
}

static ig_status take(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    grouping *x = arg;
    ig_doc *d = NULL;
    (void)f;
    if (strcmp(x->last, i->id) == 0) return IG_OK;
    snprintf(x->last, sizeof x->last, "%s", i->id);
    IG_TRY(ig_json_parse("request", i->request, strlen(i->request), &d, err));
    ig_status s = add_question(x, loop_question(x->kind, ig_doc_root(d)), i->id, err);
    ig_doc_free(d);
    return s;
}

static int by_count(const void *a, const void *b) {
    size_t x = (*(question_group *const *)a)->count, y = (*(question_group *const *)b)->count;
    return (x < y) - (x > y);
}

static void put_group(ig_json *j, const question_group *g) {
    ig_json_open(j, '{');
    loop_json_key_text(j, "title", g->example[0]);
    loop_json_key_int(j, "count", (int64_t)g->count);
    ig_json_key(j, "examples");
    ig_json_open(j, '[');
    for (size_t i = 0; i < g->shown; i++) ig_json_text(j, g->example[i]);
    ig_json_close(j, ']');
    ig_json_key(j, "interactions");
    ig_json_open(j, '[');
    for (size_t i = 0; i < g->shown; i++) ig_json_text(j, g->interaction[i]);
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

static void grouping_fini(grouping *x) {
    for (size_t i = 0; i < x->count; i++) {
        for (size_t k = 0; k < SHOWN; k++) ig_free(x->group[i]->example[k]);
        ig_free(x->group[i]);
    }
    ig_free(x->group);
}

ig_status questions_put(ig_loop *l, const loop_feature *f, const ig_store_said_opts *which, ig_json *j, const char *key,
                        ig_error *err) {
    grouping x = {.kind = f->kind, .group = ig_calloc(QUESTIONS_MAX, sizeof *x.group)};
    if (!x.group) return ig_error_nomem(err, QUESTIONS_MAX * sizeof *x.group);
    ig_status s = ig_store_said_each(l->store, f->row.id, which, take, &x, err);
    if (s == IG_OK && x.count) qsort(x.group, x.count, sizeof *x.group, by_count);
    ig_json_key(j, key);
    ig_json_open(j, '[');
    for (size_t i = 0; i < x.count && i < LOOP_LISTED_MAX && s == IG_OK; i++) put_group(j, x.group[i]);
    ig_json_close(j, ']');
    grouping_fini(&x);
    return s;
}
