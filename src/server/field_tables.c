/* server/field_tables.c: what each endpoint takes.  docs/OPENAI.md is made from here (tests/server/fields_doc.c). */
#include "server/server.h"

#define USED(name, types, doc) {name, types, FIELD_USED, 0, 0, NULL, false, doc}
#define RANGE(name, types, min, max, doc) {name, types, FIELD_USED, min, max, NULL, false, doc}
#define CHOICE(name, choices, doc) {name, F_TEXT, FIELD_USED, 0, 0, choices, false, doc}
#define NEEDED(name, types, doc) {name, types, FIELD_USED, 0, 0, NULL, true, doc}
#define IGNORED(name, types, doc) {name, types, FIELD_IGNORED, 0, 0, NULL, false, doc}
#define REFUSED(name, choices, doc) {name, 0, FIELD_REFUSED, 0, 0, choices, false, doc}
#define END {NULL, 0, FIELD_USED, 0, 0, NULL, false, NULL}

/* What chooses tokens. */
#define SAMPLING                                                                                                           \
    RANGE("temperature", F_REAL, 0, 2, "0: always the most likely token; default 1"),                                      \
    RANGE("top_p", F_REAL, 0, 1, "choose among the fewest tokens that reach this probability; default 1"),                 \
    RANGE("seed", F_INT, -9223372036854775808.0, 9223372036854775807.0, "the same seed gives the same answer"),            \
    RANGE("presence_penalty", F_REAL, -2, 2, "subtracted once from tokens that were generated"),                           \
    RANGE("frequency_penalty", F_REAL, -2, 2, "subtracted for each time that a token was generated"),                      \
    RANGE("logit_bias", F_MAP, 0, 1024, "token id to a number from -100 (never) to 100 (always)"),                         \
    USED("stop", F_TEXT | F_LIST, "up to 4 texts that end the answer and are not part of it"),                             \
    RANGE("n", F_INT, 1, SERVER_CHOICES_MAX, "answers to make; default 1"),                                                \
    USED("stream", F_BOOL, "server-sent events"),                                                                          \
    USED("stream_options", F_MAP, "{include_usage: true} for a last event with the usage"),                                \
    RANGE("top_k", F_INT, 0, 2097152, "not OpenAI's: choose among the k most likely; 0: all"),                             \
    RANGE("min_p", F_REAL, 0, 1, "not OpenAI's: choose among those with this share of the largest probability"),           \
    RANGE("repetition_penalty", F_REAL, 0, 100, "not OpenAI's: makes tokens that were seen less likely; 1: off")

const field chat_fields[] = {
    NEEDED("model", F_TEXT, "a name from GET /v1/models"),
    {"messages", F_LIST, FIELD_USED, 1, 4096, NULL, true, "roles system, developer, user, assistant, tool; text only"},
    RANGE("max_completion_tokens", F_INT, 1, 16777216, "tokens to make at most; default: what the context holds"),
    RANGE("max_tokens", F_INT, 1, 16777216, "the older name of max_completion_tokens"),
    SAMPLING,
    USED("logprobs", F_BOOL, "tell the log-probability of each token"),
    RANGE("top_logprobs", F_INT, 0, IG_LOGPROBS_MAX, "and of so many others; needs logprobs"),
    USED("response_format", F_MAP, "text, json_object or json_schema: the answer keeps to it"),
    RANGE("tools", F_LIST, 0, 128, "functions that may be called"),
    USED("tool_choice", F_TEXT | F_MAP, "auto, none, required, or {type: function, function: {name}}"),
    USED("parallel_tool_calls", F_BOOL, "false: at most one call in an answer"),
    IGNORED("user", F_TEXT, "not kept"),
    IGNORED("metadata", F_MAP, "not kept"),
    IGNORED("safety_identifier", F_TEXT, "not kept"),
    IGNORED("prompt_cache_key", F_TEXT, "prompts of one key share their beginnings by themselves"),
    REFUSED("audio", NULL, "no model here speaks"),
    REFUSED("modalities", NULL, "answers are text"),
    REFUSED("function_call", "none", "use tool_choice"),
    REFUSED("functions", NULL, "use tools"),
    REFUSED("prediction", NULL, "there are no predicted outputs"),
    REFUSED("reasoning_effort", "none", "it cannot be set"),
    REFUSED("service_tier", "auto|default", "there is one tier"),
    REFUSED("store", "false", "answers are not stored"),
    REFUSED("verbosity", "medium", "it cannot be set"),
    REFUSED("web_search_options", NULL, "the server does not search the web"),
    REFUSED("prompt_cache_retention", NULL, "it cannot be set"),
    REFUSED("moderation", NULL, "nothing is moderated"),
    END,
};

const field completion_fields[] = {
    NEEDED("model", F_TEXT, "a name from GET /v1/models"),
    NEEDED("prompt", F_TEXT | F_LIST, "a text, or a list of token ids"),
    RANGE("max_tokens", F_INT, 1, 16777216, "tokens to make at most; default 16"),
    SAMPLING,
    RANGE("logprobs", F_INT, 0, 5, "tell the log-probability of each token and of so many others"),
    USED("echo", F_BOOL, "put the prompt before the answer"),
    IGNORED("user", F_TEXT, "not kept"),
    REFUSED("best_of", NULL, "use n"),
    REFUSED("suffix", NULL, "no model here fills in"),
    END,
};

const field response_fields[] = {
    NEEDED("model", F_TEXT, "a name from GET /v1/models"),
    NEEDED("input", F_TEXT | F_LIST, "a text, or messages {role, content} with text parts"),
    USED("instructions", F_TEXT, "a system message before the input"),
    RANGE("max_output_tokens", F_INT, 1, 16777216, "tokens to make at most; default: what the context holds"),
    RANGE("temperature", F_REAL, 0, 2, "0: always the most likely token; default 1"),
    RANGE("top_p", F_REAL, 0, 1, "choose among the fewest tokens that reach this probability; default 1"),
    USED("stream", F_BOOL, "server-sent events, with type and sequence_number"),
    USED("text", F_MAP, "{format: {type: text, json_object or json_schema}}"),
    IGNORED("metadata", F_MAP, "given back"),
    IGNORED("user", F_TEXT, "not kept"),
    IGNORED("safety_identifier", F_TEXT, "not kept"),
    IGNORED("prompt_cache_key", F_TEXT, "prompts of one key share their beginnings by themselves"),
    REFUSED("background", "false", "answers are made while the client waits"),
    REFUSED("conversation", NULL, "nothing is stored: send the conversation as input"),
    REFUSED("context_management", NULL, "it cannot be set"),
    REFUSED("include", NULL, "there is nothing more to include"),
    REFUSED("max_tool_calls", NULL, "use /v1/chat/completions for tools"),
    REFUSED("parallel_tool_calls", "true|false", "use /v1/chat/completions for tools"),
    REFUSED("previous_response_id", NULL, "nothing is stored: send the conversation as input"),
    REFUSED("prompt", NULL, "there are no stored prompts"),
    REFUSED("reasoning", NULL, "it cannot be set"),
    REFUSED("service_tier", "auto|default", "there is one tier"),
    REFUSED("store", "false|true", "answers are not stored; true changes nothing, as answers cannot be asked for again"),
    REFUSED("stream_options", NULL, "usage is always told"),
    REFUSED("tool_choice", "auto|none", "use /v1/chat/completions for tools"),
    REFUSED("tools", NULL, "use /v1/chat/completions for tools"),
    REFUSED("top_logprobs", NULL, "use /v1/chat/completions"),
    REFUSED("truncation", "disabled", "what is too long is refused"),
    REFUSED("prompt_cache_retention", NULL, "it cannot be set"),
    END,
};

const field embedding_fields[] = {
    NEEDED("model", F_TEXT, "a name from GET /v1/models"),
    NEEDED("input", F_TEXT | F_LIST, "a text, a list of texts, a list of token ids, or a list of such lists; at most 2048"),
    RANGE("dimensions", F_INT, 1, 1048576, "keep the first so many numbers; the length becomes 1 again"),
    CHOICE("encoding_format", "float|base64", "base64: the numbers as little-endian f32; default float"),
    IGNORED("user", F_TEXT, "not kept"),
    END,
};

const field rerank_fields[] = {
    NEEDED("model", F_TEXT, "a cross-encoder with one label"),
    NEEDED("query", F_TEXT, "what is looked for"),
    {"documents", F_LIST, FIELD_USED, 1, 1024, NULL, true, "texts, or objects {text}"},
    RANGE("top_n", F_INT, 1, 1024, "results to give; default all"),
    USED("return_documents", F_BOOL, "give the documents back with the results"),
    IGNORED("user", F_TEXT, "not kept"),
    REFUSED("max_chunks_per_doc", NULL, "a document that is too long is cut"),
    REFUSED("rank_fields", NULL, "documents have one text"),
    END,
};

const field classify_fields[] = {
    NEEDED("model", F_TEXT, "a model with labels"),
    NEEDED("input", F_TEXT | F_LIST, "a text, or a list of texts; at most 2048"),
    IGNORED("user", F_TEXT, "not kept"),
    END,
};

const field tokenize_fields[] = {
    NEEDED("model", F_TEXT, "a name from GET /v1/models"),
    NEEDED("content", F_TEXT, "the text"),
    USED("add_special", F_BOOL, "add what the model expects around a text"),
    USED("parse_special", F_BOOL, "texts of special tokens become these tokens"),
    USED("with_pieces", F_BOOL, "give {id, piece} instead of ids"),
    END,
};

const field detokenize_fields[] = {
    NEEDED("model", F_TEXT, "a name from GET /v1/models"),
    NEEDED("tokens", F_LIST, "token ids"),
    END,
};

const field job_fields[] = {
    NEEDED("model", F_TEXT, "the model to start from, a name of the workspace"),
    NEEDED("training_file", F_TEXT, "id of a file with one conversation a line"),
    USED("validation_file", F_TEXT, "id of a file of the same form"),
    USED("suffix", F_TEXT, "becomes part of the new model's name: letters, digits, - and _; up to 64"),
    RANGE("seed", F_INT, 0, 2147483647, "default: a new one"),
    USED("hyperparameters", F_MAP, "n_epochs, batch_size, learning_rate_multiplier (the older place)"),
    USED("method", F_MAP, "{type: supervised or dpo, supervised: {hyperparameters}}"),
    IGNORED("metadata", F_MAP, "given back"),
    REFUSED("integrations", NULL, "runs are reported in the workspace only"),
    END,
};

const endpoint server_endpoints[] = {
    {"/v1/chat/completions", "Answer a conversation.", chat_fields},
    {"/v1/completions", "Continue a text.", completion_fields},
    {"/v1/responses", "Answer a text or a conversation, in the newer form.", response_fields},
    {"/v1/embeddings", "Vectors of texts.", embedding_fields},
    {"/v1/rerank", "Order documents by how well they answer a query.", rerank_fields},
    {"/v1/classify", "Labels of texts, with their probabilities.", classify_fields},
    {"/tokenize", "Token ids of a text.", tokenize_fields},
    {"/detokenize", "The text of token ids.", detokenize_fields},
    {"/v1/fine_tuning/jobs", "Train a model on a stored file.", job_fields},
    {NULL, NULL, NULL},
};
