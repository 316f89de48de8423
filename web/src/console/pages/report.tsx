/* pages/report.tsx: a feature's weeks: totals, days, how users liked each version. */
import { useState } from "preact/hooks";
import type { Report } from "../../shared/types";
import { get, url } from "../api";
import { DayChart, scaleOf, Whisker } from "../charts";
import { count, t, when } from "../language";
import { Card, Figure, Show, Table, Tabs } from "../parts";
import { useLoad } from "../state";
import { share, Week } from "./overview";
import type { OfFeature } from "./feature";

export function ReportPage({ feature }: OfFeature) {
  const [days, setDays] = useState("28");
  const since = Math.floor(Date.now() / 1000) - Number(days) * 86400;
  const report = useLoad(() => get<Report>(url(["features", feature.name, "report"], { since })), [feature.name, days]);
  return (
    <>
      <Tabs
        label={t("period")}
        now={days}
        choose={setDays}
        tabs={[
          { name: "7", title: t("days_7") },
          { name: "28", title: t("days_28") },
          { name: "90", title: t("days_90") },
        ]}
      />
      <Show of={report}>{(r) => <View of={r} />}</Show>
    </>
  );
}

function View({ of: r }: { of: Report }) {
  const [lo, hi] = scaleOf(r.versions.map((v) => v.liked));
  return (
    <>
      <Card title={t("report_title")}>
        <Week of={r.total} />
        {r.total.seconds_mean !== undefined && (
          <dl class="figures">
            <Figure label={t("seconds_mean")} value={t("in_ms", { n: (r.total.seconds_mean * 1000).toFixed(1) })} />
          </dl>
        )}
      </Card>
      <Card title={t("asked")}>
        <DayChart days={r.days} />
        <details>
          <summary>{t("table")}</summary>
          <Table
            label={t("asked")}
            head={[t("day"), t("asked"), t("answered"), t("not_known"), t("likes"), t("dislikes")]}
            rows={r.days.map((d) => [d.day, d.interactions, d.answered, d.unknown, d.likes, d.dislikes])}
          />
        </details>
      </Card>
      <Card title={t("by_version")}>
        <p class="muted small">
          {t("liked_share")}. {t("interval_note")}
        </p>
        <Table
          label={t("by_version")}
          head={[t("version"), t("since"), t("asked"), t("liked"), t("liked_share")]}
          rows={r.versions.map((v) => [
            v.version,
            when(v.since),
            count(v.interactions),
            share(v.likes, v.likes + v.dislikes),
            <Whisker of={v.liked} from={lo} to={hi} label={`${t("version")} ${v.version}`} />,
          ])}
        />
      </Card>
    </>
  );
}
