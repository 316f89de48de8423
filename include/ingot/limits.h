/* ingot/limits.h: every limit on what comes from outside, in one place. */
#ifndef INGOT_LIMITS_H
#define INGOT_LIMITS_H

#define IG_DIMS_MAX 6                            /* dimensions of a tensor */
#define IG_TREE_DEPTH_MAX 64                     /* nesting of JSON and YAML */
#define IG_TREE_NODES_MAX (1u << 24)             /* nodes of one document */
#define IG_RECIPE_BYTES_MAX (1u << 20)           /* a recipe or config.json */
#define IG_TOKENIZER_BYTES_MAX (256u << 20)      /* tokenizer.json */
#define IG_SAFETENSORS_HEADER_MAX 100000000u     /* as the format's own reader limits it */
#define IG_GGUF_KEYS_MAX (1u << 16)              /* metadata pairs of a GGUF file */
#define IG_GGUF_TENSORS_MAX (1u << 18)           /* tensors of a GGUF file */
#define IG_GGUF_KEY_BYTES_MAX 65535u             /* one key, as the format's specification limits it */
#define IG_GGUF_NAME_BYTES_MAX 1024u             /* name of one tensor */
#define IG_GGUF_NESTING_MAX 4                    /* arrays of arrays of … */
#define IG_PICKLE_BYTES_MAX (64u << 20)          /* one pickle of a PyTorch checkpoint: structure, not numbers */
#define IG_PICKLE_VALUES_MAX (1u << 22)          /* values that one pickle makes, slots of its memo, depth of its stack */
#define IG_TORCH_ENTRIES_MAX (1u << 20)          /* tensors and scalars of a PyTorch checkpoint; files in its archive */
#define IG_TORCH_NAME_BYTES_MAX 1024u            /* dotted name of one of them */
#define IG_TORCH_REPEATED_MAX (1 << 24)          /* elements of a tensor that shows fewer stored ones repeatedly */
#define IG_LLAMA2C_LAYERS_MAX 1024
#define IG_VOCAB_MAX (1 << 21)                   /* tokens of a vocabulary */
#define IG_TEXT_BYTES_MAX ((size_t)8 << 30)      /* one training text */
#define IG_PATH_MAX 4096
#define IG_GRAPH_NODES_MAX (1 << 20)             /* nodes of one recording */
#define IG_TEMPLATE_BYTES_MAX (1u << 20)         /* a chat template */
#define IG_PLAN_BYTES_MAX (64u << 20)            /* a saved plan */
#define IG_STORE_NAME_MAX 128                    /* bytes of a name, a kind, a purpose */
#define IG_STORE_FILENAME_MAX 255                /* bytes of the name that a stored file was uploaded with */
#define IG_STORE_TEXT_MAX ((size_t)1 << 20)      /* one text or JSON of a row of the store */
#define IG_STORE_LIST_MAX 10000                  /* rows of one page of a list */
#define IG_STORE_EVENTS_MAX 100000               /* events of one job */
#define IG_STORE_FILE_BYTES_MAX ((uint64_t)8 << 30) /* one stored file */

#define IG_HTTP_HEADERS_MAX 128                  /* header fields of a request, 32 of an answer */
#define IG_HTTP_SEGMENTS_MAX 32                  /* of a path */
#define IG_HTTP_ARGS_MAX 64                      /* of a query */
#define IG_MULTIPART_HEADER_MAX 8192             /* bytes of one part's headers */
#define IG_GRAMMAR_BYTES_MAX (1u << 20)          /* a grammar, a JSON schema, a list of tools */
#define IG_GRAMMAR_NODES_MAX (1u << 20)          /* places of one grammar, after repetitions are written out */
#define IG_GRAMMAR_REPEAT_MAX 65536              /* bounds of {m,n}, maxLength, maxItems */
#define IG_GRAMMAR_DEPTH_MAX 256                 /* recursion of a GBNF grammar */
#define IG_GRAMMAR_SET_MAX 16384                 /* readings of one text that are followed at once */
#define IG_GRAMMAR_CACHE_BYTES_MAX (64u << 20)   /* what the states of one text remember */
#define IG_SCHEMA_PROPERTIES_MAX 4096            /* of one object */

#define IG_MATCH_TEXT_MAX 2048                   /* characters of a question that the matcher reads */
#define IG_MATCH_LABELS_MAX (1 << 20)            /* answers of one matcher */
#define IG_MATCH_CASES_MAX (1 << 22)             /* questions that it is trained on */

#endif
