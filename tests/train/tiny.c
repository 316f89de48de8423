/* tests/train/tiny.c: see tiny.h.  Steps take a millisecond or two. */
#include "tiny.h"

#include <unistd.h>

char tiny_folder[64];
ig_context *tiny_context;

static const char recipe_text[] =
    "name: tiny\n"
    "seed: 7\n"
    "model:\n"
    "  config: {model_type: gpt2, n_layer: 2, n_head: 2, n_embd: 16, bias: false}\n"
    "tokenizer: {kind: char}\n"
    "data: {train: text.txt, validation: 0.2}\n"
    "train: {steps: 12, batch: 2, context: 8, precision: f32}\n"
    "optimiser: {name: adamw, lr: 1e-2, betas: [0.9, 0.99], weight_decay: 0.1, clip_norm: 1}\n"
    "schedule: {name: cosine, warmup: 2, min_lr: 1e-3}\n"
    "evaluate: {every: 4}\n"
    "checkpoint: {every: 3}\n";

static void write_text(const char *name, const char *text, size_t n) {
    ig_error err;
    check_ok(ig_file_write(tiny_path(name), text, n, &err));
}

/* Sentences of a few words in a random order. */
static void write_corpus(void) {
    static const char *const words[] = {"the ", "cat ", "dog ", "sees ", "hears ", "a ", "bird.\n", "and "};
    ig_buf b = {.max = 1 << 16};
    ig_rng rng;
    ig_rng_init(&rng, 5, 0);
    while (b.len < 2000) ig_buf_puts(&b, words[ig_rng_below(&rng, 8)]);
    write_text("text.txt", b.data, b.len);
    ig_buf_fini(&b);
}

int tiny_setup(void **state) {
    ig_error err;
    (void)state;
    snprintf(tiny_folder, sizeof tiny_folder, "/tmp/ingot-train-XXXXXX");
    if (!mkdtemp(tiny_folder)) return -1;
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &tiny_context, &err));
    write_text("recipe.yaml", recipe_text, sizeof recipe_text - 1);
    write_corpus();
    return 0;
}

int tiny_teardown(void **state) {
    (void)state;
    ig_context_free(tiny_context);
    return ig_dir_remove(tiny_folder, NULL) == IG_OK ? 0 : -1;
}

const char *tiny_path(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", tiny_folder, name);
    return path;
}

static size_t count_of(const char *const *list) {
    size_t n = 0;
    while (list && list[n]) n++;
    return n;
}

ig_recipe *tiny_recipe(const char *const *overrides) {
    ig_recipe *r;
    ig_error err;
    check_ok(ig_recipe_load(tiny_context, tiny_path("recipe.yaml"), overrides, count_of(overrides), &r, &err));
    return r;
}

static void listen(void *arg, const ig_train_progress *p) {
    tiny_told *told = arg;
    told->steps += p->event == IG_TRAIN_STEP;
    told->evaluations += p->event == IG_TRAIN_EVALUATED;
    told->samples += p->event == IG_TRAIN_EVALUATED && p->sample;
    told->checkpoints += p->event == IG_TRAIN_CHECKPOINT;
    told->best += p->event == IG_TRAIN_BEST;
    if (p->event == IG_TRAIN_WARNING) {
        told->warnings++;
        snprintf(told->warning, sizeof told->warning, "%s", p->message);
    }
    if (told->cancel_at && p->event == IG_TRAIN_STEP && p->step == told->cancel_at) told->cancel = 1;
}

ig_status tiny_run(const char *out, const char *const *overrides, bool resume, tiny_told *told, ig_train_result *result, ig_error *err) {
    tiny_told mine = {0};
    ig_train_result ignored;
    if (!told) told = &mine;
    told->cancel = 0;
    ig_recipe *r = tiny_recipe(overrides);
    ig_train_opts opts = {.resume = resume, .progress = listen, .arg = told, .cancel = &told->cancel};
    ig_status status = ig_train_run(tiny_context, r, tiny_path(out), &opts, result ? result : &ignored, err);
    ig_recipe_free(r);
    return status;
}

static void read_file(const char *out, const char *name, ig_buf *b) {
    char path[1024];
    ig_error err;
    snprintf(path, sizeof path, "%s/%s", tiny_path(out), name);
    check_ok(ig_file_read(path, b->max, b, &err));
}

void tiny_check_same(const char *out_a, const char *out_b, const char *name) {
    ig_buf a = {.max = 1 << 26}, b = {.max = 1 << 26};
    read_file(out_a, name, &a);
    read_file(out_b, name, &b);
    assert_true(a.len > 0);
    if (a.len != b.len || memcmp(a.data, b.data, a.len)) fail_msg("%s of %s and %s differ", name, out_a, out_b);
    ig_buf_fini(&a);
    ig_buf_fini(&b);
}

/* The headers differ in seconds; what follows them is compared, but for the checksum. */
void tiny_check_same_end(const char *out_a, const char *out_b, int64_t step) {
    char name[64];
    uint64_t header[2];
    ig_buf a = {.max = 1 << 26}, b = {.max = 1 << 26};
    snprintf(name, sizeof name, "run/checkpoints/step-%08lld.ckpt", (long long)step);
    read_file(out_a, name, &a);
    read_file(out_b, name, &b);
    memcpy(&header[0], a.data + 8, 8);
    memcpy(&header[1], b.data + 8, 8);
    size_t n = a.len - 20 - header[0];
    assert_true(n > 1000);
    assert_int_equal(n, b.len - 20 - header[1]);
    if (memcmp(a.data + 16 + header[0], b.data + 16 + header[1], n)) fail_msg("%s of %s and %s differ", name, out_a, out_b);
    ig_buf_fini(&a);
    ig_buf_fini(&b);
}

const char *tiny_checkpoints(const char *out, char buf[1024]) {
    char path[1024];
    char **names;
    size_t count, len = 0;
    ig_error err;
    snprintf(path, sizeof path, "%s/run/checkpoints", tiny_path(out));
    check_ok(ig_dir_list(path, &names, &count, &err));
    buf[0] = '\0';
    for (size_t i = 0; i < count; i++) len += (size_t)snprintf(buf + len, 1024 - len, "%s%s", i ? " " : "", names[i]);
    ig_names_free(names, count);
    return buf;
}

void tiny_check_log(const char *out, int64_t last) {
    ig_buf b = {.max = 1 << 26};
    ig_error err;
    int64_t step = 0;
    read_file(out, "run/log.jsonl", &b);
    for (char *line = b.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        ig_doc *d;
        check_ok(ig_json_parse("log.jsonl", line, (size_t)(end - line), &d, &err));
        const ig_tree *t = ig_doc_root(d);
        int64_t at = ig_tree_int(t, "current_steps", -1);
        if (ig_tree_get(t, "loss")) assert_int_equal(at, ++step);
        else assert_int_equal(at, step);
        ig_doc_free(d);
    }
    assert_int_equal(step, last);
    ig_buf_fini(&b);
}
