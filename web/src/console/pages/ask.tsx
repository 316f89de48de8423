/* pages/ask.tsx: try a feature: ask, read the answer with its sources, judge it, see why. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer, JsonMap, Source } from "../../shared/types";
import { get, post, url } from "../api";
import { Form, startOf } from "../form";
import { percent, t, type WordKey } from "../language";
import { Button, Card, Dialog, Problem, Show, Tag, Thumb } from "../parts";
import { brief, Explanation } from "../show";
import { useDoing, useKind, useLoad, useMay } from "../state";
import type { OfFeature } from "./feature";

interface Turn {
  request: JsonMap;
  answer: Answer;
}

export function Ask({ feature }: OfFeature) {
  const kind = useKind(feature.kind);
  const fields = kind?.request_fields ?? [];
  const [request, setRequest] = useState<JsonMap>(() => startOf(fields));
  const [turns, setTurns] = useState<Turn[]>([]);
  const doing = useDoing();
  const end = useRef<HTMLDivElement>(null);
  useEffect(() => end.current?.scrollIntoView({ block: "nearest" }), [turns.length]);
  const ask = async () => {
    const last = turns[turns.length - 1];
    const conversation: JsonMap = last ? { conversation: last.answer.conversation } : {};
    const done = await doing.run(async () => {
      const answer = await post<Answer>(url(["features", feature.name, "ask"]), { ...request, ...conversation });
      setTurns((list) => [...list, { request, answer }]);
    });
    if (done) setRequest(startOf(fields));
  };
  const submit = (e: Event) => {
    e.preventDefault();
    void ask();
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing && (e.target as Element).tagName === "TEXTAREA") submit(e);
  };
  return (
    <Card
      class="talk"
      title={t("ask_title", { name: feature.name })}
      side={
        turns.length > 0 && (
          <Button look="quiet" onClick={() => setTurns([])}>
            {t("new_conversation")}
          </Button>
        )
      }
    >
      <div class="turns" role="log" aria-live="polite">
        {turns.length ? (
          turns.map((turn) => <TurnView key={turn.answer.id} of={turn} feature={feature.name} />)
        ) : (
          <p class="muted">{t("ask_empty")}</p>
        )}
        <div ref={end} />
      </div>
      <Problem text={doing.error} />
      <form class="ask-form" onSubmit={submit} onKeyDown={onKey}>
        <Form fields={fields} value={request} set={setRequest} feature={feature.name} />
        <Button type="submit" look="main" busy={doing.busy}>
          {t("ask")}
        </Button>
      </form>
    </Card>
  );
}

function TurnView({ of, feature }: { of: Turn; feature: string }) {
  const a = of.answer,
    said = a.answer;
  const text =
    said.text ||
    (a.outcome === "answered" ? brief(said as JsonMap) : t(a.outcome === "person" ? "person_answer" : "unknown_answer"));
  return (
    <article class="turn">
      <p class="asked">
        <span class="visually-hidden">{t("you")}: </span>
        {brief(of.request)}
      </p>
      <div class={`answered ${a.outcome}`}>
        <p class="answer-text" lang={said.language}>
          {text}
        </p>
        <div class="row muted small">
          <span>{t("confidence", { p: percent(a.confidence) })}</span>
          <span>{t("version_n", { n: a.version })}</span>
          <span>{t("in_ms", { n: (a.seconds * 1000).toFixed(1) })}</span>
          {said.other_language && <Tag look="warn">{t("other_language")}</Tag>}
          {said.written && <Tag>{t("written")}</Tag>}
        </div>
        <Sources title={t("sources")} list={said.sources} />
        <Sources title={t("suggestions")} list={said.suggestions} />
        <Judge interaction={a.id} feature={feature} />
      </div>
    </article>
  );
}

export function Sources({ title, list }: { title: string; list?: Source[] }) {
  if (!list?.length) return null;
  return (
    <div class="sources">
      <h3>{title}</h3>
      <ul class="plain">
        {list.map((s) => (
          <li key={s.item}>
            {s.passage ? (
              <details>
                <summary>
                  {s.title}
                  <span class="visually-hidden"> – {t("open_passage")}</span>
                </summary>
                <blockquote>{s.passage}</blockquote>
              </details>
            ) : (
              <span>{s.title}</span>
            )}
            <span class="muted small">
              {s.source && (s.line ? t("from_file", { file: s.source, line: s.line }) : s.source)}
              {s.score !== undefined && ` · ${s.score.toFixed(2)}`}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/* Thumbs, reasons, a better answer, and why. Used wherever an interaction is shown. */
export function Judge({ interaction, feature }: { interaction: string; feature: string }) {
  const [thumb, setThumb] = useState("");
  const [reason, setReason] = useState("");
  const [open, setOpen] = useState<"" | "better" | "why">("");
  const staff = useMay("staff");
  const doing = useDoing();
  const say = (body: JsonMap, then: () => void) =>
    doing.run(() => post("/v1/feedback", { interaction, ...body })).then((ok) => ok && then());
  const press = (type: string) =>
    say({ type: thumb === type ? "none" : type }, () => {
      setThumb(thumb === type ? "" : type);
      setReason("");
    });
  return (
    <div class="judge">
      <div class="row">
        <Button
          look="quiet"
          aria-pressed={thumb === "like"}
          aria-label={t("like")}
          title={t("like")}
          onClick={() => press("like")}
        >
          <Thumb />
        </Button>
        <Button
          look="quiet"
          aria-pressed={thumb === "dislike"}
          aria-label={t("dislike")}
          title={t("dislike")}
          onClick={() => press("dislike")}
        >
          <Thumb down />
        </Button>
        <Button look="quiet" onClick={() => setOpen("better")}>
          {t("better_answer")}
        </Button>
        {staff && (
          <Button look="quiet" onClick={() => setOpen("why")}>
            {t("explain")}
          </Button>
        )}
        <span role="status" class="muted small">
          {thumb && t("thanks")}
        </span>
      </div>
      {thumb === "dislike" && (
        <div class="row" role="group" aria-label={t("why_bad")}>
          <span class="small">{t("why_bad")}</span>
          {["wrong", "incomplete", "outdated", "unclear"].map((r) => (
            <button
              type="button"
              class="chip"
              key={r}
              aria-pressed={reason === r}
              onClick={() => say({ type: "dislike", reason: r }, () => setReason(r))}
            >
              {t(`reason_${r}` as WordKey)}
            </button>
          ))}
        </div>
      )}
      <Problem text={doing.error} />
      {open === "better" && <Better interactions={[interaction]} feature={feature} onClose={() => setOpen("")} />}
      {open === "why" && <Why interaction={interaction} onClose={() => setOpen("")} />}
    </div>
  );
}

/* A correction, in the form that the kind takes; the same one for several interactions. */
export function Better({
  interactions,
  feature,
  title,
  onClose,
  onDone,
}: {
  interactions: string[];
  feature: string;
  title?: string;
  onClose: () => void;
  onDone?: () => void;
}) {
  const of = useLoad(() => get<{ kind: string }>(url(["features", feature])), [feature]);
  const kind = useKind(of.data?.kind ?? "");
  const [correction, set] = useState<JsonMap>({});
  const doing = useDoing();
  const submit = async (e: Event) => {
    e.preventDefault();
    const ok = await doing.run(async () => {
      for (const interaction of interactions) await post("/v1/feedback", { interaction, type: "correction", correction });
    });
    if (ok) (onDone?.(), onClose());
  };
  return (
    <Dialog title={title ?? t("better_answer")} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <p class="muted">{interactions.length > 1 ? t("write_answer_about", { n: interactions.length }) : t("better_help")}</p>
        {kind && <Form fields={kind.correction_fields} value={correction} set={set} feature={feature} />}
        <Problem text={doing.error} />
        <div class="row end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" look="main" busy={doing.busy} disabled={!Object.keys(correction).length}>
            {t("save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Why({ interaction, onClose }: { interaction: string; onClose: () => void }) {
  const why = useLoad(() => get<{ request: JsonMap; why: JsonMap }>(url(["interactions", interaction, "explain"])), [interaction]);
  return (
    <Dialog title={t("explain_title")} onClose={onClose}>
      <Show of={why}>
        {({ request, why: of }) => (
          <>
            <p class="asked">{brief(request)}</p>
            <Explanation of={of} />
          </>
        )}
      </Show>
    </Dialog>
  );
}
