/* pages/signin.tsx: a key becomes a cookie; a link that signs in once was tried before (main.tsx), and told here when it failed. */
import { useState } from "preact/hooks";
import type { Session } from "../../shared/types";
import { post } from "../api";
import { t } from "../language";
import { Button, Labelled, Problem } from "../parts";
import { useDoing } from "../state";

export function SignIn({ failed, done }: { failed: string; done: (s: Session) => void }) {
  const [key, setKey] = useState("");
  const doing = useDoing();
  const submit = (e: Event) => {
    e.preventDefault();
    void doing.run(async () => done(await post<Session>("/v1/session", { key: key.trim() })));
  };
  return (
    <main class="signin" id="content">
      <form class="card" onSubmit={submit}>
        <h1>Ingot</h1>
        <p class="muted">{t("sign_in_about")}</p>
        <Problem text={doing.error || (failed && `${t("link_used")} (${failed})`)} />
        <Labelled label={t("key")} help={t("key_help")}>
          {(id, described) => (
            <input
              id={id}
              aria-describedby={described}
              type="password"
              autocomplete="current-password"
              required
              value={key}
              onInput={(e) => setKey(e.currentTarget.value)}
            />
          )}
        </Labelled>
        <Button type="submit" look="main" busy={doing.busy}>
          {t("sign_in")}
        </Button>
      </form>
    </main>
  );
}
