/* server/route_models.c: GET /v1/models, /v1/models/{id}, /health/live, /health/ready, /metrics. */
#include <string.h>

#include "server/server.h"

static void put_model(ig_json *j, const char *name, int64_t created) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", name);
    reply_pair_text(j, "object", "model");
    reply_pair_int(j, "created", created);
    reply_pair_text(j, "owned_by", "ingot");
    ig_json_close(j, '}');
}

/* Features answer /v1/chat/completions too. */
static ig_status put_features(call *c, ig_json *j) {
    ig_store_feature *list = NULL;
    size_t count = 0;
    if (!c->s->loop) return IG_OK;
    IG_TRY(ig_store_feature_list(c->s->store, &list, &count, &c->err));
    for (size_t i = 0; i < count; i++) put_model(j, list[i].name, list[i].created_at);
    ig_store_features_free(list, count);
    return IG_OK;
}

ig_status run_models(call *c) {
    pool_info *models = NULL;
    size_t count;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(pool_list(c->s->pool, &models, &count, &c->err));
    ig_json_open(&j, '{');
    reply_pair_text(&j, "object", "list");
    ig_json_key(&j, "data"), ig_json_open(&j, '[');
    for (size_t i = 0; i < count; i++) put_model(&j, models[i].name, models[i].created);
    ig_free(models);
    ig_status s = put_features(c, &j);
    ig_json_close(&j, ']');
    ig_json_close(&j, '}');
    return reply_result(c, 200, s, &b);
}

ig_status run_model(call *c) {
    pool_info *models = NULL;
    const pool_info *found = NULL;
    size_t count;
    ig_store_feature f = {0};
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    IG_TRY(pool_list(c->s->pool, &models, &count, &c->err));
    for (size_t i = 0; i < count; i++)
        if (strcmp(models[i].name, c->segment) == 0) found = &models[i];
    bool feature = !found && c->s->loop && ig_store_feature_get(c->s->store, c->segment, &f, NULL) == IG_OK;
    if (found) put_model(&j, found->name, found->created);
    else if (feature) put_model(&j, f.name, f.created_at), ig_store_feature_fini(&f);
    ig_status s = found || feature ? reply_json(c, 200, &b)
                        : call_fail(c, 404, "model", "model_not_found", "there is no model '%.100s'", c->segment);
    ig_buf_fini(&b);
    ig_free(models);
    return s;
}

static ig_status reply_ok(call *c) {
    static const char ok[] = "{\"status\":\"ok\"}";
    c->answered = true;
    c->status = 200;
    return ig_http_reply(c->http, 200, "application/json", ok, sizeof ok - 1, &c->err);
}

ig_status run_live(call *c) { return reply_ok(c); }

/* Ready means that the store answers. */
ig_status run_ready(call *c) {
    int64_t version;
    if (c->s->store && ig_store_version(c->s->store, &version, &c->err) != IG_OK)
        return call_fail(c, 503, NULL, "store_unavailable", "the store does not answer");
    return reply_ok(c);
}

ig_status run_metrics(call *c) {
    ig_buf b = {.max = 1 << 20};
    ig_status s = metrics_format(c->s->metrics, c->s->pool, &b, &c->err);
    if (s == IG_OK) {
        c->answered = true;
        c->status = 200;
        s = ig_http_reply(c->http, 200, "text/plain; version=0.0.4; charset=utf-8", b.data, b.len, &c->err);
    }
    ig_buf_fini(&b);
    return s;
}
