/* widget/style.ts: the looks, as a sheet of the shadow root: it neither takes from the page nor gives to it, and needs no permission
 * for inline styles. */
export const style = `
:host { all: initial; }
* { box-sizing: border-box; }
.root { --ground: #fff; --sunken: #f3f1ec; --ink: #1f2421; --muted: #5a6159; --line: #ddd8cd; --edge: #8a8577; --accent: #0f5c5c; --soft: #dcecea; --on: #fff; --bad: #a32a1f;
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif;
  color: var(--ink); position: fixed; right: 24px; bottom: 24px; z-index: 2147483000; }
@media (prefers-color-scheme: dark) { .root { --ground: #1c211f; --sunken: #252b28; --ink: #e8e9e4; --muted: #a6aea8; --line: #333b37; --edge: #7f8a84; --accent: #7fd0c4; --soft: #20413d; --on: #08231f; --bad: #f2a097; } }
button, input, textarea { font: inherit; color: inherit; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.launch { background: var(--accent); color: var(--on); border: 0; border-radius: 28px; min-height: 56px; padding: 0 24px; font-weight: 620; cursor: pointer; box-shadow: 0 4px 20px rgb(0 0 0 / 22%); }
.panel { position: absolute; right: 0; bottom: 0; width: 384px; height: min(640px, calc(100vh - 48px)); display: flex; flex-direction: column; background: var(--ground);
  border: 1px solid var(--line); border-radius: 16px; box-shadow: 0 8px 40px rgb(0 0 0 / 24%); overflow: hidden; animation: rise .16s ease-out; }
[hidden] { display: none !important; }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
@media (prefers-reduced-motion: reduce) { .panel { animation: none; } }
header { display: flex; justify-content: space-between; align-items: center; padding: 12px 16px; background: var(--accent); color: var(--on); }
h2 { font-size: 16px; margin: 0; }
header button { background: none; border: 0; min-width: 40px; min-height: 40px; cursor: pointer; font-size: 18px; color: var(--on); }
header :focus-visible { outline-color: var(--on); }
.log { flex: 1; overflow-y: auto; padding: 16px; display: flex; flex-direction: column; gap: 12px; }
.msg { max-width: 88%; padding: 8px 14px; border-radius: 14px; background: var(--sunken); white-space: pre-wrap; overflow-wrap: anywhere; align-self: flex-start; }
.msg.you { align-self: flex-end; background: var(--soft); }
.msg p { margin: 0; }
.msg .who { font-size: 12px; color: var(--muted); }
.bad { color: var(--bad); }
.sources { font-size: 13px; margin: 8px 0 0; white-space: normal; }
.sources summary { cursor: pointer; color: var(--accent); }
.sources blockquote { margin: 4px 0; padding: 4px 10px; border-left: 3px solid var(--accent); white-space: pre-wrap; }
.row { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px; align-items: center; white-space: normal; }
.small { font-size: 13px; color: var(--muted); }
.chip { border: 1px solid var(--edge); background: var(--ground); border-radius: 16px; min-height: 32px; padding: 2px 12px; cursor: pointer; font-size: 13px; }
.chip[aria-pressed=true] { background: var(--soft); border-color: var(--accent); }
form { display: grid; gap: 8px; padding: 12px 16px; border-top: 1px solid var(--line); }
.ask { grid-template-columns: 1fr auto; }
.msg form { padding: 8px 0 0; border: 0; }
label { font-size: 13px; display: grid; gap: 4px; }
.hide { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
input, textarea { width: 100%; border: 1px solid var(--edge); background: var(--ground); border-radius: 8px; min-height: 40px; padding: 8px 12px; resize: none; }
.thumb { width: 18px; height: 18px; vertical-align: middle; fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.main { background: var(--accent); color: var(--on); border: 0; border-radius: 8px; min-height: 40px; padding: 0 16px; font-weight: 620; cursor: pointer; }
.main:disabled { opacity: .55; }
.plain { background: none; border: 0; color: var(--accent); cursor: pointer; min-height: 40px; padding: 0; text-decoration: underline; text-underline-offset: 3px; justify-self: start; }
.foot { padding: 0 16px 8px; }
@media (max-width: 480px) { .root { right: 16px; bottom: 16px; } .panel { position: fixed; inset: 0; width: auto; height: auto; border: 0; border-radius: 0; } }
`;
