/* models/list.c: the list of families.  A new family is one folder and one line here. */
#include <string.h>

#include "models/model.h"

static const ig_family *const families[] = {
    &ig_family_gpt,
    &ig_family_bert,
    &ig_family_cnn,
    &ig_family_lstm,
    &ig_family_als,
    &ig_family_deepfm,
};

const ig_family *const *ig_families(size_t *count) {
    *count = sizeof families / sizeof *families;
    return families;
}

const ig_family *ig_family_by_name(const char *name) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcmp(families[i]->name, name) == 0) return families[i];
    return NULL;
}

static bool reads(const ig_family *f, const char *model_type) {
    for (const char *const *t = f->model_types; *t; t++)
        if (strcmp(*t, model_type) == 0) return true;
    return false;
}

const ig_family *ig_family_by_model_type(const char *model_type) {
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (reads(families[i], model_type)) return families[i];
    return NULL;
}
