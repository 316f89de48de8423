/* server/route_models.c: GET /v1/models, /v1/models/{id}, /health/live, /health/ready, /metrics. */
#include <string.h>

#include "server/server.h"

static void put_model(ig_json *j, const pool_info *m) {
    ig_json_open(j, '{');
    reply_pair_text(j, "id", m->name);
    reply_pair_text(j, "object", "model");
    reply_pair_int(j, "created", m->created);
    reply_pair_text(j, "owned_by", "ingot");
    ig_json_close(j, '}');
}

static void put_list(ig_json *j, const pool_info *models, size_t count) {
    ig_json_open(j, '{');
    reply_pair_text(j, "object", "list");
    ig_json_key(j, "data"), ig_json_open(j, '[');
    for (size_t i = 0; i < count; i++) put_model(j, &models[i]);
    ig_json_close(j, ']');
    ig_json_close(j, '}');
}

ig_status run_models(call *c) {
    pool_info *models = NULL;
    size_t count;
    ig_buf b = {.max = SERVER_REPLY_BYTES_MAX};
    ig_json j = {.out = &b};
    IG_TRY(pool_list(c->s->pool, &models, &count, &c->err));
    put_list(&j, models, count);
    ig_free(models);
    ig_status s = reply_json(c, 200, &b);
    ig_buf_fini(&b);
    return s;
}

ig_status run_model(call *c) {
    pool_info *models = NULL;
    const pool_info *found = NULL;
    size_t count;
    ig_buf b = {.max = 4096};
    ig_json j = {.out = &b};
    IG_TRY(pool_list(c->s->pool, &models, &count, &c->err));
    for (size_t i = 0; i < count; i++)
        if (strcmp(models[i].name, c->segment) == 0) found = &models[i];
    if (found) put_model(&j, found);
    ig_status s = found ? reply_json(c, 200, &b)
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
