/* shared/types.ts: the JSON of the loop's routes as the console and the widget read it (docs/LOOP.md tells the whole of it).
 *
 * Only what is read is written down. What belongs to a kind (requests, answers, corrections) stays `Json`: its form is
 * described by the kind's own fields, and forms and views are made from those.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonMap = { [key: string]: Json };
export type Language = "en" | "zh";
export type Words = { en: string; zh: string };

export type FieldType =
  "text" | "prose" | "int" | "real" | "bool" | "choice" | "files" | "url" | "model" | "item" | "list" | "map";
export interface Field {
  name: string;
  type: FieldType;
  label: Words;
  help?: Words;
  required?: boolean;
  min?: number;
  max?: number;
  choices?: string[];
  default?: Json;
  of?: Field[];
}
export interface Metric {
  name: string;
  label: Words;
  help?: Words;
  lower_is_better?: boolean;
}
export interface Kind {
  name: string;
  title: Words;
  about: Words;
  source_fields: Field[];
  setting_fields: Field[];
  request_fields: Field[];
  answer_fields: Field[];
  correction_fields: Field[];
  metrics: Metric[];
}

/* null where nothing was measured */
export interface Interval {
  mean: number | null;
  lo: number | null;
  hi: number | null;
  n?: number;
}
export interface Voice {
  voice: string;
  weight: number;
  why?: Words;
}
export interface Version {
  number: number;
  status: "building" | "complete" | "failed" | "removed";
  reason: string;
  parent: number;
  created_at: number;
  finished_at: number;
  who?: string;
  metrics?: Record<string, Interval>;
  learned?: { cases: number; feedback: number; voices_down?: Voice[] };
  comparison?: Comparison | null;
}
export interface Change {
  request: Json;
  expected?: Json;
  from: Json;
  to: Json;
  because?: string[];
}
export interface Comparison {
  feature: string;
  from: number;
  to: number;
  verdict: "better" | "no_worse" | "worse" | "too_little";
  why: Words;
  held_out: number;
  protocol: string;
  needed: number;
  metrics: { name: string; from: Interval; to: Interval; difference: Interval }[];
  fixed: Change[];
  broken: Change[];
  changed: Change[];
  counts: { fixed: number; broken: number; changed: number; same: number };
}

export interface Counts {
  interactions: number;
  answered: number;
  unknown: number;
  person: number;
  likes: number;
  dislikes: number;
  corrections: number;
  users: number;
  seconds_mean?: number;
}
export interface Feature {
  id: string;
  name: string;
  kind: string;
  settings: JsonMap;
  live: number;
  candidate: number;
  share: number;
  items: number;
  withdrawn: number;
  created_at: number;
  week: Counts;
  next: { verb: string; why: Words }[];
  versions?: Version[];
}
export interface Group {
  title: string;
  count: number;
  examples: string[];
  interactions: string[];
}
export interface Day {
  day: string;
  interactions: number;
  answered: number;
  unknown: number;
  likes: number;
  dislikes: number;
}
export interface Report {
  since: number;
  until: number;
  total: Counts;
  days: Day[];
  versions: { version: number; since: number; interactions: number; likes: number; dislikes: number; liked: Interval }[];
  unanswered: Group[];
  disliked: Group[];
}

export interface Source {
  item: string;
  title: string;
  passage?: string;
  source?: string;
  line?: number;
  score?: number;
}
export interface SupportAnswer {
  text?: string;
  language?: string;
  written?: boolean;
  other_language?: boolean;
  sources?: Source[];
  suggestions?: Source[];
}
export interface Answer {
  id: string;
  feature: string;
  version: number;
  conversation: string;
  outcome: "answered" | "unknown" | "person";
  confidence: number;
  answer: SupportAnswer;
  seconds: number;
}
export interface Feedback {
  id: string;
  type: string;
  reason?: string | null;
  correction?: Json;
  staff?: boolean;
  value?: number;
  at?: number;
}
export interface Interaction {
  id: string;
  version: number;
  candidate?: boolean;
  conversation: string;
  outcome: string;
  confidence: number;
  request: JsonMap;
  answer: SupportAnswer;
  at: number;
  number?: number;
  feedback?: Feedback[];
}
export interface Item {
  id: string;
  title?: string;
  body?: JsonMap;
  source?: string;
  line?: number;
  changed_at?: number;
  withdrawn_at?: number;
}
export interface RowNote {
  level: "bad" | "note";
  file?: string | null;
  line?: number;
  message: string;
}
export interface Added {
  version?: number; /* 0: nothing was changed */
  items?: number;
  read?: number;
  bad?: number;
  notes?: RowNote[];
  broken?: Change[];
}

export interface Message {
  id: string;
  from: "user" | "staff" | "desk";
  text: string;
  at: number;
}
export interface Ticket {
  id: string;
  feature: string;
  conversation: string;
  interaction?: string | null;
  status: "open" | "answered" | "closed";
  subject: string;
  contact: string;
  created_at: number;
  changed_at: number;
  messages?: Message[];
  interactions?: Interaction[];
}
export interface JobEvent {
  at: number;
  level?: string;
  message: string;
  data?: JsonMap | null;
}
export interface Job {
  id: string;
  kind: string;
  feature?: string | null;
  model?: string | null;
  status: string;
  progress?: { stage?: string; share?: number; detail?: string } | null;
  created_at: number;
  finished_at?: number | null;
  error?: string | null;
  result?: Json;
  events?: JobEvent[];
}
export type Role = "public" | "app" | "staff" | "admin";
export interface Key {
  id: string;
  name: string;
  role: Role;
  created_at: number;
  last_used_at?: number | null;
  revoked_at?: number | null;
  feature?: string | null;
  origins?: string[];
  visitor_per_minute?: number;
  secret?: string;
}
export interface Session {
  key: string | null;
  name: string;
  role: Role;
}
export interface Model {
  id: string;
  created?: number;
  owned_by?: string;
}
