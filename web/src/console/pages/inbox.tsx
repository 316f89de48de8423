/* pages/inbox.tsx: visitors who asked for a person: the tickets, one of them with what was said, the answer, and its way into
 * the content. */
import { useState } from "preact/hooks";
import type { Interaction, Message, Ticket } from "../../shared/types";
import { get, post, url } from "../api";
import { ago, named, t, when } from "../language";
import { Button, Card, Empty, Labelled, Problem, Show, Tabs, Tag } from "../parts";
import { brief } from "../show";
import { to, useDoing, useEvery, useLoad, useShared } from "../state";

const look = { open: "warn", answered: "good", closed: "plain" } as const;

export function Inbox({ id }: { id?: string }) {
  const [status, setStatus] = useState("open");
  const list = useLoad(() => get<{ tickets: Ticket[] }>(url(["tickets"], { status })), [status]);
  useEvery(15000, true, list.reload);
  return (
    <>
      <h1>{t("inbox_title")}</h1>
      <Tabs
        label={t("status")}
        now={status}
        choose={setStatus}
        tabs={[
          { name: "open", title: t("ticket_open") },
          { name: "answered", title: t("ticket_answered") },
          { name: "closed", title: t("ticket_closed") },
          { name: "", title: t("all") },
        ]}
      />
      <div class="split">
        <Card>
          <Show of={list}>
            {({ tickets }) =>
              tickets.length ? (
                <ul class="items">
                  {tickets.map((k) => (
                    <li key={k.id} class="column">
                      <a href={to("inbox", k.id)} aria-current={k.id === id ? "page" : undefined}>
                        {k.subject}
                      </a>
                      <div class="row">
                        <Tag look={look[k.status]}>{named("ticket", k.status)}</Tag>
                        <span class="muted small">
                          {k.feature} · {ago(k.changed_at)}
                        </span>
                      </div>
                    </li>
                  ))}
                </ul>
              ) : (
                <Empty title={t("no_tickets")} />
              )
            }
          </Show>
        </Card>
        {id ? (
          <OneTicket key={id} id={id} changed={list.reload} />
        ) : (
          <Card>
            <Empty title={t("choose_ticket")} />
          </Card>
        )}
      </div>
    </>
  );
}

/* What the desk and the visitor said before, and the messages since, in the order of time. */
function transcript(k: Ticket): Message[] {
  const earlier = (k.interactions ?? []).flatMap((i: Interaction): Message[] => [
    { id: i.id + "q", from: "user", text: brief(i.request), at: i.at },
    { id: i.id + "a", from: "desk", text: i.answer.text || named("outcome", i.outcome), at: i.at },
  ]);
  return [...earlier, ...(k.messages ?? [])].sort((a, b) => a.at - b.at);
}

function OneTicket({ id, changed }: { id: string; changed: () => void }) {
  const ticket = useLoad(() => get<Ticket>(url(["tickets", id])), [id]);
  const [text, setText] = useState("");
  const [learn, setLearn] = useState(true);
  const doing = useDoing();
  const { say } = useShared();
  const both = () => (ticket.reload(), changed());
  const send = (e: Event) => {
    e.preventDefault();
    void doing.run(async () => {
      await post(url(["tickets", id, "messages"]), { text, learn: learn && !!ticket.data?.interaction });
      setText("");
      say(t("sent"));
      both();
    });
  };
  const close = () =>
    doing.run(async () => {
      await post(url(["tickets", id, "close"]));
      say(t("ticket_closed_now"));
      both();
    });
  return (
    <Show of={ticket}>
      {(k) => (
        <Card
          title={k.subject}
          side={
            <>
              <Tag look={look[k.status]}>{named("ticket", k.status)}</Tag>
              {k.status !== "closed" && (
                <Button look="quiet" onClick={close}>
                  {t("close_ticket")}
                </Button>
              )}
            </>
          }
        >
          <p class="muted">
            {t("contact")}: {k.contact || t("none")} · {when(k.created_at)}
          </p>
          <ol class="messages" aria-label={t("transcript")}>
            {transcript(k).map((m) => (
              <li key={m.id} class={m.from}>
                <span class="muted small">
                  {named("from", m.from)} · {when(m.at)}
                </span>
                <p>{m.text}</p>
              </li>
            ))}
          </ol>
          {k.status !== "closed" && (
            <form class="stack" onSubmit={send}>
              <Labelled label={t("your_answer")}>
                {(input) => (
                  <textarea id={input} rows={4} required value={text} onInput={(e) => setText(e.currentTarget.value)} />
                )}
              </Labelled>
              {k.interaction && (
                <label class="check">
                  <input type="checkbox" checked={learn} onChange={(e) => setLearn(e.currentTarget.checked)} />
                  <span>
                    {t("make_knowledge")}
                    <small class="help">{t("make_knowledge_help")}</small>
                  </span>
                </label>
              )}
              <Problem text={doing.error} />
              <div>
                <Button type="submit" look="main" busy={doing.busy} disabled={!text.trim()}>
                  {t("send")}
                </Button>
              </div>
            </form>
          )}
        </Card>
      )}
    </Show>
  );
}
