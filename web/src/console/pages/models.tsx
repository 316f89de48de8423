/* pages/models.tsx: the models of the workspace. */
import type { Model } from "../../shared/types";
import { get } from "../api";
import { t, when } from "../language";
import { Card, Empty, Show, Table } from "../parts";
import { useLoad } from "../state";

export function Models() {
  const list = useLoad(() => get<{ data: Model[] }>("/v1/models"), []);
  return (
    <>
      <h1>{t("models_title")}</h1>
      <Card>
        <Show of={list}>
          {({ data }) =>
            data.length ? (
              <Table
                label={t("models_title")}
                head={[t("model"), t("owned_by"), t("made")]}
                rows={data.map((m) => [<code>{m.id}</code>, m.owned_by ?? "", when(m.created)])}
              />
            ) : (
              <Empty title={t("no_models")} />
            )
          }
        </Show>
      </Card>
    </>
  );
}
