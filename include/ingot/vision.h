/* ingot/vision.h: what a network says about pictures: classes with probabilities, and where it looked.
 *
 *     ig_picture ──resize, crop, normalise (preprocessor_config.json)──► f32 [B,H,W,C] ──plan──► probabilities [B,L]
 *
 * preprocessor_config.json stands beside a model, with the keys that Hugging Face's image processors read: size.shortest_edge,
 * crop_size, rescale_factor, image_mean, image_std.  Without one, pictures are taken as 0 … 1.
 */
#ifndef INGOT_VISION_H
#define INGOT_VISION_H

#include "ingot/models.h"
#include "ingot/pictures.h"

#pragma GCC visibility push(default) /* what stands here, libingot.so exports */
#ifdef __cplusplus
extern "C" {
#endif

/* The preparation of a model's pictures, from its folder; H, W, C are the model's. */
ig_status ig_preprocess_read(const ig_model *m, ig_augment *out, ig_error *err);
ig_status ig_preprocess_write(const ig_augment *a, const char *dir, ig_error *err);

/* One plan of `batch` pictures.  *m must outlive it.  IG_E_UNSUPPORTED for a model that does not see. */
typedef struct ig_seer ig_seer;
ig_status ig_seer_open(ig_model *m, int64_t batch, ig_seer **out, ig_error *err);
void ig_seer_close(ig_seer *s); /* NULL is allowed */
int ig_seer_channels(const ig_seer *s); /* that pictures must have: 1 or 3 */
int64_t ig_seer_classes(const ig_seer *s);
const char *ig_seer_class(const ig_seer *s, int64_t i); /* "" without a name */
/* probabilities [count,L], and logits in the same form where it is not NULL.  Pictures may be of any size. */
ig_status ig_seer_classify(ig_seer *s, const ig_picture *pictures, size_t count, float *probabilities, float *logits, ig_error *err);

/* Which places spoke for class `label` (Grad-CAM, Selvaraju et al. 2017): ReLU(Σ_c ᾱ_c A_c), A the last feature map, ᾱ_c the mean
 * gradient of the class's logit over channel c.  0 … 1, [*rows,*columns], from ig_malloc.  The map lies over what the network saw:
 * `seen`, the resized and cropped picture in colour, which ig_picture_fini gives back. */
ig_status ig_seer_heat(ig_seer *s, const ig_picture *picture, int64_t label, float **heat, int64_t *rows, int64_t *columns, ig_picture *seen,
                       ig_error *err);

/* How well: right answers, mean cross-entropy, and the confusion [L,L] (rows: truth), which the caller gives with zeros or NULL. */
typedef struct ig_seer_score {
    int64_t count, right;
    double cross_entropy;
} ig_seer_score;
/* Told after each batch; false stops with IG_E_CANCELLED. */
typedef bool ig_seer_progress_fn(void *arg, size_t done, size_t total);
ig_status ig_seer_evaluate(ig_seer *s, const ig_picture_set *set, int64_t *confusion, ig_seer_progress_fn *progress, void *arg, ig_seer_score *out,
                           ig_error *err);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
