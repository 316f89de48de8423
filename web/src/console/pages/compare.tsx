/* pages/compare.tsx: one version beside another on the held-out questions: verdict, intervals, and what was fixed and broken. */
import { useState } from "preact/hooks";
import type { Change, Comparison, Interval } from "../../shared/types";
import { get, url } from "../api";
import { scaleOf, Whisker } from "../charts";
import { count, named, t, w } from "../language";
import { Card, Empty, Show, Table, Tabs, Tag } from "../parts";
import { brief } from "../show";
import { useKind, useLoad } from "../state";
import type { OfFeature } from "./feature";
import { verdictLook } from "./versions";

export function ComparePage({ feature, from, to }: OfFeature & { from: number; to: number }) {
  const loaded = useLoad(
    () => get<Comparison>(url(["features", feature.name, "compare"], { from, to })),
    [feature.name, from, to],
  );
  return (
    <>
      <h2>{t("compare_title", { from, to })}</h2>
      <Show of={loaded}>{(c) => <View of={c} kind={feature.kind} />}</Show>
    </>
  );
}

function View({ of: c, kind }: { of: Comparison; kind: string }) {
  const [tab, setTab] = useState<"fixed" | "broken" | "changed">(c.counts.broken ? "broken" : "fixed");
  return (
    <>
      <Card class={`verdict ${c.verdict}`}>
        <p class="row">
          <Tag look={verdictLook[c.verdict]}>{named("verdict", c.verdict)}</Tag>
          <span>{w(c.why)}</span>
        </p>
        <p class="muted">
          {t("protocol_note", { n: count(c.held_out), protocol: named("protocol", c.protocol.replace("-", "_")) })}
          {c.needed > 0 && ` · ${t("needed", { n: count(c.needed) })}`}
        </p>
        <Metrics of={c} kind={kind} />
        <p class="muted small">{t("interval_note")}</p>
      </Card>
      <Tabs
        label={t("interactions")}
        now={tab}
        choose={(n) => setTab(n as typeof tab)}
        tabs={[
          { name: "fixed", title: t("fixed"), count: c.counts.fixed },
          { name: "broken", title: t("broken"), count: c.counts.broken },
          { name: "changed", title: t("changed"), count: c.counts.changed },
        ]}
      />
      <Card>
        <p class="muted">
          {t(`${tab}_help`)} {t("same_count", { n: count(c.counts.same) })}
        </p>
        <Changes list={c[tab]} from={c.from} to={c.to} label={t(tab)} />
      </Card>
    </>
  );
}

function Metrics({ of: c, kind }: { of: Comparison; kind: string }) {
  const known = useKind(kind)?.metrics ?? [];
  return (
    <div class="stack">
      {c.metrics.map((m) => {
        const about = known.find((k) => k.name === m.name);
        const [lo, hi] = scaleOf([m.from, m.to]),
          reach = scaleOf([m.difference], true);
        const good = (i: Interval) => (about?.lower_is_better ? (i.hi ?? 0) < 0 : (i.lo ?? 0) > 0),
          bad = (i: Interval) => (about?.lower_is_better ? (i.lo ?? 0) > 0 : (i.hi ?? 0) < 0);
        return (
          <section key={m.name}>
            <h3 title={w(about?.help)}>{w(about?.label) || m.name}</h3>
            <div class="measure">
              <span>{t("before", { n: c.from })}</span>
              <Whisker of={m.from} from={lo} to={hi} label={t("before", { n: c.from })} />
            </div>
            <div class="measure">
              <span>{t("before", { n: c.to })}</span>
              <Whisker of={m.to} from={lo} to={hi} look="live" label={t("before", { n: c.to })} />
            </div>
            <div class="measure">
              <span>{t("difference")}</span>
              <Whisker
                zero
                of={m.difference}
                from={reach[0]}
                to={reach[1]}
                label={t("difference")}
                look={good(m.difference) ? "good" : bad(m.difference) ? "bad" : ""}
              />
            </div>
          </section>
        );
      })}
    </div>
  );
}

function Changes({ list, from, to, label }: { list: Change[]; from: number; to: number; label: string }) {
  if (!list.length) return <Empty title={t("nothing_here")} />;
  return (
    <Table
      label={label}
      head={[t("question"), t("expected"), t("before", { n: from }), t("before", { n: to })]}
      rows={list.map((c) => [<strong>{brief(c.request)}</strong>, brief(c.expected), brief(c.from), brief(c.to)])}
    />
  );
}
