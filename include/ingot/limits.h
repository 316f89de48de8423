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
#define IG_ONNX_ITEMS_MAX (1u << 20)             /* nodes, inputs, outputs and weights of an ONNX file, and the names in its nodes */
#define IG_ONNX_TEXT_BYTES_MAX (16u << 20)       /* one text in it */
#define IG_LLAMA2C_LAYERS_MAX 1024
#define IG_VOCAB_MAX (1 << 21)                   /* tokens of a vocabulary */
#define IG_TEXT_BYTES_MAX ((size_t)8 << 30)      /* one training text */
#define IG_ANALYZE_BYTES_MAX (16u << 20)         /* one text that is cut into terms */
#define IG_CHARSET_BYTES_MAX (512u << 20)        /* one text of unknown encoding */
#define IG_NGRAM_MAX 16                          /* characters of an n-gram */
#define IG_INDEX_DOCUMENTS_MAX 16000000          /* of one lexical index */
#define IG_INDEX_TERMS_MAX (1u << 25)            /* different terms of a lexical index */
#define IG_INDEX_NAMES_BYTES_MAX ((size_t)1 << 30) /* their names together */
#define IG_INDEX_TERM_BYTES_MAX 1024             /* one of them */
#define IG_INDEX_QUERY_MAX 1024                  /* terms of one query */
#define IG_PATH_MAX 4096
#define IG_GRAPH_NODES_MAX (1 << 20)             /* nodes of one recording */
#define IG_TEMPLATE_BYTES_MAX (1u << 20)         /* a chat template */
#define IG_CONV_SIZE_MAX (1 << 20)                /* kernel size, stride, dilation, padding and groups of a convolution */
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

#define IG_TABLE_BYTES_MAX ((size_t)512 << 20)   /* a table of questions and answers, as a file and as text */
#define IG_TABLE_COLUMNS_MAX 1024
#define IG_TABLE_ROWS_MAX (1u << 22)             /* rows of a sheet of XLSX, which is held whole */
#define IG_CSR_ROWS_MAX (1u << 26)               /* rows of a sparse table */
#define IG_CSR_INDEX_MAX ((1 << 30) - 1)         /* greatest index of one of its entries */
#define IG_LABEL_BYTES_MAX 256                    /* name of a class */
#define IG_PREPARATION_BYTES_MAX ((size_t)64 << 20) /* preparation.json */
#define IG_DOCUMENT_BYTES_MAX ((size_t)64 << 20) /* one document */
#define IG_PASSAGE_BYTES_MAX 1200                /* text of one passage */
#define IG_HTML_BYTES_MAX ((size_t)16 << 20)     /* a page */
#define IG_HTML_TREE_BYTES_MAX ((size_t)512 << 20) /* its tree, which a hostile page makes much larger than itself */
#define IG_HTML_SECONDS_MAX 20                   /* of parsing one page */
#define IG_OFFICE_ENTRIES_MAX 65536              /* files in a DOCX or XLSX */
#define IG_OFFICE_ENTRY_BYTES_MAX ((uint64_t)256 << 20) /* one of them, unpacked */
#define IG_OFFICE_RATIO_MAX 400                  /* unpacked bytes per packed one, past the first megabyte */
#define IG_XML_DEPTH_MAX 256
#define IG_PDF_SECONDS_MAX 60                    /* of the program that reads one PDF */
#define IG_PDF_MEMORY_MAX ((size_t)2 << 30)      /* its address space */
#define IG_PDF_PAGES_MAX 100000
#define IG_SITEMAP_BYTES_MAX ((size_t)50 << 20)  /* one sitemap, as sitemaps.org allows */
#define IG_SITEMAP_FILES_MAX 1000                /* sitemaps that an index leads to */
#define IG_SITEMAP_PAGES_MAX 10000               /* pages of one site */
#define IG_FOLDER_DEPTH_MAX 32                   /* folders in folders of documents */
#define IG_FOLDER_FILES_MAX 100000               /* documents of one folder */
#define IG_PICTURE_BYTES_MAX ((size_t)256 << 20) /* one picture, as a file */
#define IG_PICTURE_SIDE_MAX 65500                /* rows or columns, as libjpeg limits them */
#define IG_PICTURE_PIXELS_MAX ((int64_t)1 << 26) /* of one picture */
#define IG_PICTURE_SCANS_MAX 100                 /* of a progressive JPEG, each of which costs a pass over all pixels */
#define IG_PICTURES_MAX ((size_t)1 << 24)        /* pictures of one data set */
#define IG_PICTURE_CLASSES_MAX 65536
#define IG_PICTURES_KEPT_BYTES_MAX ((size_t)512 << 20) /* decoded pictures of a data set that stay in memory */
#define IG_IDX_BYTES_MAX ((size_t)1 << 30)       /* one IDX file, which is held whole */
#define IG_LOOP_ITEMS_MAX (1u << 20)             /* items of a feature's content */
#define IG_LOOP_CASES_MAX (1u << 21)             /* cases that a version learns from */
#define IG_LOOP_SAID_MAX 200000                  /* interactions that are looked at for learning, the newest ones */
#define IG_MATCH_TEXT_MAX 2048                   /* characters of a question that the matcher reads */
#define IG_MATCH_LABELS_MAX (1 << 20)            /* answers of one matcher */
#define IG_IDS_MAX (1 << 28)                     /* users, or items, of one set of interactions */
#define IG_ID_BYTES_MAX 1024                     /* one of their ids */
#define IG_INTERACTIONS_MAX (1 << 29)            /* pairs of user and item */
#define IG_INTERACTION_LINE_MAX (64u << 20)      /* a line that lists what a user has */
#define IG_ALS_RANK_MAX 256                      /* numbers of one user or item */
#define IG_RECOMMEND_MAX 10000                   /* items of one answer */
#define IG_MATCH_CASES_MAX (1 << 22)             /* questions that it is trained on */

#endif
