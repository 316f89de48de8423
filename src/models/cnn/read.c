/* models/cnn/read.c: from a description to nodes: names resolved, blocks written out, shapes computed, parameters added.
 *
 * A layer is a word ("relu") or a map whose one key is the layer and whose value is its size ({conv: 64, kernel: 3}).  A value
 * "$x" is what the call of the block, or the list of arguments, says x is.  Everything in a description may come from outside:
 * depth, number of nodes and sizes are bounded here, memory by ig_model_add.
 */
#include <stdarg.h>
#include <string.h>

#include "models/cnn/cnn.h"
#include "models/model.h"

#define NAME_BYTES 192
#define CHANNELS_OUT_MAX (1 << 20)

typedef struct scope {
    const ig_tree *call;      /* the map that calls a block */
    const char *arguments;    /* "n=3 m=2" of the outermost one */
    const struct scope *outer;
    char prefix[NAME_BYTES];  /* of names: "layer1.0." */
} scope;

typedef struct reader {
    ig_model *m;
    const cnn *s;
    const char *name;         /* of the description, for messages */
    const ig_tree *blocks;
    size_t nodes;
    int depth;
} reader;

static ig_status fail(const reader *r, const ig_tree *at, ig_error *err, const char *fmt, ...) IG_PRINTF(4, 5);
static ig_status fail(const reader *r, const ig_tree *at, ig_error *err, const char *fmt, ...) {
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return ig_error_at(err, IG_E_FORMAT, r->name, at ? (int)at->line : 0, "%s", text);
}

/* ---- values ---- */

static int64_t whole_text(const char *digits) {
    int64_t v = 0;
    for (; *digits >= '0' && *digits <= '9' && v < CHANNELS_OUT_MAX; digits++) v = v * 10 + (*digits - '0');
    return v;
}

static bool argument(const char *list, const char *name, int64_t *out) {
    size_t len = strlen(name);
    for (const char *at = list; at && *at; at = strchr(at, ' '), at = at ? at + 1 : NULL) {
        if (strncmp(at, name, len) != 0 || at[len] != '=') continue;
        *out = whole_text(at + len + 1);
        return true;
    }
    return false;
}

/* What stands for v: itself, or what the calls that lead to it say.  "$x=1" is 1 where nobody says anything.  *s is the scope of
 * the result; a number that is no node of a tree goes to *plain, and the result is NULL. */
static ig_status resolve(const reader *r, const ig_tree **v, const scope **s, int64_t *plain, ig_error *err) {
    for (const ig_tree *first = *v; (*v)->type == IG_TREE_TEXT && (*v)->text[0] == '$'; *s = (*s)->outer) {
        char name[64];
        const char *otherwise = strchr((*v)->text, '=');
        size_t len = otherwise ? (size_t)(otherwise - (*v)->text - 1) : strlen((*v)->text) - 1;
        snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), (*v)->text + 1);
        const ig_tree *given = *s && (*s)->call ? ig_tree_get((*s)->call, name) : NULL;
        bool known = !given && (*s ? argument((*s)->arguments, name, plain) : false);
        if (!given && !known && otherwise) *plain = whole_text(otherwise + 1), known = true;
        if (known) return *v = NULL, IG_OK;
        if (!given) return fail(r, first, err, "\"$%s\" is given by nobody", name);
        *v = given;
    }
    return IG_OK;
}

static ig_status number(const reader *r, const ig_tree *v, const scope *s, double *out, ig_error *err) {
    const ig_tree *first = v;
    int64_t plain = 0;
    IG_TRY(resolve(r, &v, &s, &plain, err));
    if (!v) return *out = (double)plain, IG_OK;
    if (v->type == IG_TREE_TEXT && strcmp(v->text, "labels") == 0) return *out = (double)r->s->labels, IG_OK;
    if (v->type != IG_TREE_INT && v->type != IG_TREE_REAL) return fail(r, first, err, "expected a number, found %s", ig_tree_type_name(v->type));
    *out = v->real;
    return IG_OK;
}

static ig_status whole(const reader *r, const ig_tree *v, const scope *s, int64_t least, int64_t most, int64_t *out, ig_error *err) {
    double x = 0;
    IG_TRY(number(r, v, s, &x, err));
    if (!(x >= (double)least && x <= (double)most) || x != (double)(int64_t)x)
        return fail(r, v, err, "expected a whole number from %lld to %lld, found %g", (long long)least, (long long)most, x);
    *out = (int64_t)x;
    return IG_OK;
}

/* One number for both directions, or [rows, columns]. */
static ig_status pair(const reader *r, const ig_tree *v, const scope *s, int64_t least, int64_t most, int64_t out[2], ig_error *err) {
    int64_t plain = 0;
    IG_TRY(resolve(r, &v, &s, &plain, err));
    if (!v) return out[0] = out[1] = plain, plain >= least && plain <= most ? IG_OK : fail(r, NULL, err, "%lld is out of range", (long long)plain);
    if (v->type == IG_TREE_LIST && v->count != 2) return fail(r, v, err, "expected one number or two");
    const ig_tree *a = v->type == IG_TREE_LIST ? v->child : v, *b = v->type == IG_TREE_LIST ? v->child->next : v;
    IG_TRY(whole(r, a, s, least, most, &out[0], err));
    return whole(r, b, s, least, most, &out[1], err);
}

static ig_status pair_or(const reader *r, const ig_tree *map, const char *key, const scope *s, int64_t least, int64_t most, int64_t otherwise,
                         int64_t out[2], ig_error *err) {
    const ig_tree *v = ig_tree_get(map, key);
    out[0] = out[1] = otherwise;
    return v ? pair(r, v, s, least, most, out, err) : IG_OK;
}

static ig_status real_or(const reader *r, const ig_tree *map, const char *key, const scope *s, double otherwise, double *out, ig_error *err) {
    const ig_tree *v = ig_tree_get(map, key);
    *out = otherwise;
    return v ? number(r, v, s, out, err) : IG_OK;
}

static void full_name(const reader *r, const ig_tree *item, const scope *s, const char *otherwise, const char *kind, char *out) {
    const char *name = item->type == IG_TREE_MAP ? ig_tree_text(item, "name", NULL) : NULL;
    if (name) snprintf(out, NAME_BYTES, "%.120s%.60s%s", s->prefix, name, kind);
    else snprintf(out, NAME_BYTES, "%.120s%s%zu%s", s->prefix, otherwise, r->nodes, kind);
}

/* ---- shapes ---- */

static ig_status needs_picture(const reader *r, const ig_tree *item, const cnn_shape *at, ig_error *err) {
    return at->height ? IG_OK : fail(r, item, err, "this layer needs a picture, and here the numbers are flat already");
}

static int64_t reach(int64_t in, int64_t kernel, int64_t stride, int64_t dilation, int64_t before, int64_t after, bool ceil_mode) {
    int64_t left = in + before + after - dilation * (kernel - 1) - 1;
    if (left < 0) return 0;
    int64_t out = (left + (ceil_mode ? stride - 1 : 0)) / stride + 1;
    return ceil_mode && (out - 1) * stride >= in + before ? out - 1 : out; /* the last window begins inside */
}

/* ---- layers with windows ---- */

static ig_status read_padding(const reader *r, const ig_tree *item, const scope *s, const int64_t kernel[2], const int64_t dilation[2],
                              int64_t before[2], int64_t after[2], ig_error *err) {
    const ig_tree *pad = ig_tree_get(item, "pad");
    if (pad && pad->type == IG_TREE_TEXT && strcmp(pad->text, "same") == 0)
        for (int i = 0; i < 2; i++) before[i] = after[i] = dilation[i] * (kernel[i] - 1) / 2;
    else IG_TRY(pair_or(r, item, "pad", s, 0, 1024, 0, before, err));
    for (int i = 0; i < 2; i++) after[i] = before[i];
    return IG_OK;
}

static ig_status read_groups(const reader *r, const ig_tree *item, const scope *s, int64_t in, int64_t *out, ig_error *err) {
    const ig_tree *groups = ig_tree_get(item, "groups");
    *out = 1;
    if (groups && groups->type == IG_TREE_TEXT && strcmp(groups->text, "depthwise") == 0) *out = in;
    else if (groups) IG_TRY(whole(r, groups, s, 1, in, out, err));
    return in % *out == 0 ? IG_OK : fail(r, item, err, "%lld channels cannot be cut into %lld groups", (long long)in, (long long)*out);
}

static ig_status add_conv(reader *r, const ig_tree *item, const scope *s, int64_t in, const int64_t kernel[2], cnn_node *n, ig_error *err) {
    int64_t shape[4] = {n->out.channels, in / n->conv.groups, kernel[0], kernel[1]};
    char name[NAME_BYTES];
    if (shape[0] % n->conv.groups) return fail(r, item, err, "%lld output channels cannot be cut into %lld groups", (long long)shape[0], (long long)n->conv.groups);
    full_name(r, item, s, "conv", ".weight", name);
    IG_TRY(ig_model_add(r->m, name, 4, shape, &n->w, err));
    ig_params_find(&r->m->params, name)->role = IG_PARAM_CONV;
    if (!ig_tree_bool(item, "bias", true)) return IG_OK;
    full_name(r, item, s, "conv", ".bias", name);
    return ig_model_add(r->m, name, 1, shape, &n->b, err);
}

static ig_status read_conv(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    ig_conv_opts *c = &n->conv;
    int64_t kernel[2], in = at->channels;
    IG_TRY(needs_picture(r, item, at, err));
    IG_TRY(whole(r, v, s, 1, CHANNELS_OUT_MAX, &n->out.channels, err));
    IG_TRY(pair_or(r, item, "kernel", s, 1, 256, 1, kernel, err));
    IG_TRY(pair_or(r, item, "stride", s, 1, 256, 1, c->stride, err));
    IG_TRY(pair_or(r, item, "dilation", s, 1, 256, 1, c->dilation, err));
    IG_TRY(read_padding(r, item, s, kernel, c->dilation, c->pad_before, c->pad_after, err));
    IG_TRY(read_groups(r, item, s, in, &c->groups, err));
    n->out.height = reach(at->height, kernel[0], c->stride[0], c->dilation[0], c->pad_before[0], c->pad_after[0], false);
    n->out.width = reach(at->width, kernel[1], c->stride[1], c->dilation[1], c->pad_before[1], c->pad_after[1], false);
    if (!n->out.height || !n->out.width)
        return fail(r, item, err, "a kernel of %lld x %lld does not fit into %lld x %lld", (long long)kernel[0], (long long)kernel[1],
                    (long long)at->height, (long long)at->width);
    return add_conv(r, item, s, in, kernel, n, err);
}

static ig_status read_pool(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    ig_pool_opts *p = &n->pool;
    int64_t one[2] = {1, 1};
    IG_TRY(needs_picture(r, item, at, err));
    IG_TRY(pair(r, v, s, 1, 256, p->kernel, err));
    IG_TRY(pair_or(r, item, "stride", s, 1, 256, 0, p->stride, err));
    for (int i = 0; i < 2; i++) p->stride[i] = p->stride[i] ? p->stride[i] : p->kernel[i];
    IG_TRY(read_padding(r, item, s, p->kernel, one, p->pad_before, p->pad_after, err));
    p->ceil_mode = ig_tree_bool(item, "ceil", false);
    p->count_include_pad = ig_tree_bool(item, "count_pad", true);
    n->out.height = reach(at->height, p->kernel[0], p->stride[0], 1, p->pad_before[0], p->pad_after[0], p->ceil_mode);
    n->out.width = reach(at->width, p->kernel[1], p->stride[1], 1, p->pad_before[1], p->pad_after[1], p->ceil_mode);
    if (n->out.height && n->out.width && p->pad_before[0] < p->kernel[0] && p->pad_before[1] < p->kernel[1]) return IG_OK;
    return fail(r, item, err, "a window of %lld x %lld does not fit into %lld x %lld", (long long)p->kernel[0], (long long)p->kernel[1],
                (long long)at->height, (long long)at->width);
}

static ig_status read_adaptive(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    IG_TRY(needs_picture(r, item, at, err));
    IG_TRY(pair(r, v, s, 1, 256, n->size, err));
    n->out.height = n->size[0], n->out.width = n->size[1];
    return IG_OK;
}

/* ---- norms ---- */

static ig_status add_group_norm(reader *r, const ig_tree *item, const scope *s, cnn_node *n, ig_error *err) {
    char name[NAME_BYTES];
    full_name(r, item, s, "norm", ".weight", name);
    IG_TRY(ig_model_add(r->m, name, 1, &n->out.channels, &n->norm.weight, err));
    full_name(r, item, s, "norm", ".bias", name);
    return ig_model_add(r->m, name, 1, &n->out.channels, &n->norm.bias, err);
}

static ig_status read_norm(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    char name[NAME_BYTES];
    (void)at;
    full_name(r, item, s, "norm", "", name);
    IG_TRY(real_or(r, item, "eps", s, 1e-5, &n->norm.eps, err));
    IG_TRY(real_or(r, item, "momentum", s, 0.1, &n->norm.momentum, err));
    if (v->type == IG_TREE_TEXT && strcmp(v->text, "batch") == 0)
        return ig_nn_batch_norm_add(&r->m->params, name, IG_DTYPE_F32, n->out.channels, &n->norm, err);
    if (v->type != IG_TREE_TEXT || strcmp(v->text, "group") != 0) return fail(r, v, err, "expected batch or group");
    const ig_tree *groups = ig_tree_get(item, "groups");
    n->op = CNN_GROUP_NORM;
    n->size[0] = 32;
    if (groups) IG_TRY(whole(r, groups, s, 1, n->out.channels, &n->size[0], err));
    if (n->out.channels % n->size[0]) return fail(r, item, err, "%lld channels cannot be cut into %lld groups", (long long)n->out.channels, (long long)n->size[0]);
    return add_group_norm(r, item, s, n, err);
}

static ig_status read_lrn(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    IG_TRY(needs_picture(r, item, at, err));
    IG_TRY(whole(r, v, s, 1, 256, &n->size[0], err));
    IG_TRY(real_or(r, item, "alpha", s, 1e-4, &n->alpha, err));
    IG_TRY(real_or(r, item, "beta", s, 0.75, &n->beta, err));
    return real_or(r, item, "k", s, 1, &n->k, err);
}

/* ---- the rest ---- */

static ig_status read_word(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    (void)r, (void)item, (void)v, (void)s, (void)at, (void)err;
    n->rate = 0.01; /* torch's slope of leaky_relu */
    return IG_OK;
}

static ig_status read_slope(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    (void)item, (void)at;
    n->rate = 0.01;
    return v ? number(r, v, s, &n->rate, err) : IG_OK;
}

static ig_status read_global(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    (void)v, (void)s;
    n->out = (cnn_shape){.channels = at->channels};
    return needs_picture(r, item, at, err);
}

static ig_status read_flatten(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    (void)v, (void)s;
    n->out = (cnn_shape){.channels = at->channels * at->height * at->width};
    return needs_picture(r, item, at, err);
}

static ig_status read_dropout(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    (void)at;
    IG_TRY(number(r, v, s, &n->rate, err));
    return n->rate >= 0 && n->rate < 1 ? IG_OK : fail(r, item, err, "a rate is from 0 to below 1, found %g", n->rate);
}

static ig_status read_linear(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    char name[NAME_BYTES];
    if (at->height) return fail(r, item, err, "a linear layer needs flat numbers: put global_pool or flatten before it");
    IG_TRY(whole(r, v, s, 1, CHANNELS_OUT_MAX, &n->out.channels, err));
    full_name(r, item, s, "linear", ".weight", name);
    IG_TRY(ig_model_add_matrix(r->m, name, n->out.channels, at->channels, IG_PARAM_OUT_IN, &n->w, err));
    if (!ig_tree_bool(item, "bias", true)) return IG_OK;
    full_name(r, item, s, "linear", ".bias", name);
    return ig_model_add(r->m, name, 1, &n->out.channels, &n->b, err);
}

static ig_status read_subsample(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    IG_TRY(needs_picture(r, item, at, err));
    IG_TRY(whole(r, v, s, 1, 256, &n->size[0], err));
    n->out.height = (at->height - 1) / n->size[0] + 1;
    n->out.width = (at->width - 1) / n->size[0] + 1;
    return IG_OK;
}

static ig_status read_pad_channels(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    IG_TRY(needs_picture(r, item, at, err));
    IG_TRY(pair(r, v, s, 0, CHANNELS_OUT_MAX, n->size, err));
    n->out.channels = at->channels + n->size[0] + n->size[1];
    return IG_OK;
}

static ig_status read_shuffle(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    IG_TRY(needs_picture(r, item, at, err));
    IG_TRY(whole(r, v, s, 1, at->channels, &n->size[0], err));
    return at->channels % n->size[0] == 0 ? IG_OK : fail(r, item, err, "%lld channels cannot be cut into %lld groups", (long long)at->channels, (long long)n->size[0]);
}

/* ---- branches ---- */

static ig_status read_list(reader *r, const ig_tree *list, const scope *s, cnn_shape *at, cnn_list *out, ig_error *err);

static ig_status join(const reader *r, const ig_tree *item, cnn_node *n, const cnn_shape *got, bool first, ig_error *err) {
    bool adds = n->op == CNN_ADD, same = got->height == n->out.height && got->width == n->out.width && (!adds || got->channels == n->out.channels);
    if (first) n->out = *got;
    else if (!same)
        return fail(r, item, err, "its branches end in %lld x %lld x %lld and %lld x %lld x %lld", (long long)n->out.height, (long long)n->out.width,
                    (long long)n->out.channels, (long long)got->height, (long long)got->width, (long long)got->channels);
    else if (!adds) n->out.channels += got->channels;
    return IG_OK;
}

static ig_status read_branches(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err) {
    if (v->type != IG_TREE_LIST || v->count < 2 || v->count > CNN_BRANCHES_MAX)
        return fail(r, item, err, "expected a list of 2 to %d lists of layers", CNN_BRANCHES_MAX);
    n->branch = ig_calloc(v->count, sizeof *n->branch);
    if (!n->branch) return ig_error_nomem(err, v->count * sizeof *n->branch);
    for (const ig_tree *branch = v->child; branch; branch = branch->next) {
        cnn_shape got = *at;
        IG_TRY(read_list(r, branch, s, &got, &n->branch[n->branches++], err));
        IG_TRY(join(r, item, n, &got, n->branches == 1, err));
    }
    return IG_OK;
}

/* ---- the table of layers ---- */

typedef ig_status read_fn(reader *r, const ig_tree *item, const ig_tree *v, const scope *s, cnn_shape *at, cnn_node *n, ig_error *err);

static const struct layer {
    const char *name, *keys; /* that may stand beside it */
    cnn_op op;
    bool word;               /* may stand alone */
    read_fn *read;
} layers[] = {
    {"conv", " kernel stride pad dilation groups bias name ", CNN_CONV, false, read_conv},
    {"norm", " eps momentum groups name ", CNN_BATCH_NORM, false, read_norm},
    {"lrn", " alpha beta k ", CNN_LRN, false, read_lrn},
    {"relu", " ", CNN_RELU, true, read_word},
    {"relu6", " ", CNN_RELU6, true, read_word},
    {"leaky_relu", " ", CNN_LEAKY_RELU, true, read_slope},
    {"silu", " ", CNN_SILU, true, read_word},
    {"hard_swish", " ", CNN_HARD_SWISH, true, read_word},
    {"sigmoid", " ", CNN_SIGMOID, true, read_word},
    {"tanh", " ", CNN_TANH, true, read_word},
    {"gelu", " ", CNN_GELU, true, read_word},
    {"max_pool", " stride pad ceil ", CNN_MAX_POOL, false, read_pool},
    {"avg_pool", " stride pad ceil count_pad ", CNN_AVG_POOL, false, read_pool},
    {"adaptive_pool", " ", CNN_ADAPTIVE_POOL, false, read_adaptive},
    {"global_pool", " ", CNN_GLOBAL_POOL, true, read_global},
    {"dropout", " ", CNN_DROPOUT, false, read_dropout},
    {"flatten", " ", CNN_FLATTEN, true, read_flatten},
    {"linear", " bias name ", CNN_LINEAR, false, read_linear},
    {"add", " ", CNN_ADD, false, read_branches},
    {"concat", " ", CNN_CONCAT, false, read_branches},
    {"subsample", " ", CNN_SUBSAMPLE, false, read_subsample},
    {"pad_channels", " ", CNN_PAD_CHANNELS, false, read_pad_channels},
    {"shuffle", " ", CNN_SHUFFLE, false, read_shuffle},
};
#define LAYERS (sizeof layers / sizeof *layers)

static const struct layer *layer_of(const ig_tree *item, const ig_tree **value) {
    for (size_t i = 0; i < LAYERS; i++) {
        *value = item->type == IG_TREE_MAP ? ig_tree_get(item, layers[i].name) : NULL;
        if (*value || (item->type == IG_TREE_TEXT && layers[i].word && strcmp(item->text, layers[i].name) == 0)) return &layers[i];
    }
    return NULL;
}

static ig_status check_keys(const reader *r, const ig_tree *item, const struct layer *l, ig_error *err) {
    for (const ig_tree *t = item->type == IG_TREE_MAP ? item->child : NULL; t; t = t->next) {
        char word[64];
        snprintf(word, sizeof word, " %.40s ", t->key);
        if (strcmp(t->key, l->name) != 0 && !strstr(l->keys, word)) return fail(r, t, err, "\"%.60s\" means nothing to the layer %s", t->key, l->name);
    }
    return IG_OK;
}

static ig_status unknown(const reader *r, const ig_tree *item, ig_error *err) {
    const char *word = item->type == IG_TREE_TEXT ? item->text : item->type == IG_TREE_MAP && item->child ? item->child->key : ig_tree_type_name(item->type);
    char known[400] = "";
    for (size_t i = 0, len = 0; i < LAYERS && len < sizeof known; i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s, ", layers[i].name);
    return fail(r, item, err, "\"%.40s\" is no layer; %sblock are", word, known);
}

static ig_status add_node(cnn_list *l, cnn_node **out, ig_error *err) {
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 8;
        cnn_node *more = ig_realloc_array(l->item, cap, sizeof *more);
        if (!more) return ig_error_nomem(err, cap * sizeof *more);
        l->item = more, l->cap = cap;
    }
    *out = &l->item[l->count++];
    **out = (cnn_node){0};
    return IG_OK;
}

static ig_status read_layer(reader *r, const ig_tree *item, const scope *s, cnn_shape *at, cnn_list *out, ig_error *err) {
    const ig_tree *value = NULL;
    const struct layer *l = layer_of(item, &value);
    cnn_node *n = NULL;
    if (!l) return unknown(r, item, err);
    IG_TRY(check_keys(r, item, l, err));
    if (++r->nodes > CNN_NODES_MAX) return fail(r, item, err, "more than %d layers", CNN_NODES_MAX);
    IG_TRY(add_node(out, &n, err));
    n->op = l->op;
    n->out = *at;
    IG_TRY(l->read(r, item, value, s, at, n, err));
    *at = n->out;
    return IG_OK;
}

/* ---- blocks ---- */

static ig_status read_call(reader *r, const ig_tree *item, const scope *s, cnn_shape *at, cnn_list *out, ig_error *err) {
    const ig_tree *repeat = ig_tree_get(item, "repeat"), *from = ig_tree_get(item, "first");
    const ig_tree *block = ig_tree_get(r->blocks, ig_tree_text(item, "block", ""));
    const char *name = ig_tree_text(item, "name", NULL);
    int64_t times = 1, first = 0;
    if (!block) return fail(r, item, err, "there is no block \"%.60s\"", ig_tree_text(item, "block", ""));
    if (repeat) IG_TRY(whole(r, repeat, s, 0, CNN_NODES_MAX, &times, err));
    if (from) IG_TRY(whole(r, from, s, 0, CNN_NODES_MAX, &first, err));
    for (int64_t i = 0; i < times; i++) {
        scope inner = {.call = item, .outer = s};
        memcpy(inner.prefix, s->prefix, sizeof inner.prefix);
        size_t len = strlen(inner.prefix);
        if (name && repeat) snprintf(inner.prefix + len, NAME_BYTES - len, "%.60s.%lld.", name, (long long)(first + i));
        else if (name) snprintf(inner.prefix + len, NAME_BYTES - len, "%.60s.", name);
        IG_TRY(read_list(r, block, &inner, at, out, err));
    }
    return IG_OK;
}

static ig_status read_list(reader *r, const ig_tree *list, const scope *s, cnn_shape *at, cnn_list *out, ig_error *err) {
    if (list->type != IG_TREE_LIST) return fail(r, list, err, "expected a list of layers, found %s", ig_tree_type_name(list->type));
    if (++r->depth > CNN_DEPTH_MAX) return fail(r, list, err, "blocks and branches more than %d deep", CNN_DEPTH_MAX);
    for (const ig_tree *item = list->child; item; item = item->next) {
        bool call = item->type == IG_TREE_MAP && ig_tree_get(item, "block");
        IG_TRY((call ? read_call : read_layer)(r, item, s, at, out, err));
    }
    r->depth--;
    return IG_OK;
}

ig_status cnn_read_layers(ig_model *m, cnn *s, const char *name, const ig_tree *description, const char *arguments, ig_error *err) {
    reader r = {.m = m, .s = s, .name = name, .blocks = ig_tree_get(description, "blocks")};
    scope outermost = {.arguments = arguments};
    cnn_shape at = s->input;
    const ig_tree *list = ig_tree_get(description, "layers");
    if (!list) return fail(&r, description, err, "key \"layers\" is missing");
    return read_list(&r, list, &outermost, &at, &s->layers, err);
}

void cnn_list_fini(cnn_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        for (size_t k = 0; k < l->item[i].branches; k++) cnn_list_fini(&l->item[i].branch[k]);
        ig_free(l->item[i].branch);
    }
    ig_free(l->item);
    *l = (cnn_list){0};
}
