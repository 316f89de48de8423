/* words/en.ts: every sentence of the console in English, and with it the list of keys. Grouped by page; `{name}` is a parameter. */
export const en = {
  // frame
  console: "Console", skip: "Skip to the content", menu: "Menu", overview: "Overview", inbox: "Inbox", models: "Models", runs: "Runs",
  keys: "Keys", new_feature: "New feature", features: "Features", sign_out: "Sign out", signed_in_as: "{name} · {role}",
  language: "Language", theme: "Appearance", theme_auto: "As the system", theme_light: "Light", theme_dark: "Dark",
  loading: "Loading…", failed: "That did not work", again: "Try again", close: "Close", cancel: "Cancel", save: "Save", send: "Send",
  copy: "Copy", copied: "Copied", more: "Show more", remove: "Remove", add: "Add", yes: "Yes", no: "No",
  not_found: "There is no such page.", to_overview: "To the overview", none: "None", required: "required",
  role_public: "Public", role_app: "App", role_staff: "Staff", role_admin: "Admin",
  // sign-in
  sign_in: "Sign in", sign_in_about: "Sign in with a key, or open the link that “ingot console” prints.", key: "Key",
  key_help: "It starts with “ig-” and is made by “ingot key new --role admin”.", link_used: "This link was used or is too old. A key works always.",
  // overview
  hello: "What to do next", nothing_to_do: "Nothing waits for you.", week: "This week", asked: "Questions", answered: "Answered",
  liked: "Liked", corrections: "Corrections", users: "People", no_features: "There is no feature yet.",
  no_features_about: "A feature is something that your product calls: a support desk, say. Bring a list of questions and answers, and ask.",
  per_day: "Questions per day, four weeks", live_version: "Version {n} is live", no_live: "No version is live",
  candidate_version: "Version {n} is a candidate", items_count: "{n} pieces of content",
  verb_improve: "Learn from feedback", verb_promote: "Decide about the candidate", verb_compare: "Look at the candidate",
  verb_answer: "Write answers", verb_add: "Add content", verb_tickets: "Answer tickets", verb_review: "Look at the feedback",
  // tabs of a feature
  tab_ask: "Try it", tab_content: "Content", tab_feedback: "Feedback", tab_versions: "Versions", tab_settings: "Settings",
  tab_report: "Report",
  // ask
  ask: "Ask", ask_title: "Ask {name}", ask_empty: "Ask what your users ask. What you say about the answers counts as staff’s word.",
  you: "You", confidence: "Confidence {p}", in_ms: "{n} ms", version_n: "version {n}", sources: "Sources", suggestions: "Did you mean",
  unknown_answer: "It does not know this.", person_answer: "It hands this over to a person.", open_passage: "Open the passage",
  other_language: "answered from content in another language", written: "written from the sources", new_conversation: "New conversation",
  like: "Good answer", dislike: "Bad answer", thanks: "Noted.", why_bad: "What is wrong with it?",
  reason_wrong: "Wrong", reason_incomplete: "Incomplete", reason_outdated: "Out of date", reason_unclear: "Unclear",
  better_answer: "A better answer", better_help: "Staff’s corrections are trusted; the next version learns from them.",
  explain: "Why this answer?", explain_title: "Why this answer", score: "Score", from_file: "{file}, line {line}",
  why_question: "Question", why_language: "Language", why_confidence: "Confidence", why_threshold: "Answers above", why_candidates: "Candidates",
  why_score: "Score", why_parts: "Made of", why_words: "Common words", why_classifier: "Learned classifier", why_feedback: "Feedback",
  why_outcome: "Outcome", why_title: "Title", why_item: "Content", why_weights: "Weights", why_lexical: "Common words", why_meaning: "Meaning",
  // content
  content_title: "Content", search_content: "Search in the content", content_total: "{n} pieces", withdraw: "Withdraw",
  withdraw_sure: "Withdraw “{title}”? From now on no version answers from it, after a rollback either.", withdrawn: "withdrawn",
  no_content: "Nothing found.", add_files: "Add content",
  reading: "Reading and building…", added_report: "{added} added, {changed} changed, {same} the same. Version {version} is live.",
  bad_rows: "{n} rows were left out", row_notes: "{n} remarks", file: "File", line: "Line", problem: "What is wrong",
  broken_content: "Refused: answers that are known to be right would break.", force: "Add it all the same",
  // feedback
  unanswered: "Unanswered", disliked: "Disliked", interactions: "Questions and answers", times: "{n} times", write_answer: "Write an answer",
  write_answer_about: "Stands for all {n} questions of this group.", filter_outcome: "Outcome", filter_type: "Feedback", all: "All",
  rated_only: "Only with feedback", no_interactions: "No questions yet.", group_none: "No groups here: good.", outcome_answered: "answered",
  outcome_unknown: "not known", outcome_person: "to a person", type_like: "liked", type_dislike: "disliked", type_correction: "corrected",
  type_none: "taken back", type_rating: "rated", type_click: "clicked", type_conversion: "converted", type_label: "labelled",
  by_staff: "by staff", answer_saved: "Saved. “Learn from feedback” makes a version that knows it.", question: "Question", answer: "Answer",
  // versions
  improve: "Learn from feedback", improve_about: "Trains a candidate and asks it all held-out questions beside the live version.",
  live: "live", candidate: "candidate", version: "Version", made: "Made", reason: "Made by", of_held_out: "{n} held-out questions",
  reason_new: "first version", reason_content: "content", reason_settings: "settings", reason_learn: "learning",
  status_building: "being built", status_complete: "complete", status_failed: "failed", status_removed: "removed",
  compare_live: "Compare with the live one", promote: "Put live", rollback: "Roll back", rollback_sure: "Put the version live that was live before?",
  promote_sure: "Version {n} answers everybody from now on. You can roll back at any time.", promoted: "Version {n} is live.",
  promote_worse: "The gate says that it is worse. Put it live all the same?", share: "Share of questions that the candidate answers",
  share_set: "The candidate answers {p} of the questions.", learned: "Learned from {feedback} pieces of feedback, {cases} examples",
  voices_down: "Voices that count less", weight: "Weight", verdict_better: "Better", verdict_no_worse: "No worse", verdict_worse: "Worse",
  verdict_too_little: "Too little to tell", interval_note: "Dot: the mean. Line: where it lies with 95 % certainty.",
  // comparison
  compare_title: "Version {to} beside version {from}", difference: "Difference", needed: "About {n} more held-out questions would tell.",
  protocol_note: "{n} held-out questions, {protocol}", fixed: "Fixed", broken: "Broken", changed: "Changed", same_count: "{n} answers stayed the same",
  expected: "Expected", before: "Version {n}", nothing_here: "None.", fixed_help: "The new answer is the confirmed one; the old one was not.",
  broken_help: "The old answer was the confirmed one; the new one is not.", changed_help: "A new answer to a disliked question; nobody has judged it yet.",
  // settings
  settings_title: "Settings", no_settings: "This kind has no settings.", settings_saved: "Saved as version {n}, with the same weights.",
  delete_feature: "Delete this feature", delete_sure: "Delete {name} with its content, versions and feedback? Type its name to go on.",
  // report
  report_title: "Report", period: "Period", days_7: "7 days", days_28: "28 days", days_90: "90 days", day: "Day", likes: "Liked", dislikes: "Disliked",
  not_known: "Not known", by_version: "By version", seconds_mean: "Mean time", liked_share: "Liked, of those who said something", table: "As a table",
  since: "Since",
  // inbox
  inbox_title: "Inbox", ticket_open: "open", ticket_answered: "answered", ticket_closed: "closed", no_tickets: "No tickets here.",
  contact: "Contact", transcript: "What was said", your_answer: "Your answer", make_knowledge: "Make it knowledge",
  make_knowledge_help: "The desk answers this way from now on when somebody asks the same.", close_ticket: "Close", ticket_closed_now: "Closed.",
  from_user: "Visitor", from_staff: "Staff", from_desk: "Desk", sent: "Sent.", choose_ticket: "Choose a ticket.",
  // models, runs
  models_title: "Models", no_models: "No models in this workspace.", model: "Model", owned_by: "From", runs_title: "Runs", no_runs: "Nothing was run yet.",
  run: "Run", status: "Status", started: "Started", finished: "Finished", progress: "Progress", events: "Events", stop: "Stop", step: "step",
  job_improve: "learning", job_train: "training", job_new: "new feature", job_queued: "waiting", job_running: "running",
  job_succeeded: "done", job_failed: "failed", job_cancelled: "stopped", to_versions: "To the versions",
  // keys
  keys_title: "Keys", make_key: "Make a key", name: "Name", role: "Role", feature: "Feature", origins: "Pages it may be used from",
  origins_help: "Origins, as https://shop.example; one per line.", visitor_per_minute: "Questions per visitor and minute", revoke: "Revoke",
  revoke_sure: "Revoke “{name}”? Programs that use it stop working at once.", revoked: "revoked", last_used: "Last used", never: "never",
  secret_once: "This is the key. It is shown only once.", script_tag: "Put this into your page, before </body>:", any_feature: "all features",
  role_help: "Public: safe in a web page. App: asks. Staff: answers and corrects. Admin: everything.",
  // new feature
  new_title: "New feature", kind: "Kind", feature_name: "Name of the feature", feature_name_help: "Letters, digits and dashes; programs call it by this name.",
  sources_title: "Your content", create: "Make it", creating: "Reading, training, going live…", created: "{name} is live.",
  choose_model: "No model", search_item: "Search a piece of content", drop_files: "Drop files here, or",
};
