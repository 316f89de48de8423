/* widget/main.ts: the chat window for anybody's web page.
 *
 *     <script src="https://host/widget.js" data-key="ig-…" data-feature="desk" data-lang="auto"></script>
 *
 * A button; behind it a panel with the conversation, sources, thumbs and reasons, a better answer, and a way to a person, whose
 * answers are fetched while the page is seen. Everything lies in a shadow root. Esc closes, Tab stays inside, new messages are announced.
 */
import type { Answer, Message, Source } from "../shared/types";
import { makeClient, type Client } from "./client";
import { el, thumb, trapFocus } from "./dom";
import { style } from "./style";
import { chooseLanguage, dictionaries, type WidgetWord } from "./words";

const pollMs = 5000;

function start(script: HTMLScriptElement): void {
  const { key, feature, lang } = script.dataset;
  if (!key || !feature) return console.error("widget.js: data-key and data-feature are needed");
  const language = chooseLanguage(lang);
  const words = dictionaries[language];
  const host = el("div", { "data-ingot-widget": feature });
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(new Widget(makeClient(new URL(script.src).origin, key, feature), words, shadow, language).root);
  document.body.append(host);
}

class Widget {
  readonly root: HTMLElement;
  private readonly launch: HTMLButtonElement;
  private readonly panel: HTMLElement;
  private readonly log: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly seen = new Set<string>();
  private person: HTMLFormElement | null = null;
  private polling: ReturnType<typeof setInterval> | undefined;

  constructor(
    private client: Client,
    private words: Record<WidgetWord, string>,
    shadow: ShadowRoot,
    language: string,
  ) {
    this.launch = el(
      "button",
      { class: "launch", type: "button", "aria-haspopup": "dialog", click: () => this.open() },
      words.open,
    );
    this.log = el("div", { class: "log", role: "log", "aria-live": "polite", tabindex: "0", "aria-label": words.title });
    this.input = el("input", { type: "text", autocomplete: "off", maxlength: "2000", required: true, placeholder: words.ask });
    const form = el(
      "form",
      { class: "ask", submit: (e) => (e.preventDefault(), void this.ask(this.input.value)) },
      el("label", {}, el("span", { class: "hide" }, words.ask), this.input),
      el("button", { class: "main", type: "submit" }, words.send),
    );
    const foot = el(
      "div",
      { class: "foot" },
      el("button", { class: "plain", type: "button", click: () => this.openPerson() }, words.person),
    );
    this.panel = el(
      "section",
      { class: "panel", role: "dialog", "aria-modal": "true", "aria-label": words.title, hidden: true },
      el(
        "header",
        {},
        el("h2", {}, words.title),
        el("button", { type: "button", "aria-label": words.close, click: () => this.close() }, "✕"),
      ),
      this.log,
      form,
      foot,
    );
    this.root = el("div", { class: "root", lang: language === "zh" ? "zh-CN" : "en" }, this.launch, this.panel);
    trapFocus(shadow, this.panel, () => this.close());
    this.say("desk", words.hello);
    if (client.waiting()) this.poll();
  }

  private open(): void {
    this.panel.hidden = false;
    this.launch.hidden = true;
    this.input.focus();
  }
  private close(): void {
    this.panel.hidden = true;
    this.launch.hidden = false;
    this.launch.focus();
  }

  private say(who: "you" | "desk" | "staff", text: string): HTMLElement {
    const m = el(
      "div",
      { class: `msg ${who}` },
      who === "staff" ? el("p", { class: "who" }, this.words.staff) : el("span", { class: "hide" }, this.words[who] + ": "),
      el("p", {}, text),
    );
    this.log.append(m);
    m.scrollIntoView?.({ block: "nearest" });
    return m;
  }
  private failed(e: unknown, again: () => void): void {
    const m = this.say("desk", this.words.failed.replace("{why}", e instanceof Error ? e.message : String(e)));
    m.classList.add("bad");
    m.append(el("button", { class: "chip", type: "button", click: () => (m.remove(), again()) }, this.words.again));
  }

  private async ask(question: string, said = false): Promise<void> {
    if (!question.trim()) return;
    if (!said) this.say("you", question);
    this.input.value = "";
    const wait = this.say("desk", this.words.thinking);
    try {
      const a = await this.client.ask(question);
      wait.remove();
      this.answer(a);
    } catch (e) {
      wait.remove();
      this.failed(e, () => void this.ask(question, true));
    }
  }

  private answer(a: Answer): void {
    const w = this.words,
      said = a.answer;
    const text = said.text || (a.outcome === "person" ? w.person_outcome : w.unknown);
    const m = this.say("desk", text);
    if (said.language) m.querySelector("p")!.lang = said.language === "zh" ? "zh-CN" : said.language;
    if (said.sources?.length) m.append(this.sources(said.sources));
    if (said.suggestions?.length)
      m.append(
        el(
          "div",
          { class: "row" },
          el("span", { class: "small" }, w.maybe),
          ...said.suggestions.map((s) =>
            el("button", { class: "chip", type: "button", click: () => void this.ask(s.title) }, s.title),
          ),
        ),
      );
    if (a.outcome === "answered") m.append(this.judge(a.id));
    else
      m.append(
        el("div", { class: "row" }, el("button", { class: "chip", type: "button", click: () => this.openPerson() }, w.person)),
      );
    m.scrollIntoView?.({ block: "nearest" });
  }

  private sources(list: Source[]): HTMLElement {
    return el(
      "details",
      { class: "sources" },
      el("summary", {}, `${this.words.sources} (${list.length})`),
      ...list.map((s) => el("div", {}, el("strong", {}, s.title), s.passage ? el("blockquote", {}, s.passage) : null)),
    );
  }

  /* Thumbs; after a bad one, reasons and a box for the right answer. */
  private judge(interaction: string): HTMLElement {
    const w = this.words,
      box = el("div");
    const status = el("span", { class: "small", role: "status" });
    const more = el("div", { hidden: true });
    let now = "";
    const thumbs = (["like", "dislike"] as const).map((type) =>
      el(
        "button",
        {
          class: "chip",
          type: "button",
          "aria-pressed": "false",
          "aria-label": w[type],
          title: w[type],
          click: () => void press(type),
        },
        thumb(type === "dislike"),
      ),
    );
    const send = async (call: () => Promise<unknown>): Promise<boolean> => {
      try {
        await call();
        status.textContent = w.thanks;
        return true;
      } catch (e) {
        status.textContent = w.failed.replace("{why}", e instanceof Error ? e.message : String(e));
        return false;
      }
    };
    const press = async (type: "like" | "dislike") => {
      const next = now === type ? "" : type;
      if (!(await send(() => this.client.feedback({ interaction, type: next || "none" })))) return;
      now = next;
      if (!now) status.textContent = "";
      thumbs.forEach((b, i) => b.setAttribute("aria-pressed", String(now === (i ? "dislike" : "like"))));
      more.hidden = now !== "dislike";
    };
    const chips = (["wrong", "incomplete", "outdated", "unclear"] as const).map((reason) => {
      const chip = el(
        "button",
        {
          class: "chip",
          type: "button",
          "aria-pressed": "false",
          click: async () => {
            if (!(await send(() => this.client.feedback({ interaction, type: "dislike", reason })))) return;
            for (const c of chips) c.setAttribute("aria-pressed", String(c === chip));
          },
        },
        w[reason],
      );
      return chip;
    });
    const better = el("textarea", { rows: "2", maxlength: "4000", required: true });
    const form = el(
      "form",
      {
        submit: async (e) => {
          e.preventDefault();
          if (await send(() => this.client.correct(interaction, better.value))) form.remove();
        },
      },
      el("label", {}, w.better, better),
      el("button", { class: "main", type: "submit" }, w.save),
    );
    more.append(
      el("div", { class: "row", role: "group", "aria-label": w.why }, el("span", { class: "small" }, w.why), ...chips),
      form,
    );
    box.append(el("div", { class: "row" }, ...thumbs, status), more);
    return box;
  }

  private openPerson(): void {
    if (!this.person) {
      const w = this.words;
      const contact = el("input", { type: "text", autocomplete: "email", maxlength: "400", required: true });
      const text = el("textarea", { rows: "3", maxlength: "20000", required: true });
      this.person = el(
        "form",
        { submit: (e) => (e.preventDefault(), void this.toPerson(contact.value, text.value)) },
        el("label", {}, w.contact_text, text),
        el("label", {}, w.contact, contact),
        el("button", { class: "main", type: "submit" }, w.send),
      );
      this.log.append(el("div", { class: "msg" }, el("p", {}, w.person), this.person));
    }
    this.person.querySelector("textarea")!.focus();
  }
  private async toPerson(contact: string, text: string): Promise<void> {
    try {
      await this.client.ticket(contact, text);
      this.person?.parentElement?.remove();
      this.person = null;
      this.say("you", text);
      this.say("desk", this.words.person_sent);
      this.input.focus();
      this.poll();
    } catch (e) {
      this.failed(e, () => void this.toPerson(contact, text));
    }
  }

  /* Staff's answers, while the page is seen. A failure is tried again at the next turn. */
  private poll(): void {
    if (this.polling) return;
    const look = async () => {
      if (document.hidden) return;
      const list: Message[] = await this.client.messages().catch(() => []);
      for (const m of list) {
        if (this.seen.has(m.id)) continue;
        this.seen.add(m.id);
        if (m.from === "staff") this.say("staff", m.text);
      }
    };
    this.polling = setInterval(() => void look(), pollMs);
    void look();
  }
}

/* currentScript is the tag itself only while the script runs for the first time. */
const script = document.currentScript as HTMLScriptElement | null;
if (script) {
  if (document.body) start(script);
  else document.addEventListener("DOMContentLoaded", () => start(script));
}
