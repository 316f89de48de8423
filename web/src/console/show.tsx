/* console/show.tsx: JSON of a kind's own form, for people. Everything is shown as text.
 *
 * `brief` is one line of it, for lists; `Explanation` draws any explanation: numbers from 0 to 1 as bars, lists of a name and a
 * number as weights to both sides, lists of maps as cards, the rest as words. A kind decides what it explains; this decides how it looks.
 */
import type { Item, Json, JsonMap } from "../shared/types";
import { ScoreBar, Weights } from "./charts";
import { named, t } from "./language";

const isMap = (v: Json | undefined): v is JsonMap => typeof v === "object" && v !== null && !Array.isArray(v);

/* The words that say most come first: a title, a question, a text. */
const telling = ["title", "question", "text", "answer", "query", "item", "label", "value"];
export function brief(v: Json | undefined): string {
  if (v === null || v === undefined) return "—";
  if (Array.isArray(v)) return v.map(brief).join(", ");
  if (typeof v === "number") return String(Math.round(v * 1000) / 1000);
  if (!isMap(v)) return String(v);
  for (const key of telling) if (v[key] !== undefined && v[key] !== null && v[key] !== "") return brief(v[key]);
  const rest = Object.entries(v);
  return rest.length ? rest.map(([k, x]) => `${k}: ${brief(x)}`).join(" · ") : "—";
}
export const titleOf = (i: Item): string => i.title || (i.body ? brief(i.body) : i.id);

/* Names that a kind gives to the parts of an explanation: translated where they are known. */
const spoken = (key: string) => named("why", key).replace(/_/g, " ");
const isScore = (v: Json): v is number => typeof v === "number" && v >= 0 && v <= 1;

/* [{"name", "value"}, …]: one text and one number each. `name` is a part that the kind names, any other text is somebody's own. */
function weightsOf(list: Json[]): { label: string; value: number }[] | null {
  const rows = list.map((v) => {
    const pair = isMap(v) ? Object.entries(v) : [];
    const text = pair.find(([, x]) => typeof x === "string"),
      number = pair.find(([, x]) => typeof x === "number");
    if (pair.length !== 2 || !text || !number) return null;
    return { label: text[0] === "name" ? spoken(String(text[1])) : String(text[1]), value: number[1] as number };
  });
  return rows.every((r) => r !== null) ? rows : null;
}

function Value({ name, value, inside }: { name: string; value: Json; inside: boolean }) {
  if (isScore(value)) return <ScoreBar label={spoken(name)} value={value} />;
  if (Array.isArray(value)) {
    if (!value.length) return null;
    if (!value.some(isMap))
      return (
        <p>
          <span class="muted">{spoken(name)}: </span>
          {value.map((v) => brief(v)).join(", ")}
        </p>
      );
    const weights = weightsOf(value);
    if (weights)
      return (
        <details class="why-weights" open={!inside}>
          <summary>{spoken(name)}</summary>
          <Weights rows={weights} />
        </details>
      );
    return (
      <section class="why-list">
        <h3>{spoken(name)}</h3>
        <ol>
          {value.map((v, i) => (
            <li key={i}>{isMap(v) ? <Explanation of={v} inside /> : brief(v)}</li>
          ))}
        </ol>
      </section>
    );
  }
  if (isMap(value))
    return (
      <section class="why-map">
        <h3>{spoken(name)}</h3>
        <Explanation of={value} inside />
      </section>
    );
  return (
    <p>
      <span class="muted">{spoken(name)}: </span>
      {typeof value === "boolean" ? t(value ? "yes" : "no") : brief(value)}
    </p>
  );
}

/* `inside` another one: what weighs how much is folded. The item behind a title is for programs. */
export function Explanation({ of, inside = false }: { of: JsonMap; inside?: boolean }) {
  const head = typeof of.title === "string" ? of.title : undefined;
  return (
    <div class="why">
      {head && <p class="strong">{head}</p>}
      {Object.entries(of)
        .filter(([k, v]) => k !== "title" && !(head && k === "item") && v !== null)
        .map(([k, v]) => (
          <Value key={k} name={k} value={v} inside={inside} />
        ))}
    </div>
  );
}
