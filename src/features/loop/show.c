/* features/loop/show.c: features as people and programs see them, and what to do next. */
#include "features/loop/loop.h"

#define WEEK (7 * 86400)

/* What the advice is made of. */
typedef struct state {
    const ig_store_feature *row;
    ig_store_feature_version *versions;
    size_t count;
    ig_store_said_count week;
    size_t fresh;
    int64_t items, withdrawn;
} state;

static ig_status count_fresh(void *arg, const ig_store_interaction *i, const ig_store_feedback *f, ig_error *err) {
    int64_t *x = arg; /* last, count */
    (void)i, (void)err;
    x[1] += f && f->number > x[0];
    return IG_OK;
}

static ig_status load(ig_loop *l, const ig_store_feature *row, state *s, ig_error *err) {
    int64_t fresh[2] = {0, 0}, now = ig_unix_time();
    *s = (state){.row = row};
    IG_TRY(loop_learned_last(l, row->id, &fresh[0], err));
    IG_TRY(ig_store_item_count(l->store, row->id, &s->items, &s->withdrawn, err));
    IG_TRY(ig_store_said_count_get(l->store, row->id, now - WEEK, 0, 0, &s->week, err));
    ig_store_said_opts o = {.consent = true, .rated = true, .newest_first = true, .limit = IG_LOOP_SAID_MAX};
    IG_TRY(ig_store_said_each(l->store, row->id, &o, count_fresh, fresh, err));
    s->fresh = (size_t)fresh[1];
    return ig_store_feature_version_list(l->store, row->id, &s->versions, &s->count, err);
}

static const ig_store_feature_version *version_of(const state *s, int64_t number) {
    for (size_t i = 0; i < s->count; i++)
        if (s->versions[i].number == number) return &s->versions[i];
    return NULL;
}

static void put_advice(ig_json *j, const char *verb, const char *en, const char *zh) {
    ig_json_open(j, '{');
    loop_json_key_text(j, "verb", verb);
    loop_json_words(j, "why", en, zh);
    ig_json_close(j, '}');
}

static void verdict_of(const ig_store_feature_version *v, char out[24]) {
    ig_doc *d = NULL;
    out[0] = '\0';
    if (!v || !v->card || ig_json_parse("card", v->card, strlen(v->card), &d, NULL) != IG_OK) return;
    snprintf(out, 24, "%s", ig_tree_text(ig_tree_get(ig_doc_root(d), "comparison"), "verdict", ""));
    ig_doc_free(d);
}

static void advise_candidate(ig_json *j, const state *s) {
    char verdict[24], en[160], zh[160];
    long long n = s->row->candidate;
    if (n == 0) return;
    verdict_of(version_of(s, n), verdict);
    if (strcmp(verdict, "better") == 0 || strcmp(verdict, "no_worse") == 0) {
        snprintf(en, sizeof en, "version %lld was measured as %s", n, strcmp(verdict, "better") == 0 ? "better" : "no worse");
        snprintf(zh, sizeof zh, "版本 %lld 经测量%s", n, strcmp(verdict, "better") == 0 ? "更好" : "不更差");
        put_advice(j, "promote", en, zh);
    } else {
        snprintf(en, sizeof en, "look at what version %lld changes: its measurement says %s", n,
                 strcmp(verdict, "worse") == 0 ? "worse" : "too little");
        snprintf(zh, sizeof zh, "请查看版本 %lld 的变化：测量结果为%s", n, strcmp(verdict, "worse") == 0 ? "更差" : "数据太少");
        put_advice(j, "compare", en, zh);
    }
}

static void put_next(ig_json *j, const state *s) {
    char en[160], zh[160];
    const ig_store_feature_version *live = version_of(s, s->row->live);
    ig_json_key(j, "next");
    ig_json_open(j, '[');
    advise_candidate(j, s);
    if (s->fresh > 0) {
        snprintf(en, sizeof en, "%zu new pieces of feedback", s->fresh);
        snprintf(zh, sizeof zh, "%zu 条新反馈", s->fresh);
        put_advice(j, "improve", en, zh);
    }
    if (s->week.unknown > 0) {
        snprintf(en, sizeof en, "%lld questions of this week had no answer", (long long)s->week.unknown);
        snprintf(zh, sizeof zh, "本周有 %lld 个问题没有答案", (long long)s->week.unknown);
        put_advice(j, "report", en, zh);
    }
    if (live && live->content + s->withdrawn < s->row->content)
        put_advice(j, "add", "content was read that the live version does not hold yet", "有内容尚未进入当前版本");
    ig_json_close(j, ']');
}

static void put_week(ig_json *j, const ig_store_said_count *w) {
    ig_json_key(j, "week");
    ig_json_open(j, '{');
    loop_json_key_int(j, "interactions", w->interactions);
    loop_json_key_int(j, "answered", w->answered);
    loop_json_key_int(j, "unknown", w->unknown);
    loop_json_key_int(j, "person", w->person);
    loop_json_key_int(j, "likes", w->likes);
    loop_json_key_int(j, "dislikes", w->dislikes);
    loop_json_key_int(j, "corrections", w->corrections);
    loop_json_key_int(j, "users", w->users);
    ig_json_close(j, '}');
}

static ig_status put_feature(ig_loop *l, ig_json *j, const ig_store_feature *row, ig_error *err) {
    state s;
    ig_status status = load(l, row, &s, err);
    if (status != IG_OK) return status;
    ig_json_open(j, '{');
    loop_json_key_text(j, "id", row->id);
    loop_json_key_text(j, "name", row->name);
    loop_json_key_text(j, "kind", row->kind);
    loop_json_key_raw(j, "settings", row->settings);
    loop_json_key_int(j, "live", row->live);
    loop_json_key_int(j, "candidate", row->candidate);
    loop_json_key_real(j, "share", row->share);
    loop_json_key_int(j, "items", s.items);
    loop_json_key_int(j, "withdrawn", s.withdrawn);
    loop_json_key_int(j, "created_at", row->created_at);
    put_week(j, &s.week);
    put_next(j, &s);
    ig_json_key(j, "versions");
    ig_json_open(j, '[');
    for (size_t i = 0; i < s.count; i++)
        if (s.versions[i].status != IG_VERSION_REMOVED) loop_put_version(j, &s.versions[i]);
    ig_json_close(j, ']');
    ig_json_close(j, '}');
    ig_store_feature_versions_free(s.versions, s.count);
    return ig_buf_status(j->out, err);
}

ig_status ig_loop_list(ig_loop *l, ig_buf *out, ig_error *err) {
    ig_store_feature *rows = NULL;
    size_t count = 0;
    ig_json j = {.out = out};
    IG_TRY(ig_store_feature_list(l->store, &rows, &count, err));
    ig_status s = IG_OK;
    ig_json_open(&j, '{');
    ig_json_key(&j, "features");
    ig_json_open(&j, '[');
    for (size_t i = 0; i < count && s == IG_OK; i++) s = put_feature(l, &j, &rows[i], err);
    ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    ig_store_features_free(rows, count);
    return s == IG_OK ? ig_buf_status(out, err) : s;
}

ig_status ig_loop_show(ig_loop *l, const char *name, ig_buf *out, ig_error *err) {
    ig_store_feature row = {0};
    ig_json j = {.out = out};
    IG_TRY(ig_store_feature_get(l->store, name, &row, err));
    ig_status s = put_feature(l, &j, &row, err);
    ig_store_feature_fini(&row);
    return s;
}
