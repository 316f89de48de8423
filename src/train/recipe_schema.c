/* train/recipe_schema.c: every key of a recipe: type, range, meaning, default. */
#include <math.h>

#include "ingot/pictures.h"
#include "train/recipe.h"

#define INT(name, least, most, text, other)                                                                            \
    { .key = name, .type = IG_TREE_INT, .has_range = true, .min = least, .max = most, .doc = text, .otherwise = other }
#define REAL(name, least, most, text, other)                                                                           \
    { .key = name, .type = IG_TREE_REAL, .has_range = true, .min = least, .max = most, .doc = text, .otherwise = other }
#define TEXT(name, text, other) { .key = name, .type = IG_TREE_TEXT, .doc = text, .otherwise = other }
#define CHOICE(name, list, text, other) { .key = name, .type = IG_TREE_TEXT, .choices = list, .doc = text, .otherwise = other }
#define FLAG(name, text, other) { .key = name, .type = IG_TREE_BOOL, .doc = text, .otherwise = other }
#define MAP(name, table, text) { .key = name, .type = IG_TREE_MAP, .fields = table, .doc = text }
#define ANY(name, text, other) { .key = name, .doc = text, .otherwise = other }

static const ig_schema_field model_fields[] = {
    TEXT("family", "code behind the model", "the one that reads config.model_type"),
    {.key = "config", .type = IG_TREE_MAP, .doc = "content of config.json; vocab_size and the context length may be left out"},
    TEXT("from", "name in the workspace or folder of a model to go on with; config may then change dropout rates", NULL),
    CHOICE("head", "bare|masked|classify|tag", "from: give the model this head, new where it has it not", NULL),
    {0},
};

static const ig_schema_field tokenizer_fields[] = {
    CHOICE("kind", "char|bpe|wordpiece|word",
           "learn one token per character, merges of bytes, pieces of words, or whole words", NULL),
    INT("vocab_size", 1, IG_VOCAB_MAX, "tokens to learn; char: all characters when left out", NULL),
    FLAG("lower_case", "wordpiece, word: no difference between upper and lower case, nor accents", "true"),
    TEXT("path", "a tokenizer.json to use instead of learning one", NULL),
    {0},
};

static const ig_schema_field column_fields[] = {
    ANY("text", "name of the column of texts, or its number from 1", "found by its name"),
    ANY("pair", "of the second text of a pair", "found by its name"),
    ANY("negative", "pairs: of a text that does not belong to the first", "none"),
    ANY("label", "of the label", "found by its name"),
    ANY("score", "of the number", "found by its name"),
    {0},
};

static const ig_schema_field type_fields[] = {
    {.key = "*", .type = IG_TREE_TEXT, .doc = "a type, or how the number is scaled"},
    {0},
};

static const ig_schema_field data_fields[] = {
    CHOICE("kind", "text|chat|preference|pictures|table|labels|scores|masked|pairs|tags",
           "text; JSON lines of conversations or of pairs of answers; pictures; tables; tables of texts; lines of tokens and tags", "text"),
    TEXT("label", "table: the column that is learned", "label"),
    CHOICE("label_is", "class|number", "table: one of two classes, or a number", "class"),
    {.key = "types", .type = IG_TREE_MAP, .fields = type_fields,
     .doc = "table: what a column holds (boolean, integer, number, date, category, id: left out) or how a number is scaled (standard, log, buckets, none)",
     .otherwise = "found from the values"},
    CHOICE("scaling", "standard|log|buckets|none", "table: of all other numbers", "standard"),
    INT("min_count", 1, 1e9, "table: values of categories that are rarer count as unknown", "1"),
    INT("channels", 1, 3, "pictures: 1 grey, 3 colour", "as the pictures are"),
    MAP("columns", column_fields, "labels, scores, pairs: which column of the tables is what"),
    FLAG("header", "table, labels, scores, pairs: the first line of CSV and TSV names the columns", "true"),
    FLAG("quotes", "labels, scores, pairs: quotes around a field of CSV and TSV are no part of it", "true"),
    CHOICE("class_weights", "none|balanced", "labels: balanced counts every class the same in the loss", "none"),
    {.key = "train", .required = true, .doc = "file, or a list of them"},
    ANY("validation", "file, list of them, or the share that is held out: of a text its end, of rows a sample", "0.1"),
    CHOICE("too_long", "refuse|cut", "chat, preference: rows with more tokens than train.context", "refuse"),
    CHOICE("order", "random|shuffled|sequential",
           "text: windows anywhere; each once per epoch; or one behind the other, the state carried (recurrent models)", "random"),
    {0},
};

static const ig_schema_field train_fields[] = {
    INT("steps", 1, 1e12, "updates of the weights", NULL),
    REAL("epochs", 1e-6, 1e6, "passes over the text, instead of steps", NULL),
    INT("batch", 1, 1 << 16, "windows per micro step", "12"),
    INT("context", 1, 1 << 20, "tokens per window", "64"),
    INT("accumulate", 1, 1 << 16, "micro steps per update", "1"),
    CHOICE("precision", "f32|bf16|auto", "matrix products in bf16; auto: where the processor has it", "auto"),
    FLAG("recompute", "compute activations twice instead of keeping them: less memory, more time", "false"),
    {0},
};

static const ig_schema_field group_fields[] = {
    {.key = "match", .type = IG_TREE_TEXT, .required = true, .doc = "glob on parameter names: \"*.ln_*\""},
    REAL("lr_scale", 0, 1e6, "times the learning rate; 0 freezes", "1"),
    REAL("weight_decay", 0, 1e3, "instead of the optimiser's", NULL),
    {0},
};

static const ig_schema_field optimiser_fields[] = {
    CHOICE("name", "gd|sgd|rmsprop|adagrad|adam|adamw", "the update rule", "adamw"),
    REAL("lr", 1e-12, 1e3, "learning rate at its peak", "1e-3"),
    {.key = "betas", .type = IG_TREE_LIST, .item = IG_TREE_REAL, .has_range = true, .min = 1e-6, .max = 0.999999,
     .doc = "decay of the two moments of Adam", .otherwise = "[0.9, 0.999]"},
    REAL("eps", 1e-30, 1, "keeps the division finite", "1e-8"),
    REAL("alpha", 0, 0.999999, "decay of RMSprop's mean square", "0.99"),
    REAL("momentum", 0, 0.999999, "of SGD and RMSprop", "0"),
    FLAG("nesterov", "Nesterov's momentum", "false"),
    REAL("weight_decay", 0, 1e3, "decoupled for adamw, else L2", "0.01 for adamw, else 0"),
    REAL("l1", 0, 1e3, "L1 penalty", "0"),
    REAL("clip_norm", 0, 1e9, "largest norm of all gradients together; 0: no clipping", "0"),
    REAL("clip_value", 0, 1e9, "largest entry of a gradient; 0: no clipping", "0"),
    REAL("ema", 0, 0.999999, "decay of a moving average of the weights, which is evaluated and saved; 0: none", "0"),
    {.key = "groups", .type = IG_TREE_LIST, .item = IG_TREE_MAP, .fields = group_fields,
     .doc = "settings for some parameters; the first row that matches decides"},
    {0},
};

static const ig_schema_field lora_fields[] = {
    INT("rank", 1, 4096, "numbers per input and output of a layer that are learned", "8"),
    REAL("alpha", 1e-6, 1e6, "the change counts alpha/rank", "16"),
    REAL("dropout", 0, 0.999, "of what goes into the change", "0"),
    ANY("targets", "all linear layers, or a list of q, k, v, o, gate, up, down, or of ends of layer names", "all"),
    FLAG("merge", "write a whole model; false: only the adapter, in the form of the PEFT library", "true"),
    TEXT("quantise", "keep the weights in this type of blocks while training, as q8_0 or q4_k; needs merge: false", NULL),
    {0},
};

static const ig_schema_field dpo_fields[] = {
    REAL("beta", 1e-4, 100, "how closely the model stays with the one it came from", "0.1"),
    {0},
};

static const ig_schema_field scores_fields[] = {
    CHOICE("loss", "bce|mse", "cross-entropy of scores between 0 and 1, or squares of any", "bce"),
    {0},
};

static const ig_schema_field masked_fields[] = {
    REAL("share", 0.01, 0.9, "of the tokens that are masked", "0.15"),
    FLAG("whole_words", "all pieces of a word together, and all characters of a Chinese word", "false"),
    {0},
};

static const ig_schema_field pairs_fields[] = {
    REAL("temperature", 1e-3, 100, "what the cosines are divided by", "0.05"),
    FLAG("symmetric", "the second text must find the first as well", "true"),
    CHOICE("pooling", "mean|cls", "the vector of a text: the mean of its tokens, or the first", "mean"),
    {0},
};

static const ig_schema_field schedule_fields[] = {
    CHOICE("name", "constant|step|linear|cosine|one_cycle|plateau", "how the learning rate changes", "constant"),
    REAL("warmup", 0, 1e12, "steps of linear rise; below 1: share of all steps", "0"),
    REAL("min_lr", 0, 1e3, "learning rate at the end", "0"),
    INT("step_size", 1, 1e12, "step: steps between two cuts", NULL),
    REAL("gamma", 1e-6, 1, "step, plateau: factor of a cut", "0.1"),
    INT("patience", 1, 1e6, "plateau: evaluations without improvement before a cut", "10"),
    {0},
};

static const ig_schema_field early_stop_fields[] = {
    {.key = "patience", .type = IG_TREE_INT, .required = true, .has_range = true, .min = 1, .max = 1e6,
     .doc = "evaluations without improvement before the end"},
    REAL("min_delta", 0, 1e6, "smaller improvements do not count", "0"),
    {0},
};

static const ig_schema_field regularise_fields[] = {
    REAL("dropout", 0, 0.999, "of embeddings and of what each layer adds", "as config says"),
    REAL("label_smoothing", 0, 0.999, "share of the target spread over all tokens", "0"),
    MAP("early_stop", early_stop_fields, "stop when the evaluation no longer improves"),
    {0},
};

static const ig_schema_field sample_fields[] = {
    TEXT("prompt", "what the sample begins with", ""),
    INT("tokens", 1, 1 << 16, "tokens to write", "100"),
    REAL("temperature", 0, 100, "0: always the most likely token", "0.8"),
    INT("top_k", 0, IG_VOCAB_MAX, "choose among the k most likely; 0: all", "0"),
    {0},
};

static const ig_schema_field evaluate_fields[] = {
    INT("every", 1, 1e12, "steps between two evaluations", "250"),
    TEXT("metric", "what the best model is best in: eval_loss, or a figure of this kind of data, as eval_accuracy", "eval_loss"),
    ANY("windows", "all, or how many windows of the validation text", "all"),
    MAP("sample", sample_fields, "text that the model writes at each evaluation"),
    {0},
};

static const ig_schema_field checkpoint_fields[] = {
    INT("every", 1, 1e12, "steps between two checkpoints", "as evaluate.every"),
    INT("keep", 2, 1000, "checkpoints that are kept", "2"),
    {0},
};

const ig_schema_field recipe_schema[] = {
    TEXT("name", "for people", "the file's name"),
    INT("seed", 0, 9007199254740992.0, "of weights, batches and dropout", "1337"),
    {.key = "model", .type = IG_TREE_MAP, .required = true, .fields = model_fields, .doc = "the network"},
    MAP("tokenizer", tokenizer_fields, "from text to tokens; a model of `from` brings its own"),
    {.key = "data", .type = IG_TREE_MAP, .required = true, .fields = data_fields, .doc = "the text"},
    {.key = "train", .type = IG_TREE_MAP, .required = true, .fields = train_fields, .doc = "how much of it at a time, and how long"},
    MAP("lora", lora_fields, "train an adapter of low rank instead of the weights of model.from"),
    MAP("dpo", dpo_fields, "learning from pairs of answers (data.kind: preference)"),
    MAP("augment", ig_augment_fields, "how pictures are varied (data.kind: pictures)"),
    MAP("scores", scores_fields, "learning a number (data.kind: scores)"),
    MAP("masked", masked_fields, "pretraining on text whose tokens are masked (data.kind: masked)"),
    MAP("pairs", pairs_fields, "learning vectors from texts that belong together (data.kind: pairs)"),
    MAP("optimiser", optimiser_fields, "how gradients become updates"),
    MAP("schedule", schedule_fields, "the learning rate over time"),
    MAP("regularise", regularise_fields, "against learning by heart"),
    MAP("evaluate", evaluate_fields, "measuring on text that is not trained on"),
    MAP("checkpoint", checkpoint_fields, "what a stopped run goes on from"),
    {0},
};

const ig_schema_field *ig_recipe_schema(void) {
    return recipe_schema;
}
