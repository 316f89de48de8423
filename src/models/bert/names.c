/* models/bert/names.c: what tensors are called in model files, and which parameter each of them is.
 *
 *     file of the bare encoder     embeddings.…          encoder.…          pooler.…
 *     file with a head             bert.embeddings.…     bert.encoder.…     bert.pooler.…     cls.…, lm_head.…, classifier.…
 *
 * Either is read, whatever config.json says the head is.  The oldest files call the weight and bias of a norm gamma and
 * beta, as TensorFlow did.
 */
#include <string.h>

#include "models/bert/bert.h"

static bool starts_with(const char *s, const char *start) { return strncmp(s, start, strlen(start)) == 0; }

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

const char *bert_root(const bert_config *c) {
    if (c->head == BERT_BARE) return "";
    return c->roberta ? "roberta." : "bert.";
}

static const char *without_root(const char *name) {
    if (starts_with(name, "bert.")) return name + strlen("bert.");
    return starts_with(name, "roberta.") ? name + strlen("roberta.") : name;
}

/* Buffers that PyTorch modules store beside their parameters; the head for pairs of sentences; and the pooler where
 * no head reads it: that of a RoBERTa that classifies, which has a layer of its own in its place, and of one with tags. */
static bool is_unused(const bert_config *c, const char *name) {
    if (ends_with(name, "embeddings.position_ids") || ends_with(name, "embeddings.token_type_ids")) return true;
    if (c->head == BERT_MASKED && starts_with(name, "cls.seq_relationship.")) return true;
    return (c->head == BERT_TAG || (c->head == BERT_CLASSIFY && c->roberta)) && starts_with(name, "pooler.");
}

/* The masked head is stored with copies of the token table and of its bias, or without them. */
static const char *tied(const bert *s, const char *name) {
    if (s->c.head != BERT_MASKED) return name;
    const char *part = s->c.roberta ? "lm_head." : "cls.predictions.";
    if (!starts_with(name, part)) return name;
    if (strcmp(name + strlen(part), "decoder.weight") == 0) return s->project.w->name;
    if (strcmp(name + strlen(part), "decoder.bias") == 0) return s->project.b->name;
    return name;
}

static bool of_head(const char *name) {
    return starts_with(name, "cls.") || starts_with(name, "lm_head.") || starts_with(name, "classifier.");
}

static void rename_norm(char *name, const char *old, const char *new, size_t size) {
    size_t n = strlen(name), k = strlen(old);
    if (ends_with(name, old)) snprintf(name + n - k, size - (n - k), "%s", new);
}

void bert_tensor_name(const ig_model *m, const char *name, char *buf, size_t size) {
    const bert *s = m->state;
    name = without_root(name);
    if (is_unused(&s->c, name)) name = "";
    name = without_root(tied(s, name));
    snprintf(buf, size, "%s%s", name[0] && !of_head(name) ? bert_root(&s->c) : "", name);
    rename_norm(buf, ".gamma", ".weight", size);
    rename_norm(buf, ".beta", ".bias", size);
}

/* The pooler is a part of the encoder, though a classification reads it. */
bool bert_of_head(const ig_model *m, const char *name) {
    (void)m;
    return of_head(name);
}

bool bert_optional(const ig_model *m, const char *name) {
    const bert *s = m->state;
    return s->c.head != BERT_CLASSIFY && starts_with(without_root(name), "pooler.");
}
