/* bench/support_bench.c: how well the matcher finds the answer that a question wants.
 *
 *     support_bench full|few|scope|feedback BANKING77 CLINC150 [quick|normal|thorough [DRAWS]]        folders of the data
 *
 * full      all of Banking77's training questions, accuracy on its 3,080 test questions
 * few       10 (and 5) forms per answer, three draws; alone, and with the rest of the training questions unlabelled
 * scope     CLINC150: the threshold of in_scope is the highest that costs at most one point of accuracy on the validation part
 * feedback  5 forms per answer; users ask the other training questions in random order and say thumbs up or down, one wrong
 *           answer in five is corrected, one in ten says the opposite of what is true; trained anew after 500 … 8,000
 *
 * docs/support.md has the figures of this program.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/matcher.h"

enum { BYTES_MAX = 1 << 26, LABELS_MAX = 200 };

typedef struct set {
    ig_match_case *item;
    size_t n, cap;
} set;

typedef struct names {
    char *name[LABELS_MAX];
    size_t n;
} names;

static ig_context *ctx;
static ig_match_effort effort;
static uint64_t draws = 3;

static void stop(const char *what, const ig_error *err) {
    fprintf(stderr, "support_bench: %s: %s\n", what, err ? err->message : "");
    exit(1);
}

static int32_t label_of(names *l, const char *name, size_t len) {
    for (size_t i = 0; i < l->n; i++)
        if (strlen(l->name[i]) == len && !memcmp(l->name[i], name, len)) return (int32_t)i;
    if (l->n == LABELS_MAX) stop("too many labels", NULL);
    l->name[l->n] = ig_strndup(name, len);
    return (int32_t)l->n++;
}

static void put(set *s, ig_match_case c) {
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1024;
        s->item = ig_realloc_array(s->item, s->cap, sizeof *s->item);
        if (!s->item) stop("memory", NULL);
    }
    s->item[s->n++] = c;
}

/* ---- data ---- */

/* One field of a CSV line; *p moves behind its comma or line end. */
static size_t field(char **p, char *out) {
    char *s = *p;
    size_t n = 0;
    bool quoted = *s == '"';
    if (quoted) s++;
    while (*s && (quoted || (*s != ',' && *s != '\n' && *s != '\r'))) {
        if (quoted && *s == '"' && *++s != '"') quoted = false;
        else out[n++] = *s++;
    }
    while (*s == '\r') s++;
    *p = *s ? s + 1 : s;
    return n;
}

static set read_csv(const char *folder, const char *file, names *l) {
    char path[4096];
    ig_error err;
    ig_buf b = {.max = BYTES_MAX};
    set s = {0};
    if (ig_path_join(path, sizeof path, folder, file, &err) || ig_file_read(path, BYTES_MAX, &b, &err)) stop(path, &err);
    char *line = malloc(b.len + 1), *at = strchr(b.data, '\n') + 1;
    if (!line) stop("memory", NULL);
    while (*at) {
        size_t n = field(&at, line);
        char *text = ig_strndup(line, n);
        size_t m = field(&at, line);
        put(&s, (ig_match_case){.text = text, .len = n, .label = label_of(l, line, m), .weight = 1});
    }
    free(line);
    ig_buf_fini(&b);
    return s;
}

static set read_clinc(const char *folder, const char *part, names *l) {
    char path[4096];
    ig_error err;
    static ig_doc *doc;
    set s = {0};
    if (ig_path_join(path, sizeof path, folder, "data_full.json", &err)) stop(folder, &err);
    if (!doc && ig_doc_load(path, BYTES_MAX, &doc, &err)) stop(path, &err);
    const ig_tree *list = ig_tree_get(ig_doc_root(doc), part);
    for (const ig_tree *row = list ? list->child : NULL; row; row = row->next) {
        const ig_tree *text = row->child, *name = text->next;
        bool outside = !strcmp(name->text, "oos");
        int32_t label = outside ? -1 : label_of(l, name->text, name->text_len);
        put(&s, (ig_match_case){.text = text->text, .len = text->text_len, .label = label, .weight = 1});
    }
    return s;
}

static void shuffle(set *s, uint64_t draw) {
    ig_rng r;
    ig_rng_init(&r, 2026, draw);
    for (size_t i = s->n; i > 1; i--) {
        size_t j = (size_t)ig_rng_below(&r, i);
        ig_match_case x = s->item[i - 1];
        s->item[i - 1] = s->item[j], s->item[j] = x;
    }
}

/* The first `forms` of each label after shuffling; the others into rest. */
static set few_of(set all, size_t labels, size_t forms, uint64_t draw, set *rest) {
    set few = {0};
    size_t *seen = calloc(labels, sizeof *seen);
    shuffle(&all, draw);
    for (size_t i = 0; i < all.n; i++) put(seen[all.item[i].label]++ < forms ? &few : rest, all.item[i]);
    free(seen);
    return few;
}

/* ---- measuring ---- */

static bool on_progress(void *arg, const char *stage, size_t done, size_t total) {
    (void)arg;
    if (done % 4 == 0) fprintf(stderr, "\r  %-10s %zu/%zu   ", stage, done, total);
    return true;
}

static ig_matcher *learn(set s, size_t labels, uint64_t seed) {
    ig_error err;
    ig_matcher *m;
    double start = ig_clock();
    ig_match_opts o = {.seed = seed, .effort = effort, .progress = on_progress};
    if (ig_matcher_train(ctx, s.item, s.n, labels, &o, &m, &err)) stop("train", &err);
    fprintf(stderr, "\r  %zu cases in %.1f s          \n", s.n, ig_clock() - start);
    return m;
}

typedef struct verdict {
    int32_t label;
    double p, in_scope;
} verdict;

static verdict ask(const ig_matcher *m, const ig_match_case *c) {
    float p[LABELS_MAX];
    ig_error err;
    verdict v = {0};
    if (ig_matcher_score(m, c->text, c->len, p, &v.in_scope, &err)) stop("score", &err);
    for (size_t i = 1; i < ig_matcher_labels(m); i++)
        if (p[i] > p[v.label]) v.label = (int32_t)i;
    v.p = exp((double)p[v.label]);
    return v;
}

static double accuracy(const ig_matcher *m, set test) {
    size_t right = 0;
    double start = ig_clock(), sure = 0;
    for (size_t i = 0; i < test.n; i++) {
        verdict v = ask(m, &test.item[i]);
        right += v.label == test.item[i].label, sure += v.p;
    }
    double a = 100.0 * (double)right / (double)test.n;
    fprintf(stderr, "  accuracy %.2f, mean confidence %.2f, %.3f ms a question\n", a, 100 * sure / (double)test.n,
            1e3 * (ig_clock() - start) / (double)test.n);
    return a;
}

static void full(set train, set test, size_t labels) {
    ig_matcher *m = learn(train, labels, 1);
    printf("Banking77, all %zu training questions: %.2f %%\n", train.n, accuracy(m, test));
    ig_matcher_free(m);
}

static void few(set train, set test, size_t labels, size_t forms) {
    double sum[2] = {0};
    for (uint64_t draw = 0; draw < draws; draw++) {
        set rest = {0}, known = few_of(train, labels, forms, draw, &rest);
        for (int unlabelled = 0; unlabelled < 2; unlabelled++) {
            for (size_t i = 0; unlabelled && i < rest.n; i++) rest.item[i].label = -1, put(&known, rest.item[i]);
            ig_matcher *m = learn(known, labels, draw + 1);
            double a = accuracy(m, test);
            printf("Banking77, %zu forms, draw %d, %s: %.2f %%\n", forms, (int)draw, unlabelled ? "the rest unlabelled"
                   : "alone", a);
            fflush(stdout);
            sum[unlabelled] += a;
            ig_matcher_free(m);
        }
        ig_free(known.item), ig_free(rest.item);
    }
    printf("Banking77, %zu forms, mean of %d: alone %.2f %%, with the rest unlabelled %.2f %%\n", forms, (int)draws,
           sum[0] / (double)draws, sum[1] / (double)draws);
}

/* ---- out of scope ---- */

static double kept_right(const verdict *v, set s, double threshold) {
    size_t right = 0;
    for (size_t i = 0; i < s.n; i++) right += v[i].in_scope >= threshold && v[i].label == s.item[i].label;
    return 100.0 * (double)right / (double)s.n;
}

static verdict *ask_all(const ig_matcher *m, set s) {
    verdict *v = calloc(s.n, sizeof *v);
    for (size_t i = 0; i < s.n; i++) v[i] = ask(m, &s.item[i]);
    return v;
}

static void scope(const char *folder) {
    names l = {0};
    set train = read_clinc(folder, "train", &l), val = read_clinc(folder, "val", &l), test = read_clinc(folder, "test", &l);
    set outside = read_clinc(folder, "oos_test", &l);
    ig_matcher *m = learn(train, l.n, 1);
    verdict *on_val = ask_all(m, val), *on_test = ask_all(m, test), *on_outside = ask_all(m, outside);
    double plain = kept_right(on_val, val, 0);
    for (double cost = 0.5; cost <= 2; cost += 0.5) {
        double best = 0;
        for (size_t i = 0; i < val.n; i++)
            if (on_val[i].in_scope > best && kept_right(on_val, val, on_val[i].in_scope) >= plain - cost)
                best = on_val[i].in_scope;
        size_t refused = 0;
        for (size_t i = 0; i < outside.n; i++) refused += on_outside[i].in_scope < best;
        printf("CLINC150, at most %.1f points on val (threshold %.4f): in scope %.2f %% (%.2f %% without), ", cost, best,
               kept_right(on_test, test, best), kept_right(on_test, test, 0));
        printf("out of scope found %.2f %%\n", 100.0 * (double)refused / (double)outside.n);
    }
    free(on_val), free(on_test), free(on_outside);
    ig_matcher_free(m);
}

/* ---- feedback ---- */

/* What a user says about the answer that was shown. */
static ig_match_case say(const ig_match_case *asked, int32_t shown, size_t labels, ig_rng *r, int32_t *no) {
    ig_match_case c = {.text = asked->text, .len = asked->len, .label = -1, .weight = 0.9f};
    bool right = shown == asked->label, flipped = ig_rng_uniform(r) < 0.1, up = right != flipped,
        corrects = ig_rng_uniform(r) < 0.2;
    if (up) c.label = shown;
    else {
        *no = shown, c.not_labels = no, c.not_count = 1;
        if (corrects) c.label = right ? (int32_t)((shown + 1 + (int64_t)ig_rng_below(r, labels - 1)) % (int64_t)labels)
            : asked->label;
    }
    return c;
}

static void feedback(set train, set test, size_t labels) {
    static const size_t marks[] = {500, 1000, 2000, 4000, 8000};
    double sum[6] = {0};
    for (uint64_t draw = 0; draw < draws; draw++) {
        ig_rng r;
        ig_rng_init(&r, 77, draw);
        set rest = {0}, known = few_of(train, labels, 5, draw, &rest);
        int32_t *no = calloc(rest.n, sizeof *no);
        size_t asked = 0;
        for (size_t k = 0; k < 6; k++) {
            ig_matcher *m = learn(known, labels, draw + 1);
            double a = accuracy(m, test);
            printf("feedback, draw %d, after %zu: %.2f %%\n", (int)draw, asked, a);
            fflush(stdout);
            sum[k] += a;
            for (; k < 5 && asked < marks[k]; asked++)
                put(&known, say(&rest.item[asked], ask(m, &rest.item[asked]).label, labels, &r, &no[asked]));
            ig_matcher_free(m);
        }
        free(no), ig_free(known.item), ig_free(rest.item);
    }
    printf("feedback, mean of %d, after 0, 500, 1,000, 2,000, 4,000, 8,000:", (int)draws);
    for (size_t k = 0; k < 6; k++) printf(" %.2f", sum[k] / (double)draws);
    printf("\n");
}

int main(int argc, char **argv) {
    ig_error err;
    if (argc < 4) stop("usage: support_bench full|few|scope|feedback|all BANKING77 CLINC150 [quick|normal|thorough [DRAWS]]",
                       NULL);
    bool all = !strcmp(argv[1], "all");
    if (ig_context_new(NULL, &ctx, &err)) stop("context", &err);
    if (argc > 4 && !strcmp(argv[4], "quick")) effort = IG_MATCH_QUICK;
    if (argc > 4 && !strcmp(argv[4], "thorough")) effort = IG_MATCH_THOROUGH;
    if (argc > 5) draws = strtoull(argv[5], NULL, 10);
    if (draws < 1) stop("one draw at least", NULL);
    names l = {0};
    set train = read_csv(argv[2], "train.csv", &l), test = read_csv(argv[2], "test.csv", &l);
    if (all || !strcmp(argv[1], "full")) full(train, test, l.n);
    if (all || !strcmp(argv[1], "few")) few(train, test, l.n, 10), few(train, test, l.n, 5);
    if (all || !strcmp(argv[1], "scope")) scope(argv[3]);
    if (all || !strcmp(argv[1], "feedback")) feedback(train, test, l.n);
    ig_context_free(ctx);
    return 0;
}
