/* widget/words.ts: what the widget says, in both languages. */
import type { Language } from "../shared/types";

const en = {
  open: "Ask us",
  close: "Close",
  title: "How can we help?",
  hello: "Hello! Ask your question; the answers come from our own pages.",
  ask: "Your question",
  send: "Send",
  thinking: "One moment…",
  sources: "Sources",
  maybe: "Did you mean",
  unknown: "We have no answer to that yet. A person can help you.",
  person_outcome: "A person should answer this.",
  like: "Helpful",
  dislike: "Not helpful",
  thanks: "Thank you.",
  why: "What is wrong with it?",
  wrong: "Wrong",
  incomplete: "Incomplete",
  outdated: "Out of date",
  unclear: "Unclear",
  better: "What would be right?",
  save: "Send",
  person: "Talk to a person",
  contact: "E-mail or telephone, so that we can reach you",
  contact_text: "What is it about?",
  person_sent: "Thank you. We answer here, or by your contact.",
  staff: "Staff",
  failed: "That did not work: {why}",
  again: "Try again",
  you: "You",
  desk: "Answer",
};
const zh: Record<keyof typeof en, string> = {
  open: "问一问",
  close: "关闭",
  title: "需要帮助吗？",
  hello: "您好！请直接提问，答案都来自我们自己的资料。",
  ask: "您的问题",
  send: "发送",
  thinking: "请稍候…",
  sources: "来源",
  maybe: "您是不是想问",
  unknown: "这个问题暂时没有答案，可以转人工。",
  person_outcome: "这个问题需要人工回答。",
  like: "有帮助",
  dislike: "没有帮助",
  thanks: "谢谢。",
  why: "哪里不对？",
  wrong: "错误",
  incomplete: "不完整",
  outdated: "已过时",
  unclear: "不清楚",
  better: "正确的应该是？",
  save: "提交",
  person: "转人工",
  contact: "邮箱或电话，便于联系您",
  contact_text: "是什么问题？",
  person_sent: "谢谢。我们会在这里或通过您的联系方式回复。",
  staff: "客服",
  failed: "没有成功：{why}",
  again: "重试",
  you: "您",
  desk: "回答",
};
export type WidgetWord = keyof typeof en;
export const dictionaries: Record<Language, Record<WidgetWord, string>> = { en, zh };

/* "auto": the page's own language, then the browser's. */
export function chooseLanguage(wanted: string | undefined): Language {
  const l = wanted && wanted !== "auto" ? wanted : document.documentElement.lang || navigator.language;
  return l.toLowerCase().startsWith("zh") ? "zh" : "en";
}
