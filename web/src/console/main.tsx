/* console/main.tsx: the frame: signs in, draws the navigation, and shows the page that the address names. */
import { render } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { Feature, Kind, Language, Session, Ticket } from "../shared/types";
import { get, message, post, remove, whenSignedOut } from "./api";
import { currentLanguage, named, setLanguage, t } from "./language";
import { Problem } from "./parts";
import { FeaturePage } from "./pages/feature";
import { Inbox } from "./pages/inbox";
import { JobPage, Jobs } from "./pages/jobs";
import { Keys } from "./pages/keys";
import { Models } from "./pages/models";
import { NewFeature } from "./pages/new";
import { Overview } from "./pages/overview";
import { SignIn } from "./pages/signin";
import { currentTheme, setTheme, SharedContext, to, useEvery, useLoad, useMay, usePath, type Theme } from "./state";

/* The secret leaves the address at once, so that it is not kept in the history. */
function takeLink(): string {
  const found = /^#link=(.+)$/.exec(location.hash);
  if (found) history.replaceState(null, "", location.pathname + "#/");
  return found ? decodeURIComponent(found[1]) : "";
}
const link = takeLink();
const firstSession = (): Promise<Session> => (link ? post<Session>("/v1/session", { link }) : get<Session>("/v1/session"));

function App() {
  const [session, setSession] = useState<Session | null | undefined>(undefined);
  const [failed, setFailed] = useState("");
  const [, redraw] = useState(0);
  useEffect(() => {
    whenSignedOut(() => setSession(null));
    firstSession().then(setSession, (e) => (setSession(null), link && setFailed(message(e))));
  }, []);
  const choices = <Choices changed={() => redraw((n) => n + 1)} />;
  if (session === undefined)
    return (
      <p class="muted center" role="status">
        {t("loading")}
      </p>
    );
  if (session === null)
    return (
      <div class="alone">
        <SignIn failed={failed} done={setSession} />
        {choices}
      </div>
    );
  return <Console session={session} choices={choices} out={() => void remove("/v1/session").finally(() => setSession(null))} />;
}

function Choices({ changed }: { changed: () => void }) {
  return (
    <div class="choices">
      <label>
        <span class="visually-hidden">{t("language")}</span>
        <select value={currentLanguage()} onChange={(e) => (setLanguage(e.currentTarget.value as Language), changed())}>
          <option value="en" lang="en">
            English
          </option>
          <option value="zh" lang="zh-CN">
            中文
          </option>
        </select>
      </label>
      <label>
        <span class="visually-hidden">{t("theme")}</span>
        <select value={currentTheme()} onChange={(e) => (setTheme(e.currentTarget.value as Theme), changed())}>
          <option value="auto">{t("theme_auto")}</option>
          <option value="light">{t("theme_light")}</option>
          <option value="dark">{t("theme_dark")}</option>
        </select>
      </label>
    </div>
  );
}

function Console({ session, choices, out }: { session: Session; choices: preact.JSX.Element; out: () => void }) {
  const kinds = useLoad(() => get<{ kinds: Kind[] }>("/v1/kinds"), []);
  const [said, say] = useState("");
  const [revision, setRevision] = useState(0);
  const refresh = useCallback(() => setRevision((n) => n + 1), []);
  const parts = usePath(),
    content = useRef<HTMLElement>(null),
    first = useRef(true);
  useEffect(() => {
    if (!first.current) content.current?.focus();
    first.current = false;
  }, [parts.slice(0, 3).join("/")]);
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => say(""), 6000);
    return () => clearTimeout(timer);
  }, [said]);
  if (kinds.error)
    return (
      <div class="center">
        <Problem text={kinds.error} again={kinds.reload} />
      </div>
    );
  if (!kinds.data)
    return (
      <p class="muted center" role="status">
        {t("loading")}
      </p>
    );
  return (
    <SharedContext.Provider value={{ session, kinds: kinds.data.kinds, say, refresh, revision }}>
      <a class="skip" href="#content" onClick={(e) => (e.preventDefault(), content.current?.focus())}>
        {t("skip")}
      </a>
      <div class="frame">
        <Side parts={parts} revision={revision} session={session} choices={choices} out={out} />
        <main id="content" ref={content} tabIndex={-1}>
          <Page parts={parts} />
        </main>
      </div>
      <div class="toast" role="status" aria-live="polite">
        {said && <p>{said}</p>}
      </div>
    </SharedContext.Provider>
  );
}

function Side({
  parts,
  revision,
  session,
  choices,
  out,
}: {
  parts: string[];
  revision: number;
  session: Session;
  choices: preact.JSX.Element;
  out: () => void;
}) {
  const [open, setOpen] = useState(false);
  const staff = useMay("staff"),
    admin = useMay("admin");
  const features = useLoad(() => get<{ features: Feature[] }>("/v1/features"), [revision]);
  const tickets = useLoad(
    () => (staff ? get<{ tickets: Ticket[] }>("/v1/tickets?status=open") : Promise.resolve({ tickets: [] })),
    [staff, parts[0], parts[1]],
  );
  useEvery(30000, staff, tickets.reload);
  useEffect(() => setOpen(false), [parts.join("/")]);
  const waiting = tickets.data?.tickets.length ?? 0;
  const entry = (title: string, now: boolean, ...at: string[]) => (
    <a href={to(...at)} aria-current={now ? "page" : undefined}>
      {title}
    </a>
  );
  return (
    <header class="side">
      <div class="brand">
        <a href={to()}>Ingot</a>
        <button type="button" class="menu-button" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
          {t("menu")}
        </button>
      </div>
      <div id="menu" class={open ? "menu open" : "menu"}>
        <nav aria-label={t("console")}>
          {entry(t("overview"), !parts.length)}
          {staff && entry(t("inbox") + (waiting ? ` (${waiting})` : ""), parts[0] === "inbox", "inbox")}
          <h2>{t("features")}</h2>
          {(features.data?.features ?? []).map((f) => (
            <a
              key={f.id}
              href={to("features", f.name)}
              aria-current={parts[0] === "features" && parts[1] === f.name ? "page" : undefined}
            >
              {f.name}
            </a>
          ))}
          {admin && entry("+ " + t("new_feature"), parts[0] === "new", "new")}
          <h2>{t("console")}</h2>
          {entry(t("models"), parts[0] === "models", "models")}
          {staff && entry(t("runs"), parts[0] === "runs", "runs")}
          {admin && entry(t("keys"), parts[0] === "keys", "keys")}
        </nav>
        <div class="foot">
          {choices}
          <p class="muted small">{t("signed_in_as", { name: session.name, role: named("role", session.role) })}</p>
          <button type="button" class="link" onClick={out}>
            {t("sign_out")}
          </button>
        </div>
      </div>
    </header>
  );
}

function Page({ parts }: { parts: string[] }) {
  const [room, name] = parts;
  if (!room) return <Overview />;
  if (room === "features" && name) return <FeaturePage key={name} name={name} parts={parts.slice(2)} />;
  if (room === "inbox") return <Inbox id={name} />;
  if (room === "models") return <Models />;
  if (room === "runs") return name ? <JobPage key={name} id={name} /> : <Jobs />;
  if (room === "keys") return <Keys />;
  if (room === "new") return <NewFeature />;
  return (
    <p>
      {t("not_found")} <a href={to()}>{t("to_overview")}</a>
    </p>
  );
}

setLanguage(currentLanguage());
setTheme(currentTheme());
render(<App />, document.getElementById("app")!);
