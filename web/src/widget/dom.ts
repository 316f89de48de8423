/* widget/dom.ts: elements made by hand. Text becomes text nodes; there is no way to put HTML in. */
import { thumbUp } from "../shared/thumb";

type Value = string | boolean | ((e: Event) => void) | undefined;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Record<string, Value> = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, v] of Object.entries(props)) {
    if (typeof v === "function") e.addEventListener(name, v);
    else if (v === true) e.setAttribute(name, "");
    else if (typeof v === "string") e.setAttribute(name, v);
  }
  for (const c of children) if (c !== null) e.append(c);
  return e;
}

/* A hand with its thumb up, or down. */
export function thumb(down: boolean): SVGElement {
  const make = (tag: string, attributes: Record<string, string>) => {
    const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    return e as SVGElement;
  };
  const svg = make("svg", { viewBox: "0 0 24 24", class: "thumb", "aria-hidden": "true" });
  svg.append(make("path", down ? { d: thumbUp, transform: "rotate(180 12 12)" } : { d: thumbUp }));
  return svg;
}

/* Tab goes round inside of `panel`; Esc calls `leave`. `root` is the shadow root: it knows what has the focus. */
export function trapFocus(root: ShadowRoot, panel: HTMLElement, leave: () => void): void {
  panel.addEventListener("keydown", (e) => {
    if (e.key === "Escape") {
      e.stopPropagation();
      leave();
    }
    if (e.key !== "Tab") return;
    const all = [...panel.querySelectorAll<HTMLElement>("button, input, textarea, summary, a[href]")].filter(
      (x) => !x.hasAttribute("disabled") && x.offsetParent,
    );
    const first = all[0],
      last = all[all.length - 1];
    if (e.shiftKey ? root.activeElement === first : root.activeElement === last) {
      e.preventDefault();
      (e.shiftKey ? last : first)?.focus();
    }
  });
}
