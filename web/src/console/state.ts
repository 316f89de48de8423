/* console/state.ts: what all pages share: who is signed in, the address, the kinds, the appearance, and how a page loads.
 *
 * Addresses lie behind the #, so that the program serves one page for all of them:   /console/#/features/desk/versions
 * A link that signs in once is /console/#link=SECRET; main.tsx takes it before anything is drawn.
 */
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useRef, useState } from "preact/hooks";
import type { Kind, Role, Session } from "../shared/types";
import { message } from "./api";

export interface Shared {
  session: Session;
  kinds: Kind[];
  say: (text: string) => void;
  refresh: () => void;
  revision: number;
}
export const SharedContext = createContext<Shared | null>(null);
export function useShared(): Shared {
  const s = useContext(SharedContext);
  if (!s) throw new Error("a page outside of the frame");
  return s;
}
const order: Role[] = ["public", "app", "staff", "admin"];
export function useMay(role: Role): boolean {
  return order.indexOf(useShared().session.role) >= order.indexOf(role);
}
export function useKind(name: string): Kind | undefined {
  return useShared().kinds.find((k) => k.name === name);
}

/* ---- the address ---- */

export const path = (): string[] => location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
export const to = (...parts: (string | number)[]): string => "#/" + parts.map((p) => encodeURIComponent(String(p))).join("/");
export function go(...parts: (string | number)[]): void {
  location.hash = to(...parts);
}
export function usePath(): string[] {
  const [parts, set] = useState(path);
  useEffect(() => {
    const changed = () => set(path());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parts;
}

/* ---- loading ---- */

export interface Loaded<T> {
  data: T | undefined;
  error: string;
  loading: boolean;
  reload: () => void;
}
/* Calls `load` at first and whenever `deps` change; of several calls under way only the last one counts. */
export function useLoad<T>(load: () => Promise<T>, deps: unknown[]): Loaded<T> {
  const [state, set] = useState<{ data?: T; error: string; loading: boolean }>({ error: "", loading: true });
  const turn = useRef(0);
  const reload = useCallback(() => {
    const mine = ++turn.current;
    set((s) => ({ ...s, error: "", loading: true }));
    load().then(
      (data) => mine === turn.current && set({ data, error: "", loading: false }),
      (e) => mine === turn.current && set((s) => ({ ...s, error: message(e), loading: false })),
    );
  }, deps);
  useEffect(() => {
    reload();
    return () => void turn.current++;
  }, [reload]);
  return { data: state.data, error: state.error, loading: state.loading, reload };
}
/* Calls `f` every `ms` while `on`. */
export function useEvery(ms: number, on: boolean, f: () => void): void {
  const latest = useRef(f);
  latest.current = f;
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms, on]);
}
/* A call that a button starts: `busy` while it runs, `error` when it failed. */
export function useDoing(): {
  busy: boolean;
  error: string;
  clear: () => void;
  run: (f: () => Promise<unknown>) => Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const run = async (f: () => Promise<unknown>) => {
    setBusy(true);
    setError("");
    try {
      await f();
      return true;
    } catch (e) {
      setError(message(e));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, clear: () => setError(""), run };
}

/* ---- appearance ---- */

export type Theme = "auto" | "light" | "dark";
export function currentTheme(): Theme {
  const kept = localStorage.getItem("ingot-theme");
  return kept === "light" || kept === "dark" ? kept : "auto";
}
export function setTheme(theme: Theme): void {
  localStorage.setItem("ingot-theme", theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
