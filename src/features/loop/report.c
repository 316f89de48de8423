/* features/loop/report.c: what happened since, by day and by version, and which questions went wrong. */
#include <math.h>
#include <time.h>

#include "features/loop/loop.h"
#include "features/loop/questions.h"

#define DAY 86400
#define DAYS_MAX 92

static void put_counts(ig_json *j, const ig_store_said_count *c) {
    loop_json_key_int(j, "interactions", c->interactions);
    loop_json_key_int(j, "answered", c->answered);
    loop_json_key_int(j, "unknown", c->unknown);
    loop_json_key_int(j, "person", c->person);
    loop_json_key_int(j, "likes", c->likes);
    loop_json_key_int(j, "dislikes", c->dislikes);
    loop_json_key_int(j, "corrections", c->corrections);
    loop_json_key_int(j, "users", c->users);
    loop_json_key_real(j, "seconds_mean", c->seconds_mean);
}

static ig_status put_total(ig_loop *l, ig_json *j, const char *feature, int64_t since, int64_t until, ig_error *err) {
    ig_store_said_count c = {0};
    IG_TRY(ig_store_said_count_get(l->store, feature, since, until, 0, &c, err));
    ig_json_key(j, "total");
    ig_json_open(j, '{');
    put_counts(j, &c);
    ig_json_close(j, '}');
    return IG_OK;
}

static void put_day_name(ig_json *j, int64_t at) {
    char day[32];
    struct tm tm;
    time_t t = (time_t)at;
    gmtime_r(&t, &tm);
    strftime(day, sizeof day, "%Y-%m-%d", &tm);
    loop_json_key_text(j, "day", day);
}

/* Days of UTC, from the first one asked for, at most 92. */
static ig_status put_days(ig_loop *l, ig_json *j, const char *feature, int64_t since, int64_t until, ig_error *err) {
    int64_t last = until / DAY * DAY, first = since / DAY * DAY;
    if (first < last - (DAYS_MAX - 1) * DAY) first = last - (DAYS_MAX - 1) * DAY;
    ig_json_key(j, "days");
    ig_json_open(j, '[');
    for (int64_t day = first; day <= last; day += DAY) {
        ig_store_said_count c = {0};
        IG_TRY(ig_store_said_count_get(l->store, feature, day > since ? day : since, day + DAY, 0, &c, err));
        ig_json_open(j, '{');
        put_day_name(j, day);
        put_counts(j, &c);
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    return IG_OK;
}

/* Share of likes among thumbs with Wilson's interval (1927), which is right for few of them, too. */
static ig_interval liked(const ig_store_said_count *c) {
    double n = (double)(c->likes + c->dislikes), z = 1.959964;
    if (n == 0) return (ig_interval){NAN, NAN, NAN};
    double p = (double)c->likes / n, middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (ig_interval){p, middle - half, middle + half};
}

static ig_status put_versions(ig_loop *l, ig_json *j, const char *feature, int64_t since, int64_t until, ig_error *err) {
    ig_store_live *live = NULL;
    size_t count = 0;
    IG_TRY(ig_store_live_list(l->store, feature, &live, &count, err));
    ig_status s = IG_OK;
    ig_json_key(j, "versions");
    ig_json_open(j, '[');
    for (size_t i = 0; i < count && s == IG_OK; i++) {
        ig_store_said_count c = {0};
        bool seen = false;
        for (size_t k = 0; k < i; k++) seen = seen || live[k].version == live[i].version;
        if (seen) continue;
        s = ig_store_said_count_get(l->store, feature, since, until, live[i].version, &c, err);
        ig_json_open(j, '{');
        loop_json_key_int(j, "version", live[i].version);
        loop_json_key_int(j, "since", live[i].at);
        loop_json_key_int(j, "interactions", c.interactions);
        loop_json_key_int(j, "likes", c.likes);
        loop_json_key_int(j, "dislikes", c.dislikes);
        loop_json_key_interval(j, "liked", liked(&c));
        ig_json_close(j, '}');
    }
    ig_json_close(j, ']');
    ig_free(live);
    return s;
}

static ig_status put_questions(ig_loop *l, ig_json *j, const loop_feature *f, int64_t since, ig_error *err) {
    ig_store_said_opts unanswered = {.outcome = "unknown", .since = since, .newest_first = true, .limit = QUESTIONS_MAX};
    ig_store_said_opts disliked = {.type = "dislike", .since = since, .newest_first = true, .limit = QUESTIONS_MAX};
    IG_TRY(questions_put(l, f, &unanswered, j, "unanswered", err));
    return questions_put(l, f, &disliked, j, "disliked", err);
}

ig_status ig_loop_report(ig_loop *l, const char *name, int64_t since, ig_buf *out, ig_error *err) {
    loop_feature f;
    ig_json j = {.out = out};
    int64_t until = ig_unix_time() + 1;
    IG_TRY(loop_feature_get(l, name, &f, err));
    if (since < f.row.created_at) since = f.row.created_at;
    ig_json_open(&j, '{');
    loop_json_key_text(&j, "feature", name);
    loop_json_key_int(&j, "since", since);
    loop_json_key_int(&j, "until", until);
    ig_status s = put_total(l, &j, f.row.id, since, until, err);
    if (s == IG_OK) s = put_days(l, &j, f.row.id, since, until, err);
    if (s == IG_OK) s = put_versions(l, &j, f.row.id, since, until, err);
    if (s == IG_OK) s = put_questions(l, &j, &f, since, err);
    ig_json_close(&j, '}');
    loop_feature_fini(&f);
    return s == IG_OK ? ig_buf_status(out, err) : s;
}
