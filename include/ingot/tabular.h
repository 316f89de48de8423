/* ingot/tabular.h: tables as training data.
 *
 *     CSV, JSON, XLSX ──ig_frame_load──► coded columns ──ig_profile──► types, with the evidence
 *                                           │  │  └──ig_table_check──► findings: what is wrong, how often, on which lines
 *                                           │  └──ig_row_split_*──► held out rows, folds
 *                                           └──ig_preparation_fit──► preparation.json ──► numbers f32 [N,D], index i32 [N,F]
 *     libsvm, libfm ──ig_csr_load──► sparse rows
 *
 * A preparation is fitted once, on training rows, and applied to a table, a row or a JSON object ever after: the same cell gives
 * the same numbers at training and at answer time.
 */
#ifndef INGOT_TABULAR_H
#define INGOT_TABULAR_H

#include "ingot/documents.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- a table in memory ------------------------------------------------------------------------------------------------ */

/* Every different value once, cells as numbers of values: what is asked of a column is asked of its values. */
typedef struct ig_frame_column {
    const char *name;
    uint32_t *code;      /* [rows] */
    size_t distinct;
    const char **value;  /* [distinct] without space at the ends, in the order of their first row */
    uint32_t *count;     /* [distinct] rows */
    uint32_t *first;     /* [distinct] row */
    bool *missing;       /* [distinct] says that there is no value */
    size_t missing_rows;
} ig_frame_column;

typedef struct ig_frame {
    char *file;
    size_t rows, columns;
    int *line;           /* [rows] */
    ig_frame_column *column;
    struct frame_store *store; /* what holds the values */
} ig_frame;

typedef struct ig_frame_opts {
    ig_table_opts table;         /* headless among others */
    const char *const *missing;  /* texts that mean "no value", without regard to case; NULL: those of ig_missing_words.  An empty
                                    cell always does */
    size_t missing_count;
    const char *drop_stop;       /* a column whose values lose a full stop at their end ("50K." is "50K"); may be NULL */
} ig_frame_opts;
extern const char *const ig_missing_words[]; /* ?, NA, N/A, #N/A, NaN, null, \N …; ends with NULL */

/* IG_E_FORMAT for a table without rows, IG_E_LIMIT past IG_TABLE_ROWS_MAX.  opts may be NULL. */
ig_status ig_frame_load(const char *path, const ig_frame_opts *opts, ig_frame *out, ig_error *err);
ig_status ig_frame_parse(const char *name, const void *bytes, size_t len, const ig_frame_opts *opts, ig_frame *out, ig_error *err);
void ig_frame_fini(ig_frame *f);
int ig_frame_find(const ig_frame *f, const char *name); /* -1: no such column */
/* IG_E_NOT_FOUND, listing the columns that there are. */
ig_status ig_frame_column_of(const ig_frame *f, const char *name, int *out, ig_error *err);
/* Hash of every row's values: what ig_row_split wants as `key`.  skip: a column that is left out (the label); -1: none. */
void ig_frame_keys(const ig_frame *f, int skip, uint64_t *key /* [rows] */);
/* Hash of every row's value in one column: ig_row_split's `group`. */
void ig_frame_value_keys(const ig_frame *f, int column, uint64_t *key /* [rows] */);
/* The numbers (dates: seconds since 1970) of a column, NaN where there is none: ig_row_split's `time`.  IG_E_FORMAT names the first
 * row that is neither number nor date. */
ig_status ig_frame_times(const ig_frame *f, int column, double *time /* [rows] */, ig_error *err);

/* ---- what a column holds ---------------------------------------------------------------------------------------------- */

typedef enum ig_column_type {
    IG_COLUMN_CONSTANT, /* one value, or none */
    IG_COLUMN_BOOLEAN,
    IG_COLUMN_INTEGER,
    IG_COLUMN_NUMBER,
    IG_COLUMN_DATE,     /* or date and time */
    IG_COLUMN_CATEGORY,
    IG_COLUMN_TEXT,
    IG_COLUMN_ID,       /* names the row: nothing is to be learned from it */
    IG_COLUMN_TYPES
} ig_column_type;
const char *ig_column_type_name(ig_column_type t); /* "constant" … */
bool ig_column_type_parse(const char *name, ig_column_type *out);

typedef enum ig_column_reason { /* why a type was chosen */
    IG_REASON_ONE_VALUE, IG_REASON_BOOLEAN_WORDS, IG_REASON_PARSES, IG_REASON_NAMED_ID, IG_REASON_COUNTS_ROWS, IG_REASON_ALL_DIFFER,
    IG_REASON_LONG, IG_REASON_REPEATS, IG_REASON_GIVEN
} ig_column_reason;

typedef enum ig_date_order { IG_DATE_YMD, IG_DATE_DMY, IG_DATE_MDY } ig_date_order;

typedef struct ig_column_profile {
    ig_column_type type;
    ig_column_reason reason;
    ig_date_order order;    /* of DATE */
    bool clock;             /* of DATE: some have a time of day */
    size_t rows, missing, distinct; /* distinct without what is missing */
    size_t bad;             /* rows that do not parse as the type: at most 1 % of them */
    double mean_chars, mean_words;
    /* of BOOLEAN, INTEGER, NUMBER and DATE (in days since 1970) */
    double min, max, mean, sd, q1, median, q3, mad; /* mad: median of |x - median| */
} ig_column_profile;

/* given: a type of the caller's choice (values that do not fit are counted as bad); IG_COLUMN_TYPES: found from the values. */
ig_status ig_profile(const ig_frame *f, size_t column, ig_column_type given, ig_column_profile *out, ig_error *err);

/* ---- splits ----------------------------------------------------------------------------------------------------------- */

/* What a row is decides where it goes, with the seed: not its place in the file. */
typedef struct ig_row_split {
    size_t rows;
    const uint64_t *key;     /* [rows] hash of the row; equal rows may still be told apart.  NULL: the row's number */
    const uint32_t *stratum; /* [rows] classes, which every part holds in equal shares (codes of a column); NULL */
    const uint64_t *group;   /* [rows] rows of one group stay together; NULL */
    const double *time;      /* [rows] later rows are held out; not with stratum or group; NULL */
    uint64_t seed;
} ig_row_split;

/* held[i]: row i is held out.  With groups, or with neither groups nor strata nor time, a hash decides alone: rows that are added
 * later move no other.  fraction in (0,1).  IG_E_ARG when one side would be empty. */
ig_status ig_row_split_held_out(const ig_row_split *s, double fraction, bool *held, ig_error *err);
/* fold[i] in 0 … folds-1.  Groups go to folds of even size, with strata of even shares (largest groups first).  By time, fold k is
 * the k-th stretch of time: train on those before it.  IG_E_ARG with fewer rows or groups than folds. */
ig_status ig_row_split_folds(const ig_row_split *s, int folds, int *fold, ig_error *err);

/* ---- a preparation: from cells to numbers ------------------------------------------------------------------------------- */

typedef enum ig_scaling {
    IG_SCALING_STANDARD, /* (x - mean) / sd */
    IG_SCALING_LOG,      /* sign(x) · log(1 + |x|), then as standard */
    IG_SCALING_BUCKETS,  /* quantile buckets: an index, no number */
    IG_SCALING_NONE
} ig_scaling;
typedef enum ig_impute { IG_IMPUTE_MEDIAN, IG_IMPUTE_MEAN } ig_impute;

typedef struct ig_column_choice { /* what the caller knows better */
    const char *column;
    ig_column_type type; /* IG_COLUMN_TYPES: found; ID, CONSTANT: left out */
    ig_scaling scaling;
} ig_column_choice;

typedef struct ig_preparation_opts {
    const char *label;       /* NULL: there is none */
    bool label_is_number;    /* regression; else its values are classes, in the order of their text */
    bool drop_stop;          /* a full stop at the end of a label does not count */
    const ig_column_choice *choice;
    size_t choices;
    ig_scaling scaling;      /* of numbers that no choice names */
    ig_impute impute;
    size_t buckets;          /* of IG_SCALING_BUCKETS; 0: 16 */
    size_t min_count;        /* rarer values share the bucket of unknown ones; 0: 1 */
    size_t hash_above;       /* categories with more values are hashed; 0: 10000 */
    size_t hash_buckets;     /* 0: 4096 */
    bool bad_is_missing;     /* a cell that is no number counts as missing; else it is an error */
    const char *const *missing;
    size_t missing_count;    /* as in ig_frame_opts */
    const bool *use;         /* [rows] the rows to fit on; NULL: all */
} ig_preparation_opts;

typedef struct ig_preparation ig_preparation;
/* Columns of types ID and CONSTANT are left out.  IG_E_ARG when nothing is left. */
ig_status ig_preparation_fit(const ig_frame *f, const ig_preparation_opts *opts, ig_preparation **out, ig_error *err);
ig_status ig_preparation_load(const char *path, ig_preparation **out, ig_error *err);
ig_status ig_preparation_parse(const char *name, const char *text, size_t len, ig_preparation **out, ig_error *err);
ig_status ig_preparation_save(const ig_preparation *p, const char *path, ig_error *err);
ig_status ig_preparation_json(const ig_preparation *p, ig_buf *out, ig_error *err); /* append */
void ig_preparation_free(ig_preparation *p); /* NULL is allowed */

/* The columns of the result.  Index 0 of a field: an unknown or rare value; 1: none; then the values that were seen. */
size_t ig_preparation_numbers(const ig_preparation *p); /* D */
size_t ig_preparation_indices(const ig_preparation *p); /* F */
size_t ig_preparation_texts(const ig_preparation *p);   /* S */
/* "age", "age missing", "when month" …: writes into buf and returns it. */
const char *ig_preparation_number_name(const ig_preparation *p, size_t i, char *buf, size_t size);
const char *ig_preparation_index_name(const ig_preparation *p, size_t i, char *buf, size_t size);
const char *ig_preparation_text_name(const ig_preparation *p, size_t i);
size_t ig_preparation_vocabulary(const ig_preparation *p, size_t i); /* of index i */
const char *ig_preparation_label(const ig_preparation *p); /* NULL: none */
size_t ig_preparation_classes(const ig_preparation *p);    /* 0: the label is a number, or there is none */
const char *ig_preparation_class(const ig_preparation *p, size_t i);

typedef struct ig_prepared {
    size_t rows;
    float *numbers;     /* [rows, D] */
    int32_t *indices;   /* [rows, F] */
    const char **texts; /* [rows, S] borrowed from the frame */
    double *label;      /* [rows] class or number; NULL where the table has no such column */
} ig_prepared;
/* Errors name the column and the line. */
ig_status ig_preparation_apply(const ig_preparation *p, const ig_frame *f, ig_prepared *out, ig_error *err);
void ig_prepared_fini(ig_prepared *x);

/* One row.  numbers [D], indices [F], texts [S] (borrowed from the row; may be NULL), label (NaN where there is none; may be
 * NULL) are filled. */
typedef struct ig_prepared_row {
    float *numbers;
    int32_t *indices;
    const char **texts;
    double *label;
} ig_prepared_row;
ig_status ig_preparation_row(const ig_preparation *p, const char *file, const ig_table *t, const ig_table_row *row,
                             const ig_prepared_row *out, ig_error *err);
/* {"age": 39, "job": "clerk", …}.  null says that there is no value; a key may only be absent where values were missing in training.
 * Keys that the preparation does not know are not looked at. */
ig_status ig_preparation_object(const ig_preparation *p, const char *name, const ig_tree *object, const ig_prepared_row *out, ig_error *err);

/* ---- sparse rows: libsvm and libfm ---------------------------------------------------------------------------------------- */

/* label [qid:q] index:value index:value … [# remark].  Row r: entries start[r] … start[r+1] - 1, ordered by index. */
typedef struct ig_csr {
    size_t rows, columns; /* columns: the greatest index + 1 */
    size_t entries;
    size_t *start;        /* [rows+1] */
    int32_t *index;       /* [entries] as in the file: libsvm's begin at 1, libfm's at 0 */
    float *value;         /* [entries] */
    double *label;        /* [rows] */
    int64_t *query;       /* [rows]; NULL without qid */
} ig_csr;
/* Errors name the line: a number that is none, an index below 0 or twice in a row. */
ig_status ig_csr_load(const char *path, ig_csr *out, ig_error *err);
ig_status ig_csr_parse(const char *name, const char *text, size_t len, ig_csr *out, ig_error *err);
void ig_csr_fini(ig_csr *x);
/* Whether a file's name ends as one of sparse rows does: .libfm, .libsvm, .svm. */
bool ig_csr_is_named(const char *path);
/* Any table; or sparse rows that all have the same number of entries, each 1: those become the columns "label", "field 1", "field 2" …
 * Rows of another length and other values are refused, by their number. */
ig_status ig_frame_load_any(const char *path, const ig_frame_opts *opts, ig_frame *out, ig_error *err);

/* ---- what is wrong with a table -------------------------------------------------------------------------------------------- */

typedef enum ig_finding_kind {
    IG_FINDING_BAD_ROW,        /* rows that could not be read */
    IG_FINDING_NO_HEADER,      /* the first row looks like data */
    IG_FINDING_CONSTANT,
    IG_FINDING_ID,             /* nothing is to be learned from it */
    IG_FINDING_MISSING,        /* detail: how it is written */
    IG_FINDING_BAD_VALUE,      /* does not fit the column's type; detail: one of them */
    IG_FINDING_SPELLING,       /* values that differ by case, space or a full stop only; detail: a pair */
    IG_FINDING_MANY_VALUES,    /* a category with more values than a tenth of the rows */
    IG_FINDING_OUTLIERS,       /* far outside; detail: one of them; value: robust z of it */
    IG_FINDING_DUPLICATES,     /* rows that came before */
    IG_FINDING_CONTRADICTION,  /* the same values and another label */
    IG_FINDING_LABEL_MISSING,
    IG_FINDING_IMBALANCE,      /* detail: the rarest class; value: its share */
    IG_FINDING_LEAK,           /* this column alone tells the label; value: how much of it, 1 is all */
    IG_FINDING_IN_TEST,        /* rows that the test table holds too; value: their share of the test rows */
    IG_FINDING_LABEL_SPELLING, /* classes of the test table that differ by case, space or a full stop */
    IG_FINDING_DRIFT,          /* another distribution than before; value: PSI */
    IG_FINDING_COLUMN_GONE,    /* detail: a column that the earlier or test table has and this one has not */
    IG_FINDING_COUNT
} ig_finding_kind;
const char *ig_finding_name(ig_finding_kind k);      /* "duplicates" … */
bool ig_finding_is_serious(ig_finding_kind k);       /* else something to look at */

#define IG_FINDING_LINES 5
typedef struct ig_finding {
    ig_finding_kind kind;
    int column;          /* -1: the whole table */
    size_t count;        /* rows (or values) */
    double value;
    int line[IG_FINDING_LINES], lines; /* the first of them */
    char detail[160];
} ig_finding;

/* A column now and before.   PSI = Σ (now - before) · ln(now / before) over the shares of 10 quantiles of before, or of values */
typedef struct ig_drift {
    bool known;          /* both tables have the column, with values */
    bool numeric;
    double psi;          /* below 0.1 the same; above 0.25 another */
    double statistic, p; /* Kolmogorov-Smirnov's D of numbers; chi² of values */
    double mean_before, mean_now;
    char value[80];      /* of categories: the one whose share moved most */
    double share_before, share_now;
} ig_drift;

typedef struct ig_table_check {
    ig_column_profile *profile; /* [columns] */
    ig_drift *drift;            /* [columns]; NULL without an earlier table */
    double *predicts;           /* [columns] how much of the label the column alone tells, 0 … 1; NULL without a label */
    ig_finding *finding;        /* serious ones first */
    size_t findings, findings_cap, serious;
    size_t duplicates;
    int label;                  /* column; -1: none */
    bool label_guessed;
} ig_table_check;

typedef struct ig_table_check_opts {
    const char *label;           /* NULL: guessed by name; "" none */
    const ig_frame *test, *before; /* may be NULL */
    const ig_error *bad_row;     /* [bad_rows] told while reading */
    size_t bad_rows;             /* of all */
    size_t bad_rows_kept;        /* in bad_row */
} ig_table_check_opts;
ig_status ig_table_check_run(const ig_frame *f, const ig_table_check_opts *opts, ig_table_check *out, ig_error *err);
void ig_table_check_fini(ig_table_check *c);

/* A histogram of a column: numbers and dates in `bins` equal steps from lo to hi (what lies outside of 1 % at either end joins the
 * last bin), categories by value, most frequent first, the last one being all others.  count [bins]. */
typedef struct ig_histogram {
    bool numeric;
    double lo, hi;
    size_t bins;          /* in use */
    size_t count[32];
    const char *value[32]; /* of categories; NULL: all others */
} ig_histogram;
ig_status ig_frame_histogram(const ig_frame *f, size_t column, const ig_column_profile *p, size_t bins, ig_histogram *out, ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
