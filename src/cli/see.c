/* cli/see.c: ingot run MODEL PICTURE … and ingot eval MODEL --data PICTURES, for models that classify pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/ways.h"
#include "cli/words.h"
#include "ingot/stats.h"
#include "ingot/vision.h"

#define BATCH 32
#define FRAME 256 /* rows of a heat map's picture, at least */

typedef struct answer {
    int64_t label;
    float p;
} answer;

/* ---- run ---- */

static int by_probability(const void *a, const void *b) {
    const answer *x = a, *y = b;
    if (x->p != y->p) return x->p < y->p ? 1 : -1;
    return (x->label > y->label) - (x->label < y->label);
}

static const char *class_name(const ig_seer *s, int64_t i, char buf[24]) {
    const char *name = ig_seer_class(s, i);
    if (*name) return name;
    snprintf(buf, 24, "%lld", (long long)i);
    return buf;
}

static void tell_json(cli *c, const ig_seer *s, const char *path, const answer *a, int64_t n, ig_json *j) {
    char number[24];
    (void)c;
    ig_json_open(j, '{');
    cli_json_pair_text(j, "picture", path);
    ig_json_key(j, "classes"), ig_json_open(j, '[');
    for (int64_t i = 0; i < n; i++) {
        ig_json_open(j, '{');
        cli_json_pair_text(j, "label", class_name(s, a[i].label, number));
        cli_json_pair_int(j, "index", a[i].label);
        cli_json_pair_real(j, "probability", (double)a[i].p);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

static void tell(cli *c, const ig_seer *s, const char *path, const answer *a, int64_t n) {
    char number[24];
    if (c->args > 2) printf("%s\n", path);
    for (int64_t i = 0; i < n; i++) printf("%6.2f %%  %s\n", 100 * (double)a[i].p, class_name(s, a[i].label, number));
}

/* The heat over the picture as the network saw it, enlarged so that a person sees something. */
static ig_status draw_heat(cli *c, ig_seer *s, const ig_picture *p, int64_t label, const char *path) {
    ig_picture seen = {0}, large = {0};
    float *heat = NULL;
    int64_t rows = 0, columns = 0;
    ig_status status = ig_seer_heat(s, p, label, &heat, &rows, &columns, &seen, &c->err);
    if (status == IG_OK) {
        int64_t times = seen.height < FRAME ? (FRAME - 1) / seen.height + 1 : 1;
        status = ig_picture_resize(&seen, NULL, seen.height * times, seen.width * times, IG_PICTURE_AREA, &large, &c->err);
    }
    if (status == IG_OK) status = ig_picture_heat(&large, heat, rows, columns, 0.5, &c->err);
    if (status == IG_OK) status = ig_picture_write(path, &large, &c->err);
    if (status == IG_OK && !c->json) printf(cli_say(c, "where it looked: %s\n", "关注区域：%s\n"), path);
    ig_free(heat);
    ig_picture_fini(&seen);
    ig_picture_fini(&large);
    return status;
}

static ig_status see_one(cli *c, ig_seer *s, const char *path, answer *a, ig_json *j) {
    const char *heat = cli_text(c, "heat", NULL);
    int64_t L = ig_seer_classes(s), top = cli_int(c, "top", 5);
    float *p = ig_calloc((size_t)L, sizeof *p);
    ig_picture picture = {0};
    if (!p) return ig_error_nomem(&c->err, (size_t)L * sizeof *p);
    ig_status status = ig_picture_read(path, ig_seer_channels(s), &picture, &c->err);
    if (status == IG_OK) status = ig_seer_classify(s, &picture, 1, p, NULL, &c->err);
    for (int64_t i = 0; i < L; i++) a[i] = (answer){i, p[i]};
    qsort(a, (size_t)L, sizeof *a, by_probability);
    if (status == IG_OK && c->json) tell_json(c, s, path, a, top < L ? top : L, j);
    if (status == IG_OK && !c->json) tell(c, s, path, a, top < L ? top : L);
    if (status == IG_OK && heat) status = draw_heat(c, s, &picture, a[0].label, heat);
    ig_picture_fini(&picture);
    ig_free(p);
    return status;
}

static ig_status see_all(cli *c, ig_seer *s) {
    answer *a = ig_calloc((size_t)ig_seer_classes(s), sizeof *a);
    ig_buf out = {.max = (size_t)1 << 26};
    ig_json j = {.out = &out};
    if (!a) return ig_error_nomem(&c->err, (size_t)ig_seer_classes(s) * sizeof *a);
    ig_status status = IG_OK;
    ig_json_open(&j, '[');
    for (int i = 1; i < c->args && status == IG_OK; i++) status = see_one(c, s, c->arg[i], a, &j);
    ig_json_close(&j, ']');
    if (status == IG_OK) status = ig_buf_status(&out, &c->err);
    if (status == IG_OK && c->json) printf("%s\n", out.data);
    ig_buf_fini(&out);
    ig_free(a);
    return status;
}

int cli_see_run(cli *c, ig_model *m) {
    ig_seer *s = NULL;
    if (c->args < 2) return cli_usage(c, "%s", cli_say(c, "name a picture: ingot run MODEL PICTURE", "请给出图片：ingot run MODEL PICTURE"));
    if (cli_text(c, "heat", NULL) && c->args > 2) return cli_usage(c, "%s", cli_say(c, "--heat is for one picture", "--heat 只用于一张图片"));
    /* Packed kernels have no gradient, which the heat map needs. */
    ig_status status = cli_text(c, "heat", NULL) ? IG_OK : ig_model_pack(m, IG_BLOCK_COUNT, &c->err);
    if (status == IG_OK) status = ig_seer_open(m, 1, &s, &c->err);
    if (status == IG_OK) status = see_all(c, s);
    ig_seer_close(s);
    return status == IG_OK ? 0 : cli_failed(c, cli_say(c, "JPEG, PNG, WebP, BMP and PNM are read", "可读取 JPEG、PNG、WebP、BMP 和 PNM"));
}

/* ---- eval ---- */

typedef struct evaluation {
    cli *c;
    cli_progress progress;
} evaluation;

static bool on_progress(void *arg, size_t done, size_t total) {
    evaluation *e = arg;
    if (cli_interrupted) return false;
    if (!cli_progress_due(&e->progress)) return true;
    cli_progress_status(&e->progress, cli_say(e->c, "%zu/%zu pictures", "图片 %zu/%zu"), done, total);
    return true;
}

static ig_status open_set(cli *c, const ig_model *m, ig_seer *s, ig_picture_set **out) {
    int64_t size[3], L = ig_seer_classes(s);
    const char **names = ig_calloc((size_t)L, sizeof *names);
    ig_picture_problems problems = {0};
    if (!names) return ig_error_nomem(&c->err, (size_t)L * sizeof *names);
    for (int64_t i = 0; i < L; i++) names[i] = ig_seer_class(s, i);
    m->family->picture_size(m, size);
    ig_picture_set_opts opts = {.channels = (int)size[2], .classes = *names[0] ? names : NULL, .class_count = *names[0] ? (size_t)L : 0};
    ig_status status = ig_picture_set_open(cli_text(c, "data", NULL), &opts, &problems, out, &c->err);
    if (status == IG_OK) status = ig_picture_set_check(c->ctx, *out, &problems, &c->err);
    for (size_t i = 0; i < problems.len && i < 5; i++) fprintf(stderr, cli_say(c, "warning: %s\n", "警告：%s\n"), problems.item[i].error.message);
    ig_picture_problems_fini(&problems);
    ig_free(names);
    return status;
}

/* The classes that are mistaken for others, the worst first. */
static void tell_confusion(cli *c, const ig_seer *s, const int64_t *confusion) {
    int64_t L = ig_seer_classes(s);
    char number[2][24];
    for (int64_t k = 0; k < L && k < 50; k++) {
        int64_t all = 0, worst = -1;
        for (int64_t i = 0; i < L; i++) {
            all += confusion[k * L + i];
            if (i != k && confusion[k * L + i] > 0 && (worst < 0 || confusion[k * L + i] > confusion[k * L + worst])) worst = i;
        }
        if (!all) continue;
        printf("  %6.2f %%  %s", 100.0 * (double)confusion[k * L + k] / (double)all, class_name(s, k, number[0]));
        if (worst >= 0) printf(cli_say(c, "  (taken for %s: %lld)", "（误认为 %s：%lld）"), class_name(s, worst, number[1]), (long long)confusion[k * L + worst]);
        printf("\n");
    }
}

static int report(cli *c, const ig_seer *s, const ig_seer_score *r, const int64_t *confusion, double seconds) {
    double share = (double)r->right / (double)r->count, half = 1.96 * sqrt(share * (1 - share) / (double)r->count);
    double rate = seconds > 0 ? (double)r->count / seconds : 0;
    if (!c->json) {
        printf(cli_say(c, "accuracy       %.4f ± %.4f (%lld of %lld)\ncross-entropy  %.6f\npictures/s     %.0f\n",
                       "准确率      %.4f ± %.4f（%lld / %lld）\n交叉熵      %.6f\n每秒图片数  %.0f\n"),
               share, half, (long long)r->right, (long long)r->count, r->cross_entropy, rate);
        tell_confusion(c, s, confusion);
        return 0;
    }
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_real(&j, "accuracy", share);
    cli_json_pair_real(&j, "accuracy_half_interval", half);
    cli_json_pair_int(&j, "right", r->right);
    cli_json_pair_int(&j, "count", r->count);
    cli_json_pair_real(&j, "cross_entropy", r->cross_entropy);
    cli_json_pair_real(&j, "pictures_per_second", rate);
    return cli_json_end(c, &j);
}

static int measure(cli *c, ig_seer *s, const ig_picture_set *set) {
    int64_t L = ig_seer_classes(s), *confusion = ig_calloc((size_t)(L * L), sizeof *confusion);
    evaluation e = {.c = c};
    ig_seer_score score;
    if (!confusion) return ig_error_nomem(&c->err, (size_t)(L * L) * sizeof *confusion), cli_failed(c, NULL);
    cli_catch_interrupt();
    cli_progress_begin(&e.progress, c);
    ig_status status = ig_seer_evaluate(s, set, confusion, on_progress, &e, &score, &c->err);
    cli_progress_clear(&e.progress);
    int code = status == IG_OK ? report(c, s, &score, confusion, cli_progress_seconds(&e.progress)) : status == IG_E_CANCELLED ? 130 : cli_failed(c, NULL);
    ig_free(confusion);
    return code;
}

int cli_see_eval(cli *c, ig_model *m) {
    ig_seer *s = NULL;
    ig_picture_set *set = NULL;
    ig_status status = ig_model_pack(m, IG_BLOCK_COUNT, &c->err);
    if (status == IG_OK) status = ig_seer_open(m, cli_int(c, "batch", BATCH), &s, &c->err);
    if (status == IG_OK) status = open_set(c, m, s, &set);
    int code = status == IG_OK ? measure(c, s, set)
                               : cli_failed(c, cli_say(c, "--data takes a folder with a folder per class, a table of paths and labels, or an IDX file",
                                                       "--data 接受每类一个子文件夹的文件夹、路径与标签的表格或 IDX 文件"));
    ig_picture_set_free(set);
    ig_seer_close(s);
    return code;
}
