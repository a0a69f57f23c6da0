"use strict";

const at = (id) => document.getElementById(id);
const databases = new Map(); // by the value of their option
let shown = 0; // counts what was asked for: a late answer to an older question is not shown

// Answers

async function ask(method, path, body) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  const options = { method, headers, body: body && JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The service cannot be reached.");
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  const text = typeof problem.detail === "string" ? problem.detail : "The request was not accepted.";
  const wait = answer.headers.get("Retry-After");
  throw new Error(wait ? `${text} Try again in ${wait} s.` : text);
}

async function attempt(what, work) {
  at("problems").replaceChildren();
  try {
    await work();
  } catch (error) {
    complain(what, error);
  }
}

function complain(what, error) {
  const item = document.createElement("li");
  item.textContent = `${what}: ${error.message}`;
  at("problems").append(item);
}

// Databases

function address(database, name, action) {
  const parts = ["api", database.provider, "databases", database.id, "users", name, action];
  const path = parts.filter((part) => part !== undefined).map(encodeURIComponent).join("/");
  return database.app ? `${path}?app=${encodeURIComponent(database.app)}` : path;
}

async function listDatabases() {
  const providers = { digitalocean: "DigitalOcean", scalingo: "Scalingo" };
  const groups = Object.entries(providers).map(async ([provider, label]) => {
    const group = document.createElement("optgroup");
    group.label = label;
    try {
      for (const found of await ask("GET", `api/${provider}/databases`)) {
        const database = { provider, ...found };
        const option = new Option(`${database.name} (${database.engine})`, `${provider} ${database.id}`);
        option.disabled = !database.has_users;
        databases.set(option.value, database);
        group.append(option);
      }
    } catch (error) {
      complain(label, error);
    }
    return group;
  });
  const first = new Option("choose one", "");
  at("database").replaceChildren(first, ...(await Promise.all(groups)));
}

const chosen = () => databases.get(at("database").value);

// Users

async function listUsers() {
  const database = chosen();
  const question = ++shown;
  if (!database) return says("Choose a database.");
  const users = await ask("GET", address(database));
  if (question !== shown) return;
  if (!users.length) return says("It has no users.");
  at("users").replaceChildren(...users.map((user) => userRow(database, user)));
}

function says(text) {
  const row = document.createElement("tr");
  row.insertCell().textContent = text;
  row.cells[0].colSpan = 3;
  at("users").replaceChildren(row);
}

function userRow(database, user) {
  const row = document.createElement("tr");
  row.insertCell().textContent = user.name;
  row.insertCell().textContent = user.built_in ? "built in" : "own";
  const actions = row.insertCell();
  actions.append(button("Rotate", `Rotate the password of ${user.name}`, () => rotate(database, user.name)));
  if (!user.built_in) {
    actions.append(button("Delete", `Delete ${user.name}`, () => remove(database, user.name)));
  }
  return row;
}

function button(text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", async () => {
    made.disabled = true;
    await attempt(label, act);
    made.disabled = false;
  });
  return made;
}

async function rotate(database, name) {
  if (!(await confirmed(`The current password of ${name} stops working at once.`, "Rotate"))) return;
  showPassword(await ask("POST", address(database, name, "rotate")));
}

async function remove(database, name) {
  if (!(await confirmed(`${name} is removed from ${database.name}, for good.`, "Delete"))) return;
  await ask("DELETE", address(database, name));
  forgetPassword();
  await listUsers();
}

function confirmed(question, yes) {
  at("question").textContent = question;
  at("yes").textContent = yes;
  at("ask").returnValue = "no";
  at("ask").showModal();
  return new Promise((resolve) => {
    at("ask").addEventListener("close", () => resolve(at("ask").returnValue === "yes"), { once: true });
  });
}

function showPassword(credentials) {
  at("whose").textContent = credentials.name;
  at("password").textContent = credentials.password ?? "not shown: the service's token may not see it";
  at("credentials").hidden = false;
  at("credentials").scrollIntoView({ block: "nearest" });
}

function forgetPassword() {
  at("password").textContent = "";
  at("credentials").hidden = true;
}

// The audit

let stream = null;

function startAudit() {
  const totals = { databases: 0, done: 0, failed: 0, unlisted: 2 }; // of two providers
  at("findings").replaceChildren();
  at("found").hidden = true;
  at("summary").textContent = "";
  auditRuns(true);
  progress(totals);
  stream = new EventSource("api/audit");
  const on = (event, act) =>
    stream.addEventListener(event, (message) => {
      act(JSON.parse(message.data));
      progress(totals);
    });
  on("listed", (data) => {
    totals.unlisted -= 1;
    totals.databases += data.databases;
  });
  on("not-listed", (data) => {
    totals.unlisted -= 1;
    finding("unread", "not read", data.provider, "", data.error);
  });
  on("skipped", () => { totals.done += 1; });
  on("not-read", (data) => {
    totals.done += 1;
    finding("unread", "not read", data.database, "", data.error);
  });
  on("read", (data) => {
    totals.done += 1;
    totals.failed += data.findings.length;
    for (const each of data.findings) {
      finding(each.severity, each.severity, data.database, each.user ?? "", each.title);
    }
  });
  on("summary", (data) => {
    endAudit(
      `${totals.failed} findings on ${data.users} users of ${data.databases} databases. ` +
        (data.complete ? "Everything was read." : "Not everything could be read: see below."),
    );
  });
  // EventSource would begin all over again by itself.
  stream.addEventListener("error", () => endAudit("The audit broke off: what is below is not all."));
}

function endAudit(text) {
  stream?.close();
  stream = null;
  at("summary").textContent = text;
  auditRuns(false);
}

function auditRuns(running) {
  at("start").disabled = running;
  at("stop").hidden = !running;
  at("progress").hidden = !running;
}

function progress({ databases: all, done, unlisted }) {
  const bar = at("progress").querySelector("progress");
  bar.max = all || 1;
  if (unlisted) bar.removeAttribute("value"); // how much there is to do is not known yet
  else bar.value = done;
  const sofar = `${done} of ${all} databases`;
  at("done").textContent = unlisted ? `${sofar}, and more are being listed …` : sofar;
}

function finding(kind, ...cells) {
  const row = document.createElement("tr");
  for (const text of cells) row.insertCell().textContent = text;
  row.cells[0].className = kind;
  at("findings").append(row);
  at("found").hidden = false;
}

// The page

at("database").addEventListener("change", () => {
  forgetPassword();
  attempt("Users", listUsers);
});
at("create").addEventListener("submit", (event) => {
  event.preventDefault();
  const database = chosen();
  const name = at("name").value;
  attempt(`Create ${name}`, async () => {
    if (!database) throw new Error("choose a database first.");
    showPassword(await ask("POST", address(database), { name }));
    at("name").value = "";
    await listUsers();
  });
});
at("forget").addEventListener("click", forgetPassword);
at("start").addEventListener("click", startAudit);
at("stop").addEventListener("click", () => endAudit("Stopped: what is below is not all."));
listDatabases();
