/* bench/retrieval.c: does the ranker find the answer to a question that it has not seen?   make bench-retrieval
 *
 * Two collections of question-answer pairs (see docs/support.md): the pool is all answers; five folds, every question is held
 * out once and asked of a ranker that was trained on the others.  Two are measured on the same questions: BM25 alone (n-grams
 * and
 * words, k1, b and the weights tuned on the training part), and the whole ranker; the differences come with their paired 95 %
 * bootstrap interval.  "scale" makes pairs up, and measures time and memory.
 *
 *     retrieval bank-faq FILE.csv        retrieval zh-insurance-qa FILE.csv        retrieval scale [PAIRS]
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/analyze.h"
#include "ingot/ranker.h"
#include "ingot/stats.h"

enum { FOLDS = 5, ROWS_MAX = 20000, FIELDS = 8, SYSTEMS = 2, DEPTHS = 3, GOLD_MAX = 8, DOWN_MAX = 64, KEEP = 10 };
static const size_t DEPTH[DEPTHS] = {1, 5, 10};
static const char *const SYSTEM[SYSTEMS] = {"BM25 (n-grams and words, tuned)", "ranker"};
#define ONLY(bits) ((uint32_t)~(uint32_t)(bits))

typedef struct item {
    char *text;
    uint32_t right[GOLD_MAX], down[DOWN_MAX];
    size_t right_n, down_n;
    unsigned fold;
    double hit[SYSTEMS][DEPTHS];
    double probability; /* of the ranker's first */
} item;

typedef struct collection {
    char *bytes; /* the table, cut into fields in place */
    char **answer;
    item *question;
    ig_rank_passage *passage;
    size_t answers, questions;
} collection;

static void die(const ig_error *err) {
    char text[1200];
    fprintf(stderr, "retrieval: %s\n", ig_error_format(err, text, sizeof text));
    exit(1);
}

static void *need(void *p) {
    if (!p) {
        fprintf(stderr, "retrieval: out of memory\n");
        exit(1);
    }
    return p;
}

/* ---- tables -------------------------------------------------------------------------------------------------------------- */

/* The next row of a comma-separated table, unquoted in place; returns the number of fields, 0 at the end. */
static int next_row(char **at, char *field[FIELDS]) {
    char *p = *at;
    int n = 0;
    if (!*p) return 0;
    for (bool more = true; more;) {
        char *to = p, *begin = p;
        bool quoted = *p == '"';
        if (quoted) p++;
        while (*p && (quoted || (*p != ',' && *p != '\n' && *p != '\r'))) {
            if (quoted && *p == '"' && p[1] != '"') {
                quoted = false;
                p++;
                continue;
            }
            if (quoted && *p == '"') p++;
            *to++ = *p++;
        }
        more = *p == ',';
        while (*p == '\r') p++;
        if (*p) p++;
        *to = '\0';
        if (n < FIELDS) field[n++] = begin;
    }
    *at = p;
    return n;
}

static uint32_t find_answer(collection *c, char *text) {
    for (size_t i = 0; i < c->answers; i++) {
        if (strcasecmp(c->answer[i], text) == 0) return (uint32_t)i;
    }
    c->answer[c->answers] = text;
    return (uint32_t)c->answers++;
}

static item *find_question(collection *c, char *text) {
    for (size_t i = 0; i < c->questions; i++) {
        if (strcasecmp(c->question[i].text, text) == 0) return &c->question[i];
    }
    c->question[c->questions].text = text;
    return &c->question[c->questions++];
}

static void add(uint32_t *list, size_t *n, size_t max, uint32_t passage) {
    for (size_t i = 0; i < *n; i++) {
        if (list[i] == passage) return;
    }
    if (*n < max) list[(*n)++] = passage;
}

/* best: the column that is "1" for the best reply; -1: every reply is right. */
static void read_table(const char *path, int question, int answer, int best, collection *c) {
    ig_error err;
    ig_buf raw = {.max = 64 << 20}, text = {.max = 64 << 20};
    if (ig_file_read(path, 64 << 20, &raw, &err) != IG_OK) die(&err);
    if (ig_text_to_utf8(raw.data, raw.len, best < 0 ? NULL : "GB18030", &text, NULL, &err) != IG_OK) die(&err);
    ig_buf_fini(&raw);
    c->bytes = text.data;
    c->answer = need(ig_calloc(ROWS_MAX, sizeof *c->answer));
    c->question = need(ig_calloc(ROWS_MAX, sizeof *c->question));
    char *at = c->bytes, *field[FIELDS];
    next_row(&at, field);
    for (int n, rows = 0; (n = next_row(&at, field)) > 0 && rows < ROWS_MAX; rows++) {
        if (n <= question || n <= answer || n <= best || !*field[answer] || !*field[question]) continue;
        uint32_t a = find_answer(c, field[answer]);
        item *q = find_question(c, field[question]);
        if (best < 0 || strcmp(field[best], "1") == 0) add(q->right, &q->right_n, GOLD_MAX, a);
        else add(q->down, &q->down_n, DOWN_MAX, a);
    }
}

/* Folds by a shuffle that is always the same; names for the passages. */
static void prepare(collection *c) {
    ig_rng rng;
    ig_rng_init(&rng, 20, 26);
    uint32_t *order = need(ig_calloc(c->questions + 1, sizeof *order));
    for (size_t i = 0; i < c->questions; i++) order[i] = (uint32_t)i;
    for (size_t i = c->questions; i > 1; i--) {
        size_t j = ig_rng_below(&rng, i);
        uint32_t t = order[i - 1];
        order[i - 1] = order[j];
        order[j] = t;
    }
    for (size_t i = 0; i < c->questions; i++) c->question[order[i]].fold = i % FOLDS;
    ig_free(order);
    c->passage = need(ig_calloc(c->answers + 1, sizeof *c->passage));
    for (size_t i = 0; i < c->answers; i++) c->passage[i] = (ig_rank_passage){.id = "a", .text = c->answer[i]};
}

/* ---- measuring ----------------------------------------------------------------------------------------------------------- */

static size_t make_cases(const collection *c, unsigned fold, ig_rank_case *out) {
    size_t n = 0;
    for (size_t i = 0; i < c->questions; i++) {
        const item *q = &c->question[i];
        for (size_t k = 0; q->fold != fold && k < q->right_n; k++) {
            out[n++] = (ig_rank_case){q->text, q->right[k], 1, q->down, q->down_n};
        }
    }
    return n;
}

static void ask(ig_ranker *r, item *q, int system) {
    ig_error err;
    ig_rank_result result[KEEP];
    size_t n;
    if (ig_ranker_query(r, q->text, strlen(q->text), KEEP, NULL, result, &n, &err) != IG_OK) die(&err);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < q->right_n; k++) {
            for (int d = 0; d < DEPTHS; d++) {
                if (result[i].passage == q->right[k] && i < DEPTH[d]) q->hit[system][d] = 1;
            }
        }
    }
    q->probability = n ? result[0].probability : 0;
}

static void run_fold(collection *c, unsigned fold, int system, uint32_t without, const char *folder) {
    ig_error err;
    ig_rank_case *cases = need(ig_calloc(c->questions * GOLD_MAX + 1, sizeof *cases));
    size_t m = make_cases(c, fold, cases);
    ig_ranker_opts opts = {.seed = 1, .without = without};
    ig_ranker *r;
    double start = ig_clock();
    if (ig_ranker_train(c->passage, c->answers, cases, m, &opts, folder, &err) != IG_OK) die(&err);
    double trained = ig_clock();
    if (ig_ranker_open(folder, &r, &err) != IG_OK) die(&err);
    double asked = ig_clock();
    size_t n = 0;
    for (size_t i = 0; i < c->questions; i++) {
        if (c->question[i].fold != fold || !c->question[i].right_n) continue;
        ask(r, &c->question[i], system);
        n++;
    }
    fprintf(stderr, "fold %u, %s: trained in %.1f s, %zu questions, %.2f ms each\n", fold, SYSTEM[system], trained - start, n,
            1000 * (ig_clock() - asked) / (double)(n ? n : 1));
    ig_ranker_close(r);
    ig_free(cases);
}

static size_t column(const collection *c, unsigned folds, int a, int b, int depth, double *out) {
    size_t n = 0;
    for (size_t i = 0; i < c->questions; i++) {
        const item *q = &c->question[i];
        if (q->fold < folds && q->right_n) out[n++] = q->hit[a][depth] - (b < 0 ? 0 : q->hit[b][depth]);
    }
    return n;
}

static void report(const collection *c, const char *name, unsigned folds) {
    double *x = need(ig_calloc(c->questions + 1, sizeof *x));
    printf("| %s | recall@1 | recall@5 | recall@10 |\n|---|---|---|---|\n", name);
    for (int s = 0; s < SYSTEMS; s++) {
        printf("| %s |", SYSTEM[s]);
        for (int d = 0; d < DEPTHS; d++) {
            size_t n = column(c, folds, s, -1, d, x);
            printf(" %.1f |", 100 * ig_stats_mean(x, n));
        }
        printf("\n");
    }
    printf("| difference |");
    for (int d = 0; d < DEPTHS; d++) {
        ig_interval v;
        size_t n = column(c, folds, 1, 0, d, x);
        if (ig_stats_bootstrap(x, n, 0.95, 2000, 1, &v, NULL) == IG_OK) printf(" %+.1f [%+.1f %+.1f] |", 100 * v.mean,
                                                                               100 * v.lo, 100 * v.hi);
    }
    printf("\n\n| promised | questions | first is right |\n|---|---|---|\n");
    for (int b = 0; b < 5; b++) {
        double sum = 0, right = 0, n = 0;
        for (size_t i = 0; i < c->questions; i++) {
            const item *q = &c->question[i];
            if (q->fold >= folds || !q->right_n || (int)fmin(4, floor(5 * q->probability)) != b) continue;
            n++;
            sum += q->probability;
            right += q->hit[1][0];
        }
        if (n > 0) printf("| %.0f %% | %.0f | %.0f %% |\n", 100 * sum / n, n, 100 * right / n);
    }
    ig_free(x);
}

static void measure(const char *name, const char *path, unsigned folds) {
    collection c = {0};
    char folder[] = "/tmp/bench-retrieval-XXXXXX";
    bool zh = strncmp(name, "zh", 2) == 0;
    need(mkdtemp(folder));
    read_table(path, 0, zh ? 2 : 1, zh ? 3 : -1, &c);
    prepare(&c);
    fprintf(stderr, "%s: %zu questions, %zu answers\n", name, c.questions, c.answers);
    uint32_t without[SYSTEMS] = {ONLY(1 << IG_RANK_GRAM | 1 << IG_RANK_WORD), 0};
    for (unsigned f = 0; f < folds; f++) {
        for (int s = 0; s < SYSTEMS; s++) run_fold(&c, f, s, without[s], folder);
    }
    report(&c, name, folds);
    ig_dir_remove(folder, NULL);
    ig_free(c.passage);
    ig_free(c.question);
    ig_free(c.answer);
    ig_free(c.bytes);
}

/* ---- scale --------------------------------------------------------------------------------------------------------------- */

/* A word of about Zipf's frequencies: six letters that its number gives. */
static void put_word(ig_buf *out, uint32_t word) {
    uint32_t x[4];
    ig_philox(99, 0, word, x);
    for (int i = 0; i < 6; i++, x[0] /= 14) ig_buf_putc(out, i % 2 ? "aeiou"[x[0] % 5] : "bcdfghklmnprst"[x[0] % 14]);
    ig_buf_putc(out, ' ');
}

static uint32_t draw(ig_rng *rng, double vocabulary) {
    return (uint32_t)pow(vocabulary, ig_rng_uniform(rng));
}

/* An answer of 45 words and a question of 8, five of which the answer's words stand for (word w for w + 500000). */
static void make_pair(ig_rng *rng, ig_buf *answer, ig_buf *question) {
    uint32_t word[45];
    for (int i = 0; i < 45; i++) put_word(answer, word[i] = draw(rng, 60000));
    for (int i = 0; i < 8; i++) {
        uint32_t w = word[ig_rng_below(rng, 45)];
        put_word(question, i < 5 ? (i < 3 ? w : w + 500000) : draw(rng, 20000));
    }
    ig_buf_putc(answer, '\0');
    ig_buf_putc(question, '\0');
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void ask_timed(const char *folder, const ig_rank_case *cases, size_t n) {
    enum { ASKED = 1000 };
    static double seconds[ASKED];
    ig_error err;
    ig_ranker *r;
    ig_rank_result out[5];
    double start = ig_clock();
    if (ig_ranker_open(folder, &r, &err) != IG_OK) die(&err);
    printf("opened in %.2f s\n", ig_clock() - start);
    for (size_t i = 0, got; i < ASKED; i++) {
        const char *text = cases[i * 97 % n].question;
        start = ig_clock();
        if (ig_ranker_query(r, text, strlen(text), 5, NULL, out, &got, &err) != IG_OK) die(&err);
        seconds[i] = ig_clock() - start;
    }
    qsort(seconds, ASKED, sizeof *seconds, by_value);
    printf("a question: %.2f ms at the median, %.2f ms for 99 in 100\n", 1000 * seconds[ASKED / 2],
           1000 * seconds[ASKED * 99 / 100]);
    ig_ranker_close(r);
}

static void measure_scale(size_t n) {
    char folder[] = "/tmp/bench-retrieval-XXXXXX";
    ig_buf answer = {.max = (size_t)1 << 31}, question = {.max = (size_t)1 << 31};
    ig_rng rng;
    ig_error err;
    need(mkdtemp(folder));
    ig_rng_init(&rng, 1, 1);
    ig_rank_passage *passage = need(ig_calloc(n, sizeof *passage));
    ig_rank_case *cases = need(ig_calloc(n, sizeof *cases));
    for (size_t i = 0; i < n; i++) make_pair(&rng, &answer, &question);
    if (ig_buf_status(&answer, &err) != IG_OK || ig_buf_status(&question, &err) != IG_OK) die(&err);
    const char *a = answer.data, *q = question.data;
    for (size_t i = 0; i < n; i++, a += strlen(a) + 1, q += strlen(q) + 1) {
        passage[i] = (ig_rank_passage){.id = "a", .text = a};
        cases[i] = (ig_rank_case){.question = q, .passage = (int64_t)i, .weight = 1};
    }
    double start = ig_clock();
    if (ig_ranker_train(passage, n, cases, n, NULL, folder, &err) != IG_OK) die(&err);
    printf("%zu pairs: trained in %.1f s, at most %.0f MB\n", n, ig_clock() - start, (double)ig_process_peak_bytes() / 1e6);
    ask_timed(folder, cases, n);
    ig_dir_remove(folder, NULL);
    ig_free(passage);
    ig_free(cases);
    ig_buf_fini(&answer);
    ig_buf_fini(&question);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "scale") == 0) {
        unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
        measure_scale(n < 100 ? 100 : n);
        return 0;
    }
    if (argc < 3) {
        fprintf(stderr, "usage: retrieval bank-faq|zh-insurance-qa FILE.csv [FOLDS], or: retrieval scale [PAIRS]\n");
        return 2;
    }
    int folds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : FOLDS;
    measure(argv[1], argv[2], folds < 1 || folds > FOLDS ? FOLDS : (unsigned)folds);
    return 0;
}
