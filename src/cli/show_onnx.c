/* cli/show_onnx.c: ingot show FILE.onnx: inputs, outputs, how many of which op, and the nodes with --plan. */
#include <stdlib.h>
#include <string.h>

#include "cli/verb_show.h"
#include "cli/words.h"
#include "ingot/formats.h"

typedef struct op_count {
    const char *op;
    size_t count;
} op_count;

static int by_name(const void *a, const void *b) { return strcmp(((const op_count *)a)->op, ((const op_count *)b)->op); }
static int most_first(const void *a, const void *b) {
    const op_count *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->op, y->op);
}

/* Different ops with their number, the most frequent first; *count of them, in memory to be freed. */
static op_count *count_ops(const ig_onnx *m, size_t *count) {
    size_t n = ig_onnx_about(m)->node_count, kinds = 0;
    op_count *c = ig_calloc(n + 1, sizeof *c);
    if (!c) return NULL;
    for (size_t i = 0; i < n; i++) c[i] = (op_count){ig_onnx_node_at(m, i)->op, 1};
    qsort(c, n, sizeof *c, by_name);
    for (size_t i = 0; i < n; i++) {
        if (kinds && strcmp(c[kinds - 1].op, c[i].op) == 0) c[kinds - 1].count++;
        else c[kinds++] = c[i];
    }
    qsort(c, kinds, sizeof *c, most_first);
    *count = kinds;
    return c;
}

static uint64_t weight_bytes(const ig_onnx *m) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < ig_onnx_about(m)->weight_count; i++) bytes += ig_onnx_weight_at(m, i)->bytes;
    return bytes;
}

/* ---- for people ---- */

/* Names come from a stranger: what a terminal would obey is shown as a question mark. */
static void print_name(const char *s) {
    for (const unsigned char *c = (const unsigned char *)s; *c; c++) {
        bool c1 = c[0] == 0xc2 && c[1] < 0xa0;
        if (c1) c++;
        putchar(c1 || *c < 32 || *c == 127 ? '?' : *c);
    }
}

static void print_names(const char *before, const char *const *names, size_t count, const char *after) {
    printf("%s", before);
    for (size_t k = 0; k < count; k++) {
        if (k) printf(", ");
        print_name(names[k]);
    }
    printf("%s", after);
}

static void print_value(const char *title, const ig_onnx_value *v) {
    printf("  %s", title);
    print_name(v->name);
    printf("  %s [", v->type);
    for (int d = 0; d < v->ndim; d++) {
        if (d) printf(", ");
        if (v->symbol[d]) print_name(v->symbol[d]);
        else if (v->shape[d] < 0) printf("?");
        else printf("%lld", (long long)v->shape[d]);
    }
    printf(v->ndim < 0 ? "?]\n" : "]\n");
}

static void print_nodes(const ig_onnx *m) {
    for (size_t i = 0; i < ig_onnx_about(m)->node_count; i++) {
        const ig_onnx_node *n = ig_onnx_node_at(m, i);
        printf("%6zu  ", i);
        print_names("", &n->domain, *n->domain ? 1 : 0, *n->domain ? "." : "");
        print_names("", &n->op, 1, "");
        print_names("(", n->inputs, n->input_count, ")");
        print_names(" → ", n->outputs, n->output_count, "\n");
    }
}

static void print_onnx(const cli *c, const char *path, const ig_onnx *m, const op_count *ops, size_t kinds) {
    const ig_onnx_info *a = ig_onnx_about(m);
    char size[CLI_WORD_MAX];
    printf("%s\n", path);
    printf(cli_say(c, "  format       ONNX, version %lld, operator set %lld\n", "  格式      ONNX，版本 %lld，算子集 %lld\n"),
           (long long)a->ir_version, (long long)a->opset);
    print_names(cli_say(c, "  made by      ", "  来源      "), &a->producer, 1, "\n");
    printf(cli_say(c, "  weights      %zu tensors, %s\n", "  权重      %zu 个张量，%s\n"), a->weight_count,
           cli_word_bytes(weight_bytes(m), size));
    for (size_t i = 0; i < a->input_count; i++) print_value(cli_say(c, "input        ", "输入      "), ig_onnx_input_at(m, i));
    for (size_t i = 0; i < a->output_count; i++) print_value(cli_say(c, "output       ", "输出      "), ig_onnx_output_at(m, i));
    printf(cli_say(c, "  nodes        %zu:", "  节点      %zu 个："), a->node_count);
    for (size_t i = 0; i < kinds; i++) {
        print_names(" ", &ops[i].op, 1, "");
        printf(" ×%zu", ops[i].count);
    }
    printf("\n");
    if (cli_flag(c, "plan")) print_nodes(m);
}

/* ---- JSON ---- */

static void value_json(ig_json *j, const ig_onnx_value *v) {
    ig_json_open(j, '{');
    cli_json_pair_text(j, "name", v->name);
    cli_json_pair_text(j, "type", v->type);
    ig_json_key(j, "shape"), ig_json_open(j, '[');
    for (int d = 0; d < v->ndim; d++) {
        if (v->symbol[d]) ig_json_text(j, v->symbol[d]);
        else if (v->shape[d] < 0) ig_json_null(j);
        else ig_json_int(j, v->shape[d]);
    }
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

static int onnx_json(cli *c, const char *path, const ig_onnx *m, const op_count *ops, size_t kinds) {
    const ig_onnx_info *a = ig_onnx_about(m);
    ig_buf out = {0};
    ig_json j = cli_json_begin(&out);
    cli_json_pair_text(&j, "path", path);
    cli_json_pair_int(&j, "ir_version", a->ir_version);
    cli_json_pair_int(&j, "opset", a->opset);
    cli_json_pair_text(&j, "producer", a->producer);
    cli_json_pair_int(&j, "weights", (int64_t)a->weight_count);
    cli_json_pair_int(&j, "bytes", (int64_t)weight_bytes(m));
    ig_json_key(&j, "inputs"), ig_json_open(&j, '[');
    for (size_t i = 0; i < a->input_count; i++) value_json(&j, ig_onnx_input_at(m, i));
    ig_json_close(&j, ']');
    ig_json_key(&j, "outputs"), ig_json_open(&j, '[');
    for (size_t i = 0; i < a->output_count; i++) value_json(&j, ig_onnx_output_at(m, i));
    ig_json_close(&j, ']');
    ig_json_key(&j, "nodes"), ig_json_open(&j, '{');
    for (size_t i = 0; i < kinds; i++) cli_json_pair_int(&j, ops[i].op, (int64_t)ops[i].count);
    ig_json_close(&j, '}');
    return cli_json_end(c, &j);
}

int cli_show_onnx(cli *c, const char *path) {
    ig_onnx *m = NULL;
    size_t kinds = 0;
    if (ig_onnx_open(path, &m, &c->err) != IG_OK) return cli_failed(c, NULL);
    op_count *ops = count_ops(m, &kinds);
    int code = 0;
    if (!ops) {
        ig_error_nomem(&c->err, ig_onnx_about(m)->node_count * sizeof *ops);
        code = cli_failed(c, NULL);
    } else if (c->json) {
        code = onnx_json(c, path, m, ops, kinds);
    } else {
        print_onnx(c, path, m, ops, kinds);
    }
    ig_free(ops);
    ig_onnx_close(m);
    return code;
}
