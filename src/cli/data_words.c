/* cli/data_words.c: the Chinese words for what is wrong with rows; the English ones stand in ingot/examples.h. */
#include "cli/data_words.h"

static const char *const chinese[IG_PROBLEM_COUNT] = {
    [IG_PROBLEM_JSON] = "不是 JSON 对象",
    [IG_PROBLEM_ENCODING] = "不是 UTF-8",
    [IG_PROBLEM_LONG_LINE] = "超过一行允许的长度",
    [IG_PROBLEM_FIELDS] = "缺少必需的字段",
    [IG_PROBLEM_MESSAGES] = "没有消息列表",
    [IG_PROBLEM_ROLE] = "有消息缺少已知的角色",
    [IG_PROBLEM_CONTENT] = "有消息没有内容",
    [IG_PROBLEM_EMPTY] = "有消息内容为空",
    [IG_PROBLEM_ORDER] = "消息顺序不成立",
    [IG_PROBLEM_NO_ANSWER] = "没有可学习的助手回答",
    [IG_PROBLEM_WEIGHT] = "weight 既不是 0 也不是 1",
    [IG_PROBLEM_TOOLS] = "工具或工具调用的形式不对",
    [IG_PROBLEM_SAME] = "两个回答相同，无法比较优劣",
    [IG_PROBLEM_TEMPLATE] = "被聊天模板拒绝",
    [IG_PROBLEM_TOKENS] = "无法用模型的词元表示",
    [IG_PROBLEM_SPECIAL] = "文本中含有模型的特殊词元",
    [IG_PROBLEM_LABEL] = "没有已知的标签或分数",
    [IG_PROBLEM_TOO_LONG] = "词元数超过上下文",
    [IG_PROBLEM_CUT] = "被截断到上下文长度",
    [IG_PROBLEM_DUPLICATE] = "与前面的一行相同",
};

const char *cli_problem_words(const cli *c, ig_problem_kind kind) { return cli_say(c, ig_problem_words(kind), chinese[kind]); }
