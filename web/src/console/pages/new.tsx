/* pages/new.tsx: a new feature: choose a kind, name it, bring content. The form is the kind's own. */
import { useState } from "preact/hooks";
import type { Feature, Kind } from "../../shared/types";
import { post } from "../api";
import { Form, startOf, type Files } from "../form";
import { t, w } from "../language";
import { Button, Card, Labelled, Problem } from "../parts";
import { go, useShared } from "../state";
import { formOf } from "./content";
import { waitFor } from "./jobs";
import { faultOf, type Fault } from "./settings";

export function NewFeature() {
  const { kinds } = useShared();
  const [name, setName] = useState(kinds[0]?.name ?? "");
  const kind = kinds.find((k) => k.name === name);
  return (
    <>
      <h1>{t("new_title")}</h1>
      {kinds.length > 1 && (
        <Card title={t("kind")}>
          <div class="kinds">
            {kinds.map((k) => (
              <label key={k.name} class="kind">
                <input type="radio" name="kind" checked={k.name === name} onChange={() => setName(k.name)} />
                <span>
                  <strong>{w(k.title)}</strong>
                  <small class="help">{w(k.about)}</small>
                </span>
              </label>
            ))}
          </div>
        </Card>
      )}
      {kind && <OfKind key={kind.name} kind={kind} />}
    </>
  );
}

function OfKind({ kind }: { kind: Kind }) {
  const [name, setName] = useState("");
  const [settings, setSettings] = useState(() => startOf(kind.setting_fields));
  const [sources, setSources] = useState(() => startOf(kind.source_fields));
  const [files, setFiles] = useState<Files>({});
  const [fault, setFault] = useState<Fault | null>(null);
  const [busy, setBusy] = useState(false);
  const { say, refresh } = useShared();
  const submit = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setFault(null);
    const form = formOf(files);
    form.append("kind", kind.name);
    form.append("name", name);
    form.append("settings", JSON.stringify(settings));
    for (const [k, v] of Object.entries(sources)) form.append(k, typeof v === "string" ? v : JSON.stringify(v));
    try {
      await waitFor<Feature>(await post("/v1/features", form));
      say(t("created", { name }));
      refresh();
      go("features", name);
    } catch (x) {
      setFault(faultOf(x));
    }
    setBusy(false);
  };
  const nameFault = fault?.param === "name" ? fault.text : undefined;
  return (
    <form onSubmit={submit}>
      <Card>
        <p class="muted">{w(kind.about)}</p>
        <Labelled label={t("feature_name")} help={t("feature_name_help")} required error={nameFault}>
          {(id, d) => (
            <input
              id={id}
              aria-describedby={d}
              required
              pattern="[A-Za-z0-9][A-Za-z0-9_\-]*"
              maxLength={128}
              value={name}
              onInput={(e) => setName(e.currentTarget.value)}
            />
          )}
        </Labelled>
      </Card>
      <Card title={t("sources_title")}>
        <Form
          fields={kind.source_fields}
          value={sources}
          set={setSources}
          files={files}
          setFiles={setFiles}
          fault={fault ?? undefined}
        />
      </Card>
      {kind.setting_fields.length > 0 && (
        <Card title={t("settings_title")}>
          <Form fields={kind.setting_fields} value={settings} set={setSettings} fault={fault ?? undefined} />
        </Card>
      )}
      <Card>
        <Problem text={fault?.text ?? ""} />
        <div class="row">
          <Button type="submit" look="main" busy={busy}>
            {t("create")}
          </Button>
          <span role="status" class="muted">
            {busy && t("creating")}
          </span>
        </div>
      </Card>
    </form>
  );
}
