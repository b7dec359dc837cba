(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const bar = document.querySelector(".filter");
  const fields = all("input, select", bar);
  const status = bar.querySelector("[role=status]");
  const plain = "#?";

  // Rows: findings and checks with the keys of the menus; their texts are read at the first search.
  const rows = all("[data-o]").map((element) => ({
    element,
    group: element.closest("tbody, article"),
    finding: element.matches(".occurrence"),
    outcome: element.dataset.o,
    suite: element.closest("[data-u]").dataset.u,
    subject: element.dataset.s,
    variant: element.dataset.v,
    text: "",
  }));
  const groups = new Set(rows.map((row) => row.group));
  const boxes = all(".severity, details[data-u]");
  const wasOpen = new Map(boxes.map((box) => [box, box.open]));
  let searchable = false;

  function readTexts() {
    const heads = new Map();
    for (const group of groups) {
      const head = all("h4, .promise, tr.head", group).map((part) => part.textContent);
      heads.set(group, head.join(" ").toLowerCase());
    }
    for (const row of rows) row.text = `${heads.get(row.group)} ${row.element.textContent.toLowerCase()}`;
    searchable = true;
  }

  function matches(row, wanted, words) {
    for (const name of ["outcome", "suite", "subject", "variant"]) {
      if (wanted[name] && row[name] !== wanted[name]) return false;
    }
    return words.every((word) => row.text.includes(word));
  }

  function show(element, visible) {
    if (element.hidden === visible) element.hidden = !visible;
  }

  function filter(wanted) {
    const words = (wanted.q || "").toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !searchable) readTexts();
    const active = words.length > 0 || ["outcome", "suite", "subject", "variant"].some((name) => wanted[name]);
    const shown = new Set();
    const counts = [0, 0, 0, 0];
    for (const row of rows) {
      const visible = !active || matches(row, wanted, words);
      show(row.element, visible);
      if (visible) shown.add(row.group);
      counts[row.finding ? 0 : 2] += visible;
      counts[row.finding ? 1 : 3] += 1;
    }
    for (const group of groups) show(group, shown.has(group));
    for (const box of boxes) {
      const matching = [...box.querySelectorAll("tbody, article")].some((group) => shown.has(group));
      show(box, matching);
      if (box.open !== undefined) box.open = active ? matching : wasOpen.get(box);
    }
    const written = counts.map((count) => count.toLocaleString("en"));
    const counted = (index, word) => `${written[index]} ${word}${counts[index] === 1 ? "" : "s"}`;
    const [findings, checks] = [counted(1, "finding"), counted(3, "check")];
    status.textContent = active ? `${written[0]} of ${findings} and ${written[2]} of ${checks} shown` : `${findings}, ${checks}`;
  }

  // Order of the checks within their suites.
  const tables = all("details[data-u] > table").map((table) => ({ table, bodies: [...table.tBodies] }));
  let order = "";
  function sort(by) {
    if (by === order) return;
    order = by;
    for (const { table, bodies } of tables) {
      const key = { time: (body) => -body.dataset.t, worst: (body) => -body.dataset.w }[by];
      table.append(...(key ? [...bodies].sort((one, other) => key(one) - key(other)) : bodies));
    }
  }

  // The address holds the state, so that a filtered page can be linked.
  const state = () => Object.fromEntries(fields.map((field) => [field.name, field.value]).filter((entry) => entry[1]));
  function apply() {
    filter(state());
    sort(state().sort || "");
  }
  function changed() {
    apply();
    const query = new URLSearchParams(state()).toString();
    history.replaceState(null, "", query ? plain + query : "#findings");
  }
  function read() {
    if (!location.hash.startsWith(plain)) return;
    const wanted = new URLSearchParams(location.hash.slice(plain.length));
    for (const field of fields) {
      field.value = wanted.get(field.name) || "";
      if (field.selectedIndex === -1) field.value = "";
    }
    apply();
  }
  let waiting = 0;
  bar.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, 120);
  });
  bar.querySelector("button").addEventListener("click", () => {
    for (const field of fields) field.value = "";
    changed();
    fields[0].focus();
  });
  addEventListener("hashchange", read);
  for (const part of [bar, ...all(".scripted")]) part.hidden = rows.length === 0;
  apply();
  read();

  // Columns sort when their heading is pressed.
  for (const table of all("table.sortable")) {
    all("thead th", table).forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        const value = (row) => row.cells[column].dataset.n ?? row.cells[column].textContent.trim();
        const body = table.tBodies[0];
        const compare = (one, other) => value(one).localeCompare(value(other), "en", { numeric: true });
        const numbers = (one, other) => value(one) - value(other);
        const by = [...body.rows].every((row) => value(row) !== "" && !isNaN(value(row))) ? numbers : compare;
        body.append(...[...body.rows].sort((one, other) => (up ? by(one, other) : by(other, one))));
      });
    });
  }

  // Commands have a button that copies them.
  for (const code of all(".run code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
    code.after(button);
  }
})();
