/* pages/overview.tsx: per feature what to do next, the week's numbers, and four weeks as a line. */
import type { Feature, Report } from "../../shared/types";
import { get, url } from "../api";
import { Sparkline } from "../charts";
import { count, named, percent, t, w } from "../language";
import { Card, Empty, Figure, Show, Tag } from "../parts";
import { to, useKind, useLoad, useMay } from "../state";

const tabOf: Record<string, string> = {
  improve: "versions",
  promote: "versions",
  compare: "versions",
  answer: "feedback",
  review: "feedback",
  report: "feedback",
  add: "content",
};
export const nextTo = (f: Feature, verb: string): string =>
  verb === "tickets" ? to("inbox") : to("features", f.name, tabOf[verb] ?? "ask");
export const share = (part: number, whole: number): string => (whole ? percent(part / whole) : "—");

function NextSteps({ of }: { of: Feature }) {
  if (!of.next.length) return <p class="muted">{t("nothing_to_do")}</p>;
  return (
    <ul class="next">
      {of.next.map((n) => (
        <li key={n.verb}>
          <a href={nextTo(of, n.verb)}>{named("verb", n.verb)}</a>
          <span>{w(n.why)}</span>
        </li>
      ))}
    </ul>
  );
}

export function Week({ of }: { of: Feature["week"] }) {
  return (
    <dl class="figures">
      <Figure label={t("asked")} value={count(of.interactions)} />
      <Figure label={t("answered")} value={share(of.answered, of.interactions)} />
      <Figure
        label={t("liked")}
        value={share(of.likes, of.likes + of.dislikes)}
        note={`${count(of.likes)} / ${count(of.likes + of.dislikes)}`}
      />
      <Figure label={t("corrections")} value={count(of.corrections)} />
      <Figure label={t("users")} value={count(of.users)} />
    </dl>
  );
}

function FeatureCard({ of }: { of: Feature }) {
  const kind = useKind(of.kind);
  const staff = useMay("staff");
  const since = Math.floor(Date.now() / 1000) - 28 * 86400;
  const report = useLoad(
    () => (staff ? get<Report>(url(["features", of.name, "report"], { since })) : Promise.resolve(null)),
    [of.name, staff],
  );
  return (
    <article class="card">
      <header class="card-head">
        <h2>
          <a href={to("features", of.name)}>{of.name}</a> <span class="muted">{w(kind?.title) || of.kind}</span>
        </h2>
        <div class="row">
          <Tag look={of.live ? "good" : "warn"}>{of.live ? t("live_version", { n: of.live }) : t("no_live")}</Tag>
          {of.candidate > 0 && <Tag look="warn">{t("candidate_version", { n: of.candidate })}</Tag>}
        </div>
      </header>
      <NextSteps of={of} />
      <div class="week">
        <section>
          <h3 class="muted">{t("week")}</h3>
          <Week of={of.week} />
        </section>
        {report.data && report.data.days.length > 1 && (
          <figure>
            <Sparkline label={t("per_day")} values={report.data.days.map((d) => d.interactions)} />
            <figcaption class="muted">{t("per_day")}</figcaption>
          </figure>
        )}
      </div>
    </article>
  );
}

export function Overview() {
  const features = useLoad(() => get<{ features: Feature[] }>("/v1/features"), []);
  const admin = useMay("admin");
  return (
    <>
      <h1>{t("hello")}</h1>
      <Show of={features}>
        {(data) =>
          data.features.length ? (
            data.features.map((f) => <FeatureCard key={f.id} of={f} />)
          ) : (
            <Card>
              <Empty title={t("no_features")}>
                <p>{t("no_features_about")}</p>
                {admin && (
                  <a class="button main" href={to("new")}>
                    {t("new_feature")}
                  </a>
                )}
              </Empty>
            </Card>
          )
        }
      </Show>
    </>
  );
}
