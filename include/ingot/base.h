/* ingot/base.h: what every other room stands on.
 *
 * Status codes and errors, memory, growing byte buffers, files, JSON and YAML trees with a schema checker, the context
 * that owns what would otherwise be global (processor, executor, kernel tables, random key, log), the clock, and
 * counter-based random numbers.
 *
 * Conventions of the whole library: a function that can fail returns ig_status and takes `ig_error *err` last (may be
 * NULL); `**out` means that the caller owns what is stored there; a returned pointer is borrowed.  Option structs are
 * filled with zero for the defaults.
 */
#ifndef INGOT_BASE_H
#define INGOT_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define IG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define IG_MUST_CHECK __attribute__((warn_unused_result))
#else
#define IG_PRINTF(fmt, args)
#define IG_MUST_CHECK
#endif

/* ---- errors ---------------------------------------------------------------------------------------------------- */

typedef enum ig_status {
    IG_OK = 0,
    IG_E_NOMEM,       /* an allocation failed */
    IG_E_ARG,         /* the caller's argument is out of range or of the wrong form */
    IG_E_SHAPE,       /* dimensions that do not fit together */
    IG_E_DTYPE,       /* an element type that the operation does not take */
    IG_E_IO,          /* the operating system refused: open, read, write, full disk */
    IG_E_FORMAT,      /* a file or text from outside breaks the rules of its format */
    IG_E_LIMIT,       /* larger than a limit of ingot/limits.h allows */
    IG_E_NOT_FOUND,
    IG_E_EXISTS,
    IG_E_STATE,       /* right call, wrong moment (closed, busy, not captured yet) */
    IG_E_UNSUPPORTED, /* known, and not available here */
    IG_E_NUMERIC,     /* a loss or gradient that is not finite */
    IG_E_CANCELLED,   /* stopped on request */
    IG_E_BUSY,        /* too much is asked for at once: try again later */
    IG_E_INTERNAL     /* an invariant of ours is broken: please report it */
} ig_status;

/* What went wrong, for a person.  `file` and `line` name the input (not our source) and are "" and 0 where there is none. */
typedef struct ig_error {
    ig_status code;
    int line;
    char file[256];
    char message[768];
} ig_error;

/* Store a message in *err (which may be NULL) and return `code`, so that `return ig_error_set(…)` reads well. */
ig_status ig_error_set(ig_error *err, ig_status code, const char *fmt, ...) IG_PRINTF(3, 4);
ig_status ig_error_at(ig_error *err, ig_status code, const char *file, int line, const char *fmt, ...) IG_PRINTF(5, 6);
ig_status ig_error_nomem(ig_error *err, size_t bytes);
/* As ig_error_set, followed by ": " and the text of errno, which also chooses the code: IG_E_NOT_FOUND, IG_E_EXISTS,
 * IG_E_NOMEM, else IG_E_IO.  The second form names a file too. */
ig_status ig_error_errno(ig_error *err, const char *fmt, ...) IG_PRINTF(2, 3);
ig_status ig_error_errno_at(ig_error *err, const char *file, const char *fmt, ...) IG_PRINTF(3, 4);
/* "file:line: message", or what of it there is.  Returns buf. */
const char *ig_error_format(const ig_error *err, char *buf, size_t size);
const char *ig_status_name(ig_status s);

/* Leave with the status of a failed call:  IG_TRY(ig_file_read(…, err)); */
#define IG_TRY(call)                                                                                                   \
    do {                                                                                                               \
        ig_status ig_try_status_ = (call);                                                                             \
        if (ig_try_status_ != IG_OK) return ig_try_status_;                                                            \
    } while (0)

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* The one allocator of the library; libraries that take an allocator are given it.  NULL on failure only, never exits.
 * ig_realloc_array and ig_calloc check n*size for overflow. */
void *ig_malloc(size_t size) IG_MUST_CHECK;
void *ig_calloc(size_t n, size_t size) IG_MUST_CHECK;
void *ig_realloc(void *p, size_t size) IG_MUST_CHECK;
void *ig_realloc_array(void *p, size_t n, size_t size) IG_MUST_CHECK;
void ig_free(void *p);
char *ig_strdup(const char *s) IG_MUST_CHECK;
char *ig_strndup(const char *s, size_t n) IG_MUST_CHECK;
/* Aligned to 64 bytes, content undefined.  From 2 MiB on aligned to, and advised for, huge pages; freed large blocks are
 * kept for the next call, up to an eighth of the machine's memory.  Free with ig_free_aligned and the same size. */
void *ig_malloc_aligned(size_t size) IG_MUST_CHECK;
void *ig_calloc_aligned(size_t size) IG_MUST_CHECK; /* zeroed; large ones take memory only where they are written */
void ig_free_aligned(void *p, size_t size);
/* Overflow checks: false when a*b (a+b) does not fit; *out is then untouched. */
bool ig_mul_size(size_t a, size_t b, size_t *out);
bool ig_add_size(size_t a, size_t b, size_t *out);
/* Tests only: let the n-th allocation from now on fail (1 = the next one), once; 0 switches it off.
 * Returns the number of allocations seen since the previous call. */
uint64_t ig_alloc_fail_at(uint64_t n);

/* ---- bytes that grow --------------------------------------------------------------------------------------------- */

/* A byte buffer, always followed by a NUL that does not count.  Zero-initialise with a limit: ig_buf b = {.max = 1<<20}.
 * Appending past max, or a failed allocation, makes it sticky: further appends do nothing and ig_buf_status tells. */
typedef struct ig_buf {
    char *data;
    size_t len, cap, max;
    ig_status status;
} ig_buf;

void ig_buf_append(ig_buf *b, const void *bytes, size_t n);
void ig_buf_puts(ig_buf *b, const char *s);
void ig_buf_putc(ig_buf *b, char c);
void ig_buf_printf(ig_buf *b, const char *fmt, ...) IG_PRINTF(2, 3);
ig_status ig_buf_status(const ig_buf *b, ig_error *err);
void ig_buf_clear(ig_buf *b); /* len = 0 and status = OK, memory kept */
void ig_buf_fini(ig_buf *b);

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Read a whole file of at most `max` bytes into *out (append).  Errors name the file. */
ig_status ig_file_read(const char *path, size_t max, ig_buf *out, ig_error *err);
/* Map a file read-only.  An empty file gives data NULL, size 0. */
typedef struct ig_map_file {
    const uint8_t *data;
    size_t size;
} ig_map_file;
ig_status ig_file_map(const char *path, ig_map_file *out, ig_error *err);
void ig_file_unmap(ig_map_file *m);

/* Atomic replacement: the bytes go to a temporary file in the folder of `path`; commit does fsync, rename and fsync of
 * the folder.  Until commit renames, the old file is untouched; close without commit removes the temporary file.
 * A failed write or fsync is final: every later call on this writer returns the same error. */
typedef struct ig_writer ig_writer;
ig_status ig_writer_open(const char *path, ig_writer **out, ig_error *err);
ig_status ig_writer_write(ig_writer *w, const void *bytes, size_t n, ig_error *err);
ig_status ig_writer_commit(ig_writer *w, ig_error *err);
void ig_writer_close(ig_writer *w); /* NULL is allowed; frees w */
ig_status ig_file_write(const char *path, const void *bytes, size_t n, ig_error *err); /* open, write, commit, close */

bool ig_path_exists(const char *path);
bool ig_path_is_dir(const char *path);
ig_status ig_dir_make(const char *path, ig_error *err);   /* with parents; fine if it is there */
ig_status ig_dir_remove(const char *path, ig_error *err); /* with all that is in it; never follows links; fine if it is not there */
ig_status ig_dir_sync(const char *path, ig_error *err);
/* "a/b": joined into dst; an absolute b stands alone.  IG_E_LIMIT when it does not fit. */
ig_status ig_path_join(char *dst, size_t size, const char *a, const char *b, ig_error *err);
const char *ig_path_base(const char *path); /* after the last '/' */
/* Names in a folder (without . and ..), sorted by byte value.  Free with ig_names_free. */
ig_status ig_dir_list(const char *path, char ***names, size_t *count, ig_error *err);
void ig_names_free(char **names, size_t count);

/* ---- trees: JSON and YAML, and a schema that checks both ------------------------------------------------------------ */

/* A parsed JSON or YAML document.  Every node knows its line.  YAML is its JSON-like core: mappings with text keys,
 * sequences and scalars; aliases, tags, merge keys and duplicate keys are refused by line.  Scalars of YAML resolve as
 * in YAML 1.2's core schema (true/false/null, integers, floats); quoted ones are text. */
typedef enum ig_tree_type {
    IG_TREE_NULL,
    IG_TREE_BOOL,
    IG_TREE_INT,
    IG_TREE_REAL,
    IG_TREE_TEXT,
    IG_TREE_LIST,
    IG_TREE_MAP
} ig_tree_type;

typedef struct ig_tree ig_tree;
struct ig_tree {
    ig_tree_type type;
    int line;          /* 1-based; 0 when unknown */
    const char *key;   /* of this node in its map; NULL elsewhere */
    bool boolean;
    int64_t integer;
    double real;       /* also set for INT */
    const char *text;  /* NUL-terminated UTF-8 */
    size_t text_len;
    ig_tree *child;    /* first child of LIST and MAP */
    ig_tree *next;     /* next sibling */
    size_t count;      /* of children */
};

typedef struct ig_doc ig_doc; /* owns a tree */
/* `name` is used in errors.  Depth and size are limited (ingot/limits.h); duplicate keys are refused; text must be UTF-8. */
ig_status ig_json_parse(const char *name, const char *text, size_t len, ig_doc **out, ig_error *err);
ig_status ig_yaml_parse(const char *name, const char *text, size_t len, ig_doc **out, ig_error *err);
ig_status ig_doc_load(const char *path, size_t max, ig_doc **out, ig_error *err); /* .yaml/.yml is YAML, all else JSON */
ig_tree *ig_doc_root(const ig_doc *d);
const char *ig_doc_name(const ig_doc *d);
void ig_doc_free(ig_doc *d);
/* Set path.to.key to a scalar, list or map given as YAML text, making the maps on the way; for --set. */
ig_status ig_doc_set(ig_doc *d, const char *path, const char *yaml_value, ig_error *err);

const ig_tree *ig_tree_get(const ig_tree *map, const char *key);        /* NULL when absent or no map */
const ig_tree *ig_tree_path(const ig_tree *root, const char *dotted);   /* "train.lr"; NULL when absent */
const char *ig_tree_text(const ig_tree *map, const char *key, const char *otherwise);
double ig_tree_real(const ig_tree *map, const char *key, double otherwise);
int64_t ig_tree_int(const ig_tree *map, const char *key, int64_t otherwise);
bool ig_tree_bool(const ig_tree *map, const char *key, bool otherwise);
const char *ig_tree_type_name(ig_tree_type t);

/* JSON out.  A flat writer over ig_buf that keeps commas and quotes right; numbers as %.17g shortest form that
 * round-trips; non-finite numbers are written as null. */
typedef struct ig_json {
    ig_buf *out;
    int depth;
    uint64_t has_item; /* bit per depth */
    bool after_key;
    int indent;        /* 0 = one line */
} ig_json;
void ig_json_open(ig_json *j, char bracket);  /* '{' or '[' */
void ig_json_close(ig_json *j, char bracket); /* '}' or ']' */
void ig_json_key(ig_json *j, const char *key);
void ig_json_text(ig_json *j, const char *s);
void ig_json_text_n(ig_json *j, const char *s, size_t n); /* invalid UTF-8 becomes U+FFFD */
void ig_json_int(ig_json *j, int64_t v);
void ig_json_real(ig_json *j, double v);
void ig_json_bool(ig_json *j, bool v);
void ig_json_null(ig_json *j);
void ig_json_tree(ig_json *j, const ig_tree *t);

/* A schema is a static table; one checker names file, line, key and what was expected, and suggests the nearest known
 * key for an unknown one.  Fields are optional unless required; a field of a map may have fields of its own. */
typedef struct ig_schema_field ig_schema_field;
struct ig_schema_field {
    const char *key;                /* NULL ends the table; "*" takes any key */
    ig_tree_type type;              /* REAL also takes INT */
    bool required, nullable;
    bool has_range;                 /* for INT and REAL: min <= value <= max */
    double min, max;
    const char *choices;            /* for TEXT: "adam|adamw|sgd"; NULL = any */
    const ig_schema_field *fields;  /* for MAP: its table (NULL = anything); for LIST with item == MAP: of each item */
    ig_tree_type item;              /* for LIST: type of the items (NULL type = any) */
    const char *doc;                /* one line for --help and docs */
    const char *otherwise;          /* the default, for docs */
};
ig_status ig_schema_check(const char *name, const ig_tree *t, const ig_schema_field *fields, ig_error *err);

/* ---- context ------------------------------------------------------------------------------------------------------- */

typedef enum ig_cpu { IG_CPU_AUTO = 0, IG_CPU_REFERENCE, IG_CPU_AVX2, IG_CPU_AVX512 } ig_cpu;
typedef enum ig_log_level { IG_LOG_ERROR, IG_LOG_WARN, IG_LOG_INFO, IG_LOG_DEBUG } ig_log_level;
typedef void ig_log_fn(void *arg, ig_log_level level, const char *message);

typedef struct ig_context ig_context;
typedef struct ig_context_opts {
    int threads;         /* 0: the cores this process may use */
    ig_cpu cpu;          /* AUTO: environment IG_CPU=reference|avx2|avx512, else the best that the processor has */
    uint64_t seed;       /* key of all random streams */
    ig_log_fn *log;      /* NULL: warnings and errors to stderr */
    void *log_arg;
} ig_context_opts;

ig_status ig_context_new(const ig_context_opts *opts, ig_context **out, ig_error *err);
void ig_context_free(ig_context *ctx);
/* One thread computes at a time: whoever shares a context between threads enters before work on all cores and leaves after it;
 * a piece of work should take 20 ms at most.  A thread may enter again. */
void ig_context_enter(ig_context *ctx);
void ig_context_leave(ig_context *ctx);
int ig_context_threads(const ig_context *ctx);
ig_cpu ig_context_cpu(const ig_context *ctx);
bool ig_context_has_bf16(const ig_context *ctx); /* avx512_bf16, and not switched off by IG_CPU */
uint64_t ig_context_seed(const ig_context *ctx);
const char *ig_cpu_name(ig_cpu cpu);
void ig_log_write(ig_context *ctx, ig_log_level level, const char *fmt, ...) IG_PRINTF(3, 4);

/* A room's own part of the context, made on first use and freed with it (in reverse order of making).
 * Thread-safe.  base knows no room: the slot is only a number. */
typedef enum ig_slot { IG_SLOT_TENSOR, IG_SLOT_BACKEND, IG_SLOT_CONV, IG_SLOT_GRAPH, IG_SLOT_COUNT } ig_slot;
typedef ig_status ig_slot_make_fn(ig_context *ctx, void **out, ig_error *err);
typedef void ig_slot_free_fn(void *p);
ig_status ig_context_slot(ig_context *ctx, ig_slot slot, ig_slot_make_fn *make, ig_slot_free_fn *free_fn, void **out,
                          ig_error *err);

/* The executor.  Calls fn over [0,n) cut into ranges of at least `grain` items, on all threads of the context; returns
 * when all are done.  Which thread gets which range depends on n, grain and the number of threads only.
 * Called from inside fn, it runs serially.  thread is 0 … threads-1. */
typedef void ig_range_fn(void *arg, size_t begin, size_t end, int thread);
void ig_parallel_for(ig_context *ctx, size_t n, size_t grain, ig_range_fn *fn, void *arg);

/* ---- clock and process --------------------------------------------------------------------------------------------- */

double ig_clock(void);                 /* seconds, monotonic */
int64_t ig_unix_time(void);            /* seconds since 1970, UTC */
uint64_t ig_process_peak_bytes(void);  /* peak resident memory of this process */
uint64_t ig_process_bytes(void);       /* resident memory now */
uint64_t ig_memory_available(void);    /* bytes that the machine can still give */

/* ---- random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") ---------------- */

/* Four 32-bit words for (key, counter); pure: the same arguments always give the same words. */
void ig_philox(uint64_t key, uint64_t counter_hi, uint64_t counter_lo, uint32_t out[4]);
/* A stream of numbers for sequential use: position is (stream, next). */
typedef struct ig_rng {
    uint64_t key, stream, next;
    uint32_t word[4];
    int have;
} ig_rng;
void ig_rng_init(ig_rng *r, uint64_t key, uint64_t stream);
uint32_t ig_rng_u32(ig_rng *r);
uint64_t ig_rng_below(ig_rng *r, uint64_t n); /* uniform in [0,n), without bias; n >= 1 */
double ig_rng_uniform(ig_rng *r);             /* [0,1), 53 bits */
double ig_rng_normal(ig_rng *r);              /* Box-Muller */

/* ---- checksums and text ------------------------------------------------------------------------------------------------ */

uint32_t ig_crc32c(uint32_t crc, const void *bytes, size_t n); /* start with 0 */
uint64_t ig_hash64(const void *bytes, size_t n, uint64_t seed); /* for tables; not against attackers */
/* SHA-256 as 64 hex digits and a NUL. */
void ig_sha256_hex(const void *bytes, size_t n, char out[65]);
/* Length of the UTF-8 sequence at s[0..n) if it is valid, else 0. *cp gets the code point. */
size_t ig_utf8_decode(const char *s, size_t n, uint32_t *cp);
size_t ig_utf8_encode(uint32_t cp, char out[4]);
bool ig_utf8_valid(const char *s, size_t n);
/* Edit distance with a bound, for "did you mean". */
int ig_edit_distance(const char *a, const char *b, int bound);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
