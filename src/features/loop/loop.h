/* features/loop/loop.h: what the files of the loop share.
 *
 *     WORKSPACE/features/NAME/
 *         train.lock        held by whoever learns (improve); holds its process number
 *         build.lock        held by whoever changes content, settings, live version or folders
 *         staging/N         a version being built; swept when nobody holds the locks
 *         folds             temporary builds of cross-validation
 *         objects/ab/cdef…  contents of the files of all versions, by SHA-256, read-only
 *         versions/N/       a complete version: hard links to objects, version.json (its card), cases.jsonl (what it learned)
 *
 * A version is complete when its row says so; a folder without such a row is swept.  Of the two locks train.lock is taken first.
 */
#ifndef FEATURES_LOOP_H
#define FEATURES_LOOP_H

#include <pthread.h>
#include <string.h>

#include "ingot/features.h"
#include "ingot/limits.h"

#define LOOP_HELD_OUT_MIN 300  /* held-out cases from which on one split is enough */
#define LOOP_FOLDS 5           /* and one group in so many is held out */
#define LOOP_LISTED_MAX 100    /* entries of one list of a result */
#define LOOP_ANSWER_BYTES_MAX ((size_t)64 << 20)

typedef struct live_feature live_feature;
typedef struct live_version live_version;

struct ig_loop {
    ig_context *ctx;
    ig_store *store;
    const ig_kind *const *kinds;
    char *folder;              /* WORKSPACE/features */
    pthread_mutex_t lock;      /* of the two lists */
    pthread_mutex_t opening;   /* one version is opened at a time */
    live_feature *features;
    live_version *versions;
};

/* ---- folder.c: paths, locks, publishing ---------------------------------------------------------------------------- */

typedef struct loop_lock {
    int fd; /* -1: not held */
} loop_lock;
ig_status loop_path(const ig_loop *l, const char *name, const char *rest, char out[IG_PATH_MAX], ig_error *err);
ig_status loop_version_path(const ig_loop *l, const char *name, int64_t number, char out[IG_PATH_MAX], ig_error *err);
/* file: "train.lock" or "build.lock".  Waits `seconds`; then IG_E_STATE, with the number of the process that holds it. */
ig_status loop_lock_take(const ig_loop *l, const char *name, const char *file, double seconds, loop_lock *out, ig_error *err);
void loop_lock_drop(loop_lock *k); /* one that is not held is allowed */
ig_status loop_name_check(const char *name, ig_error *err);

/* objects.c: staging/N becomes versions/N, its files links to objects, all on the disk. */
ig_status loop_publish(const ig_loop *l, const char *name, int64_t number, ig_error *err);
ig_status loop_objects_sweep(const ig_loop *l, const char *name, int64_t *removed, ig_error *err);

/* ---- rows.c: a feature, its kind and settings; items and cases in memory --------------------------------------------- */

typedef struct loop_feature {
    ig_store_feature row;
    const ig_kind *kind;
    ig_doc *settings;
} loop_feature;
ig_status loop_feature_get(ig_loop *l, const char *name, loop_feature *out, ig_error *err);
void loop_feature_fini(loop_feature *f);

/* Position by name; the names must outlive it. */
typedef struct loop_index {
    struct loop_index_slot {
        const char *name;
        size_t at;
    } *slot;
    size_t count, cap;
} loop_index;
size_t loop_index_get(const loop_index *x, const char *name); /* SIZE_MAX: none */
ig_status loop_index_put(loop_index *x, const char *name, size_t at, ig_error *err); /* replaces */
void loop_index_fini(loop_index *x);

typedef struct loop_items {
    ig_item *at;
    size_t count, cap;
    loop_index index;
} loop_items;
/* Replaces an item of the same id, or appends. */
ig_status loop_items_put(loop_items *x, const ig_item *item, ig_error *err);
ig_status loop_items_load(ig_loop *l, const char *feature, loop_items *out, ig_error *err); /* the live ones */
void loop_items_fini(loop_items *x);

typedef struct loop_cases {
    ig_case *at;
    size_t count, cap;
} loop_cases;
ig_status loop_cases_put(loop_cases *x, const ig_case *c, ig_error *err); /* copied; JSON brought to one form */
void loop_cases_fini(loop_cases *x);
ig_status loop_cases_write(const loop_cases *x, const char *folder, ig_error *err);
/* of: only this origin and above; a file that is not there holds no cases */
ig_status loop_cases_read(const char *folder, ig_case_origin of, loop_cases *out, ig_error *err);
/* What items teach. */
ig_status loop_cases_of_items(const ig_kind *k, const ig_tree *settings, const loop_items *items, loop_cases *out,
                              ig_error *err);

struct ig_case_sink {
    loop_cases *cases;
};
/* reading.c */
struct ig_item_sink {
    loop_items *items;
    ig_buf *notes;    /* JSON of the entries, separated by commas */
    size_t put, bad, noted, listed;
};
ig_status loop_read_sources(const loop_feature *f, const ig_tree *settings, const ig_source *sources, size_t count,
                            ig_item_sink *sink, ig_error *err);
void loop_json_notes(ig_json *j, const ig_item_sink *sink);

/* ---- split.c: which groups are held out ------------------------------------------------------------------------------- */

bool loop_held_back(const char *feature, const ig_case *c); /* kept for judging, when there are enough of them; never content */
int loop_fold(const char *feature, const char *group); /* 0 … LOOP_FOLDS-1 */
/* May be judged by: its right answer is confirmed, or some answer is known to be wrong. */
bool loop_judged(const ig_case *c);
bool loop_case_is_not(const ig_case *c); /* expected {"not": …}: only a wrong answer is known */
/* Borrowed copies of the cases to learn from: without held-out groups, once there are enough of those. */
ig_status loop_cases_to_learn(const char *feature, const loop_cases *all, ig_case **out, size_t *count, ig_error *err);

/* ---- voices.c ------------------------------------------------------------------------------------------------------------ */

typedef struct loop_said {
    ig_said *at;             /* oldest first; a voice that repeats itself about one thing comes once */
    size_t count;
    ig_store_interaction *interactions; /* owned */
    ig_store_feedback *feedbacks;
    bool *has_feedback;
    size_t rows, cap;
    int64_t last;            /* greatest number of a feedback */
    size_t fresh;            /* feedbacks after `since` */
    ig_buf voices_down;      /* JSON list, or empty */
} loop_said;
/* Everything of the feature that may be learned from, weighed; fresh counts feedback after number `since`. */
ig_status loop_said_load(ig_loop *l, const char *feature, int64_t since, loop_said *out, ig_error *err);
void loop_said_fini(loop_said *s);
ig_status loop_said_weigh(loop_said *s, ig_error *err);
/* Number of the last feedback that some version learned from. */
ig_status loop_learned_last(ig_loop *l, const char *feature, int64_t *last, ig_error *err);

/* ---- build.c: one version from staging to complete ---------------------------------------------------------------------- */

typedef struct loop_draft {
    ig_loop *l;
    const loop_feature *f;
    const ig_tree *settings;
    const ig_doing *doing;
    int64_t number, parent;
    char folder[IG_PATH_MAX];
} loop_draft;
/* A row and an empty folder under staging. */
ig_status loop_draft_begin(loop_draft *d, const char *reason, int64_t content, ig_error *err);
/* Builds into it and writes cases.jsonl. */
ig_status loop_draft_build(loop_draft *d, ig_build_mode mode, const loop_items *items, const ig_case *cases, size_t count,
                           ig_error *err);
/* Writes version.json and moves it to versions/; after that loop_draft_complete or loop_draft_fail. */
ig_status loop_draft_publish(loop_draft *d, const char *card, ig_error *err);
ig_status loop_draft_complete(loop_draft *d, const char *card, ig_error *err);
void loop_draft_fail(loop_draft *d, const ig_error *why);
ig_status loop_build_in(ig_loop *l, const loop_feature *f, const ig_tree *settings, ig_build_mode mode, const char *folder,
                        const char *previous, const loop_items *items, const ig_case *cases, size_t count,
                        const ig_doing *doing, ig_error *err);
/* A content version made from `from` (its weights, its lessons), holding `items`, as a draft that is built. */
ig_status loop_draft_content(loop_draft *d, const char *reason, int64_t from, int64_t content, const loop_items *items,
                             ig_error *err);

/* ---- live.c: versions that are open --------------------------------------------------------------------------------------- */

typedef struct loop_use {
    live_version *version;
    struct loop_tombs *tombs; /* what is withdrawn */
    char feature[IG_STORE_ID_SIZE];
    int64_t number;
    bool candidate;
    const ig_kind *kind;
    void *handle;
    const ig_tree *settings;
} loop_use;
/* number 0: the live one, or the candidate when `draw` (0 … 1) falls into its share. */
ig_status loop_use_begin(ig_loop *l, const char *name, int64_t number, double draw, loop_use *out, ig_error *err);
void loop_use_end(ig_loop *l, loop_use *u);
bool loop_use_withdrawn(void *use, const char *item); /* for ig_ask */
void loop_live_forget(ig_loop *l, const char *name);  /* what is known of it is read again at the next use */
void loop_live_close(ig_loop *l);

/* ---- judge.c, compare.c ------------------------------------------------------------------------------------------------------ */

/* Judgements of `cases`, in their order; free with loop_judgements_free. */
ig_status loop_judge(const ig_kind *k, void *version, const ig_case *cases, size_t count, ig_judgement **out, ig_error *err);
ig_status loop_judge_folder(ig_loop *l, const ig_kind *k, const ig_tree *settings, const char *folder, const ig_case *cases,
                            size_t count, ig_judgement **out, ig_error *err);
void loop_judgements_free(ig_judgement *j, size_t count);
/* Known answers of the live version that the draft at `folder` gets wrong: appends "broken": [...] entries; *broken counts. */
ig_status loop_known_answers(ig_loop *l, const loop_feature *f, const ig_tree *settings, const char *folder,
                             const loop_items *items, ig_buf *list, size_t *broken, ig_error *err);

typedef struct loop_pair {
    int64_t from, to;
    const char *from_folder, *to_folder;
    const loop_cases *cases;  /* of today */
    const loop_items *items;
    const ig_doing *doing;
} loop_pair;
/* Appends the comparison; *verdict is one of the literals of docs/LOOP.md. */
ig_status loop_compare_pair(ig_loop *l, const loop_feature *f, const loop_pair *p, ig_buf *out, ig_error *err);

/* ---- small things of several files ---------------------------------------------------------------------------------------------- */

void loop_json_raw(ig_json *j, const char *json);  /* null when it does not parse */
void loop_json_key_text(ig_json *j, const char *key, const char *text);
void loop_json_key_int(ig_json *j, const char *key, int64_t v);
void loop_json_key_real(ig_json *j, const char *key, double v);
void loop_json_key_bool(ig_json *j, const char *key, bool v);
void loop_json_key_raw(ig_json *j, const char *key, const char *json);
void loop_json_words(ig_json *j, const char *key, const char *en, const char *zh);
void loop_json_key_interval(ig_json *j, const char *key, ig_interval v);
void loop_put_version(ig_json *j, const ig_store_feature_version *v);
ig_status loop_version_json(ig_loop *l, const char *feature, int64_t number, ig_buf *out, ig_error *err);
/* The question among the fields of a request: the first required text. */
const char *loop_question(const ig_kind *k, const ig_tree *request);
ig_status loop_tell(const ig_doing *doing, const char *stage, double done, double total, ig_error *err);

#endif
