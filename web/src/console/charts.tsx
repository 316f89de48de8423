/* console/charts.tsx: pictures of numbers, as SVG drawn here. Colours come from the style sheet (style/charts.css), so that they
 * follow the appearance; each picture has a sentence for those who do not see it.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Day, Interval } from "../shared/types";
import { count, percent, signed, t } from "./language";

const line = (points: [number, number][]) =>
  points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const width = 160,
    height = 40,
    top = Math.max(1, ...values);
  const points = values.map((v, i): [number, number] => [
    2 + (i * (width - 4)) / Math.max(1, values.length - 1),
    height - 3 - (v / top) * (height - 8),
  ]);
  const last = points[points.length - 1];
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={`${label}: ${values.map(count).join(", ")}`}
    >
      {last && <path class="area" d={`${line(points)}L${last[0]} ${height}L2 ${height}Z`} />}
      <path class="stroke" d={line(points)} />
      {last && <circle class="dot" cx={last[0]} cy={last[1]} r="2.5" />}
    </svg>
  );
}

/* A mean with its interval on a scale from `from` to `to`; with `zero` a line stands at nought (for differences). */
export function Whisker({
  of,
  from = 0,
  to = 1,
  zero = false,
  label,
  look = "",
}: {
  of: Interval;
  from?: number;
  to?: number;
  zero?: boolean;
  label: string;
  look?: string;
}) {
  if (of.mean === null || of.lo === null || of.hi === null) return <span class="muted">—</span>;
  const width = 220,
    at = (v: number) => 6 + ((Math.min(to, Math.max(from, v)) - from) / (to - from || 1)) * (width - 12);
  const text = zero
    ? `${signed(of.mean)} (${signed(of.lo)} … ${signed(of.hi)})`
    : `${percent(of.mean, 1)} (${percent(of.lo)} … ${percent(of.hi)})`;
  return (
    <div class={`whisker ${look}`}>
      <svg viewBox={`0 0 ${width} 24`} role="img" aria-label={`${label}: ${text}`}>
        <line class="rail" x1="6" x2={width - 6} y1="12" y2="12" />
        {zero && <line class="zero" x1={at(0)} x2={at(0)} y1="2" y2="22" />}
        <line class="range" x1={at(of.lo)} x2={at(of.hi)} y1="12" y2="12" />
        <line class="range" x1={at(of.lo)} x2={at(of.lo)} y1="8" y2="16" />
        <line class="range" x1={at(of.hi)} x2={at(of.hi)} y1="8" y2="16" />
        <circle class="dot" cx={at(of.mean)} cy="12" r="5" />
      </svg>
      <span class="number">{text}</span>
    </div>
  );
}
/* The scale that a list of intervals shares, a little wider than they are. */
export function scaleOf(list: Interval[], zero = false): [number, number] {
  const known = list.filter((i) => i.mean !== null);
  if (!known.length) return [0, 1];
  const lo = Math.min(...known.map((i) => i.lo!), ...(zero ? [0] : [])),
    hi = Math.max(...known.map((i) => i.hi!), ...(zero ? [0] : []));
  const room = Math.max(0.01, (hi - lo) * 0.15);
  return zero ? [lo - room, hi + room] : [Math.max(0, lo - room), Math.min(1, hi + room)];
}

export function ScoreBar({ label, value }: { label: string; value: number }) {
  const share = Math.max(0, Math.min(1, value));
  return (
    <div class="score">
      <span class="score-label">{label}</span>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="rail" width="100" height="8" rx="2" />
        <rect class="bar" width={share * 100} height="8" rx="2" />
      </svg>
      <span class="number">{value.toFixed(2)}</span>
    </div>
  );
}

/* What speaks for (to the right) and against (to the left), longest first. */
export function Weights({ rows }: { rows: { label: string; value: number }[] }) {
  const most = Math.max(...rows.map((r) => Math.abs(r.value))) || 1;
  const against = rows.some((r) => r.value < 0);
  const zero = against ? 50 : 0;
  return (
    <>
      {[...rows]
        .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
        .map((r, i) => {
          const long = ((100 - zero) * Math.abs(r.value)) / most;
          return (
            <div class="score" key={i}>
              <span class="score-label">{r.label}</span>
              <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                <rect class="rail" width="100" height="8" rx="2" />
                <rect
                  class={r.value < 0 ? "bar against" : "bar"}
                  x={r.value < 0 ? zero - long : zero}
                  width={long}
                  height="8"
                  rx="2"
                />
              </svg>
              <span class="number">{r.value.toFixed(2)}</span>
            </div>
          );
        })}
    </>
  );
}

function useWidth() {
  const ref = useRef<HTMLDivElement>(null);
  const [width, set] = useState(600);
  useEffect(() => {
    const o = new ResizeObserver(([e]) => set(Math.max(240, e.contentRect.width)));
    o.observe(ref.current!);
    return () => o.disconnect();
  }, []);
  return [ref, width] as const;
}
const round = (v: number) => (Math.abs(v) >= 100 ? v.toFixed(0) : Number(v.toPrecision(3)).toString());

/* Lines over one x, as the loss over the steps. */
export function LineChart({
  series,
  x,
  label,
}: {
  series: { name: string; points: [number, number][] }[];
  x: string;
  label: string;
}) {
  const [ref, width] = useWidth();
  const height = 200,
    left = 48,
    bottom = 28,
    all = series.flatMap((s) => s.points);
  const xs = all.map((p) => p[0]),
    ys = all.map((p) => p[1]);
  const x0 = Math.min(...xs),
    x1 = Math.max(...xs),
    y0 = Math.min(...ys),
    y1 = Math.max(...ys);
  const px = (v: number) => left + ((v - x0) / (x1 - x0 || 1)) * (width - left - 8);
  const py = (v: number) => 8 + (1 - (v - y0) / (y1 - y0 || 1)) * (height - bottom - 8);
  return (
    <div class="chart" ref={ref}>
      {all.length > 1 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          {[y0, (y0 + y1) / 2, y1].map((v) => (
            <g key={v}>
              <line class="rail" x1={left} x2={width - 8} y1={py(v)} y2={py(v)} />
              <text x={left - 8} y={py(v) + 4} text-anchor="end">
                {round(v)}
              </text>
            </g>
          ))}
          {series.map((s, i) => (
            <path key={s.name} class={`stroke s${i % 4}`} d={line(s.points.map(([a, b]) => [px(a), py(b)]))} />
          ))}
          <text x={left} y={height - 8}>
            {round(x0)}
          </text>
          <text x={width - 8} y={height - 8} text-anchor="end">{`${x} ${round(x1)}`}</text>
        </svg>
      )}
      <div class="legend">
        {series.map((s, i) => (
          <span key={s.name} class={`key s${i % 4}`}>
            {s.name}
          </span>
        ))}
      </div>
    </div>
  );
}

/* Questions per day: answered below, not known above. */
export function DayChart({ days }: { days: Day[] }) {
  const [ref, width] = useWidth();
  const height = 180,
    left = 40,
    bottom = 28,
    top = Math.max(1, ...days.map((d) => d.interactions));
  const step = (width - left - 8) / Math.max(1, days.length),
    bar = Math.max(2, step - 3),
    tall = height - bottom - 8;
  return (
    <div class="chart" ref={ref}>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`${t("per_day")}: ${days.map((d) => `${d.day} ${d.interactions}`).join(", ")}`}
      >
        {[0, 0.5, 1].map((v) => (
          <g key={v}>
            <line class="rail" x1={left} x2={width - 8} y1={8 + tall * (1 - v)} y2={8 + tall * (1 - v)} />
            <text x={left - 8} y={12 + tall * (1 - v)} text-anchor="end">
              {count(Math.round(top * v))}
            </text>
          </g>
        ))}
        {days.map((d, i) => {
          const whole = (d.interactions / top) * tall,
            unknown = (d.unknown / top) * tall,
            x = left + i * step;
          return (
            <g key={d.day}>
              <rect class="bar" x={x} width={bar} y={8 + tall - whole + unknown} height={Math.max(0, whole - unknown)} />
              <rect class="bar unknown" x={x} width={bar} y={8 + tall - whole} height={unknown} />
            </g>
          );
        })}
        {days.length > 0 && (
          <text x={left} y={height - 8}>
            {days[0].day.slice(5)}
          </text>
        )}
        {days.length > 1 && (
          <text x={width - 8} y={height - 8} text-anchor="end">
            {days[days.length - 1].day.slice(5)}
          </text>
        )}
      </svg>
      <div class="legend">
        <span class="key">{t("answered")}</span>
        <span class="key unknown">{t("not_known")}</span>
      </div>
    </div>
  );
}
