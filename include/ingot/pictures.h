/* ingot/pictures.h: pictures as training data and as what a network is asked about.
 *
 *     JPEG, PNG, WebP, BMP, PPM ──ig_picture_decode──► u8 [H,W,C] ──ig_augment_apply──► f32 [H,W,C]
 *     folders, a table, IDX ──ig_picture_set_open──► names, classes ──ig_picture_batches──► f32 [B,H,W,C], i64 [B]
 *
 * Everything is NHWC: rows, then columns, then channels.  C is 1 (grey) or 3 (red, green, blue); what is transparent lies on
 * white, and a picture stands as its EXIF orientation says.  Batches are a function of (seed, index) and of nothing else.
 */
#ifndef INGOT_PICTURES_H
#define INGOT_PICTURES_H

#include "ingot/data.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* ---- one picture ------------------------------------------------------------------------------------------------- */

typedef struct ig_picture {
    uint8_t *data; /* [H,W,C] without gaps; from ig_malloc */
    int64_t height, width;
    int channels;  /* 1 or 3 */
} ig_picture;

/* Not cleared.  IG_E_LIMIT past IG_PICTURE_SIDE_MAX or IG_PICTURE_PIXELS_MAX. */
ig_status ig_picture_new(int64_t height, int64_t width, int channels, ig_picture *out, ig_error *err);
void ig_picture_fini(ig_picture *p); /* fine on a zeroed struct */

typedef enum ig_picture_format {
    IG_PICTURE_UNKNOWN,
    IG_PICTURE_JPEG, /* baseline and progressive; grey, YCbCr, RGB, CMYK and YCCK */
    IG_PICTURE_PNG,  /* every kind; 16 bits become 8 */
    IG_PICTURE_WEBP, /* no animations */
    IG_PICTURE_BMP,  /* 8, 24, 32 bits, not compressed */
    IG_PICTURE_PNM   /* binary PGM and PPM: P5, P6 */
} ig_picture_format;
const char *ig_picture_format_name(ig_picture_format f);                        /* "JPEG" … */
ig_picture_format ig_picture_format_of(const void *bytes, size_t len);         /* by its first bytes */
bool ig_picture_is_named(const char *path);                                    /* ends with .jpg, .png … of the above */

/* Whole pictures only: one that is cut off or damaged is IG_E_FORMAT, of a kind that is not read IG_E_UNSUPPORTED, larger than
 * the limits IG_E_LIMIT, told from the header before memory is taken.  channels: 1 or 3, or 0 for what the file has.
 * `name` stands in errors. */
ig_status ig_picture_decode(const char *name, const void *bytes, size_t len, int channels, ig_picture *out, ig_error *err);
ig_status ig_picture_read(const char *path, int channels, ig_picture *out, ig_error *err);

/* Append to *out, whose max is the caller's. */
ig_status ig_picture_encode_png(const ig_picture *p, ig_buf *out, ig_error *err);
ig_status ig_picture_encode_jpeg(const ig_picture *p, int quality /* 1 … 100 */, ig_buf *out, ig_error *err);
/* PNG, or JPEG of quality 90 when the name ends with .jpg or .jpeg; as ig_file_write. */
ig_status ig_picture_write(const char *path, const ig_picture *p, ig_error *err);

/* ---- resizing and cropping --------------------------------------------------------------------------------------- */

typedef enum ig_picture_filter {
    IG_PICTURE_BILINEAR, /* a triangle over two pixels of the coarser grid: smooth up, without aliases down */
    IG_PICTURE_AREA      /* down: the mean of what a pixel covers; up: the nearest pixel */
} ig_picture_filter;

/* Part of a picture, in whole pixels. */
typedef struct ig_picture_box {
    int64_t y, x, height, width;
} ig_picture_box;

/* The part `box` (NULL: all) of src, height × width large.  The same bytes as Pillow's crop and resize with BILINEAR or BOX. */
ig_status ig_picture_resize(const ig_picture *src, const ig_picture_box *box, int64_t height, int64_t width,
                            ig_picture_filter filter, ig_picture *out, ig_error *err);

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* What lies outside of the picture is left out.  On a grey picture a colour's brightness is drawn. */
typedef struct ig_color {
    uint8_t r, g, b;
} ig_color;
void ig_picture_fill(ig_picture *p, ig_picture_box box, ig_color c);
void ig_picture_frame(ig_picture *p, ig_picture_box box, int64_t thickness, ig_color c); /* grows inwards */
/* A line of text, its upper left corner at (y,x), each character 6·scale × 8·scale pixels: ASCII; any other is a hollow box. */
void ig_picture_text(ig_picture *p, int64_t y, int64_t x, int scale, const char *utf8, ig_color c);
int64_t ig_picture_text_width(int scale, const char *utf8);
/* 0 … 1, dark blue over green to yellow; monotonic in brightness, so that it survives a grey print. */
ig_color ig_heat_color(double value);
/* heat [rows,columns], its least value dark and its largest bright, over a colour picture of any size; opacity 0 … 1. */
ig_status ig_picture_heat(ig_picture *p, const float *heat, int64_t rows, int64_t columns, double opacity, ig_error *err);

/* ---- labelled pictures ------------------------------------------------------------------------------------------- */

/* What is wrong with single pictures.  Harmless: training goes on with the picture, or with what it would be left out for. */
typedef struct ig_picture_problem {
    bool harmless;
    ig_error error; /* names the file, and the line of a table */
} ig_picture_problem;

typedef struct ig_picture_problems {
    ig_picture_problem *item; /* the first IG_PROBLEMS_KEPT; all are counted */
    size_t len, cap, count, harmless;
} ig_picture_problems;
#define IG_PROBLEMS_KEPT 1000
void ig_picture_problems_fini(ig_picture_problems *p);

/* Told now and then of a check; false ends it with IG_E_CANCELLED. */
typedef bool ig_picture_progress_fn(void *arg, size_t done, size_t count);

typedef struct ig_picture_set_opts {
    const char *labels;          /* IDX: the file of labels; NULL: found beside, images-idx3 → labels-idx1 */
    int channels;                /* 1 or 3; 0: of files 3, of IDX 1 */
    const char *const *classes;  /* [class_count] names in a model's order; NULL: those found, sorted by byte */
    size_t class_count;
    size_t memory_max;           /* decoded bytes that may be kept; 0: IG_PICTURES_KEPT_BYTES_MAX */
    ig_picture_progress_fn *progress; /* NULL: nobody is told */
    void *progress_arg;
} ig_picture_set_opts;

typedef struct ig_picture_set ig_picture_set;
/* path: a folder with a folder of pictures for each class, a table with a column of paths (from its folder) and one of labels
 * (path/file/image/图片, label/class/标签 …), or an IDX file of pictures (as MNIST's, not compressed).  opts may be NULL.
 * Pictures are not decoded yet. */
ig_status ig_picture_set_open(const char *path, const ig_picture_set_opts *opts, ig_picture_problems *problems,
                              ig_picture_set **out, ig_error *err);
void ig_picture_set_free(ig_picture_set *s); /* NULL is allowed */
/* Decode every picture once, on all cores.  Those that cannot be read are told and leave the set (the others move up), the same
 * pixels twice are told.  Pictures are kept decoded where all fit into memory_max.  IG_E_FORMAT when more than a tenth
 * cannot be read.  After a failure the set can only be freed. */
ig_status ig_picture_set_check(ig_context *ctx, ig_picture_set *s, ig_picture_problems *problems, ig_error *err);

size_t ig_picture_set_count(const ig_picture_set *s);
size_t ig_picture_set_classes(const ig_picture_set *s);
const char *ig_picture_set_class(const ig_picture_set *s, size_t label);
int64_t ig_picture_set_label(const ig_picture_set *s, size_t i);
const char *ig_picture_set_name(const ig_picture_set *s, size_t i); /* "cat/0001.png"; of IDX the number */
int ig_picture_set_channels(const ig_picture_set *s);
/* After check: true when all have one size. */
bool ig_picture_set_size(const ig_picture_set *s, int64_t *height, int64_t *width);
ig_status ig_picture_set_decode(const ig_picture_set *s, size_t i, ig_picture *out, ig_error *err); /* from any thread */

/* Two lists of pictures of one set. */
typedef struct ig_picture_split {
    int64_t *train, *valid; /* in the set's order */
    size_t train_count, valid_count;
} ig_picture_split;
/* Of every class the share with the least hashes of their names: it does not depend on the order or the number of other
 * classes, and few pictures change sides when some are added.  Equal pictures (known after check) of a class stay on one side.
 * 0 <= share < 1; a class of two or more has at least one picture on either side when share > 0. */
ig_status ig_picture_split_make(const ig_picture_set *s, double share, ig_picture_split *out, ig_error *err);
void ig_picture_split_fini(ig_picture_split *split);

/* Mean and standard deviation of each channel, 1 being white, over the pictures index[count]; where they are not in
 * memory, over 2,000 of them, evenly taken. */
ig_status ig_picture_set_moments(ig_context *ctx, const ig_picture_set *s, const int64_t *index, size_t count, float mean[3],
                                 float std[3], ig_error *err);

/* ---- augmentation ------------------------------------------------------------------------------------------------ */

/* What becomes of a picture before the network sees it; 0 switches a line off.  Training, in this order: part of the picture
 * and size, rotation, scaling, shift, flips, colour, normalisation, erasing; mixup joins pictures of a batch.  Evaluation: the
 * shorter side to `resize`, the centre, normalisation.  Outside of a picture is the mean. */
typedef struct ig_augment {
    int64_t height, width;           /* H, W of what comes out */
    int channels;                    /* 1 or 3 */
    int64_t resize;                  /* shorter side before the crop; 0: the smallest that covers H × W */
    int64_t padding;                 /* random crop from the picture with so many pixels around it   (He et al. 2016, CIFAR) */
    float area_min, area_max;        /* random resized crop: share of the picture, aspect 3:4 to 4:3 (Szegedy et al. 2015) */
    float flip, flip_vertical;       /* probability */
    float rotate;                    /* degrees, either way */
    float scale_min, scale_max;      /* 0.8 1.2: content so many times as large */
    float shift;                     /* share of H and W, either way */
    float brightness, contrast, saturation; /* factor from 1 - x to 1 + x */
    float erase;                     /* probability of random erasing                                (Zhong et al. 2020) */
    int64_t cutout;                  /* side of a square at a random place, in pixels                (DeVries & Taylor 2017) */
    float mixup;                     /* α of Beta(α,α)                                               (Zhang et al. 2018) */
    float mean[3], std[3];           /* 1 is white; std 0: as 1 */
    bool normalized;                 /* mean and std were given */
} ig_augment;

extern const ig_schema_field ig_augment_fields[]; /* of the map that a recipe gives */
/* map NULL: nothing is augmented.  H, W, C, mean and std stay 0 where they are not given: they are the data's. */
ig_status ig_augment_parse(const char *name, const ig_tree *map, ig_augment *out, ig_error *err);
/* What the recipe left open, from the pictures index[count] that are trained on: C, H and W where all pictures (after check)
 * have one size, mean and std.  IG_E_ARG when sizes differ and none was given. */
ig_status ig_augment_complete(ig_context *ctx, const ig_picture_set *s, const int64_t *index, size_t count, ig_augment *a,
                              ig_error *err);

/* Whose randomness: the same key gives the same picture. */
typedef struct ig_augment_key {
    uint64_t seed, epoch, example;
} ig_augment_key;
/* out [H,W,C].  key NULL: evaluation. */
ig_status ig_augment_apply(const ig_augment *a, const ig_picture *p, const ig_augment_key *key, float *out, ig_error *err);

/* ---- batches ----------------------------------------------------------------------------------------------------- */

typedef struct ig_picture_batches_opts {
    const int64_t *index;  /* [count] pictures of the set, borrowed; NULL: all */
    size_t count;
    int64_t batch;         /* B */
    uint64_t seed;
    bool training; /* shuffled anew in every epoch, augmented, batches run over the border of epochs; else in order, once */
    bool serial;           /* nothing is prepared in the background; the same bits */
} ig_picture_batches_opts;

/* Mixed is what row r was joined with: targets are label with `weight` and mixed with 1 - weight.  Without mixup both are
 * equal. */
typedef struct ig_picture_batch {
    int64_t index, rows;   /* rows that are there; those behind are 0 with the label IG_NO_TARGET */
    ig_tensor pictures;    /* f32 [B,H,W,C] */
    ig_tensor labels, mixed; /* i64 [B] */
    ig_tensor weight;      /* f32 [B] */
} ig_picture_batch;

typedef struct ig_picture_batches ig_picture_batches;
/* While a batch is used a thread of low priority prepares the next one: two batches of memory, no more.  The set is
 * borrowed. */
ig_status ig_picture_batches_open(ig_context *ctx, const ig_picture_set *s, const ig_augment *a,
                                  const ig_picture_batches_opts *opts, ig_picture_batches **out, ig_error *err);
/* Borrowed until the next call.  IG_E_NOT_FOUND past the end of an evaluation.  An error names the picture; the next call
 * goes on. */
ig_status ig_picture_batches_get(ig_picture_batches *b, int64_t index, const ig_picture_batch **out, ig_error *err);
void ig_picture_batches_close(ig_picture_batches *b); /* NULL is allowed; ends the thread */
int64_t ig_picture_batches_per_epoch(const ig_picture_batches *b); /* rounded up */
double ig_picture_batches_epoch(const ig_picture_batches *b, int64_t batches);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
