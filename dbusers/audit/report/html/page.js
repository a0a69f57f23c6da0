"use strict";
// The table of findings: filters, order and pages over the data in the document. All text goes in
// as text nodes, never as markup, and the state of the filters is the fragment of the address.
{
  const ROWS_ON_A_PAGE = 50;
  const ROWS_IN_PRINT = 1000; // more would be a book
  const RANK = { critical: 4, high: 3, medium: 2, low: 1, "": 0 };
  const KINDS = ["failed", "not judged", "unknown", "accepted"];
  const SELECTS = ["kind", "severity", "engine", "account", "check"];
  // Filters that only links set: a user of one database, whose name others may share.
  const EXACT = ["database", "user"];

  const find = (selector) => document.querySelector(selector);
  const data = (name) => JSON.parse(document.getElementById(`${name}-data`).textContent);
  const number = (count) => count.toLocaleString("en");

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  // ---- The data

  const checks = new Map(data("checks").map((check) => [check.id, check]));

  function loaded() {
    const findings = [];
    let database = null;
    for (const row of data("findings")) {
      if (!Array.isArray(row)) {
        database = row;
        continue;
      }
      const [check, kind, severity, user, detail, accepted, policy, call, command] = row;
      const about = checks.get(check) ?? { id: check, title: "", rationale: "", remedy: "", source: "" };
      findings.push({
        about, check, kind, severity, user, detail, accepted, policy, call, command, database,
        words: [check, about.title, user, detail, accepted, database.name, database.id,
          database.account, database.engine].join("\n").toLowerCase(),
      });
    }
    return findings;
  }

  const findings = loaded();

  const VALUE = {
    kind: (finding) => finding.kind,
    severity: (finding) => finding.severity,
    engine: (finding) => finding.database.engine,
    account: (finding) => finding.database.account,
    check: (finding) => finding.check,
    database: (finding) => finding.database.id,
    user: (finding) => finding.user ?? "",
  };

  // ---- Filters and order

  const form = find("#explorer form");
  let exact = {};
  let order = { by: "severity", descending: true };
  let shown = [];
  let page = 0;
  let opened = new Set();

  function filled(name) {
    const counts = new Map();
    for (const finding of findings) {
      const value = VALUE[name](finding);
      if (value !== "") counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const known = { kind: KINDS, severity: Object.keys(RANK) }[name];
    const values = known ? known.filter((value) => counts.has(value)) : [...counts.keys()].sort();
    const options = values.map((value) => {
      const title = name === "check" ? ` ${checks.get(value)?.title ?? ""}` : "";
      return element("option", { value }, `${value}${title} (${number(counts.get(value))})`);
    });
    form.elements[name].replaceChildren(element("option", { value: "" }, "all"), ...options);
  }

  function matching() {
    const wanted = { ...exact };
    for (const name of SELECTS) {
      if (form.elements[name].value) wanted[name] = form.elements[name].value;
    }
    const tests = Object.entries(wanted).map(([name, value]) => [VALUE[name], value]);
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return findings.filter(
      (finding) =>
        tests.every(([valueOf, value]) => valueOf(finding) === value) &&
        words.every((word) => finding.words.includes(word)),
    );
  }

  const KEYS = {
    severity: (finding) => RANK[finding.severity] - KINDS.indexOf(finding.kind) * 10,
    check: (finding) => finding.check,
    database: (finding) => finding.database.name,
    user: (finding) => finding.user ?? "",
    account: (finding) => finding.database.account,
  };

  function sorted(some) {
    const key = KEYS[order.by];
    const way = order.descending ? -1 : 1;
    const keyed = some.map((finding) => [key(finding), finding]);
    keyed.sort(([a], [b]) => (a < b ? -way : a > b ? way : 0));
    return keyed.map(([, finding]) => finding);
  }

  // ---- The address: #severity=high&search=app

  function state() {
    const parameters = new URLSearchParams(exact);
    for (const { name, value } of form.elements) {
      if (name && value) parameters.set(name, value);
    }
    return parameters.toString();
  }

  function restored(fragment) {
    const parameters = new URLSearchParams(fragment);
    form.reset(); // which forgets `exact` too
    for (const [name, value] of parameters) {
      if (EXACT.includes(name)) exact[name] = value;
      else if (name === "search" || SELECTS.includes(name)) choose(form.elements[name], value);
    }
  }

  function choose(control, value) {
    control.value = value;
    if (control.value !== value) {
      // There are no such findings, and the page says so rather than show others.
      control.append(element("option", { value }, `${value} (0)`));
      control.value = value;
    }
  }

  let remembering = 0;
  function remember() {
    clearTimeout(remembering); // browsers limit how often the address may change
    remembering = setTimeout(() => history.replaceState(null, "", `#${state()}`), 300);
  }

  // ---- The table

  const rows = find("#rows");

  function cell(label, ...children) {
    return element("td", { role: "cell", "data-label": label }, ...children);
  }

  function badge(finding) {
    const text = finding.kind === "failed" ? finding.severity : finding.kind;
    const accepted = finding.kind === "accepted" && finding.severity;
    const name = text.replace(" ", "-");
    return element("span", { class: `severity ${name}` }, accepted ? `${text} (${accepted})` : text);
  }

  function rowOf(finding, index) {
    const open = opened.has(finding);
    const toggle = element(
      "button",
      { type: "button", class: "toggle", "aria-expanded": open, "aria-controls": `more-${index}` },
      element("b", {}, finding.check), " ", finding.about.title,
    );
    const row = element(
      "tr",
      { role: "row", class: open ? "finding open" : "finding" },
      cell("Severity", badge(finding)),
      cell("Check", toggle),
      cell("Database", finding.database.name, element("small", {}, finding.database.engine)),
      cell("User", finding.user ?? element("i", {}, "the database")),
      cell("Account", finding.database.account),
      cell("What was found", finding.accepted === null ? finding.detail : `accepted: ${finding.accepted}`),
    );
    row.addEventListener("click", (event) => {
      const isText = !event.target.closest("button") && String(getSelection());
      if (!isText) turnOver(finding, row, toggle, index);
    });
    const more = open ? [moreOf(finding, index)] : [];
    return [row, ...more];
  }

  function turnOver(finding, row, toggle, index) {
    if (opened.delete(finding)) {
      row.nextElementSibling.remove();
    } else {
      opened.add(finding);
      row.after(moreOf(finding, index));
    }
    toggle.setAttribute("aria-expanded", opened.has(finding));
    row.classList.toggle("open", opened.has(finding));
  }

  function moreOf(finding, index) {
    const { about, database } = finding;
    const place = [database.id, database.provider, database.version, database.region];
    const facts = [
      ["Found", finding.detail],
      ["Accepted because", finding.accepted],
      ["Why it matters", about.rationale],
      ["What to do", about.remedy],
      ["As a command", finding.command && copyable(finding.command, "command")],
      ["As a call", finding.call && copyable(finding.call, "call")],
      ["Database", place.filter(Boolean).join(", ")],
      ["Policy", finding.policy],
      ["Source", about.source && sourceOf(about.source)],
    ];
    const list = facts
      .filter(([, fact]) => fact)
      .flatMap(([name, fact]) => [element("dt", {}, name), element("dd", {}, fact)]);
    return element(
      "tr",
      { role: "row", class: "more", id: `more-${index}` },
      element("td", { role: "cell", colspan: 6 }, element("dl", {}, ...list)),
    );
  }

  function sourceOf(source) {
    return /^https:\/\/\S+$/.test(source)
      ? element("a", { href: source, rel: "noopener noreferrer", target: "_blank" }, source)
      : source;
  }

  function copyable(text, what) {
    const code = element("code", { tabindex: 0 }, text);
    const button = element("button", { type: "button", "aria-label": `Copy the ${what}` }, "Copy");
    button.addEventListener("click", async () => {
      button.textContent = (await copied(text, code)) ? "Copied" : "Selected: press Ctrl+C";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    return element("span", { class: "copyable" }, code, button);
  }

  async function copied(text, code) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      getSelection().selectAllChildren(code); // refused, or not there: the user can still copy it
      return false;
    }
  }

  const pages = () => Math.max(1, Math.ceil(shown.length / ROWS_ON_A_PAGE));

  function draw(count = ROWS_ON_A_PAGE, start = page * ROWS_ON_A_PAGE) {
    const some = shown.slice(start, start + count);
    rows.replaceChildren(...some.flatMap((finding, index) => rowOf(finding, index)));
    const range = some.length ? `${number(start + 1)} to ${number(start + some.length)} of ` : "";
    const only = Object.entries(exact).map(([name, value]) => `, only ${name} ${value}`).join("");
    find("#status").textContent =
      `${range}${number(shown.length)} findings that fit (${number(findings.length)} in all)${only}`;
    find("#page").textContent = `Page ${number(page + 1)} of ${number(pages())}`;
    for (const button of document.querySelectorAll("[data-turn]")) {
      const back = ["first", "previous"].includes(button.dataset.turn);
      button.disabled = back ? page === 0 : page >= pages() - 1;
    }
  }

  function update() {
    shown = sorted(matching());
    page = 0;
    opened = new Set();
    for (const button of document.querySelectorAll("[data-sort]")) {
      const heading = button.parentElement;
      if (button.dataset.sort !== order.by) heading.removeAttribute("aria-sort");
      else heading.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
    }
    draw();
  }

  // ---- What the user does

  form.addEventListener("input", () => { update(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    exact = {};
    setTimeout(() => { update(); remember(); }); // after the browser has emptied the controls
  });
  find(".findings thead").addEventListener("click", ({ target }) => {
    const by = target.dataset.sort;
    if (!by) return;
    order = { by, descending: order.by === by ? !order.descending : by === "severity" };
    update();
  });
  find(".pages").addEventListener("click", ({ target }) => {
    const turns = { first: 0, previous: page - 1, next: page + 1, last: pages() - 1 };
    if (!(target.dataset.turn in turns)) return;
    page = turns[target.dataset.turn];
    draw();
    find("#findings-title").focus();
  });
  function follow() {
    if (!location.hash.includes("=")) return; // a link to a section
    restored(location.hash.slice(1));
    update();
    find("#findings-title").focus();
  }
  addEventListener("hashchange", follow);
  addEventListener("click", ({ target }) => {
    // A second click on the same link changes no address, and is meant all the same.
    if (target.closest("a")?.hash === location.hash) follow();
  });
  addEventListener("beforeprint", () => draw(ROWS_IN_PRINT, 0));
  addEventListener("afterprint", () => draw());

  for (const name of SELECTS) filled(name);
  if (location.hash.includes("=")) restored(location.hash.slice(1));
  else if (findings.some((finding) => finding.kind === "failed")) choose(form.elements.kind, "failed");
  find("#without-script").remove();
  find("#explorer").hidden = false;
  update();
}
