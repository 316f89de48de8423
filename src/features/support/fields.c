/* features/support/fields.c: what a support desk takes and gives, in both languages. */
#include "features/support/support.h"

const ig_field support_sources[] = {
    {.name = "faq", .type = IG_FIELD_FILES, .label = {"Questions and answers", "问答表"},
     .help = {"CSV, TSV, JSON, JSON lines or XLSX with a column of questions and one of answers; several questions may have one answer",
              "包含问题列和答案列的 CSV、TSV、JSON、JSON lines 或 XLSX；多个问题可对应同一答案"}},
    {.name = "docs", .type = IG_FIELD_FILES, .label = {"Help pages", "帮助页面"},
     .help = {"Markdown, HTML, DOCX, PDF or plain text, or folders of them", "Markdown、HTML、DOCX、PDF 或纯文本，也可以是文件夹"}},
    {.name = "sitemap", .type = IG_FIELD_URL, .label = {"Sitemap", "站点地图"},
     .help = {"address of a sitemap.xml: its pages are read once", "sitemap.xml 的地址：读取其中的页面一次"}},
    {.name = "items", .type = IG_FIELD_PROSE, .label = {"Items", "条目"},
     .help = {"JSON: a list of {\"question\" or \"questions\", \"answer\"} or {\"title\", \"text\"}",
              "JSON：由 {\"question\" 或 \"questions\", \"answer\"} 或 {\"title\", \"text\"} 组成的列表"}},
    {.name = NULL},
};

const ig_field support_settings[] = {
    {.name = "threshold", .type = IG_FIELD_REAL, .label = {"Certainty", "确信度"},
     .help = {"answer from this probability on; 0: chosen from your questions", "达到该概率才作答；0：根据您的问题自动选择"},
     .min = 0, .max = 1, .otherwise = "0"},
    {.name = "suggestions", .type = IG_FIELD_INT, .label = {"Suggestions", "建议数量"},
     .help = {"other answers that are offered beside the best", "除最佳答案外提供的其他答案数量"}, .min = 0, .max = 10, .otherwise = "3"},
    {.name = "person", .type = IG_FIELD_BOOL, .label = {"Offer a person", "提供人工服务"},
     .help = {"when the desk does not know, it offers to ask a person", "无法回答时，提供人工客服"}, .otherwise = "true"},
    {.name = "unknown_en", .type = IG_FIELD_PROSE, .label = {"I do not know (English)", "不知道（英文）"},
     .help = {"what the desk says in English when it does not know", "无法回答时的英文提示"}, .min = 0, .max = 2000, .otherwise = "\"\""},
    {.name = "unknown_zh", .type = IG_FIELD_PROSE, .label = {"I do not know (Chinese)", "不知道（中文）"},
     .help = {"what the desk says in Chinese when it does not know", "无法回答时的中文提示"}, .min = 0, .max = 2000, .otherwise = "\"\""},
    {.name = "chat_model", .type = IG_FIELD_MODEL, .label = {"Chat model", "对话模型"},
     .help = {"a model that writes the answer from the passages; empty: the stored answer is given",
              "根据段落撰写回答的模型；留空则直接给出已有答案"}, .otherwise = "\"\""},
    {.name = "chat_url", .type = IG_FIELD_URL, .label = {"Chat address", "对话地址"},
     .help = {"OpenAI-compatible address where the chat model is (https://…/v1): passages and questions are sent there; empty: a model of "
              "this workspace",
              "对话模型所在的 OpenAI 兼容地址（https://…/v1）：段落和问题会发送到该地址；留空则使用本工作区的模型"},
     .min = 0, .max = 1000, .otherwise = "\"\""},
    {.name = "chat_key_env", .type = IG_FIELD_TEXT, .label = {"Variable of the key", "密钥变量"},
     .help = {"environment variable of the server that holds the key for that address; its name ends in _KEY",
              "服务器上保存该地址密钥的环境变量，名称以 _KEY 结尾"}, .min = 0, .max = 60, .otherwise = "\"\""},
    {.name = "chat_seconds", .type = IG_FIELD_INT, .label = {"Patience", "等待时间"},
     .help = {"after so many seconds without the model's text the stored answer is given", "超过该秒数仍无模型文本，则给出已有答案"},
     .min = 1, .max = 600, .otherwise = "30"},
    {.name = "webhook", .type = IG_FIELD_URL, .label = {"Webhook of tickets", "工单 Webhook"},
     .help = {"public address that is told of each new ticket, with its text and contact; empty: none",
              "每个新工单都会通知的公网地址，包含其内容和联系方式；留空则不通知"}, .min = 0, .max = 1000, .otherwise = "\"\""},
    {.name = "webhook_key_env", .type = IG_FIELD_TEXT, .label = {"Variable of the webhook's key", "Webhook 密钥变量"},
     .help = {"environment variable of the server that holds the key which signs it; its name ends in _KEY",
              "服务器上保存其签名密钥的环境变量，名称以 _KEY 结尾"}, .min = 0, .max = 60, .otherwise = "\"\""},
    {.name = "effort", .type = IG_FIELD_CHOICE, .label = {"Effort", "训练强度"},
     .help = {"how long learning may take", "学习所用的时间"}, .choices = "quick|normal|thorough", .otherwise = "\"normal\""},
    {.name = NULL},
};

const ig_field support_request[] = {
    {.name = "question", .type = IG_FIELD_PROSE, .label = {"Question", "问题"}, .help = {"what somebody wants to know", "用户想了解的内容"},
     .required = true, .min = 1, .max = SUPPORT_QUESTION_BYTES_MAX},
    {.name = "language", .type = IG_FIELD_CHOICE, .label = {"Language", "语言"},
     .help = {"language to answer in; auto: that of the question", "回答所用语言；auto：与问题相同"}, .choices = "auto|en|zh",
     .otherwise = "\"auto\""},
    {.name = NULL},
};

static const ig_field source_of_answer[] = {
    {.name = "item", .type = IG_FIELD_ITEM, .label = {"Item", "条目"}},
    {.name = "title", .type = IG_FIELD_TEXT, .label = {"Title", "标题"}},
    {.name = "passage", .type = IG_FIELD_PROSE, .label = {"Passage", "段落"}},
    {.name = "source", .type = IG_FIELD_TEXT, .label = {"File", "文件"}},
    {.name = "line", .type = IG_FIELD_INT, .label = {"Line", "行"}},
    {.name = "score", .type = IG_FIELD_REAL, .label = {"Probability", "概率"}},
    {.name = NULL},
};

const ig_field support_answer[] = {
    {.name = "text", .type = IG_FIELD_PROSE, .label = {"Answer", "回答"}},
    {.name = "language", .type = IG_FIELD_TEXT, .label = {"Language", "语言"}},
    {.name = "written", .type = IG_FIELD_BOOL, .label = {"Written by a model", "由模型撰写"}},
    {.name = "other_language", .type = IG_FIELD_BOOL, .label = {"From a page in the other language", "来自另一种语言的页面"}},
    {.name = "sources", .type = IG_FIELD_LIST, .label = {"Sources", "来源"}, .of = source_of_answer},
    {.name = "suggestions", .type = IG_FIELD_LIST, .label = {"Suggestions", "建议"}, .of = source_of_answer},
    {.name = NULL},
};

const ig_field support_correction[] = {
    {.name = "item", .type = IG_FIELD_ITEM, .label = {"The right answer", "正确答案"},
     .help = {"an item of the content that answers the question", "能回答该问题的条目"}},
    {.name = "text", .type = IG_FIELD_PROSE, .label = {"A better answer", "更好的回答"},
     .help = {"in your own words; staff may make it knowledge", "用您自己的话；客服可将其加入知识"}, .min = 0,
     .max = SUPPORT_ANSWER_BYTES_MAX},
    {.name = NULL},
};
