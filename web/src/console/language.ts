/* console/language.ts: words in the reader's language, and how numbers and times are written in it.
 *
 * words/en.ts is the list of keys; words/zh.ts must have the same ones (the type says so, and tests/web/words.test.mjs). `{n}` in a
 * sentence stands for a parameter. Words that a kind brings (`{en, zh}`) go through `w`.
 */
import type { Language, Words } from "../shared/types";
import { en } from "./words/en";
import { zh } from "./words/zh";

export type WordKey = keyof typeof en;
const dictionaries: Record<Language, Record<WordKey, string>> = { en, zh };

function firstLanguage(): Language {
  const kept = localStorage.getItem("ingot-language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

let language: Language = firstLanguage();
export const currentLanguage = (): Language => language;
export function setLanguage(l: Language): void {
  language = l;
  localStorage.setItem("ingot-language", l);
  document.documentElement.lang = l === "zh" ? "zh-CN" : "en";
}

export type Params = Record<string, string | number>;
export function t(key: WordKey, params: Params = {}): string {
  return dictionaries[language][key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in params ? String(params[name]) : whole,
  );
}
/* A word for something that a server names, as a verdict: its key when there is one, else the name itself. */
export function named(prefix: string, name: string): string {
  const key = `${prefix}_${name}`;
  return key in en ? t(key as WordKey) : name;
}
export function w(words: Words | undefined): string {
  if (!words) return "";
  return words[language] || words.en || words.zh || "";
}

const locale = () => (language === "zh" ? "zh-CN" : "en-GB");
export const count = (n: number | undefined): string => new Intl.NumberFormat(locale()).format(n ?? 0);
export const percent = (x: number, digits = 0): string =>
  new Intl.NumberFormat(locale(), { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits }).format(x);
export const signed = (x: number): string =>
  new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" }).format(x);
export function when(seconds: number | null | undefined): string {
  if (!seconds) return "—";
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(seconds * 1000));
}
export function ago(seconds: number): string {
  const s = Math.max(0, Date.now() / 1000 - seconds);
  const f = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  if (s < 60) return f.format(0, "minute");
  if (s < 3600) return f.format(-Math.round(s / 60), "minute");
  if (s < 86400) return f.format(-Math.round(s / 3600), "hour");
  return f.format(-Math.round(s / 86400), "day");
}
