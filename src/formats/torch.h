/* formats/torch.h: what the files of the PyTorch reader share.
 *
 *     torch_rebuild.c  the names that a checkpoint's pickle may call, and what they make: storages and tensors
 *     torch_legacy.c   the form before PyTorch 1.6
 *     torch_zip.c      the zip archive
 *     torch_names.c    nested containers into flat names
 *     torch.c          opening and reading
 *
 * A storage is named many times by the pickle: each naming is a `torch_ref`; those with the same key are one
 * `torch_storage`, which knows where its bytes are.
 */
#ifndef FORMATS_TORCH_H
#define FORMATS_TORCH_H

#include "formats/pickle.h"
#include "ingot/formats.h"

#define TORCH_NOT_OURS (-1)
#define TORCH_SHOWN(text) (int)((text).len < 100 ? (text).len : 100), (text).at /* for %.*s */

typedef struct torch_type {
    const char *storage; /* "FloatStorage" */
    int dtype;
    unsigned bytes; /* of an element */
    const char *name;
} torch_type;

typedef struct torch_storage {
    pickle_text key;
    const torch_type *type;
    uint64_t count;      /* elements */
    const uint8_t *data; /* legacy: in the file; zip: NULL */
    uint64_t entry;      /* zip: number in the archive */
    bool located;
} torch_storage;

typedef struct torch_ref {
    pickle_text key;
    const torch_type *type;
    uint64_t count;        /* elements of the whole storage */
    uint64_t base, length; /* the part that is seen */
    size_t storage;        /* after torch_unite */
} torch_ref;

typedef struct torch_tensor {
    size_t ref;
    uint64_t begin; /* first element, in the whole storage */
    ig_tensor view; /* shape and strides, no data; its type counts only when it is ours */
} torch_tensor;

typedef enum torch_kind { TORCH_TENSOR, TORCH_NUMBER, TORCH_TEXT } torch_kind;

typedef struct torch_entry {
    char *name;
    torch_kind kind;
    size_t tensor; /* among `tensor` */
    double number;
    char *text;
} torch_entry;

struct ig_torch {
    char *file;
    ig_map_file map;     /* empty when the memory is the caller's */
    struct zip *archive; /* NULL for the legacy form */
    ig_buf pickle;       /* of the archive; keys of storages lie in it */
    torch_ref *ref;
    size_t ref_count, ref_cap;
    torch_storage *storage; /* sorted by key */
    size_t storage_count;
    torch_tensor *tensor;
    size_t tensor_count, tensor_cap;
    torch_entry *entry; /* tensors first, in the order of the checkpoint; then numbers and texts */
    torch_entry **by_name;
    size_t entry_count, entry_cap, named_tensors;
    void *loaded; /* bytes of storage number `loaded_storage`, aligned; NULL when there are none */
    size_t loaded_bytes, loaded_storage;
};

enum { TORCH_OBJECT_STORAGE, TORCH_OBJECT_TENSOR, TORCH_OBJECT_OTHER };

/* The host of the pickle machine; arg is the ig_torch. */
pickle_host torch_host(ig_torch *t);
/* Room for one more in an array that doubles. */
ig_status torch_grow(void **array, size_t *cap, size_t count, size_t item_bytes, ig_error *err);
/* References with the same key become one storage; they must agree about it. */
ig_status torch_unite(ig_torch *t, ig_error *err);
torch_storage *torch_find_storage(const ig_torch *t, pickle_text key);

ig_status torch_open_legacy(ig_torch *t, const uint8_t *bytes, size_t size, ig_error *err);

ig_status torch_open_zip(ig_torch *t, const uint8_t *bytes, size_t size, ig_error *err);
ig_status torch_read_entry(const ig_torch *t, uint64_t entry, void *dst, size_t size, ig_error *err);
void torch_close_zip(ig_torch *t);

ig_status torch_name_all(ig_torch *t, const pickle_value *root, ig_error *err);

#endif
