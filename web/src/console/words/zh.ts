/* words/zh.ts: every sentence of the console in Chinese; the keys are those of words/en.ts. */
import type { en } from "./en";

export const zh: Record<keyof typeof en, string> = {
  // frame
  console: "控制台", skip: "跳到正文", menu: "菜单", overview: "总览", inbox: "收件箱", models: "模型", runs: "任务",
  keys: "密钥", new_feature: "新建功能", features: "功能", sign_out: "退出登录", signed_in_as: "{name} · {role}",
  language: "语言", theme: "外观", theme_auto: "跟随系统", theme_light: "浅色", theme_dark: "深色",
  loading: "正在加载…", failed: "没有成功", again: "重试", close: "关闭", cancel: "取消", save: "保存", send: "发送",
  copy: "复制", copied: "已复制", more: "显示更多", remove: "移除", add: "添加", yes: "是", no: "否",
  not_found: "没有这个页面。", to_overview: "回到总览", none: "无", required: "必填",
  role_public: "公开", role_app: "应用", role_staff: "客服", role_admin: "管理员",
  // sign-in
  sign_in: "登录", sign_in_about: "用密钥登录，或打开“ingot console”给出的链接。", key: "密钥",
  key_help: "以“ig-”开头，由“ingot key new --role admin”生成。", link_used: "链接已用过或已过期。密钥始终可用。",
  // overview
  hello: "接下来做什么", nothing_to_do: "没有待办。", week: "本周", asked: "提问", answered: "已回答",
  liked: "好评", corrections: "更正", users: "人数", no_features: "还没有功能。",
  no_features_about: "功能就是您的产品要调用的东西，例如客服台。准备一份问答表，就可以提问了。",
  per_day: "四周内每天的提问", live_version: "线上是版本 {n}", no_live: "没有版本上线",
  candidate_version: "版本 {n} 是候选", items_count: "{n} 条内容",
  verb_improve: "从反馈中学习", verb_promote: "决定候选版本", verb_compare: "查看候选版本",
  verb_answer: "补写答案", verb_add: "添加内容", verb_tickets: "回复工单", verb_review: "查看反馈", verb_report: "补写答案",
  // tabs of a feature
  tab_ask: "试一试", tab_content: "内容", tab_feedback: "反馈", tab_versions: "版本", tab_settings: "设置",
  tab_report: "报告",
  // ask
  ask: "提问", ask_title: "向 {name} 提问", ask_empty: "像用户那样提问。您对答案的评价按客服意见计算。",
  you: "您", confidence: "把握 {p}", in_ms: "{n} 毫秒", version_n: "版本 {n}", sources: "来源", suggestions: "您是不是想问",
  unknown_answer: "它不知道。", person_answer: "它转给了人工。", open_passage: "查看原文",
  other_language: "依据另一种语言的内容", written: "根据来源写成", new_conversation: "新对话",
  like: "答得好", dislike: "答得不好", thanks: "已记下。", why_bad: "哪里不对？",
  reason_wrong: "错误", reason_incomplete: "不完整", reason_outdated: "已过时", reason_unclear: "不清楚",
  better_answer: "更好的答案", better_help: "客服的更正会被采信，下一个版本会学到。",
  explain: "为什么这样回答？", explain_title: "为什么这样回答", score: "得分", from_file: "{file} 第 {line} 行",
  why_question: "问题", why_language: "语言", why_confidence: "把握", why_threshold: "高于此值才回答", why_candidates: "候选",
  why_score: "得分", why_parts: "组成", why_words: "共同的词", why_classifier: "学习到的分类", why_feedback: "反馈",
  why_outcome: "结果", why_title: "标题", why_item: "内容", why_weights: "权重", why_lexical: "共同的词", why_meaning: "语义",
  // content
  content_title: "内容", search_content: "搜索内容", content_total: "{n} 条", withdraw: "撤下",
  withdraw_sure: "撤下“{title}”？从现在起任何版本都不再据此回答，回退之后也一样。", withdrawn: "已撤下",
  no_content: "没有找到。", add_files: "添加内容",
  reading: "正在读取和构建…", added_report: "读取了 {read} 条。版本 {version} 已上线，共 {items} 条内容。",
  bad_rows: "{n} 行未采用", row_notes: "{n} 条说明", file: "文件", line: "行", problem: "问题",
  broken_content: "未采用：已确认正确的答案会因此出错。", force: "仍然添加",
  // feedback
  unanswered: "未回答", disliked: "差评", interactions: "问答记录", times: "{n} 次", write_answer: "写答案",
  write_answer_about: "适用于这一组的全部 {n} 个问题。", filter_outcome: "结果", filter_type: "反馈", all: "全部",
  rated_only: "只看有反馈的", no_interactions: "还没有提问。", group_none: "这里没有问题组，很好。", outcome_answered: "已回答",
  outcome_unknown: "不知道", outcome_person: "转人工", type_like: "好评", type_dislike: "差评", type_correction: "更正",
  type_none: "已收回", type_rating: "打分", type_click: "点击", type_conversion: "转化", type_label: "标注",
  by_staff: "客服", answer_saved: "已保存。点“从反馈中学习”即可得到会回答它的版本。", question: "问题", answer: "答案",
  // versions
  improve: "从反馈中学习", improve_about: "训练一个候选版本，并用全部保留问题与线上版本对比。",
  live: "线上", candidate: "候选", version: "版本", made: "生成时间", reason: "来由", of_held_out: "{n} 个保留问题",
  reason_new: "首个版本", reason_content: "内容", reason_settings: "设置", reason_learn: "学习",
  status_building: "构建中", status_complete: "完成", status_failed: "失败", status_removed: "已删除",
  compare_live: "与线上版本对比", promote: "上线", rollback: "回退", rollback_sure: "让之前的线上版本重新上线？",
  promote_sure: "从现在起由版本 {n} 回答所有人。随时可以回退。", promoted: "版本 {n} 已上线。",
  promote_worse: "评测认为它更差。仍然上线？", share: "由候选版本回答的比例",
  share_set: "候选版本回答 {p} 的问题。", learned: "学习了 {feedback} 条反馈，{cases} 个样例",
  voices_down: "权重降低的评价者", weight: "权重", verdict_better: "更好", verdict_no_worse: "不差", verdict_worse: "更差",
  verdict_too_little: "数据太少", interval_note: "圆点是平均值，线段是 95 % 置信区间。",
  // comparison
  compare_title: "版本 {to} 与版本 {from}", difference: "差值", needed: "大约还需要 {n} 个保留问题才能判断。",
  protocol_note: "{n} 个保留问题，{protocol}", fixed: "改对", broken: "改错", changed: "改变", same_count: "{n} 个答案不变",
  expected: "应为", before: "版本 {n}", nothing_here: "没有。", fixed_help: "新答案是确认过的，旧答案不是。",
  broken_help: "旧答案是确认过的，新答案不是。", changed_help: "被差评的问题有了新答案，还没有人评价。",
  protocol_held_out: "一次性保留，永不用于训练", protocol_cross_validation: "分五轮提问（交叉验证）",
  // settings
  settings_title: "设置", no_settings: "这一类功能没有设置。", settings_saved: "已存为版本 {n}，权重不变。",
  delete_feature: "删除此功能", delete_sure: "删除 {name} 及其内容、版本和反馈？请输入它的名称以继续。",
  // report
  report_title: "报告", period: "时段", days_7: "7 天", days_28: "28 天", days_90: "90 天", day: "日期", likes: "好评", dislikes: "差评",
  not_known: "不知道", by_version: "按版本", seconds_mean: "平均用时", liked_share: "评价者中的好评比例", table: "以表格显示",
  since: "开始",
  // inbox
  inbox_title: "收件箱", ticket_open: "待处理", ticket_answered: "已回复", ticket_closed: "已关闭", no_tickets: "没有工单。",
  contact: "联系方式", transcript: "对话记录", your_answer: "您的回复", make_knowledge: "变成知识",
  make_knowledge_help: "以后有人问同样的问题，就这样回答。", close_ticket: "关闭工单", ticket_closed_now: "已关闭。",
  from_user: "访客", from_staff: "客服", from_desk: "客服台", sent: "已发送。", choose_ticket: "请选择一个工单。",
  // models, runs
  models_title: "模型", no_models: "工作区里没有模型。", model: "模型", owned_by: "来自", runs_title: "任务", no_runs: "还没有运行过任务。",
  run: "任务", status: "状态", started: "开始", finished: "结束", progress: "进度", events: "事件", stop: "停止", step: "步",
  job_improve: "学习", job_fine_tuning: "微调", job_new: "新建功能", job_queued: "等待中", job_running: "进行中",
  job_succeeded: "完成", job_failed: "失败", job_cancelled: "已停止", to_versions: "查看版本",
  // keys
  keys_title: "密钥", make_key: "生成密钥", name: "名称", role: "角色", feature: "功能", origins: "可使用的网页",
  origins_help: "来源地址，如 https://shop.example，每行一个。", visitor_per_minute: "每位访客每分钟的提问数", revoke: "吊销",
  revoke_sure: "吊销“{name}”？使用它的程序会立即停止工作。", revoked: "已吊销", last_used: "最近使用", never: "从未",
  secret_once: "这就是密钥，只显示这一次。", script_tag: "把这一行放进网页，在 </body> 之前：", any_feature: "全部功能",
  role_help: "公开：可放在网页里。应用：提问。客服：回复和更正。管理员：一切。",
  // new feature
  new_title: "新建功能", kind: "类别", feature_name: "功能名称", feature_name_help: "字母、数字和短横线；程序用这个名称调用它。",
  sources_title: "您的内容", create: "创建", creating: "正在读取、训练、上线…", created: "{name} 已上线。",
  choose_model: "不用模型", search_item: "搜索一条内容", drop_files: "把文件拖到这里，或",
};
