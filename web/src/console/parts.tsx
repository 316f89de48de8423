/* console/parts.tsx: the small parts that every page is made of. Their looks are in style/parts.css, under the same names. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { t } from "./language";
import { thumbUp } from "../shared/thumb";
import type { Loaded } from "./state";

type Children = { children?: ComponentChildren };

export function Button(props: JSX.IntrinsicElements["button"] & { look?: "main" | "quiet" | "danger"; busy?: boolean }) {
  const { look, busy, children, class: more, ...rest } = props;
  return (
    <button
      type="button"
      {...rest}
      class={`button ${look ?? ""} ${more ?? ""}`}
      disabled={rest.disabled || busy}
      aria-busy={busy}
    >
      {children}
    </button>
  );
}

export function Card({
  title,
  side,
  children,
  class: more,
}: Children & { title?: string; side?: ComponentChildren; class?: string }) {
  return (
    <section class={`card ${more ?? ""}`}>
      {(title || side) && (
        <header class="card-head">
          {title && <h2>{title}</h2>}
          {side && <div class="row">{side}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

export function Problem({ text, again }: { text: string; again?: () => void }) {
  if (!text) return null;
  return (
    <div class="problem" role="alert">
      <p>{text}</p>
      {again && <Button onClick={again}>{t("again")}</Button>}
    </div>
  );
}

/* What was loaded, or why it was not. What is there already stays on the page while it is loaded anew. */
export function Show<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ComponentChildren }) {
  if (of.error) return <Problem text={of.error} again={of.reload} />;
  if (of.data === undefined)
    return (
      <p class="muted" role="status">
        {t("loading")}
      </p>
    );
  return <>{children(of.data)}</>;
}

export const Empty = ({ title, children }: Children & { title: string }) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children}
  </div>
);

export const Thumb = ({ down }: { down?: boolean }) => (
  <svg class="thumb" viewBox="0 0 24 24" aria-hidden="true">
    <path d={thumbUp} transform={down ? "rotate(180 12 12)" : undefined} />
  </svg>
);

export const Tag = ({ look, children }: Children & { look?: "good" | "bad" | "warn" | "plain" }) => (
  <span class={`tag ${look ?? "plain"}`}>{children}</span>
);

export function Figure({ label, value, note }: { label: string; value: string; note?: string }) {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd>
        {value}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

/* A labelled input. `children` gets the id and the id of the help text. */
export function Labelled({
  label,
  help,
  error,
  required,
  children,
}: {
  label: string;
  help?: string;
  error?: string;
  required?: boolean;
  children: (id: string, described: string | undefined) => ComponentChildren;
}) {
  const id = useId();
  const described = [help && id + "h", error && id + "e"].filter(Boolean).join(" ") || undefined;
  return (
    <div class="labelled">
      <label for={id}>
        {label}
        {required && <span class="muted"> · {t("required")}</span>}
      </label>
      {children(id, described)}
      {help && (
        <p class="help" id={id + "h"}>
          {help}
        </p>
      )}
      {error && (
        <p class="field-error" id={id + "e"} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

/* A question that stops everything: the browser's own dialog keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, children }: Children & { title: string; onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const d = ref.current!;
    d.showModal();
    return () => d.close();
  }, []);
  return (
    <dialog ref={ref} aria-labelledby={id} onCancel={(e) => (e.preventDefault(), onClose())}>
      <header class="card-head">
        <h2 id={id}>{title}</h2>
        <Button look="quiet" aria-label={t("close")} onClick={onClose}>
          ✕
        </Button>
      </header>
      {children}
    </dialog>
  );
}

export interface Asked {
  text: string;
  action: string;
  danger?: boolean;
  typed?: string;
  run: () => Promise<unknown> | void;
}
export function Confirm({ of, onClose }: { of: Asked; onClose: () => void }) {
  const [typed, setTyped] = useState("");
  return (
    <Dialog title={of.action} onClose={onClose}>
      <p>{of.text}</p>
      {of.typed && <input aria-label={of.text} value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />}
      <div class="row end">
        <Button onClick={onClose}>{t("cancel")}</Button>
        <Button
          look={of.danger ? "danger" : "main"}
          disabled={!!of.typed && typed !== of.typed}
          onClick={() => {
            onClose();
            void of.run();
          }}
        >
          {of.action}
        </Button>
      </div>
    </Dialog>
  );
}

export function Tabs({
  label,
  tabs,
  now,
  choose,
}: {
  label: string;
  tabs: { name: string; title: string; count?: number }[];
  now: string;
  choose: (name: string) => void;
}) {
  return (
    <div class="tabs" role="group" aria-label={label}>
      {tabs.map((tab) => (
        <button type="button" key={tab.name} aria-pressed={tab.name === now} onClick={() => choose(tab.name)}>
          {tab.title}
          {tab.count !== undefined && <span class="count">{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}

/* A table that scrolls within itself where the page is narrow. */
export function Table({ label, head, rows }: { label: string; head: string[]; rows: ComponentChildren[][] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {head.map((h) => (
              <th scope="col" key={h}>
                {h}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((r, i) => (
            <tr key={i}>
              {r.map((c, k) => (
                <td key={k}>{c}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Copy({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState(false);
  const copy = () =>
    void navigator.clipboard?.writeText(text).then(
      () => setDone(true),
      () => setDone(false),
    );
  return (
    <div class="copy">
      <code tabIndex={0} aria-label={label}>
        {text}
      </code>
      <Button onClick={copy}>{done ? t("copied") : t("copy")}</Button>
    </div>
  );
}
