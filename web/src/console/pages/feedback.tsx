/* pages/feedback.tsx: what users asked and said: groups without an answer, groups that were disliked, and everything one by one. */
import { useState } from "preact/hooks";
import type { Group, Interaction, Report } from "../../shared/types";
import { get, url } from "../api";
import { ago, count, named, percent, t } from "../language";
import { Button, Card, Empty, Show, Table, Tabs, Tag } from "../parts";
import { brief } from "../show";
import { useLoad, useShared } from "../state";
import { Better, Judge, Sources } from "./ask";
import type { OfFeature } from "./feature";

export function FeedbackPage({ feature, changed }: OfFeature) {
  const [tab, setTab] = useState("unanswered");
  const since = Math.floor(Date.now() / 1000) - 28 * 86400;
  const report = useLoad(() => get<Report>(url(["features", feature.name, "report"], { since })), [feature.name]);
  const groups = tab === "disliked" ? report.data?.disliked : report.data?.unanswered;
  return (
    <>
      <Tabs
        label={t("tab_feedback")}
        now={tab}
        choose={setTab}
        tabs={[
          { name: "unanswered", title: t("unanswered"), count: report.data?.unanswered.length },
          { name: "disliked", title: t("disliked"), count: report.data?.disliked.length },
          { name: "all", title: t("interactions") },
        ]}
      />
      {tab === "all" ? (
        <Interactions feature={feature.name} />
      ) : (
        <Show of={report}>
          {() => <Groups list={groups ?? []} feature={feature.name} done={() => (report.reload(), changed())} />}
        </Show>
      )}
    </>
  );
}

function Groups({ list, feature, done }: { list: Group[]; feature: string; done: () => void }) {
  const [open, setOpen] = useState<Group | null>(null);
  const { say } = useShared();
  if (!list.length)
    return (
      <Card>
        <Empty title={t("group_none")} />
      </Card>
    );
  return (
    <>
      {list.map((g) => (
        <Card
          key={g.title}
          title={g.title}
          side={
            <>
              <Tag look="warn">{t("times", { n: count(g.count) })}</Tag>
              <Button look="main" onClick={() => setOpen(g)}>
                {t("write_answer")}
              </Button>
            </>
          }
        >
          <ul class="quotes">
            {g.examples.map((e) => (
              <li key={e}>{e}</li>
            ))}
          </ul>
        </Card>
      ))}
      {open && (
        <Better
          title={`${t("write_answer")}: ${open.title}`}
          interactions={open.interactions}
          feature={feature}
          onClose={() => setOpen(null)}
          onDone={() => (say(t("answer_saved")), done())}
        />
      )}
    </>
  );
}

const outcomes = ["answered", "unknown", "person"];
const types = ["like", "dislike", "correction", "rating", "click", "conversion", "label"];

function Interactions({ feature }: { feature: string }) {
  const [outcome, setOutcome] = useState("");
  const [type, setType] = useState("");
  const [rated, setRated] = useState(false);
  const [limit, setLimit] = useState(30);
  const [open, setOpen] = useState("");
  const list = useLoad(
    () =>
      get<{ interactions: Interaction[] }>(
        url(["features", feature, "interactions"], { outcome, type, rated: rated ? 1 : undefined, limit }),
      ),
    [feature, outcome, type, rated, limit],
  );
  return (
    <Card>
      <div class="filters">
        <Choice
          label={t("filter_outcome")}
          value={outcome}
          set={setOutcome}
          options={outcomes.map((o) => [o, named("outcome", o)])}
        />
        <Choice label={t("filter_type")} value={type} set={setType} options={types.map((o) => [o, named("type", o)])} />
        <label class="check">
          <input type="checkbox" checked={rated} onChange={(e) => setRated(e.currentTarget.checked)} />
          <span>{t("rated_only")}</span>
        </label>
      </div>
      <Show of={list}>
        {({ interactions }) =>
          interactions.length ? (
            <>
              <ul class="items">
                {interactions.map((i) => (
                  <Row
                    key={i.id}
                    of={i}
                    feature={feature}
                    open={open === i.id}
                    toggle={() => setOpen(open === i.id ? "" : i.id)}
                  />
                ))}
              </ul>
              {interactions.length >= limit && <Button onClick={() => setLimit(limit + 30)}>{t("more")}</Button>}
            </>
          ) : (
            <Empty title={t("no_interactions")} />
          )
        }
      </Show>
    </Card>
  );
}

export function Choice({
  label,
  value,
  set,
  options,
}: {
  label: string;
  value: string;
  set: (v: string) => void;
  options: [string, string][];
}) {
  return (
    <label class="choice">
      <span class="small muted">{label}</span>
      <select value={value} onChange={(e) => set(e.currentTarget.value)}>
        <option value="">{t("all")}</option>
        {options.map(([v, title]) => (
          <option key={v} value={v}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

const looks: Record<string, "good" | "bad" | "warn"> = {
  like: "good",
  dislike: "bad",
  correction: "warn",
  unknown: "warn",
  person: "warn",
};

function Row({ of, feature, open, toggle }: { of: Interaction; feature: string; open: boolean; toggle: () => void }) {
  return (
    <li class="column">
      <div class="row wide">
        <button type="button" class="link" aria-expanded={open} onClick={toggle}>
          {brief(of.request)}
        </button>
        {of.outcome !== "answered" && <Tag look={looks[of.outcome]}>{named("outcome", of.outcome)}</Tag>}
        {(of.feedback ?? []).map((f) => (
          <Tag key={f.id} look={looks[f.type]}>
            {named("type", f.type)}
            {f.staff ? ` · ${t("by_staff")}` : ""}
          </Tag>
        ))}
        <span class="muted small push">{ago(of.at)}</span>
      </div>
      {open && (
        <div class="answered">
          <p class="answer-text">{of.answer.text || named("outcome", of.outcome)}</p>
          <p class="muted small">
            {t("confidence", { p: percent(of.confidence) })} · {t("version_n", { n: of.version })}
          </p>
          <Sources title={t("sources")} list={of.answer.sources} />
          {!!of.feedback?.length && (
            <Table
              label={t("tab_feedback")}
              head={[t("filter_type"), t("why_bad"), t("better_answer")]}
              rows={of.feedback.map((f) => [
                named("type", f.type),
                f.reason ? named("reason", f.reason) : "",
                f.correction ? brief(f.correction) : "",
              ])}
            />
          )}
          <Judge interaction={of.id} feature={feature} />
        </div>
      )}
    </li>
  );
}
