/* ingot/features.h: the one loop, and what a kind of feature is.
 *
 *     content ──read──► items ──┐                        question ──answer──► interaction ──► feedback
 *                               ├──build──► version ────────▲                                    │
 *     feedback ──learn──► cases ┘             │  judge: on held-out cases, beside the live one   │
 *                  ▲                          └──► gate ──► promote, roll back                   │
 *                  └─────────────────────────────────────────────────────────────────────────────┘
 *
 * A kind is a table: what it takes and gives, described once, and a few functions.  Versions, interactions, feedback, the
 * gate, jobs, routes, command-line verbs, console pages and reports are written once, over this table; a new kind is a folder
 * and a line in ig_kinds.  docs/LOOP.md tells the same as a user sees it, with the HTTP routes and the JSON that they return.
 *
 * The calls of the loop may come from several threads and processes.  Results are JSON objects, the same for the command
 * line (--json), HTTP and the console.
 */
#ifndef INGOT_FEATURES_H
#define INGOT_FEATURES_H

#include "ingot/loop_store.h"
#include "ingot/stats.h"

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/* ==== what a kind says of itself ====================================================================================== */

typedef struct ig_words {
    const char *en, *zh;
} ig_words;

typedef enum ig_field_type {
    IG_FIELD_TEXT,
    IG_FIELD_PROSE,  /* text of several lines */
    IG_FIELD_INT,
    IG_FIELD_REAL,
    IG_FIELD_BOOL,
    IG_FIELD_CHOICE, /* one of `choices` */
    IG_FIELD_FILES,  /* files or folders, uploaded or named; may be given several times */
    IG_FIELD_URL,
    IG_FIELD_MODEL,  /* a model of the workspace */
    IG_FIELD_ITEM,   /* id of an item of the feature's content */
    IG_FIELD_LIST,   /* of maps with the fields `of` */
    IG_FIELD_MAP
} ig_field_type;

/* One thing that a kind takes or gives.  A row makes a command-line option, the check of a body, a form and a line of docs. */
typedef struct ig_field ig_field;
struct ig_field {
    const char *name;      /* NULL ends the table.  In options '_' is written '-' */
    ig_field_type type;
    ig_words label, help;
    bool required;
    double min, max;       /* of numbers, and bytes of texts; checked when max > min */
    const char *choices;   /* "auto|en|zh"; of FILES the endings that it reads, "/" for folders: "csv|xlsx|/" */
    const char *otherwise; /* default, as JSON; NULL: none */
    const ig_field *of;    /* of LIST and MAP */
};

typedef struct ig_metric {
    const char *name;      /* "accuracy"; NULL ends the table.  The first decides at the gate */
    ig_words label, help;
    bool lower_is_better;
} ig_metric;

/* ==== content ========================================================================================================= */

/* One source of content as it was given: exactly one of path, url, text is there. */
typedef struct ig_source {
    const char *field;     /* which field of kind.source_fields: "faq" */
    const char *path;      /* file or folder */
    const char *url;
    const char *text;      /* JSON of items that a caller gives directly; len bytes */
    size_t len;
    const char *name;      /* for people: the file name as uploaded */
    const ig_tree *options; /* how to read it, as {"question_column": "Q"}; may be NULL */
} ig_source;

/* Where a kind puts what it reads.  `id` is stable for the same thing (a question, a page's section), so that adding a
 * corrected table changes items instead of doubling them; body is a JSON object of the kind's own form, with "title" for
 * lists.  A bad row is named and left out: it stops nothing else. */
typedef struct ig_item_sink ig_item_sink;
ig_status ig_item_put(ig_item_sink *sink, const char *id, const char *body, size_t len, const char *file, int64_t line,
                      ig_error *err);
void ig_item_bad(ig_item_sink *sink, const char *file, int64_t line, const char *fmt, ...) IG_PRINTF(4, 5);
/* As ig_item_bad, for what is taken all the same: a duplicate, a row that was cut. */
void ig_item_note(ig_item_sink *sink, const char *file, int64_t line, const char *fmt, ...) IG_PRINTF(4, 5);

/* ==== cases: requests whose right answer is known, or not known, or known not to be something =========================== */

typedef enum ig_case_origin { IG_CASE_CONTENT, IG_CASE_FEEDBACK, IG_CASE_STAFF, IG_CASE_UNLABELLED } ig_case_origin;

/* group: paraphrases of one thing share it; the loop assigns whole groups, once and for ever, to training or held-out.
 * expected: JSON of the kind's own form, as {"item": id} or {"not": [id]}; NULL for an unlabelled request.
 * weight: 0 … 1, how far to trust it. */
typedef struct ig_case {
    const char *id;          /* stable: of the item and form, or of the feedback */
    const char *group;
    const char *request;     /* JSON */
    const char *expected;    /* JSON or NULL */
    double weight;
    ig_case_origin origin;
    bool confirmed;          /* a person said so: may be held out and judged by */
} ig_case;

typedef struct ig_case_sink ig_case_sink;
ig_status ig_case_put(ig_case_sink *sink, const ig_case *c, ig_error *err); /* copied */

/* Feedback with the interaction that it is about, in the order of time. */
typedef struct ig_said {
    const ig_store_interaction *interaction;
    const ig_store_feedback *feedback; /* NULL: an interaction without feedback */
    double weight;                     /* of the voice, see docs/LOOP.md; staff 1 */
} ig_said;

/* ==== building ========================================================================================================= */

typedef enum ig_build_mode {
    IG_BUILD_FIRST,    /* from content alone */
    IG_BUILD_CONTENT,  /* previous weights, new index: seconds */
    IG_BUILD_LEARN     /* everything that was said, too */
} ig_build_mode;

typedef struct ig_item {
    const char *id, *body;   /* body: JSON */
    const char *source;      /* file it came from, "" when given directly */
    int64_t line;
} ig_item;

/* Told what is being done; false: stop (the build returns IG_E_CANCELLED).  done/total in steps of `stage`. */
typedef bool ig_progress_fn(void *arg, const char *stage, double done, double total, const char *detail);

typedef struct ig_build {
    ig_context *ctx;
    ig_build_mode mode;
    const ig_tree *settings;  /* checked, defaults filled in */
    const char *folder;       /* exists and is empty: the version's files go here */
    const char *previous;     /* folder of the version to go on from; NULL at first */
    const ig_item *items;     /* live content, in the order it was added */
    size_t item_count;
    const ig_case *cases;     /* to learn from; the held-out ones are not among them */
    size_t case_count;
    uint64_t seed;
    ig_progress_fn *progress; /* never NULL */
    void *arg;
} ig_build;

/* ==== answering ======================================================================================================== */

typedef enum ig_outcome { IG_OUTCOME_ANSWERED, IG_OUTCOME_UNKNOWN, IG_OUTCOME_PERSON } ig_outcome;

/* Writes text from messages ([{"role","content"}…], JSON), piece by piece; given by whoever has a chat model. */
typedef bool ig_text_fn(void *arg, const char *text, size_t len); /* false: stop */
typedef ig_status ig_writer_fn(void *arg, const char *messages, ig_text_fn *on_text, void *on_text_arg, ig_error *err);

typedef struct ig_ask {
    const ig_tree *request;       /* checked against kind.request_fields */
    const char *language;         /* "en", "zh", or NULL: of the question */
    const ig_said *earlier;       /* of this conversation, oldest first */
    size_t earlier_count;
    bool (*withdrawn)(void *arg, const char *item); /* tombstones: content that must not be answered from; never NULL */
    void *withdrawn_arg;
    ig_writer_fn *write;          /* NULL: no chat model */
    void *write_arg;
    ig_text_fn *on_text;          /* NULL: only the whole is wanted */
    void *on_text_arg;
} ig_ask;

typedef struct ig_reply {
    ig_buf *json;                 /* append a JSON object of the form kind.answer_fields */
    ig_outcome outcome;
    double confidence;            /* 0 … 1, calibrated */
} ig_reply;

/* One metric value per case and metric, in the order of kind.metrics; NAN: does not count for it.  answer: what it said, in a
 * few words of JSON, for lists of what changed; NULL is allowed. */
typedef struct ig_judgement {
    double value[8];
    bool right;                   /* the answer is the confirmed one */
    char *answer;                 /* ig_free */
} ig_judgement;

struct ig_kind;
typedef struct ig_kind ig_kind;
struct ig_kind {
    const char *name;             /* "support" */
    ig_words title, about;
    const ig_field *source_fields, *setting_fields, *request_fields, *answer_fields, *correction_fields;
    const ig_metric *metrics;     /* at most 8 */

    /* Check and take in one source. */
    ig_status (*read)(const ig_source *source, const ig_tree *settings, ig_item_sink *sink, ig_error *err);
    /* What an item teaches: its questions, say. */
    ig_status (*examples)(const ig_item *item, const ig_tree *settings, ig_case_sink *sink, ig_error *err);
    /* What feedback teaches. */
    ig_status (*learn)(const ig_said *said, size_t count, const ig_tree *settings, ig_case_sink *sink, ig_error *err);
    ig_status (*build)(const ig_build *b, ig_error *err);
    /* A version, ready to answer from several threads at once. */
    ig_status (*open)(ig_context *ctx, const char *folder, const ig_tree *settings, void **out, ig_error *err);
    void (*close)(void *version);
    ig_status (*answer)(void *version, const ig_ask *ask, ig_reply *reply, ig_error *err);
    /* Why: a JSON object; `answer` is what was answered. */
    ig_status (*explain)(void *version, const ig_ask *ask, const ig_tree *answer, ig_buf *out, ig_error *err);
    ig_status (*judge)(void *version, const ig_case *cases, size_t count, ig_judgement *out, ig_error *err);
};

extern const ig_kind *const ig_kinds[]; /* NULL ends it */
const ig_kind *ig_kind_find(const ig_kind *const *kinds, const char *name);
/* The description as JSON (docs/LOOP.md, "What a kind says of itself"). */
ig_status ig_kind_describe(const ig_kind *k, ig_buf *out, ig_error *err);
/* A value against a table of fields: IG_E_ARG names the field and what was expected, with the nearest known name for an unknown
 * one.  *out is the value with defaults filled in; free with ig_doc_free. */
ig_status ig_fields_check(const char *what, const ig_field *fields, const ig_tree *value, ig_doc **out, ig_error *err);

/* ==== the loop ========================================================================================================= */

typedef struct ig_loop ig_loop;

typedef struct ig_loop_opts {
    const char *workspace;        /* features lie in WORKSPACE/features/NAME */
    ig_store *store;              /* borrowed */
    const ig_kind *const *kinds;  /* NULL: ig_kinds */
} ig_loop_opts;
ig_status ig_loop_open(ig_context *ctx, const ig_loop_opts *opts, ig_loop **out, ig_error *err);
void ig_loop_close(ig_loop *l); /* NULL is allowed; nobody may be in a call */

/* Who does something, and whether to go on. */
typedef struct ig_doing {
    const char *who;              /* id of a key; NULL: the owner of the machine */
    uint64_t seed;
    ig_progress_fn *progress;     /* NULL: none */
    void *arg;
} ig_doing;

/* Make a feature: checks the settings (NULL: defaults), reads the sources, builds version 1 and puts it live.  On failure
 * nothing of it is left. */
ig_status ig_loop_new(ig_loop *l, const char *name, const char *kind, const ig_tree *settings, const ig_source *sources,
                      size_t source_count, const ig_doing *doing, ig_buf *out, ig_error *err);
/* More content, live at once: a new version with the same weights.  Refused with IG_E_STATE, and nothing changed, when known
 * answers break (they are listed in *out) unless `force`. */
ig_status ig_loop_add(ig_loop *l, const char *name, const ig_source *sources, size_t source_count, bool force,
                      const ig_doing *doing, ig_buf *out, ig_error *err);
/* Tombstones: from now on no version answers from these items, after a rollback either. */
ig_status ig_loop_withdraw(ig_loop *l, const char *name, const char *const *items, size_t count, const ig_doing *doing,
                           ig_buf *out, ig_error *err);
/* Settings that were given, over those that are there; a new version with the same weights. */
ig_status ig_loop_set(ig_loop *l, const char *name, const ig_tree *settings, const ig_doing *doing, ig_buf *out, ig_error *err);

typedef struct ig_ask_opts {
    const char *user;             /* who asks; kept as a keyed hash only.  NULL: unknown */
    const char *conversation;     /* id of an earlier answer's conversation; NULL: a new one */
    const char *key;              /* id of the key it came with */
    bool no_record;               /* answer and forget: no id, no feedback */
    bool no_consent;              /* may be kept to be rated, not to be learned from */
    int64_t version;              /* 0: the live one (or the candidate, for its share) */
    ig_writer_fn *write;
    void *write_arg;
    ig_text_fn *on_text;
    void *on_text_arg;
} ig_ask_opts;
/* {"id", "feature", "version", "conversation", "outcome", "confidence", "answer": {…}, "seconds"} */
ig_status ig_loop_ask(ig_loop *l, const char *name, const ig_tree *request, const ig_ask_opts *opts, ig_buf *out, ig_error *err);
ig_status ig_loop_explain(ig_loop *l, const char *interaction, ig_buf *out, ig_error *err);

typedef struct ig_feedback_opts {
    const char *type;             /* "like", "dislike", "none" (taken back), "correction", "rating", "click", "conversion", "label" */
    double value;                 /* of a rating */
    const ig_tree *correction;    /* checked against kind.correction_fields */
    const char *reason;           /* a chip: "wrong", "incomplete", "outdated", "unclear", or free text */
    const char *user;
    const char *who;              /* key; staff and admin count as staff */
    bool staff;
} ig_feedback_opts;
ig_status ig_loop_feedback(ig_loop *l, const char *interaction, const ig_feedback_opts *opts, ig_buf *out, ig_error *err);

/* Learn from what was said: a candidate, compared with the live version.  IG_E_STATE when somebody else trains this feature,
 * or when nothing new was said. */
ig_status ig_loop_improve(ig_loop *l, const char *name, const ig_doing *doing, ig_buf *out, ig_error *err);
/* Version b beside version a on all held-out cases of today: verdict, intervals, fixed, changed, broken. */
ig_status ig_loop_compare(ig_loop *l, const char *name, int64_t a, int64_t b, ig_buf *out, ig_error *err);
/* Version 0: the newest candidate.  IG_E_STATE when its gate says "worse", unless `force`. */
ig_status ig_loop_promote(ig_loop *l, const char *name, int64_t version, bool force, const ig_doing *doing, ig_buf *out,
                          ig_error *err);
ig_status ig_loop_rollback(ig_loop *l, const char *name, const ig_doing *doing, ig_buf *out, ig_error *err);
/* Answer this share (0 … 1) of the questions by a candidate. */
ig_status ig_loop_share(ig_loop *l, const char *name, int64_t version, double share, const ig_doing *doing, ig_buf *out,
                        ig_error *err);
ig_status ig_loop_report(ig_loop *l, const char *name, int64_t since, ig_buf *out, ig_error *err);
ig_status ig_loop_list(ig_loop *l, ig_buf *out, ig_error *err);
ig_status ig_loop_show(ig_loop *l, const char *name, ig_buf *out, ig_error *err);
ig_status ig_loop_remove(ig_loop *l, const char *name, const ig_doing *doing, ig_error *err);
/* Remove versions that are neither live, candidate, nor among the `keep` newest, and contents that no version uses. */
ig_status ig_loop_gc(ig_loop *l, const char *name, int64_t keep, const ig_doing *doing, ig_buf *out, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
