/* console/form.tsx: forms made from a kind's fields; nothing here knows any kind.
 *
 * The form holds one JSON object; files are kept beside it, by field, since they travel as parts of a form. An error of the server
 * that names a field (`param`) is shown at that field.
 */
import { useRef, useState } from "preact/hooks";
import type { Field, Item, Json, JsonMap, Model } from "../shared/types";
import { get, url } from "./api";
import { t, w } from "./language";
import { Button, Labelled } from "./parts";
import { useLoad } from "./state";
import { titleOf } from "./show";

export type Files = Record<string, File[]>;
interface Place {
  feature?: string;
  fault?: { param: string | null; text: string };
  prefix?: string;
}
interface Input extends Place {
  field: Field;
  value: Json | undefined;
  set: (v: Json | undefined) => void;
}

/* What the form starts with: defaults, then what is there. */
export function startOf(fields: Field[], given: JsonMap = {}): JsonMap {
  const out: JsonMap = {};
  for (const f of fields) {
    const v = given[f.name] ?? f.default;
    if (v !== undefined && v !== null) out[f.name] = v;
  }
  return out;
}

export function Form({
  fields,
  value,
  set,
  files,
  setFiles,
  ...place
}: Place & {
  fields: Field[];
  value: JsonMap;
  set: (v: JsonMap) => void;
  files?: Files;
  setFiles?: (f: Files) => void;
}) {
  const put = (name: string, v: Json | undefined) => {
    const next = { ...value };
    if (v === undefined) delete next[name];
    else next[name] = v;
    set(next);
  };
  return (
    <div class="form">
      {fields.map((f) =>
        f.type === "files" ? (
          setFiles && (
            <FilesInput
              key={f.name}
              field={f}
              files={files?.[f.name] ?? []}
              set={(list) => setFiles({ ...files, [f.name]: list })}
            />
          )
        ) : (
          <AnyInput key={f.name} field={f} value={value[f.name]} set={(v) => put(f.name, v)} {...place} />
        ),
      )}
    </div>
  );
}

function AnyInput(p: Input) {
  const { field, fault, prefix = "" } = p;
  if (field.type === "list") return field.of?.length ? <ListInput {...p} /> : null;
  if (field.type === "map")
    return (
      <fieldset>
        <legend>{w(field.label)}</legend>
        <Form
          fields={field.of ?? []}
          value={(p.value as JsonMap) ?? {}}
          set={p.set}
          feature={p.feature}
          fault={fault}
          prefix={`${prefix}${field.name}.`}
        />
      </fieldset>
    );
  const name = prefix + field.name;
  const error = fault?.param && (fault.param === name || fault.param.endsWith("." + name)) ? fault.text : undefined;
  if (field.type === "bool")
    return (
      <label class="check">
        <input type="checkbox" checked={p.value === true} onChange={(e) => p.set(e.currentTarget.checked)} />
        <span>
          {w(field.label)}
          {field.help && <small class="help">{w(field.help)}</small>}
        </span>
      </label>
    );
  return (
    <Labelled label={w(field.label) || field.name} help={w(field.help)} required={field.required} error={error}>
      {(id, described) => <OneInput {...p} id={id} described={described} bad={!!error} />}
    </Labelled>
  );
}

function OneInput({
  field: f,
  value,
  set: put,
  id,
  described,
  bad,
  feature,
}: Input & { id: string; described?: string; bad: boolean }) {
  /* An emptied field is left out, unless the kind has a default that empty must stand against. */
  const set = (v: Json | undefined) => put(v === undefined && typeof f.default === "string" ? "" : v);
  const same = { id, "aria-describedby": described, "aria-invalid": bad || undefined, required: f.required, name: f.name };
  const text = value === undefined || value === null ? "" : String(value);
  const bounded = f.max !== undefined && f.min !== undefined && f.max > f.min;
  if (f.type === "prose")
    return <textarea {...same} rows={3} value={text} onInput={(e) => set(e.currentTarget.value || undefined)} />;
  if (f.type === "choice")
    return (
      <select {...same} value={text} onChange={(e) => set(e.currentTarget.value || undefined)}>
        {!f.required && f.default === undefined && <option value="">—</option>}
        {(f.choices ?? []).map((c) => (
          <option key={c} value={c}>
            {c}
          </option>
        ))}
      </select>
    );
  if (f.type === "model") return <ModelInput same={same} value={text} set={set} />;
  if (f.type === "item" && feature) return <ItemInput same={same} value={text} set={set} feature={feature} />;
  if (f.type === "int" || f.type === "real")
    return (
      <input
        {...same}
        type="number"
        step={f.type === "int" ? 1 : "any"}
        min={bounded ? f.min : undefined}
        max={bounded ? f.max : undefined}
        value={text}
        onInput={(e) => set(e.currentTarget.value === "" ? undefined : e.currentTarget.valueAsNumber)}
      />
    );
  return (
    <input
      {...same}
      type={f.type === "url" ? "url" : "text"}
      value={text}
      onInput={(e) => set(e.currentTarget.value || undefined)}
    />
  );
}

type Same = Record<string, unknown> & { id: string };
function ModelInput({ same, value, set }: { same: Same; value: string; set: (v: Json | undefined) => void }) {
  const models = useLoad(() => get<{ data: Model[] }>("/v1/models"), []);
  const names = (models.data?.data ?? []).map((m) => m.id);
  if (value && !names.includes(value)) names.unshift(value);
  return (
    <select {...same} value={value} onChange={(e) => set(e.currentTarget.value || undefined)}>
      <option value="">{t("choose_model")}</option>
      {names.map((n) => (
        <option key={n} value={n}>
          {n}
        </option>
      ))}
    </select>
  );
}

/* A piece of content: found by words, chosen from a list. */
function ItemInput({
  same,
  value,
  set,
  feature,
}: {
  same: Same;
  value: string;
  set: (v: Json | undefined) => void;
  feature: string;
}) {
  const [query, setQuery] = useState("");
  const found = useLoad(
    () => get<{ items: Item[] }>(url(["features", feature, "content"], { query, limit: 20 })),
    [feature, query],
  );
  const items = found.data?.items ?? [];
  return (
    <div class="pair">
      <input
        type="search"
        aria-label={t("search_item")}
        placeholder={t("search_item")}
        value={query}
        onInput={(e) => setQuery(e.currentTarget.value)}
      />
      <select {...same} value={value} onChange={(e) => set(e.currentTarget.value || undefined)}>
        <option value="">{t("none")}</option>
        {value && !items.some((i) => i.id === value) && <option value={value}>{value}</option>}
        {items.map((i) => (
          <option key={i.id} value={i.id}>
            {titleOf(i)}
          </option>
        ))}
      </select>
    </div>
  );
}

function ListInput({ field, value, set, ...place }: Input) {
  const list = Array.isArray(value) ? (value as JsonMap[]) : [];
  return (
    <fieldset>
      <legend>{w(field.label)}</legend>
      {field.help && <p class="help">{w(field.help)}</p>}
      {list.map((row, i) => (
        <div class="list-row" key={i}>
          <Form
            fields={field.of ?? []}
            value={row}
            set={(v) => set(list.map((r, k) => (k === i ? v : r)))}
            feature={place.feature}
          />
          <Button look="quiet" onClick={() => set(list.filter((_, k) => k !== i))}>
            {t("remove")}
          </Button>
        </div>
      ))}
      <Button onClick={() => set([...list, startOf(field.of ?? [])])}>{t("add")}</Button>
    </fieldset>
  );
}

/* Files are dropped or chosen; the button is the way for a keyboard. */
export function FilesInput({ field, files, set }: { field: Field; files: File[]; set: (f: File[]) => void }) {
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const drop = (e: DragEvent) => {
    e.preventDefault();
    setOver(false);
    set([...files, ...Array.from(e.dataTransfer?.files ?? [])]);
  };
  return (
    <Labelled label={w(field.label)} help={w(field.help)} required={field.required}>
      {(id, described) => (
        <div
          class={`drop ${over ? "over" : ""}`}
          onDragOver={(e) => (e.preventDefault(), setOver(true))}
          onDragLeave={() => setOver(false)}
          onDrop={drop}
        >
          <span class="muted">{t("drop_files")}</span>
          <input
            ref={input}
            id={id}
            aria-describedby={described}
            type="file"
            multiple
            onChange={(e) => set([...files, ...Array.from(e.currentTarget.files ?? [])])}
          />
          {files.length > 0 && (
            <ul class="plain">
              {files.map((f, i) => (
                <li key={i} class="row">
                  {f.name}
                  <Button
                    look="quiet"
                    aria-label={`${t("remove")} ${f.name}`}
                    onClick={() => {
                      set(files.filter((_, k) => k !== i));
                      if (input.current) input.current.value = "";
                    }}
                  >
                    ✕
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </Labelled>
  );
}
