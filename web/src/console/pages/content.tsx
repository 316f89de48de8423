/* pages/content.tsx: what a feature answers from: search it, add files, withdraw pieces, and read which rows were bad. */
import { useState } from "preact/hooks";
import type { Added, Item, RowNote } from "../../shared/types";
import { ApiError, get, message, post, remove, url } from "../api";
import { FilesInput, type Files } from "../form";
import { ago, count, t } from "../language";
import { Button, Card, Confirm, Empty, Problem, Show, Table, Tag, type Asked } from "../parts";
import { brief, titleOf } from "../show";
import { useDoing, useKind, useLoad } from "../state";
import { waitFor } from "./jobs";
import type { OfFeature } from "./feature";

const page = 50;

export function Content(of: OfFeature) {
  const name = of.feature.name;
  const [query, setQuery] = useState("");
  const [limit, setLimit] = useState(page);
  const [asked, setAsked] = useState<Asked | null>(null);
  const doing = useDoing();
  const list = useLoad(
    () => get<{ items: Item[]; total: number }>(url(["features", name, "content"], { query, limit })),
    [name, query, limit],
  );
  const changed = () => (list.reload(), of.changed());
  const withdraw = (i: Item) =>
    setAsked({
      text: t("withdraw_sure", { title: titleOf(i) }),
      action: t("withdraw"),
      danger: true,
      run: () => doing.run(() => remove(url(["features", name, "content", i.id]))).then(changed),
    });
  return (
    <>
      <AddContent {...of} changed={changed} />
      <Card
        title={t("content_title")}
        side={list.data && <span class="muted">{t("content_total", { n: count(list.data.total) })}</span>}
      >
        <input
          type="search"
          aria-label={t("search_content")}
          placeholder={t("search_content")}
          value={query}
          onInput={(e) => (setQuery(e.currentTarget.value), setLimit(page))}
        />
        <Problem text={doing.error} />
        <Show of={list}>
          {(data) =>
            data.items.length ? (
              <>
                <ul class="items">
                  {data.items.map((i) => (
                    <ItemRow key={i.id} of={i} withdraw={() => withdraw(i)} />
                  ))}
                </ul>
                {data.total > data.items.length && <Button onClick={() => setLimit(limit + page)}>{t("more")}</Button>}
              </>
            ) : (
              <Empty title={t("no_content")} />
            )
          }
        </Show>
      </Card>
      {asked && <Confirm of={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function ItemRow({ of, withdraw }: { of: Item; withdraw: () => void }) {
  const body = of.body ?? {};
  return (
    <li>
      <details>
        <summary>{titleOf(of)}</summary>
        <dl class="body">
          {Object.entries(body).map(([k, v]) => (
            <div key={k}>
              <dt>{k}</dt>
              <dd>{brief(v)}</dd>
            </div>
          ))}
        </dl>
      </details>
      <span class="muted small">
        {of.source && (of.line ? t("from_file", { file: of.source, line: of.line }) : of.source)}
        {of.changed_at ? ` · ${ago(of.changed_at)}` : ""}
      </span>
      {of.withdrawn_at ? (
        <Tag look="warn">{t("withdrawn")}</Tag>
      ) : (
        <Button look="quiet" aria-label={`${t("withdraw")}: ${titleOf(of)}`} onClick={withdraw}>
          {t("withdraw")}
        </Button>
      )}
    </li>
  );
}

/* A form with the files, by field. An answer 202 is a job: its result is the report. */
export function formOf(files: Files): FormData {
  const form = new FormData();
  for (const [field, list] of Object.entries(files)) for (const f of list) form.append(field, f, f.name);
  return form;
}

function AddContent({ feature, changed }: OfFeature) {
  const fields = (useKind(feature.kind)?.source_fields ?? []).filter((f) => f.type === "files");
  const [files, setFiles] = useState<Files>({});
  const [report, setReport] = useState<Added | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const some = Object.values(files).some((l) => l.length);
  const send = async (force: boolean) => {
    setBusy(true);
    setReport(null);
    setProblem("");
    try {
      setReport(
        await waitFor<Added>(await post(url(["features", feature.name, "content"], force ? { force: 1 } : {}), formOf(files))),
      );
      setFiles({});
      changed();
    } catch (e) {
      setProblem(message(e));
      if (e instanceof ApiError) setReport((e.body as { result?: Added }).result ?? null);
    }
    setBusy(false);
  };
  return (
    <Card title={t("add_files")}>
      <div class="form two">
        {fields.map((f) => (
          <FilesInput
            key={f.name}
            field={{ ...f, required: false }}
            files={files[f.name] ?? []}
            set={(l) => setFiles({ ...files, [f.name]: l })}
          />
        ))}
      </div>
      <div class="row">
        <Button look="main" disabled={!some} busy={busy} onClick={() => send(false)}>
          {t("add")}
        </Button>
        <span role="status" class="muted">
          {busy && t("reading")}
        </span>
      </div>
      <Problem text={problem} />
      {report && <AddedReport of={report} force={problem ? () => send(true) : undefined} />}
    </Card>
  );
}

export function AddedReport({ of, force }: { of: Added; force?: () => void }) {
  return (
    <div class="stack" role="status">
      {!!of.version && <p>{t("added_report", { read: count(of.read), items: count(of.items), version: of.version })}</p>}
      {!!of.broken?.length && (
        <>
          <p class="strong">{t("broken_content")}</p>
          <Table
            label={t("broken")}
            head={[t("question"), t("expected"), t("answer")]}
            rows={of.broken.map((c) => [brief(c.request), brief(c.expected), brief(c.to)])}
          />
          {force && (
            <div>
              <Button look="danger" onClick={force}>
                {t("force")}
              </Button>
            </div>
          )}
        </>
      )}
      <Rows title={t("bad_rows", { n: of.bad ?? 0 })} list={(of.notes ?? []).filter((r) => r.level === "bad")} open />
      <Rows
        title={t("row_notes", { n: (of.notes ?? []).filter((r) => r.level !== "bad").length })}
        list={(of.notes ?? []).filter((r) => r.level !== "bad")}
      />
    </div>
  );
}

function Rows({ title, list, open }: { title: string; list: RowNote[]; open?: boolean }) {
  if (!list.length) return null;
  return (
    <details open={open}>
      <summary>{title}</summary>
      <Table
        label={title}
        head={[t("file"), t("line"), t("problem")]}
        rows={list.map((r) => [r.file ?? "", r.line ?? "", r.message])}
      />
    </details>
  );
}
