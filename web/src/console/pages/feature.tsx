/* pages/feature.tsx: the frame of a feature's pages: its head, its tabs, and the page that the address names. */
import type { Feature } from "../../shared/types";
import { get, url } from "../api";
import { t, w, type WordKey } from "../language";
import { Show, Tag } from "../parts";
import { to, useKind, useLoad, useMay } from "../state";
import { Ask } from "./ask";
import { ComparePage } from "./compare";
import { Content } from "./content";
import { FeedbackPage } from "./feedback";
import { ReportPage } from "./report";
import { Settings } from "./settings";
import { Versions } from "./versions";

const tabs = ["ask", "content", "feedback", "versions", "report", "settings"] as const;

/* `changed` loads the feature again: a page has changed what stands in the head. */
export interface OfFeature {
  feature: Feature;
  changed: () => void;
}

export function FeaturePage({ name, parts }: { name: string; parts: string[] }) {
  const feature = useLoad(() => get<Feature>(url(["features", name])), [name]);
  return <Show of={feature}>{(f) => <Frame feature={f} changed={feature.reload} parts={parts} />}</Show>;
}

function Frame({ feature, changed, parts }: OfFeature & { parts: string[] }) {
  const kind = useKind(feature.kind);
  const staff = useMay("staff"),
    admin = useMay("admin");
  const tab = parts[0] ?? "ask";
  const seen = tabs.filter((name) => name === "ask" || name === "versions" || (name === "settings" ? admin : staff));
  return (
    <>
      <header class="page-head">
        <h1>
          {feature.name} <span class="muted">{w(kind?.title) || feature.kind}</span>
        </h1>
        <div class="row">
          <Tag look={feature.live ? "good" : "warn"}>
            {feature.live ? t("live_version", { n: feature.live }) : t("no_live")}
          </Tag>
          {feature.candidate > 0 && <Tag look="warn">{t("candidate_version", { n: feature.candidate })}</Tag>}
          <span class="muted">{t("items_count", { n: feature.items })}</span>
        </div>
      </header>
      <nav class="tabs" aria-label={feature.name}>
        {seen.map((name) => (
          <a
            key={name}
            href={to("features", feature.name, name)}
            aria-current={tab === name || (tab === "compare" && name === "versions") ? "page" : undefined}
          >
            {t(`tab_${name}` as WordKey)}
          </a>
        ))}
      </nav>
      <Page feature={feature} changed={changed} tab={tab} rest={parts.slice(1)} />
    </>
  );
}

function Page({ tab, rest, ...of }: OfFeature & { tab: string; rest: string[] }) {
  const key = of.feature.id;
  if (tab === "ask") return <Ask key={key} {...of} />;
  if (tab === "content") return <Content key={key} {...of} />;
  if (tab === "feedback") return <FeedbackPage key={key} {...of} />;
  if (tab === "versions") return <Versions key={key} {...of} />;
  if (tab === "compare" && rest.length === 2)
    return <ComparePage key={key} {...of} from={Number(rest[0])} to={Number(rest[1])} />;
  if (tab === "report") return <ReportPage key={key} {...of} />;
  if (tab === "settings") return <Settings key={key} {...of} />;
  return <p>{t("not_found")}</p>;
}
