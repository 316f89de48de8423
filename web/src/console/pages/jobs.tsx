/* pages/jobs.tsx: what runs and ran, with progress and a chart while it goes on; and waiting for a job that a call started. */
import type { Job, JobEvent } from "../../shared/types";
import { get, post, url } from "../api";
import { LineChart } from "../charts";
import { named, percent, t, when } from "../language";
import { Button, Card, Empty, Problem, Show, Table, Tag } from "../parts";
import { to, useDoing, useEvery, useLoad } from "../state";

const look: Record<string, "good" | "bad" | "warn" | "plain"> = {
  succeeded: "good",
  failed: "bad",
  running: "warn",
  queued: "plain",
  cancelled: "plain",
};
const ended = (status: string) => ["succeeded", "failed", "cancelled"].includes(status);
const isJob = (v: unknown): v is Job =>
  typeof v === "object" && v !== null && "status" in v && typeof (v as Job).id === "string" && (v as Job).id.startsWith("job-");

/* The answer of a call that may have started a job (202): its result once it has ended. */
export async function waitFor<T>(answer: unknown): Promise<T> {
  if (!isJob(answer)) return answer as T;
  let job = answer;
  while (!ended(job.status)) {
    await new Promise((go) => setTimeout(go, 700));
    job = await get<Job>(url(["jobs", job.id]));
  }
  if (job.status !== "succeeded") throw new Error(job.error || named("job", job.status));
  return job.result as T;
}

function Progress({ of }: { of: Job }) {
  const p = of.progress;
  if (!p || ended(of.status)) return null;
  const share = p.share;
  return (
    <div class="progress">
      <progress aria-label={p.stage ?? t("progress")} max={1} value={share} />
      <span>
        {p.stage} {share !== undefined && percent(share)} {p.detail}
      </span>
    </div>
  );
}

export function Jobs() {
  const list = useLoad(() => get<{ jobs: Job[] }>("/v1/jobs"), []);
  useEvery(3000, !!list.data?.jobs.some((j) => !ended(j.status)), list.reload);
  return (
    <>
      <h1>{t("runs_title")}</h1>
      <Card>
        <Show of={list}>
          {({ jobs }) =>
            jobs.length ? (
              <Table
                label={t("runs_title")}
                head={[t("run"), t("feature"), t("status"), t("started"), t("finished")]}
                rows={jobs.map((j) => [
                  <a href={to("runs", j.id)}>
                    {named("job", j.kind)} <span class="muted small">{j.id}</span>
                  </a>,
                  j.feature ?? j.model ?? "",
                  <>
                    <Tag look={look[j.status]}>{named("job", j.status)}</Tag>
                    <Progress of={j} />
                  </>,
                  when(j.created_at),
                  when(j.finished_at),
                ])}
              />
            ) : (
              <Empty title={t("no_runs")} />
            )
          }
        </Show>
      </Card>
    </>
  );
}

/* Every number of the events' data but the step, as a line over the steps. */
export function seriesOf(events: JobEvent[]): { name: string; points: [number, number][] }[] {
  const lines = new Map<string, [number, number][]>();
  for (const e of events) {
    const step = e.data?.step;
    if (typeof step !== "number") continue;
    for (const [name, v] of Object.entries(e.data!))
      if (name !== "step" && name.includes("loss") && typeof v === "number")
        lines.set(name, [...(lines.get(name) ?? []), [step, v]]);
  }
  return [...lines].map(([name, points]) => ({ name, points: points.sort((a, b) => a[0] - b[0]) }));
}

export function JobPage({ id }: { id: string }) {
  const job = useLoad(() => get<Job>(url(["jobs", id])), [id]);
  const doing = useDoing();
  useEvery(1000, !!job.data && !ended(job.data.status), job.reload);
  return (
    <Show of={job}>
      {(j) => {
        const lines = seriesOf(j.events ?? []);
        return (
          <>
            <header class="page-head">
              <h1>
                {named("job", j.kind)} <span class="muted">{j.feature ?? j.model ?? j.id}</span>
              </h1>
              <div class="row" role="status">
                <Tag look={look[j.status]}>{named("job", j.status)}</Tag>
                {!ended(j.status) && (
                  <Button
                    look="danger"
                    busy={doing.busy}
                    onClick={() => doing.run(() => post(url(["jobs", id, "cancel"])).then(job.reload))}
                  >
                    {t("stop")}
                  </Button>
                )}
                {j.feature && j.status === "succeeded" && (
                  <a class="button main" href={to("features", j.feature, "versions")}>
                    {t("to_versions")}
                  </a>
                )}
              </div>
            </header>
            <Problem text={j.error || doing.error} />
            <Card>
              <p class="muted">
                {when(j.created_at)}
                {j.finished_at ? ` – ${when(j.finished_at)}` : ""}
              </p>
              <Progress of={j} />
              {lines.length > 0 && (
                <LineChart
                  series={lines}
                  x={t("step")}
                  label={lines.map((l) => `${l.name}: ${l.points[l.points.length - 1][1]}`).join(", ")}
                />
              )}
            </Card>
            <Card title={t("events")}>
              <ol class="events">
                {(j.events ?? []).map((e, i) => (
                  <li key={i} class={e.level}>
                    <span class="muted small">{when(e.at)}</span> {e.message}
                  </li>
                ))}
              </ol>
            </Card>
          </>
        );
      }}
    </Show>
  );
}
