/* pages/versions.tsx: a feature's versions with what they measured; learn, put live, roll back, and a share for the candidate. */
import { useState } from "preact/hooks";
import type { Interval, Job, Metric, Version } from "../../shared/types";
import { ApiError, get, patch, post, url } from "../api";
import { scaleOf, Whisker } from "../charts";
import { named, percent, t, w, when } from "../language";
import { Button, Card, Confirm, Problem, Show, Table, Tag, type Asked } from "../parts";
import { go, to, useDoing, useKind, useLoad, useMay, useShared } from "../state";
import type { OfFeature } from "./feature";

interface Listed {
  versions: Version[];
  live: number;
  candidate: number;
}
export const verdictLook = { better: "good", no_worse: "good", worse: "bad", too_little: "warn" } as const;

export function Versions({ feature, changed }: OfFeature) {
  const name = feature.name;
  const list = useLoad(() => get<Listed>(url(["features", name, "versions"])), [name]);
  const kind = useKind(feature.kind);
  const admin = useMay("admin");
  const { say } = useShared();
  const doing = useDoing();
  const [asked, setAsked] = useState<Asked | null>(null);
  const reload = () => (list.reload(), changed());
  const promote = (n: number, force: boolean): Promise<unknown> =>
    doing.run(async () => {
      try {
        await post(url(["features", name, "promote"]), { version: n, force });
        say(t("promoted", { n }));
        reload();
      } catch (e) {
        if (force || !(e instanceof ApiError) || e.status !== 409) throw e;
        setAsked({
          text: `${t("promote_worse")} ${e.message}`,
          action: t("promote"),
          danger: true,
          run: () => promote(n, true),
        });
      }
    });
  const rollback = () =>
    doing.run(async () => {
      const r = await post<{ live?: number; version?: number }>(url(["features", name, "rollback"]));
      say(t("promoted", { n: r.live ?? r.version ?? "" }));
      reload();
    });
  const improve = () =>
    doing.run(async () => {
      const job = await post<Job>(url(["features", name, "improve"]));
      go("runs", job.id);
    });
  return (
    <>
      {admin && (
        <Card>
          <div class="row wide">
            <Button look="main" busy={doing.busy} onClick={improve}>
              {t("improve")}
            </Button>
            <span class="muted grow">{t("improve_about")}</span>
            {(list.data?.versions.length ?? 0) > 1 && (
              <Button
                class="push"
                onClick={() => setAsked({ text: t("rollback_sure"), action: t("rollback"), run: rollback })}
              >
                {t("rollback")}
              </Button>
            )}
          </div>
          <Problem text={doing.error} />
        </Card>
      )}
      <Show of={list}>
        {(data) => (
          <>
            {admin && data.candidate > 0 && (
              <Share key={data.candidate} name={name} candidate={data.candidate} share={feature.share} changed={changed} />
            )}
            <List
              data={data}
              metrics={kind?.metrics ?? []}
              name={name}
              admin={admin}
              promote={(n) => setAsked({ text: t("promote_sure", { n }), action: t("promote"), run: () => promote(n, false) })}
            />
          </>
        )}
      </Show>
      {asked && <Confirm of={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function List({
  data,
  metrics,
  name,
  admin,
  promote,
}: {
  data: Listed;
  metrics: Metric[];
  name: string;
  admin: boolean;
  promote: (n: number) => void;
}) {
  const shown = metrics.filter((m) => data.versions.some((v) => v.metrics?.[m.name]));
  const scales = new Map(
    shown.map((m) => [m.name, scaleOf(data.versions.map((v) => v.metrics?.[m.name]).filter((i): i is Interval => !!i))]),
  );
  return (
    <>
      {shown.length > 0 && <p class="muted small">{t("interval_note")}</p>}
      {data.versions.map((v) => (
        <Card
          key={v.number}
          title={`${t("version")} ${v.number}`}
          class={v.number === data.live ? "is-live" : ""}
          side={
            <>
              {v.number === data.live && <Tag look="good">{t("live")}</Tag>}
              {v.number === data.candidate && <Tag look="warn">{t("candidate")}</Tag>}
              {v.status !== "complete" && <Tag look={v.status === "failed" ? "bad" : "plain"}>{named("status", v.status)}</Tag>}
              {v.comparison && <Tag look={verdictLook[v.comparison.verdict]}>{named("verdict", v.comparison.verdict)}</Tag>}
            </>
          }
        >
          <p class="muted">
            {named("reason", v.reason)} · {when(v.finished_at || v.created_at)}
            {v.learned && ` · ${t("learned", { feedback: v.learned.feedback, cases: v.learned.cases })}`}
          </p>
          {shown.map(
            (m) =>
              v.metrics?.[m.name] && (
                <div class="measure" key={m.name}>
                  <span title={w(m.help)}>{w(m.label)}</span>
                  <Whisker
                    of={v.metrics[m.name]}
                    from={scales.get(m.name)![0]}
                    to={scales.get(m.name)![1]}
                    label={w(m.label)}
                    look={v.number === data.live ? "live" : ""}
                  />
                  {v.metrics[m.name].n !== undefined && (
                    <span class="muted small">{t("of_held_out", { n: v.metrics[m.name].n! })}</span>
                  )}
                </div>
              ),
          )}
          <Voices of={v} />
          {v.number !== data.live && v.status === "complete" && (
            <div class="row">
              {data.live > 0 && (
                <a class="button" href={to("features", name, "compare", data.live, v.number)}>
                  {t("compare_live")}
                </a>
              )}
              {admin && (
                <Button
                  look={v.number === data.candidate ? "main" : undefined}
                  aria-label={`${t("promote")}: ${t("version")} ${v.number}`}
                  onClick={() => promote(v.number)}
                >
                  {t("promote")}
                </Button>
              )}
            </div>
          )}
        </Card>
      ))}
    </>
  );
}

function Voices({ of }: { of: Version }) {
  const voices = of.learned?.voices_down ?? [];
  if (!voices.length) return null;
  return (
    <details>
      <summary>
        {t("voices_down")} ({voices.length})
      </summary>
      <Table
        label={t("voices_down")}
        head={[t("users"), t("weight"), t("explain")]}
        rows={voices.map((v) => [v.voice.slice(0, 12), v.weight.toFixed(2), w(v.why)])}
      />
    </details>
  );
}

function Share({ name, candidate, share, changed }: { name: string; candidate: number; share: number; changed: () => void }) {
  const [value, setValue] = useState(share);
  const doing = useDoing();
  const { say } = useShared();
  const save = () =>
    doing.run(async () => {
      await patch(url(["features", name]), { candidate: { version: candidate, share: value } });
      say(t("share_set", { p: percent(value) }));
      changed();
    });
  return (
    <Card>
      <form class="row wide" onSubmit={(e) => (e.preventDefault(), void save())}>
        <label class="slider">
          <span>{t("share")}</span>
          <input
            type="range"
            min="0"
            max="1"
            step="0.05"
            value={value}
            aria-valuetext={percent(value)}
            onInput={(e) => setValue(e.currentTarget.valueAsNumber)}
          />
        </label>
        <output>{percent(value)}</output>
        <Button type="submit" busy={doing.busy}>
          {t("save")}
        </Button>
      </form>
      <Problem text={doing.error} />
    </Card>
  );
}
