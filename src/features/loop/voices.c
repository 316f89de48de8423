/* features/loop/voices.c: how far to trust who said something.
 *
 *     statement = (voice, thing, stance)      thing: a question and its answer, or what a question should be answered by
 *     agreement with: staff on the same thing, when they said something; else the majority of the other voices
 *     weight = min(1, (agreed + 4) / (agreed + disagreed + 5) / 0.8)       the mean of a Beta(4,1) prior and the counts, over its own mean
 *
 * So a voice that nobody has confirmed or contradicted weighs 1, one contradiction costs little, and twenty leave a fifth.
 * A voice's later statement about one thing replaces the earlier one: repeating oneself adds nothing.
 */
#include <stdlib.h>

#include "features/loop/loop.h"

typedef struct statement {
    uint64_t thing, stance;
    size_t voice, said;
    bool staff, repeated;
} statement;

typedef struct voice_count {
    double agreed, disagreed;
} voice_count;

static uint64_t hash_text(const char *s, uint64_t seed) {
    return ig_hash64(s ? s : "", s ? strlen(s) : 0, seed);
}

/* What was answered, in the form that does not change with scores: the first source, else the text, else all of it. */
static uint64_t answer_hash(const char *answer, uint64_t seed, ig_status *status) {
    ig_doc *d = NULL;
    ig_error err = {0};
    if (!answer || !*answer) return seed;
    ig_status s = ig_json_parse("answer", answer, strlen(answer), &d, &err);
    if (s != IG_OK) {
        if (s == IG_E_NOMEM) *status = s;
        return hash_text(answer, seed);
    }
    const ig_tree *root = ig_doc_root(d), *sources = ig_tree_get(root, "sources");
    const char *text = ig_tree_text(sources && sources->type == IG_TREE_LIST ? sources->child : NULL, "item", NULL);
    if (!text) text = ig_tree_text(root, "text", answer);
    uint64_t h = hash_text(text, seed);
    ig_doc_free(d);
    return h;
}

static bool says_something(const ig_store_feedback *f) {
    return strcmp(f->type, "none") != 0;
}

static ig_status make_statement(const ig_said *said, statement *out, ig_error *err) {
    ig_status s = IG_OK;
    const ig_store_feedback *f = said->feedback;
    uint64_t question = hash_text(said->interaction->request, 1);
    if (strcmp(f->type, "correction") == 0 || strcmp(f->type, "label") == 0) {
        out->thing = question;
        out->stance = hash_text(f->body, 2);
    } else {
        out->thing = answer_hash(said->interaction->answer, question, &s);
        out->stance = strcmp(f->type, "dislike") == 0 || (strcmp(f->type, "rating") == 0 && f->value < 0.5) ? 0 : 1;
    }
    out->staff = f->staff;
    return s == IG_OK ? IG_OK : ig_error_set(err, s, "out of memory");
}

static int by_thing(const void *a, const void *b) {
    const statement *x = a, *y = b;
    if (x->thing != y->thing) return x->thing < y->thing ? -1 : 1;
    if (x->voice != y->voice) return x->voice < y->voice ? -1 : 1;
    return (x->said > y->said) - (x->said < y->said);
}

/* Of one voice on one thing only the last counts. */
static void drop_repeats(statement *st, size_t n) {
    for (size_t i = 0; i + 1 < n; i++) st[i].repeated = st[i].thing == st[i + 1].thing && st[i].voice == st[i + 1].voice;
}

/* +1, -1, or 0: what the others say about the stance of one. */
static int others_say(const statement *st, size_t n, const statement *one) {
    int staff = 0, with = 0, without = 0;
    for (size_t i = 0; i < n; i++) {
        if (st[i].voice == one->voice || st[i].repeated) continue;
        int same = st[i].stance == one->stance ? 1 : -1;
        if (st[i].staff) staff += same;
        if (same > 0) with++;
        if (same < 0) without++;
    }
    if (staff) return staff > 0 ? 1 : -1;
    return (with > without) - (with < without);
}

static void count_agreement(const statement *st, size_t n, voice_count *counts) {
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && st[to].thing == st[from].thing; to++) continue;
        for (size_t i = from; i < to && to - from <= 1000; i++) {
            if (st[i].repeated || st[i].staff) continue;
            int say = others_say(st + from, to - from, &st[i]);
            counts[st[i].voice].agreed += say > 0;
            counts[st[i].voice].disagreed += say < 0;
        }
    }
}

static double weight_of(voice_count c) {
    double w = (c.agreed + 4) / (c.agreed + c.disagreed + 5) / 0.8;
    return w < 1 ? w : 1;
}

static const char *voice_name(const ig_said *s) {
    if (s->feedback->user[0]) return s->feedback->user;
    return s->interaction->user[0] ? s->interaction->user : s->feedback->who;
}

static void list_voice(loop_said *s, const char *name, voice_count c) {
    char en[160], zh[200];
    double all = c.agreed + c.disagreed;
    ig_json j = {.out = &s->voices_down};
    snprintf(en, sizeof en, "contradicts staff or most others in %.0f of %.0f things", c.disagreed, all);
    snprintf(zh, sizeof zh, "在 %.0f 件事中有 %.0f 件与员工或多数人的意见相反", all, c.disagreed);
    ig_buf_putc(&s->voices_down, s->voices_down.len ? ',' : '[');
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "voice", name);
    loop_json_key_real(&j, "weight", weight_of(c));
    loop_json_words(&j, "why", en, zh);
    ig_json_close(&j, '}');
}

/* Weights into the list; repeated statements leave it, the order stays. */
static void apply(loop_said *s, const statement *st, size_t n, const voice_count *counts, const loop_index *voices) {
    size_t kept = 0, listed = 0;
    for (size_t i = 0; i < n; i++) {
        ig_said *said = &s->at[st[i].said];
        said->weight = st[i].repeated ? -1 : st[i].staff ? 1 : weight_of(counts[st[i].voice]);
    }
    for (size_t i = 0; i < voices->cap; i++) {
        if (!voices->slot[i].name) continue;
        voice_count c = counts[voices->slot[i].at];
        if (c.disagreed >= 3 && weight_of(c) < 0.75 && listed++ < LOOP_LISTED_MAX) list_voice(s, voices->slot[i].name, c);
    }
    if (s->voices_down.len) ig_buf_putc(&s->voices_down, ']');
    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].weight >= 0) s->at[kept++] = s->at[i];
    s->count = kept;
}

static ig_status collect(const loop_said *s, statement *st, size_t *n, loop_index *voices, ig_error *err) {
    for (size_t i = 0; i < s->count; i++) {
        if (!s->at[i].feedback || !says_something(s->at[i].feedback)) continue;
        const char *name = voice_name(&s->at[i]);
        size_t voice = loop_index_get(voices, name);
        if (voice == SIZE_MAX) {
            voice = voices->count;
            IG_TRY(loop_index_put(voices, name, voice, err));
        }
        st[*n] = (statement){.voice = voice, .said = i};
        IG_TRY(make_statement(&s->at[i], &st[*n], err));
        ++*n;
    }
    return IG_OK;
}

ig_status loop_said_weigh(loop_said *s, ig_error *err) {
    size_t n = 0;
    loop_index voices = {0};
    statement *st = ig_calloc(s->count + 1, sizeof *st);
    voice_count *counts = ig_calloc(s->count + 1, sizeof *counts);
    ig_status status = st && counts ? collect(s, st, &n, &voices, err) : ig_error_nomem(err, s->count * sizeof *st);
    if (status == IG_OK) {
        qsort(st, n, sizeof *st, by_thing);
        drop_repeats(st, n);
        count_agreement(st, n, counts);
        apply(s, st, n, counts, &voices);
        status = ig_buf_status(&s->voices_down, err);
    }
    loop_index_fini(&voices);
    ig_free(st);
    ig_free(counts);
    return status;
}
