// Texts of charts that overlap or leave their chart, and charts that are not drawn, by what is seen.
(() => {
  const found = [], drawn = new Set();
  for (const svg of document.querySelectorAll(".charts svg")) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    const id = svg.closest("figure").id;
    drawn.add(id);
    const texts = [...svg.querySelectorAll("text")].filter((text) => text.textContent.trim() && text.getClientRects().length);
    if (texts.length < 3 || svg.querySelectorAll("rect, polyline").length < 1) found.push(`${id}: nothing is drawn`);
    const boxes = texts.map((text) => [text.textContent.trim(), text.getBoundingClientRect()]);
    for (const [text, box] of boxes)
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        found.push(`${id}: ${text} leaves its chart`);
    boxes.forEach(([one, a], place) => {
      for (const [other, b] of boxes.slice(place + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        const scale = frame.width / svg.viewBox.baseVal.width * 4;
        if (across > 1 && down > 4 * scale) found.push(`${id}: ${one} and ${other} overlap by ${across.toFixed()} x ${down.toFixed(1)}`);
      }
    });
  }
  const missing = [...document.querySelectorAll(".charts figure")].filter((figure) => !drawn.has(figure.id));
  if (drawn.size < 8 || missing.length) found.push(`only ${[...drawn]} are seen`);
  for (const table of document.querySelectorAll(".wide")) if (table.scrollWidth > table.clientWidth + 1) found.push(`a table scrolls sideways: ${table.textContent.trim().slice(0, 40)}`);
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  return found;
})()
