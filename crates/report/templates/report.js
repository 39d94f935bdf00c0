// What a reader does with report.html: one cursor over all charts, the values at it, zoom, series that are switched
// off, the requests of a moment, and tables that sort. Without it the page shows all the same.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("data").textContent);
  const figures = [...document.querySelectorAll(".charts figure")];
  const charts = [...document.querySelectorAll(".charts svg[data-left]")].map((svg) => ({
    svg, figure: svg.closest("figure"), id: svg.closest("figure").id, box: svg.viewBox.baseVal,
    left: +svg.dataset.left, right: +svg.dataset.right, top: +svg.dataset.top, bottom: +svg.dataset.bottom,
    kept: new Map(),
  }));
  const tip = document.getElementById("tip"), bar = document.getElementById("zoom"), list = document.getElementById("requests");
  // A moment that a line of the story leads to stays while the page scrolls below a mouse that rests.
  let from = 0, to = data.seconds, at = null, pinned = false;

  const element = (name, attributes, parent) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    return parent.appendChild(made);
  };
  const html = (name, text, parent, className) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return parent.appendChild(made);
  };
  const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

  // Times and numbers in words, as the rest of the page has them.
  const two = (value) => String(value).padStart(2, "0");
  const rounded = (value) => String(Math.round(value * 1000) / 1000);
  function moment(seconds) {
    if (data.clock !== undefined) {
      const all = data.clock + seconds, whole = Math.floor(all + 1e-6) % 86400;
      const day = Math.floor((all + 1e-6) / 86400);
      return (day ? `day ${day + 1}, ` : "") + `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
    }
    if (seconds < 600) return `${rounded(seconds)} s`;
    const parts = [[86400, "d"], [3600, "h"], [60, "min"]].map(([unit, name]) => {
      const count = Math.floor(seconds / unit);
      seconds -= count * unit;
      return count ? `${count} ${name} ` : "";
    });
    return (parts.join("") + (seconds ? `${rounded(seconds)} s` : "")).trim();
  }
  const lasting = (micros) => micros < 1000 ? `${micros} µs` : micros < 1e7 ? `${Math.ceil(micros / 1000).toLocaleString("en")} ms` : `${(micros / 1e6).toFixed(1)} s`;

  // The values of a series, of which runs of nothing are packed into a negative number.
  for (const series of data.series) {
    series.all = [];
    for (const value of series.values) {
      if (value < 0) for (let left = -value; left > 0; left--) series.all.push(null);
      else series.all.push(value);
    }
  }
  const valueAt = (series, time) => series.all[Math.floor(time / series.step)] ?? null;

  function readings(id, time) {
    const all = (data.charts[id] || []).map((number) => data.series[number]);
    const sum = all.reduce((sum, series) => sum + (series.kind === "share" ? valueAt(series, time) || 0 : 0), 0);
    const lines = all.map((series) => {
      const value = valueAt(series, time);
      const text = series.kind === "time" ? (value === null ? "too few" : lasting(value))
        : series.kind === "state" ? data.states[value ?? 0] : series.kind === "permille" ? `${(value || 0) / 10}%`
        : series.kind === "microdollars" ? `$${((value || 0) / 1e6).toFixed(4)}`
        : (value || 0).toLocaleString("en") + (series.kind === "share" && sum ? ` (${Math.round(100 * (value || 0) / sum)}%)` : "");
      return { series, value, text };
    });
    return lines.length > 8 ? lines.filter((line) => line.value) : lines;
  }

  const x = (chart, time) => chart.left + (chart.right - chart.left) * (time - from) / (to - from);
  function timeAt(chart, event) {
    const box = chart.svg.getBoundingClientRect();
    const place = (event.clientX - box.left) / box.width * chart.box.width;
    if (place < chart.left - 20 || place > chart.right + 20) return null;
    return clamp(from + (place - chart.left) / (chart.right - chart.left) * (to - from), from, to - 1e-6);
  }

  function drawCursor() {
    for (const chart of charts) {
      chart.cursor ??= element("line", { class: "cursor", y1: chart.top, y2: chart.bottom }, chart.svg);
      const shown = at !== null && at >= from && at <= to;
      chart.cursor.style.display = shown ? "" : "none";
      if (shown) for (const key of ["x1", "x2"]) chart.cursor.setAttribute(key, x(chart, at));
    }
  }

  // Shows the cursor in all charts, and the values of one of them.
  function point(time, chart, place) {
    at = time;
    drawCursor();
    tip.hidden = time === null || !chart;
    if (tip.hidden) return;
    tip.replaceChildren();
    const step = (data.charts[chart.id] || []).reduce((most, number) => Math.max(most, data.series[number].step), data.step);
    const start = Math.floor(time / step) * step;
    html("strong", `${moment(start)} to ${moment(Math.min(start + step, data.seconds))}`, tip);
    const lines = readings(chart.id, time);
    if (!lines.length) html("div", "nothing", tip);
    for (const { series, value, text } of lines) {
      const line = html("div", "", tip);
      element("rect", { width: 10, height: 10, fill: series.ink }, element("svg", { width: 10, height: 10, "aria-hidden": true }, line));
      html("span", series.name, line);
      const told = html("b", text, line);
      line.dataset.name = series.name;
      told.dataset.value = value ?? 0;
    }
    const box = chart.svg.getBoundingClientRect();
    place ??= { clientX: box.left + x(chart, time) / chart.box.width * box.width, clientY: box.top + 90 };
    const wide = document.documentElement.clientWidth;
    const right = place.clientX + 16 + tip.offsetWidth > wide;
    tip.style.left = `${clamp(right ? place.clientX - 16 - tip.offsetWidth : place.clientX + 16, 4, Math.max(4, wide - tip.offsetWidth - 4)) + scrollX}px`;
    tip.style.top = `${clamp(place.clientY + 12, 4, Math.max(4, innerHeight - tip.offsetHeight - 4)) + scrollY}px`;
  }

  // Stretches what stands on the time axis: the coordinates as they were drawn are kept.
  function stretch(chart) {
    const { svg, left, right, kept } = chart;
    const moved = (place) => x(chart, (place - left) / (right - left) * data.seconds);
    for (const shape of svg.querySelectorAll(".d *")) {
      if (!kept.has(shape)) {
        const is = (key) => shape.getAttribute(key);
        kept.set(shape, shape.tagName === "rect" ? [+is("x"), +is("width")] : shape.tagName === "circle" ? +is("cx")
          : (is("points") || "").trim().split(/\s+/).map((pair) => pair.split(",").map(Number)));
      }
      const was = kept.get(shape);
      if (shape.tagName === "rect") {
        const start = moved(was[0]);
        shape.setAttribute("x", start);
        shape.setAttribute("width", Math.max(moved(was[0] + was[1]) - start, 0));
      } else if (shape.tagName === "circle") shape.setAttribute("cx", moved(was));
      else shape.setAttribute("points", was.map(([along, up]) => `${moved(along)},${up}`).join(" "));
    }
    for (const label of svg.querySelectorAll(".l")) {
      const was = +label.dataset.x, now = moved(was);
      label.setAttribute("transform", `translate(${now - was},0)`);
      label.style.display = now < left - 4 || now > right + 4 ? "none" : "";
    }
    marks(chart);
  }

  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400];
  // The marks of the stretched time axis stand in place of those that were drawn.
  function marks(chart) {
    const whole = from === 0 && to === data.seconds;
    for (const group of chart.svg.querySelectorAll("g.t")) {
      const tick = group.querySelector("polyline"), text = group.querySelector("text");
      group.style.display = whole ? "" : "none";
      if (group.nextSibling?.classList?.contains("zoomed")) group.nextSibling.remove();
      if (whole || !tick) continue;
      const marks = element("g", { class: "zoomed" }, chart.svg);
      group.after(marks);
      const [top, bottom] = tick.getAttribute("points").trim().split(/\s+/).map((pair) => +pair.split(",")[1]);
      const most = (chart.right - chart.left) / (data.clock === undefined && data.seconds < 600 ? 300 : 480);
      const step = STEPS.find((step) => (to - from) / step <= most) || Math.ceil((to - from) / most / 86400) * 86400;
      for (let time = Math.ceil(from / step - 1e-9) * step; time <= to + 1e-9; time += step) {
        element("polyline", { points: `${x(chart, time)},${top} ${x(chart, time)},${bottom}`, fill: "none", stroke: "#9CA3AF", "stroke-width": 4 }, marks);
        if (!text) continue;
        const named = text.cloneNode();
        named.setAttribute("x", x(chart, time));
        named.textContent = moment(time);
        marks.append(named);
      }
    }
  }

  function zoom(start, end) {
    const least = Math.min(data.seconds, 5 * data.step);
    [from, to] = [start, end];
    if (to - from < least) from = clamp((start + end - least) / 2, 0, data.seconds - least), to = from + least;
    from = Math.max(from, 0), to = Math.min(to, data.seconds);
    charts.forEach(stretch);
    drawCursor();
    const whole = from === 0 && to === data.seconds;
    bar.hidden = whole;
    bar.querySelector("span").textContent = whole ? "" : `${moment(from)} to ${moment(to)}`;
  }
  const reset = () => zoom(0, data.seconds);

  // Lists the requests that were to be sent in the second, or the step, of a time.
  function tell(time) {
    const start = Math.floor(time / data.step) * data.step, end = start + data.step;
    list.replaceChildren();
    const head = html("div", "", list, "head");
    html("strong", `Requests of ${moment(start)} to ${moment(end)}`, head);
    const close = html("button", "Close", head);
    close.onclick = () => list.close();
    if (data.rows) {
      const rows = data.rows.filter((row) => row[2] >= start * 1000 && row[2] < end * 1000);
      if (!rows.length) html("p", "none", list);
      const table = html("table", "", list), body = html("tbody", "", table);
      for (const [number, group, sent, took, outcome, status, attempts] of rows) {
        const row = html("tr", "", body, outcome === "succeeded" ? "" : "lost");
        html("td", `#${number}`, row);
        html("td", `${moment(Math.round(sent) / 1000)}, ${data.groups[group] ?? ""}`, row);
        html("td", `${outcome.replaceAll("_", " ")}${status ? ` (${status})` : ""} after ${lasting(took * 1000)}`, row);
        html("td", attempts.map(([deployment, begun, lasted, how, code]) =>
          `${data.deployments[deployment] ?? "?"} +${Math.max(0, Math.round(begun - sent))} ms: ${how.replaceAll("_", " ")}${code ? ` (${code})` : ""} in ${lasting(lasted * 1000)}`).join("; "), row);
      }
      html("p", "Why one of them fared so: squall explain FOLDER --request NUMBER", list, "quiet");
    } else {
      html("p", "This run has more requests than its page holds. Beside the page, this prints those of this moment:", list);
      html("code", `awk -F, 'NR == 1 || ($9 >= ${start}e9 && $9 < ${end}e9)' requests.csv`, list);
    }
    if (!list.open) list.showModal();
  }

  for (const chart of charts) {
    const { svg, figure } = chart;
    svg.setAttribute("role", "group");
    let begun = null, band = null;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button || event.target.closest(".k")) return;
      const time = timeAt(chart, event);
      if (time !== null) begun = { time, clientX: event.clientX };
    });
    svg.addEventListener("pointermove", (event) => {
      if (pinned && !event.movementX && !event.movementY) return;
      pinned = false;
      const time = timeAt(chart, event);
      if (begun && time !== null && Math.abs(event.clientX - begun.clientX) > 5) {
        if (!band) svg.setPointerCapture(event.pointerId);
        band ??= element("rect", { class: "band", y: chart.top, height: chart.bottom - chart.top }, svg);
        const [one, other] = [x(chart, begun.time), x(chart, time)].sort((one, other) => one - other);
        band.setAttribute("x", one);
        band.setAttribute("width", other - one);
      }
      point(time, chart, event);
    });
    const done = (event) => {
      const start = begun, was = band, time = timeAt(chart, event);
      begun = band = null;
      was?.remove();
      if (!start || event.type === "pointercancel") return;
      if (was) zoom(...[start.time, time ?? (event.clientX < start.clientX ? from : to)].sort((one, other) => one - other));
      else if (time !== null && event.detail !== 2) chart.click = setTimeout(() => tell(time), 250);
    };
    svg.addEventListener("pointerup", done);
    svg.addEventListener("pointercancel", done);
    svg.addEventListener("pointerleave", () => begun || pinned || point(null));
    svg.addEventListener("dblclick", () => { charts.forEach((each) => clearTimeout(each.click)); reset(); });
    for (const key of svg.querySelectorAll(".k")) {
      const name = key.dataset.series;
      const same = (root) => [...root.querySelectorAll("[data-series]")].filter((group) => group.dataset.series === name);
      if (!same(svg).some((group) => !group.classList.contains("k"))) continue;
      for (const [attribute, value] of Object.entries({ role: "button", tabindex: 0, "aria-pressed": true, "aria-label": `series ${name}` })) key.setAttribute(attribute, value);
      const toggle = () => {
        const off = key.getAttribute("aria-pressed") === "true";
        for (const group of same(figure)) {
          if (group.classList.contains("k")) group.setAttribute("aria-pressed", !off);
          else group.classList.toggle("off", off);
        }
      };
      key.addEventListener("click", toggle);
      key.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); toggle(); } });
    }
  }

  // The chart of a figure that is seen: the wide or the narrow one.
  const seen = (figure) => charts.find((chart) => chart.figure === figure && chart.svg.getClientRects().length);
  for (const figure of figures) {
    if (!seen(figure)) continue;
    figure.tabIndex = 0;
    figure.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight Home End + - Enter Escape");
    figure.addEventListener("keydown", (event) => {
      const chart = seen(figure), time = at ?? from, step = data.step * (event.shiftKey ? 10 : 1), span = to - from;
      const middle = (part) => [time - span * part / 2, time + span * part / 2];
      const keys = {
        ArrowLeft: () => point(clamp(time - step, from, to - 1e-6), chart), ArrowRight: () => point(clamp(time + step, from, to - 1e-6), chart),
        Home: () => point(from, chart), End: () => point(to - 1e-6, chart), Enter: () => tell(time),
        "+": () => zoom(...middle(0.5)), "-": () => zoom(...middle(2)),
      };
      if (!keys[event.key]) return;
      event.preventDefault();
      keys[event.key]();
    });
    figure.addEventListener("blur", () => point(null));
  }
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !list.open) { pinned = false; point(null); reset(); } });
  bar.querySelector("button").onclick = reset;

  // A moment of the story: its second on all charts.
  for (const link of document.querySelectorAll("a[data-at]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const time = +link.dataset.at;
      if (time < from || time > to) reset();
      const chart = seen(figures[0]);
      figures[0].scrollIntoView({ block: "start" });
      figures[0].focus({ preventScroll: true });
      point(clamp(time, 0, data.seconds - 1e-6), chart);
      pinned = true;
    });
  }

  // Tables sort by a click on a column's head: by number where there is one, with its unit.
  const UNITS = { "µs": 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600, d: 86400 };
  function worth(text) {
    const parts = [...text.replaceAll(",", "").matchAll(/(-?\d+(?:\.\d+)?)\s*(µs|ms|min|s|h|d)?(?![\w])/g)];
    return /^[\s<>=$]*-?\d/.test(text) && parts.length ? parts.reduce((sum, [, number, unit]) => sum + number * (UNITS[unit] ?? 1), 0) : null;
  }
  for (const head of document.querySelectorAll("main thead th")) {
    const sort = () => {
      const body = head.closest("table").tBodies[0], place = head.cellIndex;
      const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down > 0 ? "ascending" : "descending");
      const text = (row) => row.cells[place].textContent.trim();
      const rows = [...body.rows].sort((one, other) => {
        const [first, second] = [worth(text(one)), worth(text(other))];
        return down * (first !== null && second !== null ? first - second : first !== null ? -1 : second !== null ? 1 : text(one).localeCompare(text(other)));
      });
      body.append(...rows);
    };
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.onclick = sort;
  }
})();
