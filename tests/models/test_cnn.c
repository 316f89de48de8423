/* Convolutional networks: those that come with Ingot have the published numbers of parameters, published weights give the
 * published numbers of right answers, and descriptions that are wrong are refused at their line. */
#include <math.h>
#include <unistd.h>

#include "../text/data.h"
#include "ingot/models.h"
#include "ingot/vision.h"

static ig_status new_model(ig_context *ctx, const char *json, ig_model **m, ig_error *err) {
    return ig_model_new(ctx, "config.json", json, strlen(json), m, err);
}

static int64_t trained_numbers(const ig_model *m) {
    int64_t sum = 0;
    for (size_t i = 0; i < m->params.count; i++)
        if (m->params.item[i]->role != IG_PARAM_STATE) sum += ig_tensor_numel(&m->params.item[i]->value);
    return sum;
}

/* torchvision's documentation; resnet-cifar10's README; Inception and GoogLeNet without the heads that helped training. */
static void networks_have_the_published_numbers_of_parameters(void **state) {
    static const struct {
        const char *name;
        int size, labels;
        int64_t parameters;
    } published[] = {
        {"resnet20", 32, 10, 269722}, {"resnet32", 32, 10, 464154}, {"resnet44", 32, 10, 658586}, {"resnet56", 32, 10, 853018},
        {"resnet18", 224, 1000, 11689512}, {"resnet34", 224, 1000, 21797672}, {"resnet50", 224, 1000, 25557032},
        {"resnet101", 224, 1000, 44549160}, {"alexnet", 224, 1000, 61100840}, {"inception_v1", 224, 1000, 6624904},
        {"inception_v3", 299, 1000, 23834568}, {"squeezenet", 224, 1000, 1248424}, {"squeezenet_caffe", 227, 1000, 1248424},
        {"mobilenet_v2", 224, 1000, 3504872},
    };
    ig_error err = {0};
    ig_context *ctx;
    (void)state;
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        char config[256];
        ig_model *m = NULL;
        snprintf(config, sizeof config, "{\"model_type\": \"cnn\", \"network\": \"%s\", \"image_size\": %d, \"num_labels\": %d}", published[i].name,
                 published[i].size, published[i].labels);
        check_ok(new_model(ctx, config, &m, &err));
        if (trained_numbers(m) != published[i].parameters)
            fail_msg("%s: %lld parameters, published are %lld", published[i].name, (long long)trained_numbers(m), (long long)published[i].parameters);
        ig_model_free(m);
    }
    ig_context_free(ctx);
}

/* ---- what is refused ---- */

static void wrong_descriptions_are_refused_at_their_line(void **state) {
#define CNN "{\"model_type\": \"cnn\", \"image_size\": 8, \"num_labels\": 2,\n"
    static const struct {
        const char *config, *message;
    } rows[] = {
        {"{\"model_type\": \"cnn\", \"num_labels\": 2, \"network\": \"resnet20\"}", "config.json:1: model_type: key \"image_size\" is missing"},
        {"{\"model_type\": \"cnn\", \"image_size\": 0, \"num_labels\": 2, \"network\": \"resnet20\"}", "config.json:1: image_size: expected a number from 1"},
        {"{\"model_type\": \"cnn\", \"image_size\": 8, \"network\": \"resnet20\"}", "config.json:1: model_type: expected id2label or num_labels"},
        {CNN "\"network\": \"resnet21\"}", "config.json:2: network: \"resnet21\" is none of two_conv, resnet20"},
        {CNN "\"network\": \"resnet20\", \"layers\": []}", "config.json:2: network: expected either network or layers, found both"},
        {CNN "\"layers\": [{\"linear\": \"labels\"}]}", "config.json:2: a linear layer needs flat numbers"},
        {CNN "\"layers\": [\"flatten\", {\"linear\": 3}]}", "config.json:1: model_type: the network ends in 3 numbers"},
        {CNN "\"layers\": [{\"conv\": 4, \"kernel\": 9}]}", "config.json:2: a kernel of 9 x 9 does not fit into 8 x 8"},
        {CNN "\"layers\": [{\"conv\": 4, \"groups\": 2}]}", "config.json:2: 3 channels cannot be cut into 2 groups"},
        {CNN "\"layers\": [{\"conv\": 4, \"stripes\": 2}]}", "config.json:2: \"stripes\" means nothing to the layer conv"},
        {CNN "\"layers\": [{\"conv\": \"$x\"}]}", "config.json:2: \"$x\" is given by nobody"},
        {CNN "\"layers\": [{\"conv\": 2.5}]}", "config.json:2: expected a whole number"},
        {CNN "\"layers\": [\"swish\"]}", "config.json:2: \"swish\" is no layer"},
        {CNN "\"layers\": [{\"block\": \"a\"}]}", "config.json:2: there is no block \"a\""},
        {CNN "\"blocks\": {\"a\": [{\"block\": \"a\"}]}, \"layers\": [{\"block\": \"a\"}]}", "config.json:2: blocks and branches more than 16 deep"},
        {CNN "\"blocks\": {\"a\": [\"relu\"]}, \"layers\": [{\"block\": \"a\", \"repeat\": 4096}, \"relu\"]}", "config.json:2: more than 4096 layers"},
        {CNN "\"layers\": [{\"add\": [[{\"conv\": 4}], []]}]}", "config.json:2: its branches end in"},
        {CNN "\"layers\": [{\"concat\": [[]]}]}", "config.json:2: expected a list of 2 to 64 lists"},
        {CNN "\"layers\": [{\"max_pool\": 9}]}", "config.json:2: a window of 9 x 9 does not fit"},
        {CNN "\"layers\": [{\"norm\": \"layer\"}]}", "config.json:2: expected batch or group"},
        {CNN "\"layers\": [{\"conv\": 1000000, \"kernel\": 8, \"name\": \"a\"}, {\"conv\": 1000000, \"name\": \"b\"}]}", "b.weight [1000000,1000000,1,1] needs"},
    };
    ig_error err = {0};
    ig_context *ctx;
    (void)state;
    check_ok(ig_context_new(&(ig_context_opts){.threads = 1}, &ctx, &err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1200];
        ig_model *m = NULL;
        if (new_model(ctx, rows[i].config, &m, &err) == IG_OK || m) fail_msg("row %zu was taken", i);
        ig_error_format(&err, text, sizeof text);
        if (strncmp(text, rows[i].message, strlen(rows[i].message)) != 0) fail_msg("row %zu: \"%s\"\nexpected \"%s\"", i, text, rows[i].message);
    }
    ig_context_free(ctx);
}

/* ---- published weights ---- */

typedef struct sheet_set {
    ig_picture sheet[4];
    int64_t label[4000];
} sheet_set;

static void read_sheets(sheet_set *s, const char *folder) {
    char path[1100];
    ig_error err = {0};
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/cifar10_batch_%d.png", folder, i);
        check_ok(ig_picture_read(path, 3, &s->sheet[i], &err));
        assert_true(s->sheet[i].height == 1000 && s->sheet[i].width == 1024);
    }
    snprintf(path, sizeof path, "%s/labels_derived.txt", folder);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int i = 0; i < 4000; i++) {
        long long label;
        assert_int_equal(fscanf(f, "%lld", &label), 1);
        s->label[i] = label;
    }
    fclose(f);
}

/* A row of a sheet is a picture of 32 x 32. */
static ig_picture picture_of(const sheet_set *s, int i) {
    return (ig_picture){.data = s->sheet[i / 1000].data + (size_t)(i % 1000) * 1024 * 3, .height = 32, .width = 32, .channels = 3};
}

static void write_text(const char *folder, const char *name, const char *text) {
    char path[1100];
    ig_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    check_ok(ig_file_write(path, text, strlen(text), &err));
}

static void import_published(ig_context *ctx, const char *archive, const char *file, int depth, const char *folder, ig_model **m) {
    char from[1100], config[256], model[1100];
    ig_error err = {0};
    ig_buf bytes = {.max = (size_t)16 << 20};
    snprintf(from, sizeof from, "%s/%s", archive, file);
    check_ok(ig_file_read(from, bytes.max, &bytes, &err));
    snprintf(from, sizeof from, "%s/%s", folder, file);
    check_ok(ig_file_write(from, bytes.data, bytes.len, &err));
    ig_buf_fini(&bytes);
    snprintf(config, sizeof config, "{\"model_type\": \"cnn\", \"network\": \"resnet%d\", \"image_size\": 32, \"num_labels\": 10}", depth);
    write_text(folder, "config.json", config);
    snprintf(model, sizeof model, "%s/model", folder);
    check_ok(ig_model_import(ctx, from, model, &(ig_model_import_opts){.overwrite = true}, NULL, &err));
    write_text(model, "preprocessor_config.json",
               "{\"size\": {\"shortest_edge\": 32}, \"image_mean\": [0.485, 0.456, 0.406], \"image_std\": [0.229, 0.224, 0.225]}");
    check_ok(ig_model_load(ctx, model, m, &err));
}

static int answer(ig_seer *s, const sheet_set *pictures, int first, int count, double *cross_entropy, float *logits) {
    static float p[1000];
    ig_picture list[100];
    ig_error err = {0};
    int right = 0;
    for (int i = 0; i < count; i++) list[i] = picture_of(pictures, first + i);
    check_ok(ig_seer_classify(s, list, (size_t)count, p, logits, &err));
    for (int i = 0; i < count; i++) {
        int best = 0;
        double sum = 0;
        for (int k = 0; k < 10; k++) best = logits[i * 10 + k] > logits[i * 10 + best] ? k : best;
        for (int k = 0; k < 10; k++) sum += exp((double)logits[i * 10 + k] - (double)logits[i * 10 + best]);
        right += best == pictures->label[first + i];
        *cross_entropy += (double)logits[i * 10 + best] + log(sum) - (double)logits[i * 10 + pictures->label[first + i]];
    }
    return right;
}

/* The figures of the data index: right answers of 4,000, mean cross-entropy, and the logits of picture 0 under ResNet-20. */
static void published_resnets_answer_as_published(void **state) {
    static const struct {
        const char *file;
        int depth, right;
        double cross_entropy;
    } published[] = {{"resnet20-12fca82f.th", 20, 3992, 0.008547}, {"resnet32-d509ac18.th", 32, 4000, 0.001822},
                     {"resnet44-014dd654.th", 44, 3999, 0.001276}, {"resnet56-4bfd9763.th", 56, 4000, 0.000532}};
    static const double first[10] = {-12.4492, -5.6982, -0.6590, 9.1207, 0.7110, 4.5553, 19.8279, 0.3810, -6.6409, -9.1128};
    static float logits[1000];
    static sheet_set pictures;
    char weights[1024], sheets[1024], folder[] = "/tmp/ingot-cnn-XXXXXX";
    ig_error err = {0};
    ig_context *ctx;
    (void)state;
    if (!data_folder("resnet-cifar10", weights, sizeof weights) || !data_folder("cifar10-lossless4k", sheets, sizeof sheets)) skip();
    read_sheets(&pictures, sheets);
    assert_non_null(mkdtemp(folder));
    check_ok(ig_context_new(NULL, &ctx, &err));
    for (size_t i = 0; i < 4; i++) {
        ig_model *m = NULL;
        ig_seer *s = NULL;
        int right = 0;
        double cross_entropy = 0;
        import_published(ctx, weights, published[i].file, published[i].depth, folder, &m);
        if (i % 2) check_ok(ig_model_pack(m, IG_BLOCK_COUNT, &err)); /* batch norms folded, kernels packed: the same answers */
        check_ok(ig_seer_open(m, 100, &s, &err));
        for (int at = 0; at < 4000; at += 100) {
            right += answer(s, &pictures, at, 100, &cross_entropy, logits);
            for (int k = 0; k < 10 && i == 0 && at == 0; k++) assert_true(fabs((double)logits[k] - first[k]) < 2e-4);
        }
        if (right != published[i].right || fabs(cross_entropy / 4000 - published[i].cross_entropy) > 1e-5)
            fail_msg("ResNet-%d: %d right, cross-entropy %.6f; published %d and %.6f", published[i].depth, right, cross_entropy / 4000,
                     published[i].right, published[i].cross_entropy);
        ig_seer_close(s);
        ig_model_free(m);
    }
    for (int i = 0; i < 4; i++) ig_picture_fini(&pictures.sheet[i]);
    ig_context_free(ctx);
    check_ok(ig_dir_remove(folder, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(networks_have_the_published_numbers_of_parameters),
                                       cmocka_unit_test(wrong_descriptions_are_refused_at_their_line),
                                       cmocka_unit_test(published_resnets_answer_as_published)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
