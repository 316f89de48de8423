/* console/api.ts: calls of the server that serves this page.
 *
 * The browser holds a cookie (POST /v1/session); anything but GET carries X-Ingot: 1, which no foreign page can send. Errors have
 * OpenAI's shape and become ApiError, whose `param` names the field of a form that is at fault.
 */
import type { Json } from "../shared/types";

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly param: string | null,
    readonly code: string | null,
    readonly body: unknown,
  ) {
    super(message);
  }
}

/* Told when the server says that nobody is signed in any more. */
let onSignedOut: () => void = () => {};
export function whenSignedOut(f: () => void): void {
  onSignedOut = f;
}

type ErrorBody = { error?: { message?: string; param?: string | null; code?: string | null } };

async function failure(r: Response): Promise<ApiError> {
  const body = (await r.json().catch(() => ({}))) as ErrorBody;
  const e = body.error ?? {};
  return new ApiError(r.status, e.message ?? `${r.status} ${r.statusText}`, e.param ?? null, e.code ?? null, body);
}

export async function call<T>(method: string, path: string, body?: Json | FormData): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Ingot"] = "1";
  let payload: string | FormData | undefined;
  if (body instanceof FormData) payload = body;
  else if (body !== undefined) {
    payload = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  const r = await fetch(path, { method, headers, body: payload, credentials: "same-origin" });
  if (!r.ok) {
    const e = await failure(r);
    if (r.status === 401 && path !== "/v1/session") onSignedOut();
    throw e;
  }
  const text = await r.text();
  return (text ? JSON.parse(text) : null) as T;
}

export const get = <T>(path: string) => call<T>("GET", path);
export const post = <T>(path: string, body: Json | FormData = {}) => call<T>("POST", path, body);
export const patch = <T>(path: string, body: Json) => call<T>("PATCH", path, body);
export const remove = (path: string) => call<unknown>("DELETE", path);

/* "/v1/features/desk/content?query=…": every part and value escaped; empty values are left out. */
export function url(parts: string[], query: Record<string, string | number | undefined> = {}): string {
  const q = Object.entries(query).filter(([, v]) => v !== undefined && v !== "");
  const tail = q.map(([k, v]) => `${k}=${encodeURIComponent(String(v))}`).join("&");
  return "/v1/" + parts.map(encodeURIComponent).join("/") + (tail ? "?" + tail : "");
}

export const message = (e: unknown): string => (e instanceof Error ? e.message : String(e));
