/* widget/client.ts: the few calls that a public key may make. The server is where the script came from.
 *
 * The visitor is a token that the server signed; it is kept in the page's own localStorage (and in memory where that is refused), with
 * the conversation, so that answers of staff find the visitor again. It names nobody.
 */
import type { Answer, Json, JsonMap, Message } from "../shared/types";

export interface Client {
  ask: (question: string) => Promise<Answer>;
  feedback: (body: JsonMap) => Promise<unknown>;
  correct: (interaction: string, text: string) => Promise<unknown>;
  ticket: (contact: string, text: string) => Promise<unknown>;
  messages: () => Promise<Message[]>;
  waiting: () => boolean; /* a ticket was opened: staff may answer */
}

interface Kept {
  visitor?: string;
  request?: string; /* the kind's fields that take a question and a better answer */
  correction?: string;
  conversation?: string;
  ticket?: boolean;
}

export function makeClient(server: string, key: string, feature: string): Client {
  const place = `ingot-widget-${feature}`;
  let kept: Kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(place) ?? "{}") as Kept;
  } catch {
    /* refused or damaged: a new visitor */
  }
  const keep = (more: Kept) => {
    kept = { ...kept, ...more };
    try {
      localStorage.setItem(place, JSON.stringify(kept));
    } catch {
      /* memory must do */
    }
  };
  const call = async <T>(method: string, path: string, body?: Json): Promise<T> => {
    const headers: Record<string, string> = { Authorization: `Bearer ${key}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const r = await fetch(server + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
    });
    const value = (await r.json().catch(() => ({}))) as T & { error?: { message?: string; code?: string } };
    if (!r.ok) throw Object.assign(new Error(value.error?.message ?? String(r.status)), { code: value.error?.code });
    return value;
  };
  let coming: Promise<string> | undefined;
  const visitor = (): Promise<string> => {
    if (kept.visitor) return Promise.resolve(kept.visitor);
    coming ??= call<Kept & { visitor: string }>("POST", "/v1/widget/visitor", {}).then(
      ({ visitor, request, correction }) => (keep({ visitor, request, correction }), visitor),
    );
    coming.catch(() => (coming = undefined));
    return coming;
  };
  /* A token or conversation that the server does not know any more (a new workspace): forgotten, and once more. */
  const known = async <T>(f: () => Promise<T>): Promise<T> => {
    try {
      return await f();
    } catch (e) {
      const code = (e as { code?: string }).code;
      if (code !== "invalid_visitor" && code !== "conversation_not_found") throw e;
      coming = undefined;
      keep({ visitor: code === "invalid_visitor" ? undefined : kept.visitor, conversation: undefined, ticket: false });
      return f();
    }
  };
  const conversation = (): JsonMap => (kept.conversation ? { conversation: kept.conversation } : {});
  return {
    ask: (question) =>
      known(async () => {
        const user = await visitor();
        const a = await call<Answer>("POST", `/v1/features/${encodeURIComponent(feature)}/ask`, {
          [kept.request ?? "question"]: question,
          user,
          ...conversation(),
        });
        keep({ conversation: a.conversation });
        return a;
      }),
    feedback: async (body) => call("POST", "/v1/feedback", { ...body, user: await visitor() }),
    correct: async (interaction, text) => {
      const user = await visitor();
      return call("POST", "/v1/feedback", {
        interaction,
        type: "correction",
        correction: { [kept.correction ?? "text"]: text },
        user,
      });
    },
    ticket: (contact, text) =>
      known(async () => {
        const t = await call<{ conversation?: string }>("POST", "/v1/tickets", {
          contact,
          text,
          user: await visitor(),
          ...conversation(),
        });
        keep({ ticket: true, ...(t.conversation ? { conversation: t.conversation } : {}) });
      }),
    messages: () =>
      known(async () => {
        const q = new URLSearchParams({ visitor: await visitor() });
        if (kept.conversation) q.set("conversation", kept.conversation);
        return (await call<{ messages: Message[] }>("GET", `/v1/widget/messages?${q}`)).messages;
      }),
    waiting: () => !!kept.ticket,
  };
}
