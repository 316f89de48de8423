/* bench/serve_step.c: one model folder served to 1, 4 and 16 clients at once, and timed; one JSON line.  The side of Ingot in
 * bench/serve.py and bench/logits.py.
 *
 *     serve_step FOLDER [--threads N] [--prompt 512] [--start 16] [--generate 64] [--clients 16] [--repeats 3] [--bf16]
 *     serve_step FOLDER --logits IDS --out FILE [--single]
 *
 * The first form loads the model, reads prompts of `prompt` random tokens alone, and lets 1, 4 and 16 clients (at most
 * `clients`) ask for `generate` tokens each behind `start` random ones.  No token ends a text, nothing is guessed ahead, and
 * no two prompts share a beginning.  Generated tokens count from the moment that all ask until the last one has its text:
 * reading the short prompts is part of it.  Every figure is a list with one entry per repeat.
 *
 * The second form writes the logits behind each of the ids in the file IDS as f32 [n,V] to FILE: each prefix read as a
 * prompt, or with --single token by token, as in generation.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingot/infer.h"

#define CLIENTS_MAX 16
#define REPEATS_MAX 32
#define IDS_BYTES_MAX ((size_t)1 << 20)

typedef struct options {
    const char *folder, *ids, *out;
    int threads, prompt, start, generate, clients, repeats;
    bool bf16, single;
} options;

typedef struct serve {
    ig_context *ctx;
    ig_model *model;
    ig_scheduler *scheduler;
    ig_rng rng;
} serve;

typedef struct client {
    serve *s;
    int32_t *prompt;
    size_t n, generate;
    double begin, first, end; /* ig_clock() of asking, of the first token, of the answer */
    double prompt_seconds;
    ig_status status;
    ig_error err;
    pthread_t thread;
} client;

static bool parse_option(int argc, char **argv, int *i, options *o) {
    struct { const char *name; int *value; } ints[] = {{"--threads", &o->threads}, {"--prompt", &o->prompt},
        {"--start", &o->start}, {"--generate", &o->generate}, {"--clients", &o->clients}, {"--repeats", &o->repeats}};
    struct { const char *name; const char **value; } texts[] = {{"--logits", &o->ids}, {"--out", &o->out}};
    struct { const char *name; bool *value; } flags[] = {{"--bf16", &o->bf16}, {"--single", &o->single}};
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
        if (strcmp(argv[*i], flags[k].name) == 0) return *flags[k].value = true;
    if (*i + 1 >= argc) return false;
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        if (strcmp(argv[*i], texts[k].name) == 0) return *texts[k].value = argv[++*i], true;
    for (size_t k = 0; k < sizeof ints / sizeof *ints; k++)
        if (strcmp(argv[*i], ints[k].name) == 0) return *ints[k].value = atoi(argv[++*i]), true;
    return false;
}

static bool parse(int argc, char **argv, options *o) {
    if (argc < 2 || argv[1][0] == '-') return false;
    o->folder = argv[1];
    for (int i = 2; i < argc; i++)
        if (!parse_option(argc, argv, &i, o)) return false;
    if (o->prompt < 1 || o->start < 1 || o->generate < 2 || o->repeats < 1 || o->repeats > REPEATS_MAX) return false;
    return o->clients >= 1 && o->clients <= CLIENTS_MAX && (o->ids == NULL) == (o->out == NULL);
}

/* ---- asking ---- */

static bool saw_piece(void *arg, const ig_piece *piece) {
    client *c = arg;
    if (piece->choice && piece->index == 0) c->first = ig_clock();
    return true;
}

static void *ask(void *arg) {
    client *c = arg;
    ig_generate_opts opts = {.max_tokens = c->generate, .ignore_end = true, .on_piece = saw_piece, .arg = c};
    ig_request request = {.prompt = c->prompt, .n = c->n, .opts = &opts};
    ig_generation answer = {0};
    c->begin = ig_clock();
    c->status = ig_scheduler_generate(c->s->scheduler, &request, &answer, &c->err);
    c->end = ig_clock();
    c->prompt_seconds = answer.prompt_seconds;
    if (c->status == IG_OK && answer.ids.len != c->generate)
        c->status = ig_error_set(&c->err, IG_E_LIMIT, "%zu of %zu tokens came back; the model's context is too short for "
                                 "the prompt and the answer", answer.ids.len, c->generate);
    ig_generation_fini(&answer);
    return NULL;
}

/* Every client has tokens of its own, so that no beginning is shared. */
static ig_status prepare(serve *s, client *c, size_t n, size_t generate, ig_error *err) {
    uint64_t vocab = (uint64_t)s->model->family->vocab_size(s->model);
    *c = (client){.s = s, .n = n, .generate = generate, .prompt = ig_malloc(n * sizeof *c->prompt)};
    if (!c->prompt) return ig_error_nomem(err, n * sizeof *c->prompt);
    for (size_t i = 0; i < n; i++) c->prompt[i] = (int32_t)ig_rng_below(&s->rng, vocab);
    return IG_OK;
}

static ig_status ask_all(client *c, int count, ig_error *err) {
    ig_status status = IG_OK;
    int started = 0;
    while (started < count && pthread_create(&c[started].thread, NULL, ask, &c[started]) == 0) started++;
    for (int i = 0; i < started; i++) pthread_join(c[i].thread, NULL);
    if (started < count) return ig_error_set(err, IG_E_LIMIT, "thread %d could not be started", started);
    for (int i = 0; i < count && status == IG_OK; i++) {
        status = c[i].status;
        if (status != IG_OK) *err = c[i].err;
    }
    return status;
}

/* n clients at once; their times stay in c. */
static ig_status ask_together(serve *s, client *c, int count, size_t n, size_t generate, ig_error *err) {
    ig_status status = IG_OK;
    memset(c, 0, sizeof *c * (size_t)count);
    for (int i = 0; i < count && status == IG_OK; i++) status = prepare(s, &c[i], n, generate, err);
    if (status == IG_OK) status = ask_all(c, count, err);
    for (int i = 0; i < count; i++) ig_free(c[i].prompt);
    return status;
}

/* ---- the figures ---- */

static void print_list(const char *name, const double *x, int n) {
    printf("\"%s\":[", name);
    for (int i = 0; i < n; i++) printf("%s%.3f", i ? "," : "", x[i]);
    printf("]");
}

static ig_status time_prompts(const options *o, serve *s, ig_error *err) {
    double rate[REPEATS_MAX], first_ms[REPEATS_MAX];
    client c;
    for (int i = -1; i < o->repeats; i++) { /* the first warms up */
        IG_TRY(ask_together(s, &c, 1, (size_t)o->prompt, 2, err));
        if (i < 0) continue;
        rate[i] = o->prompt / c.prompt_seconds;
        first_ms[i] = (c.first - c.begin) * 1e3;
    }
    print_list("prompt_per_s", rate, o->repeats);
    printf(",");
    print_list("first_token_ms", first_ms, o->repeats);
    return IG_OK;
}

static ig_status time_generation(const options *o, serve *s, int count, ig_error *err) {
    double rate[REPEATS_MAX];
    client c[CLIENTS_MAX];
    char name[32];
    for (int i = -1; i < o->repeats; i++) {
        IG_TRY(ask_together(s, c, count, (size_t)o->start, (size_t)o->generate, err));
        double begin = c[0].begin, end = c[0].end;
        for (int k = 1; k < count; k++) {
            begin = c[k].begin < begin ? c[k].begin : begin;
            end = c[k].end > end ? c[k].end : end;
        }
        if (i >= 0) rate[i] = (double)count * o->generate / (end - begin);
    }
    snprintf(name, sizeof name, "generated_%d_per_s", count);
    print_list(name, rate, o->repeats);
    return IG_OK;
}

static ig_status time_serving(const options *o, serve *s, double load_seconds, ig_error *err) {
    int64_t longest = o->prompt > o->start ? o->prompt : o->start;
    ig_scheduler_opts opts = {.context_max = longest + o->generate, .running_max = CLIENTS_MAX, .bf16 = o->bf16,
                              .no_drafts = true};
    double start = ig_clock();
    IG_TRY(ig_scheduler_open(s->model, &opts, &s->scheduler, err));
    printf("{\"load_s\":[%.3f],", load_seconds + ig_clock() - start);
    IG_TRY(time_prompts(o, s, err));
    for (int count = 1; count <= o->clients; count *= 4) {
        printf(",");
        IG_TRY(time_generation(o, s, count, err));
    }
    printf(",\"peak_mb\":[%.1f],\"cpu\":\"%s\",\"threads\":%d}\n", (double)ig_process_peak_bytes() / 1e6,
           ig_cpu_name(ig_context_cpu(s->ctx)), ig_context_threads(s->ctx));
    return IG_OK;
}

/* ---- logits ---- */

static ig_status read_ids(const char *path, ig_ids *ids, ig_error *err) {
    ig_buf text = {.max = IDS_BYTES_MAX};
    ig_status status = ig_file_read(path, IDS_BYTES_MAX, &text, err);
    ig_buf_putc(&text, '\0');
    if (status == IG_OK) status = ig_buf_status(&text, err);
    char *at = text.data, *end = NULL;
    while (status == IG_OK) {
        at += strspn(at, " \n");
        long id = strtol(at, &end, 10);
        if (end == at) break;
        if (id < 0 || id > INT32_MAX) status = ig_error_set(err, IG_E_FORMAT, "%s: %ld is not a token id", path, id);
        else status = ig_ids_push(ids, (int32_t)id, err);
        at = end;
    }
    if (status == IG_OK && (*at != '\0' || !ids->len))
        status = ig_error_set(err, IG_E_FORMAT, "%s: token ids between spaces were expected", path);
    ig_buf_fini(&text);
    return status;
}

static ig_status collect_logits(ig_session *session, const ig_ids *ids, bool single, ig_buf *out, ig_error *err) {
    size_t vocab = (size_t)ig_session_model(session)->family->vocab_size(ig_session_model(session));
    for (size_t i = 0; i < ids->len; i++) {
        if (!single) IG_TRY(ig_session_rewind(session, 0, err));
        IG_TRY(ig_session_feed(session, ids->data + (single ? i : 0), single ? 1 : i + 1, err));
        ig_buf_append(out, ig_session_logits(session), vocab * sizeof(float));
    }
    return ig_buf_status(out, err);
}

static ig_status write_logits(const options *o, serve *s, ig_error *err) {
    ig_session *session = NULL;
    ig_session_opts opts = {.bf16 = o->bf16};
    ig_ids ids = {0};
    ig_buf out = {.max = (size_t)1 << 30};
    ig_status status = read_ids(o->ids, &ids, err);
    if (status == IG_OK) status = ig_session_open(s->model, &opts, &session, err);
    if (status == IG_OK) status = collect_logits(session, &ids, o->single, &out, err);
    if (status == IG_OK) status = ig_file_write(o->out, out.data, out.len, err);
    ig_session_close(session);
    ig_buf_fini(&out);
    ig_ids_fini(&ids);
    return status;
}

static ig_status run(const options *o, serve *s, ig_error *err) {
    ig_context_opts opts = {.threads = o->threads, .seed = 1};
    ig_rng_init(&s->rng, 1, 0);
    IG_TRY(ig_context_new(&opts, &s->ctx, err));
    double start = ig_clock();
    IG_TRY(ig_model_load(s->ctx, o->folder, &s->model, err));
    IG_TRY(ig_model_pack(s->model, IG_BLOCK_COUNT, err)); /* as the server does */
    double load_seconds = ig_clock() - start;
    return o->ids ? write_logits(o, s, err) : time_serving(o, s, load_seconds, err);
}

int main(int argc, char **argv) {
    options o = {.prompt = 512, .start = 16, .generate = 64, .clients = CLIENTS_MAX, .repeats = 3};
    serve s = {0};
    ig_error err = {0};
    char text[1100];
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: serve_step FOLDER [--threads N] [--prompt N] [--start N] [--generate N>=2] [--clients 1..%d] "
                        "[--repeats 1..%d] [--bf16] [--logits IDS --out FILE [--single]]\n", CLIENTS_MAX, REPEATS_MAX);
        return 2;
    }
    ig_status status = run(&o, &s, &err);
    if (status != IG_OK) fprintf(stderr, "serve_step: %s\n", ig_error_format(&err, text, sizeof text));
    ig_scheduler_close(s.scheduler);
    ig_model_free(s.model);
    ig_context_free(s.ctx);
    return status == IG_OK ? 0 : 1;
}
