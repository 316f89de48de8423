/* train/tasks.c: the list of tasks, and what several of them do alike. */
#include <string.h>

#include "train/task.h"

#define LISTED_MAX 8

static const train_task *const tasks[] = {&train_task_text, &train_task_chat, &train_task_preference, &train_task_pictures,
                                         &train_task_table, &train_task_labels, &train_task_scores,
                                         &train_task_masked, &train_task_pairs, &train_task_tags};

const train_task *const *train_tasks(size_t *count) {
    *count = sizeof tasks / sizeof *tasks;
    return tasks;
}

const train_task *train_task_by_name(const char *name) {
    for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++)
        if (strcmp(tasks[i]->name, name) == 0) return tasks[i];
    return NULL;
}

const char *ig_train_kind(size_t i, const char **doc) {
    if (i >= sizeof tasks / sizeof *tasks) return NULL;
    *doc = tasks[i]->doc;
    return tasks[i]->name;
}

ig_status task_inputs(trainer *t, train_shape *s, const ig_dtype *types, int count, ig_error *err) {
    int64_t size[2] = {s->rows, s->length};
    for (int i = 0; i < count; i++) IG_TRY(ig_tensor_zeros(t->ctx, types[i], 2, size, &s->in[i], err));
    return IG_OK;
}

void task_watch(trainer *t, const train_shape *s, int first, task_sums *sums) {
    const ig_tensor *more[TRAIN_OUTPUTS_MAX];
    if (!s->more || !t->r->data.task->watch) return;
    for (int k = 0; k < s->more; k++) more[k] = ig_plan_output(s->plan, first + k);
    t->r->data.task->watch(t, s, more, sums);
}

const char *task_file(const ig_recipe *r, int number) {
    size_t i = (size_t)number;
    return i < r->data.train_count ? r->data.train[i] : r->data.validation[i - r->data.train_count];
}

ig_status task_refuse(const ig_recipe *r, const ig_problems *p, ig_error *err) {
    ig_buf list = {.max = 600};
    const ig_problem *first = NULL;
    size_t listed = 0, bad = p->count - p->harmless;
    for (size_t i = 0; i < p->len && listed < LISTED_MAX; i++) {
        const ig_problem *q = &p->item[i];
        if (ig_problem_is_harmless(q->kind)) continue;
        if (first) ig_buf_printf(&list, "; %s:%lld ", ig_path_base(task_file(r, q->file)), (long long)q->line);
        else first = q;
        ig_buf_printf(&list, "%s%s%.60s", ig_problem_words(q->kind), *q->detail ? ": " : "", q->detail);
        listed++;
    }
    if (bad > listed) ig_buf_printf(&list, "; and %zu more", bad - listed);
    const char *file = first ? task_file(r, first->file) : r->file;
    ig_status status = ig_error_at(err, IG_E_FORMAT, file, first ? (int)first->line : 0, "this row %s", list.data ? list.data : "");
    ig_buf_fini(&list);
    return status;
}

static ig_status add_digest(const char *path, ig_buf *all, ig_error *err) {
    ig_map_file map;
    char one[65];
    IG_TRY(ig_file_map(path, &map, err));
    ig_sha256_hex(map.size ? (const void *)map.data : "", map.size, one);
    ig_file_unmap(&map);
    ig_buf_printf(all, "%s\n", one);
    return IG_OK;
}

ig_status task_digest(const ig_recipe *r, const char *more, char out[65], ig_error *err) {
    ig_buf all = {.max = (size_t)1 << 20};
    size_t files = r->data.train_count + r->data.validation_count;
    ig_status status = IG_OK;
    for (size_t i = 0; i < files && status == IG_OK; i++) status = add_digest(task_file(r, (int)i), &all, err);
    ig_buf_puts(&all, more);
    if (status == IG_OK) status = ig_buf_status(&all, err);
    if (status == IG_OK) ig_sha256_hex(all.data, all.len, out);
    ig_buf_fini(&all);
    return status;
}
