/* pages/keys.tsx: keys: who may do what. A public key comes with the line for a web page. */
import { useState } from "preact/hooks";
import type { Feature, JsonMap, Key, Role } from "../../shared/types";
import { get, post, remove, url } from "../api";
import { named, t, when } from "../language";
import { Button, Card, Confirm, Copy, Labelled, Problem, Show, Table, Tag, type Asked } from "../parts";
import { useDoing, useLoad } from "../state";

const roles: Role[] = ["app", "public", "staff", "admin"];

export function Keys() {
  const list = useLoad(() => get<{ keys: Key[] }>("/v1/keys"), []);
  const [asked, setAsked] = useState<Asked | null>(null);
  const doing = useDoing();
  const revoke = (k: Key) =>
    setAsked({
      text: t("revoke_sure", { name: k.name }),
      action: t("revoke"),
      danger: true,
      run: () => doing.run(() => remove(url(["keys", k.id]))).then(list.reload),
    });
  return (
    <>
      <h1>{t("keys_title")}</h1>
      <MakeKey made={list.reload} />
      <Card>
        <Problem text={doing.error} />
        <Show of={list}>
          {({ keys }) => (
            <Table
              label={t("keys_title")}
              head={[t("name"), t("role"), t("feature"), t("made"), t("last_used"), t("revoke")]}
              rows={keys.map((k) => [
                k.name,
                named("role", k.role),
                <>
                  {k.feature || t("any_feature")}
                  {k.origins?.length ? <span class="muted small"> {k.origins.join(" ")}</span> : null}
                </>,
                when(k.created_at),
                k.last_used_at ? when(k.last_used_at) : t("never"),
                k.revoked_at ? (
                  <Tag>{t("revoked")}</Tag>
                ) : (
                  <Button look="quiet" aria-label={`${t("revoke")}: ${k.name}`} onClick={() => revoke(k)}>
                    {t("revoke")}
                  </Button>
                ),
              ])}
            />
          )}
        </Show>
      </Card>
      {asked && <Confirm of={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

export const scriptTag = (k: Key): string =>
  `<script src="${location.origin}/widget.js" data-key="${k.secret ?? ""}" data-feature="${k.feature ?? ""}" data-lang="auto"></script>`;

function MakeKey({ made }: { made: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("public");
  const [feature, setFeature] = useState("");
  const [origins, setOrigins] = useState("");
  const [limit, setLimit] = useState(20);
  const [key, setKey] = useState<Key | null>(null);
  const doing = useDoing();
  const features = useLoad(() => get<{ features: Feature[] }>("/v1/features"), []);
  const names = (features.data?.features ?? []).map((f) => f.name);
  const isPublic = role === "public",
    chosen = feature || names[0] || "";
  const submit = (e: Event) => {
    e.preventDefault();
    const body: JsonMap = { name, role };
    if (isPublic)
      Object.assign(body, { feature: chosen, origins: origins.split(/\s+/).filter(Boolean), visitor_per_minute: limit });
    void doing.run(async () => {
      setKey({ feature: isPublic ? chosen : null, ...(await post<Key>("/v1/keys", body)), role });
      setName("");
      made();
    });
  };
  return (
    <Card title={t("make_key")}>
      <form class="stack" onSubmit={submit}>
        <div class="form two">
          <Labelled label={t("name")} required>
            {(id) => <input id={id} required maxLength={128} value={name} onInput={(e) => setName(e.currentTarget.value)} />}
          </Labelled>
          <Labelled label={t("role")} help={t("role_help")}>
            {(id, d) => (
              <select id={id} aria-describedby={d} value={role} onChange={(e) => setRole(e.currentTarget.value as Role)}>
                {roles.map((r) => (
                  <option key={r} value={r}>
                    {named("role", r)}
                  </option>
                ))}
              </select>
            )}
          </Labelled>
          {isPublic && (
            <>
              <Labelled label={t("feature")} required>
                {(id) => (
                  <select id={id} required value={chosen} onChange={(e) => setFeature(e.currentTarget.value)}>
                    {names.map((n) => (
                      <option key={n} value={n}>
                        {n}
                      </option>
                    ))}
                  </select>
                )}
              </Labelled>
              <Labelled label={t("visitor_per_minute")}>
                {(id) => (
                  <input
                    id={id}
                    type="number"
                    min={0}
                    max={10000}
                    value={limit}
                    onInput={(e) => setLimit(e.currentTarget.valueAsNumber || 0)}
                  />
                )}
              </Labelled>
              <Labelled label={t("origins")} help={t("origins_help")} required>
                {(id, d) => (
                  <textarea
                    id={id}
                    aria-describedby={d}
                    required
                    rows={2}
                    value={origins}
                    onInput={(e) => setOrigins(e.currentTarget.value)}
                  />
                )}
              </Labelled>
            </>
          )}
        </div>
        <Problem text={doing.error} />
        <div>
          <Button type="submit" look="main" busy={doing.busy}>
            {t("make_key")}
          </Button>
        </div>
      </form>
      {key?.secret && (
        <div class="secret" role="status">
          <p class="strong">{t("secret_once")}</p>
          <Copy text={key.secret} label={t("key")} />
          {key.role === "public" && (
            <>
              <p>{t("script_tag")}</p>
              <Copy text={scriptTag(key)} label={t("script_tag")} />
            </>
          )}
        </div>
      )}
    </Card>
  );
}
