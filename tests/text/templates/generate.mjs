// expected.json from @huggingface/jinja, and from Jinja2 where the two differ:   node generate.mjs FOLDER_WITH_node_modules
// The versions and the commands are in README.md.  null stands for an error.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const require = createRequire(path.join(path.resolve(process.argv[2]), "package.json"));
const { Template } = await import(pathToFileURL(require.resolve("@huggingface/jinja")).href);
const read = (name) => fs.readFileSync(path.join(here, name), "utf8");

function packageSays({ template, variables }) {
  try {
    return new Template(template).render(structuredClone(variables));
  } catch {
    return null;
  }
}

const conversations = JSON.parse(read("conversations.json"));
const expressions = JSON.parse(read("expressions.json"));
const names = fs.readdirSync(here).filter((n) => n.endsWith(".jinja")).sort();
const jobs = [];
for (const name of names)
  for (const c of conversations) jobs.push({ name, conversation: c.name, template: read(name), variables: c.variables });
expressions.templates.forEach((template, i) => jobs.push({ expression: i, template, variables: expressions.variables }));

const jinja2 = JSON.parse(execFileSync("python3", [path.join(here, "reference.py")], { maxBuffer: 1 << 28 }));
const expected = { templates: {}, expressions: [] };
const differ = [];
jobs.forEach((job, i) => {
  const said = packageSays(job);
  if (said !== jinja2[i]) differ.push({ what: job.name ? `${job.name}, ${job.conversation}` : job.template, package: said, jinja2: jinja2[i] });
  if (job.name) (expected.templates[job.name] ??= {})[job.conversation] = jinja2[i];
  else expected.expressions.push(jinja2[i]);
});
fs.writeFileSync(path.join(here, "expected.json"), JSON.stringify(expected, null, 1) + "\n");
console.log(`${jobs.length} cases, ${jobs.length - differ.length} of them the same in both`);
if (process.argv[3] === "--differ") console.log(JSON.stringify(differ, null, 1));
