/* data/picture_split.c: which pictures of a set are held out.
 *
 * In each class the pictures are put in the order of a hash of their names, and the first share of them is held out.  A hash
 * does not know the order of files, of classes or of time, so the same picture falls on the same side in every run, and on
 * another machine.
 */
#include <stdlib.h>

#include "data/picture_set.h"

typedef struct place {
    uint64_t key;
    int64_t label, i;
} place;

static int by_class_and_key(const void *a, const void *b) {
    const place *p = a, *q = b;
    if (p->label != q->label) return p->label < q->label ? -1 : 1;
    if (p->key != q->key) return p->key < q->key ? -1 : 1;
    return (p->i > q->i) - (p->i < q->i);
}

/* How many of the n places of one class are held out: pictures with one key never part. */
static size_t held_out(const place *p, size_t n, double share) {
    size_t k = (size_t)((double)n * share + 0.5);
    if (share > 0 && k == 0 && n > 1) k = 1;
    if (k >= n) k = n - 1;
    size_t more = k;
    while (more > 0 && more < n && p[more].key == p[more - 1].key) more++;
    if (more < n) return more;
    while (k > 0 && p[k].key == p[k - 1].key) k--; /* the whole tail is one picture */
    return k;
}

ig_status ig_picture_split_make(const ig_picture_set *s, double share, ig_picture_split *out, ig_error *err) {
    size_t n = s->count, kept = 0;
    *out = (ig_picture_split){0};
    if (!(share >= 0 && share < 1))
        return ig_error_set(err, IG_E_ARG, "the share of validation is from 0 to below 1, not %g", share);
    place *p = ig_realloc_array(NULL, n, sizeof *p);
    bool *valid = ig_calloc(n, sizeof *valid);
    out->train = ig_realloc_array(NULL, n, sizeof *out->train);
    out->valid = ig_realloc_array(NULL, n, sizeof *out->valid);
    if (!p || !valid || !out->train || !out->valid) {
        ig_free(p);
        ig_free(valid);
        ig_picture_split_fini(out);
        return ig_error_nomem(err, n * sizeof *p);
    }
    for (size_t i = 0; i < n; i++) p[i] = (place){s->item[i].key, s->item[i].label, (int64_t)i};
    qsort(p, n, sizeof *p, by_class_and_key);
    for (size_t first = 0, end = 0; first < n; first = end) {
        while (end < n && p[end].label == p[first].label) end++;
        kept = held_out(p + first, end - first, share);
        for (size_t k = 0; k < kept; k++) valid[p[first + k].i] = true;
    }
    for (size_t i = 0; i < n; i++) {
        if (valid[i]) out->valid[out->valid_count++] = (int64_t)i;
        else out->train[out->train_count++] = (int64_t)i;
    }
    ig_free(p);
    ig_free(valid);
    return IG_OK;
}

void ig_picture_split_fini(ig_picture_split *split) {
    ig_free(split->train);
    ig_free(split->valid);
    *split = (ig_picture_split){0};
}
