/* ingot/limits.h: every limit on what comes from outside, in one place. */
#ifndef INGOT_LIMITS_H
#define INGOT_LIMITS_H

#define IG_DIMS_MAX 6                            /* dimensions of a tensor */
#define IG_TREE_DEPTH_MAX 64                     /* nesting of JSON and YAML */
#define IG_TREE_NODES_MAX (1u << 24)             /* nodes of one document */
#define IG_RECIPE_BYTES_MAX (1u << 20)           /* a recipe or config.json */
#define IG_TOKENIZER_BYTES_MAX (256u << 20)      /* tokenizer.json */
#define IG_SAFETENSORS_HEADER_MAX 100000000u     /* as the format's own reader limits it */
#define IG_VOCAB_MAX (1 << 21)                   /* tokens of a vocabulary */
#define IG_TEXT_BYTES_MAX ((size_t)8 << 30)      /* one training text */
#define IG_PATH_MAX 4096
#define IG_GRAPH_NODES_MAX (1 << 20)             /* nodes of one recording */
#define IG_TEMPLATE_BYTES_MAX (1u << 20)         /* a chat template */
#define IG_PLAN_BYTES_MAX (64u << 20)            /* a saved plan */

#endif
