/* pages/settings.tsx: the kind's settings as a form, and the end of a feature. */
import { useState } from "preact/hooks";
import { ApiError, message, patch, remove, url } from "../api";
import { Form, startOf } from "../form";
import { t } from "../language";
import { Button, Card, Confirm, Problem, type Asked } from "../parts";
import { go, useDoing, useKind, useShared } from "../state";
import type { Feature } from "../../shared/types";
import type { OfFeature } from "./feature";

export interface Fault {
  param: string | null;
  text: string;
}
export const faultOf = (e: unknown): Fault => ({ param: e instanceof ApiError ? e.param : null, text: message(e) });

export function Settings({ feature, changed }: OfFeature) {
  const fields = useKind(feature.kind)?.setting_fields ?? [];
  const [value, set] = useState(() => startOf(fields, feature.settings));
  const [fault, setFault] = useState<Fault | null>(null);
  const [busy, setBusy] = useState(false);
  const { say, refresh } = useShared();
  const doing = useDoing();
  const [asked, setAsked] = useState<Asked | null>(null);
  const save = async (e: Event) => {
    e.preventDefault();
    setBusy(true);
    setFault(null);
    try {
      const f = await patch<Feature>(url(["features", feature.name]), { settings: value });
      say(t("settings_saved", { n: f?.live ?? feature.live }));
      changed();
    } catch (x) {
      setFault(faultOf(x));
    }
    setBusy(false);
  };
  const drop = () =>
    doing.run(async () => {
      await remove(url(["features", feature.name]));
      refresh();
      go();
    });
  return (
    <>
      <Card title={t("settings_title")}>
        {fields.length ? (
          <form class="stack" onSubmit={save}>
            <Form fields={fields} value={value} set={set} feature={feature.name} fault={fault ?? undefined} />
            {fault && <Problem text={fault.text} />}
            <div>
              <Button type="submit" look="main" busy={busy}>
                {t("save")}
              </Button>
            </div>
          </form>
        ) : (
          <p class="muted">{t("no_settings")}</p>
        )}
      </Card>
      <Card>
        <Problem text={doing.error} />
        <div>
          <Button
            look="danger"
            busy={doing.busy}
            onClick={() =>
              setAsked({
                text: t("delete_sure", { name: feature.name }),
                action: t("delete_feature"),
                danger: true,
                typed: feature.name,
                run: drop,
              })
            }
          >
            {t("delete_feature")}
          </Button>
        </div>
      </Card>
      {asked && <Confirm of={asked} onClose={() => setAsked(null)} />}
    </>
  );
}
