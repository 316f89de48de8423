/* data/picture_set.h: a set of labelled pictures from the inside.
 *
 *     source (folder, table, IDX) ──picture_set_add──► items with the text of their label ──► classes, labels ──check──► kept
 *
 * Names and labels stand one after the other in `text`, each with a NUL behind it.  Of IDX the pixels stand in `pixels`.
 */
#ifndef DATA_PICTURE_SET_H
#define DATA_PICTURE_SET_H

#include "data/picture.h"

typedef struct picture_item {
    size_t name, label_text; /* places in text */
    size_t at;               /* IDX: number in the file */
    uint64_t key;            /* hash that decides the split */
    int32_t label;
    int line;                /* of a table */
} picture_item;

struct ig_picture_set {
    char *root; /* folder that names are below of */
    ig_buf text;
    picture_item *item;
    size_t count, cap;
    char **classes;
    size_t class_count;
    int channels;
    size_t memory_max;
    ig_picture_progress_fn *progress;
    void *progress_arg;
    bool same_size; /* of all, and known */
    int64_t height, width;
    ig_buf pixels; /* IDX: [N,height,width,stored] and its header before */
    size_t first_pixel;
    int stored;    /* IDX: channels in the file; 0: files */
    ig_picture *kept; /* [count] decoded, or NULL */
};

/* label_text NULL: item->label is set by the caller. */
ig_status picture_set_add(ig_picture_set *s, const char *name, const char *label_text, picture_item item, ig_error *err);
ig_status picture_set_folder(ig_picture_set *s, const char *path, ig_picture_problems *problems, ig_error *err);
ig_status picture_set_table(ig_picture_set *s, const char *path, ig_picture_problems *problems, ig_error *err);
/* Labels are numbers: class_count is 0 or how many there may be; *most gets the largest. */
ig_status picture_set_idx(ig_picture_set *s, const char *path, const char *labels, size_t class_count, int64_t *most,
                          ig_picture_problems *problems, ig_error *err);
/* Picture i without a copy where it is in memory; else decoded, and *owned is set: free it. */
ig_status picture_set_get(const ig_picture_set *s, size_t i, ig_picture *out, bool *owned, ig_error *err);
/* What is wrong with one picture or file. */
ig_status picture_problem_at(ig_picture_problems *p, bool harmless, const char *file, int line, ig_error *err, const char *fmt,
                             ...) IG_PRINTF(6, 7);

#endif
